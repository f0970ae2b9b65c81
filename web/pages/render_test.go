package pages

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"cohort/web/i18n"
)

// out keeps the rendered samples, to be looked at in a browser:
// go test ./web/pages -run Samples -out DIR
var out = flag.String("out", "", "directory to write the rendered samples and static files to")

func newTemplates(t testing.TB) (*Templates, *Assets) {
	t.Helper()
	assets, err := NewAssets("湘南一中", DefaultColor("school"))
	if err != nil {
		t.Fatal(err)
	}
	templates, err := NewTemplates(assets, time.UTC, func() time.Time { return sampleNow })
	if err != nil {
		t.Fatal(err)
	}
	return templates, assets
}

func render(t testing.TB, templates *Templates, s sample, lang string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := templates.Execute(&b, s.page, lang, s.view()); err != nil {
		t.Fatalf("%s in %s: %v", s.name(), lang, err)
	}
	return b.Bytes()
}

func TestSamplesRender(t *testing.T) {
	templates, assets := newTemplates(t)
	shown := map[string]bool{}
	for _, s := range samples() {
		shown[s.page] = true
		for _, lang := range i18n.Languages() {
			page := render(t, templates, s, lang)
			for _, problem := range check(page) {
				t.Errorf("%s in %s: %s", s.name(), lang, problem)
			}
			if *out != "" {
				write(t, filepath.Join(*out, s.name()+"."+lang+".html"), page)
			}
		}
	}
	for name := range pageTable {
		if !shown[name] {
			t.Errorf("no sample shows %s", name)
		}
	}
	if *out != "" {
		for name, f := range assets.files {
			write(t, filepath.Join(*out, "static", f.hash, name), f.plain)
			write(t, filepath.Join(*out, "static", "0", name), f.plain)
		}
	}
}

// A field of a view that is named like one of the frame would take its place
// there.
func TestViewsDoNotHideTheFrame(t *testing.T) {
	frame := reflect.TypeFor[Page]()
	for _, s := range samples() {
		view := reflect.TypeOf(s.view()).Elem()
		for i := range view.NumField() {
			f := view.Field(i)
			if _, hides := frame.FieldByName(f.Name); hides {
				t.Errorf("%s.%s hides Page.%s", view.Name(), f.Name, f.Name)
			}
		}
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func zipped(t testing.TB, data []byte) int {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}

// A first visit costs the page, the stylesheet, the drawings and the script.
func TestFirstPageIsLight(t *testing.T) {
	templates, assets := newTemplates(t)
	fixed := 0
	for name, limit := range map[string]int{"app.css": 12 << 10, "app.js": 14 << 10, "icons.svg": 4 << 10} {
		n := len(assets.files[name].zipped)
		if n == 0 || n > limit {
			t.Errorf("%s is %d bytes compressed, want 1 to %d", name, n, limit)
		}
		fixed += n
	}
	for _, s := range samples() {
		if n := fixed + zipped(t, render(t, templates, s, "zh")); n > 50<<10 {
			t.Errorf("%s with styles and script is %d bytes compressed, want at most 50 KB", s.name(), n)
		}
	}
}

func TestOutsidersOfACircleSeeOnlyItsAbout(t *testing.T) {
	templates, _ := newTemplates(t)
	for _, s := range circleSamples() {
		if s.page != "circle" || s.as != "outside" && s.as != "guest" && s.as != "waiting" {
			continue
		}
		page := string(render(t, templates, s, "zh"))
		for _, secret := range []string{"香樟", "林薇", "赵老师", ">29<", ">43<"} {
			if strings.Contains(page, secret) {
				t.Errorf("%s shows %q", s.name(), secret)
			}
		}
		if !strings.Contains(page, "高三 3 班") {
			t.Errorf("%s does not say what the circle is", s.name())
		}
	}
}

func TestWhatPeopleWriteStaysText(t *testing.T) {
	templates, _ := newTemplates(t)
	const evil = `"><script>alert(1)</script>`
	p := samplePosts()[0]
	p.Author.Name, p.Summary, p.Author.Handle = evil, evil, evil
	p.Origin = "javascript:alert(1)"
	c := sampleComposer()
	c.Text, c.Reply = evil, &p
	var b bytes.Buffer
	if err := templates.Execute(&b, "compose", "en", &PostFormPage{Page: samplePage("/x?" + evil), Composer: c}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "<script>") || strings.Contains(b.String(), `href="javascript:`) {
		t.Error("markup from a view became markup of the page")
	}
}

func TestTitles(t *testing.T) {
	templates, _ := newTemplates(t)
	titles := map[string]string{
		"home": "(3) Home · 湘南一中", "tag": "(3) #自习室 · 湘南一中", "profile": "(3) 赵老师 (@zhao) · 湘南一中", "circle": "(3) 2012(3) · 湘南一中",
		"search-found": "(3) 2012 · Search · 湘南一中", "error-404": "There is no such page here · 湘南一中", "help-circles": "(3) Circles · 湘南一中", "post-guest": "Post by 赵老师 · 湘南一中",
	}
	found := 0
	for _, s := range samples() {
		want, ok := titles[s.name()]
		if !ok {
			continue
		}
		found++
		if page := string(render(t, templates, s, "en")); !strings.Contains(page, "<title>"+want+"</title>") {
			_, rest, _ := strings.Cut(page, "<title>")
			got, _, _ := strings.Cut(rest, "</title>")
			t.Errorf("%s has the title %q, want %q", s.name(), got, want)
		}
	}
	if found != len(titles) {
		t.Errorf("%d samples were looked at, want %d", found, len(titles))
	}
}

func TestExecuteRefuses(t *testing.T) {
	templates, _ := newTemplates(t)
	var b bytes.Buffer
	if err := templates.Execute(&b, "nothing", "en", &HelpPage{}); !errors.Is(err, ErrNoPage) {
		t.Errorf("an unknown page gives %v, want ErrNoPage", err)
	}
	// A view of another page fails, and leaves nothing half written.
	if err := templates.Execute(&b, "circle", "en", &HelpPage{Page: samplePage("/")}); err == nil {
		t.Error("a view of another page was shown")
	}
	if b.Len() != 0 {
		t.Errorf("%d bytes were written by pages that failed", b.Len())
	}
	if err := templates.Execute(&b, "help", "tlh", &HelpPage{Page: samplePage("/")}); err != nil || !strings.Contains(b.String(), `lang="en"`) {
		t.Errorf("a language without locale is not answered in English: %v", err)
	}
}

func BenchmarkHome(b *testing.B) {
	templates, _ := newTemplates(b)
	view := &TimelinePage{Page: samplePage("/")}
	for len(view.Timeline.Posts) < 20 {
		view.Timeline.Posts = append(view.Timeline.Posts, samplePosts()...)
	}
	var w bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		w.Reset()
		if err := templates.Execute(&w, "home", "zh", view); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		newTemplates(b)
	}
}

package pages

import (
	"html/template"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestGlyphs(t *testing.T) {
	for name, want := range map[string]string{
		"林薇": "薇", "陈默": "默", "赵老师": "赵", "欧阳修文": "文", "marta": "M", "Éva Kiss": "É", "中文 name": "中", "很长很长的名字": "很", " ": "·",
	} {
		if got := glyph(Person{Name: name, Handle: "x"}); got != want {
			t.Errorf("the tile of %q shows %q, want %q", name, got, want)
		}
	}
	if got := glyph(Person{Handle: "qq@fedi.example"}); got != "Q" {
		t.Errorf("the tile of a handle shows %q", got)
	}
}

func TestMarks(t *testing.T) {
	for name, want := range map[string]string{
		"2012(3)": "12", "2027 届 2 班": "27", "平台组": "平", "Platform Team": "PT", "alumni": "A", "": "", "---": "",
	} {
		if got := mark(CircleRef{Name: name}); got != want {
			t.Errorf("the mark of %q is %q, want %q", name, got, want)
		}
	}
	if mark(CircleRef{Name: "x", Mark: "同"}) != "同" {
		t.Error("a chosen mark is not used")
	}
}

func TestFocus(t *testing.T) {
	for _, c := range []struct {
		x, y float64
		want string
	}{
		{0, 0, "fx2 fy2"}, {-1, 1, "fx0 fy0"}, {1, -1, "fx4 fy4"}, {0.4, 0.6, "fx3 fy1"}, {9, -9, "fx4 fy4"},
	} {
		if got := focus(MediaView{FocusX: c.x, FocusY: c.y}); got != c.want {
			t.Errorf("focus %v,%v gives %s, want %s", c.x, c.y, got, c.want)
		}
	}
}

func TestSwitchLang(t *testing.T) {
	for path, want := range map[string]string{
		"/": "/?lang=en", "/search?q=a&lang=zh": "/search?lang=en&q=a", "//evil.example/": "/?lang=en", "https://evil.example/": "/?lang=en", "%zz": "/?lang=en",
	} {
		if got := switchLang(path, "en"); got != want {
			t.Errorf("the language link of %s is %s, want %s", path, got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	for in, want := range map[template.HTML]string{
		"":                                    "",
		"<p>a</p><p>b &amp; c<br>d</p>":       "a b & c d",
		`<p>x <a href="/y">#<b>tag</b></a>`:   "x #tag",
		template.HTML("<p>" + long("字", 200)): long("字", excerptRunes) + "…",
	} {
		if got := plain(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func long(s string, n int) string { return strings.Repeat(s, n) }

func FuzzPlain(f *testing.F) {
	for _, s := range []string{"<p>x", "<", "&#0;", "<p/><br>", "\xff", "<script>x</script>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n := utf8.RuneCountInString(plain(template.HTML(s))); n > 3*excerptRunes {
			t.Errorf("an excerpt of %d signs", n)
		}
	})
}

// The sentence is made of the audience alone, in both languages.
func TestAudienceSentences(t *testing.T) {
	circle := &CircleRef{Name: "2012(3)", Slug: "2012-3"}
	for _, c := range []struct {
		lang string
		a    Audience
		want string
	}{
		{"en", Audience{Kind: InCircle, Circle: circle, People: 29, Servers: 6}, "29 people in 2012(3) on 6 servers can read this."},
		{"en", Audience{Kind: InCircle, Circle: circle, People: 1, Servers: 1}, "1 person in 2012(3) on 1 server can read this."},
		{"en", Audience{Kind: InCircle, Circle: circle}, "Only members of 2012(3) can read this."},
		{"zh", Audience{Kind: InCircle, Circle: circle, People: 1029, Servers: 6}, "2012(3) 的 1,029 人能看到，分布在 6 台服务器。"},
		{"en", Audience{Kind: Followers, People: 1, Servers: 1}, "1 follower of the author on 1 server can read this."},
		{"zh", Audience{Kind: Direct}, "只有被点名的人能看到。"},
		// What is not known is never called wider than it may be.
		{"en", Audience{Kind: "strange"}, "Only the people mentioned can read this."},
		{"en", Audience{Kind: InCircle}, "Only the people mentioned can read this."},
	} {
		got, err := words{lang: c.lang}.audience(c.a)
		if err != nil || got != c.want {
			t.Errorf("%+v: %q (%v), want %q", c.a, got, err, c.want)
		}
	}
	if v := (Audience{Kind: InCircle, Circle: circle}).Value(); v != "c/2012-3" {
		t.Errorf("the value of a circle is %s", v)
	}
}

func TestFieldRefusesWhatItDoesNotKnow(t *testing.T) {
	w := words{lang: "en"}
	p := samplePage("/")
	for _, options := range [][]any{{"hint"}, {1, "x"}, {"colour", "red"}, {"required", "yes"}, {"rows", "3"}} {
		if _, err := w.field(&p, "text", "x", "X", "", options...); err == nil {
			t.Errorf("the options %v were taken", options)
		}
	}
	if _, err := w.t("nav.home", "x"); err == nil {
		t.Error("a text took a name without a value")
	}
	if _, err := w.t("nav.home", 1, 2); err == nil {
		t.Error("a text took a number for a name")
	}
}

func TestRetryIsRoundedUp(t *testing.T) {
	if n := (&ErrorPage{Retry: 1001 * time.Millisecond}).RetrySeconds(); n != 2 {
		t.Errorf("1.001 s becomes %d", n)
	}
}

func TestHelpTopics(t *testing.T) {
	if !HelpTopic("") || !HelpTopic("visibility") || HelpTopic("nothing") {
		t.Error("the topics of the help are not those of its table")
	}
}

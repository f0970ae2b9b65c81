package pages

import (
	"bytes"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// browser is one without scripts: it follows links and sends forms as they stand in the page.
type browser struct {
	t      testing.TB
	url    string
	client *http.Client
	lang   string
	// hosts and origin are what a forged request would say.
	header map[string]string
	last   *answer
}

// answer is a page, or what else came back.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	path   string // where it was found in the end
	body   []byte
	root   *html.Node
}

func (h *house) browser() *browser {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &browser{t: h.t, url: h.url, client: &http.Client{Jar: jar}, lang: "en", header: map[string]string{}}
}

func (b *browser) setCookie(name, value string) {
	b.t.Helper()
	u, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// stay makes the browser show redirects instead of following them.
func (b *browser) stay() *browser {
	other := *b
	client := *b.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	other.client = &client
	return &other
}

func (b *browser) do(method, path, kind string, body io.Reader) *answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html,application/xhtml+xml")
	r.Header.Set("Accept-Language", b.lang)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for name, value := range b.header {
		r.Header.Set(name, value)
	}
	resp, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	a := &answer{t: b.t, status: resp.StatusCode, header: resp.Header, path: resp.Request.URL.RequestURI()}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		b.t.Fatal(err)
	}
	b.last = a
	if strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		if a.root, err = html.Parse(bytes.NewReader(a.body)); err != nil {
			b.t.Fatal(err)
		}
		for _, problem := range append(check(a.body), emptyParts(a.root)...) {
			b.t.Errorf("%s %s (%s): %s", method, path, b.lang, problem)
		}
	}
	return a
}

// emptyParts lists lists, sections and tables of a page with nothing in them.
func emptyParts(root *html.Node) (problems []string) {
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || !slices.Contains([]string{"ul", "ol", "dl", "section", "aside", "nav", "article", "main"}, n.Data) {
			continue
		}
		if strings.TrimSpace(textOf(n)) == "" && !strings.Contains(get(n, "class"), "stream") {
			problems = append(problems, "an empty <"+n.Data+" class="+get(n, "class")+">")
		}
	}
	return problems
}

// get opens a page.
func (b *browser) get(path string) *answer {
	b.t.Helper()
	return b.do(http.MethodGet, path, "", nil)
}

// open opens a page that must be there.
func (b *browser) open(path string) *answer {
	b.t.Helper()
	return b.get(path).must(http.StatusOK)
}

// file is a picture chosen in a form.
type file []byte

// send sends the form of the last page whose action is given, as it stands but for what is set. A nil
// value leaves a field out.
func (b *browser) send(action string, set map[string]any) *answer {
	b.t.Helper()
	form := b.last.form(action, set)
	if form == nil {
		b.t.Fatalf("%s has no form to %s", b.last.path, action)
	}
	fields := fieldsOf(form)
	files := map[string]file{}
	for name, value := range set {
		switch v := value.(type) {
		case nil:
			delete(fields, name)
		case string:
			fields[name] = []string{v}
		case file:
			files[name] = v
		}
	}
	if get(form, "enctype") != "multipart/form-data" {
		return b.do(http.MethodPost, action, "application/x-www-form-urlencoded", strings.NewReader(url.Values(fields).Encode()))
	}
	kind, body := multipartOf(b.t, fields, files)
	return b.do(http.MethodPost, action, kind, body)
}

func multipartOf(t testing.TB, fields map[string][]string, files map[string]file) (kind string, body io.Reader) {
	t.Helper()
	var buffer bytes.Buffer
	w := multipart.NewWriter(&buffer)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		for _, value := range fields[name] {
			if err := w.WriteField(name, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, content := range files {
		part, err := w.CreateFormFile(name, name+".png")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), &buffer
}

// post sends fields without a page, as a forger would.
func (b *browser) post(path string, fields url.Values) *answer {
	b.t.Helper()
	return b.do(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(fields.Encode()))
}

// token is the one that forms of the last page carry.
func (a *answer) token() string {
	for n := range a.root.Descendants() {
		if n.Data == "input" && get(n, "name") == "csrf" {
			return get(n, "value")
		}
	}
	return ""
}

// form finds a form by its action; of several, the one that has a button with the name and value set.
func (a *answer) form(action string, set map[string]any) *html.Node {
	if a.root == nil {
		return nil
	}
	var first *html.Node
	for n := range a.root.Descendants() {
		if n.Data != "form" || get(n, "action") != action || get(n, "method") != "post" {
			continue
		}
		if first == nil {
			first = n
		}
		for c := range n.Descendants() {
			if c.Data == "button" && get(c, "name") != "" && set[get(c, "name")] == get(c, "value") {
				return n
			}
		}
	}
	return first
}

// fieldsOf is what a browser would send of a form.
func fieldsOf(form *html.Node) map[string][]string {
	fields := map[string][]string{}
	for n := range form.Descendants() {
		name := get(n, "name")
		if name == "" {
			continue
		}
		switch n.Data {
		case "input":
			kind := get(n, "type")
			if _, checked := attr(n, "checked"); kind == "file" || (kind == "checkbox" || kind == "radio") && !checked {
				continue
			}
			fields[name] = append(fields[name], get(n, "value"))
		case "textarea":
			fields[name] = append(fields[name], strings.TrimPrefix(textOf(n), "\n"))
		case "select":
			for o := range n.Descendants() {
				if _, chosen := attr(o, "selected"); o.Data == "option" && chosen {
					fields[name] = append(fields[name], get(o, "value"))
				}
			}
		}
	}
	return fields
}

// value is what a field of the page holds.
func (a *answer) value(name string) string {
	for n := range a.root.Descendants() {
		if n.Type == html.ElementNode && get(n, "name") == name {
			switch n.Data {
			case "textarea":
				return textOf(n)
			case "input":
				if _, checked := attr(n, "checked"); get(n, "type") != "radio" || checked {
					return get(n, "value")
				}
			}
		}
	}
	return ""
}

func (a *answer) must(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: status %d, want %d: %s", a.path, a.status, status, a.text())
	}
	return a
}

// text is what is read out of the page's content.
func (a *answer) text() string {
	if a.root == nil {
		return string(a.body[:min(len(a.body), 500)])
	}
	for n := range a.root.Descendants() {
		if n.Data == "main" {
			return strings.Join(strings.Fields(textOf(n)), " ")
		}
	}
	return ""
}

func (a *answer) has(text string) bool { return bytes.Contains(a.body, []byte(text)) }

func (a *answer) shows(texts ...string) *answer {
	a.t.Helper()
	for _, text := range texts {
		if !strings.Contains(a.text(), text) {
			a.t.Errorf("%s does not show %q: %s", a.path, text, a.text())
		}
	}
	return a
}

func (a *answer) hides(texts ...string) *answer {
	a.t.Helper()
	for _, text := range texts {
		if a.has(text) {
			a.t.Errorf("%s holds %q", a.path, text)
		}
	}
	return a
}

// errorOf is the message at a field.
func (a *answer) errorOf(field string) string {
	for n := range a.root.Descendants() {
		if n.Type == html.ElementNode && get(n, "id") == "e-"+field {
			return strings.TrimSpace(textOf(n))
		}
	}
	return ""
}

// links lists where a page leads.
func (a *answer) links() []string {
	var links []string
	if a.root == nil {
		return nil
	}
	for n := range a.root.Descendants() {
		for _, name := range []string{"href", "src"} {
			if v := get(n, name); strings.HasPrefix(v, "/") && !strings.HasPrefix(v, "//") {
				links = append(links, v)
			}
		}
	}
	return links
}

func mustURL(t testing.TB, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

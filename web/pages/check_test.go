package pages

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"cohort/web/i18n"
)

// page is a parsed page with what the checks ask of it.
type page struct {
	nodes    []*html.Node
	ids      map[string]*html.Node
	problems []string
}

func (p *page) complain(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

// check reads a page as a browser does and lists what is wrong with it.
func check(data []byte) []string {
	root, err := html.Parse(bytes.NewReader(data))
	if err != nil {
		return []string{err.Error()}
	}
	p := &page{ids: map[string]*html.Node{}}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			p.nodes = append(p.nodes, n)
		}
	}
	p.checkIDs()
	p.checkReferences()
	p.checkHeadings()
	p.checkNames()
	p.checkForms()
	p.checkFrame()
	p.checkTexts(root)
	return p.problems
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func get(n *html.Node, name string) string {
	v, _ := attr(n, name)
	return v
}

func inside(n *html.Node, tags ...string) *html.Node {
	for a := n.Parent; a != nil; a = a.Parent {
		if slices.Contains(tags, a.Data) {
			return a
		}
	}
	return nil
}

// textOf is what is read out: without what is hidden from readers.
func textOf(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	if n.Type == html.ElementNode && get(n, "aria-hidden") == "true" {
		return ""
	}
	var b strings.Builder
	if n.Data == "img" {
		b.WriteString(get(n, "alt"))
	}
	for c := range n.ChildNodes() {
		b.WriteString(textOf(c))
	}
	return b.String()
}

func (p *page) checkIDs() {
	for _, n := range p.nodes {
		id, ok := attr(n, "id")
		if !ok {
			continue
		}
		if id == "" || strings.ContainsAny(id, " \t\n") {
			p.complain("<%s> has the id %q", n.Data, id)
		}
		if p.ids[id] != nil {
			p.complain("id %q is there twice", id)
		}
		p.ids[id] = n
	}
}

func (p *page) checkReferences() {
	for _, n := range p.nodes {
		for _, name := range []string{"aria-labelledby", "aria-describedby", "aria-controls", "for"} {
			v, ok := attr(n, name)
			if ok && v == "" {
				p.complain("<%s> has an empty %s", n.Data, name)
			}
			for _, id := range strings.Fields(v) {
				if p.ids[id] == nil {
					p.complain("%s of <%s> names %q, which is not there", name, n.Data, id)
				}
			}
		}
		href := get(n, "href")
		if strings.HasPrefix(href, "#") && n.Data == "a" && p.ids[href[1:]] == nil {
			p.complain("link to %s leads nowhere", href)
		}
	}
}

func (p *page) checkHeadings() {
	last, ones := 0, 0
	for _, n := range p.nodes {
		if len(n.Data) != 2 || n.Data[0] != 'h' || n.Data[1] < '1' || n.Data[1] > '6' || inside(n, "dialog") != nil {
			continue
		}
		level := int(n.Data[1] - '0')
		if level == 1 {
			ones++
		}
		if level > last+1 {
			p.complain("<%s> %q follows a heading of level %d", n.Data, strings.TrimSpace(textOf(n)), last)
		}
		if strings.TrimSpace(textOf(n)) == "" {
			p.complain("<%s> is empty", n.Data)
		}
		last = level
	}
	if ones != 1 {
		p.complain("%d headings of level 1, want one", ones)
	}
}

// checkNames: whatever can be operated has a name, and every image a text.
func (p *page) checkNames() {
	for _, n := range p.nodes {
		switch n.Data {
		case "a", "button", "summary":
			_, hidden := attr(n, "hidden")
			if get(n, "aria-hidden") == "true" {
				if get(n, "tabindex") != "-1" {
					p.complain("<%s> is hidden from readers but can be focused", n.Data)
				}
				continue
			}
			if !hidden && strings.TrimSpace(textOf(n)) == "" && get(n, "aria-label") == "" {
				p.complain("<%s %s> has no name", n.Data, get(n, "href"))
			}
			if n.Data == "a" && get(n, "href") == "" {
				p.complain("a link leads nowhere: %q", textOf(n))
			}
			if inside(n, "a", "button") != nil {
				p.complain("<%s> stands in a link or button", n.Data)
			}
		case "img":
			if _, ok := attr(n, "alt"); !ok {
				p.complain("image %s has no alt", get(n, "src"))
			}
			if get(n, "width") == "" || get(n, "height") == "" {
				p.complain("image %s has no size and moves the page when it comes", get(n, "src"))
			}
		case "nav", "aside", "section", "dialog", "article":
			if get(n, "aria-label") == "" && get(n, "aria-labelledby") == "" && n.Data != "section" && n.Data != "article" {
				p.complain("<%s> has no name", n.Data)
			}
		}
	}
}

func (p *page) checkForms() {
	for _, n := range p.nodes {
		switch n.Data {
		case "form":
			p.checkForm(n)
		case "input", "select", "textarea":
			_, hidden := attr(n, "hidden")
			if hidden || get(n, "type") == "hidden" {
				continue
			}
			if get(n, "name") == "" && get(n, "id") != "f-code" {
				p.complain("<%s> has no name", n.Data)
			}
			if !p.labelled(n) {
				p.complain("<%s name=%s> has no label", n.Data, get(n, "name"))
			}
		case "fieldset":
			if n.FirstChild == nil || !slices.ContainsFunc(children(n), func(c *html.Node) bool { return c.Data == "legend" }) {
				p.complain("a fieldset has no legend")
			}
		}
	}
}

func (p *page) checkForm(n *html.Node) {
	if inside(n, "form") != nil {
		p.complain("a form stands in a form")
	}
	method := get(n, "method")
	if method != "post" {
		return
	}
	if !strings.HasPrefix(get(n, "action"), "/") {
		p.complain("a form is sent to %q", get(n, "action"))
	}
	for c := range n.Descendants() {
		if c.Data == "input" && get(c, "name") == "csrf" && get(c, "value") != "" {
			return
		}
	}
	p.complain("the form to %s has no csrf field", get(n, "action"))
}

func (p *page) labelled(n *html.Node) bool {
	if get(n, "aria-label") != "" || inside(n, "label") != nil {
		return true
	}
	id := get(n, "id")
	for _, l := range p.nodes {
		if l.Data == "label" && id != "" && get(l, "for") == id && strings.TrimSpace(textOf(l)) != "" {
			return true
		}
	}
	return false
}

func children(n *html.Node) []*html.Node { return slices.Collect(n.ChildNodes()) }

// checkFrame: language, landmarks, the skip link first, and nothing inline.
func (p *page) checkFrame() {
	mains := 0
	first := ""
	for _, n := range p.nodes {
		switch n.Data {
		case "html":
			if get(n, "lang") == "" {
				p.complain("the page has no language")
			}
		case "main":
			mains++
		case "a":
			if first == "" {
				first = get(n, "href")
			}
		case "script":
			if get(n, "src") == "" {
				p.complain("there is a script inside the page")
			}
		case "style":
			p.complain("there are styles inside the page")
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
				p.complain("<%s> has the attribute %s, which the policy forbids", n.Data, a.Key)
			}
			if (a.Key == "src" || n.Data == "link" && get(n, "rel") != "alternate" && a.Key == "href") && !strings.HasPrefix(a.Val, "/") {
				p.complain("<%s> loads %s from elsewhere", n.Data, a.Val)
			}
			if strings.HasPrefix(a.Val, StaticPath+"0/") && a.Val != "/static/0/avatar.png" && a.Val != "/static/0/header.png" {
				p.complain("<%s> names a static file that is not there: %s", n.Data, a.Val)
			}
		}
	}
	if mains != 1 {
		p.complain("%d main landmarks, want one", mains)
	}
	if first != "#main" {
		p.complain("the first link is %q, not the one past the navigation", first)
	}
}

var (
	keyText     = regexp.MustCompile(`\b[a-z]+(\.[a-z_0-9]+)+\b`)
	placeholder = regexp.MustCompile(`\{[A-Za-z_]+\}`)
)

// checkTexts: no key and no placeholder is left where a text should be.
func (p *page) checkTexts(root *html.Node) {
	look := func(where, text string) {
		for _, k := range keyText.FindAllString(text, -1) {
			if i18n.Has(k) {
				p.complain("%s shows the key %s", where, k)
			}
		}
		if m := placeholder.FindString(text); m != "" {
			p.complain("%s shows %s without a value", where, m)
		}
		for _, bad := range []string{"ZgotmplZ", "<no value>", "%!"} {
			if strings.Contains(text, bad) {
				p.complain("%s shows %s: %q", where, bad, text)
			}
		}
	}
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			look("text", n.Data)
			continue
		}
		for _, a := range n.Attr {
			// Texts for the script keep their placeholder.
			if !strings.HasPrefix(a.Key, "data-") {
				look(a.Key, a.Val)
			}
		}
	}
}

// The checks themselves: each finds what it is there for.
func TestChecksFindFaults(t *testing.T) {
	good := `<!doctype html><html lang="en"><body><a href="#main">skip</a><main id="main"><h1>x</h1>%s</main></body></html>`
	if problems := check(fmt.Appendf(nil, good, "")); len(problems) != 0 {
		t.Fatalf("a good page has problems: %v", problems)
	}
	for _, bad := range []string{
		`<p id="main">`, `<p aria-labelledby="x">`, `<a href="#x">x</a>`, `<h3>x</h3>`, `<h1>y</h1>`, `<h2></h2>`,
		`<button></button>`, `<a href="/"><svg aria-hidden="true">x</svg></a>`, `<a href="">x</a>`, `<img src="/x" width="1" height="1">`, `<img src="/x" alt="">`,
		`<nav>x</nav>`, `<form method="post" action="/x"></form>`, `<input name="x">`, `<input id="a" name="x"><label for="a"></label>`,
		`<fieldset></fieldset>`, `<script>x</script>`, `<style>x</style>`, `<p style="x">`, `<p onclick="x">`, `<script src="https://x.example/"></script>`,
		`<p>nav.home`, `<p title="{count} people">`, `<p>ZgotmplZ`, `<main></main>`, `<img src="/static/0/gone.png" alt="" width="1" height="1">`,
	} {
		if len(check(fmt.Appendf(nil, good, bad))) == 0 {
			t.Errorf("nothing is found wrong with %s", bad)
		}
	}
}

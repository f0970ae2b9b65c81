package social

import (
	"bytes"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Limits of remote HTML.
const (
	maxHTMLIn    = 256 << 10 // bytes read; the rest is cut off
	maxHTMLOut   = 512 << 10 // bytes written, links and entities grown
	maxHTMLDepth = 32        // elements inside each other
)

// SanitizeHTML makes remote HTML safe to show and small enough to keep. It
// works in two steps that each allow a list and drop the rest: a bluemonday
// policy for elements, attributes and schemes, then a rebuild that closes what
// is open, sorts what may not be nested, filters class names and adds rel and
// target to links. The result is balanced, has no id, style or data attribute,
// and sanitising it again changes nothing. It can be put inside any <div>.
//
// Headings become bold paragraphs; other blocks become paragraphs; links to
// other schemes than http, https and mailto, relative ones and ones with a
// user name in front of the host become their text.
func SanitizeHTML(s string) string {
	if len(s) > maxHTMLIn {
		s = s[:maxHTMLIn]
	}
	s = strings.ToValidUTF8(s, "")
	c := cleaner{buf: make([]byte, 0, len(s)+len(s)/4+64), stack: make([]open, 0, 8)}
	if !c.simple(s) {
		c = cleaner{buf: c.buf[:0], stack: c.stack[:0]}
		c.run(remotePolicy().SanitizeReader(strings.NewReader(s)))
	}
	return string(c.buf)
}

// remotePolicy is built once; a policy is safe for concurrent use.
var remotePolicy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "span", "del", "s", "pre", "code", "em", "strong", "b", "i", "u", "ul", "ol", "li", "blockquote")
	p.AllowElements("h1", "h2", "h3", "h4", "h5", "h6")
	p.AllowElements("address", "article", "aside", "center", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption",
		"figure", "footer", "form", "header", "hr", "main", "nav", "section", "summary", "table", "td", "th", "tr")
	p.AllowAttrs("href", "rel").OnElements("a")
	p.AllowAttrs("class").OnElements("a", "span", "p")
	p.AllowAttrs("translate").OnElements("a", "span")
	p.AllowAttrs("start", "reversed").OnElements("ol")
	p.AllowAttrs("value").OnElements("li")
	p.AllowNoAttrs().OnElements("span", "form", "main", "nav", "details", "summary")
	p.RequireParseableURLs(true)
	p.AllowURLSchemes("http", "https", "mailto")
	p.SkipElementsContent("applet", "audio", "canvas", "embed", "head", "math", "select", "svg", "template", "textarea",
		"video", "xmp", "plaintext")
	return p
})

// role is how an element is rebuilt.
type role int

const (
	dropped role = iota
	inline
	block     // ends an open paragraph
	heading   // becomes <p><strong>
	item      // li: only inside a list
	paragraph // any other block: what follows is a paragraph of its own
)

func roleOf(a atom.Atom) role {
	switch a {
	case atom.A, atom.Span, atom.Del, atom.S, atom.Code, atom.Em, atom.Strong, atom.B, atom.I, atom.U:
		return inline
	case atom.P, atom.Pre, atom.Ul, atom.Ol, atom.Blockquote:
		return block
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		return heading
	case atom.Li:
		return item
	case atom.Address, atom.Article, atom.Aside, atom.Center, atom.Dd, atom.Details, atom.Div, atom.Dl, atom.Dt,
		atom.Fieldset, atom.Figcaption, atom.Figure, atom.Footer, atom.Form, atom.Header, atom.Hr, atom.Main, atom.Nav,
		atom.Section, atom.Summary, atom.Table, atom.Td, atom.Th, atom.Tr:
		return paragraph
	}
	return dropped
}

// open is an element that was written and not yet closed.
type open struct {
	tag     atom.Atom
	heading bool // a <p> that stands for a heading, with a <strong> inside
	hidden  int  // of a span that clients hide: 1 + where its tag begins in buf
	inner   int  // where its content begins in buf
}

// cleaner is the second step. It writes only what it knows.
type cleaner struct {
	buf   []byte
	stack []open
	apart bool // a block was taken away here: begin a paragraph before text

	// About the link that is open, to judge what of it may be hidden.
	host  string // of its href
	shown []byte // its text so far, hidden parts left out
}

// run rebuilds what the policy left.
func (c *cleaner) run(r *bytes.Buffer) {
	z := html.NewTokenizer(r)
	z.SetMaxBuf(2 * maxHTMLOut)
	for len(c.buf) < maxHTMLOut {
		switch z.Next() {
		case html.ErrorToken:
			c.closeTo(0)
			return
		case html.TextToken:
			c.words(string(z.Text()))
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			tag := atom.Lookup(name)
			c.start(tag, readAttrs(z, more))
		case html.EndTagToken:
			name, _ := z.TagName()
			c.end(atom.Lookup(name))
		}
	}
	c.closeTo(0)
}

func (c *cleaner) start(tag atom.Atom, a attrs) {
	if tag == atom.Br {
		c.begin()
		c.buf = append(c.buf, "<br>"...)
		return
	}
	what := roleOf(tag)
	if what == item && c.find(atom.Ul) < 0 && c.find(atom.Ol) < 0 {
		what = paragraph
	}
	if len(c.stack) >= maxHTMLDepth && what != paragraph {
		return
	}
	switch what {
	case inline:
		c.inline(tag, a)
	case block:
		c.endParagraph()
		c.apart = false
		c.push(open{tag: tag}, a)
	case heading:
		c.endParagraph()
		c.apart = false
		c.push(open{tag: atom.P, heading: true}, attrs{})
		c.buf = append(c.buf, "<strong>"...)
	case item:
		c.endItem()
		c.apart = false
		c.push(open{tag: tag}, a)
	case paragraph:
		c.endParagraph()
		c.apart = len(c.buf) > 0
	}
}

func (c *cleaner) inline(tag atom.Atom, a attrs) {
	o := open{tag: tag}
	switch tag {
	case atom.A:
		if at := c.find(atom.A); at >= 0 {
			c.closeTo(at) // links do not nest
		}
		href, host, ok := safeHref(a.href)
		if !ok {
			return
		}
		a.href = href
		c.host, c.shown = host, c.shown[:0]
		c.begin()
	case atom.Span:
		c.begin()
		if hasWord(a.class, "invisible") {
			o.hidden = 1 + len(c.buf)
		}
	default:
		c.begin()
	}
	c.push(o, a)
}

// push writes a start tag with those of its attributes that its kind may have,
// in alphabetical order.
func (c *cleaner) push(o open, a attrs) {
	c.buf = append(append(c.buf, '<'), o.tag.String()...)
	switch o.tag {
	case atom.P:
		c.classes(a.class)
	case atom.Span, atom.A:
		c.classes(a.class)
		if o.tag == atom.A {
			c.link(a)
		}
		if a.translate == "no" {
			c.buf = append(c.buf, ` translate="no"`...)
		}
	case atom.Ol:
		if a.reversed {
			c.buf = append(c.buf, ` reversed=""`...)
		}
		c.number("start", a.start)
	case atom.Li:
		c.number("value", a.value)
	}
	c.buf = append(c.buf, '>')
	o.inner = len(c.buf)
	c.stack = append(c.stack, o)
}

func (c *cleaner) link(a attrs) {
	c.buf = append(c.buf, ` href="`...)
	c.text(a.href)
	c.buf = append(c.buf, `" rel="`...)
	if hasWord(a.rel, "tag") {
		c.buf = append(c.buf, "tag "...)
	}
	c.buf = append(c.buf, `nofollow noopener noreferrer ugc" target="_blank"`...)
}

// number keeps a small whole number.
func (c *cleaner) number(name, value string) {
	digits := strings.TrimPrefix(value, "-")
	if digits == "" || len(digits) > 9 || strings.Trim(digits, "0123456789") != "" {
		return
	}
	c.buf = append(append(append(c.buf, ' '), name...), `="`...)
	c.buf = append(append(c.buf, value...), '"')
}

// classes keeps the class names by which clients know what they see; names of
// our own pages are not among them.
func (c *cleaner) classes(class string) {
	const limit = 10
	kept := 0
	for word := range strings.FieldsSeq(class) {
		if !allowedClass(word) {
			continue
		}
		if kept == 0 {
			c.buf = append(c.buf, ` class="`...)
		} else {
			c.buf = append(c.buf, ' ')
		}
		c.buf = append(c.buf, word...)
		if kept++; kept == limit {
			break
		}
	}
	if kept > 0 {
		c.buf = append(c.buf, '"')
	}
}

// end closes the nearest such element, with all that is open inside it.
func (c *cleaner) end(tag atom.Atom) {
	switch roleOf(tag) {
	case paragraph:
		c.endParagraph()
		c.apart = len(c.buf) > 0
		return
	case heading:
		tag = atom.P
	}
	if at := c.find(tag); at >= 0 {
		c.closeTo(at)
	}
}

// find gives the place of the innermost open element of this kind, or -1.
func (c *cleaner) find(tag atom.Atom) int {
	for i := len(c.stack) - 1; i >= 0; i-- {
		if c.stack[i].tag == tag {
			return i
		}
	}
	return -1
}

// endParagraph closes the open <p>: a paragraph holds no blocks.
func (c *cleaner) endParagraph() {
	if at := c.find(atom.P); at >= 0 {
		c.closeTo(at)
	}
}

// endItem closes the open <li>, unless a list was opened inside it.
func (c *cleaner) endItem() {
	list := max(c.find(atom.Ul), c.find(atom.Ol))
	c.closeTo(list + 1)
}

// begin opens a paragraph where a block was taken away and text goes on.
func (c *cleaner) begin() {
	if c.apart && c.find(atom.P) < 0 && c.find(atom.Pre) < 0 && c.find(atom.A) < 0 && len(c.stack) < maxHTMLDepth {
		c.push(open{tag: atom.P}, attrs{})
	}
	c.apart = false
}

func (c *cleaner) closeTo(at int) {
	for i := len(c.stack) - 1; i >= at; i-- {
		o := c.stack[i]
		if o.heading {
			c.buf = append(c.buf, "</strong>"...)
		}
		if o.hidden > 0 {
			c.judgeHidden(o)
		}
		c.buf = append(c.buf, "</"...)
		c.buf = append(c.buf, o.tag.String()...)
		c.buf = append(c.buf, '>')
	}
	c.stack = c.stack[:min(at, len(c.stack))]
}

// words writes text. White space alone begins no paragraph.
func (c *cleaner) words(text string) {
	if c.apart {
		if strings.TrimSpace(text) == "" {
			return
		}
		c.begin()
	}
	if c.find(atom.A) >= 0 && !c.inHidden() {
		c.shown = append(c.shown, text...)
	}
	c.text(text)
}

func (c *cleaner) inHidden() bool {
	for _, o := range c.stack {
		if o.hidden > 0 {
			return true
		}
	}
	return false
}

// text writes escaped text without control characters.
func (c *cleaner) text(text string) {
	from := 0
	for i := 0; i < len(text); i++ {
		b := text[i]
		escaped, plain := "", false
		switch b {
		case '&':
			escaped = "&amp;"
		case '<':
			escaped = "&lt;"
		case '>':
			escaped = "&gt;"
		case '"':
			escaped = "&#34;"
		case '\'':
			escaped = "&#39;"
		default:
			plain = b >= ' ' && b != 0x7f || b == '\n' || b == '\t'
		}
		if !plain {
			c.buf = append(append(c.buf, text[from:i]...), escaped...)
			from = i + 1
		}
	}
	c.buf = append(c.buf, text[from:]...)
}

// judgeHidden decides about a span that clients hide, when its end is reached.
// In a link the scheme may be hidden, and what follows once the host was shown
// in full. Hidden text anywhere else would let a page say one thing and lead
// to another, so there the class is taken away and the text is seen.
func (c *cleaner) judgeHidden(o open) {
	content := c.buf[o.inner:]
	if c.find(atom.A) >= 0 && !bytes.ContainsRune(content, '<') {
		if isSchemeAndWWW(string(content)) && len(c.shown) == 0 || showsHost(string(c.shown), c.host) {
			return
		}
	}
	c.buf = append(append(c.buf[:o.hidden-1], "<span>"...), content...)
}

// isSchemeAndWWW: what of a link may be hidden before its host.
func isSchemeAndWWW(s string) bool {
	rest := s[schemeLength(s):]
	return len(rest) < len(s) && (rest == "" || strings.EqualFold(rest, "www."))
}

// showsHost tells whether a text that may begin with a scheme names this host
// first, in either of its forms.
func showsHost(shown, host string) bool {
	shown = shown[schemeLength(shown):]
	if end := strings.IndexAny(shown, "/?#"); end >= 0 {
		shown = shown[:end]
	}
	name, ok := NormalizeHost(shown)
	return ok && strings.TrimPrefix(name, "www.") == strings.TrimPrefix(host, "www.")
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// attrs are the attributes that any element of ours can have.
type attrs struct {
	href, rel, class, translate, start, value string
	reversed                                  bool
}

func readAttrs(z *html.Tokenizer, more bool) attrs {
	var a attrs
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		a.set(string(key), string(value))
	}
	return a
}

// set takes an attribute; it reports false for a name that we do not know.
func (a *attrs) set(key, value string) bool {
	switch key {
	case "href":
		a.href = value
	case "rel":
		a.rel = value
	case "class":
		a.class = value
	case "translate":
		a.translate = value
	case "start":
		a.start = value
	case "value":
		a.value = value
	case "reversed":
		a.reversed = true
	default:
		return false
	}
	return true
}

func allowedClass(word string) bool {
	switch word {
	case "mention", "hashtag", "ellipsis", "invisible", "quote-inline":
		return true
	}
	prefix, rest, ok := strings.Cut(word, "-")
	if !ok || rest == "" || len(word) > 30 || strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return false
	}
	switch prefix {
	case "h", "p", "u", "dt", "e":
		return true
	}
	return false
}

func hasWord(list, word string) bool {
	for w := range strings.FieldsSeq(list) {
		if strings.EqualFold(w, word) {
			return true
		}
	}
	return false
}

package social

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/atom"
)

// simple rebuilds HTML that is written the way most servers write it: known
// elements properly inside each other, quoted attributes, the few necessary
// entities. There is one reading of such HTML, so it needs no parser; it is
// some ten times cheaper. On anything else it reports false, and what it wrote
// is to be thrown away. The result is the same as by the longer way.
func (c *cleaner) simple(s string) bool {
	for s != "" {
		at := strings.IndexByte(s, '<')
		if at < 0 {
			at = len(s)
		}
		if !c.simpleText(s[:at]) {
			return false
		}
		if s = s[at:]; s == "" {
			break
		}
		end := strings.IndexByte(s, '>')
		if end < 0 || len(c.buf) > maxHTMLOut || !c.simpleTag(s[1:end]) {
			return false
		}
		s = s[end+1:]
	}
	return len(c.stack) == 0
}

// simpleText takes text in which every & begins one of the entities that
// escaping makes.
func (c *cleaner) simpleText(s string) bool {
	for s != "" {
		at := strings.IndexByte(s, '&')
		if at < 0 {
			at = len(s)
		}
		for i := 0; i < at; i++ {
			if b := s[i]; b < ' ' && b != '\n' && b != '\t' || b == 0x7f {
				return false
			}
		}
		if at > 0 {
			c.words(s[:at])
		}
		if s = s[at:]; s == "" {
			break
		}
		plain, size := entity(s)
		if size == 0 {
			return false
		}
		c.words(plain)
		s = s[size:]
	}
	return true
}

func entity(s string) (plain string, size int) {
	end := strings.IndexByte(s[:min(len(s), 7)], ';')
	if end < 0 {
		return "", 0
	}
	switch s[:end] {
	case "&amp":
		plain = "&"
	case "&lt":
		plain = "<"
	case "&gt":
		plain = ">"
	case "&quot", "&#34":
		plain = `"`
	case "&#39", "&apos":
		plain = "'"
	case "&nbsp":
		plain = "\u00a0"
	default:
		return "", 0
	}
	return plain, end + 1
}

// simpleTag takes what stands between < and >.
func (c *cleaner) simpleTag(s string) bool {
	if name, ok := strings.CutPrefix(s, "/"); ok {
		tag := simpleElement(name)
		if tag == 0 || tag == atom.Br || len(c.stack) == 0 || c.stack[len(c.stack)-1].tag != tag {
			return false
		}
		c.closeTo(len(c.stack) - 1)
		return true
	}
	name, rest, _ := strings.Cut(s, " ")
	tag := simpleElement(strings.TrimSuffix(name, "/"))
	if tag == atom.Br {
		c.start(tag, attrs{})
		return name == "br" && (rest == "" || rest == "/") || name == "br/" && rest == ""
	}
	if tag == 0 || strings.HasSuffix(name, "/") || !c.mayOpen(tag) {
		return false
	}
	a, ok := simpleAttrs(rest)
	if !ok {
		return false
	}
	depth := len(c.stack)
	c.start(tag, a)
	return len(c.stack) == depth+1
}

// mayOpen tells whether the element can stand here without anything being
// moved or closed.
func (c *cleaner) mayOpen(tag atom.Atom) bool {
	if len(c.stack) >= maxHTMLDepth {
		return false
	}
	top := atom.Atom(0)
	if len(c.stack) > 0 {
		top = c.stack[len(c.stack)-1].tag
	}
	switch tag {
	case atom.P, atom.Ul, atom.Ol, atom.Blockquote, atom.Pre:
		return top == 0 || top == atom.Blockquote || top == atom.Li
	case atom.Li:
		return top == atom.Ul || top == atom.Ol
	case atom.A:
		return c.find(atom.A) < 0
	}
	return true
}

func simpleElement(name string) atom.Atom {
	switch name {
	case "p":
		return atom.P
	case "br":
		return atom.Br
	case "span":
		return atom.Span
	case "a":
		return atom.A
	case "strong":
		return atom.Strong
	case "em":
		return atom.Em
	case "b":
		return atom.B
	case "i":
		return atom.I
	case "u":
		return atom.U
	case "s":
		return atom.S
	case "del":
		return atom.Del
	case "code":
		return atom.Code
	case "pre":
		return atom.Pre
	case "blockquote":
		return atom.Blockquote
	case "ul":
		return atom.Ul
	case "ol":
		return atom.Ol
	case "li":
		return atom.Li
	}
	return 0
}

// simpleAttrs takes name="value" pairs with one space between them. Values
// hold no entity but &amp; and no other character that needs one; a name that
// comes twice, and one that we do not keep, is for the longer way.
func simpleAttrs(s string) (attrs, bool) {
	var a attrs
	seen := 0
	for s != "" {
		name, rest, ok := strings.Cut(s, `="`)
		if !ok {
			return a, false
		}
		value, rest, ok := strings.Cut(rest, `"`)
		bit, known := attrBits[name]
		if !ok || !known || seen&bit != 0 || len(value) > 4*maxURL {
			return a, false
		}
		seen |= bit
		if n := strings.Count(value, "&"); n > 0 {
			if strings.Count(value, "&amp;") != n {
				return a, false
			}
			value = strings.ReplaceAll(value, "&amp;", "&")
		}
		for i := 0; i < len(value); i++ {
			if b := value[i]; b < ' ' || b == '<' || b == 0x7f {
				return a, false
			}
		}
		a.set(name, value)
		if rest != "" && (rest[0] != ' ' || len(rest) == 1) {
			return a, false
		}
		s = strings.TrimPrefix(rest, " ")
	}
	return a, true
}

var attrBits = map[string]int{"href": 1, "rel": 2, "class": 4, "translate": 8, "target": 16}

// safeHref gives the link as it may be written and its host in lower case.
func safeHref(href string) (link, host string, ok bool) {
	if host, ok = plainHref(href); ok {
		return href, host, true
	}
	if href == "" || len(href) > 4*maxURL || !utf8.ValidString(href) || strings.ContainsFunc(href, func(r rune) bool {
		return r <= ' ' || r == '\\' || r >= 0x7f && r <= 0xa0 || isBidiControl(r)
	}) {
		return "", "", false
	}
	u, err := url.Parse(href)
	if err != nil {
		return "", "", false
	}
	switch u.Scheme {
	case "http", "https":
		name, valid := NormalizeHost(u.Host)
		if !isASCII(u.Host) {
			u.Host = name
			href = u.String()
		}
		return href, name, valid && u.User == nil
	case "mailto":
		return href, "", strings.Contains(u.Opaque, "@")
	}
	return "", "", false
}

// plainHref recognises the common form of a link, whose parts need no parser:
// scheme and host in ASCII, no user name, and after it nothing that is written
// differently by different programs.
func plainHref(href string) (host string, ok bool) {
	start := schemeLength(href)
	if start == 0 || len(href) > maxURL || !strings.HasPrefix(href, "http") {
		return "", false
	}
	end := start
	for end < len(href) && (isHandleByte(href[end]) && href[end] != '_' || href[end] == '.' || href[end] == '-') {
		end++
	}
	host = href[start:end]
	if end < len(href) && href[end] != '/' || !isPlainHost(host) || lastLabelIsNumber(host) {
		return "", false
	}
	if hash := strings.IndexByte(href, '#'); hash >= 0 && (hash == len(href)-1 || strings.Count(href, "#") > 1) {
		return "", false
	}
	for i := end; i < len(href); i++ {
		if !isWordByte(href[i]) && strings.IndexByte("/-._~!$&()*+,;=:@?#", href[i]) < 0 {
			return "", false
		}
	}
	return host, true
}

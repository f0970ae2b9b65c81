package social

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const (
	maxName  = 100 // characters of a display name
	maxMarks = 8   // combining marks on one letter
)

// PlainText reads HTML, or text that may hold some, as text of at most limit
// characters: names, summaries, descriptions of images, labels of fields that
// come from other servers. Tags go, entities are decoded once, blocks become line breaks; characters that
// turn the reading direction around, control characters and piles of combining
// marks are dropped. The result is text: whoever shows it escapes it.
func PlainText(s string, limit int) string {
	if limit <= 0 {
		return ""
	}
	if len(s) > maxHTMLIn {
		s = s[:maxHTMLIn]
	}
	if strings.ContainsAny(s, "<&") {
		s = stripTags(s, 8*limit+1024)
	}
	return CleanText(s, limit)
}

// CleanName is PlainText for the display name of a person or a circle
// elsewhere: one line, at most 100 characters, empty when nothing of it can be
// seen.
func CleanName(s string) string { return nameOf(PlainText(s, 4*maxName)) }

// TypedName is the same for a name that was typed here, as text.
func TypedName(s string) string { return nameOf(CleanText(s, 4*maxName)) }

func nameOf(s string) string {
	name := strings.Join(strings.Fields(s), " ")
	if !anythingToSee(name) {
		return ""
	}
	return strings.TrimSpace(cutRunes(name, maxName))
}

// CleanText is for text that was typed as text, where "<" means itself: at most
// limit characters, without what PlainText drops.
func CleanText(s string, limit int) string {
	var b strings.Builder
	b.Grow(min(len(s), 4*limit))
	runes, marks, breaks := 0, 0, 0
	for _, r := range strings.ReplaceAll(s, "\r\n", "\n") {
		if r == '\r' || r == '\u2028' || r == '\u2029' {
			r = '\n'
		}
		if dropped := r == utf8.RuneError || isBidiControl(r) || isInvisible(r); dropped {
			continue
		}
		if marks++; !unicode.Is(unicode.M, r) {
			marks = 0
		}
		if breaks++; r != '\n' {
			breaks = 0
		}
		if marks > maxMarks || breaks > 2 || runes == 0 && unicode.IsSpace(r) {
			continue
		}
		if runes++; runes > limit {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// isBidiControl: embeddings, overrides and isolates. The plain direction marks
// stay; names in Hebrew and Arabic need them.
func isBidiControl(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// isInvisible: control characters and characters without width that only serve
// to make two texts differ. The joiners stay for emoji and Persian.
func isInvisible(r rune) bool {
	switch r {
	case '\n', '\t', '\u200c', '\u200d', '\u200e', '\u200f':
		return false
	case '\u00ad', '\u034f', '\u180e', '\u200b', '\ufeff', '\ufff9', '\ufffa', '\ufffb':
		return true
	}
	return unicode.IsControl(r) || r >= 0x2060 && r <= 0x206f || r >= 0xfff0 && r <= 0xfffb || r&0xfffe == 0xfffe
}

// stripTags gives the text of s, about limit bytes of it.
func stripTags(s string, limit int) string {
	z := html.NewTokenizer(strings.NewReader(s))
	var b strings.Builder
	var skip atom.Atom // the element whose content nobody sees
	for b.Len() < limit {
		switch z.Next() {
		case html.ErrorToken:
			return b.String()
		case html.TextToken:
			if skip == 0 {
				b.Write(z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			tag := atom.Lookup(name)
			if skip == 0 && isUnseen(tag) {
				skip = tag
			} else if tag == atom.Br || tag == atom.Li || tag == atom.Hr {
				b.WriteByte('\n')
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			tag := atom.Lookup(name)
			if tag == skip {
				skip = 0
			}
			if r := roleOf(tag); r == block || r == heading || r == paragraph {
				b.WriteByte('\n')
			}
		}
	}
	return b.String()
}

func isUnseen(tag atom.Atom) bool {
	switch tag {
	case atom.Script, atom.Style, atom.Title, atom.Noscript, atom.Noembed, atom.Noframes, atom.Iframe, atom.Template,
		atom.Textarea, atom.Xmp, atom.Plaintext, atom.Object:
		return true
	}
	return false
}

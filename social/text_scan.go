package social

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Limits of one text. What lies beyond them stays plain text.
const (
	maxMentions = 50
	maxTags     = 100
	maxTagRunes = 100
	maxURL      = 2048 // bytes
)

// span is a piece of text that means something. Pieces come in order and do
// not overlap.
type span struct {
	kind       spanKind
	start, end int // bytes
	mention    MentionRef
	tag        string // as stored
	shown      string // the tag as typed, without the mark
}

type spanKind int

const (
	spanURL spanKind = iota
	spanMention
	spanTag
)

// scanText finds the URLs, mentions and tags of a text in one pass. Chinese,
// Japanese and Korean are written without spaces, so their letters end a word
// as well as a space does: 请@2012-3看#同学会#https://a.example/b。
func scanText(text string) []span {
	var spans []span
	for i := 0; i < len(text); {
		next := strings.IndexAny(text[i:], "hH@＠#＃")
		if next < 0 {
			break
		}
		i += next
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		if i == 0 {
			before = ' '
		}
		s, ok := scanAt(text, i, before)
		if ok {
			spans = append(spans, s)
			i = s.end
			if s.kind == spanTag && markAt(text, i, '#', '＃') > 0 {
				i += markAt(text, i, '#', '＃') // the closing mark of #tag#
			}
			continue
		}
		_, size := utf8.DecodeRuneInString(text[i:])
		i += size
	}
	return spans
}

func scanAt(text string, i int, before rune) (span, bool) {
	if size := markAt(text, i, '@', '＠'); size > 0 {
		if joinsWord(before) || strings.ContainsRune("/=@＠", before) {
			return span{}, false
		}
		return scanMention(text, i, i+size)
	}
	if size := markAt(text, i, '#', '＃'); size > 0 {
		if joinsWord(before) || strings.ContainsRune("/=&", before) {
			return span{}, false
		}
		return scanTag(text, i, i+size)
	}
	if joinsWord(before) || before == '@' || before == '/' {
		return span{}, false
	}
	return scanURL(text, i)
}

// markAt gives the length of the mark at i, or 0.
func markAt(text string, i int, half byte, full rune) int {
	if i >= len(text) {
		return 0
	}
	if text[i] == half {
		return 1
	}
	if r, size := utf8.DecodeRuneInString(text[i:]); r == full {
		return size
	}
	return 0
}

// joinsWord tells whether what follows r without a space is the same word.
func joinsWord(r rune) bool {
	if r < utf8.RuneSelf {
		return isWordByte(byte(r))
	}
	return isWordRune(r) && !isUnspaced(r)
}

func isWordRune(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// isUnspaced: letters of scripts written without spaces between words, and of
// Korean, whose particles follow a name directly.
func isUnspaced(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Hangul,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar) || r == 'ー' || r == '々'
}

// scanMention reads handle[@host[:port]] from i; start is where the mark was.
func scanMention(text string, start, i int) (span, bool) {
	end := scanHandle(text, i)
	if end == i {
		return span{}, false
	}
	handle := strings.ToLower(text[i:end])
	size := markAt(text, end, '@', '＠')
	if size == 0 {
		if len(handle) > maxHandle {
			return span{}, false
		}
		return span{kind: spanMention, start: start, end: end, mention: MentionRef{Handle: handle}}, true
	}
	hostStart := end + size
	hostEnd := scanHost(text, hostStart)
	if hostEnd == hostStart {
		return span{}, false
	}
	portEnd := scanPort(text, hostEnd)
	if portEnd == hostEnd && !namesHost(text[hostStart:hostEnd]) {
		return span{}, false
	}
	host, ok := NormalizeHost(text[hostStart:portEnd])
	if !ok {
		return span{}, false
	}
	return span{kind: spanMention, start: start, end: portEnd, mention: MentionRef{Handle: handle, Host: host}}, true
}

// namesHost: a dot tells a host from a word.
func namesHost(host string) bool {
	return strings.ContainsRune(host, '.') || strings.EqualFold(host, "localhost")
}

// scanHandle gives the end of the handle at i: ASCII letters, digits and '_',
// with '.' and '-' inside.
func scanHandle(text string, i int) int {
	end := i
	for j := i; j < len(text) && j-i < maxRemoteHandle; j++ {
		c := text[j]
		if isWordByte(c) {
			end = j + 1
		} else if c != '.' && c != '-' || j == i {
			break
		}
	}
	return end
}

// scanHost gives the end of the host name at i. A label that begins in ASCII
// ends at the first other letter, because that is the next word of the
// sentence; one that begins in another script may hold any letters.
func scanHost(text string, i int) int {
	end, ascii, fresh := i, false, true
	for j := i; j < len(text) && j-i < maxHost; {
		r, size := utf8.DecodeRuneInString(text[j:])
		switch {
		case r < utf8.RuneSelf && isWordByte(byte(r)) && r != '_':
			ascii = ascii || fresh
			fresh = false
			end = j + size
		case r == '.':
			if fresh {
				return end
			}
			ascii, fresh = false, true
		case r == '-':
			if fresh {
				return end
			}
		case r >= utf8.RuneSelf && isWordRune(r) && !ascii:
			fresh = false
			end = j + size
		default:
			return end
		}
		j += size
	}
	return end
}

// scanPort gives the end of a ":port" at i, or i.
func scanPort(text string, i int) int {
	if i >= len(text) || text[i] != ':' {
		return i
	}
	j := i + 1
	for j < len(text) && j-i <= 6 && text[j] >= '0' && text[j] <= '9' {
		j++
	}
	if !validPort(text[i+1:j]) || j < len(text) && isWordByte(text[j]) {
		return i
	}
	return j
}

// scanTag reads the tag whose first letter is at i; start is where the mark
// was. A tag needs one letter: #1 is a number.
func scanTag(text string, start, i int) (span, bool) {
	end, runes, letters := i, 0, false
	for end < len(text) {
		r, size := utf8.DecodeRuneInString(text[end:])
		joiner := (r == '·' || r == '・' || r == '\u200c' || r == '\u200d') && runes > 0
		if !isWordRune(r) && !joiner || runes == 0 && unicode.IsMark(r) {
			break
		}
		letters = letters || unicode.IsLetter(r)
		runes++
		end += size
	}
	shown := strings.TrimRight(text[i:end], "·・\u200c\u200d")
	if !letters || runes > maxTagRunes || shown == "" {
		return span{}, false
	}
	tag := NormalizeTag(shown)
	if tag == "" {
		return span{}, false
	}
	return span{kind: spanTag, start: start, end: i + len(shown), tag: tag, shown: shown}, true
}

// NormalizeTag gives the form of a hashtag's name that is stored and compared:
// without the mark, full-width letters and digits made plain, lower case. It
// is empty for what is no tag.
func NormalizeTag(tag string) string {
	tag = strings.TrimLeft(tag, "#＃")
	if len(tag) > 4*maxTagRunes {
		return ""
	}
	tag = norm.NFKC.String(strings.ToLower(norm.NFKC.String(tag)))
	if utf8.RuneCountInString(tag) > maxTagRunes {
		return ""
	}
	for _, r := range tag {
		if !isWordRune(r) && r != '·' && r != '・' && r != '\u200c' && r != '\u200d' {
			return ""
		}
	}
	return tag
}

// scanURL reads an http or https URL from i on.
func scanURL(text string, i int) (span, bool) {
	host := i + schemeLength(text[i:])
	if host == i {
		return span{}, false
	}
	end := scanHost(text, host)
	if end == host {
		return span{}, false
	}
	named := namesHost(text[host:end])
	if port := scanPort(text, end); port > end {
		end, named = port, true
	}
	if !named || end < len(text) && strings.IndexByte("@:", text[end]) >= 0 {
		return span{}, false // a name and password before the host hide where a link goes
	}
	if _, ok := NormalizeHost(text[host:end]); !ok {
		return span{}, false
	}
	if end < len(text) && strings.IndexByte("/?#", text[end]) >= 0 {
		end = scanPath(text, end, i+maxURL)
	}
	return span{kind: spanURL, start: i, end: end}, true
}

func schemeLength(s string) int {
	for _, scheme := range []string{"https://", "http://"} {
		if len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			return len(scheme)
		}
	}
	return 0
}

// scanPath gives the end of the path, query and fragment at i. Letters of any
// script belong to it, full-width punctuation ends it, and punctuation at its
// end belongs to the sentence, like a bracket that it did not open.
func scanPath(text string, i, limit int) int {
	end, round, square := i, 0, 0
	for j := i; j < len(text); {
		r, size := utf8.DecodeRuneInString(text[j:])
		if endsURL(r, size) || j+size > limit {
			break
		}
		j += size
		switch r {
		case '(':
			round++
		case '[':
			square++
		case ')':
			if round--; round < 0 {
				return end
			}
			end = j
		case ']':
			if square--; square < 0 {
				return end
			}
			end = j
		case '.', ',', ';', ':', '!', '?', '\'', '*', '~':
		default:
			end = j
		}
	}
	return end
}

func endsURL(r rune, size int) bool {
	if r < utf8.RuneSelf {
		return r <= ' ' || r == 0x7f || strings.ContainsRune("<>\"`{}|\\^", r)
	}
	if r == utf8.RuneError && size <= 1 {
		return true
	}
	return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r)
}

package social

import (
	"unicode"
	"unicode/utf8"
)

// countedURL is what every URL counts, however long it is.
const countedURL = 23

// CountCharacters measures a text the way Mastodon's clients do, so that the
// limit they show is the one that holds: what a reader sees as one character
// counts one, a URL counts 23, and of a mention the host does not count.
//
// spec: MASTO /user/posting#text
func CountCharacters(text string) int {
	n, at := 0, 0
	for _, s := range scanText(text) {
		n += countGraphemes(text[at:s.start])
		switch s.kind {
		case spanURL:
			n += countedURL
		case spanMention:
			n += 1 + utf8.RuneCountInString(s.mention.Handle)
		default:
			n += countGraphemes(text[s.start:s.end])
		}
		at = s.end
	}
	return n + countGraphemes(text[at:])
}

// countGraphemes counts what is seen as one character: marks, joined emoji,
// skin tones, flags, Korean syllables in parts and \r\n count with what they
// belong to.
func countGraphemes(text string) int {
	n := 0
	var before rune
	flag := false // before is the first half of a flag
	for _, r := range text {
		regional := r >= 0x1F1E6 && r <= 0x1F1FF
		joined := regional && flag || extends(before, r)
		if before == 0 || !joined {
			n++
		}
		flag = regional && !joined
		before = r
	}
	return n
}

func extends(before, r rune) bool {
	switch {
	case r < 0x300:
		return r == '\n' && before == '\r'
	case r == '\u200d' || r == '\u200c' || unicode.Is(unicode.M, r):
		return before >= ' '
	case r >= 0x1F3FB && r <= 0x1F3FF: // skin tones
		return before > 0x2000
	case r >= 0xE0020 && r <= 0xE007F: // regions of a flag
		return before > 0x2000
	case before == '\u200d': // joined emoji
		return unicode.Is(unicode.So, r) || r == '\u2640' || r == '\u2642'
	case r >= 0x1160 && r <= 0x11FF: // vowels and finals after a lead or a syllable
		return before >= 0x1100 && before <= 0x11FF || before >= 0xAC00 && before <= 0xD7A3
	case r >= 0x1100 && r <= 0x115F: // lead after lead
		return before >= 0x1100 && before <= 0x115F
	}
	return false
}

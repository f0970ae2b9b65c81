package social

import (
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// NormalizeEmail gives the one form in which an e-mail address is stored and
// compared: lower case, the domain in IDNA A-labels. It takes a bare address
// only (no display name, quotes, comments, port or trailing dot) and answers
// with an *Invalid on the field "email" otherwise. A "+tag" is kept: mail to it
// reaches the same person, and it is theirs to choose.
func NormalizeEmail(s string) (string, error) {
	invalid := &Invalid{Field: "email", Key: "invalid.email"}
	s = strings.TrimSpace(strings.ReplaceAll(s, "＠", "@"))
	at := strings.LastIndexByte(s, '@')
	if at < 1 || len(s) > 254 {
		return "", invalid
	}
	local, domain := s[:at], s[at+1:]
	if !validLocalPart(local) {
		return "", invalid
	}
	domain, ok := normalizeMailDomain(domain)
	if !ok || len(local)+1+len(domain) > 254 {
		return "", invalid
	}
	return strings.ToLower(local) + "@" + domain, nil
}

// EmailDomain is the part after the @ of an address that NormalizeEmail made.
func EmailDomain(email string) string {
	return email[strings.LastIndexByte(email, '@')+1:]
}

// validLocalPart accepts a dot-atom of at most 64 ASCII characters.
func validLocalPart(local string) bool {
	if len(local) > 64 || local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		return false
	}
	for i := 0; i < len(local); i++ {
		if c := local[i]; !isWordByte(c) && !strings.ContainsRune("!#$%&'*+-./=?^`{|}~", rune(c)) {
			return false
		}
	}
	return true
}

// normalizeMailDomain wants a name with a dot, or localhost for trying things
// out; no port, no address, no trailing dot, and no label that mixes Latin
// letters with letters made to look like them.
func normalizeMailDomain(domain string) (string, bool) {
	if strings.ContainsAny(domain, ":") || strings.HasSuffix(domain, ".") {
		return "", false
	}
	name, ok := NormalizeHost(domain)
	if !ok || lastLabelIsNumber(name) || !strings.Contains(name, ".") && name != "localhost" {
		return "", false
	}
	readable, err := idna.Lookup.ToUnicode(name)
	if err != nil {
		return "", false
	}
	for label := range strings.SplitSeq(readable, ".") {
		if mixesLookalikes(label) {
			return "", false
		}
	}
	return name, true
}

func mixesLookalikes(label string) bool {
	scripts := 0
	for i, table := range []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee} {
		if strings.ContainsFunc(label, func(r rune) bool { return unicode.Is(table, r) }) {
			scripts |= 1 << i
		}
	}
	return scripts&(scripts-1) != 0
}

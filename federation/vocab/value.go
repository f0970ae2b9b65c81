package vocab

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"
)

// Public is the collection that stands for everybody. Decoded recipient lists
// contain it in this spelling only.
// spec: AP §5.6
const Public = activityStreams + "#Public"

const activityStreams = "https://www.w3.org/ns/activitystreams"

const (
	maxID         = 2048 // bytes of an id or address; longer ones are read as absent
	maxRecipients = 200  // addresses of to, cc and audience together that are looked at
)

// exact answers a string, unescaped; any other value is empty.
func (v value) exact() string {
	if v.kind() != '"' || len(v) < 2 {
		return ""
	}
	b := v[1 : len(v)-1]
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b)
	}
	return string(appendUnescaped(make([]byte, 0, len(b)), b))
}

// text answers a text for people: a string, or the first string of an array,
// without NUL, which PostgreSQL cannot store. Other values are empty.
func (v value) text() string {
	for x := range v.elements() {
		if x.kind() != '"' {
			continue
		}
		s := x.exact()
		if strings.IndexByte(s, 0) >= 0 {
			s = strings.ReplaceAll(s, "\x00", "")
		}
		return s
	}
	return ""
}

// oneID answers the id that a value names: a string, or an object by its id or,
// for a Link, its href. Anything else, a string with spaces or control
// characters and an overlong one are no id.
func (v value) oneID() string {
	switch v.kind() {
	case '"':
		return cleanID(v.exact())
	case '{':
		if id := v.member("id"); !id.missing() {
			return cleanID(id.exact())
		}
		return cleanID(v.member("href").exact())
	}
	return ""
}

func cleanID(s string) string {
	if len(s) > maxID {
		return ""
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return ""
		}
	}
	return s
}

// firstID answers the first id of an array, or the id of a lone value.
func (v value) firstID() string {
	for x := range v.elements() {
		if id := x.oneID(); id != "" {
			return id
		}
	}
	return ""
}

// soleID answers the only id that a value names and false when it names
// several different ones or contains something that is no id.
func (v value) soleID() (string, bool) {
	only := ""
	for x := range v.elements() {
		id := x.oneID()
		if id == "" || only != "" && only != id {
			return "", false
		}
		only = id
	}
	return only, true
}

// ids answers at most limit ids of an array or lone value, each once.
func (v value) ids(limit int) []string {
	var ids []string
	for x := range v.elements() {
		if len(ids) >= limit {
			break
		}
		if id := x.oneID(); id != "" && !contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func contains(ids []string, id string) bool {
	for _, other := range ids {
		if other == id {
			return true
		}
	}
	return false
}

// addressing is what a document says in to, cc and audience. They share one
// limit, so they are read when all three are there, always in the same order.
type addressing struct{ to, cc, audience value }

// take keeps the value of the member with that key.
func (a *addressing) take(key []byte, v value) {
	switch string(key) {
	case "to":
		a.to = v
	case "cc":
		a.cc = v
	case "audience":
		a.audience = v
	}
}

func (a *addressing) read() (to, cc, audience []string) {
	left := maxRecipients
	return a.to.recipients(&left), a.cc.recipients(&left), a.audience.recipients(&left)
}

// recipients is ids for to, cc and audience: Public comes in its full spelling,
// and left, the number of addresses still looked at in this document, goes
// down. What lies beyond is dropped, which can only narrow an audience.
func (v value) recipients(left *int) []string {
	ids := v.ids(*left)
	*left -= len(ids)
	for i, id := range ids {
		if id == "as:Public" || id == "Public" {
			ids[i] = Public
		}
	}
	return ids
}

// address answers an http or https URL: a string, a Link by its href, or the
// best of an array, where HTML wins over an unnamed type and that over others.
func (v value) address() string {
	best, rank := "", -1
	for x := range v.elements() {
		url, mediaType := x.link()
		r := 1
		switch {
		case mediaType == "text/html":
			r = 2
		case mediaType != "":
			r = 0
		}
		if url != "" && r > rank {
			best, rank = url, r
		}
	}
	return best
}

// link answers the URL and media type of a string, a Link or an object with a
// url; the URL is empty unless its scheme is http or https.
func (v value) link() (url, mediaType string) {
	switch v.kind() {
	case '"':
		url = v.exact()
	case '{':
		url = v.member("href").exact()
		if url == "" {
			url = v.member("url").exact()
		}
		mediaType = v.member("mediaType").text()
	}
	return webURL(url), mediaType
}

// webURL answers s when it is an http or https URL without spaces, else "".
func webURL(s string) string {
	if len(s) < 8 || !strings.EqualFold(s[:7], "http://") && !strings.EqualFold(s[:8], "https://") {
		return ""
	}
	return cleanID(s)
}

func (v value) isTrue() bool { return string(v) == "true" }

// whole answers a number, or a number in a string, as an integer between 0 and
// 2^31; anything else is 0.
func (v value) whole() int {
	f := v.number()
	if !(f >= 0 && f < 1<<31) {
		return 0
	}
	return int(f)
}

func (v value) number() float64 {
	s := string(v)
	if v.kind() == '"' {
		s = v.text()
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return 0
	}
	return f
}

// date answers a point in time in UTC; one that cannot be read is the zero time.
// spec: AS2 §2.3
func (v value) date() time.Time {
	s := v.text()
	if len(s) < 17 || len(s) > 40 {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		if t, err = time.Parse("2006-01-02T15:04Z07:00", s); err != nil {
			return time.Time{}
		}
	}
	return t.UTC()
}

// languageTag answers s when it has the shape of a BCP 47 tag that says
// something, else "".
func languageTag(s string) string {
	if len(s) < 2 || len(s) > 35 || s == "und" {
		return ""
	}
	for i := range len(s) {
		c := s[i] | 0x20
		letter := 'a' <= c && c <= 'z'
		later := i > 0 && ('0' <= s[i] && s[i] <= '9' || s[i] == '-')
		if !letter && !later {
			return ""
		}
	}
	return s
}

package vocab

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"
)

// Limits of a document that a stranger may send. They keep the most expensive
// legal document below a quarter of a second in go-fed.
const (
	MaxBytes      = 1 << 20 // length of the document in bytes
	MaxDepth      = 32      // objects and arrays inside each other
	MaxContainers = 2_000   // objects and arrays in all
	MaxScalars    = 20_000  // strings, numbers, booleans and nulls that are values
)

// What Check, Decode and the other readers answer to a document they refuse.
// The three exclude each other: ErrTooBig asks for "too large", the other two
// for "bad request".
var (
	ErrMalformed = errors.New("malformed document")
	ErrTooDeep   = errors.New("document nested too deeply")
	ErrTooBig    = errors.New("document too large")
)

func malformed(reason string) error { return fmt.Errorf("%w: %s", ErrMalformed, reason) }

// keySpan is one key of an object that is still open: where its text is, in
// the document or, when it was written with escapes, in scanner.escaped.
type keySpan struct {
	start, end int
	escaped    bool
}

type scanner struct {
	b                   []byte
	containers, scalars int
	keys                []keySpan // of all open objects, the innermost last
	escaped             []byte
}

var scanners = sync.Pool{New: func() any { return &scanner{keys: make([]keySpan, 0, 128)} }}

// Check reports whether raw is one JSON value in the strict sense and within
// the limits above: no byte order mark, valid UTF-8, no lone surrogates, no
// object with the same key twice (however the key is spelled), nothing after
// the value. It reads the document in one pass, after the check of UTF-8, and
// allocates nothing as a rule.
//
// Errors: ErrMalformed with the reason, ErrTooDeep, ErrTooBig.
// spec: RFC 8259, RFC 7493 §2
func Check(raw []byte) error {
	if len(raw) > MaxBytes {
		return fmt.Errorf("%w: more than %d bytes", ErrTooBig, MaxBytes)
	}
	if bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")) {
		return malformed("byte order mark")
	}
	if !utf8.Valid(raw) {
		return malformed("not UTF-8")
	}
	s := scanners.Get().(*scanner)
	s.b, s.containers, s.scalars = raw, 0, 0
	s.keys, s.escaped = s.keys[:0], s.escaped[:0]
	end, err := s.value(s.space(0), 0)
	if err == nil && s.space(end) != len(raw) {
		err = malformed("text after the document")
	}
	s.b = nil
	if cap(s.keys) <= 4096 && cap(s.escaped) <= 4096 {
		scanners.Put(s)
	}
	return err
}

func (s *scanner) space(i int) int {
	for i < len(s.b) && (s.b[i] == ' ' || s.b[i] == '\n' || s.b[i] == '\t' || s.b[i] == '\r') {
		i++
	}
	return i
}

// value reads the value at i, which lies inside depth containers, and answers
// the index after it.
func (s *scanner) value(i, depth int) (int, error) {
	if i >= len(s.b) {
		return i, malformed("unexpected end")
	}
	c := s.b[i]
	if c == '{' || c == '[' {
		if depth >= MaxDepth {
			return i, ErrTooDeep
		}
		if s.containers++; s.containers > MaxContainers {
			return i, fmt.Errorf("%w: more than %d objects and arrays", ErrTooBig, MaxContainers)
		}
		if c == '{' {
			return s.object(i+1, depth+1)
		}
		return s.array(i+1, depth+1)
	}
	if s.scalars++; s.scalars > MaxScalars {
		return i, fmt.Errorf("%w: more than %d values", ErrTooBig, MaxScalars)
	}
	switch {
	case c == '"':
		end, _, err := s.text(i)
		return end, err
	case c == '-' || '0' <= c && c <= '9':
		return s.number(i)
	case c == 't':
		return s.word(i, "true")
	case c == 'f':
		return s.word(i, "false")
	case c == 'n':
		return s.word(i, "null")
	}
	return i, malformed("a value was expected")
}

func (s *scanner) word(i int, w string) (int, error) {
	if len(s.b)-i < len(w) || string(s.b[i:i+len(w)]) != w {
		return i, malformed("a value was expected")
	}
	return i + len(w), nil
}

func (s *scanner) array(i, depth int) (int, error) {
	if i = s.space(i); i < len(s.b) && s.b[i] == ']' {
		return i + 1, nil
	}
	for {
		var err error
		if i, err = s.value(i, depth); err != nil {
			return i, err
		}
		i = s.space(i)
		if i < len(s.b) && s.b[i] == ']' {
			return i + 1, nil
		}
		if i, err = s.comma(i, "array"); err != nil {
			return i, err
		}
	}
}

// comma reads the comma that must be at i because the array or object goes on.
func (s *scanner) comma(i int, container string) (int, error) {
	if i >= len(s.b) {
		return i, malformed("unexpected end")
	}
	if s.b[i] != ',' {
		return i, malformed("a comma was expected in an " + container)
	}
	return s.space(i + 1), nil
}

func (s *scanner) object(i, depth int) (int, error) {
	first := len(s.keys)
	if i = s.space(i); i < len(s.b) && s.b[i] == '}' {
		return i + 1, nil
	}
	for {
		var err error
		if i, err = s.key(i); err != nil {
			return i, err
		}
		if i = s.space(i); i >= len(s.b) || s.b[i] != ':' {
			return i, malformed("a colon was expected")
		}
		if i, err = s.value(s.space(i+1), depth); err != nil {
			return i, err
		}
		i = s.space(i)
		if i < len(s.b) && s.b[i] == '}' {
			if s.duplicate(s.keys[first:]) {
				return i, malformed("a key appears twice")
			}
			s.keys = s.keys[:first]
			return i + 1, nil
		}
		if i, err = s.comma(i, "object"); err != nil {
			return i, err
		}
	}
}

// key reads the key at i and remembers its text.
func (s *scanner) key(i int) (int, error) {
	if i >= len(s.b) || s.b[i] != '"' {
		return i, malformed("a key was expected")
	}
	end, hasEscapes, err := s.text(i)
	if err != nil {
		return end, err
	}
	if !hasEscapes {
		s.keys = append(s.keys, keySpan{start: i + 1, end: end - 1})
		return end, nil
	}
	from := len(s.escaped)
	s.escaped = appendUnescaped(s.escaped, s.b[i+1:end-1])
	s.keys = append(s.keys, keySpan{start: from, end: len(s.escaped), escaped: true})
	return end, nil
}

func (s *scanner) span(k keySpan) []byte {
	if k.escaped {
		return s.escaped[k.start:k.end]
	}
	return s.b[k.start:k.end]
}

// duplicate reports whether two keys are equal. Few keys are compared with each
// other; many are sorted first, so that a hostile object costs n log n.
func (s *scanner) duplicate(keys []keySpan) bool {
	if len(keys) > 40 {
		slices.SortFunc(keys, func(a, b keySpan) int { return bytes.Compare(s.span(a), s.span(b)) })
		for i := 1; i < len(keys); i++ {
			if bytes.Equal(s.span(keys[i-1]), s.span(keys[i])) {
				return true
			}
		}
		return false
	}
	for i := 1; i < len(keys); i++ {
		a := keys[i]
		for _, b := range keys[:i] {
			if a.end-a.start == b.end-b.start && bytes.Equal(s.span(a), s.span(b)) {
				return true
			}
		}
	}
	return false
}

// plain is true for the bytes that stand for themselves inside a string.
var plain = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return t
}()

// text reads the string at i and answers the index after its closing quote and
// whether it contains escapes.
func (s *scanner) text(i int) (end int, escapes bool, err error) {
	b := s.b
	for i++; i < len(b); {
		c := b[i]
		if plain[c] {
			i++
			continue
		}
		switch c {
		case '"':
			return i + 1, escapes, nil
		case '\\':
			n, reason := escapeLen(b[i:])
			if reason != "" {
				return i, true, malformed(reason)
			}
			escapes = true
			i += n
		default:
			return i, escapes, malformed("control character in a string")
		}
	}
	return i, escapes, malformed("unexpected end")
}

// escapeLen answers the length of the escape at the start of b: 2, 6, or 12
// for a surrogate pair. A reason that is not empty says what is wrong with it.
func escapeLen(b []byte) (n int, reason string) {
	if len(b) < 2 {
		return 0, "unexpected end"
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, ""
	case 'u':
	default:
		return 0, "unknown escape"
	}
	hi, ok := hex4(b[2:])
	if !ok {
		return 0, "bad \\u escape"
	}
	if hi < 0xd800 || hi > 0xdfff {
		return 6, ""
	}
	if hi >= 0xdc00 || len(b) < 12 || b[6] != '\\' || b[7] != 'u' {
		return 0, "lone surrogate"
	}
	if lo, ok := hex4(b[8:]); !ok || lo < 0xdc00 || lo > 0xdfff {
		return 0, "lone surrogate"
	}
	return 12, ""
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func (s *scanner) digits(i int) (end int, ok bool) {
	end = i
	for end < len(s.b) && '0' <= s.b[end] && s.b[end] <= '9' {
		end++
	}
	return end, end > i
}

// number reads a number. More than 64 characters carry no meaning for anyone
// and only cost time in a parser of big decimals.
func (s *scanner) number(start int) (int, error) {
	i := start
	if s.b[i] == '-' {
		i++
	}
	var ok bool
	if i < len(s.b) && s.b[i] == '0' {
		i++
	} else if i, ok = s.digits(i); !ok {
		return i, malformed("bad number")
	}
	if i < len(s.b) && s.b[i] == '.' {
		if i, ok = s.digits(i + 1); !ok {
			return i, malformed("bad number")
		}
	}
	if i < len(s.b) && (s.b[i] == 'e' || s.b[i] == 'E') {
		i++
		if i < len(s.b) && (s.b[i] == '+' || s.b[i] == '-') {
			i++
		}
		if i, ok = s.digits(i); !ok {
			return i, malformed("bad number")
		}
	}
	if i-start > 64 {
		return i, malformed("a number of more than 64 characters")
	}
	return i, nil
}

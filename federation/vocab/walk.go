package vocab

import (
	"bytes"
	"iter"
	"math"
	"unicode/utf8"
)

// The walkers in this file go through a document that passed Check. They
// allocate nothing, and on a document that did not pass they stop early or
// answer nonsense, but never run past its end.

// value is one JSON value as it stands in the document, without the space
// around it. An absent member is an empty value.
type value []byte

func (v value) kind() byte {
	if len(v) == 0 {
		return 0
	}
	return v[0]
}

// missing is true for a value that is absent or null.
func (v value) missing() bool { return len(v) == 0 || v[0] == 'n' }

func skipSpace(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' {
		i++
	}
	return i
}

// skipString answers the index after the string whose opening quote is at i: the
// next quote with an even number of backslashes before it.
func skipString(b []byte, i int) int {
	start := i + 1
	for i = start; i < len(b); i++ {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			break
		}
		i += n
		back := i
		for back > start && b[back-1] == '\\' {
			back--
		}
		if (i-back)%2 == 0 {
			return i + 1
		}
	}
	return len(b)
}

// skipValue answers the index after the value at i.
func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return len(b)
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		depth := 0
		for i < len(b) {
			switch b[i] {
			case '"':
				i = skipString(b, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
		return len(b)
	}
	for i < len(b) && b[i] > ' ' && b[i] != ',' && b[i] != '}' && b[i] != ']' {
		i++
	}
	return i
}

// trim answers the first value of a document without the space around it.
func trim(raw []byte) value {
	i := skipSpace(raw, 0)
	end := skipValue(raw, i)
	return value(raw[i:end:end])
}

// mustBeObject answers ErrMalformed for a value that is no object.
func (v value) mustBeObject() error {
	if v.kind() != '{' {
		return malformed("an object was expected")
	}
	return nil
}

// members goes through the members of an object, each with its key, unescaped;
// any other value has none. A key is valid until the document changes.
func (v value) members() iter.Seq2[[]byte, value] {
	return func(yield func([]byte, value) bool) {
		if v.kind() != '{' {
			return
		}
		m := memberCursor{b: v, i: 1}
		for key, val, ok := m.next(); ok && yield(key, val); {
			key, val, ok = m.next()
		}
	}
}

// memberCursor stands before a member of the object b.
type memberCursor struct {
	b []byte
	i int
}

func (m *memberCursor) next() (key []byte, val value, ok bool) {
	i := skipSpace(m.b, m.i)
	if i < len(m.b) && m.b[i] == ',' {
		i = skipSpace(m.b, i+1)
	}
	if i >= len(m.b) || m.b[i] != '"' {
		m.i = len(m.b)
		return nil, nil, false
	}
	end := skipString(m.b, i)
	if end-i < 2 {
		m.i = len(m.b)
		return nil, nil, false
	}
	key = unescaped(m.b[i+1 : end-1])
	if i = skipSpace(m.b, end); i >= len(m.b) || m.b[i] != ':' {
		m.i = len(m.b)
		return nil, nil, false
	}
	i = skipSpace(m.b, i+1)
	end = skipValue(m.b, i)
	m.i = end
	return key, value(m.b[i:end:end]), true
}

// elements goes through the values of an array; a value that is not an array
// counts as an array of itself, and an absent one or null as an empty array.
func (v value) elements() iter.Seq[value] { return v.upTo(math.MaxInt) }

// upTo is elements without those that come after the first n.
func (v value) upTo(n int) iter.Seq[value] {
	return func(yield func(value) bool) {
		switch v.kind() {
		case 0, 'n':
		case '[':
			e := elementCursor{b: v, i: 1}
			for range n {
				if x, ok := e.next(); !ok || !yield(x) {
					return
				}
			}
		default:
			yield(v)
		}
	}
}

// elementCursor stands before an element of the array b.
type elementCursor struct {
	b []byte
	i int
}

func (e *elementCursor) next() (value, bool) {
	i := skipSpace(e.b, e.i)
	if i < len(e.b) && e.b[i] == ',' {
		i = skipSpace(e.b, i+1)
	}
	if i >= len(e.b) || e.b[i] == ']' {
		e.i = len(e.b)
		return nil, false
	}
	end := skipValue(e.b, i)
	if end == i { // a stray delimiter: the document did not pass Check
		e.i = len(e.b)
		return nil, false
	}
	e.i = end
	return value(e.b[i:end:end]), true
}

// first answers the first value of an array, or the value itself.
func (v value) first() value {
	for x := range v.elements() {
		return x
	}
	return nil
}

// member answers the member of an object with that name.
func (v value) member(name string) value {
	for key, val := range v.members() {
		if string(key) == name {
			return val
		}
	}
	return nil
}

func unescaped(b []byte) []byte {
	for _, c := range b {
		if c == '\\' {
			return appendUnescaped(nil, b)
		}
	}
	return b
}

// appendUnescaped appends the text of a JSON string, given without its quotes.
func appendUnescaped(dst, b []byte) []byte {
	for i := 0; i < len(b); {
		if b[i] != '\\' {
			dst = append(dst, b[i])
			i++
			continue
		}
		n, reason := escapeLen(b[i:])
		if reason != "" {
			return utf8.AppendRune(dst, utf8.RuneError)
		}
		switch n {
		case 2:
			dst = append(dst, simpleEscape(b[i+1]))
		case 6:
			r, _ := hex4(b[i+2:])
			dst = utf8.AppendRune(dst, r)
		case 12:
			hi, _ := hex4(b[i+2:])
			lo, _ := hex4(b[i+8:])
			dst = utf8.AppendRune(dst, (hi-0xd800)<<10|(lo-0xdc00)+0x10000)
		}
		i += n
	}
	return dst
}

func simpleEscape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

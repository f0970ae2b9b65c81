package proof

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/gowebpki/jcs"
)

// Limits of a document. They are those of an inbox body: what is larger was
// never accepted for storage either.
const (
	MaxSize   = 1 << 20
	maxDepth  = 32
	maxValues = 25_000
)

// maxInteger is the first integer that a double cannot tell from its neighbour.
// Beyond it the canonical form of different texts is the same.
const maxInteger = 1 << 53

// member is one member of an object in canonical form. text spans key and
// value, without a comma.
type member struct {
	key   string
	text  []byte
	value []byte
}

// canonical checks the limits and returns the canonical form of a document.
func canonical(doc []byte) ([]byte, error) {
	if len(doc) > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(doc))
	}
	if err := checkShape(doc); err != nil {
		return nil, err
	}
	// The transformation refuses repeated keys, lone surrogates, bad UTF-8 and
	// text after the end. Its own message may quote the document, so it is
	// left out.
	canon, err := jcs.Transform(doc)
	if err != nil || len(canon) == 0 || canon[0] != '{' {
		return nil, fmt.Errorf("%w: not one JSON object", ErrMalformed)
	}
	if err := checkNumbers(canon); err != nil {
		return nil, err
	}
	return canon, nil
}

// canonicalMembers is canonical together with the members of the document, which
// refer to it.
func canonicalMembers(doc []byte) (canon []byte, list []member, err error) {
	if canon, err = canonical(doc); err != nil {
		return nil, nil, err
	}
	list, err = members(canon)
	return canon, list, err
}

// checkShape bounds depth and number of values before anything is built from
// the document. It need not be valid yet.
func checkShape(doc []byte) error {
	depth, values := 0, 0
	for i := 0; i < len(doc); i++ {
		switch doc[i] {
		case '"':
			i = stringEnd(doc, i) - 1
		case '{', '[':
			depth++
			values++
		case '}', ']':
			depth--
		case ',':
			values++
		}
		if depth > maxDepth || values > maxValues {
			return fmt.Errorf("%w: too deep or too many values", ErrTooLarge)
		}
	}
	return nil
}

// checkNumbers refuses numbers of 2^53 and more, whatever way they are written;
// canonical form has rounded them already, and never downwards past the limit.
func checkNumbers(canon []byte) error {
	for i := 0; i < len(canon); {
		c := canon[i]
		if c == '"' {
			i = stringEnd(canon, i)
			continue
		}
		if c != '-' && (c < '0' || c > '9') {
			i++
			continue
		}
		end := scalarEnd(canon, i)
		value, err := strconv.ParseFloat(string(canon[i:end]), 64)
		if err != nil || math.Abs(value) >= maxInteger {
			return fmt.Errorf("%w: number too large to be exact", ErrMalformed)
		}
		i = end
	}
	return nil
}

// members splits a canonical object at its top level.
func members(object []byte) ([]member, error) {
	if len(object) < 2 || object[0] != '{' {
		return nil, fmt.Errorf("%w: not an object", ErrMalformed)
	}
	var list []member
	for i := 1; i < len(object)-1; i++ { // the increment passes the comma
		start := i
		colon := stringEnd(object, start)
		end := valueEnd(object, colon+1)
		var key string
		if err := json.Unmarshal(object[start:colon], &key); err != nil {
			return nil, fmt.Errorf("%w: unreadable key", ErrMalformed)
		}
		list = append(list, member{key: key, text: object[start:end], value: object[colon+1 : end]})
		i = end
	}
	return list, nil
}

// elements splits a canonical array; anything else counts as its only element.
func elements(value []byte) [][]byte {
	if len(value) == 0 || value[0] != '[' {
		return [][]byte{value}
	}
	var list [][]byte
	for i := 1; i < len(value)-1; i++ {
		end := valueEnd(value, i)
		list = append(list, value[i:end])
		i = end
	}
	return list
}

// object joins members into an object again; their order is kept.
func object(list []member) []byte {
	out := []byte{'{'}
	for i, m := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, m.text...)
	}
	return append(out, '}')
}

// find returns the value of a key and the members without it.
func find(list []member, key string) (value []byte, rest []member) {
	for i, m := range list {
		if m.key == key {
			rest = append(append([]member(nil), list[:i]...), list[i+1:]...)
			return m.value, rest
		}
	}
	return nil, list
}

// text decodes a string value; ok is false for anything else.
func text(value []byte) (s string, ok bool) {
	if len(value) == 0 || value[0] != '"' {
		return "", false
	}
	return s, json.Unmarshal(value, &s) == nil
}

// stringEnd returns the index after the string that starts at i.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

func scalarEnd(b []byte, i int) int {
	for i < len(b) && b[i] != ',' && b[i] != ']' && b[i] != '}' {
		i++
	}
	return i
}

// valueEnd returns the index after the value that starts at i in canonical text.
func valueEnd(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = stringEnd(b, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ',', ':':
			i++
		default:
			i = scalarEnd(b, i)
		}
		if depth <= 0 {
			return i
		}
	}
	return len(b)
}

package api

import (
	"net/http"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
)

// The parts from which encode_status.go writes JSON. Timelines are what a server is asked for most,
// and writing them by reflection costs more than reading them.

const hexDigits = "0123456789abcdef"

// verbatim marks the bytes that stand in a JSON string as they are.
var verbatim = func() (t [utf8.RuneSelf]bool) {
	for c := byte(' '); c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// appendString writes a JSON string. Bytes that are no text become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if verbatim[c] {
				i++
				continue
			}
			b = appendEscape(append(b, s[start:i]...), c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			b = append(append(b, s[start:i]...), "\ufffd"...)
			start = i + 1
		}
		i += size
	}
	return append(append(b, s[start:]...), '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

func appendID(b []byte, id ID) []byte {
	if id == 0 {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = strconv.AppendInt(b, int64(id), 10)
	return append(b, '"')
}

func appendStamp(b []byte, t Stamp) []byte {
	at := time.Time(t)
	if at.IsZero() {
		return append(b, "null"...)
	}
	at = at.UTC()
	year, month, day := at.Date()
	if year < 1000 || year > 9999 {
		return append(at.AppendFormat(append(b, '"'), stampFormat), '"')
	}
	hour, minute, second := at.Clock()
	b = append(b, '"')
	b = appendDigits(b, year, 1000)
	b = appendDigits(append(b, '-'), int(month), 10)
	b = appendDigits(append(b, '-'), day, 10)
	b = appendDigits(append(b, 'T'), hour, 10)
	b = appendDigits(append(b, ':'), minute, 10)
	b = appendDigits(append(b, ':'), second, 10)
	b = appendDigits(append(b, '.'), at.Nanosecond()/int(time.Millisecond), 100)
	return append(b, 'Z', '"')
}

// appendDigits writes n with as many digits as unit has.
func appendDigits(b []byte, n, unit int) []byte {
	for ; unit > 0; unit /= 10 {
		b = append(b, byte('0'+n/unit%10))
	}
	return b
}

func appendDay(b []byte, t Day) []byte {
	if time.Time(t).IsZero() {
		return append(b, "null"...)
	}
	return append(time.Time(t).UTC().AppendFormat(append(b, '"'), time.DateOnly), '"')
}

func appendText(b []byte, t Text) []byte {
	if t == "" {
		return append(b, "null"...)
	}
	return appendString(b, string(t))
}

// object writes the fields of one JSON object, in order.
type object struct {
	b    []byte
	mark byte // what stands before the next field
}

func begin(b []byte) object { return object{b: b, mark: '{'} }

func (o *object) end() []byte {
	if o.mark == '{' {
		return append(o.b, '{', '}')
	}
	return append(o.b, '}')
}

func (o *object) key(name string) {
	o.b = append(append(append(o.b, o.mark, '"'), name...), '"', ':')
	o.mark = ','
}

func (o *object) str(name, v string)         { o.key(name); o.b = appendString(o.b, v) }
func (o *object) text(name string, v Text)   { o.key(name); o.b = appendText(o.b, v) }
func (o *object) id(name string, v ID)       { o.key(name); o.b = appendID(o.b, v) }
func (o *object) stamp(name string, v Stamp) { o.key(name); o.b = appendStamp(o.b, v) }
func (o *object) flag(name string, v bool)   { o.key(name); o.b = strconv.AppendBool(o.b, v) }
func (o *object) int(name string, v int64)   { o.key(name); o.b = strconv.AppendInt(o.b, v, 10) }
func (o *object) raw(name, v string)         { o.key(name); o.b = append(o.b, v...) }

// list writes a list by its items.
func list[T any](b []byte, items []T, item func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, v := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = item(b, v)
	}
	return append(b, ']')
}

// spareLength is the capacity up to which buffers are kept for the next answer, in bytes.
const spareLength = 1 << 20

var spare = sync.Pool{New: func() any { return new([]byte) }}

// writeJSON answers with what write appends to an empty buffer.
func writeJSON(c echo.Context, write func(b []byte) []byte) error {
	buffer := spare.Get().(*[]byte)
	body := write((*buffer)[:0])
	err := c.JSONBlob(http.StatusOK, body)
	if cap(body) <= spareLength {
		*buffer = body
		spare.Put(buffer)
	}
	return err
}

package vocab

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func deep(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

var refusedByCheck = map[string]struct {
	doc  string
	want error
}{
	"nothing":                       {"", ErrMalformed},
	"only space":                    {" \n", ErrMalformed},
	"byte order mark":               {"\ufeff{}", ErrMalformed},
	"second document":               {"{} {}", ErrMalformed},
	"trailing comma in an object":   {`{"a":1,}`, ErrMalformed},
	"trailing comma in an array":    {`[1,]`, ErrMalformed},
	"missing comma":                 {`[1 2]`, ErrMalformed},
	"missing comma in an object":    {`{"a":1 "b":2}`, ErrMalformed},
	"missing colon":                 {`{"a" 1}`, ErrMalformed},
	"missing value":                 {`{"a":}`, ErrMalformed},
	"key that is no string":         {`{a:1}`, ErrMalformed},
	"single quotes":                 {`{'a':1}`, ErrMalformed},
	"comment":                       {`{/**/}`, ErrMalformed},
	"unclosed object":               {`{"a":1`, ErrMalformed},
	"unclosed array":                {`[1`, ErrMalformed},
	"unclosed string":               {`"a`, ErrMalformed},
	"wrong bracket":                 {`[1}`, ErrMalformed},
	"word":                          {`nul`, ErrMalformed},
	"other word":                    {`True`, ErrMalformed},
	"leading zero":                  {`01`, ErrMalformed},
	"plus":                          {`+1`, ErrMalformed},
	"minus alone":                   {`-`, ErrMalformed},
	"point without digits":          {`1.`, ErrMalformed},
	"exponent without digits":       {`1e+`, ErrMalformed},
	"hexadecimal":                   {`0x1`, ErrMalformed},
	"NaN":                           {`NaN`, ErrMalformed},
	"number without end":            {`1` + strings.Repeat("0", 64), ErrMalformed},
	"control character":             {"\"a\nb\"", ErrMalformed},
	"NUL in a string":               {"\"a\x00\"", ErrMalformed},
	"unknown escape":                {`"\x41"`, ErrMalformed},
	"short escape":                  {`"\u12"`, ErrMalformed},
	"escape of no digits":           {`"\uzzzz"`, ErrMalformed},
	"lone high surrogate":           {`"\ud83d"`, ErrMalformed},
	"lone low surrogate":            {`"\udc4b"`, ErrMalformed},
	"high surrogate before a word":  {`"\ud83d and"`, ErrMalformed},
	"two high surrogates":           {`"\ud83d\ud83d"`, ErrMalformed},
	"not UTF-8":                     {"\"\xff\"", ErrMalformed},
	"surrogate in UTF-8":            {"\"\xed\xa0\x80\"", ErrMalformed},
	"key twice":                     {`{"actor":"a","b":1,"actor":"c"}`, ErrMalformed},
	"key twice, once escaped":       {`{"actor":"a","\u0061ctor":"c"}`, ErrMalformed},
	"key twice, both escaped":       {`{"\u0061ctor":"a","a\u0063tor":"c"}`, ErrMalformed},
	"key twice deeper":              {`[{"a":{"b":1,"c":[],"b":2}}]`, ErrMalformed},
	"key twice among many":          {manyKeys(500, "k17"), ErrMalformed},
	"empty key twice":               {`{"":1,"":2}`, ErrMalformed},
	"too deep":                      {deep(MaxDepth + 1), ErrTooDeep},
	"nine thousand deep":            {deep(9000), ErrTooDeep},
	"nine thousand deep and broken": {strings.Repeat("[", 9000), ErrTooDeep},
	"too many containers":           {"[" + strings.Repeat("{},", MaxContainers-1) + "{}]", ErrTooBig},
	"too many values":               {"[" + strings.Repeat("1,", MaxScalars) + "1]", ErrTooBig},
	"too long":                      {`"` + strings.Repeat("a", MaxBytes) + `"`, ErrTooBig},
}

func TestCheckRefuses(t *testing.T) {
	for name, c := range refusedByCheck {
		if err := Check([]byte(c.doc)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func manyKeys(n int, last string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		b.WriteString(`"k` + strings.Repeat("1", i%7) + string(rune('a'+i%26)) + strings.Repeat("x", i/26) + `":0,`)
	}
	b.WriteString(`"k17":1,"` + last + `":2}`)
	return b.String()
}

func TestCheckAccepts(t *testing.T) {
	for name, doc := range map[string]string{
		"object":                    `{}`,
		"space around":              " \t\r\n{ \"a\" : [ 1 , -0.5e+10 , true , false , null ] } \n",
		"escapes":                   `"\"\\\/\b\f\n\r\t\u00e9\ud83d\udc4b"`,
		"keys differ by case":       `{"actor":1,"Actor":2}`,
		"same key in other objects": `{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}`,
		"many keys":                 manyKeys(500, "other"),
		"deepest":                   strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth),
		"most containers":           "[" + strings.Repeat("{},", MaxContainers-2) + "{}]",
		"most values":               "[" + strings.Repeat("1,", MaxScalars-1) + "1]",
		"longest":                   `"` + strings.Repeat("a", MaxBytes-2) + `"`,
		"brackets in texts":         `{"a":"}]{[\"","b\"":"\\"}`,
	} {
		if err := Check([]byte(doc)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !json.Valid([]byte(doc)) {
			t.Errorf("%s: the example is not JSON", name)
		}
	}
}

// A megabyte made to be expensive is refused or read in little time. The bound
// is generous; without the limits some of these took seconds.
func TestCheckIsQuick(t *testing.T) {
	for name, doc := range map[string]string{
		"a megabyte of tags":    `{"type":"Note","tag":[` + strings.Repeat("{},", MaxBytes/3-20) + `{}]}`,
		"a megabyte of arrays":  strings.Repeat("[", MaxBytes),
		"a megabyte of escapes": `"` + strings.Repeat(`\\`, MaxBytes/2-2) + `"`,
		"a megabyte of keys":    `{` + strings.Repeat(`"\u0061":0,`, MaxBytes/12) + `"a":0}`,
		"twenty thousand keys":  distinctKeys(MaxScalars),
	} {
		start := time.Now()
		_, _ = Decode([]byte(doc))
		if took := time.Since(start); took > time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}

func distinctKeys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"` + strings.Repeat("k", 8) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676)) + `":0`)
	}
	return "{" + b.String()[1:] + "}"
}

func TestCheckDoesNotAllocate(t *testing.T) {
	doc := input(t, "activities/create-note.json")
	if n := testing.AllocsPerRun(200, func() {
		if err := Check(doc); err != nil {
			t.Fatal(err)
		}
	}); n >= 1 {
		t.Errorf("%.1f allocations", n)
	}
}

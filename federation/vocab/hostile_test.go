package vocab

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/go-fed/activity/streams"
)

// readAnyhow reads a document in every way and answers what became of it. It
// fails the test when an error is none of ours.
func readAnyhow(t testing.TB, doc []byte) string {
	t.Helper()
	ours := func(err error) {
		if err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrTooBig) &&
			!errors.Is(err, ErrTooDeep) && !errors.Is(err, ErrWrongKind) {
			t.Errorf("an error that nobody can judge: %v", err)
		}
	}
	result := ""
	n, err := DecodeNote(doc)
	ours(err)
	if err == nil {
		result += "note " + n.Type + " is " + n.Visibility(n.AttributedTo+"/followers") + "; "
	}
	actor, err := DecodeActor(doc)
	ours(err)
	if err == nil {
		actor.Key(actor.ID)
		result += "actor " + actor.Type + "; "
	}
	a, err := Decode(doc)
	ours(err)
	if err != nil {
		return result + err.Error()
	}
	for _, o := range append(a.Objects, a.Target, a.Result, a.Instrument, a.Origin) {
		_, err := o.Note()
		ours(err)
		_, err = o.Actor()
		ours(err)
		_, err = o.Activity()
		ours(err)
		_, err = o.Membership()
		ours(err)
	}
	_, err = a.Note()
	ours(err)
	typ, err := toType(context.Background(), doc)
	ours(err)
	if err == nil {
		result += "activity " + a.Type + ", to go-fed " + typ.GetTypeName()
	} else if result == "" {
		result = err.Error()
	}
	return result
}

// What other programs read differently, or choke on, is refused.
func TestDecodeRefuses(t *testing.T) {
	for name, doc := range map[string]string{
		"array":                    `[{"type":"Like"}]`,
		"string":                   `"Like"`,
		"null":                     `null`,
		"no type":                  `{"id":"https://a.example/1","actor":"https://a.example/u"}`,
		"type null":                `{"type":null}`,
		"type number":              `{"type":7}`,
		"type empty":               `{"type":[]}`,
		"type with spaces":         `{"type":"Like it"}`,
		"several known types":      `{"type":["Undo","Create"],"actor":"https://a.example/u"}`,
		"an actor and an activity": `{"type":["Person","Create"]}`,
		"several, one prefixed":    `{"type":["as:Undo","Create"]}`,
		"inner of several types":   `{"type":"Announce","object":{"type":["Undo","Create"]}}`,
		"two actors":               `{"type":"Like","actor":["https://a.example/u","https://b.example/u"]}`,
		"actor number":             `{"type":"Like","actor":5}`,
		"actor with a space":       `{"type":"Like","actor":"https://a.example/u u"}`,
		"actor with a newline":     `{"type":"Like","actor":"https://a.example/\n"}`,
		"actor object without id":  `{"type":"Like","actor":{"type":"Person"}}`,
		"actor twice":              `{"type":"Like","actor":"https://a.example/u","actor":"https://b.example/u"}`,
		"two documents":            `{"type":"Like"}{"type":"Like"}`,
	} {
		if a, err := Decode([]byte(doc)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %+v, %v", name, a, err)
		}
		if _, err := normalise([]byte(doc)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: normalised, %v", name, err)
		}
	}
}

// encoding/json would take "Actor" for "actor"; we must not.
func TestNamesAreExact(t *testing.T) {
	a, err := Decode([]byte(`{"type":"Like","Actor":"https://victim.example/u","ACTOR":"https://victim.example/u",` +
		`"actor":"https://eve.example/u","Id":"https://victim.example/1","To":["as:Public"]}`))
	if err != nil {
		t.Fatal(err)
	}
	if a.Actor != "https://eve.example/u" || a.ID != "" || a.To != nil {
		t.Errorf("read %+v", a)
	}
	a, err = Decode([]byte(`{"type":"Like","Actor":"https://victim.example/u"}`))
	if err != nil || a.Actor != "" {
		t.Errorf("read %+v, %v", a, err)
	}
	n, err := DecodeNote([]byte(`{"type":"Note","AttributedTo":"https://victim.example/u","Content":"x"}`))
	if err != nil || n.AttributedTo != "" || n.Content != "" {
		t.Errorf("read %+v, %v", n, err)
	}
}

// The documents that make go-fed panic do so, and do not reach it through us.
func TestPanicsOfGoFed(t *testing.T) {
	for _, duration := range []string{`""`, `"-"`} {
		doc := `{"@context":"` + activityStreams + `","id":"https://a.example/1","type":"Create",` +
			`"actor":"https://a.example/u","duration":` + duration + `,"object":{"type":"Note","duration":` + duration + `}}`
		if !panics(doc) {
			t.Errorf("go-fed no longer panics on a duration of %s", duration)
		}
		typ, err := toType(context.Background(), []byte(doc))
		if err != nil || typ.GetTypeName() != "Create" {
			t.Errorf("got %v, %v", typ, err)
		}
		skeleton, err := normalise([]byte(doc))
		if err != nil || panics(string(skeleton)) {
			t.Errorf("the skeleton %s: %v", skeleton, err)
		}
	}
}

func panics(doc string) (panicked bool) {
	var m map[string]any
	if err := json.Unmarshal([]byte(doc), &m); err != nil {
		return false
	}
	defer func() { panicked = recover() != nil }()
	_, _ = streams.ToType(context.Background(), m)
	return false
}

// A context may not teach go-fed other names for what we read.
func TestContextCannotRename(t *testing.T) {
	doc := []byte(`{"@context":{"https://www.w3.org/ns/activitystreams":"x"},"id":"https://a.example/1","type":"Like",` +
		`"x:actor":"https://victim.example/u","actor":"https://a.example/u","x:object":"https://victim.example/1"}`)
	typ, err := toType(context.Background(), doc)
	if err != nil {
		t.Fatal(err)
	}
	m, err := typ.Serialize()
	if err != nil {
		t.Fatal(err)
	}
	if m["actor"] != "https://a.example/u" || m["object"] != nil || m["x:actor"] != nil {
		t.Errorf("go-fed read %v", m)
	}
}

func TestCaps(t *testing.T) {
	repeat := func(n int, f func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString("," + f(i))
		}
		return "[" + b.String()[1:] + "]"
	}
	number := func(i int) string { return strings.Repeat("1", i/26+1) + string(rune('a'+i%26)) }
	id := func(i int) string { return `"https://a.example/` + number(i) + `"` }
	tag := func(typ string) string {
		return repeat(400, func(i int) string {
			return `{"type":"` + typ + `","href":` + id(i) + `,"name":"x` + number(i) + `","icon":{"url":` + id(i) + `}}`
		})
	}
	note := func(member, value string) *Note {
		n, err := DecodeNote([]byte(`{"type":"Note","` + member + `":` + value + `}`))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := len(note("tag", tag("Mention")).Mentions); n != 50 {
		t.Errorf("%d mentions", n)
	}
	if n := len(note("tag", tag("Hashtag")).Hashtags); n != 100 {
		t.Errorf("%d hashtags", n)
	}
	if n := len(note("tag", tag("Emoji")).Emojis); n != 50 {
		t.Errorf("%d emojis", n)
	}
	if n := len(note("attachment", repeat(400, func(i int) string { return `{"url":` + id(i) + `}` })).Attachments); n != 16 {
		t.Errorf("%d attachments", n)
	}
	n := note("to", repeat(150, id))
	if len(n.To) != 150 {
		t.Errorf("%d recipients", len(n.To))
	}
	a, err := Decode([]byte(`{"type":"Create","to":` + repeat(150, id) + `,"cc":` + repeat(150, id) +
		`,"audience":["https://a.example/x"],"object":` + repeat(400, id) + `}`))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.To)+len(a.Cc)+len(a.Audience) != 200 || len(a.Objects) != 100 {
		t.Errorf("%d + %d + %d recipients, %d objects", len(a.To), len(a.Cc), len(a.Audience), len(a.Objects))
	}
	// An address beyond the limit is never the one that opens a post.
	wide := `{"type":"Note","to":` + repeat(200, id) + `,"cc":["as:Public"]}`
	if late, err := DecodeNote([]byte(wide)); err != nil || late.Visibility("") == VisibilityUnlisted {
		t.Errorf("a late Public opened the post: %v", err)
	}
}

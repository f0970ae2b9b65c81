package vocab

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func seed(f *testing.F) {
	for _, folder := range []string{"activities", "notes", "actors", "sent"} {
		for _, doc := range inputs(f, filepath.Join("testdata", folder)) {
			f.Add(doc)
		}
	}
	for _, doc := range []string{
		``, `{}`, `null`, `{"type":["Undo","Create"]}`, `{"a":1,"\u0061":2}`, `{"type":"Create","duration":"-"}`,
		`{"type":"Note","id":5,"tag":[{},[],null,{"type":"Mention"}],"contentMap":{"":"","en":null}}`,
		`{"type":"Person","id":"https://a.example/u","publicKey":[[{"id":"x"}]],"icon":[[[]]]}`, `"\ud83d`, `{"`, `{"a`, `{"a"`, `{"a":`,
		`{"type":"Note","attachment":{"focalPoint":[1e999,"x"],"width":-1,"url":[{"href":"https://a.example"}]}}`,
		strings.Repeat(`{"object":`, 31) + `{}` + strings.Repeat(`}`, 31),
	} {
		f.Add([]byte(doc))
	}
}

// What Check accepts is JSON for everybody else too, and what it calls malformed
// is either no JSON or breaks one of our stricter rules.
func FuzzCheck(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, doc []byte) {
		err := Check(doc)
		if err == nil && !json.Valid(doc) {
			t.Fatalf("accepted what is no JSON: %q", doc)
		}
		if errors.Is(err, ErrMalformed) && json.Valid(doc) && !strictOnly(err) {
			t.Fatalf("refused JSON as %v: %q", err, doc)
		}
	})
}

func strictOnly(err error) bool {
	for _, reason := range []string{"byte order mark", "not UTF-8", "lone surrogate", "a key appears twice", "64 characters"} {
		if strings.Contains(err.Error(), reason) {
			return true
		}
	}
	return false
}

func FuzzDecode(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, doc []byte) {
		readAnyhow(t, doc)
		// The walkers must survive what did not pass Check as well.
		_, _ = readActivity(trim(doc))
		a, err := Decode(doc)
		if err != nil {
			return
		}
		for _, o := range a.Objects {
			if !bytes.Contains(doc, o.Raw) {
				t.Fatalf("the inner document was changed: %q", o.Raw)
			}
		}
		skeleton, err := a.Normalise()
		if err != nil {
			return
		}
		again, err := Decode(skeleton)
		if err != nil {
			t.Fatalf("the skeleton %s: %v", skeleton, err)
		}
		if again.Actor != a.Actor || again.Type != a.Type || a.ID != "" && again.ID != a.ID {
			t.Fatalf("the skeleton %s differs from %+v", skeleton, a)
		}
	})
}

func FuzzDecodeActor(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, doc []byte) {
		_, _ = readActor(trim(doc))
		a, err := DecodeActor(doc)
		if err != nil {
			return
		}
		out, err := EncodeActor(a)
		if err != nil {
			return // an id that is no URI
		}
		again, err := DecodeActor(out)
		if err != nil || again.ID != a.ID || again.Inbox != a.Inbox || again.Summary != a.Summary {
			t.Fatalf("%s became %s: %v", doc, out, err)
		}
	})
}

func FuzzDecodeNote(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, doc []byte) {
		_, _ = readNote(trim(doc))
		n, err := DecodeNote(doc)
		if err != nil {
			return
		}
		out, err := EncodeNote(n)
		if err != nil {
			return // a type we do not send, or an id that is no URI
		}
		again, err := DecodeNote(out)
		if err != nil || again.ID != n.ID || again.Content != n.Content || again.Visibility("x:y") != n.Visibility("x:y") {
			t.Fatalf("%s became %s: %v", doc, out, err)
		}
	})
}

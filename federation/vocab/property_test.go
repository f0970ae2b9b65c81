package vocab

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Any text survives being written and read, and reads the same elsewhere.
func TestTextsSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		b := appendString(nil, s)
		var theirs string
		if err := json.Unmarshal(b, &theirs); err != nil || theirs != s {
			t.Fatalf("%q was written as %s: %q, %v", s, b, theirs, err)
		}
		if err := Check(b); err != nil {
			t.Fatal(err)
		}
		if ours := value(b).text(); ours != withoutNUL(s) {
			t.Fatalf("%q was read as %q", s, ours)
		}
		// encoding/json escapes more than we do; both are read.
		escaped, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if ours := value(escaped).text(); ours != withoutNUL(s) {
			t.Fatalf("%s was read as %q", escaped, ours)
		}
	})
}

func withoutNUL(s string) string {
	kept := make([]rune, 0, len(s))
	for _, r := range s {
		if r != 0 {
			kept = append(kept, r)
		}
	}
	return string(kept)
}

// Any note we can send is read back as it was.
func TestNotesSurvive(t *testing.T) {
	id := rapid.StringMatching(`https://[a-z]{1,8}\.example/[a-zA-Z0-9%20~é/]{0,12}`).Filter(isURI)
	text := rapid.Map(rapid.String(), withoutNUL)
	at := rapid.Map(rapid.Int64Range(1, 4e12), func(ms int64) time.Time { return time.UnixMilli(ms).UTC() })
	rapid.Check(t, func(t *rapid.T) {
		want := &Note{
			ID: id.Draw(t, "id"), Type: rapid.SampledFrom([]string{"Note", "Article", "Page"}).Draw(t, "type"),
			AttributedTo: id.Draw(t, "author"), InReplyTo: id.Draw(t, "parent"),
			Content: text.Draw(t, "content"), Summary: text.Draw(t, "summary"), Name: text.Draw(t, "name"),
			Sensitive: rapid.Bool().Draw(t, "sensitive"), Published: at.Draw(t, "published"),
			To: distinct(rapid.SliceOfN(id, 0, 5).Draw(t, "to")), Cc: distinct(rapid.SliceOfN(id, 0, 5).Draw(t, "cc")),
			Hashtags: nil, Attachments: nil,
		}
		if want.Content != "" {
			want.Language = rapid.SampledFrom([]string{"", "en", "zh-Hans"}).Draw(t, "language")
		}
		doc, err := EncodeNote(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeNote(doc)
		if err != nil {
			t.Fatal(err)
		}
		got.Raw = nil
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\n got %+v\nwant %+v", doc, got, want)
		}
	})
}

func distinct(ids []string) []string {
	var kept []string
	for _, id := range ids {
		if !contains(kept, id) {
			kept = append(kept, id)
		}
	}
	return kept
}

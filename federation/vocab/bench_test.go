package vocab

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-fed/activity/streams"
)

// kilobyte is an ordinary Create of about one kilobyte.
func kilobyte(b *testing.B) []byte {
	n := noteOut()
	n.Attachments, n.Hashtags, n.Content = nil, nil, strings.Repeat("words ", 20)
	doc, err := EncodeActivity(ActivityOut{ID: school + "/activities/1", Type: "Create", Actor: n.AttributedTo, To: n.To, Cc: n.Cc, Object: n})
	if err != nil {
		b.Fatal(err)
	}
	return doc
}

func BenchmarkCheck(b *testing.B) {
	doc := kilobyte(b)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if err := Check(doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	doc := kilobyte(b)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		a, err := Decode(doc)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := a.Note(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkToType is what go-fed costs for one activity, its skeleton included.
func BenchmarkToType(b *testing.B) {
	doc := kilobyte(b)
	for b.Loop() {
		if _, err := toType(b.Context(), doc); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkToTypeWhole is what it would cost to give go-fed the whole document.
func BenchmarkToTypeWhole(b *testing.B) {
	doc := kilobyte(b)
	for b.Loop() {
		var m map[string]any
		if err := json.Unmarshal(doc, &m); err != nil {
			b.Fatal(err)
		}
		if _, err := streams.ToType(b.Context(), m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeActor(b *testing.B) {
	doc := input(b, "actors/person.json")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeActor(doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeNote(b *testing.B) {
	n := noteOut()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := EncodeNote(n); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeCreate(b *testing.B) {
	a := ActivityOut{ID: school + "/activities/1", Type: "Create", Actor: school + "/users/7", Published: time.Unix(1, 0), To: []string{Public}, Object: noteOut()}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := EncodeActivity(a); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeActor(b *testing.B) {
	a := circleOut()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := EncodeActor(a); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWorst is the most expensive document within the limits.
func BenchmarkWorst(b *testing.B) {
	doc := []byte(`{"type":"Create","object":[` + strings.Repeat(`{"type":"View","tag":[{}]},`, 660) + `{}]}`)
	for b.Loop() {
		if _, err := toType(b.Context(), doc); err != nil {
			b.Fatal(err)
		}
	}
}

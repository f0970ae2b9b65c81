package proof

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"testing"
	"time"
)

// FuzzVerify: nothing makes Verify panic, and nothing verifies that our key did
// not sign.
func FuzzVerify(f *testing.F) {
	key := vectorKey(f)
	for _, doc := range []string{activityDoc, credentialDoc, `{}`, `{"@context":[],"proofs":{"":[[],{}]}}`} {
		signed, err := Sign([]byte(doc), key, "k", AssertionMethod, time.Unix(0, 0))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(signed)
	}
	f.Add([]byte(`{"proof":{"@context":[1],"type":"DataIntegrityProof"},"@context":[1,2]}`))
	f.Add([]byte(`{"proof":"\\"}`))
	stranger := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32)).Public().(ed25519.PublicKey)
	f.Fuzz(func(t *testing.T, doc []byte) {
		p, err := Verify(doc, func(string) (ed25519.PublicKey, error) { return stranger, nil })
		if p != nil || err == nil {
			t.Fatalf("verified %q", doc)
		}
	})
}

// FuzzSign: whatever Sign accepts, it returns as canonical JSON that verifies and
// that says the same as before.
func FuzzSign(f *testing.F) {
	for _, doc := range []string{activityDoc, `{}`, `{"a":[1.5e3,-0,{"b":null}],"\ud83d\ude00":"\u0007","prooe":0,"prooff":0}`, `[`, `{"proof":1}`} {
		f.Add([]byte(doc))
	}
	key := vectorKey(f)
	f.Fuzz(func(t *testing.T, doc []byte) {
		signed, err := Sign(doc, key, "k", AssertionMethod, time.Unix(0, 0))
		if err != nil {
			return
		}
		if again, err := canonical(signed); err != nil || !bytes.Equal(again, signed) {
			t.Fatalf("not canonical: %q, %v", signed, err)
		}
		if _, err := Verify(signed, func(string) (ed25519.PublicKey, error) { return key.Public().(ed25519.PublicKey), nil }); err != nil {
			t.Fatalf("%q: %v", signed, err)
		}
		var before, after map[string]any
		if json.Unmarshal(doc, &before) != nil || json.Unmarshal(signed, &after) != nil || len(after) != len(before)+1 {
			t.Fatalf("%q became %q", doc, signed)
		}
	})
}

func FuzzDecodeMultikey(f *testing.F) {
	f.Add(vectorPublic)
	f.Add(vectorSecret)
	f.Add("z1111111")
	f.Fuzz(func(t *testing.T, text string) {
		if key, err := DecodeMultikey(text); err == nil && EncodeMultikey(key) != text {
			t.Fatalf("%q is not the only form of %x", text, key)
		}
	})
}

func BenchmarkSign(b *testing.B) {
	key := vectorKey(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Sign([]byte(activityDoc), key, activityMethod, AssertionMethod, time.Unix(0, 0)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	key := vectorKey(b)
	signed, err := Sign([]byte(activityDoc), key, activityMethod, AssertionMethod, time.Unix(0, 0))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Verify(signed, func(string) (ed25519.PublicKey, error) { return key.Public().(ed25519.PublicKey), nil }); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHostile is the dearest document within the limits that we found.
func BenchmarkHostile(b *testing.B) {
	doc := []byte(`{"a":[` + string(bytes.Repeat([]byte(`{"x":1},`), 12_000)) + `{}]}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Verify(doc, nil); err == nil {
			b.Fatal("accepted")
		}
	}
}

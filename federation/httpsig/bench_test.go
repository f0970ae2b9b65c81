package httpsig

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"net/http"
	"testing"
)

var benchBody = bytes.Repeat([]byte("a"), 1500)

// BenchmarkRSA is the floor for BenchmarkSign.
func BenchmarkRSA(b *testing.B) {
	sum := sha256.Sum256(benchBody)
	key := rsaKey()
	for b.Loop() {
		if _, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	signer := NewSigner(aliceID, rsaKey())
	r, err := http.NewRequestWithContext(context.Background(), "POST", "https://"+ourHost+"/inbox", nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := signer.Sign(r, benchBody, noon); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseAndVerify(b *testing.B) {
	r := post(string(benchBody)).request(b)
	b.ReportAllocs()
	for b.Loop() {
		s, err := Parse(r, benchBody, noon, ourHost)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Verify(rsaKey().Public()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParsePublicKey(b *testing.B) {
	text := pkix(b, rsaKey().Public())
	for b.Loop() {
		if _, err := ParsePublicKey(text); err != nil {
			b.Fatal(err)
		}
	}
}

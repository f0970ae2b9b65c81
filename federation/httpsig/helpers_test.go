package httpsig

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	ourHost = "school.example"
	aliceID = "https://peer.example/users/alice#main-key"
)

var noon = time.Date(2031, 5, 4, 12, 0, 0, 0, time.UTC)

// rsaKey makes the key of a test run once; making one is slow.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

var edKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))

// forged is a request under construction: the fields that a peer or an attacker
// chooses, signed by independent code so that the package is not tested against
// itself.
type forged struct {
	method, target, host string
	body                 []byte
	header               http.Header
	covered              string
	algorithm            string
	created, expires     string
	signTarget           string // differs from target when set
	key                  crypto.Signer
	hash                 crypto.Hash
	signature            string // replaces the real one when set
	after                func(r *http.Request)
}

func get(target string) forged {
	return forged{
		method: "GET", target: target, host: ourHost, algorithm: "rsa-sha256", hash: crypto.SHA256,
		covered: "(request-target) host date", key: rsaKey(),
		header: http.Header{"Date": {noon.Format(http.TimeFormat)}},
	}
}

func post(body string) forged {
	f := get("/inbox")
	f.method, f.body, f.covered = "POST", []byte(body), "(request-target) host date digest"
	sum := sha256.Sum256(f.body)
	f.header.Set("Digest", "SHA-256="+base64.StdEncoding.EncodeToString(sum[:]))
	return f
}

func (f forged) text() string {
	target := f.signTarget
	if target == "" {
		target = f.target
	}
	var lines []string
	for _, name := range strings.Fields(strings.ToLower(f.covered)) {
		value := strings.Join(f.header.Values(name), ", ")
		switch name {
		case "(request-target)":
			value = strings.ToLower(f.method) + " " + target
		case "host":
			value = f.host
		case "(created)":
			value = f.created
		case "(expires)":
			value = f.expires
		}
		lines = append(lines, name+": "+value)
	}
	return strings.Join(lines, "\n")
}

func (f forged) sign(t testing.TB) string {
	t.Helper()
	if f.signature != "" {
		return f.signature
	}
	message := []byte(f.text())
	opts := crypto.SignerOpts(f.hash)
	switch f.hash {
	case crypto.SHA256:
		sum := sha256.Sum256(message)
		message = sum[:]
	case crypto.SHA512:
		sum := sha512.Sum512(message)
		message = sum[:]
	}
	sig, err := f.key.Sign(rand.Reader, message, opts)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(sig)
}

func (f forged) request(t testing.TB) *http.Request {
	t.Helper()
	u, err := url.ParseRequestURI(f.target)
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{
		Method: f.method, URL: u, Host: f.host, Header: f.header.Clone(), RequestURI: f.target,
		Body: io.NopCloser(bytes.NewReader(f.body)),
	}
	value := `keyId="` + aliceID + `",`
	if f.algorithm != "" {
		value += `algorithm="` + f.algorithm + `",`
	}
	if f.created != "" {
		value += "created=" + f.created + ","
	}
	if f.expires != "" {
		value += "expires=" + f.expires + ","
	}
	r.Header.Set("Signature", value+`headers="`+f.covered+`",signature="`+f.sign(t)+`"`)
	if f.after != nil {
		f.after(r)
	}
	return r
}

func (f forged) judge(t testing.TB, key crypto.PublicKey) error {
	t.Helper()
	s, err := Parse(f.request(t), f.body, noon, ourHost)
	if err != nil {
		return err
	}
	if s.KeyID != aliceID {
		t.Fatalf("key id %q", s.KeyID)
	}
	return s.Verify(key)
}

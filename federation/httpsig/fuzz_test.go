package httpsig

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// FuzzParse: no header makes Parse or Verify panic, and nothing that was not
// signed by our key verifies under another one.
func FuzzParse(f *testing.F) {
	seed := post("{}").request(f)
	good := seed.Header.Get("Signature")
	date, digest := seed.Header.Get("Date"), seed.Header.Get("Digest")
	f.Add(good, date, digest, ourHost, "/inbox", "POST", "{}")
	f.Add(strings.ReplaceAll(good, ",", ", "), date, digest, "SCHOOL.EXAMPLE:443", "/inbox?x=1", "POST", "{}")
	f.Add(`keyId="a",created=1,expires=9.5,headers="(created) (expires)",signature="AA=="`, "", "", ourHost, "/", "GET", "")
	f.Add(`keyId="a,b=\"",,`, "x", "MD5=", "[::1]:80", "/%zz", "", "x")
	f.Add("", "", "", "", "", "", "")
	f.Fuzz(func(t *testing.T, signature, date, digest, host, target, method, body string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		r := &http.Request{Method: method, URL: u, Host: host, Header: http.Header{
			"Signature": {signature}, "Date": {date}, "Digest": {digest},
		}}
		s, err := Parse(r, []byte(body), noon, ourHost)
		if (s == nil) == (err == nil) {
			t.Fatalf("signature %v with error %v", s, err)
		}
		if s == nil {
			return
		}
		if s.Verify(edKey.Public()) == nil {
			t.Fatal("a stranger's signature verifies")
		}
		if !near(s.Made, noon) || s.KeyID == "" || !s.covers("(request-target)") || !s.covers("host") {
			t.Fatalf("accepted %q", signature)
		}
	})
}

// FuzzParams: a header that parses says the same when written anew.
func FuzzParams(f *testing.F) {
	for _, seed := range []string{
		`keyId="https://a.example/k",algorithm="hs2019",headers="(request-target) host",signature="QQ=="`,
		`keyId="a",signature="b",created=1,expires=2.5`, `keyid = "a" , SIGNATURE="b"`, `sig1=:AAAA:`, `=`, `a="`, `a=b,`, `"`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parseParams(text)
		if err != nil {
			return
		}
		again, err := parseParams(`keyId="` + p.keyID + `",algorithm="` + p.algorithm + `",headers="` + p.headers +
			`",signature="` + p.signature + `",created="` + p.created + `",expires="` + p.expires + `"`)
		if err != nil || again != p {
			t.Fatalf("%q reads as %+v, then as %+v, %v", text, p, again, err)
		}
	})
}

// FuzzParsePublicKey: whatever is accepted is fit for Verify.
func FuzzParsePublicKey(f *testing.F) {
	f.Add(pkix(f, rsaKey().Public()))
	f.Add(pkix(f, edKey.Public()))
	f.Add("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----")
	f.Fuzz(func(t *testing.T, text string) {
		if key, err := ParsePublicKey(text); err == nil && checkKey(key) != nil {
			t.Fatal("an unfit key was accepted")
		}
	})
}

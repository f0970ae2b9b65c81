package httpsig

import (
	"crypto"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestForgeriesAreRefused is the list of requests that must not pass, each
// correctly signed except for the one fault it is named after.
func TestForgeriesAreRefused(t *testing.T) {
	at := func(d time.Duration) string { return noon.Add(d).Format(http.TimeFormat) }
	unix := func(d time.Duration) string { return strconv.FormatInt(noon.Add(d).Unix(), 10) }
	date := func(d time.Duration) func(*forged) {
		return func(f *forged) { f.header.Set("Date", at(d)) }
	}
	cover := func(names string) func(*forged) { return func(f *forged) { f.covered = names } }
	label := func(name string) func(*forged) { return func(f *forged) { f.algorithm = name } }
	digest := func(text string) func(*forged) { return func(f *forged) { f.header.Set("Digest", text) } }
	hs := func(covered, created, expires string) func(*forged) {
		return func(f *forged) {
			f.algorithm, f.covered, f.created, f.expires = "hs2019", covered, created, expires
		}
	}
	then := func(change func(r *http.Request)) func(*forged) { return func(f *forged) { f.after = change } }
	md5sum := md5.Sum([]byte("{}"))
	good := post("{}").header.Get("Digest")
	long512 := sha512.Sum512([]byte("{}"))

	cases := []struct {
		name string
		make forged
		edit func(*forged)
		want error
	}{
		{"no signature", get("/"), then(func(r *http.Request) { r.Header.Del("Signature") }), ErrUnsigned},
		{"empty signature header", get("/"), then(func(r *http.Request) { r.Header.Set("Signature", "") }), ErrMalformed},
		{"garbage", get("/"), then(func(r *http.Request) { r.Header.Set("Signature", "=,;\"") }), ErrMalformed},
		{"all zero signature", get("/"), func(f *forged) { f.signature = base64.StdEncoding.EncodeToString(make([]byte, 256)) }, ErrBadSignature},
		{"empty signature value", get("/"), func(f *forged) { f.signature = "====" }, ErrMalformed},
		{"signature not base64", get("/"), func(f *forged) { f.signature = "no-base64!" }, ErrMalformed},
		{"signature with loose bits", get("/"), func(f *forged) { f.signature = "QQ==" + "QR==" }, ErrMalformed},
		{"monstrous signature", get("/"), func(f *forged) { f.signature = strings.Repeat("A", 4096) }, ErrMalformed},

		// SIG-1: the body
		{"swapped body", post("{}"), func(f *forged) { f.body = []byte(`{"type":"Delete"}`) }, ErrDigest},
		{"body on a digest of nothing", post(""), func(f *forged) { f.body = []byte("{}") }, ErrDigest},
		{"digest not covered", post("{}"), cover("(request-target) host date"), ErrDigest},
		{"digest missing", post("{}"), func(f *forged) { f.header.Del("Digest"); f.covered = "(request-target) host date" }, ErrDigest},
		{"digest covered and missing", post("{}"), func(f *forged) { f.header.Del("Digest") }, ErrMalformed},
		{"digest empty", post("{}"), digest(""), ErrDigest},
		{"digest empty value", post("{}"), digest("SHA-256="), ErrDigest},
		{"digest MD5", post("{}"), digest("MD5=" + base64.StdEncoding.EncodeToString(md5sum[:])), ErrDigest},
		{"digest list", post("{}"), digest(good + ",MD5=" + base64.StdEncoding.EncodeToString(md5sum[:])), ErrDigest},
		{"digest list, weak first", post("{}"), digest("MD5=AAAA," + good), ErrDigest},
		{"digest doubled", post("{}"), then(func(r *http.Request) { r.Header.Add("Digest", good) }), ErrMalformed},
		{"digest doubled while signing", post("{}"), func(f *forged) { f.header.Add("Digest", "SHA-256=AAAA") }, ErrMalformed},
		{"digest doubled the other way", post("{}"), func(f *forged) { f.header["Digest"] = []string{"SHA-256=AAAA", good} }, ErrMalformed},
		{"content-digest of something else", post("{}"), func(f *forged) { f.header.Set("Content-Digest", "sha-256=:AAAA:") }, ErrDigest},
		{"content-digest without colons", post("{}"), func(f *forged) { f.header.Set("Content-Digest", strings.Replace(good, "SHA", "sha", 1)) }, ErrDigest},
		{"content-digest truncated", post("{}"), func(f *forged) {
			f.covered += " content-digest"
			f.header.Set("Content-Digest", "sha-512=:"+base64.StdEncoding.EncodeToString(long512[:32])+":")
		}, ErrDigest},
		{"body on a GET", get("/"), func(f *forged) { f.body = []byte("{}") }, ErrDigest},
		{"DELETE without digest", get("/"), func(f *forged) { f.method = "DELETE" }, ErrDigest},

		// SIG-6: coverage
		{"covers nothing", get("/"), cover(""), ErrMalformed},
		{"covers date only", get("/"), cover("date"), ErrMalformed},
		{"no target", post("{}"), cover("host date digest"), ErrMalformed},
		{"no host", post("{}"), cover("(request-target) date digest"), ErrMalformed},
		{"no time", post("{}"), cover("(request-target) host digest"), ErrMalformed},
		{"covered header missing", get("/"), cover("(request-target) host date x-gone"), ErrMalformed},
		{"covered twice", get("/"), cover("(request-target) host date date"), ErrMalformed},
		{"covered twice by case", get("/"), cover("(request-target) host date Date"), ErrMalformed},
		{"unknown pseudo header", get("/"), cover("(request-target) host date (status)"), ErrMalformed},
		{"too many covered", get("/"), cover("(request-target) host date" + strings.Repeat(" x", 40)), ErrMalformed},
		{"other path", get("/a"), func(f *forged) { f.signTarget = "/b" }, ErrBadSignature},
		{"other method", get("/"), func(f *forged) { f.after = func(r *http.Request) { r.Method = "HEAD" } }, ErrBadSignature},
		{"other query", get("/a?page=2"), func(f *forged) { f.signTarget = "/a?page=1" }, ErrBadSignature},
		{"query added to a path signed decoded", get("/a%20b"), func(f *forged) { f.signTarget = "/a b" }, ErrBadSignature},
		{"date changed afterwards", get("/"), then(func(r *http.Request) { r.Header.Set("Date", at(time.Minute)) }), ErrBadSignature},

		// SIG-7: time
		{"two days old", get("/"), date(-48 * time.Hour), ErrStale},
		{"just too old", get("/"), date(-12*time.Hour - time.Second), ErrStale},
		{"just too new", get("/"), date(time.Hour + time.Second), ErrStale},
		{"two days ahead", get("/"), date(48 * time.Hour), ErrStale},
		{"yesterday in words", get("/"), func(f *forged) { f.header.Set("Date", "yesterday") }, ErrMalformed},
		{"date empty", get("/"), func(f *forged) { f.header.Set("Date", "") }, ErrMalformed},
		{"date doubled", get("/"), func(f *forged) { f.header.Add("Date", at(0)) }, ErrMalformed},
		{"date doubled while created counts", get("/"), func(f *forged) {
			hs("(request-target) host (created)", unix(0), "")(f)
			f.header.Add("Date", at(-time.Hour))
		}, ErrMalformed},
		{"created too old", get("/"), hs("(request-target) host (created)", unix(-13*time.Hour), ""), ErrStale},
		{"created too new", get("/"), hs("(request-target) host (created)", unix(2*time.Hour), ""), ErrStale},
		{"created missing", get("/"), hs("(request-target) host (created)", "", ""), ErrMalformed},
		{"created not a number", get("/"), hs("(request-target) host (created)", "12x", ""), ErrMalformed},
		{"created with a fraction", get("/"), hs("(request-target) host (created)", unix(0)+".5", ""), ErrMalformed},
		{"created negative", get("/"), hs("(request-target) host (created)", "-1", ""), ErrMalformed},
		{"created beyond int64", get("/"), hs("(request-target) host (created)", strings.Repeat("9", 30), ""), ErrMalformed},
		{"old date beside a fresh created", get("/"), func(f *forged) {
			hs("(request-target) host (created) date", unix(0), "")(f)
			date(-48 * time.Hour)(f)
		}, ErrStale},
		{"expired", get("/"), hs("(request-target) host (created) (expires)", unix(-time.Hour), unix(-time.Minute)), ErrStale},
		{"expires now", get("/"), hs("(request-target) host (created) (expires)", unix(-time.Hour), unix(0)), ErrStale},
		{"expired though not covered", get("/"), hs("(request-target) host date", "", unix(-time.Minute)), ErrStale},
		{"expires unreadable", get("/"), hs("(request-target) host date", "", "soon"), ErrMalformed},
		{"created under rsa-sha256", get("/"), func(f *forged) {
			hs("(request-target) host (created)", unix(0), "")(f)
			f.algorithm = "rsa-sha256"
		}, ErrMalformed},

		// SIG-9: the host
		{"signed for another host", post("{}"), func(f *forged) { f.host = "other.test" }, ErrWrongHost},
		{"host with another port", post("{}"), func(f *forged) { f.host = ourHost + ":8443" }, ErrWrongHost},
		{"host with a trailing dot", post("{}"), func(f *forged) { f.host = ourHost + "." }, ErrWrongHost},
		{"host as a suffix", post("{}"), func(f *forged) { f.host = "evil-" + ourHost }, ErrWrongHost},
		{"no host at all", post("{}"), func(f *forged) { f.host = "" }, ErrWrongHost},
		{"host swapped after signing", post("{}"), func(f *forged) {
			f.host = "other.test"
			f.after = func(r *http.Request) { r.Host = ourHost }
		}, ErrBadSignature},
		{"second host header", post("{}"), then(func(r *http.Request) { r.Header["Host"] = []string{"other.test"} }), ErrMalformed},
		{"absolute target elsewhere", post("{}"), then(func(r *http.Request) { r.URL.Host = "other.test" }), ErrMalformed},
		{"opaque target", post("{}"), then(func(r *http.Request) { r.URL.Opaque = "//other.test/inbox" }), ErrMalformed},

		// SIG-10: the algorithm
		{"none", get("/"), label("none"), ErrMalformed},
		{"hmac-sha256", get("/"), label("hmac-sha256"), ErrMalformed},
		{"hmac keyed with the public key", get("/"), func(f *forged) {
			f.algorithm = "hmac-sha256"
			der, err := x509.MarshalPKIXPublicKey(f.key.Public())
			if err != nil {
				t.Fatal(err)
			}
			mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
			mac.Write([]byte(f.text()))
			f.signature = base64.StdEncoding.EncodeToString(mac.Sum(nil))
		}, ErrMalformed},
		{"rsa-sha1", get("/"), label("rsa-sha1"), ErrMalformed},
		{"ecdsa-sha256", get("/"), label("ecdsa-sha256"), ErrMalformed},
		{"ed25519 label on an RSA key", get("/"), label("ed25519"), ErrBadSignature},
		{"sha512 label on a sha256 signature", get("/"), label("rsa-sha512"), ErrBadSignature},
		{"sha256 label on a sha512 signature", get("/"), func(f *forged) { f.hash = crypto.SHA512 }, ErrBadSignature},

		// SIG-12: two readings
		{"two signature headers", get("/"), then(func(r *http.Request) { r.Header.Add("Signature", r.Header.Get("Signature")) }), ErrMalformed},
		{"empty second signature header", get("/"), then(func(r *http.Request) { r.Header.Add("Signature", "") }), ErrMalformed},
		{"signature and authorization", get("/"), then(func(r *http.Request) { r.Header.Set("Authorization", "Signature "+r.Header.Get("Signature")) }), ErrMalformed},
		{"signature and bearer", get("/"), then(func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }), ErrMalformed},
		{"two signatures joined", get("/"), then(func(r *http.Request) {
			r.Header.Set("Signature", r.Header.Get("Signature")+","+r.Header.Get("Signature"))
		}), ErrMalformed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := c.make
			c.edit(&f)
			if err := f.judge(t, rsaKey().Public()); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// TestAmbiguousParametersAreRefused alters the text of a header that is good
// otherwise.
func TestAmbiguousParametersAreRefused(t *testing.T) {
	r := get("/").request(t)
	good := r.Header.Get("Signature")
	if _, err := Parse(r, nil, noon, ourHost); err != nil {
		t.Fatalf("the header itself: %v", err)
	}
	quoted := `keyId="` + aliceID + `"`
	cases := map[string]string{
		"second key id at the end":       good + `,keyId="https://evil.example/key"`,
		"second key id at the front":     `keyId="https://evil.example/key",` + good,
		"second key id in another case":  good + `,KEYID="https://evil.example/key"`,
		"second headers":                 good + `,headers="date"`,
		"second signature":               good + `,signature="AAAA"`,
		"second algorithm":               good + `,algorithm="hs2019"`,
		"unknown parameter twice":        good + `,x="1",x="2"`,
		"trailing comma":                 good + ",",
		"leading comma":                  "," + good,
		"double comma":                   strings.Replace(good, `",`, `",,`, 1),
		"unclosed quote":                 strings.TrimSuffix(good, `"`),
		"text after a quote":             strings.Replace(good, `",`, `"x,`, 1),
		"escaped quote in the key id":    strings.Replace(good, quoted, `keyId="a\"b"`, 1),
		"backslash in the key id":        strings.Replace(good, quoted, `keyId="a\b"`, 1),
		"line break in the key id":       strings.Replace(good, quoted, "keyId=\"a\nb\"", 1),
		"control character":              strings.Replace(good, quoted, "keyId=\"a\x00b\"", 1),
		"letters outside ASCII":          strings.Replace(good, quoted, `keyId="https://péer.example/"`, 1),
		"single quotes":                  strings.ReplaceAll(good, `"`, `'`),
		"no equals sign":                 strings.Replace(good, "keyId=", "keyId", 1),
		"no name":                        strings.Replace(good, "keyId=", "=", 1),
		"no key id":                      strings.Replace(good, "keyId=", "kid=", 1),
		"empty key id":                   strings.Replace(good, quoted, `keyId=""`, 1),
		"long key id":                    strings.Replace(good, quoted, `keyId="https://`+strings.Repeat("a", 2100)+`"`, 1),
		"no signature":                   strings.Replace(good, "signature=", "sig=", 1),
		"no headers, so date alone":      strings.Replace(good, "headers=", "hdrs=", 1),
		"bad name among headers":         strings.Replace(good, "host date", "host da:te", 1),
		"scheme in front":                "Signature " + good,
		"a header that is far too long":  good + `,x="` + strings.Repeat("a", 9000) + `"`,
		"more parameters than any sends": good + manyParams(20),
		"an RFC 9421 signature":          `sig1=:AAAA:`,
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			r.Header.Set("Signature", text)
			if s, err := Parse(r, nil, noon, ourHost); !errors.Is(err, ErrMalformed) {
				t.Errorf("got %v, %v", s, err)
			}
		})
	}
}

func manyParams(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(",x" + strconv.Itoa(i) + "=1")
	}
	return b.String()
}

func TestNoHostsMeansNoOne(t *testing.T) {
	if _, err := Parse(get("/").request(t), nil, noon); !errors.Is(err, ErrWrongHost) {
		t.Errorf("got %v", err)
	}
	if _, err := Parse(get("/").request(t), nil, noon, "", "other.test"); !errors.Is(err, ErrWrongHost) {
		t.Errorf("got %v", err)
	}
}

func TestErrorsDoNotRepeatTheRequest(t *testing.T) {
	r := get("/").request(t)
	r.Header.Set("Signature", `keyId="s3cret",headers="s3cret`)
	_, err := Parse(r, nil, noon, ourHost)
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
}

package httpsig

import (
	"context"
	"crypto"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestWhatPeersSendIsAccepted holds the variants that real peers use.
func TestWhatPeersSendIsAccepted(t *testing.T) {
	unix := func(d time.Duration) string { return strconv.FormatInt(noon.Add(d).Unix(), 10) }
	long := sha512.Sum512([]byte("{}"))
	sum512 := base64.StdEncoding.EncodeToString(long[:])
	cases := []struct {
		name string
		make forged
		edit func(*forged)
	}{
		{"GET", get("/users/7"), func(*forged) {}},
		{"POST", post("{}"), func(*forged) {}},
		{"POST of nothing", post(""), func(*forged) {}},
		{"hs2019", post("{}"), func(f *forged) { f.algorithm = "hs2019" }},
		{"no label", post("{}"), func(f *forged) { f.algorithm = "" }},
		{"label in capitals", post("{}"), func(f *forged) { f.algorithm = "RSA-SHA256" }},
		{"rsa-sha512", post("{}"), func(f *forged) { f.algorithm, f.hash = "rsa-sha512", crypto.SHA512 }},
		{"hs2019 meaning sha512", post("{}"), func(f *forged) { f.algorithm, f.hash = "hs2019", crypto.SHA512 }},
		{"created and expires", post("{}"), func(f *forged) {
			f.algorithm, f.created, f.expires = "hs2019", unix(-time.Second), unix(time.Hour)
			f.covered = "(request-target) (created) (expires) host digest"
		}},
		{"decimal expires", get("/"), func(f *forged) {
			f.algorithm, f.created, f.expires = "hs2019", unix(0), unix(time.Hour)+".25"
			f.covered = "(request-target) (created) (expires) host"
		}},
		{"created by a clock half an hour fast", get("/"), func(f *forged) {
			f.algorithm, f.created = "hs2019", unix(30*time.Minute)
			f.covered = "(request-target) (created) host"
		}},
		{"eleven hours old", post("{}"), func(f *forged) { f.header.Set("Date", noon.Add(-11*time.Hour).Format(http.TimeFormat)) }},
		{"covered names in any case", post("{}"), func(f *forged) { f.covered = "(Request-Target) Host Date Digest" }},
		{"content-type covered", post("{}"), func(f *forged) {
			f.header.Set("Content-Type", "application/activity+json")
			f.covered += " content-type"
		}},
		{"covered header with several values", get("/"), func(f *forged) {
			f.header["Accept"] = []string{"application/activity+json", "application/ld+json"}
			f.covered += " accept"
		}},
		{"SHA-512 digest", post("{}"), func(f *forged) { f.header.Set("Digest", "SHA-512="+sum512) }},
		{"lower case digest name", post("{}"), func(f *forged) {
			f.header.Set("Digest", strings.Replace(f.header.Get("Digest"), "SHA", "sha", 1))
		}},
		{"content-digest instead of digest", post("{}"), func(f *forged) {
			f.header.Del("Digest")
			f.header.Set("Content-Digest", "sha-512=:"+sum512+":")
			f.covered = "(request-target) host date content-digest"
		}},
		{"host in capitals with the usual port", post("{}"), func(f *forged) { f.host = "SCHOOL.example:443" }},
		{"query signed", get("/users/7/outbox?page=1&max_id=4"), func(*forged) {}},
		{"query left out", get("/users/7/outbox?page=1"), func(f *forged) { f.signTarget = "/users/7/outbox" }},
		{"query of nothing", get("/users/7?"), func(*forged) {}},
		{"escaped path", get("/a%20b/%E5%90%8C%E7%AA%97"), func(*forged) {}},
		{"escaped slash", get("/a%2Fb/c"), func(*forged) {}},
		{"needless escape", get("/%7Euser"), func(*forged) {}},
		{"spaces around parameters", post("{}"), func(f *forged) {
			f.after = func(r *http.Request) {
				v := r.Header.Get("Signature")
				r.Header.Set("Signature", strings.ReplaceAll(v, `",`, "\" ,  "))
			}
		}},
		{"parameters of later drafts", post("{}"), func(f *forged) {
			f.after = func(r *http.Request) { r.Header.Set("Signature", r.Header.Get("Signature")+`,opaque="x,y",v=2`) }
		}},
		{"absolute target to us", get("/users/7"), func(f *forged) {
			f.after = func(r *http.Request) { r.URL.Host = ourHost }
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := c.make
			c.edit(&f)
			if err := f.judge(t, rsaKey().Public()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEd25519(t *testing.T) {
	for _, label := range []string{"", "hs2019", "ed25519", "rsa-sha256"} {
		f := post("{}")
		f.key, f.hash, f.algorithm = edKey, 0, label
		err := f.judge(t, edKey.Public())
		if label == "rsa-sha256" {
			if !errors.Is(err, ErrBadSignature) {
				t.Errorf("rsa label on an Ed25519 key: %v", err)
			}
		} else if err != nil {
			t.Errorf("%q: %v", label, err)
		}
	}
	f := post("{}")
	f.key, f.hash, f.algorithm = edKey, 0, "hs2019"
	f.created, f.covered = strconv.FormatInt(noon.Unix(), 10), "(request-target) host (created) digest"
	if err := f.judge(t, edKey.Public()); err != nil {
		t.Errorf("with (created): %v", err)
	}
	if err := f.judge(t, rsaKey().Public()); !errors.Is(err, ErrBadSignature) {
		t.Errorf("another key: %v", err)
	}
}

// TestSignedOverTheWire lets net/http carry what Sign made, so that what is
// signed is what is sent, whatever the URL looks like.
func TestSignedOverTheWire(t *testing.T) {
	var seen error
	var host string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			seen = err
			return
		}
		var s *Signature
		if s, seen = Parse(r, body, noon, host); seen == nil {
			seen = s.Verify(rsaKey().Public())
		}
		if len(s.targets) == 2 && seen == nil {
			s.targets = s.targets[:1]
			seen = s.Verify(rsaKey().Public())
		}
	}))
	defer server.Close()
	signer := NewSigner(aliceID, rsaKey())

	for _, path := range []string{"", "/", "/inbox", "/a%20b", "/a b", "/a%2fb", "/同窗", "/%E5%90%8C", "/x?", "/x?a=b&c=%20d", "/x?q=同", "/~u;v=1/*'()!"} {
		for _, body := range []string{"", `{"type":"Like"}`} {
			method := http.MethodGet
			if body != "" {
				method = http.MethodPost
			}
			r, err := http.NewRequestWithContext(context.Background(), method, server.URL+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			host = r.URL.Host
			if path == "/inbox" {
				// An international name goes out in its ASCII form.
				r.Host = "同窗.example"
				host = "同窗.example"
			}
			for range 2 { // signing again replaces what was there
				if err := signer.Sign(r, []byte(body), noon); err != nil {
					t.Fatal(err)
				}
			}
			if got := r.Header.Get("Signature"); !strings.Contains(got, `algorithm="rsa-sha256"`) || strings.Contains(got, "hs2019") {
				t.Errorf("label: %s", got)
			}
			resp, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if seen != nil {
				t.Errorf("%s %q: %v", method, path, seen)
			}
		}
	}
}

// Some peers sign a target without its query.
func TestSignedWithoutQuery(t *testing.T) {
	r, err := http.NewRequestWithContext(context.Background(), "GET", "https://"+ourHost+"/o", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := NewSigner(aliceID, rsaKey()).Sign(r, nil, noon); err != nil {
		t.Fatal(err)
	}
	r.Host, r.URL.RawQuery = ourHost, "page=1"
	s, err := Parse(r, nil, noon, ourHost)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(rsaKey().Public()); err != nil {
		t.Error(err)
	}
	if !s.Made.Equal(noon) {
		t.Errorf("made %v", s.Made)
	}
}

func TestSignerRefuses(t *testing.T) {
	r, err := http.NewRequestWithContext(context.Background(), "GET", "https://"+ourHost+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*Signer{
		"no key":       NewSigner(aliceID, nil),
		"quote in id":  NewSigner(`a"b`, rsaKey()),
		"break in id":  NewSigner("a\nb", rsaKey()),
		"empty id":     NewSigner("", rsaKey()),
		"backslash id": NewSigner(`a\`, rsaKey()),
	} {
		if err := s.Sign(r, nil, noon); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
	r.Host, r.URL.Host = "", ""
	if err := NewSigner(aliceID, rsaKey()).Sign(r, nil, noon); err == nil {
		t.Error("signed without a host")
	}
}

// TestParseKeepsItsOwnCopy: what is verified is what was parsed, and a request
// that changes hands afterwards is not.
func TestParseKeepsItsOwnCopy(t *testing.T) {
	r := post("{}").request(t)
	before := len(r.Header)
	s, err := Parse(r, []byte("{}"), noon, ourHost)
	if err != nil {
		t.Fatal(err)
	}
	r.Header["Date"][0], r.Host, r.Method, r.URL.Path = "x", "x", "x", "x"
	if err := s.Verify(rsaKey().Public()); err != nil {
		t.Error(err)
	}
	if err := s.Verify(rsaKey().Public()); err != nil {
		t.Error("second time:", err)
	}
	if len(r.Header) != before {
		t.Error("Parse changed the headers")
	}
}

func TestSignerIsSafeForConcurrentUse(t *testing.T) {
	signer := NewSigner(aliceID, rsaKey())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			body := []byte(strconv.Itoa(i))
			r, err := http.NewRequestWithContext(context.Background(), "POST", "https://"+ourHost+"/inbox", nil)
			if err != nil {
				t.Error(err)
				return
			}
			if err := signer.Sign(r, body, noon); err != nil {
				t.Error(err)
				return
			}
			r.Host = ourHost
			s, err := Parse(r, body, noon, ourHost)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Verify(rsaKey().Public()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

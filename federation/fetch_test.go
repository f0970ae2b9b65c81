package federation

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func pool(server *httptest.Server) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(server.Certificate())
	return p
}

// peerServer starts a TLS server and a client that may reach it. base is its URL.
func peerServer(t testing.TB, h http.Handler) (c *Client, base string) {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // some tests hang up in the handshake
	server.StartTLS()
	c = NewClient(ClientConfig{AllowedNetworks: loopbackOnly, RootCAs: pool(server), UserAgent: "cohort/test (+https://school.example)"})
	t.Cleanup(func() { c.CloseIdleConnections(); server.CloseClientConnections(); server.Close() })
	return c, server.URL
}

// note answers with a document that says it lives at id.
func note(w http.ResponseWriter, id string) {
	w.Header().Set("Content-Type", "application/activity+json; charset=utf-8")
	fmt.Fprintf(w, `{"@context":"https://www.w3.org/ns/activitystreams","id":%q,"type":"Note"}`, id)
}

func TestFetchGoodPaths(t *testing.T) {
	var base string
	mux := http.NewServeMux()
	own := func(w http.ResponseWriter, r *http.Request) { note(w, "https://"+r.Host+r.URL.String()) }
	mux.HandleFunc("/n/1", own)
	mux.HandleFunc("/n/2", own)
	mux.HandleFunc("/ld", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", `application/ld+json; charset=utf-8; profile="https://www.w3.org/ns/activitystreams https://x.example"`)
		fmt.Fprintf(w, `{"id":%q}`, base+"/ld")
	})
	mux.HandleFunc("/packed", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", activityType)
		z := gzip.NewWriter(w)
		fmt.Fprintf(z, `{"id":%q}`, base+"/packed")
		_ = z.Close()
	})
	mux.HandleFunc("/r3", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/r2", http.StatusMovedPermanently) })
	mux.HandleFunc("/r2", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "r1", http.StatusFound) })
	mux.HandleFunc("/r1", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, base+"/n/1", http.StatusPermanentRedirect)
	})
	mux.HandleFunc("/key", func(w http.ResponseWriter, r *http.Request) { note(w, base+"/n/2") })
	c, base0 := peerServer(t, mux)
	base = base0

	for path, want := range map[string]string{
		"/n/1": "/n/1", "/n/1#main-key": "/n/1", "/ld": "/ld", "/packed": "/packed", "/r3": "/n/1",
		"/key": "/n/2", // a document found elsewhere is looked up where it lives
	} {
		doc, err := c.Fetch(t.Context(), base+path, nil)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if doc.ID != base+want || doc.URL != base+want || !bytes.Contains(doc.Raw, []byte(base+want)) {
			t.Errorf("%s: %s at %s: %s", path, doc.ID, doc.URL, doc.Raw)
		}
	}
}

func TestFetchBySpecialName(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { note(w, "http://"+r.Host+r.URL.Path) }))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := NewClient(ClientConfig{AllowedNetworks: loopbackOnly, AllowHTTP: true})
	for _, host := range []string{"yizhong.localhost", "aurora.localhost", "localhost"} {
		id := "http://" + host + ":" + port + "/posts/1"
		doc, err := c.Fetch(t.Context(), id, nil)
		if err != nil || doc.ID != id {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestEveryHopIsSignedAnew(t *testing.T) {
	c, base := peerServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Signature") != r.URL.Path || r.Header.Get("Accept") != acceptAS || !strings.HasPrefix(r.UserAgent(), "cohort/test") {
			http.Error(w, "unsigned", http.StatusUnauthorized)
			return
		}
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new", http.StatusFound)
			return
		}
		note(w, "https://"+r.Host+"/new")
	}))
	sign := func(r *http.Request) error { r.Header.Set("Signature", r.URL.Path); return nil }
	if _, err := c.Fetch(t.Context(), base+"/old", sign); err != nil {
		t.Error(err)
	}
	if _, err := c.Fetch(t.Context(), base+"/old", nil); !errors.Is(err, ErrRefused) {
		t.Errorf("unsigned: %v", err)
	}
	broken := errors.New("no key")
	if _, err := c.Fetch(t.Context(), base+"/old", func(*http.Request) error { return broken }); !errors.Is(err, broken) || errors.Is(err, ErrTemporary) {
		t.Errorf("unable to sign: %v", err)
	}
	if err := c.Post(t.Context(), base, nil, func(*http.Request) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("unable to sign a delivery: %v", err)
	}
}

// TestFetchRefuses: each answer is one that must not become a document.
func TestFetchRefuses(t *testing.T) {
	typed := func(kind string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Type"] = []string{kind}
			fmt.Fprintf(w, `{"id":%q}`, "https://"+r.Host+r.URL.Path)
		}
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", activityType)
			w.WriteHeader(code)
			fmt.Fprintf(w, `{"id":%q}`, "https://"+r.Host+r.URL.Path)
		}
	}
	text := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", activityType)
			_, _ = io.WriteString(w, strings.ReplaceAll(body, "$", "https://"+r.Host+r.URL.Path))
		}
	}
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		}
	}
	cases := map[string]struct {
		h    http.HandlerFunc
		want error
	}{
		"html":                       {typed("text/html"), ErrContentType},
		"plain text":                 {typed("text/plain"), ErrContentType},
		"plain json":                 {typed("application/json"), ErrContentType},
		"png":                        {typed("image/png"), ErrContentType},
		"octets":                     {typed("application/octet-stream"), ErrContentType},
		"no type":                    {typed(""), ErrContentType},
		"ld+json without profile":    {typed("application/ld+json"), ErrContentType},
		"ld+json of another profile": {typed(`application/ld+json; profile="https://www.w3.org/ns/activitystreams.evil"`), ErrContentType},
		"type as a parameter":        {typed("text/html; x=application/activity+json"), ErrContentType},
		"two types in one":           {typed("text/html, application/activity+json"), ErrContentType},
		"two types": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("Content-Type", activityType)
			w.Header().Add("Content-Type", "text/html")
			_, _ = io.WriteString(w, "{}")
		}, ErrContentType},
		"unknown encoding": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			text(`{"id":"$"}`)(w, r)
		}, ErrContentType},
		"packed twice": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip, gzip")
			text(`{"id":"$"}`)(w, r)
		}, ErrContentType},
		"not packed at all": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			text(`{"id":"$","x":"0000000000"}`)(w, r)
		}, ErrContentType},

		"404 with a document": {status(404), ErrNotFound},
		"410 with a document": {status(410), ErrGone},
		"401":                 {status(401), ErrRefused},
		"403":                 {status(403), ErrRefused},
		"429":                 {status(429), ErrTemporary},
		"408":                 {status(408), ErrTemporary},
		"500 with a document": {status(500), ErrTemporary},
		"503":                 {status(503), ErrTemporary},

		"not JSON":           {text("hello"), ErrContentType},
		"nothing":            {text(""), ErrContentType},
		"a list":             {text(`[{"id":"$"}]`), ErrContentType},
		"cut short":          {text(`{"id":"$"`), ErrContentType},
		"two documents":      {text(`{"id":"$"}{"id":"$"}`), ErrContentType},
		"byte order mark":    {text("\xef\xbb\xbf" + `{"id":"$"}`), ErrContentType},
		"deep":               {text(`{"id":"$","x":` + strings.Repeat("[", 20_000)), ErrContentType},
		"no id":              {text(`{"type":"Note"}`), ErrIDMismatch},
		"id in another case": {text(`{"ID":"$"}`), ErrIDMismatch},
		"two ids":            {text(`{"id":"$","id":"$"}`), ErrIDMismatch},
		"two ids, escaped":   {text(`{"id":"$","\u0069d":"https://good.example/"}`), ErrIDMismatch},
		"id null":            {text(`{"id":null}`), ErrIDMismatch},
		"id a number":        {text(`{"id":5}`), ErrIDMismatch},
		"id an object":       {text(`{"id":{"id":"$"}}`), ErrIDMismatch},
		"id empty":           {text(`{"id":""}`), ErrIDMismatch},
		"id on another host": {text(`{"id":"https://good.example/users/alice"}`), ErrIDMismatch},
		"id on another port": {text(`{"id":"https://127.0.0.1:1/users/alice"}`), ErrIDMismatch},
		"id by http":         {func(w http.ResponseWriter, r *http.Request) { note(w, "http://"+r.Host+r.URL.Path) }, ErrIDMismatch},
		"id with a user":     {func(w http.ResponseWriter, r *http.Request) { note(w, "https://x@"+r.Host+r.URL.Path) }, ErrIDMismatch},
		"id with a fragment": {text(`{"id":"$#x"}`), ErrIDMismatch},
		"id always another":  {func(w http.ResponseWriter, r *http.Request) { note(w, "https://"+r.Host+r.URL.Path+"x") }, ErrIDMismatch},
		"id relative":        {text(`{"id":"/users/alice"}`), ErrIDMismatch},

		"redirect to loopback by http":  {redirect("http://127.0.0.1/"), ErrForbiddenAddress},
		"redirect to a metadata server": {redirect("https://169.254.169.254/latest"), ErrForbiddenAddress},
		"redirect to a mapped address":  {redirect("https://[::ffff:10.0.0.1]/"), ErrForbiddenAddress},
		"redirect to a decimal address": {redirect("https://2130706433/"), ErrForbiddenAddress},
		"redirect to a file":            {redirect("file:///etc/passwd"), ErrForbiddenAddress},
		"redirect to a user":            {redirect("https://a:b@good.example/"), ErrForbiddenAddress},
		"redirect to itself":            {redirect(""), ErrRedirects},
		"redirect to nothing readable":  {redirect("http://[::1"), ErrRedirects},
		"redirect without a place":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(302) }, ErrRedirects},
		"redirect without end": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path+"x", http.StatusTemporaryRedirect)
		}, ErrRedirects},
		"two places": {func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Location"] = []string{"/a", "/b"}
			w.WriteHeader(302)
		}, ErrRedirects},
	}
	var current atomic.Pointer[http.HandlerFunc]
	c, base := peerServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*current.Load())(w, r) }))
	for name, k := range cases {
		t.Run(name, func(t *testing.T) {
			current.Store(&k.h)
			doc, err := c.Fetch(t.Context(), base+"/users/alice", nil)
			if doc != nil || !errors.Is(err, k.want) {
				t.Errorf("got %v, %v, want %v", doc, err, k.want)
			}
			if k.want != ErrTemporary && errors.Is(err, ErrTemporary) {
				t.Errorf("would be tried again: %v", err)
			}
		})
	}
}

// TestOpenRedirectLendsNoAuthority: what evil serves behind a redirect of good
// is evil's, whatever it calls itself.
func TestOpenRedirectLendsNoAuthority(t *testing.T) {
	var good string
	var evilID atomic.Value
	evil := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { note(w, evilID.Load().(string)) }))
	defer evil.Close()
	c, good := peerServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, evil.URL+"/x", http.StatusFound) }))
	evilID.Store(good + "/users/alice")
	if doc, err := c.Fetch(t.Context(), good+"/users/alice", nil); !errors.Is(err, ErrIDMismatch) {
		t.Errorf("got %v, %v", doc, err)
	}
	evilID.Store(evil.URL + "/x")
	doc, err := c.Fetch(t.Context(), good+"/users/alice", nil)
	if err != nil || doc.ID != evil.URL+"/x" || doc.URL != evil.URL+"/x" {
		t.Errorf("evil's own: %+v, %v", doc, err)
	}
}

func TestRefetchStaysOnItsHostAndHappensOnce(t *testing.T) {
	var hits atomic.Int32
	c, base := peerServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := hits.Add(1)
		note(w, "https://"+r.Host+"/"+strconv.Itoa(int(n)))
	}))
	if _, err := c.Fetch(t.Context(), base+"/0", nil); !errors.Is(err, ErrIDMismatch) {
		t.Errorf("got %v", err)
	}
	if hits.Load() != 2 {
		t.Errorf("%d requests", hits.Load())
	}
}

func TestRetryAfter(t *testing.T) {
	var header atomic.Value
	c, base := peerServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for k, v := range header.Load().(http.Header) {
			w.Header()[k] = v
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	sent := "Sun, 04 May 2031 12:00:00 GMT"
	for text, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, "0": 0, "-5": 0, "soon": 0, "99999999": maxRetryAfter, "99999999999999999999": 0,
		"Sun, 04 May 2031 12:01:30 GMT": 90 * time.Second, "Sun, 04 May 2031 11:00:00 GMT": 0, "Sun, 04 May 2081 11:00:00 GMT": maxRetryAfter,
	} {
		header.Store(http.Header{"Retry-After": {text}, "Date": {sent}})
		for name, err := range map[string]error{
			"Post":  c.Post(t.Context(), base+"/inbox", []byte("{}"), nil),
			"Fetch": func() error { _, err := c.Fetch(t.Context(), base+"/x", nil); return err }(),
		} {
			var status *StatusError
			if !errors.As(err, &status) || status.Code != 503 || status.RetryAfter != want || !errors.Is(err, ErrTemporary) {
				t.Errorf("%s %q: %v, %+v", name, text, err, status)
			}
		}
	}
}

func TestTemporaryTroubles(t *testing.T) {
	silent, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "https://" + silent.Addr().String() + "/"
	silent.Close()
	c, base := peerServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "short") {
			w.Header().Set("Content-Length", "500")
			note(w, "https://"+r.Host+r.URL.Path)
			return
		}
		panic(http.ErrAbortHandler)
	}))
	stranger := NewClient(ClientConfig{AllowedNetworks: loopbackOnly})
	for name, f := range map[string]func() (*Document, error){
		"nobody listens":      func() (*Document, error) { return c.Fetch(t.Context(), nobody, nil) },
		"hangs up":            func() (*Document, error) { return c.Fetch(t.Context(), base+"/x", nil) },
		"less than announced": func() (*Document, error) { return c.Fetch(t.Context(), base+"/short", nil) },
		"unknown certificate": func() (*Document, error) { return stranger.Fetch(t.Context(), base+"/x", nil) },
	} {
		if doc, err := f(); doc != nil || !errors.Is(err, ErrTemporary) {
			t.Errorf("%s: %v, %v", name, doc, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Fetch(ctx, base+"/x", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// FuzzDocumentID: what is taken for the id is what a strict reader finds.
func FuzzDocumentID(f *testing.F) {
	for _, seed := range []string{`{"id":"https://a.example/1"}`, `{"ID":"x","id":"y"}`, `{"id":"a","\u0069d":"b"}`, `{"id":{}}`, `{`, `{}x`, `[]`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		id, err := documentID(raw)
		if (err == nil) != (id != "") {
			t.Fatalf("%q: %q, %v", raw, id, err)
		}
	})
}

// FuzzURL: whatever passes the check is plain already and has a name to resolve.
func FuzzURL(f *testing.F) {
	for _, seed := range badURLs {
		f.Add(seed)
	}
	f.Add("https://同窗.example:8443/a%20b?c#d")
	c := NewClient(ClientConfig{})
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := c.checkURL(raw)
		if err != nil {
			return
		}
		again, err := c.checkURL(u.String())
		if err != nil && len(u.String()) <= maxURL {
			t.Fatalf("%q became %q: %v", raw, u, err)
		}
		if err == nil && (again.Host != u.Host || again.String() != u.String()) {
			t.Fatalf("%q became %q, then %q", raw, u, again)
		}
		if u.Scheme != "https" || u.User != nil || net.ParseIP(u.Hostname()) != nil {
			t.Fatalf("%q passes as %q", raw, u)
		}
	})
}

package federation

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// bomb packs n zero bytes over and over into one small body.
func bomb(n int) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	zeros := make([]byte, 1<<20)
	for ; n > 0; n -= len(zeros) {
		_, _ = z.Write(zeros)
	}
	_ = z.Close()
	return b.Bytes()
}

func TestBodiesAreBounded(t *testing.T) {
	big := `{"id":"$","x":"` + strings.Repeat("x", maxDocument) + `"}`
	exact := `{"id":"$","x":"`
	packed := bomb(64 << 20)
	members := bytes.Repeat(bomb(0), 60_000) // unpacks to nothing, for ever
	handlers := map[string]http.HandlerFunc{
		"announced": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(big)))
			_, _ = io.WriteString(w, big)
		},
		"chunked": func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < len(big); i += 1000 {
				if _, err := io.WriteString(w, big[i:min(i+1000, len(big))]); err != nil {
					return
				}
				w.(http.Flusher).Flush()
			}
		},
		"endless": func(w http.ResponseWriter, r *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		},
		"bomb": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed)
		},
		"empty members": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(members)
		},
		"one byte over": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, exact+strings.Repeat("x", maxDocument-len(exact)-1)+`"}`)
		},
	}
	c, base := peerServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", activityType)
		if r.Header.Get("Accept") == "json" {
			w.Header().Set("Content-Type", "application/json")
		}
		handlers[r.URL.Query().Get("case")](w, r)
	}))
	for name := range handlers {
		url := base + "/?case=" + strings.ReplaceAll(name, " ", "%20")
		if _, err := c.Fetch(t.Context(), url, nil); !errors.Is(err, ErrTooLarge) || errors.Is(err, ErrTemporary) {
			t.Errorf("Fetch %s: %v", name, err)
		}
		if _, _, err := c.FetchJSON(t.Context(), url, "json"); !errors.Is(err, ErrTooLarge) {
			t.Errorf("FetchJSON %s: %v", name, err)
		}
	}
}

func TestTheLimitItselfFits(t *testing.T) {
	body := strings.Repeat(" ", maxDocument-2) + "{}"
	c, base := peerServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = io.WriteString(w, body)
	}))
	got, at, err := c.FetchJSON(t.Context(), base, "application/json")
	if err != nil || string(got) != body || at != base+"/" {
		t.Errorf("%d bytes from %s, %v", len(got), at, err)
	}
}

// TestSlowPeersAreLeft: one deadline holds for all of a request, however
// steadily a peer keeps it going.
func TestSlowPeersAreLeft(t *testing.T) {
	drip := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", activityType)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for r.Context().Err() == nil {
			<-tick.C
			if _, err := w.Write([]byte(" ")); err != nil {
				return
			}
			w.(http.Flusher).Flush()
		}
	}
	c, base := peerServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/silent":
			<-r.Context().Done()
		case "/redirects":
			tick := time.NewTimer(80 * time.Millisecond)
			<-tick.C
			http.Redirect(w, r, "/redirects", http.StatusFound)
		case "/refuses":
			w.WriteHeader(http.StatusForbidden)
			drip(w, r)
		default:
			drip(w, r)
		}
	}))
	c.within = 200 * time.Millisecond
	start := time.Now()
	for _, path := range []string{"/drip", "/silent", "/redirects"} {
		if _, err := c.Fetch(t.Context(), base+path, nil); !errors.Is(err, ErrTemporary) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, _, err := c.FetchMedia(t.Context(), base+"/drip", 1<<20, io.Discard); !errors.Is(err, ErrTemporary) {
		t.Errorf("FetchMedia: %v", err)
	}
	if err := c.Post(t.Context(), base+"/silent", []byte("{}"), nil); !errors.Is(err, ErrTemporary) {
		t.Errorf("Post: %v", err)
	}
	// The status is known before the body drips, and counts.
	if err := c.Post(t.Context(), base+"/drip", []byte("{}"), nil); err != nil {
		t.Errorf("Post with a dripping answer: %v", err)
	}
	if err := c.Post(t.Context(), base+"/refuses", []byte("{}"), nil); !errors.Is(err, ErrRefused) {
		t.Errorf("Post with a dripping refusal: %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// TestPeersThatDoNotRead: neither a handshake nor a body of ours waits longer.
func TestPeersThatDoNotRead(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	done := make(chan struct{})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { <-done; conn.Close() })
		}
	}()
	defer func() { close(done); l.Close(); open.Wait() }()
	c := NewClient(ClientConfig{AllowedNetworks: loopbackOnly, AllowHTTP: true})
	c.within = 200 * time.Millisecond
	for _, scheme := range []string{"http", "https"} {
		if err := c.Post(t.Context(), scheme+"://"+l.Addr().String()+"/inbox", make([]byte, 16<<20), nil); !errors.Is(err, ErrTemporary) {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}

func TestFetchJSONRefusesAndFollows(t *testing.T) {
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/jrd+json")
		_, _ = io.WriteString(w, `{"subject":"acct:a@b.example"}`)
	}))
	defer other.Close()
	c, base := peerServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/elsewhere":
			http.Redirect(w, r, other.URL+"/.well-known/webfinger?resource=acct%3Aa%40b.example", http.StatusTemporaryRedirect)
		case "/xrd":
			w.Header().Set("Content-Type", "application/xrd+xml")
			_, _ = io.WriteString(w, `<XRD/>`)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	got, at, err := c.FetchJSON(t.Context(), base+"/elsewhere", "application/jrd+json")
	if err != nil || !bytes.Contains(got, []byte("acct:a")) || at != other.URL+"/.well-known/webfinger?resource=acct%3Aa%40b.example" {
		t.Errorf("another host: %s from %s, %v", got, at, err)
	}
	for path, want := range map[string]error{"/xrd": ErrContentType, "/round": ErrRedirects, "/none": ErrNotFound} {
		if _, _, err := c.FetchJSON(t.Context(), base+path, "*/*"); !errors.Is(err, want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestFetchMedia(t *testing.T) {
	picture := bytes.Repeat([]byte("pixel"), 20_000)
	var kind, encoding atomic.Value
	kind.Store("image/PNG; x=1")
	encoding.Store("")
	c, base := peerServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind.Load().(string))
		if e := encoding.Load().(string); e != "" {
			w.Header().Set("Content-Encoding", e)
		}
		if r.Header.Get("Accept-Encoding") != "identity" {
			t.Errorf("accepts %q", r.Header.Get("Accept-Encoding"))
		}
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/p.png", http.StatusFound)
		case "/chunked":
			for i := 0; i < len(picture); i += 10_000 {
				_, _ = w.Write(picture[i : i+10_000])
				w.(http.Flusher).Flush()
			}
		case "/short":
			w.Header().Set("Content-Length", strconv.Itoa(2*len(picture)))
			_, _ = w.Write(picture)
		case "/none":
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write(picture)
		default:
			w.Header().Set("Content-Length", strconv.Itoa(len(picture)))
			_, _ = w.Write(picture)
		}
	}))
	size := int64(len(picture))
	for _, path := range []string{"/p.png", "/moved", "/chunked"} {
		var got bytes.Buffer
		typ, n, err := c.FetchMedia(t.Context(), base+path, size, &got)
		if err != nil || typ != "image/png" || n != size || !bytes.Equal(got.Bytes(), picture) {
			t.Errorf("%s: %s, %d, %v", path, typ, n, err)
		}
		got.Reset()
		if _, _, err := c.FetchMedia(t.Context(), base+path, size-1, &got); !errors.Is(err, ErrTooLarge) || int64(got.Len()) >= size {
			t.Errorf("%s over the limit: %d, %v", path, got.Len(), err)
		}
	}
	for path, want := range map[string]error{"/short": ErrTemporary, "/none": ErrNotFound} {
		if _, _, err := c.FetchMedia(t.Context(), base+path, 10*size, io.Discard); !errors.Is(err, want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	full := errors.New("disk is full")
	if _, _, err := c.FetchMedia(t.Context(), base+"/p.png", size, failing{full}); !errors.Is(err, full) || errors.Is(err, ErrTemporary) {
		t.Errorf("full disk: %v", err)
	}
	encoding.Store("gzip")
	if _, _, err := c.FetchMedia(t.Context(), base+"/p.png", size, io.Discard); !errors.Is(err, ErrContentType) {
		t.Errorf("packed: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestPost(t *testing.T) {
	var got atomic.Value
	var hits atomic.Int32
	c, base := peerServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got.Store(fmt.Sprintln(r.Method, r.Header.Get("Content-Type"), r.Header.Get("X-Signed"), r.ContentLength, string(body)))
		code, err := strconv.Atoi(strings.Trim(r.URL.Path, "/"))
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Location", "/202")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
	}))
	sign := func(r *http.Request) error { r.Header.Set("X-Signed", r.URL.Path); return nil }
	for code, want := range map[int]error{
		200: nil, 201: nil, 202: nil, 400: nil, 401: ErrRefused, 403: ErrRefused, 404: ErrNotFound, 410: ErrGone, 413: nil,
		301: nil, 302: nil, 307: nil, 308: nil, 408: ErrTemporary, 425: ErrTemporary, 429: ErrTemporary, 500: ErrTemporary, 501: ErrTemporary, 599: ErrTemporary,
	} {
		before := hits.Load()
		err := c.Post(t.Context(), base+"/"+strconv.Itoa(code), []byte(`{"a":1}`), sign)
		if want := fmt.Sprintln("POST", activityType, "/"+strconv.Itoa(code), 7, `{"a":1}`); got.Load() != want {
			t.Errorf("%d: sent %q, want %q", code, got.Load(), want)
		}
		if hits.Load() != before+1 {
			t.Errorf("%d: a redirect was followed", code)
		}
		var status *StatusError
		switch {
		case code < 300:
			if err != nil {
				t.Errorf("%d: %v", code, err)
			}
		case !errors.As(err, &status) || status.Code != code || (want != nil && !errors.Is(err, want)):
			t.Errorf("%d: %v", code, err)
		case want == nil && errors.Is(err, ErrTemporary):
			t.Errorf("%d would be tried again", code)
		}
	}
}

// TestConnectionsAreReused counts connections as the peer sees them.
func TestConnectionsAreReused(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		var opened atomic.Int32
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, "thanks")
		}))
		server.EnableHTTP2 = h2
		server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				opened.Add(1)
			}
		}
		server.StartTLS()
		c := NewClient(ClientConfig{AllowedNetworks: loopbackOnly, RootCAs: pool(server)})
		for range 20 {
			if err := c.Post(t.Context(), server.URL+"/inbox", []byte("{}"), nil); err != nil {
				t.Fatal(err)
			}
		}
		if opened.Load() != 1 {
			t.Errorf("h2 %v: %d connections for 20 deliveries in turn", h2, opened.Load())
		}
		// A connection that was begun while others became free is kept as well. On a busy machine the standard library may
		// give one up whose request it did not see written, so there is a second and a third chance.
		crowd := int32(0)
		for range 3 {
			before := opened.Load()
			for range 3 {
				var wg sync.WaitGroup
				for range 8 {
					wg.Go(func() {
						if err := c.Post(t.Context(), server.URL+"/inbox", []byte("{}"), nil); err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
			}
			if crowd = opened.Load() - before; crowd <= 15 {
				break
			}
		}
		if crowd > 15 || (h2 && crowd > 0) {
			t.Errorf("h2 %v: %d connections for three rounds of 8 deliveries", h2, crowd)
		}
		// After all connections are gone, the TLS session is still known.
		c.CloseIdleConnections()
		u, err := c.checkURL(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.send(t.Context(), http.MethodPost, u, []byte("{}"), http.Header{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !got.resp.TLS.DidResume {
			t.Errorf("h2 %v: the TLS session was not resumed", h2)
		}
		got.done()
		c.CloseIdleConnections()
		server.Close()
	}
}

func BenchmarkPost(b *testing.B) {
	c, base := peerServer(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
	}))
	body := bytes.Repeat([]byte("a"), 1500)
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Post(b.Context(), base+"/inbox", body, nil); err != nil {
			b.Fatal(err)
		}
	}
}

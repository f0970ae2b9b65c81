// Package fedtest is another server of the fediverse, played for tests: its own actors and keys, what
// it serves, and what was delivered to it. It signs what it sends rightly, or wrongly as a test asks.
package fedtest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"cohort/federation/httpsig"
	"cohort/federation/proof"
)

// Delivery is what arrived in one of the peer's inboxes.
type Delivery struct {
	Path string
	Body map[string]any
	Raw  []byte
	Req  *http.Request
}

// Peer is one other server, at http://name.localhost:port.
type Peer struct {
	Host string
	Base string

	t      testing.TB
	mu     sync.Mutex
	docs   map[string]any // by path
	actors map[string]*Actor
	inbox  []Delivery
	gets   map[string]int
	status int
	held   chan struct{} // not nil: inboxes do not answer until it is closed
}

// Actor is an account of a peer.
type Actor struct {
	ID      string
	Name    string
	KeyID   string
	Key     *rsa.PrivateKey
	Ed25519 ed25519.PrivateKey
	Doc     map[string]any
	peer    *Peer
}

// NewPeer starts a peer; it ends with the test.
func NewPeer(t testing.TB, name string) *Peer {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	p := &Peer{t: t, Host: name + ".localhost:" + port, docs: map[string]any{}, actors: map[string]*Actor{}, gets: map[string]int{}, status: http.StatusAccepted}
	p.Base = "http://" + p.Host
	s := httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return p
}

// keyPool is shared: making RSA keys is slow, and tests compare owners, not keys.
var keyPool = sync.OnceValue(func() chan *rsa.PrivateKey {
	c := make(chan *rsa.PrivateKey)
	go func() {
		var keys []*rsa.PrivateKey
		for i := 0; ; i++ {
			if len(keys) < 12 {
				k, err := rsa.GenerateKey(rand.Reader, 2048)
				if err != nil {
					close(c)
					return
				}
				keys = append(keys, k)
				c <- k
				continue
			}
			c <- keys[i%len(keys)]
		}
	}()
	return c
})

// Actor makes an account, or returns the one of that name.
func (p *Peer) Actor(name string) *Actor {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.actors[name]; a != nil {
		return a
	}
	a := &Actor{ID: p.Base + "/users/" + name, Name: name, KeyID: p.Base + "/users/" + name + "#main-key", Key: <-keyPool(), peer: p}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	a.Ed25519 = private
	a.Doc = map[string]any{
		"@context": []any{"https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"},
		"id":       a.ID, "type": "Person", "preferredUsername": name, "name": strings.ToUpper(name),
		"inbox": a.ID + "/inbox", "outbox": a.ID + "/outbox", "followers": a.ID + "/followers", "following": a.ID + "/following",
		"url":             p.Base + "/@" + name,
		"endpoints":       map[string]any{"sharedInbox": p.Base + "/inbox"},
		"publicKey":       map[string]any{"id": a.KeyID, "owner": a.ID, "publicKeyPem": PublicPEM(a.Key)},
		"assertionMethod": []any{map[string]any{"id": a.ID + "#ed25519-key", "type": "Multikey", "controller": a.ID, "publicKeyMultibase": proof.EncodeMultikey(public)}},
		"generator":       map[string]any{"type": "Application", "name": "peer", "implements": []any{map[string]any{"href": "https://w3id.org/cohort#circles-1", "name": "circles"}}},
	}
	p.actors[name] = a
	p.docs["/users/"+name] = a.Doc
	return a
}

// PublicPEM writes a public key as actors publish it.
func PublicPEM(k *rsa.PrivateKey) string {
	der, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	if err != nil {
		return ""
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// Serve puts a document at a path.
func (p *Peer) Serve(path string, doc any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.docs[path] = doc
}

// Answer sets the status that the inboxes answer with.
func (p *Peer) Answer(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = status
}

// Hold has the inboxes take no delivery and answer nothing until release, or until whoever delivers
// gives up. waiting tells how many do so.
func (p *Peer) Hold() (release func(), waiting func() int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	held := make(chan struct{})
	p.held = held
	release = sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.held = nil
		close(held)
	})
	p.t.Cleanup(release)
	return release, func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.gets["held"]
	}
}

// wait holds a delivery back.
func (p *Peer) wait(ctx context.Context, held chan struct{}) {
	p.mu.Lock()
	p.gets["held"]++
	p.mu.Unlock()
	select {
	case <-ctx.Done():
	case <-held:
	}
	p.mu.Lock()
	p.gets["held"]--
	p.mu.Unlock()
}

// Inbox is what was delivered so far, in order.
func (p *Peer) Inbox() []Delivery {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Delivery(nil), p.inbox...)
}

// Gets is how often a path was asked for.
func (p *Peer) Gets(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gets[path]
}

func (p *Peer) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	held := p.held
	p.mu.Unlock()
	if r.Method == http.MethodPost && held != nil {
		p.wait(r.Context(), held)
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Method == http.MethodPost {
		p.deliver(w, r)
		return
	}
	p.gets[r.URL.Path]++
	doc, ok := p.docs[r.URL.Path]
	if !ok && r.URL.Path == "/.well-known/webfinger" {
		p.webfinger(w, r)
		return
	}
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if h, ok := doc.(http.HandlerFunc); ok {
		h(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/activity+json")
	if err := json.NewEncoder(w).Encode(doc); err != nil {
		p.t.Error(err)
	}
}

func (p *Peer) deliver(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	d := Delivery{Path: r.URL.Path, Raw: raw, Req: r}
	if err := json.Unmarshal(raw, &d.Body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	p.inbox = append(p.inbox, d)
	w.WriteHeader(p.status)
}

func (p *Peer) webfinger(w http.ResponseWriter, r *http.Request) {
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Query().Get("resource"), "acct:"), "@")
	a := p.actors[name]
	if a == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/jrd+json")
	answer := map[string]any{"subject": "acct:" + name + "@" + p.Host, "links": []any{map[string]any{"rel": "self", "type": "application/activity+json", "href": a.ID}}}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		p.t.Error(err)
	}
}

// Sending is a signed request before it is sent, for a test to spoil.
type Sending struct {
	Req  *http.Request
	Body []byte
}

// Prepare signs an activity by a for an inbox.
func (a *Actor) Prepare(inbox string, activity any, at time.Time) *Sending {
	a.peer.t.Helper()
	body, ok := activity.([]byte)
	if !ok {
		var err error
		if body, err = json.Marshal(activity); err != nil {
			a.peer.t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(a.peer.t.Context(), http.MethodPost, inbox, nil)
	if err != nil {
		a.peer.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/activity+json")
	if err := httpsig.NewSigner(a.KeyID, a.Key).Sign(r, body, at); err != nil {
		a.peer.t.Fatal(err)
	}
	return &Sending{Req: r, Body: body}
}

// Do sends it and gives the status of the answer.
func (s *Sending) Do(t testing.TB) int {
	t.Helper()
	s.Req.Body = io.NopCloser(bytes.NewReader(s.Body))
	s.Req.ContentLength = int64(len(s.Body))
	res, err := Client.Do(s.Req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// Send signs and sends an activity and gives the status of the answer.
func (a *Actor) Send(inbox string, activity any) int {
	a.peer.t.Helper()
	return a.Prepare(inbox, activity, time.Now()).Do(a.peer.t)
}

// Get fetches a URL signed by a and gives status and body.
func (a *Actor) Get(url string) (int, string) {
	a.peer.t.Helper()
	r, err := http.NewRequestWithContext(a.peer.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		a.peer.t.Fatal(err)
	}
	r.Header.Set("Accept", "application/activity+json")
	if err := httpsig.NewSigner(a.KeyID, a.Key).Sign(r, nil, time.Now()); err != nil {
		a.peer.t.Fatal(err)
	}
	return Fetch(a.peer.t, r)
}

// Fetch sends a GET and gives status and body.
func Fetch(t testing.TB, r *http.Request) (int, string) {
	t.Helper()
	res, err := Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// Proved adds a's own proof to a document.
func (a *Actor) Proved(doc any) []byte {
	a.peer.t.Helper()
	raw, err := json.Marshal(doc)
	if err != nil {
		a.peer.t.Fatal(err)
	}
	out, err := proof.Sign(raw, a.Ed25519, a.ID+"#ed25519-key", "assertionMethod", time.Now())
	if err != nil {
		a.peer.t.Fatal(err)
	}
	return out
}

// Client reaches names under .localhost on this machine.
var Client = &http.Client{
	Timeout:       20 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+port)
	}},
}

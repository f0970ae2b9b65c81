package federation

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

const (
	requestTime  = 10 * time.Second // in all, redirects and body included
	maxRedirects = 3
	maxDocument  = 1 << 20
	maxDiscard   = 4 << 10
	discardTime  = 250 * time.Millisecond

	activityType  = "application/activity+json"
	linkedType    = "application/ld+json"
	activityVocab = "https://www.w3.org/ns/activitystreams"
	acceptAS      = activityType + `, ` + linkedType + `; profile="` + activityVocab + `"`
)

// ClientConfig says whom a Client may contact. The zero value contacts public
// addresses by https, and nothing else.
type ClientConfig struct {
	// AllowedNetworks are private networks that may be contacted as well, on
	// any port.
	AllowedNetworks []netip.Prefix
	// AllowHTTP accepts http URLs, though only into AllowedNetworks.
	AllowHTTP bool
	UserAgent string
	// RootCAs are the certificate authorities trusted; nil means the system's.
	RootCAs *x509.CertPool
	// Blocked, if set, is asked before each request, redirects included, with
	// the host in lower case and ASCII and any port that is not the default. If
	// it cannot say, the request is not made either, for the time being. New
	// sets it where it is nil.
	Blocked func(ctx context.Context, host string) (bool, error)
}

// Client makes every request of ours to other servers: it contacts only where
// it may, and bounds each request in time, bytes and redirects. It is safe for
// concurrent use and keeps connections open for reuse; one per process is meant.
type Client struct {
	cfg    ClientConfig
	guard  *guard
	secure *http.Transport
	plain  *http.Transport
	within time.Duration // for one request in all; shorter in tests
}

// NewClient makes a Client.
func NewClient(cfg ClientConfig) *Client {
	return newClient(cfg, nil)
}

func newClient(cfg ClientConfig, resolver *net.Resolver) *Client {
	g := newGuard(cfg.AllowedNetworks)
	if cfg.UserAgent == "" {
		cfg.UserAgent = "cohort"
	}
	return &Client{
		cfg: cfg, guard: g, within: requestTime,
		secure: g.transport(cfg, resolver, g.control),
		plain:  g.transport(cfg, resolver, g.controlAllowed),
	}
}

// CloseIdleConnections ends the connections that are not in use.
func (c *Client) CloseIdleConnections() {
	c.secure.CloseIdleConnections()
	c.plain.CloseIdleConnections()
}

// SignFunc signs a request that is otherwise complete. It is called anew for
// every hop, with that hop's host and path.
type SignFunc func(*http.Request) error

// Document is an ActivityStreams document from where it says it lives.
type Document struct {
	// ID is the document's own id, as written in it. As an URL it is the same
	// as URL.
	ID string
	// URL is where it was found in the end; its host is the one that speaks.
	URL string
	// Raw is the document as received, after decompression.
	Raw []byte
}

// Fetch gets the ActivityStreams document at id, signed if sign is not nil. The
// fragment of id is not sent. A document that calls itself otherwise is looked
// up once more under the name it gives, on the same host, and must then agree.
//
// It takes at most ten seconds, three redirects and 1 MiB in all.
//
// Errors: ErrTemporary, ErrGone, ErrNotFound, ErrRefused, *StatusError,
// ErrForbiddenAddress, ErrBlocked, ErrRedirects, ErrTooLarge, ErrContentType,
// ErrIDMismatch, and whatever sign returns.
// spec: AP §3.2 retrieving objects
func (c *Client) Fetch(ctx context.Context, id string, sign SignFunc) (*Document, error) {
	ctx, cancel := context.WithTimeout(ctx, c.within)
	defer cancel()
	hops := maxRedirects
	doc, err := c.document(ctx, id, sign, &hops)
	if err != nil || doc.athome() {
		return doc, err
	}
	claimed, err := plainURL(doc.ID)
	if err != nil || !sameOrigin(claimed, doc.URL) {
		return nil, ErrIDMismatch
	}
	again, err := c.document(ctx, doc.ID, sign, &hops)
	if err != nil {
		return nil, err
	}
	if again.ID != doc.ID || !again.athome() {
		return nil, ErrIDMismatch
	}
	return again, nil
}

// athome reports whether the document's id is its address. An id with a
// fragment is part of a document, not one.
func (d *Document) athome() bool {
	if strings.Contains(d.ID, "#") {
		return false
	}
	u, err := plainURL(d.ID)
	return err == nil && u.String() == d.URL
}

func sameOrigin(u *url.URL, other string) bool {
	o, err := plainURL(other)
	return err == nil && u.Scheme == o.Scheme && u.Host == o.Host
}

// document makes one request for an ActivityStreams document, following
// redirects, without judging its id.
func (c *Client) document(ctx context.Context, id string, sign SignFunc, hops *int) (*Document, error) {
	got, err := c.get(ctx, id, acceptAS, "gzip", sign, hops)
	if err != nil {
		return nil, err
	}
	defer got.done()
	if !isActivityType(got.resp.Header) {
		return nil, ErrContentType
	}
	raw, err := readAll(got.resp)
	if err != nil {
		return nil, err
	}
	doc := &Document{URL: got.url.String(), Raw: raw}
	if doc.ID, err = documentID(raw); err != nil {
		return nil, err
	}
	return doc, nil
}

// answer is a response that is still open. done must be called.
type answer struct {
	resp   *http.Response
	url    *url.URL
	cancel context.CancelFunc
}

// done gives the connection back if little is left to read on it and comes
// quickly, and closes it otherwise.
func (a *answer) done() {
	timer := time.AfterFunc(discardTime, a.cancel)
	// An error here only means that the connection cannot be used again.
	_, _ = io.CopyN(io.Discard, a.resp.Body, maxDiscard)
	_ = a.resp.Body.Close()
	timer.Stop()
	a.cancel()
}

// get follows redirects to an answer with status 200.
func (c *Client) get(ctx context.Context, raw, accept, encoding string, sign SignFunc, hops *int) (*answer, error) {
	for {
		u, err := c.checkURL(raw)
		if err != nil {
			return nil, err
		}
		got, err := c.send(ctx, http.MethodGet, u, nil, http.Header{"Accept": {accept}, "Accept-Encoding": {encoding}}, sign)
		if err != nil {
			return nil, err
		}
		switch got.resp.StatusCode {
		case http.StatusOK:
			return got, nil
		case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
			http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
			got.done()
			places := got.resp.Header.Values("Location")
			if *hops--; *hops < 0 || len(places) != 1 {
				return nil, ErrRedirects
			}
			next, err := u.Parse(places[0])
			if err != nil {
				return nil, ErrRedirects
			}
			raw = next.String()
		default:
			got.done()
			return nil, statusError(got.resp)
		}
	}
}

// send makes a single request to an URL that has been checked.
func (c *Client) send(ctx context.Context, method string, u *url.URL, body []byte, header http.Header, sign SignFunc) (*answer, error) {
	if c.cfg.Blocked != nil {
		if blocked, err := c.cfg.Blocked(ctx, u.Host); err != nil {
			return nil, temporary(err)
		} else if blocked {
			return nil, ErrBlocked
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), reader)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("%w: %w", ErrForbiddenAddress, err)
	}
	req.Header = header
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	if sign != nil {
		if err := sign(req); err != nil {
			cancel()
			return nil, fmt.Errorf("federation: signing a request: %w", err)
		}
	}
	transport := c.secure
	if u.Scheme == "http" {
		transport = c.plain
	}
	// The transport is used without http.Client, which would follow redirects
	// with the headers of the first request and keep cookies.
	resp, err := transport.RoundTrip(req) //nolint:bodyclose // answer.done closes it
	if err != nil {
		cancel()
		return nil, temporary(err)
	}
	return &answer{resp: resp, url: u, cancel: cancel}, nil
}

// readAll reads a body of at most maxDocument bytes, packed and unpacked.
func readAll(resp *http.Response) ([]byte, error) {
	if resp.ContentLength > maxDocument {
		return nil, ErrTooLarge
	}
	var body io.Reader = &capped{r: resp.Body, left: maxDocument}
	switch encoding := strings.ToLower(strings.Join(resp.Header.Values("Content-Encoding"), ",")); encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			return nil, unpackError(err)
		}
		body = &capped{r: unpacked, left: maxDocument}
	default:
		return nil, fmt.Errorf("%w: content encoding", ErrContentType)
	}
	raw, err := io.ReadAll(body)
	if err != nil {
		return nil, unpackError(err)
	}
	return raw, nil
}

func unpackError(err error) error {
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) {
		return fmt.Errorf("%w: %w", ErrContentType, err)
	}
	return temporary(err)
}

// capped fails with ErrTooLarge where io.LimitReader would pretend that the rest
// does not exist.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left == 0 {
		var one [1]byte
		n, err := io.ReadFull(c.r, one[:])
		if n > 0 {
			return 0, ErrTooLarge
		}
		return 0, err
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.r.Read(p)
	c.left -= int64(n)
	return n, err
}

// contentTypeOf returns the one content type of an answer in lower case, or "".
func contentTypeOf(h http.Header) (string, map[string]string) {
	values := h.Values("Content-Type")
	if len(values) != 1 {
		return "", nil
	}
	kind, params, err := mime.ParseMediaType(values[0])
	if err != nil {
		return "", nil
	}
	return kind, params
}

// isActivityType accepts the two types by which a server says that it means a
// document as ActivityStreams, and did not just pass on someone's upload.
// spec: AS2 §9 media type
func isActivityType(h http.Header) bool {
	kind, params := contentTypeOf(h)
	if kind == activityType {
		return true
	}
	if kind != linkedType {
		return false
	}
	for _, profile := range strings.Fields(params["profile"]) {
		if profile == activityVocab {
			return true
		}
	}
	return false
}

// documentID reads the top level id of a JSON object. encoding/json would match
// "ID" as well and take the last of several, so the keys are walked.
func documentID(raw []byte) (string, error) {
	broken := fmt.Errorf("%w: not one JSON object", ErrContentType)
	dec := json.NewDecoder(bytes.NewReader(raw))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return "", broken
	}
	var id string
	for seen := false; dec.More(); {
		key, err := dec.Token()
		if err != nil {
			return "", broken
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return "", broken
		}
		if key != "id" {
			continue
		}
		if seen || value[0] != '"' || json.Unmarshal(value, &id) != nil {
			return "", fmt.Errorf("%w: id is doubled or not text", ErrIDMismatch)
		}
		seen = true
	}
	if _, err := dec.Token(); err != nil {
		return "", broken
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return "", broken
	}
	if id == "" {
		return "", fmt.Errorf("%w: no id", ErrIDMismatch)
	}
	return id, nil
}

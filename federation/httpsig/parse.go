package httpsig

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// The window within which a signature's time must lie. Half a day is what the
// most lenient peers need; whoever accepts the signature must remember it for
// that long, see Signature.Fingerprint.
const (
	MaxAge  = 12 * time.Hour
	MaxSkew = time.Hour
)

const maxSignatureBytes = maxRSABits / 8

// Signature is one parsed signature whose form, coverage, time, digest and host
// are in order. Only Verify says whether the named key made it.
type Signature struct {
	// KeyID is the sender's name for the key, as sent: usually a URL, but
	// nothing about it has been checked beyond its length and characters.
	KeyID string
	// Made is the signed time: that of (created) or else of Date.
	Made time.Time

	algorithm string
	covered   []string
	signature []byte
	created   string
	expires   string
	method    string
	targets   []string
	header    http.Header // only the covered headers, and Host
}

// Parse reads the signature of a request and makes every check that needs no
// key. body is the whole body as read; hosts are the names this server answers
// to, with their port where it is not the scheme's own. Without hosts nothing
// is accepted. r is not changed and not kept.
//
// Covered must be (request-target), host and one of date and (created), and for
// anything that has a body or is neither GET nor HEAD, digest or content-digest.
// Whatever could be read in two ways is refused.
//
// Errors: ErrUnsigned, ErrMalformed, ErrStale, ErrDigest, ErrWrongHost.
// spec: CAVAGE verification
func Parse(r *http.Request, body []byte, now time.Time, hosts ...string) (*Signature, error) {
	text, err := onlySignature(r.Header)
	if err != nil {
		return nil, err
	}
	if err := checkHost(r, hosts); err != nil {
		return nil, err
	}
	p, err := parseParams(text)
	if err != nil {
		return nil, err
	}
	covered, err := coveredNames(p.headers)
	if err != nil {
		return nil, err
	}
	s := &Signature{
		KeyID: p.keyID, algorithm: p.algorithm, covered: covered,
		created: p.created, expires: p.expires, method: methodOf(r),
	}
	if s.signature, err = base64.StdEncoding.Strict().DecodeString(p.signature); err != nil || len(s.signature) > maxSignatureBytes {
		return nil, fmt.Errorf("%w: signature is not base64 of a possible length", ErrMalformed)
	}
	if err := s.checkLabel(); err != nil {
		return nil, err
	}
	if s.targets, err = targetsOf(r); err != nil {
		return nil, err
	}
	if err := s.keepHeaders(r); err != nil {
		return nil, err
	}
	if err := s.checkTimes(now); err != nil {
		return nil, err
	}
	if err := s.checkDigests(r.Header, body); err != nil {
		return nil, err
	}
	return s, nil
}

// onlySignature returns the one Signature header.
func onlySignature(h http.Header) (string, error) {
	values := h.Values("Signature")
	if len(values) == 0 {
		return "", ErrUnsigned
	}
	// The draft allows the same parameters in Authorization. A request with
	// both would be judged by one and perhaps obeyed by the other.
	if len(values) > 1 || len(h.Values("Authorization")) > 0 {
		return "", fmt.Errorf("%w: more than one signature or authorization", ErrMalformed)
	}
	return values[0], nil
}

func checkHost(r *http.Request, hosts []string) error {
	// net/http moves the Host header to r.Host; one that is still there was put
	// there by someone else.
	if extra, ok := r.Header["Host"]; ok && (len(extra) != 1 || extra[0] != r.Host) {
		return fmt.Errorf("%w: more than one host", ErrMalformed)
	}
	if r.URL == nil || r.URL.Opaque != "" || (r.URL.Host != "" && !strings.EqualFold(r.URL.Host, r.Host)) {
		return fmt.Errorf("%w: target names another host", ErrMalformed)
	}
	got := plainHost(r.Host)
	if got == "" {
		return ErrWrongHost
	}
	for _, ours := range hosts {
		if got == plainHost(ours) {
			return nil
		}
	}
	return ErrWrongHost
}

// plainHost is the comparable form of a host with an optional port: ASCII, lower
// case, without a port that is the default of http or https.
func plainHost(host string) string {
	host, err := httpguts.PunycodeHostPort(host)
	if err != nil {
		return ""
	}
	host = strings.ToLower(host)
	if h, ok := strings.CutSuffix(host, ":443"); ok {
		return h
	}
	return strings.TrimSuffix(host, ":80")
}

// checkLabel refuses algorithm labels that no acceptable key could have. Which
// of the rest fits is decided by the key, in Verify.
func (s *Signature) checkLabel() error {
	switch s.algorithm {
	case "", "hs2019", "ed25519":
		return nil
	case "rsa-sha256", "rsa-sha512":
		// spec: CAVAGE (created) and (expires) are not for these labels
		if s.covers("(created)") || s.covers("(expires)") {
			return fmt.Errorf("%w: (created) or (expires) under an old algorithm", ErrMalformed)
		}
		return nil
	}
	return fmt.Errorf("%w: algorithm is not accepted", ErrMalformed)
}

func (s *Signature) covers(name string) bool {
	for _, c := range s.covered {
		if c == name {
			return true
		}
	}
	return false
}

// targetsOf lists the texts (request-target) may stand for. Peers disagree
// about the query, so it is tried with and then without.
func targetsOf(r *http.Request) ([]string, error) {
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	if path[0] != '/' {
		return nil, fmt.Errorf("%w: target is not a path", ErrMalformed)
	}
	if r.URL.RawQuery == "" && !r.URL.ForceQuery {
		return []string{path}, nil
	}
	return []string{path + "?" + r.URL.RawQuery, path}, nil
}

// keepHeaders checks what is covered and takes a copy of it, so that what is
// verified later is what was checked here.
func (s *Signature) keepHeaders(r *http.Request) error {
	if !s.covers("(request-target)") || !s.covers("host") || (!s.covers("date") && !s.covers("(created)")) {
		return fmt.Errorf("%w: target, host or time is not covered", ErrMalformed)
	}
	for _, name := range []string{"Date", "Digest", "Content-Digest"} {
		if len(r.Header.Values(name)) > 1 {
			return fmt.Errorf("%w: a header is doubled", ErrMalformed)
		}
	}
	s.header = make(http.Header, len(s.covered))
	for _, name := range s.covered {
		switch name {
		case "(request-target)":
		case "host":
			s.header.Set("Host", r.Host)
		case "(created)":
			if s.created == "" {
				return fmt.Errorf("%w: (created) is covered and missing", ErrMalformed)
			}
		case "(expires)":
			if s.expires == "" {
				return fmt.Errorf("%w: (expires) is covered and missing", ErrMalformed)
			}
		default:
			values := r.Header.Values(name)
			if len(values) == 0 {
				return fmt.Errorf("%w: a covered header is missing", ErrMalformed)
			}
			s.header[http.CanonicalHeaderKey(name)] = append([]string(nil), values...)
		}
	}
	return nil
}

// checkTimes holds every signed time to the window, and an expiry to now.
func (s *Signature) checkTimes(now time.Time) error {
	if s.covers("date") {
		made, err := http.ParseTime(s.header.Get("Date"))
		if err != nil {
			return fmt.Errorf("%w: Date is unreadable", ErrMalformed)
		}
		if s.Made = made; !near(made, now) {
			return ErrStale
		}
	}
	if s.created != "" {
		made, err := unixTime(s.created, false)
		if err != nil {
			return err
		}
		if s.covers("(created)") {
			if s.Made = made; !near(made, now) {
				return ErrStale
			}
		}
	}
	// An expiry that is not covered can be cut off but hardly added by a
	// stranger, so it counts whenever it is there.
	if s.expires != "" {
		until, err := unixTime(s.expires, true)
		if err != nil {
			return err
		}
		if !now.Before(until) {
			return ErrStale
		}
	}
	return nil
}

func near(made, now time.Time) bool {
	return !made.Before(now.Add(-MaxAge)) && !made.After(now.Add(MaxSkew))
}

// unixTime reads whole seconds, or decimal ones where the draft allows them.
func unixTime(text string, decimal bool) (time.Time, error) {
	whole, fraction, dotted := strings.Cut(text, ".")
	if dotted && (!decimal || fraction == "" || len(fraction) > 9 || !digits(fraction)) {
		return time.Time{}, fmt.Errorf("%w: time is not a number of seconds", ErrMalformed)
	}
	if len(whole) > 11 || !digits(whole) {
		return time.Time{}, fmt.Errorf("%w: time is not a number of seconds", ErrMalformed)
	}
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: time is not a number of seconds", ErrMalformed)
	}
	return time.Unix(seconds, 0), nil
}

func digits(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}

// checkDigests requires a covered digest where there is or could be a body, and
// that every digest present is that of the body.
// spec: RFC9530 §2 Content-Digest
func (s *Signature) checkDigests(h http.Header, body []byte) error {
	bodiless := s.method == http.MethodGet || s.method == http.MethodHead
	if (!bodiless || len(body) > 0) && !s.covers("digest") && !s.covers("content-digest") {
		return fmt.Errorf("%w: no digest is covered", ErrDigest)
	}
	if values := h.Values("Digest"); len(values) == 1 {
		name, sum, _ := strings.Cut(strings.TrimSpace(values[0]), "=")
		if err := equalDigest(name, sum, body); err != nil {
			return err
		}
	}
	if values := h.Values("Content-Digest"); len(values) == 1 {
		name, sum, _ := strings.Cut(strings.TrimSpace(values[0]), "=")
		if len(sum) < 2 || sum[0] != ':' || sum[len(sum)-1] != ':' {
			return fmt.Errorf("%w: unreadable", ErrDigest)
		}
		if err := equalDigest(name, sum[1:len(sum)-1], body); err != nil {
			return err
		}
	}
	return nil
}

// equalDigest compares one digest. A list of several does not parse as one and
// is refused with it: no peer sends lists, and they leave open which counts.
func equalDigest(name, sum string, body []byte) error {
	var want []byte
	switch strings.ToLower(name) {
	case "sha-256":
		hash := sha256.Sum256(body)
		want = hash[:]
	case "sha-512":
		hash := sha512.Sum512(body)
		want = hash[:]
	default:
		return fmt.Errorf("%w: hash is not accepted", ErrDigest)
	}
	if sum != base64.StdEncoding.EncodeToString(want) {
		return fmt.Errorf("%w: not that of the body", ErrDigest)
	}
	return nil
}

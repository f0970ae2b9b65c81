package httpsig

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	cavage "github.com/go-fed/httpsig"
	"golang.org/x/net/http/httpguts"
)

var (
	errNoKey = errors.New("httpsig: signer has no usable key")
	errKeyID = errors.New("httpsig: key id cannot stand in a header")
)

// Signer signs outgoing requests with one actor's RSA key. It is immutable and
// may be used by any number of goroutines; keep it as long as the key, because
// making it costs about as much as a signature.
type Signer struct {
	keyID string
	key   *rsa.PrivateKey
}

// NewSigner prepares a key for signing as keyID. A nil or too small key, or a
// key id that would break out of its quotes, shows as an error of every Sign.
func NewSigner(keyID string, key *rsa.PrivateKey) *Signer {
	s := &Signer{keyID: keyID}
	if key == nil || key.N == nil || checkKey(&key.PublicKey) != nil {
		return s
	}
	// The copy keeps Precompute from writing to a key that others may share.
	own := *key
	own.Precompute()
	s.key = &own
	return s
}

// Sign sets Date, Signature and, for anything but GET and HEAD, Digest on r.
// Earlier values of these are replaced, so a request may be signed again. body
// is what will be sent; nil and empty mean the same. now is written exactly.
//
// Covered are (request-target) with the query, host and date; with a body also
// digest.
// spec: CAVAGE signing
func (s *Signer) Sign(r *http.Request, body []byte, now time.Time) error {
	if s.key == nil {
		return errNoKey
	}
	if s.keyID == "" || strings.ContainsFunc(s.keyID, unquotable) {
		return errKeyID
	}
	host, err := sentHost(r)
	if err != nil {
		return err
	}
	date := now.UTC().Format(http.TimeFormat)

	// The library signs the decoded path, but the peer sees the encoded one.
	// It is therefore given a request of its own whose path is the exact text
	// of the request line.
	header := http.Header{"Host": {host}, "Date": {date}}
	copied := &http.Request{Method: methodOf(r), URL: &url.URL{Path: r.URL.RequestURI()}, Header: header}
	covered := []string{cavage.RequestTarget, "host", "date"}
	if copied.Method == http.MethodGet || copied.Method == http.MethodHead {
		body = nil
	} else {
		covered = append(covered, "digest")
		if body == nil {
			body = []byte{}
		}
	}
	// The library's signers carry a running hash and cannot be shared; a new
	// one is a few hundred nanoseconds beside the signature itself.
	signer, _, err := cavage.NewSigner([]cavage.Algorithm{cavage.RSA_SHA256}, cavage.DigestSha256, covered, cavage.Signature, 0)
	if err != nil {
		return fmt.Errorf("httpsig: %w", err)
	}
	if err := signer.SignRequest(s.key, s.keyID, copied, body); err != nil {
		return fmt.Errorf("httpsig: %w", err)
	}

	// The library always writes hs2019, which some peers refuse. The parameter
	// is not signed, and the signature is plain rsa-sha256.
	head := `keyId="` + s.keyID + `",algorithm="`
	rest, ok := strings.CutPrefix(header.Get("Signature"), head+`hs2019"`)
	if !ok {
		return fmt.Errorf("httpsig: unexpected form of the Signature header")
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set("Date", date)
	r.Header.Set("Signature", head+`rsa-sha256"`+rest)
	r.Header.Del("Digest")
	if digest := header.Get("Digest"); digest != "" {
		r.Header.Set("Digest", digest)
	}
	return nil
}

func methodOf(r *http.Request) string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

// sentHost is the Host that net/http will put on the wire.
func sentHost(r *http.Request) (string, error) {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	host, err := httpguts.PunycodeHostPort(host)
	if err != nil || host == "" || !httpguts.ValidHostHeader(host) {
		return "", errors.New("httpsig: request has no usable host")
	}
	return host, nil
}

// unquotable reports characters that may not stand inside a quoted parameter.
func unquotable(c rune) bool {
	return c < ' ' || c == '"' || c == '\\' || c > '~'
}

package httpsig

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	cavage "github.com/go-fed/httpsig"
)

// Verify reports whether key made the signature. The algorithm follows from the
// kind of key; the sender's label is only held against it. It keeps no state and
// may be called again with another key, for instance a rotated one.
//
// Errors: ErrWeakKey for a key that ParsePublicKey would refuse, otherwise
// ErrBadSignature.
// spec: CAVAGE verification
func (s *Signature) Verify(key crypto.PublicKey) error {
	if err := checkKey(key); err != nil {
		return err
	}
	algorithms := s.algorithmsFor(key)
	if algorithms == nil {
		return fmt.Errorf("%w: label and key disagree", ErrBadSignature)
	}
	for _, target := range s.targets {
		for _, algorithm := range algorithms {
			if s.made(key, algorithm, target) {
				return nil
			}
		}
	}
	return ErrBadSignature
}

// algorithmsFor lists what is to be tried, and nothing if the label cannot be
// the key's. hs2019 leaves the choice to the key; peers that write it or nothing
// with an RSA key nearly all mean SHA-256, a few SHA-512.
func (s *Signature) algorithmsFor(key crypto.PublicKey) []cavage.Algorithm {
	open := s.algorithm == "" || s.algorithm == "hs2019"
	if _, ok := key.(ed25519.PublicKey); ok {
		if open || s.algorithm == "ed25519" {
			return []cavage.Algorithm{cavage.ED25519}
		}
		return nil
	}
	switch {
	case open:
		return []cavage.Algorithm{cavage.RSA_SHA256, cavage.RSA_SHA512}
	case s.algorithm == "rsa-sha256":
		return []cavage.Algorithm{cavage.RSA_SHA256}
	case s.algorithm == "rsa-sha512":
		return []cavage.Algorithm{cavage.RSA_SHA512}
	}
	return nil
}

// made reports whether key signed target and the covered headers.
func (s *Signature) made(key crypto.PublicKey, algorithm cavage.Algorithm, target string) bool {
	// The library holds created and expires to the wall clock with ten seconds
	// of grace, and knows expires only in whole seconds. Our window is wider,
	// its clock is the caller's, and it has been applied already, so for these
	// two the text is made and checked here.
	if s.covers("(created)") || s.covers("(expires)") {
		return verifyText(key, algorithm, s.text(target), s.signature)
	}
	// The library gets a request of its own: it writes to the headers it is
	// given, signs the decoded path, and would parse the sender's Signature
	// header anew with other rules than ours.
	header := make(http.Header, len(s.header)+1)
	for name, values := range s.header {
		header[name] = values
	}
	header.Set("Signature", `keyId="checked",headers="`+strings.Join(s.covered, " ")+
		`",signature="`+base64.StdEncoding.EncodeToString(s.signature)+`"`)
	verifier, err := cavage.NewVerifier(&http.Request{Method: s.method, URL: &url.URL{Path: target}, Header: header})
	if err != nil {
		return false
	}
	return verifier.Verify(key, algorithm) == nil
}

// text is the signing string.
// spec: CAVAGE §2.3 signature string construction
func (s *Signature) text(target string) string {
	var b strings.Builder
	for i, name := range s.covered {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(name)
		b.WriteString(": ")
		switch name {
		case "(request-target)":
			b.WriteString(strings.ToLower(s.method) + " " + target)
		case "(created)":
			b.WriteString(s.created)
		case "(expires)":
			b.WriteString(s.expires)
		default:
			for k, value := range s.header.Values(name) {
				if k > 0 {
					b.WriteString(", ")
				}
				b.WriteString(strings.TrimSpace(value))
			}
		}
	}
	return b.String()
}

func verifyText(key crypto.PublicKey, algorithm cavage.Algorithm, text string, signature []byte) bool {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(k, []byte(text), signature)
	case *rsa.PublicKey:
		if algorithm == cavage.RSA_SHA512 {
			sum := sha512.Sum512([]byte(text))
			return rsa.VerifyPKCS1v15(k, crypto.SHA512, sum[:], signature) == nil
		}
		sum := sha256.Sum256([]byte(text))
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], signature) == nil
	}
	return false
}

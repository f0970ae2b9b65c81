package httpsig

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
)

const (
	maxPEM     = 16 << 10
	minRSABits = 2048
	maxRSABits = 8192
	minRSAExp  = 65537
)

// ParsePublicKey reads the publicKeyPem of an actor document: one PEM block of
// at most 16 kB holding an RSA or Ed25519 key, as SubjectPublicKeyInfo or as
// PKCS #1. The key has passed the same checks that Verify makes.
//
// Errors: ErrMalformed for anything that is not exactly one key, ErrWeakKey for
// RSA outside 2048–8192 bits or with an exponent that is even or below 65537,
// for degenerate Ed25519 points, and for other kinds of key.
func ParsePublicKey(text string) (crypto.PublicKey, error) {
	if len(text) > maxPEM {
		return nil, fmt.Errorf("%w: key is longer than %d bytes", ErrMalformed, maxPEM)
	}
	text = strings.TrimSpace(text)
	// pem.Decode skips whatever stands before the first block; text there could
	// be a second key to another reader.
	if !strings.HasPrefix(text, "-----BEGIN ") {
		return nil, fmt.Errorf("%w: key is not PEM", ErrMalformed)
	}
	block, rest := pem.Decode([]byte(text))
	if block == nil || len(strings.TrimSpace(string(rest))) != 0 || len(block.Headers) != 0 {
		return nil, fmt.Errorf("%w: key is not a single PEM block", ErrMalformed)
	}
	if block.Type != "PUBLIC KEY" && block.Type != "RSA PUBLIC KEY" {
		return nil, fmt.Errorf("%w: PEM block is not a public key", ErrMalformed)
	}
	// Some peers put one encoding under the other's label, so both are tried.
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		pkcs1, err1 := x509.ParsePKCS1PublicKey(block.Bytes)
		if err1 != nil {
			return nil, fmt.Errorf("%w: no key inside the PEM block", ErrMalformed)
		}
		key = pkcs1
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	return key, nil
}

// checkKey refuses keys that would make a signature meaningless or its check
// expensive.
func checkKey(key crypto.PublicKey) error {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if k == nil || k.N == nil {
			return fmt.Errorf("%w: no key", ErrWeakKey)
		}
		if n := k.N.BitLen(); n < minRSABits || n > maxRSABits {
			return fmt.Errorf("%w: RSA key of %d bits", ErrWeakKey, n)
		}
		// crypto/rsa itself bounds the exponent above, at 31 bits.
		if k.E < minRSAExp || k.E%2 == 0 {
			return fmt.Errorf("%w: RSA exponent", ErrWeakKey)
		}
		if k.N.Bit(0) == 0 {
			return fmt.Errorf("%w: RSA modulus is even", ErrWeakKey)
		}
		return nil
	case ed25519.PublicKey:
		if len(k) != ed25519.PublicKeySize || degeneratePoint(k) {
			return fmt.Errorf("%w: Ed25519 point", ErrWeakKey)
		}
		return nil
	default:
		return fmt.Errorf("%w: neither RSA nor Ed25519", ErrWeakKey)
	}
}

// smallOrderY lists, little endian, the y coordinates of the eight points whose
// order divides the cofactor: with such a key one signature fits many messages.
// The sign bit is left out, so five values stand for all eight points.
var smallOrderY = [5][32]byte{
	{},
	{1},
	{0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
	{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
	{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
}

// degeneratePoint reports whether an encoded point has small order or a y
// coordinate that is not reduced modulo 2^255-19.
func degeneratePoint(key []byte) bool {
	var y [32]byte
	copy(y[:], key)
	y[31] &= 0x7f
	for _, bad := range smallOrderY {
		if y == bad {
			return true
		}
	}
	if y[31] != 0x7f || y[0] < 0xed {
		return false
	}
	for _, b := range y[1:31] {
		if b != 0xff {
			return false
		}
	}
	return true
}

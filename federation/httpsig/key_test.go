package httpsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"
)

func pkix(t testing.TB, key crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// modulus makes an odd number of that many bits; nothing here needs its factors.
func modulus(bits uint) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return n.Or(n, big.NewInt(1))
}

func TestBadKeysAreRefused(t *testing.T) {
	good := pkix(t, rsaKey().Public())
	n := rsaKey().N
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey())}))
	cases := []struct {
		name, text string
		want       error
	}{
		{"nothing", "", ErrMalformed},
		{"words", "ssh-rsa AAAA", ErrMalformed},
		{"two blocks", good + good, ErrMalformed},
		{"text before", "x\n" + good, ErrMalformed},
		{"text after", good + "x", ErrMalformed},
		{"block headers", strings.Replace(good, "-----\n", "-----\nProc-Type: 4,ENCRYPTED\n\n", 1), ErrMalformed},
		{"a megabyte", good + strings.Repeat("\n", 1<<20), ErrMalformed},
		{"a private key", private, ErrMalformed},
		{"a certificate", strings.ReplaceAll(good, "PUBLIC KEY", "CERTIFICATE"), ErrMalformed},
		{"rubbish inside", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", ErrMalformed},
		{"RSA 512", pkix(t, &rsa.PublicKey{N: modulus(512), E: 65537}), ErrWeakKey},
		{"RSA 1024", pkix(t, &rsa.PublicKey{N: modulus(1024), E: 65537}), ErrWeakKey},
		{"RSA 2047", pkix(t, &rsa.PublicKey{N: modulus(2047), E: 65537}), ErrWeakKey},
		{"RSA 8193", pkix(t, &rsa.PublicKey{N: modulus(8193), E: 65537}), ErrWeakKey},
		{"RSA 64k", pkix(t, &rsa.PublicKey{N: modulus(64 << 10), E: 65537}), ErrWeakKey},
		{"e = 1", pkix(t, &rsa.PublicKey{N: n, E: 1}), ErrWeakKey},
		{"e = 3", pkix(t, &rsa.PublicKey{N: n, E: 3}), ErrWeakKey},
		{"e even", pkix(t, &rsa.PublicKey{N: n, E: 65538}), ErrWeakKey},
		{"even modulus", pkix(t, &rsa.PublicKey{N: new(big.Int).Sub(n, big.NewInt(1)), E: 65537}), ErrWeakKey},
		{"ECDSA", pkix(t, ec.Public()), ErrWeakKey},
		{"Ed25519 identity", pkix(t, ed25519.PublicKey(append([]byte{1}, make([]byte, 31)...))), ErrWeakKey},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			if _, err := ParsePublicKey(c.text); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestGoodKeysAreRead(t *testing.T) {
	pkcs1 := &pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)}
	good := pkix(t, rsaKey().Public())
	for name, text := range map[string]string{
		"PKIX":               good,
		"PKCS1":              string(pem.EncodeToMemory(pkcs1)),
		"PKCS1, other label": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkcs1.Bytes})),
		"no last newline":    strings.TrimSpace(good),
		"space around":       "\n  " + good + " \n\n",
		"CRLF":               strings.ReplaceAll(good, "\n", "\r\n"),
	} {
		key, err := ParsePublicKey(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !rsaKey().PublicKey.Equal(key) {
			t.Errorf("%s: another key", name)
		}
	}
	key, err := ParsePublicKey(pkix(t, edKey.Public()))
	if err != nil || !edKey.Public().(ed25519.PublicKey).Equal(key) {
		t.Errorf("Ed25519: %v", err)
	}
	if _, err := ParsePublicKey(pkix(t, &rsa.PublicKey{N: modulus(8192), E: 65537})); err != nil {
		t.Errorf("RSA 8192: %v", err)
	}
}

func TestVerifyRefusesWeakKeys(t *testing.T) {
	s, err := Parse(get("/").request(t), nil, noon, ourHost)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.PublicKey{
		"nil":            nil,
		"nil RSA":        (*rsa.PublicKey)(nil),
		"bytes for HMAC": []byte("key"),
		"short Ed25519":  ed25519.PublicKey("short"),
		"RSA by value":   rsaKey().PublicKey,
		"RSA 1024":       &rsa.PublicKey{N: modulus(1024), E: 65537},
		"e = 1":          &rsa.PublicKey{N: rsaKey().N, E: 1},
	} {
		if err := s.Verify(key); !errors.Is(err, ErrWeakKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSmallOrderTable recomputes on the curve that exactly the points of the
// table vanish when multiplied by eight.
func TestSmallOrderTable(t *testing.T) {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	mul := func(a, b *big.Int) *big.Int { r := new(big.Int).Mul(a, b); return r.Mod(r, p) }
	inv := func(a *big.Int) *big.Int { return new(big.Int).ModInverse(a, p) }
	one := big.NewInt(1)
	d := mul(new(big.Int).Sub(p, big.NewInt(121665)), inv(big.NewInt(121666)))
	// Doubling needs only x² and y² with the sign of x·y; so carry both.
	for i, raw := range smallOrderY {
		var be [32]byte
		for k := range raw {
			be[31-k] = raw[k]
		}
		y := new(big.Int).SetBytes(be[:])
		yy := mul(y, y)
		xx := mul(new(big.Int).Mod(new(big.Int).Sub(yy, one), p), inv(new(big.Int).Add(mul(d, yy), one)))
		x := new(big.Int).ModSqrt(xx, p)
		if x == nil {
			t.Fatalf("entry %d is not on the curve", i)
		}
		for range 3 {
			k := mul(d, mul(mul(x, x), mul(y, y)))
			nx := mul(mul(big.NewInt(2), mul(x, y)), inv(new(big.Int).Add(one, k)))
			ny := mul(new(big.Int).Add(mul(y, y), mul(x, x)), inv(new(big.Int).Mod(new(big.Int).Sub(one, k), p)))
			x, y = nx, ny
		}
		if x.Sign() != 0 || y.Cmp(one) != 0 {
			t.Errorf("entry %d has large order", i)
		}
		key := raw
		for _, sign := range []byte{0, 0x80} {
			if key[31] |= sign; !degeneratePoint(key[:]) {
				t.Errorf("entry %d with sign %x passes", i, sign)
			}
		}
	}
	for low := 0xed; low <= 0xff; low++ {
		key := [32]byte{0: byte(low), 31: 0xff}
		for k := 1; k < 31; k++ {
			key[k] = 0xff
		}
		if !degeneratePoint(key[:]) {
			t.Errorf("unreduced y ending in %x passes", low)
		}
	}
	if degeneratePoint(edKey.Public().(ed25519.PublicKey)) {
		t.Error("an ordinary key is refused")
	}
}

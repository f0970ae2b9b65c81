package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeCertificate puts a self-signed certificate for name into dir.
func writeCertificate(t *testing.T, dir, name string, until time.Time) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		NotBefore:    until.Add(-48 * time.Hour),
		NotAfter:     until,
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

func TestCertificateRefusals(t *testing.T) {
	now := time.Now()
	certFile, keyFile := writeCertificate(t, t.TempDir(), "school.example", now.Add(time.Hour))
	_, otherKey := writeCertificate(t, t.TempDir(), "school.example", now.Add(time.Hour))
	for name, c := range map[string]struct{ cert, key, want string }{
		"no certificate":  {certFile + "x", keyFile, "server.tls_cert: cannot read"},
		"no key":          {certFile, keyFile + "x", "server.tls_key: cannot read"},
		"other key":       {certFile, otherKey, "are not a certificate and its key"},
		"not certificate": {keyFile, keyFile, "are not a certificate and its key"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := loadCertificate(c.cert, c.key); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want %q", err, c.want)
			}
		})
	}
}

func TestCertificateCovers(t *testing.T) {
	now := time.Now()
	certFile, keyFile := writeCertificate(t, t.TempDir(), "school.example", now.Add(time.Hour))
	for name, c := range map[string]struct {
		host string
		at   time.Time
		want string
	}{
		"right":   {"school.example", now, ""},
		"other":   {"aurora.example", now, "aurora.example"},
		"expired": {"school.example", now.Add(2 * time.Hour), "has expired"},
		"early":   {"school.example", now.Add(-72 * time.Hour), "not valid yet"},
	} {
		t.Run(name, func(t *testing.T) {
			own, err := newOwnCertificate(certFile, keyFile, func() time.Time { return c.at }, func(err error) { t.Error(err) })
			if err != nil {
				t.Fatal(err)
			}
			err = own.covers(c.host)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error is %v, want %q", err, c.want)
			}
		})
	}
}

// A renewed pair is taken up; a broken one is reported and the old one stays.
func TestCertificateIsReloaded(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	certFile, keyFile := writeCertificate(t, dir, "school.example", now.Add(time.Hour))
	failures := 0
	own, err := newOwnCertificate(certFile, keyFile, func() time.Time { return now }, func(error) { failures++ })
	if err != nil {
		t.Fatal(err)
	}
	served := func() *tls.Certificate {
		pair, err := own.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return pair
	}
	first := served()

	if err := os.WriteFile(keyFile, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(certificateCheckEvery)
	if served() != first || failures != 1 {
		t.Errorf("a broken key: %d failures, the same certificate: %v", failures, served() == first)
	}
	writeCertificate(t, dir, "school.example", now.Add(2*time.Hour))
	if served() != first {
		t.Error("the files were read again before their time")
	}
	now = now.Add(certificateCheckEvery)
	renewed := served()
	if renewed == first || failures != 1 {
		t.Errorf("a renewed pair: %d failures, the same certificate: %v", failures, renewed == first)
	}
	if err := os.Remove(certFile); err != nil {
		t.Fatal(err)
	}
	now = now.Add(certificateCheckEvery)
	if served() != renewed || failures != 2 {
		t.Errorf("a missing file: %d failures", failures)
	}
}

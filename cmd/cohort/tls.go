package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// certificateCheckEvery is how often the certificate's files are looked at for
// a renewed pair, at most.
const certificateCheckEvery = time.Minute

// loadCertificate reads a chain and its key. Errors name the file and the
// reason, and hold nothing of the key.
func loadCertificate(certFile, keyFile string) (*tls.Certificate, error) {
	chain, err := readCertificateFile("server.tls_cert", certFile)
	if err != nil {
		return nil, err
	}
	key, err := readCertificateFile("server.tls_key", keyFile)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, fmt.Errorf("server.tls_cert: %s and %s are not a certificate and its key: %w", certFile, keyFile, err)
	}
	return &pair, nil
}

// readCertificateFile reads the file that key names.
func readCertificateFile(key, path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot read %s: %w", key, path, plainPathError(err))
	}
	return text, nil
}

// ownCertificate serves a certificate from files and takes up a renewed one
// without a restart.
type ownCertificate struct {
	certFile, keyFile string
	now               func() time.Time
	failed            func(error)

	mu      sync.Mutex
	pair    *tls.Certificate
	stamp   [2]fileStamp
	checked time.Time
}

type fileStamp struct {
	modified time.Time
	size     int64
}

// newOwnCertificate reads the pair once; later failures to read a changed pair
// go to failed, and the earlier one stays in use.
func newOwnCertificate(certFile, keyFile string, now func() time.Time, failed func(error)) (*ownCertificate, error) {
	own := &ownCertificate{certFile: certFile, keyFile: keyFile, now: now, failed: failed, checked: now()}
	var err error
	if own.stamp, err = own.stampFiles(); err != nil {
		return nil, fmt.Errorf("server.tls_cert, server.tls_key: %w", err)
	}
	if own.pair, err = loadCertificate(certFile, keyFile); err != nil {
		return nil, err
	}
	return own, nil
}

// covers says whether the certificate is for name and in force.
func (o *ownCertificate) covers(name string) error {
	leaf, err := x509.ParseCertificate(o.pair.Certificate[0])
	if err != nil {
		return err
	}
	now := o.now()
	switch {
	case now.After(leaf.NotAfter):
		return errors.New("the certificate in server.tls_cert has expired")
	case now.Before(leaf.NotBefore):
		return errors.New("the certificate in server.tls_cert is not valid yet")
	}
	return leaf.VerifyHostname(name)
}

// get is the tls.Config's GetCertificate.
func (o *ownCertificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now := o.now(); now.Sub(o.checked) >= certificateCheckEvery {
		o.checked = now
		o.reload()
	}
	return o.pair, nil
}

func (o *ownCertificate) reload() {
	stamp, err := o.stampFiles()
	if err != nil {
		o.failed(err)
		return
	}
	if stamp == o.stamp {
		return
	}
	pair, err := loadCertificate(o.certFile, o.keyFile)
	if err != nil {
		o.failed(err)
		return
	}
	o.pair, o.stamp = pair, stamp
}

func (o *ownCertificate) stampFiles() (stamp [2]fileStamp, err error) {
	for i, path := range []string{o.certFile, o.keyFile} {
		var info fs.FileInfo
		if info, err = os.Stat(path); err != nil {
			return stamp, fmt.Errorf("cannot read %s: %w", path, plainPathError(err))
		}
		stamp[i] = fileStamp{info.ModTime(), info.Size()}
	}
	return stamp, nil
}

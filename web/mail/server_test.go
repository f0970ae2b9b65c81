package mail

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

const secret = "hunter2-very-secret"

// inbox is a mail server that remembers what it took.
type inbox struct {
	mu    sync.Mutex
	mails []received

	failRcpt, failData, failAuth error
}

type received struct {
	from, user string
	to         []string
	encrypted  bool
	data       []byte
}

type session struct {
	box  *inbox
	mail received
}

func (b *inbox) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, encrypted := c.TLSConnectionState()
	return &session{box: b, mail: received{encrypted: encrypted}}, nil
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if s.box.failAuth != nil {
			return s.box.failAuth
		}
		if user != "mailer" || password != secret {
			return smtp.ErrAuthFailed
		}
		s.mail.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.mail.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.to = append(s.mail.to, to)
	return s.box.failRcpt
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.box.failData != nil {
		return s.box.failData
	}
	s.mail.data = data
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.mails = append(s.box.mails, s.mail)
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (b *inbox) taken() []received {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mails
}

// certificate makes one for 127.0.0.1 and the pool that trusts it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, pool
}

// serve runs a mail server on a free port and gives its address.
func serve(t *testing.T, box *inbox, config *tls.Config, implicit bool) string {
	t.Helper()
	server := smtp.NewServer(box)
	server.Domain = "mail.example"
	server.AllowInsecureAuth = true
	server.ErrorLog = quiet{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if implicit {
		listener = tls.NewListener(listener, config)
	} else {
		server.TLSConfig = config
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		// The listener too: a server that has not begun to serve does not know it yet.
		if err := errors.Join(server.Close(), listener.Close()); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		if err := <-done; err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Error(err)
		}
	})
	return address
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// rudeServer takes one message and hangs up without a word.
func rudeServer(listener net.Listener) (err error) {
	conn, err := listener.Accept()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	buffer := make([]byte, 64<<10)
	for _, answer := range []string{"220 mail.example\r\n", "250 mail.example\r\n", "250 ok\r\n", "250 ok\r\n"} {
		if _, err := io.WriteString(conn, answer); err != nil {
			return err
		}
		if _, err := conn.Read(buffer); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(conn, "354 go on\r\n"); err != nil {
		return err
	}
	for last := buffer[:0]; !bytes.HasSuffix(last, []byte("\r\n.\r\n")); {
		n, err := conn.Read(buffer[len(last):])
		if err != nil {
			return err
		}
		last = buffer[:len(last)+n]
	}
	_, err = io.WriteString(conn, "250 taken\r\n")
	return err
}

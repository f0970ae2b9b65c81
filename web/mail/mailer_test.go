package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

func newMailer(t *testing.T, url string, roots *x509.CertPool) *Mailer {
	t.Helper()
	m, err := New(Config{
		URL: url, From: "noreply@school.example", FromName: "同窗 School", RootCAs: roots, Timeout: 5 * time.Second,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var hello = Message{To: "ada@b.example", Subject: "确认你的邮箱", Text: "你好，\n\n验证码 12345678\n.\n再见", HTML: "<p>你好</p>"}

func TestSendRefuses(t *testing.T) {
	box := &inbox{}
	m := newMailer(t, "smtp://"+serve(t, box, nil, false), nil)
	change := func(f func(*Message)) Message {
		c := hello
		f(&c)
		return c
	}
	tests := map[string]Message{
		"nobody":             change(func(c *Message) { c.To = "" }),
		"name":               change(func(c *Message) { c.To = "Ada <ada@b.example>" }),
		"two":                change(func(c *Message) { c.To = "ada@b.example, eve@c.example" }),
		"no domain":          change(func(c *Message) { c.To = "ada" }),
		"header after to":    change(func(c *Message) { c.To = "ada@b.example\r\nBcc: eve@c.example" }),
		"command after to":   change(func(c *Message) { c.To = "ada@b.example>\r\nRCPT TO:<eve@c.example" }),
		"quoted line":        change(func(c *Message) { c.To = "\"a\r\nBcc: x\"@b.example" }),
		"no subject":         change(func(c *Message) { c.Subject = "" }),
		"header in subject":  change(func(c *Message) { c.Subject = "hi\r\nBcc: eve@c.example" }),
		"feed in subject":    change(func(c *Message) { c.Subject = "hi\nBcc: eve@c.example" }),
		"return in subject":  change(func(c *Message) { c.Subject = "hi\rBcc: eve@c.example" }),
		"nul in subject":     change(func(c *Message) { c.Subject = "hi\x00" }),
		"endless subject":    change(func(c *Message) { c.Subject = strings.Repeat("长", 201) }),
		"separator":          change(func(c *Message) { c.Subject = "hi\u2028Bcc: eve@c.example" }),
		"no text":            change(func(c *Message) { c.Text = "" }),
		"endless text":       change(func(c *Message) { c.Text = strings.Repeat("x", maxBody+1) }),
		"endless HTML":       change(func(c *Message) { c.HTML = strings.Repeat("x", maxBody+1) }),
		"text that is bytes": change(func(c *Message) { c.Text = "\xff\xfe" }),
		"nul in text":        change(func(c *Message) { c.Text = "a\x00b" }),
	}
	for name, message := range tests {
		if err := m.Send(t.Context(), message); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := box.taken(); len(got) != 0 {
		t.Errorf("%d of them left: %s", len(got), got[0].data)
	}
}

func TestNewRefuses(t *testing.T) {
	good := Config{URL: "smtp://mail.example", From: "noreply@school.example", Folder: "x"}
	tests := map[string]func(*Config){
		"no sender":        func(c *Config) { c.From = "" },
		"sender with name": func(c *Config) { c.From = "School <noreply@school.example>" },
		"name with header": func(c *Config) { c.FromName = "x\r\nBcc: eve@c.example" },
		"scheme":           func(c *Config) { c.URL = "http://mail.example" },
		"no host":          func(c *Config) { c.URL = "smtp://" },
		"port":             func(c *Config) { c.URL = "smtp://u:" + secret + "@mail.example:99999" },
		"port zero":        func(c *Config) { c.URL = "smtp://u:" + secret + "@mail.example:0" },
		"path":             func(c *Config) { c.URL = "smtp://u:" + secret + "@mail.example/x" },
		"query":            func(c *Config) { c.URL = "smtp://u:" + secret + "@mail.example?tls=no" },
		"broken URL":       func(c *Config) { c.URL = "smtp://u:" + secret + "%zz@mail.example" },
		"nowhere":          func(c *Config) { c.URL, c.Folder = "", "" },
	}
	for name, change := range tests {
		c := good
		change(&c)
		if _, err := New(c); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for url, want := range map[string]server{
		"smtp://mail.example":            {host: "mail.example", port: 25},
		"smtp://u:p%40ss@mail.example":   {host: "mail.example", port: 587, user: "u", password: "p@ss"},
		"smtps://u:p@mail.example/":      {host: "mail.example", port: 465, tls: true, user: "u", password: "p"},
		"smtp://mail.example:2525":       {host: "mail.example", port: 2525},
		"smtps://[2001:db8::1]:4650":     {host: "2001:db8::1", port: 4650, tls: true},
		"smtp://a%40b.example:p@c.d:587": {host: "c.d", port: 587, user: "a@b.example", password: "p"},
	} {
		if got, err := parseURL(url); got != want || err != nil {
			t.Errorf("%s: %+v, %v", url, got, err)
		}
	}
}

// checkMessage reads a message the way a mail program does.
func checkMessage(t *testing.T, data []byte) {
	t.Helper()
	msg, err := netmail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	decoder := mime.WordDecoder{}
	for header, want := range map[string]string{
		"Subject": hello.Subject, "From": "同窗 School <noreply@school.example>", "To": "<ada@b.example>",
		"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All",
	} {
		got, err := decoder.DecodeHeader(msg.Header.Get(header))
		if strings.ReplaceAll(got, "\"", "") != want || err != nil || len(msg.Header[header]) != 1 {
			t.Errorf("%s: %q, %v", header, got, err)
		}
	}
	if date, err := msg.Header.Date(); err != nil || time.Since(date).Abs() > time.Minute {
		t.Errorf("Date: %v, %v", date, err)
	}
	if id := msg.Header.Get("Message-ID"); len(id) < 30 || !strings.HasSuffix(id, "@school.example>") || !strings.HasPrefix(id, "<") {
		t.Errorf("Message-ID: %s", id)
	}
	for _, header := range []string{"Bcc", "User-Agent", "X-Mailer"} {
		if v := msg.Header.Get(header); v != "" {
			t.Errorf("%s: %s", header, v)
		}
	}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("type %q, %v", kind, err)
	}
	parts := multipart.NewReader(msg.Body, params["boundary"])
	for _, want := range []string{"text/plain|" + hello.Text, "text/html|" + hello.HTML} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		kind, params, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		got := kind + "|" + strings.TrimRight(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n")
		if got != want || err != nil || !strings.EqualFold(params["charset"], "utf-8") {
			t.Errorf("part %q, want %q (%v, %v)", got, want, params, err)
		}
	}
}

func TestSend(t *testing.T) {
	config, roots := certificate(t)
	tests := []struct {
		name, scheme, user      string
		config                  *tls.Config
		implicit, wantEncrypted bool
	}{
		{"plain", "smtp", "", nil, false, false},
		{"STARTTLS when offered", "smtp", "", config, false, true},
		{"STARTTLS and password", "smtp", "mailer:" + secret + "@", config, false, true},
		{"TLS", "smtps", "", config, true, true},
		{"TLS and password", "smtps", "mailer:" + secret + "@", config, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			box := &inbox{}
			m := newMailer(t, tt.scheme+"://"+tt.user+serve(t, box, tt.config, tt.implicit), roots)
			for range 2 {
				if err := m.Send(t.Context(), hello); err != nil {
					t.Fatal(err)
				}
			}
			got := box.taken()
			if len(got) != 2 {
				t.Fatalf("%d mails", len(got))
			}
			mail := got[0]
			if mail.from != "noreply@school.example" || len(mail.to) != 1 || mail.to[0] != hello.To || mail.encrypted != tt.wantEncrypted {
				t.Errorf("envelope %+v", mail)
			}
			if (mail.user == "mailer") != (tt.user != "") {
				t.Errorf("signed in as %q", mail.user)
			}
			checkMessage(t, mail.data)
			if bytes.Equal(got[0].data, got[1].data) {
				t.Error("two messages with one Message-ID")
			}
		})
	}
}

func TestSendFails(t *testing.T) {
	config, roots := certificate(t)
	_, strangers := certificate(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	refuse := func(code int) error { return &smtp.SMTPError{Code: code, Message: "no"} }
	tests := []struct {
		name, scheme, user, address string
		box                         *inbox
		config                      *tls.Config
		roots                       *x509.CertPool
		refused                     bool
	}{
		{name: "nobody listens", scheme: "smtp", address: nobody},
		{name: "no such person", scheme: "smtp", box: &inbox{failRcpt: refuse(550)}, refused: true},
		{name: "mailbox busy", scheme: "smtp", box: &inbox{failRcpt: refuse(450)}},
		{name: "taken for spam", scheme: "smtp", box: &inbox{failData: refuse(554)}, refused: true},
		{name: "server full", scheme: "smtp", box: &inbox{failData: refuse(452)}},
		{name: "wrong password", scheme: "smtp", user: "mailer:wrong-" + secret + "@", box: &inbox{}, config: config, roots: roots},
		{name: "sign-in closed", scheme: "smtp", user: "mailer:" + secret + "@", box: &inbox{failAuth: refuse(454)}, config: config, roots: roots},
		{name: "password, no TLS offered", scheme: "smtp", user: "mailer:" + secret + "@", box: &inbox{}},
		{name: "unknown certificate", scheme: "smtp", box: &inbox{}, config: config, roots: strangers},
		{name: "unknown certificate, TLS", scheme: "smtps", box: &inbox{}, config: config, roots: strangers},
		{name: "TLS to a plain port", scheme: "smtps", box: &inbox{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address := tt.address
			if address == "" {
				address = serve(t, tt.box, tt.config, tt.scheme == "smtps" && tt.config != nil)
			}
			err := newMailer(t, tt.scheme+"://"+tt.user+address, tt.roots).Send(t.Context(), hello)
			if err == nil || errors.Is(err, ErrRefused) != tt.refused {
				t.Errorf("%v, want refused %v", err, tt.refused)
			}
			if strings.Contains(fmt.Sprint(err), secret) {
				t.Errorf("the password is in the error: %v", err)
			}
			if tt.box != nil && len(tt.box.taken()) != 0 {
				t.Error("the mail arrived")
			}
		})
	}
}

// A server that accepts the connection and says nothing costs the time limit.
func TestSendGivesUp(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
	}()
	m := newMailer(t, "smtp://"+listener.Addr().String(), nil)
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := m.Send(ctx, hello); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrRefused) {
		t.Errorf("deadline of the caller: %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	accepted := make(chan error, 1)
	go func() {
		for range 2 { // the one above, then this one
			if _, err := listener.Accept(); err != nil {
				accepted <- err
				return
			}
		}
		cancel()
		accepted <- nil
	}()
	if err := m.Send(cancelled, hello); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled on the way: %v", err)
	}
	if err := <-accepted; err != nil {
		t.Error(err)
	}
	m.config.Timeout = 100 * time.Millisecond
	if err := m.Send(t.Context(), hello); err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("own limit: %v", err)
	}
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("took %v", took)
	}
	if err := m.Send(cancelled, hello); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// A server that takes the message and then breaks off has taken it.
func TestSendCountsWhatWasTaken(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- rudeServer(listener) }()
	m := newMailer(t, "smtp://"+listener.Addr().String(), nil)
	if err := m.Send(t.Context(), hello); err != nil {
		t.Errorf("%v", err)
	}
	if err := errors.Join(<-done, listener.Close()); err != nil {
		t.Error(err)
	}
}

func TestSendToFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "deep", "mail")
	var log bytes.Buffer
	m, err := New(Config{From: "noreply@school.example", FromName: "同窗 School", Folder: folder, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Send(t.Context(), Message{To: "eve@c.example\r\nBcc: x", Subject: "x", Text: "x"}); !errors.Is(err, ErrRefused) {
		t.Errorf("injection: %v", err)
	}
	for range 3 {
		if err := m.Send(t.Context(), hello); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 3 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || info.Mode().Perm() != 0o600 || filepath.Ext(entry.Name()) != ".eml" {
			t.Errorf("%s: %v, %v", entry.Name(), info.Mode(), err)
		}
		data, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		checkMessage(t, data)
		if !strings.Contains(log.String(), entry.Name()) || !strings.Contains(log.String(), folder) {
			t.Errorf("the log does not say where: %s", log.String())
		}
	}
	if strings.Contains(log.String(), "12345678") || strings.Contains(log.String(), hello.Subject) || strings.Contains(log.String(), hello.To) {
		t.Errorf("the log says too much: %s", log.String())
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(folder), "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m.config.Folder = filepath.Join(filepath.Dir(folder), "file")
	if err := m.Send(t.Context(), hello); err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("a folder that is a file: %v", err)
	}
}

package mail

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	netmail "net/mail"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
)

// ErrRefused says that this message will never arrive: the address is not one,
// the message has something in its headers that does not belong there, or the
// mail server refused it for good. Any other error may pass by itself.
var ErrRefused = errors.New("mail refused")

const (
	defaultTimeout = 20 * time.Second
	maxSubject     = 200     // characters
	maxBody        = 1 << 20 // bytes of text and HTML each
)

// Message is one mail. Text is always there; HTML is the same for programs
// that show it, and may be empty.
type Message struct {
	To      string // a bare address
	Subject string // one line
	Text    string
	HTML    string
}

// Config says how mail leaves.
type Config struct {
	// URL is smtp://[user:password@]host[:port] (STARTTLS if the server offers
	// it, and always before a password is sent) or smtps://… (TLS from the
	// start). Ports are 25, 587 with a user name, and 465. Empty writes files.
	URL string
	// From is the bare address of the sender, FromName what is shown for it.
	From, FromName string
	// Folder takes the files when URL is empty; it is made when needed.
	Folder string
	// Timeout bounds each step with the server; 0 is 20 seconds.
	Timeout time.Duration
	// RootCAs are trusted instead of the system's, if not nil.
	RootCAs *x509.CertPool
	Log     *slog.Logger
}

// Mailer sends messages. It is safe for concurrent use and keeps no connection
// open between messages.
type Mailer struct {
	config Config
	server server
	domain string // of From
}

// New checks the configuration. It does not connect. No error repeats the URL,
// which may hold a password.
func New(c Config) (*Mailer, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if !bareAddress(c.From) {
		return nil, fmt.Errorf("mail: the sender %q is not an e-mail address", c.From)
	}
	if !oneLine(c.FromName) {
		return nil, errors.New("mail: the sender's name has a line break or control character")
	}
	m := &Mailer{config: c, domain: c.From[strings.LastIndexByte(c.From, '@')+1:]}
	if c.URL == "" {
		if c.Folder == "" {
			return nil, errors.New("mail: neither a server nor a folder for mail")
		}
		return m, nil
	}
	var err error
	m.server, err = parseURL(c.URL)
	return m, err
}

// server is where an SMTP URL leads.
type server struct {
	host           string
	port           int
	tls            bool // from the start
	user, password string
}

func parseURL(text string) (server, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return server{}, errors.New("mail: the URL must be smtp://USER:PASSWORD@HOST:PORT or smtps://…")
	}
	s := server{host: u.Hostname(), tls: u.Scheme == "smtps", user: u.User.Username()}
	s.password, _ = u.User.Password()
	switch {
	case u.Port() != "":
		n, err := strconv.ParseUint(u.Port(), 10, 16)
		if err != nil || n == 0 {
			return server{}, errors.New("mail: the URL has no valid port")
		}
		s.port = int(n)
	case s.tls:
		s.port = 465
	case s.user != "":
		s.port = 587
	default:
		s.port = 25
	}
	return s, nil
}

// Send hands one message to the server, or writes it to a file. When it
// returns nil the message is the server's (or on disk). It takes as long as
// the server, at most a few times Config.Timeout, and not past the deadline of
// ctx.
func (m *Mailer) Send(ctx context.Context, message Message) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	msg, err := m.compose(message)
	if err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	if m.config.URL == "" {
		err = m.write(msg)
	} else {
		err = m.deliver(ctx, msg)
	}
	if err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	return nil
}

// compose builds the message. What would add a header or a second reader is
// refused, not repaired.
func (m *Mailer) compose(message Message) (*gomail.Msg, error) {
	switch {
	case !bareAddress(message.To):
		return nil, fmt.Errorf("%w: the recipient is not one address", ErrRefused)
	case message.Subject == "" || !oneLine(message.Subject) || utf8.RuneCountInString(message.Subject) > maxSubject:
		return nil, fmt.Errorf("%w: the subject is empty, too long or not one line", ErrRefused)
	case message.Text == "" || len(message.Text) > maxBody || len(message.HTML) > maxBody:
		return nil, fmt.Errorf("%w: the text is empty or too long", ErrRefused)
	case !utf8.ValidString(message.Text) || !utf8.ValidString(message.HTML) || strings.ContainsRune(message.Text+message.HTML, 0):
		return nil, fmt.Errorf("%w: the text is not UTF-8", ErrRefused)
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := msg.FromFormat(m.config.FromName, m.config.From); err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	if err := msg.To(message.To); err != nil {
		return nil, fmt.Errorf("%w: the recipient is not one address", ErrRefused)
	}
	msg.Subject(message.Subject)
	msg.SetDateWithValue(time.Now())
	msg.SetMessageIDWithValue(rand.Text() + "@" + m.domain)
	// No out-of-office replies to us (RFC 3834).
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetBodyString(gomail.TypeTextPlain, message.Text)
	if message.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, message.HTML)
	}
	return msg, nil
}

// deliver talks to the server. The connection ends with it and with ctx.
func (m *Mailer) deliver(ctx context.Context, msg *gomail.Msg) error {
	var line connection
	defer line.hangUp()
	client, err := m.client(ctx, &line)
	if err != nil {
		return err
	}
	err = client.DialAndSendWithContext(ctx, msg)
	if err == nil {
		return nil
	}
	if msg.IsDelivered() {
		// Accepted; what failed came after it, and sending again would send twice.
		m.config.Log.Warn("mail server did not say goodbye", "host", m.server.host, "error", err)
		return nil
	}
	var sendErr *gomail.SendError
	if errors.As(err, &sendErr) && sendErr.ErrorCode() >= 500 {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return errors.Join(ctx.Err(), err)
}

// connection remembers what was dialled: the client leaves it open when the
// conversation fails half-way.
type connection struct {
	conn net.Conn
	stop func() bool
}

func (c *connection) hangUp() {
	if c.conn != nil {
		c.stop()
		_ = c.conn.Close() // mostly closed already
	}
}

// dial connects, and cuts the connection when ctx ends: the client itself
// heeds ctx only until it is connected.
func (m *Mailer) dial(ctx context.Context, line *connection) gomail.DialContextFunc {
	return func(dialCtx context.Context, network, address string) (net.Conn, error) {
		var conn net.Conn
		var err error
		if m.server.tls {
			conn, err = (&tls.Dialer{Config: m.tlsConfig()}).DialContext(dialCtx, network, address)
		} else {
			conn, err = (&net.Dialer{}).DialContext(dialCtx, network, address)
		}
		if err != nil {
			return nil, err
		}
		line.conn = conn
		line.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
		return conn, nil
	}
}

func (m *Mailer) client(ctx context.Context, line *connection) (*gomail.Client, error) {
	// Where the connection is encrypted from its start, no STARTTLS is offered
	// and the opportunistic policy finds nothing to do.
	policy := gomail.TLSOpportunistic
	if m.server.user != "" && !m.server.tls {
		policy = gomail.TLSMandatory
	}
	options := []gomail.Option{
		gomail.WithPort(m.server.port), gomail.WithTimeout(m.config.Timeout), gomail.WithHELO(m.domain), gomail.WithTLSPolicy(policy),
		gomail.WithTLSConfig(m.tlsConfig()), gomail.WithoutNoop(), gomail.WithDialContextFunc(m.dial(ctx, line)),
	}
	if m.server.user != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(m.server.user), gomail.WithPassword(m.server.password))
	}
	client, err := gomail.NewClient(m.server.host, options...)
	if err != nil {
		return nil, fmt.Errorf("mail client: %w", err)
	}
	return client, nil
}

// tlsConfig trusts what the system trusts, and no server under another name.
func (m *Mailer) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: m.server.host, RootCAs: m.config.RootCAs, MinVersion: tls.VersionTLS12}
}

// bareAddress accepts exactly one address and nothing around it.
func bareAddress(s string) bool {
	if len(s) > 254 || !oneLine(s) || strings.ContainsAny(s, " \t<>,;\"()[]\\") {
		return false
	}
	parsed, err := netmail.ParseAddress(s)
	return err == nil && parsed.Address == s && parsed.Name == ""
}

// oneLine refuses what could begin another header, and what hides text.
func oneLine(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	})
}

// write puts the message into a file of its own, complete or not at all.
func (m *Mailer) write(msg *gomail.Msg) error {
	if err := os.MkdirAll(m.config.Folder, 0o700); err != nil {
		return fmt.Errorf("mail folder: %w", err)
	}
	root, err := os.OpenRoot(m.config.Folder)
	if err != nil {
		return fmt.Errorf("mail folder: %w", err)
	}
	name := time.Now().UTC().Format("20060102T150405.000000") + "-" + rand.Text()[:8] + ".eml"
	err = writeFile(root, name, msg)
	if err = errors.Join(err, root.Close()); err != nil {
		return fmt.Errorf("mail folder: %w", err)
	}
	m.config.Log.Info("no mail server is configured: mail written to a file", "folder", m.config.Folder, "file", name)
	return nil
}

func writeFile(root *os.Root, name string, msg *gomail.Msg) (err error) {
	part := name + ".part"
	file, err := root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = msg.WriteTo(file)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, root.Remove(part))
	}
	return root.Rename(part, name)
}

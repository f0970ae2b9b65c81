//go:build full

package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/mail"
	"net/textproto"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests of this kind run the built program with programs that others wrote:
// client programs, a server, a browser. What is missing on the machine is a
// failure that says what to install.

// fullDir holds what all tests of this kind share: the program and what npm
// installs.
var fullDir string

func TestMain(m *testing.M) {
	os.Exit(runFull(m))
}

func runFull(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cohort-full-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	fullDir = dir
	return m.Run()
}

// builtProgram is the path of the program, built once.
var builtProgram = sync.OnceValues(func() (string, error) {
	path := filepath.Join(fullDir, "cohort")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// password is what every account of these tests has.
const password = "three clever otters swim"

// endTime is how long a process may take to end.
const endTime = 10 * time.Second

// running is one instance in a process of its own.
type running struct {
	t       *testing.T
	Name    string
	URL     string // http://HOST
	Host    string // with its port
	dir     string
	config  string
	process *exec.Cmd
	ended   chan error
	log     *lines
	client  *http.Client
}

// lines keeps what a process prints. It may be written to and read at once.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// tail is the end of a long text.
func tail(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return "…" + text[len(text)-most:]
}

// startInstance runs an instance named by host, localhost or a name under
// .localhost, until the test ends. extra is added to its configuration.
func startInstance(t *testing.T, host, name, kind, extra string) *running {
	t.Helper()
	program, err := builtProgram()
	if err != nil {
		t.Fatal(err)
	}
	port := somePort(t)
	r := &running{t: t, Name: name, Host: fmt.Sprintf("%s:%d", host, port), dir: t.TempDir(), ended: make(chan error, 1), log: &lines{}, client: localClient()}
	r.URL = "http://" + r.Host
	r.config = filepath.Join(r.dir, "config.toml")
	text := fmt.Sprintf(`[instance]
url = %q
name = %q
kind = %q
[server]
listen = "127.0.0.1:%d"
[federation]
allowed_networks = ["127.0.0.0/8", "::1"]
[limits]
enabled = false
[registration]
mode = "open"
%s`, r.URL, name, kind, port, extra)
	if err := os.WriteFile(r.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r.process = exec.Command(program, "serve", "--config", r.config)
	r.process.Stdout, r.process.Stderr = r.log, r.log
	if err := r.process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { r.ended <- r.process.Wait() }()
	t.Cleanup(r.stop)
	r.waitReady()
	return r
}

func (r *running) waitReady() {
	r.t.Helper()
	waitFor(r.t, r.Name+" to be ready", func() error {
		select {
		case err := <-r.ended:
			r.ended <- err
			r.t.Fatalf("%s ended: %v\n%s", r.Name, err, r.log)
		default:
		}
		response, err := r.client.Get(r.URL + "/readyz")
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return errors.New(response.Status)
		}
		return nil
	})
}

// stop ends the instance as an operator would, and expects it to be gone in
// order and in time. The log of a failed test is shown.
func (r *running) stop() {
	if err := r.process.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Errorf("%s could not be stopped: %v", r.Name, err)
	}
	select {
	case err := <-r.ended:
		if err != nil {
			r.t.Errorf("%s ended badly: %v", r.Name, err)
		}
	case <-time.After(endTime):
		r.t.Errorf("%s did not stop within %s", r.Name, endTime)
		_ = r.process.Process.Kill()
		r.t.Logf("%s after it was killed: %v", r.Name, <-r.ended)
	}
	if r.t.Failed() {
		r.t.Logf("log of %s:\n%s", r.Name, tail(r.log.String(), 12_000))
	}
}

// cli runs one command of the operator while the instance serves, and returns
// what it prints.
func (r *running) cli(input string, args ...string) string {
	r.t.Helper()
	program, err := builtProgram()
	if err != nil {
		r.t.Fatal(err)
	}
	command := exec.Command(program, append(args, "--config", r.config)...)
	var out, problems bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(input), &out, &problems
	if err := command.Run(); err != nil {
		r.t.Fatalf("cohort %s: %v\n%s%s", strings.Join(args, " "), err, &out, &problems)
	}
	return strings.TrimSpace(out.String())
}

// member makes an account and returns a token for it.
func (r *running) member(handle string) (token string) {
	r.t.Helper()
	r.cli(password+"\n", "account", "create", "--handle", handle, "--email", handle+"@mail.example", "--role", "member", "--password-stdin")
	return r.cli("", "token", "create", "--handle", handle, "--scopes", "read write follow push")
}

// mails is what was mailed to an address so far, decoded, oldest first.
func (r *running) mails(address string) []string {
	r.t.Helper()
	names, err := filepath.Glob(filepath.Join(r.dir, "data", "mail", "*.eml"))
	if err != nil {
		r.t.Fatal(err)
	}
	var texts []string
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			r.t.Fatal(err)
		}
		message, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			r.t.Fatalf("%s is no mail: %v", name, err)
		}
		if !strings.Contains(message.Header.Get("To"), address) {
			continue
		}
		text, err := decoded(textproto.MIMEHeader(message.Header), message.Body)
		if err != nil {
			r.t.Fatalf("%s cannot be read: %v", name, err)
		}
		texts = append(texts, text)
	}
	return texts
}

// decoded is the text of a mail or of a part of one, with its parts in order.
func decoded(header textproto.MIMEHeader, body io.Reader) (string, error) {
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(kind, "multipart/") {
		all := ""
		for parts := multipart.NewReader(body, params["boundary"]); ; {
			part, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				return all, nil
			}
			if err != nil {
				return "", err
			}
			text, err := decoded(part.Header, part)
			if err != nil {
				return "", err
			}
			all += text
		}
	}
	switch strings.ToLower(header.Get("Content-Transfer-Encoding")) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	return string(text), err
}

// localClient is an HTTP client for which every name under .localhost is this
// machine. It has its own cookies and follows no redirect to other hosts.
func localClient() *http.Client {
	jar, _ := cookiejar.New(nil) // without options nothing can fail
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	return &http.Client{
		Jar: jar, Timeout: 20 * time.Second,
		Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			if host != "localhost" && !strings.HasSuffix(host, ".localhost") && host != "127.0.0.1" {
				return nil, fmt.Errorf("%s is not on this machine", host)
			}
			return dialer.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
		}},
	}
}

// entity is a JSON object of the client API.
type entity map[string]any

// text is the value of a key that holds text, or "".
func (e entity) text(keys ...string) string {
	var value any = map[string]any(e)
	for _, key := range keys {
		object, ok := value.(map[string]any)
		if !ok {
			return ""
		}
		value = object[key]
	}
	text, _ := value.(string)
	return text
}

// call asks the client API and decodes the answer into out. It fails the test
// unless the answer has the status that is expected.
func (r *running) call(token, method, path string, form url.Values, want int, out any) {
	r.t.Helper()
	if err := r.ask(token, method, path, form, want, out); err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) ask(token, method, path string, form url.Values, want int, out any) error {
	var body io.Reader
	if method != http.MethodGet {
		body = strings.NewReader(form.Encode())
	} else if len(form) > 0 {
		path += "?" + form.Encode()
	}
	request, err := http.NewRequest(method, r.URL+path, body)
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := r.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	if err != nil {
		return err
	}
	if response.StatusCode != want {
		return fmt.Errorf("%s %s answers %s, not %d: %s", method, path, response.Status, want, tail(string(text), 500))
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s %s answers %s: %w", method, path, tail(string(text), 500), err)
	}
	return nil
}

// me is the own account of a token.
func (r *running) me(token string) entity {
	r.t.Helper()
	var me entity
	r.call(token, http.MethodGet, "/api/v1/accounts/verify_credentials", nil, http.StatusOK, &me)
	return me
}

// resolve finds an account or a post of another server, and returns the list
// that search answers with.
func (r *running) resolve(token, query, kind string) entity {
	r.t.Helper()
	var found map[string][]entity
	r.call(token, http.MethodGet, "/api/v2/search", url.Values{"q": {query}, "resolve": {"true"}, "type": {kind}}, http.StatusOK, &found)
	if len(found[kind]) != 1 {
		r.t.Fatalf("a search for %s finds %d %s, not one", query, len(found[kind]), kind)
	}
	return found[kind][0]
}

// picture writes a colourful picture and returns its path.
func picture(t *testing.T, width, height int) string {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.SetNRGBA(x, y, color.NRGBA{R: uint8(255 * x / width), G: uint8(255 * y / height), B: uint8((x ^ y) & 0xff), A: 255})
		}
	}
	var buffer bytes.Buffer
	if err := png.Encode(&buffer, img); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "otters.png")
	if err := os.WriteFile(path, buffer.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tool finds a program of others. hint says how to install it.
func tool(t *testing.T, name, hint string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: %s", name, hint)
	}
	return path
}

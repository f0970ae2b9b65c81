package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cohort/federation/fedtest"
	"cohort/store/storetest"
)

// served is an instance that serves in this process, with all that the program
// puts over it. Commands run beside it as in a process of their own.
type served struct {
	*engine
	t       *testing.T
	url     string
	dir     string
	environ []string
	end     func()
}

// somePort is one that nobody listened on a moment ago.
func somePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// environFor configures an instance by the environment, all of it in dir.
func environFor(dir string, port int, more ...string) []string {
	return append([]string{
		fmt.Sprintf("COHORT_INSTANCE_URL=http://localhost:%d", port),
		fmt.Sprintf("COHORT_SERVER_LISTEN=127.0.0.1:%d", port),
		"COHORT_DATABASE_URL=sqlite:" + filepath.Join(dir, "cohort.db"),
		"COHORT_MEDIA_URL=file:" + filepath.Join(dir, "media"),
		"COHORT_SECRETS_FILE=" + filepath.Join(dir, "secrets"),
		"COHORT_FEDERATION_ALLOWED_NETWORKS=127.0.0.0/8",
		"COHORT_LIMITS_ENABLED=false",
	}, more...)
}

// serveHere serves an instance until the test ends. more is laid over its
// configuration.
func serveHere(t *testing.T, more ...string) *served {
	t.Helper()
	dir := t.TempDir()
	return serveWith(t, dir, environFor(dir, somePort(t), more...))
}

func serveWith(t *testing.T, dir string, environ []string) *served {
	t.Helper()
	config, err := LoadConfig("", environ)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	e, err := newEngine(ctx, config, "", quiet())
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	a, err := e.prepare(ctx)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- e.runApplication(ctx, a) }()
	s := &served{engine: e, t: t, url: "http://" + e.entrance.main.Addr().String(), dir: dir, environ: environ}
	s.end = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serving ended with %v", err)
		}
	})
	t.Cleanup(s.end)
	s.wait("it to answer", func() error {
		code, text := s.ask(http.MethodGet, "/readyz", "", nil)
		if code != http.StatusOK {
			return fmt.Errorf("%d %s", code, text)
		}
		return nil
	})
	return s
}

// eachKind runs a test on an instance over each kind of database there is.
func eachKind(t *testing.T, f func(t *testing.T, s *served)) {
	t.Run("sqlite", func(t *testing.T) { f(t, serveHere(t)) })
	t.Run("postgres", func(t *testing.T) {
		if c, ok := storetest.PostgresConfig(t); ok {
			f(t, serveHere(t, "COHORT_DATABASE_URL="+c.URL))
		}
	})
}

// command runs one command line beside the server and returns what it prints.
func (s *served) command(input string, args ...string) string {
	s.t.Helper()
	var out, errOut bytes.Buffer
	p := &program{ctx: s.t.Context(), in: strings.NewReader(input), out: &out, errOut: &errOut, environ: s.environ}
	if code := p.run(args); code != exitOK {
		s.t.Fatalf("cohort %q ends with %d: %s%s", args, code, &out, &errOut)
	}
	return strings.TrimSpace(out.String())
}

// servedPassword is what every account of these tests has.
const servedPassword = "seven quiet herons wade"

// join makes an account and gives a token of it.
func (s *served) join(handle string) (token string) {
	s.t.Helper()
	s.command(servedPassword+"\n", "account", "create", "--handle", handle, "--email", handle+"@mail.example", "--password-stdin")
	return s.command("", "token", "create", "--handle", handle)
}

// ask makes a request, of a token if it is not empty, and gives status and body.
func (s *served) ask(method, path, token string, form url.Values) (int, string) {
	s.t.Helper()
	code, text, err := askAt(s.t.Context(), method, s.url+path, token, form)
	if err != nil {
		return 0, err.Error()
	}
	return code, text
}

func askAt(ctx context.Context, method, address, token string, form url.Values) (int, string, error) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return 0, "", err
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := fedtest.Client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	return response.StatusCode, string(text), err
}

// post publishes a text and gives the id. To name a circle is to write there.
func (s *served) post(token, text string) string {
	s.t.Helper()
	form := url.Values{"status": {text}}
	if strings.HasPrefix(text, "@class ") {
		form.Set("visibility", "private")
	}
	code, body := s.ask(http.MethodPost, "/api/v1/statuses", token, form)
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(body), &made); err != nil || code != http.StatusOK {
		s.t.Fatalf("publishing is answered %d %s", code, body)
	}
	return made.ID
}

// listen opens a stream of server-sent events. The channel gives its lines and
// is closed when the server ends it.
func (s *served) listen(path, token string) <-chan string {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	s.t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	client := &http.Client{Transport: fedtest.Client.Transport} // a stream takes as long as it takes
	response, err := client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		s.t.Fatalf("%s is answered %s", path, response.Status)
	}
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		defer response.Body.Close()
		for scanner := bufio.NewScanner(response.Body); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	return lines
}

// wait tries until it succeeds.
func (s *served) wait(what string, try func() error) {
	s.t.Helper()
	waitFor(s.t, what, try)
}

// waitFor tries until it succeeds, or fails the test with what went wrong last.
func waitFor(t *testing.T, what string, try func() error) {
	t.Helper()
	if err := tryUntil(try); err != nil {
		t.Fatalf("waited in vain for %s: %v", what, err)
	}
}

// soonTime is how long something may take that should happen soon.
const soonTime = 20 * time.Second

// tryUntil tries until it succeeds, or answers the last error when soonTime is over.
func tryUntil(try func() error) error {
	deadline, tick := time.Now().Add(soonTime), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		<-tick.C
	}
}

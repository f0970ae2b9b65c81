package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"cohort/store"
)

// quiet is a log nobody reads.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// validConfig loads text and fails the test if it is not valid.
func validConfig(t *testing.T, text string, environ ...string) Config {
	t.Helper()
	config, err := LoadConfig(writeConfig(t, text), environ)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// fetch gets a URL and returns status and body.
func fetch(t *testing.T, client *http.Client, url string) (int, string) {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestListenerRefusals(t *testing.T) {
	taken, err := openListener(t.Context(), "server.listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for address, want := range map[string]error{
		taken.Addr().String(): syscall.EADDRINUSE,
		"192.0.2.1:8080":      syscall.EADDRNOTAVAIL,
	} {
		_, err := openListener(t.Context(), "server.listen", address)
		if !errors.Is(err, want) || !strings.HasPrefix(err.Error(), "server.listen: ") || !strings.Contains(err.Error(), address) {
			t.Errorf("%s: error is %v, want %v", address, err, want)
		}
	}
	if _, err := openListener(t.Context(), "metrics.listen", "no such host.invalid:1"); err == nil {
		t.Error("a host that cannot be was listened on")
	}
}

func TestPprofStaysOnThisMachine(t *testing.T) {
	for _, address := range []string{":6060", "0.0.0.0:6060", "[::]:6060", "10.0.0.1:6060", "school.example:6060", "127.0.0.1", "localhost.school.example:1"} {
		if err := checkLoopback(address); err == nil {
			t.Errorf("%s was accepted", address)
		}
	}
	for _, address := range []string{"127.0.0.1:6060", "[::1]:0", "localhost:6060"} {
		if err := checkLoopback(address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A request in progress is finished, a new one refused, a stream ended.
func TestDoorsDrain(t *testing.T) {
	listener, err := openListener(t.Context(), "server.listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	entered, finish, streamEnd := make(chan bool, 2), make(chan bool), make(chan bool)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entered <- true
		if r.URL.Path == "/stream" {
			<-streamEnd
		} else {
			<-finish
		}
		answer(w, http.StatusOK, "complete")
	})
	d := newDoors(quiet())
	closing := make(chan bool)
	d.open("main", listener, handler, func() { close(streamEnd); close(closing) })

	answers := make(chan string, 2)
	for _, path := range []string{"/slow", "/stream"} {
		go func() {
			response, err := http.Get("http://" + listener.Addr().String() + path)
			if err != nil {
				answers <- err.Error()
				return
			}
			defer response.Body.Close()
			text, _ := io.ReadAll(response.Body)
			answers <- string(text)
		}()
	}
	<-entered
	<-entered
	closed := make(chan error)
	go func() { closed <- d.close(t.Context()) }()
	<-closing
	if _, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		t.Error("a connection was taken after closing began")
	}
	close(finish)
	for range 2 {
		if text := <-answers; text != "complete\n" {
			t.Errorf("a request in progress was answered %q", text)
		}
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// What does not finish in time is cut off and reported.
func TestDoorsCutOff(t *testing.T) {
	listener, err := openListener(t.Context(), "server.listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	entered := make(chan bool)
	d := newDoors(quiet())
	d.open("main", listener, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		entered <- true
		<-r.Context().Done()
	}), nil)
	answered := make(chan error)
	go func() {
		response, err := http.Get("http://" + listener.Addr().String())
		if err == nil {
			response.Body.Close()
		}
		answered <- err
	}()
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("closing returned %v", err)
	}
	if err := <-answered; err == nil {
		t.Error("the request was answered")
	}
}

func TestDoorsReportAFailedListener(t *testing.T) {
	listener, err := openListener(t.Context(), "server.listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := newDoors(quiet())
	d.open("main", listener, http.NotFoundHandler(), nil)
	listener.Close()
	if err := d.wait(t.Context()); !errors.Is(err, net.ErrClosed) || !strings.Contains(err.Error(), "the main listener") {
		t.Errorf("waiting returned %v", err)
	}
}

// Own certificates: HTTPS with HTTP/2, and nothing older than TLS 1.2.
func TestEntranceWithOwnCertificate(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := writeCertificate(t, dir, "school.example", time.Now().Add(time.Hour))
	config := validConfig(t, "[instance]\nurl = \"https://school.example\"\n[server]\nlisten = \"127.0.0.1:0\"\n",
		"COHORT_SERVER_TLS_CERT="+certFile, "COHORT_SERVER_TLS_KEY="+keyFile)
	e, err := openEntrance(t.Context(), config, quiet())
	if err != nil {
		t.Fatal(err)
	}
	d := newDoors(quiet())
	d.open("main", e.main, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusOK, r.Proto)
	}), nil)
	defer func() { _ = d.close(t.Context()) }()

	roots := x509.NewCertPool()
	chain, err := os.ReadFile(certFile)
	if err != nil || !roots.AppendCertsFromPEM(chain) {
		t.Fatal(err)
	}
	client := func(maxVersion uint16) *http.Client {
		return &http.Client{Transport: &http.Transport{
			ForceAttemptHTTP2: true,
			TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: "school.example", MinVersion: tls.VersionTLS10, MaxVersion: maxVersion},
		}}
	}
	address := "https://" + e.main.Addr().String()
	if code, text := fetch(t, client(0), address); code != http.StatusOK || text != "HTTP/2.0\n" {
		t.Errorf("answered %d %q", code, text)
	}
	if response, err := client(tls.VersionTLS11).Get(address); err == nil {
		response.Body.Close()
		t.Error("TLS 1.1 was accepted")
	}
}

func TestEntranceRefusals(t *testing.T) {
	config := validConfig(t, "[instance]\nurl = \"https://school.example\"\n[server]\nlisten = \"127.0.0.1:0\"\ntls_cert = \"c\"\ntls_key = \"k\"\n")
	if _, err := openEntrance(t.Context(), config, quiet()); err == nil || !strings.Contains(err.Error(), "server.tls_cert") {
		t.Errorf("without the certificate's file the error is %v", err)
	}
}

// ACME: nobody is contacted before start, and without a certificate a
// handshake fails instead of serving something else.
func TestEntranceWithACME(t *testing.T) {
	config := validConfig(t, "[instance]\nurl = \"https://school.example\"\n[server]\nlisten = \"127.0.0.1:0\"\nacme_email = \"a@school.example\"\n")
	e, err := openEntrance(t.Context(), config, quiet())
	if err != nil {
		t.Fatal(err)
	}
	d := newDoors(quiet())
	d.open("main", e.main, http.NotFoundHandler(), nil)
	defer func() { _ = d.close(t.Context()) }()
	connection, err := tls.Dial("tcp", e.main.Addr().String(), &tls.Config{ServerName: "other.example", InsecureSkipVerify: true})
	if err == nil {
		connection.Close()
		t.Error("a handshake for another name succeeded")
	}
	recorder := httptest.NewRecorder()
	e.onRedirect.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "http://school.example/.well-known/acme-challenge/x", nil))
	if recorder.Code != http.StatusPermanentRedirect {
		t.Errorf("a challenge that is not ours was answered %d", recorder.Code)
	}
}

func TestRedirect(t *testing.T) {
	for target, want := range map[string]string{
		"http://evil.example/a%2Fb?x=1&y":    "https://school.example/a%2Fb?x=1&y",
		"http://evil.example":                "https://school.example/",
		"http://evil.example//other.example": "https://school.example//other.example",
	} {
		recorder := httptest.NewRecorder()
		redirectTo("https://school.example").ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, target, nil))
		if got := recorder.Header().Get("Location"); recorder.Code != http.StatusPermanentRedirect || got != want {
			t.Errorf("%s: %d to %q, want %q", target, recorder.Code, got, want)
		}
	}
}

func TestProbes(t *testing.T) {
	var broken error
	p := &probes{ping: func(context.Context) error { return broken }, log: quiet()}
	app := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusTeapot, "app") })
	figures := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "figures") })
	get := func(handler http.Handler, path string) (int, string) {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
		return recorder.Code, recorder.Body.String()
	}
	check := func(handler http.Handler, path string, wantCode int, wantText string) {
		t.Helper()
		if code, text := get(handler, path); code != wantCode || text != wantText {
			t.Errorf("%s answers %d %q, want %d %q", path, code, text, wantCode, wantText)
		}
	}
	check(p.handler(app, nil), "/metrics", http.StatusTeapot, "app\n")
	check(p.handler(app, figures), "/metrics", http.StatusOK, "figures\n")
	check(p.handler(app, figures), "/healthz/x", http.StatusTeapot, "app\n")
	check(p.handler(app, nil), "/readyz", http.StatusOK, "ready\n")
	broken = errors.New("password of the database")
	check(p.handler(app, nil), "/readyz", http.StatusServiceUnavailable, "the database does not answer\n")
	check(p.handler(app, nil), "/healthz", http.StatusOK, "ok\n")
	for err, word := range map[error]string{
		fmt.Errorf("write x: %w", store.ErrFull): "the disk is full\n", fmt.Errorf("%w: /secret", store.ErrReadOnly): "the database cannot be written to\n",
		fmt.Errorf("page 7: %w", store.ErrCorrupt): "the database is damaged\n",
	} {
		broken = err
		check(p.handler(app, nil), "/readyz", http.StatusServiceUnavailable, word)
	}
	broken = nil
	p.stopping.Store(true)
	check(p.handler(app, nil), "/readyz", http.StatusServiceUnavailable, "stopping\n")
}

func TestRequestsAreObserved(t *testing.T) {
	var lines bytes.Buffer
	log, err := newLogger(LogConfig{Level: "debug", Format: "text"}, &lines)
	if err != nil {
		t.Fatal(err)
	}
	figures := newMetrics()
	handler := observe(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.InfoContext(r.Context(), "inside")
		if r.URL.Path != "/inbox" {
			return
		}
		http.Error(w, "no", http.StatusUnauthorized)
	}), log, figures.request)
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/inbox?token=hunter2", nil))
	id := recorder.Header().Get(requestHeader)
	if len(id) != 16 || strings.Count(lines.String(), "request="+id) != 2 || strings.Contains(lines.String(), "hunter2") {
		t.Errorf("request id %q, log:\n%s", id, &lines)
	}
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("BREW", "/invented", nil))

	figures.job("deliver", "done")
	figures.watch(func(context.Context) (queueFigures, error) {
		return queueFigures{Waiting: 3, Due: 2, Failing: 5, Dead: 1, Oldest: 1500 * time.Millisecond}, nil
	}, func(context.Context) (int64, error) { return 4096, nil }, quiet())
	recorder = httptest.NewRecorder()
	figures.handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		`cohort_http_requests_total{area="inbox",code="401",method="POST"} 1`,
		`cohort_http_requests_total{area="pages",code="200",method="other"} 1`,
		`cohort_http_request_duration_seconds_count{area="inbox"} 1`,
		`cohort_inbox_activities_total{outcome="refused"} 1`,
		`cohort_jobs_total{kind="deliver",outcome="done"} 1`,
		"cohort_queue_waiting 3", "cohort_queue_lanes_due 2", "cohort_queue_lanes_failing 5", "cohort_queue_dead 1", "cohort_queue_oldest_seconds 1.5",
		"cohort_database_bytes 4096", "cohort_database_up 1", "go_goroutines ",
	} {
		if !strings.Contains(recorder.Body.String(), want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

func TestFiguresWithoutDatabase(t *testing.T) {
	figures := newMetrics()
	figures.watch(func(context.Context) (queueFigures, error) { return queueFigures{}, errors.New("down") },
		func(context.Context) (int64, error) { return 0, nil }, quiet())
	recorder := httptest.NewRecorder()
	figures.handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if text := recorder.Body.String(); recorder.Code != http.StatusOK || !strings.Contains(text, "cohort_database_up 0") ||
		strings.Contains(text, "cohort_queue_waiting") {
		t.Errorf("answered %d %s", recorder.Code, text)
	}
}

// Streams and WebSockets pass through the observer.
func TestObserverKeepsTheConnection(t *testing.T) {
	seen := make(chan int, 2)
	server := httptest.NewServer(observe(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if r.URL.Path == "/stream" {
			if err := control.SetWriteDeadline(time.Time{}); err != nil {
				t.Error(err)
			}
			if err := control.Flush(); err != nil {
				t.Error(err)
			}
			return
		}
		connection, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(connection, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
		connection.Close()
	}), quiet(), func(_, _ string, code int, _ time.Duration) { seen <- code }))
	defer server.Close()
	if code, _ := fetch(t, server.Client(), server.URL+"/stream"); code != http.StatusOK || <-seen != http.StatusOK {
		t.Errorf("a stream is answered %d", code)
	}
	if code, _ := fetch(t, server.Client(), server.URL+"/socket"); code != http.StatusNoContent || <-seen != http.StatusSwitchingProtocols {
		t.Errorf("a taken connection is answered %d", code)
	}
}

func TestCertificateLogReachesOurs(t *testing.T) {
	var lines bytes.Buffer
	log, err := newLogger(LogConfig{Level: "info", Format: "json"}, &lines)
	if err != nil {
		t.Fatal(err)
	}
	logger := zap.New(&slogCore{log: log}).With(zap.String("name", "school.example"))
	logger.Debug("left out")
	logger.Warn("renewal failed", zap.Int("attempt", 2))
	got := lines.String()
	if strings.Count(got, "\n") != 1 || !strings.Contains(got, `"level":"WARN","msg":"renewal failed"`) ||
		!strings.Contains(got, `"name":"school.example"`) || !strings.Contains(got, `"attempt":2`) {
		t.Errorf("logged %s", got)
	}
}

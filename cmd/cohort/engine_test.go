package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"cohort/store"
)

// localConfig is the default configuration in a folder of its own, listening
// on a free port.
func localConfig(t *testing.T, environ ...string) Config {
	t.Helper()
	return validConfig(t, "[server]\nlisten = \"127.0.0.1:0\"\n", environ...)
}

// startEngine runs app and handlers; stop ends it as a signal would, and
// returns what run returned.
func startEngine(t *testing.T, config Config, app http.Handler, handlers map[string]store.Handler) (e *engine, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	e, err := newEngine(ctx, config, "", quiet())
	if err != nil {
		t.Fatal(err)
	}
	if err := e.open(ctx); err != nil {
		e.release()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- e.run(ctx, app, handlers, func(string) bool { return false }) }()
	return e, func() error {
		cancel()
		return <-ended
	}
}

func enqueue(t *testing.T, e *engine, kind string) {
	t.Helper()
	err := e.instance.db.Tx(t.Context(), func(tx *store.Tx) error {
		return tx.Enqueue(t.Context(), kind, 1, "", kind+"#0", tx.Now)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// One instance from its first start to its end: it answers, works, counts, and
// drains a request and a job that are in progress.
func TestEngine(t *testing.T) {
	entered, finish, worked := make(chan bool), make(chan bool), make(chan bool)
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			entered <- true
			<-finish
		}
		answer(w, http.StatusOK, "app")
	})
	e, stop := startEngine(t, localConfig(t), app, map[string]store.Handler{
		"test": func(ctx context.Context, _ store.Job) error {
			worked <- true
			<-finish
			return ctx.Err()
		},
	})
	base := "http://" + e.entrance.main.Addr().String()
	for path, want := range map[string]string{"/": "app\n", "/healthz": "ok\n", "/readyz": "ready\n"} {
		if code, text := fetch(t, http.DefaultClient, base+path); code != http.StatusOK || text != want {
			t.Errorf("%s answers %d %q", path, code, text)
		}
	}
	enqueue(t, e, "test")
	<-worked
	if _, text := fetch(t, http.DefaultClient, base+"/metrics"); !strings.Contains(text, "cohort_queue_waiting 1\n") ||
		!strings.Contains(text, `cohort_http_requests_total{area="health"`) {
		t.Errorf("figures:\n%s", text)
	}

	answered := make(chan string, 1)
	go func() {
		response, err := http.Get(base + "/slow")
		if err != nil {
			answered <- err.Error()
			return
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		answered <- fmt.Sprint(string(text), err)
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	for { // until new connections are refused
		connection, err := net.Dial("tcp", e.entrance.main.Addr().String())
		if err != nil {
			break
		}
		connection.Close()
	}
	close(finish)
	if text := <-answered; text != "app\n<nil>" {
		t.Errorf("the request in progress was answered %q", text)
	}
	if err := <-stopped; err != nil {
		t.Errorf("run returned %v", err)
	}

	again, err := openInstance(t.Context(), e.config, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.close() }()
	if stats, err := again.db.QueueStats(t.Context()); err != nil || stats.Waiting != 0 || stats.Dead != 0 {
		t.Errorf("the job in progress is not done: %+v, %v", stats, err)
	}
}

func TestEngineFiguresElsewhere(t *testing.T) {
	config := localConfig(t, "COHORT_METRICS_LISTEN=localhost:0")
	e, stop := startEngine(t, config, http.NotFoundHandler(), nil)
	if code, _ := fetch(t, http.DefaultClient, "http://"+e.entrance.main.Addr().String()+"/metrics"); code != http.StatusNotFound {
		t.Errorf("the main listener answers /metrics with %d", code)
	}
	if code, text := fetch(t, http.DefaultClient, "http://"+e.extra[0].listener.Addr().String()+"/metrics"); code != http.StatusOK || !strings.Contains(text, "cohort_database_up 1") {
		t.Errorf("metrics.listen answers %d %s", code, text)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A busy port is found before anything is written.
func TestEngineBusyPort(t *testing.T) {
	first, err := openListener(t.Context(), "server.listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	address := first.Addr().String()
	for _, c := range []struct{ key, pprof, variable string }{
		{"server.listen", "", "COHORT_SERVER_LISTEN=" + address},
		{"metrics.listen", "", "COHORT_METRICS_LISTEN=" + address},
		{"--pprof", address, "COHORT_LOG_LEVEL=error"},
	} {
		config := localConfig(t, c.variable)
		_, err := newEngine(t.Context(), config, c.pprof, quiet())
		if !errors.Is(err, syscall.EADDRINUSE) || !strings.HasPrefix(err.Error(), c.key+": another program listens on "+address) {
			t.Errorf("%s: error is %v", c.key, err)
		}
		if entries, err := os.ReadDir(filepath.Dir(config.DataDir())); err != nil || len(entries) != 1 {
			t.Errorf("%s: something was written: %v, %v", c.key, entries, err)
		}
	}
}

// The secret and the address belong to the database.
func TestInstanceIdentity(t *testing.T) {
	config := localConfig(t)
	open := func(config Config) error {
		if err := migrateDatabase(t.Context(), config, quiet()); err != nil {
			return err
		}
		i, err := openInstance(t.Context(), config, quiet())
		if err != nil {
			return err
		}
		return i.close()
	}
	for range 2 {
		if err := open(config); err != nil {
			t.Fatal(err)
		}
	}
	moved := config
	moved.Instance.URL = "http://localhost:8081"
	if err := open(moved); !errors.Is(err, errOtherURL) || !strings.Contains(err.Error(), "http://localhost:8080") {
		t.Errorf("with another url the error is %v", err)
	}
	secret, err := os.ReadFile(config.Secrets.File)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(config.Secrets.File); err != nil {
		t.Fatal(err)
	}
	if err := open(config); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), config.Secrets.File) {
		t.Errorf("without the secret the error is %v", err)
	}
	if _, err := loadSecret(config.Secrets.File); err != nil {
		t.Fatal(err)
	}
	if err := open(config); !errors.Is(err, errOtherSecret) {
		t.Errorf("with another secret the error is %v", err)
	}
	if err := os.WriteFile(config.Secrets.File, secret, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(config); err != nil {
		t.Errorf("with the secret back the error is %v", err)
	}
}

func TestInstanceDatabaseRefusals(t *testing.T) {
	noFolder := localConfig(t)
	if err := os.WriteFile(noFolder.DataDir(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := localConfig(t)
	path, _ := foreign.SQLitePath()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	unreachable := localConfig(t, "COHORT_DATABASE_URL=postgres://u:hunter2@127.0.0.1:1/none?connect_timeout=2")
	for name, c := range map[string]struct {
		config Config
		want   error
	}{
		"a file where the folder should be": {noFolder, syscall.ENOTDIR},
		"not a database":                    {foreign, store.ErrForeign},
		"unreachable":                       {unreachable, store.ErrUnreachable},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		err := migrateDatabase(ctx, c.config, quiet())
		cancel()
		if !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), "database.url: ") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error is %v, want %v", name, err, c.want)
		}
	}
}

func TestJobOutcomes(t *testing.T) {
	for want, err := range map[string]error{
		"done": nil, "dropped": store.ErrDrop, "refused": errors.New("no"),
		"later": &store.RetryError{After: time.Minute, Err: errors.New("busy")},
	} {
		if got := jobOutcome(err); got != want {
			t.Errorf("%v is %s, want %s", err, got, want)
		}
	}
}

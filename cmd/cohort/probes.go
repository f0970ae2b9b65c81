package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"sync/atomic"
	"time"

	"cohort/store"
)

// readyTime bounds the question whether the database answers.
const readyTime = 2 * time.Second

// probes answer whoever watches the process: /healthz says that it runs,
// /readyz that it can serve.
type probes struct {
	// ping asks whether the database can be worked with.
	ping func(context.Context) error
	log  *slog.Logger

	stopping atomic.Bool
}

// healthz is 200 as long as the process answers at all.
func (*probes) healthz(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, "ok")
}

// readyz is 200 when requests will be served, and 503 while the database does
// not answer or cannot be written to, when it is damaged, and while the program
// is stopping. It says which in a word; the log says more.
func (p *probes) readyz(w http.ResponseWriter, r *http.Request) {
	if p.stopping.Load() {
		answer(w, http.StatusServiceUnavailable, "stopping")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	if err := p.ping(ctx); err != nil {
		p.log.WarnContext(ctx, "not ready", "error", err)
		answer(w, http.StatusServiceUnavailable, whyNot(err))
		return
	}
	answer(w, http.StatusOK, "ready")
}

// whyNot is what anyone may know of why the database is of no use.
func whyNot(err error) string {
	switch {
	case errors.Is(err, store.ErrFull):
		return "the disk is full"
	case errors.Is(err, store.ErrReadOnly):
		return "the database cannot be written to"
	case errors.Is(err, store.ErrCorrupt):
		return "the database is damaged"
	}
	return "the database does not answer"
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	fmt.Fprintln(w, text)
}

// handler answers the probes and, if figures is not nil, /metrics; everything
// else is for app.
func (p *probes) handler(app, figures http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/healthz":
			p.healthz(w, r)
		case r.URL.Path == "/readyz":
			p.readyz(w, r)
		case r.URL.Path == "/metrics" && figures != nil:
			figures.ServeHTTP(w, r)
		default:
			app.ServeHTTP(w, r)
		}
	})
}

// pprofHandler serves the profiles of the running program.
func pprofHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// checkLoopback refuses an address that other machines could reach: a profile
// shows what is in memory.
func checkLoopback(address string) error {
	if err := checkListen(address); err != nil {
		return err
	}
	host, _ := splitHost(address)
	if parsed, err := netip.ParseAddr(host); (err == nil && parsed.Unmap().IsLoopback()) || host == "localhost" {
		return nil
	}
	return fmt.Errorf("%q is not an address of this machine alone, such as 127.0.0.1:6060", address)
}

package main

import (
	"bufio"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

// requestHeader carries the id of a request to the client, so that a person
// who reports an error can name it.
const requestHeader = "X-Request-Id"

// observe gives every request an id, logs how it ended and counts it. Paths
// are logged without what may be secret in them, see loggedPath.
func observe(next http.Handler, log *slog.Logger, seen func(area, method string, code int, took time.Duration)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := rand.Text()[:16]
		w.Header().Set(requestHeader, id)
		ctx := withRequest(r.Context(), id)
		watched := &watchedWriter{ResponseWriter: w}
		started := time.Now()
		defer func() {
			took := time.Since(started)
			seen(areaOf(r.URL.Path), methodOf(r.Method), watched.status(), took)
			log.DebugContext(ctx, "request", "method", r.Method, "path", loggedPath(r.URL.Path),
				"status", watched.status(), "bytes", watched.bytes, "took", took)
		}()
		next.ServeHTTP(watched, r.WithContext(ctx))
	})
}

// secretPaths are the beginnings of addresses that open what they lead to for
// whoever knows them.
var secretPaths = []string{"/setup/", "/media/"}

// loggedPath is a path as it may be logged: without the query, which is not
// part of it, and without secrets.
func loggedPath(path string) string {
	for _, prefix := range secretPaths {
		if strings.HasPrefix(path, prefix) {
			return prefix + "…"
		}
	}
	return path
}

// areas are the parts of the program as the figures tell them apart; anything
// else is a page.
var areas = []struct{ prefix, area string }{
	{"/api/v1/streaming", "streaming"},
	{"/api/", "api"},
	{"/oauth/", "oauth"},
	{"/inbox", "inbox"},
	{"/media/", "media"},
	{"/static/", "static"},
	{"/users/", "activitypub"},
	{"/circles/", "activitypub"},
	{"/posts/", "activitypub"},
	{"/activities/", "activitypub"},
	{"/actor", "activitypub"},
	{"/.well-known/", "activitypub"},
	{"/nodeinfo/", "activitypub"},
	{"/healthz", "health"},
	{"/readyz", "health"},
	{"/metrics", "health"},
}

// areaOf is one of a small fixed set of words, whatever the path.
func areaOf(path string) string {
	if strings.HasSuffix(path, "/inbox") {
		return "inbox"
	}
	for _, a := range areas {
		if strings.HasPrefix(path, a.prefix) {
			return a.area
		}
	}
	return "pages"
}

// methodOf keeps invented methods out of the figures.
func methodOf(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// watchedWriter remembers what was answered.
type watchedWriter struct {
	http.ResponseWriter
	code  int
	bytes int64
}

// WriteHeader is part of http.ResponseWriter.
func (w *watchedWriter) WriteHeader(code int) {
	if w.code == 0 && code >= http.StatusOK {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *watchedWriter) Write(text []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(text)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *watchedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush is part of http.Flusher.
func (w *watchedWriter) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// Hijack is part of http.Hijacker.
func (w *watchedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.code = http.StatusSwitchingProtocols
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

func (w *watchedWriter) status() int {
	if w.code == 0 {
		return http.StatusOK
	}
	return w.code
}

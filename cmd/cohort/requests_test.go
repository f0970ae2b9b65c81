package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Not even a log of every request holds what opens something to whoever reads it.
func TestRequestLogHoldsNoSecrets(t *testing.T) {
	var lines bytes.Buffer
	log := slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
	handler := observe(http.NotFoundHandler(), log, func(string, string, int, time.Duration) {})
	for _, target := range []string{"/setup/OPENSESAME", "/media/OPENSESAME.png", "/media/avatar/1/OPENSESAME", "/api/v1/streaming?access_token=OPENSESAME"} {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, target, http.NoBody))
	}
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/c/2012-3", http.NoBody))
	if strings.Contains(lines.String(), "OPENSESAME") {
		t.Errorf("the log holds secrets:\n%s", &lines)
	}
	for _, path := range []string{"path=/setup/…", "path=/media/…", "path=/c/2012-3"} {
		if !strings.Contains(lines.String(), path) {
			t.Errorf("%s is not logged:\n%s", path, &lines)
		}
	}
}

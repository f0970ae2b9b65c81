package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whoever grants a seat to somebody elsewhere learns whether the account or
// its server is what was not found.
func TestGrantSeatElsewhere(t *testing.T) {
	empty := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(empty.Close)
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	t.Cleanup(broken.Close)
	name := func(s *httptest.Server) string {
		return strings.Replace(strings.TrimPrefix(s.URL, "http://"), "127.0.0.1", "other.localhost", 1)
	}
	environ := environFor(t.TempDir(), somePort(t))
	for _, args := range [][]string{{"migrate"}, {"domain", "block", "evil.example"}} {
		if _, errText, code := cohort(t, environ, args...); code != exitOK {
			t.Fatal(errText)
		}
	}
	nobody := fmt.Sprintf("other.localhost:%d", somePort(t))
	for _, c := range []struct {
		host, want string
		more       []string
	}{
		{name(empty), "there is no account x@" + name(empty), nil},
		{name(broken), "the server " + name(broken) + " could not be asked about x@", nil},
		{nobody, "the server " + nobody + " could not be asked about x@", nil},
		{"unreachable.invalid", "the server unreachable.invalid could not be asked about x@", nil},
		{"10.0.0.1", "is at an address that is not contacted", nil},
		{"evil.example", "does not speak with evil.example", nil},
		{"b.example", "does not speak with b.example", []string{"COHORT_FEDERATION_MODE=off"}},
	} {
		out, errText, code := cohort(t, append(environ, c.more...), "seat", "grant", "--handle", "x@"+c.host, "--type", "alumnus", "--unit", "U", "--from", "2009", "--to", "2012", "--reason", "R")
		if code != exitFailed || out != "" || !strings.Contains(errText, c.want) || strings.Count(errText, "\n") != 1 {
			t.Errorf("a seat for x@%s ends with %d: %s%s", c.host, code, out, errText)
		}
	}
}

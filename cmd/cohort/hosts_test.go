package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Under which names an instance answers, and what is open under any.
func TestHosts(t *testing.T) {
	const refused, served = http.StatusMisdirectedRequest, http.StatusTeapot
	app := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, served, "app") })
	p := &probes{ping: func(context.Context) error { return nil }, log: quiet()}
	for _, c := range []struct {
		config string
		hosts  []string
		paths  []string
		want   int
	}{
		{
			"url = \"https://social.school.example\"\naccount_domain = \"school.example\"",
			[]string{"social.school.example", "SOCIAL.school.example", "social.school.example:443"},
			[]string{"/", "/api/v1/instance", "/media/x", "/inbox", "/.well-known/webfinger"},
			served,
		},
		{
			"url = \"https://social.school.example\"\naccount_domain = \"school.example\"",
			[]string{"school.example", "school.example:443"},
			[]string{"/.well-known/webfinger", "/.well-known/host-meta"},
			served,
		},
		{
			"url = \"https://social.school.example\"\naccount_domain = \"school.example\"",
			[]string{"school.example"},
			[]string{"/", "/api/v1/instance", "/media/x", "/inbox", "/.well-knownx"},
			refused,
		},
		{
			"url = \"https://social.school.example\"\naccount_domain = \"school.example\"",
			[]string{"", "evil.example", "localhost", "127.0.0.1", "social.school.example:80", "social.school.example:8443", "social.school.example.", "x.social.school.example", "social.school.example.evil.example"},
			[]string{"/", "/api/v1/instance", "/media/x", "/inbox", "/static/x", "/users/1", "/oauth/token", "/.well-known/webfinger"},
			refused,
		},
		{"url = \"https://school.example:8443\"", []string{"school.example:8443"}, []string{"/", "/.well-known/webfinger"}, served},
		{"url = \"https://school.example:8443\"", []string{"school.example", "school.example:443"}, []string{"/", "/.well-known/webfinger"}, refused},
		{"url = \"http://localhost:8080\"", []string{"localhost:8080", "127.0.0.1:8080", "[::1]:8080", "127.0.0.1:9000", "localhost"}, []string{"/", "/api/v1/instance"}, served},
		{"url = \"http://localhost:8080\"", []string{"", "evil.example", "evil.example:8080", "10.0.0.1:8080", "aurora.localhost:8080", "localhost.evil.example"}, []string{"/", "/api/v1/instance"}, refused},
		{"url = \"http://yizhong.localhost:8080\"", []string{"yizhong.localhost:8080", "localhost:8080", "127.0.0.1:8080"}, []string{"/", "/inbox"}, served},
		{"url = \"http://yizhong.localhost:8080\"", []string{"aurora.localhost:8080", "yizhong.localhost:8081", "yizhong.example:8080"}, []string{"/", "/inbox"}, refused},
	} {
		config := validConfig(t, "[instance]\n"+c.config+"\n")
		front := p.handler(newHosts(config).only(app), app)
		ask := func(host, path string) (int, string) {
			request := httptest.NewRequest(http.MethodGet, path, http.NoBody)
			request.Host = host
			recorder := httptest.NewRecorder()
			front.ServeHTTP(recorder, request)
			return recorder.Code, recorder.Body.String()
		}
		for _, host := range c.hosts {
			for _, path := range c.paths {
				if code, text := ask(host, path); code != c.want || code == refused && !strings.Contains(text, config.Instance.URL) {
					t.Errorf("%s at %q with %s is answered %d %s", path, host, c.config, code, text)
				}
			}
			for path, want := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusOK, "/metrics": served} {
				if code, text := ask(host, path); code != want {
					t.Errorf("%s at %q is answered %d %s", path, host, code, text)
				}
			}
		}
	}
}

// A whole server keeps to it, for pages, clients and pictures.
func TestServedHosts(t *testing.T) {
	s := serveHere(t)
	for host, want := range map[string]bool{"": true, "localhost": true, "evil.example": false} {
		for _, path := range []string{"/", "/api/v1/instance", "/static/none", "/media/none"} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = host // empty: that of the URL, 127.0.0.1
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if got := response.StatusCode != http.StatusMisdirectedRequest; got != want {
				t.Errorf("%s at %q is answered %s", path, host, response.Status)
			}
		}
	}
}

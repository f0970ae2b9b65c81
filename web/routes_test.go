package web

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"cohort/social"
	"cohort/store"
	"cohort/web/api"
)

const activityType = "application/activity+json"

// accesses are all kinds of access there are.
var accesses = map[string]bool{
	string(api.User): true, string(api.App): true, string(api.Optional): true, string(api.Open): true, string(api.Listen): true,
	"visitor": true, "member": true, "asset": true, // of pages, besides public
	accessSigned: true, accessViewer: true, accessWorld: true,
}

func TestEveryAddressSaysWhoMayComeIn(t *testing.T) {
	h := newHouse(t)
	listed := map[string]bool{}
	for _, r := range routes(h.deps) {
		key := r.method + " " + r.path
		if !accesses[r.access] {
			t.Errorf("%s: access %q", key, r.access)
		}
		if listed[key] {
			t.Errorf("%s is there twice", key)
		}
		listed[key] = true
		if strings.HasPrefix(r.path, "/api/") && len(r.guards) < 2 {
			t.Errorf("%s has %d guards", key, len(r.guards))
		}
		if r.method != http.MethodGet && !strings.HasPrefix(r.path, "/api/") && !strings.HasPrefix(r.path, "/oauth/") && len(r.guards) == 0 {
			t.Errorf("%s has no guards", key)
		}
	}
	for _, r := range h.echo.Routes() {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		if !listed[method+" "+r.Path] {
			t.Errorf("%s %s is mounted but not listed", r.Method, r.Path)
		}
	}
	if len(listed) < 150 {
		t.Errorf("only %d addresses", len(listed))
	}
}

// filled puts values where an address has names.
func filled(path string, values map[string]string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if at := strings.IndexByte(p, ':'); at >= 0 {
			v, ok := values[p[at+1:]]
			if !ok {
				v = "1"
			}
			parts[i] = p[:at] + v
		}
		if p == "*" {
			parts[i] = "0/app.css"
		}
	}
	return strings.Join(parts, "/")
}

func TestHeadersOnEveryAddress(t *testing.T) {
	h := newHouse(t)
	for _, r := range routes(h.deps) {
		path := filled(r.path, nil)
		got := h.do(r.method, path, nil)
		name := r.method + " " + path
		csp := got.header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", name, csp)
		}
		if strings.HasPrefix(path, "/media/") && !strings.Contains(csp, "sandbox") {
			t.Errorf("%s: policy %q", name, csp)
		}
		for header, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Strict-Transport-Security": "max-age=31536000",
		} {
			if v := got.header.Values(header); len(v) != 1 || v[0] != want {
				t.Errorf("%s: %s %q", name, header, v)
			}
		}
		if got.header.Get("X-Request-Id") == "" || got.header.Get("Cache-Control") == "" {
			t.Errorf("%s: %v", name, got.header)
		}
		if strings.Contains(got.header.Get("Cache-Control"), "public") && got.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: a cookie in an answer that caches keep", name)
		}
		if got.code >= 500 {
			t.Errorf("%s: %d %s", name, got.code, got.body)
		}
	}
}

func TestRequestIDIsOurs(t *testing.T) {
	h := newHouse(t)
	got := h.get("/api/v1/instance", "X-Request-Id", "theirs")
	if id := got.header.Get("X-Request-Id"); id == "" || strings.Contains(id, "theirs") {
		t.Errorf("id %q", id)
	}
}

func TestSharingWithOtherOrigins(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{
		"/api/v1/instance", "/api/v1/unknown", "/api/v1/timelines/home", "/api/v1/statuses/1", "/oauth/token", "/oauth/revoke", "/oauth/userinfo", "/.well-known/nodeinfo",
		"/.well-known/webfinger", "/.well-known/webfinger?resource=acct:no@school.example", "/.well-known/host-meta", "/.well-known/oauth-authorization-server", "/nodeinfo/2.0", "/nodeinfo/9", "/media/none.png", "/api/v1/streaming/user",
	} {
		got := h.get(path, "Origin", "https://client.example")
		if v := got.header.Values("Access-Control-Allow-Origin"); len(v) != 1 || v[0] != "*" {
			t.Errorf("%s (%d): origin %q", path, got.code, v)
		}
		if !strings.Contains(got.header.Get("Access-Control-Expose-Headers"), "Link") {
			t.Errorf("%s: shows %q", path, got.header.Get("Access-Control-Expose-Headers"))
		}
		if got.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: cookies are let in", path)
		}
		pre := h.do(http.MethodOptions, path, nil, "Origin", "https://client.example", "Access-Control-Request-Method", "DELETE", "Access-Control-Request-Headers", "authorization,idempotency-key")
		if pre.code != http.StatusNoContent || !strings.Contains(pre.header.Get("Access-Control-Allow-Methods"), "PATCH") {
			t.Errorf("%s: asked beforehand: %d %v", path, pre.code, pre.header)
		}
		for _, name := range []string{"Authorization", "Content-Type", "Idempotency-Key"} {
			if !strings.Contains(pre.header.Get("Access-Control-Allow-Headers"), name) {
				t.Errorf("%s: %s may not be sent", path, name)
			}
		}
	}
	for _, path := range []string{"/", "/sign-in", "/oauth/authorize", "/settings/account"} {
		if got := h.get(path, "Origin", "https://evil.example"); got.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s is shared", path)
		}
		if got := h.do(http.MethodOptions, path, nil, "Origin", "https://evil.example"); got.header.Get("Access-Control-Allow-Methods") != "" {
			t.Errorf("%s is shared when asked beforehand", path)
		}
	}
}

func TestWrongAddressesAndMethods(t *testing.T) {
	h := newHouse(t)
	for _, x := range []struct {
		method, path string
		want         int
		page         bool
	}{
		{"GET", "/api/v1/unknown", 404, false},
		{"GET", "/api/v1/instance/", 200, false}, // a slash at the end is forgiven
		{"GET", "/api/", 404, false},
		{"POST", "/api/v1/instance", 405, false},
		{"DELETE", "/api/v1/timelines/home", 405, false},
		{"PUT", "/oauth/token", 405, false},
		{"GET", "/oauth/token", 405, false},
		{"GET", "/nodeinfo/3.0", 404, false},
		{"BREW", "/api/v1/instance", 405, false},
		{"GET", "/no/such/page", 404, true},
		{"POST", "/about", 405, true},
		{"GET", "/activities/1", 404, true},
		{"GET", "/.well-known/unknown", 404, false},
		{"GET", "/api/v1/statuses/%2e%2e%2f", 404, false},
		{"GET", "/api/v1/statuses/abc", 404, false},
	} {
		got := h.do(x.method, x.path, nil)
		if got.code != x.want {
			t.Errorf("%s %s: %d %.200s", x.method, x.path, got.code, got.body)
		}
		if x.want == http.StatusOK {
			continue
		}
		if x.page {
			if !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
				t.Errorf("%s %s: %s", x.method, x.path, got.header.Get("Content-Type"))
			}
			continue
		}
		var v map[string]any
		if x.path == "/nodeinfo/3.0" {
			continue
		}
		if json.Unmarshal([]byte(got.body), &v) != nil || v["error"] == nil {
			t.Errorf("%s %s: %.200s", x.method, x.path, got.body)
		}
	}
	if got := h.get("/no/such/page", "Accept", "application/json"); !strings.HasPrefix(got.body, `{"error"`) {
		t.Errorf("asked for JSON: %s", got.body)
	}
	if got := h.do(http.MethodHead, "/api/v1/instance", nil); got.code != http.StatusOK || got.body != "" {
		t.Errorf("HEAD: %d %q", got.code, got.body)
	}
}

func TestLargeBodiesAreRefused(t *testing.T) {
	h := newHouse(t)
	// A little more than is let in: the rest is read, so that the answer arrives.
	over := func(limit int) string { return `{"status":"` + strings.Repeat("x", limit) + `"}` }
	token := h.token(h.person("ada"))
	for _, x := range []struct {
		method, path, kind string
		limit              int
	}{
		{"POST", "/api/v1/apps", "application/x-www-form-urlencoded", 1 << 20},
		{"POST", "/api/v1/statuses", "application/json", 1 << 20},
		{"PATCH", "/api/v1/accounts/update_credentials", "application/json", 1 << 20},
		{"POST", "/oauth/token", "application/json", 1 << 20},
		{"POST", "/inbox", activityType, 1 << 20},
		{"POST", "/sign-in", "application/x-www-form-urlencoded", 256 << 10},
	} {
		got := h.do(x.method, x.path, strings.NewReader(over(x.limit)), "Content-Type", x.kind, "Authorization", "Bearer "+token)
		form := x.path == "/sign-in" // of which any refusal will do
		if got.code != http.StatusRequestEntityTooLarge && (!form || got.code < 400 || got.code >= 500) {
			t.Errorf("%s %s: %d %.100s", x.method, x.path, got.code, got.body)
		}
	}
}

func TestPanicsAreAnswered(t *testing.T) {
	h := newHouse(t)
	h.echo.GET("/api/v1/panic", func(_ echo.Context) error { panic("a secret") })
	got := h.get("/api/v1/panic")
	if got.code != http.StatusInternalServerError || strings.Contains(got.body, "secret") || !strings.Contains(got.body, got.header.Get("X-Request-Id")) {
		t.Errorf("%d %s", got.code, got.body)
	}
	if !strings.Contains(h.log.String(), "a secret") {
		t.Error("the log does not tell")
	}
	if got := h.get("/api/v1/instance"); got.code != http.StatusOK {
		t.Errorf("afterwards: %d", got.code)
	}
}

func TestCompression(t *testing.T) {
	h := newHouse(t)
	ada := h.person("ada")
	for range 5 {
		h.publish(ada, social.Draft{Text: strings.Repeat("word ", 100), Visibility: store.Public})
	}
	for path, want := range map[string]string{"/api/v1/timelines/public": "gzip", "/local": "gzip", "/api/v1/streaming/health": ""} {
		got := h.get(path, "Accept-Encoding", "gzip")
		if got.header.Get("Content-Encoding") != want {
			t.Errorf("%s: %d %q", path, got.code, got.header.Get("Content-Encoding"))
		}
	}
}

func TestNegotiation(t *testing.T) {
	h := newHouse(t)
	ada := h.person("ada")
	c := h.circle("2012-3", "3", ada)
	p := h.publish(ada, social.Draft{Text: "hello", Visibility: store.Public})
	hidden := h.publish(ada, social.Draft{Text: "hidden", Visibility: store.Followers})
	id := p.ID.String()
	for path, want := range map[string]string{
		"/@ada": "302 " + ada.URI, "/@ada/" + id: "302 " + p.URI, "/c/2012-3": "302 " + c.URI, "/c/2012-3/" + id: "302 " + p.URI, "/@2012-3": "302 " + c.URI,
		"/@nobody": "404", "/@ada@elsewhere.example": "404", "/c/none": "404", "/@ada/x": "404",
		"/users/" + ada.ID.String(): "200", "/circles/" + c.ID.String(): "200", "/posts/" + id: "200", "/posts/" + id + "/activity": "200", "/posts/" + id + "/replies": "200",
		"/posts/" + hidden.ID.String(): "404", "/posts/" + hidden.ID.String() + "/activity": "404", "/users/" + c.ID.String(): "404", "/circles/" + ada.ID.String(): "404",
		"/actor": "200", "/actor/outbox": "200", "/actor/none": "404", "/ns": "200", "/users/" + ada.ID.String() + "/outbox": "200", "/circles/" + c.ID.String() + "/members": "404",
	} {
		got := h.get(path, "Accept", activityType)
		if code, _, _ := strings.Cut(want, " "); code != strconv.Itoa(got.code) {
			t.Errorf("%s: %d, want %s: %.200s", path, got.code, want, got.body)
			continue
		}
		if _, to, ok := strings.Cut(want, " "); ok && got.header.Get("Location") != to {
			t.Errorf("%s leads to %q, want %q", path, got.header.Get("Location"), to)
		}
	}
	if got := h.get("/posts/"+id, "Accept", "text/html"); got.code < 300 || got.code > 399 || !strings.HasSuffix(got.header.Get("Location"), "/@ada/"+id) {
		t.Errorf("a browser: %d %q", got.code, got.header.Get("Location"))
	}
	if got := h.get("/@ada/"+id, "Accept", "text/html"); got.code != http.StatusOK || !strings.Contains(got.body, "hello") || !strings.Contains(strings.Join(got.header.Values("Vary"), ","), "Accept") {
		t.Errorf("a browser: %d %v", got.code, got.header.Values("Vary"))
	}
}

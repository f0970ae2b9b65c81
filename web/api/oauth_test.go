package api

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cohort/social"
	"cohort/store"
	"cohort/web/auth"
)

const testRedirect = "https://client.example/back?from=us"

// client is a registered program.
type client struct {
	h          *house
	id, secret string
}

func (h *house) register(redirect, scopes string) *client {
	h.t.Helper()
	got := h.form("/api/v1/apps", "", url.Values{"client_name": {"Test"}, "redirect_uris": {redirect}, "scopes": {scopes}})
	if got.code != http.StatusOK {
		h.t.Fatalf("registration: %d %s", got.code, got.body)
	}
	id, _ := got.field(h.t, "client_id").(string)
	secret, _ := got.field(h.t, "client_secret").(string)
	return &client{h, id, secret}
}

// ask gives the code for a person who agrees, or what was wrong with the request.
func (c *client) ask(by *store.Account, q url.Values) (string, error) {
	c.h.t.Helper()
	all := url.Values{"client_id": {c.id}, "redirect_uri": {testRedirect}, "response_type": {"code"}, "scope": {"read"}}
	for k, v := range q {
		all[k] = v
	}
	r, err := c.h.auth.ParseRequest(c.h.t.Context(), all)
	if err != nil {
		return "", err
	}
	return c.h.auth.Grant(c.h.t.Context(), r, by.ID)
}

func (c *client) code(by *store.Account, q url.Values) string {
	c.h.t.Helper()
	code, err := c.ask(by, q)
	if err != nil {
		c.h.t.Fatal(err)
	}
	return code
}

// exchange sends a token request; values in more replace the usual ones, empty ones remove them.
func (c *client) exchange(code string, more url.Values) answer {
	c.h.t.Helper()
	v := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {c.id}, "client_secret": {c.secret}, "code": {code}, "redirect_uri": {testRedirect},
	}
	for name, value := range more {
		v[name] = value
	}
	return c.h.form("/oauth/token", "", v)
}

func s256(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func TestRegisteringInEveryShape(t *testing.T) {
	h := newHouse(t)
	for name, got := range map[string]answer{
		"query":  h.do(http.MethodPost, "/api/v1/apps?client_name=T&redirect_uris=com.app.x:/token&scopes=read+write", "", nil),
		"lines":  h.form("/api/v1/apps", "", url.Values{"client_name": {"T"}, "redirect_uris": {"com.app.x:/token\nhttps://c.example/"}, "scopes": {"read write"}}),
		"array":  h.json(http.MethodPost, "/api/v1/apps", "", map[string]any{"client_name": "T", "redirect_uris": []string{"com.app.x:/token"}, "scopes": "read write"}),
		"repeat": h.form("/api/v1/apps", "", url.Values{"client_name": {"T"}, "redirect_uris[]": {"com.app.x:/token", "urn:ietf:wg:oauth:2.0:oob"}, "scopes": {"read write"}}),
	} {
		if got.code != http.StatusOK {
			t.Errorf("%s: %d %s", name, got.code, got.body)
			continue
		}
		uris, _ := got.field(t, "redirect_uris").([]any)
		if len(uris) == 0 || uris[0] != "com.app.x:/token" {
			t.Errorf("%s: redirect addresses %v", name, uris)
		}
		for _, field := range []string{"id", "name", "website", "scopes", "redirect_uri", "vapid_key", "client_id", "client_secret"} {
			got.field(t, field)
		}
		if got.field(t, "client_secret_expires_at") != 0.0 {
			t.Errorf("%s: the secret expires", name)
		}
	}
}

func TestRegisteringIsRefused(t *testing.T) {
	h := newHouse(t)
	for _, uri := range []string{
		"javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:https://x/1", "about:blank",
		"https://user:pw@c.example/", "https://c.example/#part", "//c.example/", "/back", "", "https://", "view-source:https://c.example", "urn:other",
	} {
		if got := h.form("/api/v1/apps", "", url.Values{"client_name": {"T"}, "redirect_uris": {uri}}); got.code != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d %s", uri, got.code, got.body)
		}
	}
	for _, v := range []url.Values{
		{"redirect_uris": {testRedirect}}, // no name
		{"client_name": {"T"}, "redirect_uris": {testRedirect}, "scopes": {"everything"}},
		{"client_name": {"T"}, "redirect_uris": {testRedirect}, "website": {"javascript:x"}},
		{"client_name": {"T"}, "redirect_uris": {strings.Repeat(testRedirect+"\n", 11)}},
	} {
		if got := h.form("/api/v1/apps", "", v); got.code != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d %s", v, got.code, got.body)
		}
	}
}

func TestRedirectsMustMatchExactly(t *testing.T) {
	h := newHouse(t)
	ada, c := h.person("ada"), h.register(testRedirect, "read")
	for _, uri := range []string{
		"", "https://client.example/back", "https://client.example/back?from=us&x=1", "https://client.example/back?from=us#x", testRedirect + "/",
		"https://client.example/back?from=us ", "https://CLIENT.example/back?from=us", "http://client.example/back?from=us",
		"https://client.example:443/back?from=us", "https://client.example/back/../back?from=us", "https://client.example/%62ack?from=us",
		"https://client.example.evil.example/back?from=us", "https://evil.example/https://client.example/back?from=us",
		"https://client.example@evil.example/back?from=us", "javascript:alert(1)", auth.OutOfBand, "//client.example/back?from=us",
	} {
		if code, err := c.ask(ada, url.Values{"redirect_uri": {uri}}); err == nil {
			t.Errorf("a code for %q: %s", uri, code)
		}
	}
	for name, q := range map[string]url.Values{
		"implicit":      {"response_type": {"token"}},
		"plain pkce":    {"code_challenge": {s256("v")}, "code_challenge_method": {"plain"}},
		"no method":     {"code_challenge": {s256("v")}},
		"method alone":  {"code_challenge_method": {"S256"}},
		"broken pkce":   {"code_challenge": {"short"}, "code_challenge_method": {"S256"}},
		"wider scope":   {"scope": {"read write"}},
		"unknown scope": {"scope": {"all"}},
		"client":        {"client_id": {"nobody"}},
	} {
		if _, err := c.ask(ada, q); err == nil {
			t.Errorf("%s: a code", name)
		}
	}
}

func TestTokenGoodPaths(t *testing.T) {
	h := newHouse(t)
	ada, c := h.person("ada"), h.register(testRedirect, "read write follow push")
	use := func(got answer, scope string) {
		t.Helper()
		if got.code != http.StatusOK {
			t.Fatalf("%d %s", got.code, got.body)
		}
		if got.field(t, "token_type") != "Bearer" || got.field(t, "scope") != scope || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("answer %s", got.body)
		}
		if n, ok := got.field(t, "created_at").(float64); !ok || n < 1e9 || n > 1e10 {
			t.Errorf("created_at is not a number of seconds: %s", got.body)
		}
		token, _ := got.field(t, "access_token").(string)
		if got := h.get("/api/v1/preferences", token); got.code != http.StatusOK {
			t.Errorf("the token does not work: %d %s", got.code, got.body)
		}
	}
	use(c.exchange(c.code(ada, nil), nil), "read")
	verifier := strings.Repeat("v", 43)
	pkce := url.Values{"code_challenge": {s256(verifier)}, "code_challenge_method": {"S256"}, "scope": {"read write"}}
	use(c.exchange(c.code(ada, pkce), url.Values{"code_verifier": {verifier}}), "read write")
	// By Basic authentication, and by JSON.
	v := url.Values{"grant_type": {"authorization_code"}, "code": {c.code(ada, nil)}, "redirect_uri": {testRedirect}}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(c.id)+":"+url.QueryEscape(c.secret)))
	use(h.do(http.MethodPost, "/oauth/token", "", strings.NewReader(v.Encode()), "Content-Type", "application/x-www-form-urlencoded", "Authorization", basic), "read")
	use(h.json(http.MethodPost, "/oauth/token", "", map[string]any{
		"grant_type": "authorization_code", "client_id": c.id, "client_secret": c.secret, "code": c.code(ada, nil), "redirect_uri": testRedirect,
	}), "read")
	use(h.do(http.MethodPost, "/oauth/token?"+url.Values{
		"grant_type": {"authorization_code"}, "client_id": {c.id}, "client_secret": {c.secret}, "code": {c.code(ada, nil)}, "redirect_uri": {testRedirect},
	}.Encode(), "", nil), "read")
}

func TestAppTokens(t *testing.T) {
	h := newHouse(t)
	c := h.register(testRedirect, "read write")
	got := h.form("/oauth/token", "", url.Values{"grant_type": {"client_credentials"}, "client_id": {c.id}, "client_secret": {c.secret}, "scope": {"read"}})
	token, _ := got.field(t, "access_token").(string)
	if got := h.get("/api/v1/apps/verify_credentials", token); got.code != http.StatusOK || got.field(t, "name") != "Test" {
		t.Errorf("verify: %d %s", got.code, got.body)
	}
	if got := h.get("/api/v2/search?q=x", token); got.code != http.StatusOK {
		t.Errorf("a public endpoint: %d %s", got.code, got.body)
	}
	if got := h.get("/api/v1/preferences", token); got.code != http.StatusUnprocessableEntity {
		t.Errorf("an account's endpoint: %d %s", got.code, got.body)
	}
	if got := h.get("/api/v1/apps/verify_credentials", ""); got.code != http.StatusUnauthorized {
		t.Errorf("without a token: %d", got.code)
	}
}

// refusedExchange checks that nothing was given and how that is said.
func refusedExchange(t *testing.T, name string, got answer, code string) {
	t.Helper()
	if got.code != http.StatusBadRequest && got.code != http.StatusUnauthorized {
		t.Errorf("%s: %d %s", name, got.code, got.body)
		return
	}
	if got.field(t, "error") != code || got.field(t, "error_description") == "" {
		t.Errorf("%s: %s, want %s", name, got.body, code)
	}
}

func TestTokenAttacks(t *testing.T) {
	h := newHouse(t)
	ada, c, other := h.person("ada"), h.register(testRedirect, "read write"), h.register(testRedirect, "read write")
	verifier := strings.Repeat("v", 43)
	pkce := url.Values{"code_challenge": {s256(verifier)}, "code_challenge_method": {"S256"}}
	for _, x := range []struct {
		name string
		got  answer
		code string
	}{
		{"another client", other.exchange(c.code(ada, nil), nil), "invalid_grant"},
		{"wrong secret", c.exchange(c.code(ada, nil), url.Values{"client_secret": {"wrong"}}), "invalid_client"},
		{"no secret", c.exchange(c.code(ada, nil), url.Values{"client_secret": {""}}), "invalid_client"},
		{"unknown client", c.exchange(c.code(ada, nil), url.Values{"client_id": {"who"}}), "invalid_client"},
		{"another redirect", c.exchange(c.code(ada, nil), url.Values{"redirect_uri": {"https://client.example/back"}}), "invalid_grant"},
		{"no redirect", c.exchange(c.code(ada, nil), url.Values{"redirect_uri": {""}}), "invalid_grant"},
		{"pkce left out", c.exchange(c.code(ada, pkce), nil), "invalid_grant"},
		{"pkce wrong", c.exchange(c.code(ada, pkce), url.Values{"code_verifier": {strings.Repeat("w", 43)}}), "invalid_grant"},
		{"pkce as the challenge", c.exchange(c.code(ada, pkce), url.Values{"code_verifier": {s256(verifier)}}), "invalid_grant"},
		{"pkce added later", c.exchange(c.code(ada, nil), url.Values{"code_verifier": {verifier}}), "invalid_grant"},
		{"no code", c.exchange("", nil), "invalid_grant"},
		{"invented code", c.exchange("x", nil), "invalid_grant"},
		{"password", c.exchange("", url.Values{"grant_type": {"password"}, "username": {"ada"}, "password": {"a long enough passphrase"}}), "unsupported_grant_type"},
		{"refresh", c.exchange("", url.Values{"grant_type": {"refresh_token"}}), "unsupported_grant_type"},
		{"no grant", c.exchange("", url.Values{"grant_type": {""}}), "unsupported_grant_type"},
		{"wider for itself", c.exchange("", url.Values{"grant_type": {"client_credentials"}, "scope": {"read follow"}}), "invalid_scope"},
	} {
		refusedExchange(t, x.name, x.got, x.code)
	}
	// A failed exchange uses the code up.
	code := c.code(ada, pkce)
	refusedExchange(t, "first try", c.exchange(code, url.Values{"code_verifier": {"guess"}}), "invalid_grant")
	refusedExchange(t, "second try", c.exchange(code, url.Values{"code_verifier": {verifier}}), "invalid_grant")
	// Two ways of saying who one is, which disagree.
	v := url.Values{"grant_type": {"authorization_code"}, "client_id": {other.id}, "code": {c.code(ada, nil)}, "redirect_uri": {testRedirect}}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(c.id+":"+c.secret))
	refusedExchange(t, "two clients", h.do(http.MethodPost, "/oauth/token", "", strings.NewReader(v.Encode()), "Content-Type", "application/x-www-form-urlencoded", "Authorization", basic), "invalid_request")
}

func TestCodeUsedTwiceEndsItsToken(t *testing.T) {
	h := newHouse(t)
	ada, c := h.person("ada"), h.register(testRedirect, "read")
	code := c.code(ada, nil)
	got := c.exchange(code, nil)
	token, _ := got.field(t, "access_token").(string)
	refusedExchange(t, "again", c.exchange(code, nil), "invalid_grant")
	if got := h.get("/api/v1/preferences", token); got.code != http.StatusUnauthorized {
		t.Errorf("the first token goes on: %d", got.code)
	}
}

func TestCodeRace(t *testing.T) {
	h := newHouse(t)
	ada, c := h.person("ada"), h.register(testRedirect, "read")
	code := c.code(ada, nil)
	var wg sync.WaitGroup
	var mu sync.Mutex
	given := 0
	for range 12 {
		wg.Go(func() {
			got := c.exchange(code, nil)
			mu.Lock()
			defer mu.Unlock()
			if got.code == http.StatusOK {
				given++
			}
		})
	}
	wg.Wait()
	if given != 1 {
		t.Errorf("%d tokens for one code", given)
	}
}

func TestScopesAreChecked(t *testing.T) {
	h := newHouse(t)
	ada := h.person("ada")
	narrow := h.token(ada, "read:accounts")
	for path, want := range map[string]int{
		"/api/v1/preferences": http.StatusOK, "/api/v1/markers": http.StatusForbidden, "/api/v1/filters": http.StatusForbidden,
		"/api/v2/search?q=x": http.StatusForbidden, "/api/v1/push/subscription": http.StatusForbidden, "/api/v1/streaming/user": http.StatusForbidden,
		"/oauth/userinfo": http.StatusOK,
	} {
		if got := h.get(path, narrow); got.code != want {
			t.Errorf("%s: %d, want %d: %s", path, got.code, want, got.body)
		}
	}
	if got := h.json(http.MethodPost, "/api/v1/markers", h.token(ada, "read"), map[string]any{"home": map[string]any{"last_read_id": "1"}}); got.code != http.StatusForbidden {
		t.Errorf("writing with a reader's token: %d", got.code)
	}
}

// Members see in their settings when an app was last used, by day.
func TestTokensKnowTheirLastDay(t *testing.T) {
	h := newHouse(t)
	ada := h.person("ada")
	token := h.token(ada, "read")
	var later atomic.Int64
	now := h.db.Now
	h.db.Now = func() time.Time { return now().Add(time.Duration(later.Load())) }
	for range 2 {
		if got := h.get("/api/v1/accounts/verify_credentials", token); got.code != http.StatusOK {
			t.Fatalf("%d %s", got.code, got.body)
		}
		tokens, err := h.db.Tokens(t.Context(), ada.ID)
		if err != nil || len(tokens) != 1 {
			t.Fatalf("%d tokens, %v", len(tokens), err)
		}
		if got, want := tokens[0].UsedDay, store.Day(h.db.Now()); got != want {
			t.Errorf("used on day %d, want %d", got, want)
		}
		later.Add(int64(24 * time.Hour))
	}
}

func TestRevokedTokens(t *testing.T) {
	h := newHouse(t)
	ada, c, other := h.person("ada"), h.register(testRedirect, "read"), h.register(testRedirect, "read")
	got := c.exchange(c.code(ada, nil), nil)
	token, _ := got.field(t, "access_token").(string)
	revoke := func(c *client) answer {
		return h.form("/oauth/revoke", "", url.Values{"client_id": {c.id}, "client_secret": {c.secret}, "token": {token}})
	}
	if got := revoke(other); got.code != http.StatusOK {
		t.Errorf("another's token: %d", got.code)
	}
	if got := h.get("/api/v1/preferences", token); got.code != http.StatusOK {
		t.Errorf("another client ended the token: %d", got.code)
	}
	refusedExchange(t, "without secret", h.form("/oauth/revoke", "", url.Values{"client_id": {c.id}, "token": {token}}), "invalid_client")
	if got := revoke(c); got.code != http.StatusOK || string(got.body) != "{}" {
		t.Errorf("revoke: %d %s", got.code, got.body)
	}
	if got := h.get("/api/v1/preferences", token); got.code != http.StatusUnauthorized || got.field(t, "error") == "" {
		t.Errorf("after revocation: %d %s", got.code, got.body)
	}
}

func TestWhoMayNotActIsNobody(t *testing.T) {
	h := newHouse(t)
	a, err := h.s.Register(t.Context(), social.Registration{Handle: "pending", Email: "p@mail.example", Password: "a long enough passphrase", Agreed: true, Reason: "test"})
	if err != nil {
		t.Fatal(err)
	}
	token := h.token(a, "read write")
	if got := h.get("/api/v1/preferences", token); got.code != http.StatusForbidden {
		t.Errorf("an unconfirmed user: %d %s", got.code, got.body)
	}
	if got := h.get("/api/v1/streaming/user", token); got.code != http.StatusUnauthorized {
		t.Errorf("an unconfirmed user listens: %d %s", got.code, got.body)
	}
	eve := h.person("eve")
	token = h.token(eve, "read write")
	if err := h.s.Suspend(t.Context(), eve, 0, "test"); err != nil {
		t.Fatal(err)
	}
	if got := h.get("/api/v1/preferences", token); got.code != http.StatusUnauthorized {
		t.Errorf("a suspended user: %d %s", got.code, got.body)
	}
}

func TestOAuthMetadata(t *testing.T) {
	h := newHouse(t)
	got := h.get("/.well-known/oauth-authorization-server", "")
	if got.code != http.StatusOK || got.field(t, "issuer") != houseURL || got.field(t, "token_endpoint") != houseURL+"/oauth/token" {
		t.Errorf("%d %s", got.code, got.body)
	}
	info := h.get("/oauth/userinfo", h.token(h.person("ada"), "profile"))
	if info.field(t, "preferred_username") != "ada" || info.field(t, "iss") != houseURL || !strings.HasPrefix(info.field(t, "picture").(string), houseURL) {
		t.Errorf("userinfo %s", info.body)
	}
}

// A code that a browser carries is good for a minute; one that a person copies, for ten.
func TestCodesExpire(t *testing.T) {
	h := newHouse(t)
	began, later := time.Now(), new(atomic.Int64)
	h.db.Now = func() time.Time { return began.Add(time.Duration(later.Load())) }
	ada := h.person("ada")
	for redirect, life := range map[string]time.Duration{testRedirect: time.Minute, auth.OutOfBand: 10 * time.Minute} {
		c := h.register(redirect, "read")
		for after, want := range map[time.Duration]int{life - time.Second: http.StatusOK, life + time.Second: http.StatusBadRequest} {
			later.Store(0)
			code := c.code(ada, url.Values{"redirect_uri": {redirect}})
			later.Store(int64(after))
			if got := c.exchange(code, url.Values{"redirect_uri": {redirect}}); got.code != want {
				t.Errorf("%s after %s: %d %s", redirect, after, got.code, got.body)
			}
		}
	}
}

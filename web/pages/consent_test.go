package pages

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cohort/store"
	"cohort/web/auth"
	"cohort/web/i18n"
)

// app registers a client program.
func (h *house) app(redirects ...string) (*store.App, string) {
	h.t.Helper()
	app, secret, err := h.auth.RegisterApp(h.t.Context(), auth.AppForm{Name: "Tusky", Website: "https://tusky.example", Redirects: redirects, Scopes: "read write:statuses"})
	if err != nil {
		h.t.Fatal(err)
	}
	return app, secret
}

func consentQuery(app *store.App, redirect string, change ...string) string {
	q := url.Values{"client_id": {app.ClientID}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"read write:statuses"}, "state": {"a&b=c"}}
	for i := 0; i < len(change); i += 2 {
		q.Set(change[i], change[i+1])
	}
	return "/oauth/authorize?" + q.Encode()
}

func TestConsent(t *testing.T) {
	h := newHouse(t)
	chen := h.person("chenmo")
	const redirect = "https://tusky.example/cb?from=here"
	app, secret := h.app(redirect, auth.OutOfBand, "tusky://cb")
	b := h.browser()
	page := b.open(consentQuery(app, redirect))
	if !strings.HasPrefix(page.path, "/sign-in?next=") {
		t.Fatalf("a visitor is asked at %s", page.path)
	}
	page = b.send("/sign-in", map[string]any{"login": "chenmo", "password": passphrase}).must(http.StatusOK)
	page.shows("Tusky", "chenmo", "tusky.example", i18n.T("en", "scope.write", nil), "write:statuses")
	stay := b.stay()
	stay.last = page
	to := mustURL(t, stay.send("/oauth/authorize", map[string]any{"decision": "allow"}).must(http.StatusSeeOther).header.Get("Location"))
	if to.Host != "tusky.example" || to.Query().Get("from") != "here" || to.Query().Get("state") != "a&b=c" || to.Query().Get("code") == "" {
		t.Fatalf("leads to %s", to)
	}
	raw, _, err := h.auth.Exchange(t.Context(), auth.TokenForm{GrantType: "authorization_code", ClientID: app.ClientID, ClientSecret: secret, Code: to.Query().Get("code"), Redirect: redirect})
	if err != nil {
		t.Fatal(err)
	}
	if tok, _, account, err := h.db.TokenByValue(t.Context(), raw); err != nil || account.ID != chen.ID || tok.Scopes != "read write:statuses" {
		t.Errorf("%+v, %v", tok, err)
	}
	b.open(consentQuery(app, "tusky://cb"))
	stay.last = b.last
	to = mustURL(t, stay.send("/oauth/authorize", map[string]any{"decision": "deny"}).must(http.StatusSeeOther).header.Get("Location"))
	if to.Scheme != "tusky" || to.Query().Get("error") != "access_denied" || to.Query().Get("state") != "a&b=c" || to.Query().Has("code") {
		t.Errorf("leads to %s", to)
	}
	b.open(consentQuery(app, auth.OutOfBand)).shows(i18n.T("en", "consent.target_here", nil))
	page = b.send("/oauth/authorize", map[string]any{"decision": "allow"}).must(http.StatusOK)
	code := ""
	for n := range page.root.Descendants() {
		if get(n, "id") == "f-code" {
			code = get(n, "value")
		}
	}
	if _, _, err := h.auth.Exchange(t.Context(), auth.TokenForm{GrantType: "authorization_code", ClientID: app.ClientID, ClientSecret: secret, Code: code, Redirect: auth.OutOfBand}); err != nil {
		t.Error(err)
	}
	b.open(consentQuery(app, auth.OutOfBand))
	b.send("/oauth/authorize", map[string]any{"decision": "deny"}).must(http.StatusOK).shows(i18n.T("en", "flash.denied", nil))
	b.open("/settings/apps").shows("Tusky")
	tokens, err := h.db.Tokens(t.Context(), chen.ID)
	if err != nil || len(tokens) != 2 {
		t.Fatalf("%d tokens, %v", len(tokens), err)
	}
	b.send("/settings/apps", map[string]any{"revoke": tokens[0].Token.ID.String()}).must(http.StatusOK)
	b.send("/settings/apps", map[string]any{"revoke": tokens[1].Token.ID.String()}).must(http.StatusOK).shows(i18n.T("en", "apps.none", nil))
	if _, _, _, err := h.db.TokenByValue(t.Context(), raw); !isNotFound(err) {
		t.Errorf("a revoked token: %v", err)
	}
}

// What is wrong with an app's request is shown to the person, and never leads anywhere.
func TestConsentRefuses(t *testing.T) {
	h := newHouse(t)
	chen := h.person("chenmo")
	const redirect = "https://tusky.example/cb"
	app, _ := h.app(redirect)
	member := h.as(chen)
	bad := map[string][]string{
		"unknown app":         {"client_id", "nobody"},
		"other address":       {"redirect_uri", "https://evil.example/"},
		"address below":       {"redirect_uri", redirect + "/x"},
		"address with port":   {"redirect_uri", "https://tusky.example:8443/cb"},
		"address with user":   {"redirect_uri", "https://tusky.example@evil.example/cb"},
		"out of band":         {"redirect_uri", auth.OutOfBand},
		"script":              {"redirect_uri", "javascript:alert(1)"},
		"no address":          {"redirect_uri", ""},
		"implicit":            {"response_type", "token"},
		"no type":             {"response_type", ""},
		"wider scope":         {"scope", "read write"},
		"unknown scope":       {"scope", "read sudo"},
		"plain challenge":     {"code_challenge", strings.Repeat("x", 43), "code_challenge_method", "plain"},
		"method alone":        {"code_challenge_method", "S256"},
		"malformed challenge": {"code_challenge", "x", "code_challenge_method", "S256"},
	}
	for name, change := range bad {
		for who, b := range map[string]*browser{"visitor": h.browser(), "member": member} {
			a := b.stay().get(consentQuery(app, redirect, change...))
			if a.status < 400 || a.status >= 500 || a.header.Get("Location") != "" || a.has(`="https://evil.example`) || a.has(`="https://tusky.example`) {
				t.Errorf("%s, %s: %d to %q", name, who, a.status, a.header.Get("Location"))
			}
		}
		member.open(consentQuery(app, redirect))
		set := map[string]any{"decision": "allow"}
		for i := 0; i < len(change); i += 2 {
			set[change[i]] = change[i+1]
		}
		fields := fieldsOf(member.last.form("/oauth/authorize", nil))
		for k, v := range set {
			fields[k] = []string{v.(string)}
		}
		a := member.stay().post("/oauth/authorize", fields)
		if a.status < 400 || a.status >= 500 || a.header.Get("Location") != "" {
			t.Errorf("%s, sent: %d to %q", name, a.status, a.header.Get("Location"))
		}
	}
	visitor := h.browser()
	visitor.open("/sign-in")
	fields := formWith(visitor.last.token())
	q := mustURL(t, consentQuery(app, redirect)).Query()
	for k := range q {
		fields[k] = q[k]
	}
	fields.Set("decision", "allow")
	if a := visitor.stay().post("/oauth/authorize", fields); a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/sign-in?") {
		t.Errorf("a visitor's consent: %d to %q", a.status, a.header.Get("Location"))
	}
}

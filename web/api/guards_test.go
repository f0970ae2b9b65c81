package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"cohort/social"
	"cohort/store"
)

// every lists all endpoints.
func (h *house) every() []Route { return slices.Concat(h.api.Routes(), h.api.RoutesB()) }

// address is a path of a route with a value in place of each of its parameters.
func (r Route) address(value string) string {
	parts := strings.Split(r.Path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, ":") {
			parts[i] = url.PathEscape(value)
		}
	}
	return strings.Join(parts, "/")
}

func (r Route) String() string { return r.Method + " " + r.Path }

// No endpoint is open, or changes something, by omission.
func TestEveryEndpointStatesWhoMay(t *testing.T) {
	h := newHouse(t)
	seen := map[string]bool{}
	for _, r := range h.every() {
		if seen[r.String()] {
			t.Errorf("%s is there twice", r)
		}
		seen[r.String()] = true
		if r.Handler == nil {
			t.Errorf("%s has no handler", r)
		}
		if r.Method != http.MethodGet && len(r.Scopes) == 0 && (r.Access == User || r.Access == Optional) {
			t.Errorf("%s changes something without a scope", r)
		}
	}
}

func TestNoTokenNoAnswer(t *testing.T) {
	h := newHouse(t)
	for _, r := range h.api.Routes() {
		got := h.do(r.Method, r.address("1"), "", nil)
		switch {
		case r.Access == User || r.Access == App:
			if got.code != http.StatusUnauthorized {
				t.Errorf("%s without a token: %d", r, got.code)
			}
		case got.code != http.StatusOK && got.code != http.StatusNotFound:
			t.Errorf("%s for anybody: %d %s", r, got.code, got.body)
		}
		if got := h.do(r.Method, r.address("1"), "no such token", nil); got.code != http.StatusUnauthorized {
			t.Errorf("%s with a bad token: %d", r, got.code)
		}
	}
}

func TestNarrowScopeIsRefused(t *testing.T) {
	h := newHouse(t)
	narrow := h.token(h.person("ada"), "write:media")
	for _, r := range h.api.Routes() {
		got := h.do(r.Method, r.address("1"), narrow, nil)
		if got.code != http.StatusForbidden {
			t.Errorf("%s with a token for something else: %d %s", r, got.code, got.body)
		}
		if text, _ := got.field(t, "error").(string); text == "" {
			t.Errorf("%s says nothing", r)
		}
	}
}

// An app without a person, and a person who may not act yet, do nothing.
func TestWhoMayNotActYet(t *testing.T) {
	h := newHouse(t)
	waiting, err := h.s.Register(t.Context(), social.Registration{Handle: "wait", Email: "wait@mail.example", Password: "a long enough passphrase", Reason: "to learn", Agreed: true})
	if err != nil {
		t.Fatal(err)
	}
	token, app := h.token(waiting, "read write follow profile"), h.token(&store.Account{}, "read write follow profile")
	for _, r := range h.api.Routes() {
		if r.Access != User {
			continue
		}
		if got := h.do(r.Method, r.address("1"), token, nil); got.code != http.StatusForbidden {
			t.Errorf("%s by somebody not let in: %d", r, got.code)
		}
		if got := h.do(r.Method, r.address("1"), app, nil); got.code != http.StatusUnprocessableEntity {
			t.Errorf("%s by an app: %d", r, got.code)
		}
	}
	ada := h.token(h.person("ada"), "read")
	for _, path := range []string{"/api/v1/accounts/" + waiting.ID.String(), "/api/v1/accounts/lookup?acct=wait"} {
		for _, who := range []string{"", ada} {
			if got := h.get(path, who); got.code != http.StatusNotFound {
				t.Errorf("%s shows an account that is not let in: %d %s", path, got.code, got.body)
			}
		}
	}
}

// What is no id, and the id of nothing, are not found: never a fault of ours.
func TestBadIDs(t *testing.T) {
	h := newHouse(t)
	token := h.token(h.person("ada"), "read write follow profile")
	for _, r := range h.api.Routes() {
		if !strings.Contains(r.Path, "/:id") && !strings.Contains(r.Path, ":key") {
			continue
		}
		for _, id := range []string{"x", "-1", "0", "01", "1e3", "9223372036854775807", "99999999999999999999", "1%00", "ungrouped-x", "favourite-1-99999999999999", "..", "%"} {
			got := h.do(r.Method, r.address(id), token, nil)
			if got.code != http.StatusNotFound {
				t.Errorf("%s for id %q: %d %s", r, id, got.code, got.body)
			}
		}
	}
}

func TestHostileParameters(t *testing.T) {
	h := newHouse(t)
	token := h.token(h.person("ada"), "read write follow profile")
	values := []string{"-1", "x", "99999999999999999999", "a[b", strings.Repeat("x", 4000), "🎓", "' OR 1=1 --", "[]", "{}", "null", "<script>"}
	names := []string{
		"limit", "id[]", "id", "acct", "q", "offset", "tagged", "any[]", "all[]", "types[]", "local", "pinned", "domain", "status", "in_reply_to_id", "media_ids[]", "visibility", "circle_id",
		"language", "comment", "duration", "display_name", "note", "fields_attributes[0][name]", "source[privacy]", "media_attributes[][id]", "username", "email",
	}
	var query []string
	for shift := range values {
		var all []string
		for i, n := range names {
			all = append(all, n+"="+url.QueryEscape(values[(i+shift)%len(values)]))
		}
		query = append(query, strings.Join(all, "&"))
		for _, n := range []string{"max_id", "since_id", "min_id", "account_id"} { // these end a request early
			query = append(query, n+"="+url.QueryEscape(values[shift]))
		}
	}
	query = append(query, "status=%ff%fe", "status=%00", "acct=%00", "limit=%zz", "a[=1")
	for _, r := range h.api.Routes() {
		for _, q := range query {
			if got := h.do(r.Method, r.address("1")+"?"+q, token, nil); got.code >= 500 {
				t.Errorf("%s?%s: %d %s", r, q, got.code, got.body)
			}
		}
		if r.Method == http.MethodGet {
			continue
		}
		for name, in := range hostile {
			if name == "too large" {
				continue // the server may close before all is sent
			}
			if got := h.do(r.Method, r.address("1")+"?"+in[2], token, strings.NewReader(in[1]), "Content-Type", in[0]); got.code >= 500 {
				t.Errorf("%s with %s: %d %s", r, name, got.code, got.body)
			}
		}
	}
	if got := h.do(http.MethodPost, "/api/v1/statuses", token, strings.NewReader("a="+strings.Repeat("x", maxBody)), "Content-Type", formType); got.code != http.StatusRequestEntityTooLarge {
		t.Errorf("too large a body: %d", got.code)
	}
}

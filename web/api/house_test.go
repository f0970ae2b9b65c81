package api

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"cohort/federation"
	"cohort/social"
	"cohort/store"
	"cohort/store/storetest"
	"cohort/web/auth"
	"cohort/web/i18n"
	"cohort/web/reply"
)

// house is an instance with all endpoints, answering on loopback.
type house struct {
	t    testing.TB
	s    *social.Service
	db   *store.DB
	auth *auth.Auth
	api  *API
	url  string
}

const houseURL = "https://school.example"

func newHouse(t testing.TB) *house {
	t.Helper()
	db := storetest.Open(t)
	log := slog.New(slog.DiscardHandler)
	files, err := store.OpenFiles(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s, err := social.New(social.Config{
		BaseURL: houseURL, Host: "school.example", Domain: "school.example", Name: "School", Kind: "school", Languages: []string{"en", "zh"},
		Registration: social.RegistrationApproval, Secret: []byte(strings.Repeat("s", 32)),
	}, db, files, log)
	if err != nil {
		t.Fatal(err)
	}
	fed, err := federation.New(federation.Config{Mode: federation.ModeOpen, Version: "0.1.0"}, s, federation.NewClient(federation.ClientConfig{}), log)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, s: s, db: db, auth: auth.New(s, nil)}
	texts := func(_, key string, args map[string]any) string { return i18n.T("en", key, args) }
	h.api = New(s, fed, h.auth, texts, log)
	h.api.recheck = 50 * time.Millisecond
	e := echo.New()
	e.HTTPErrorHandler = (&reply.Handler{Log: log, Texts: texts}).Handle
	h.api.Mount(e, h.api.Routes())
	h.api.Mount(e, h.api.RoutesB())
	server := httptest.NewServer(e)
	t.Cleanup(func() { s.Hub.Close(); server.Close() })
	h.url = server.URL
	return h
}

// person makes a member.
func (h *house) person(handle string) *store.Account {
	h.t.Helper()
	a, err := h.s.CreateAccount(h.t.Context(), social.NewAccount{Handle: handle, Email: handle + "@mail.example", Password: "a long enough passphrase", Role: store.RoleMember})
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}

func (h *house) token(a *store.Account, scopes string) string {
	h.t.Helper()
	raw, err := h.auth.NewToken(h.t.Context(), a.ID, scopes)
	if err != nil {
		h.t.Fatal(err)
	}
	return raw
}

func (h *house) publish(a *store.Account, text, visibility string) *store.Post {
	h.t.Helper()
	p, err := h.s.Publish(h.t.Context(), a, social.Draft{Text: text, Visibility: visibility})
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

// answer is what came back.
type answer struct {
	code   int
	header http.Header
	body   []byte
}

// field is a member of a JSON answer, by its path.
func (a answer) field(t testing.TB, path ...string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("not JSON: %v: %.200s", err, a.body)
	}
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("no %v in %.300s", path, a.body)
		}
		if v, ok = m[name]; !ok {
			t.Fatalf("no %v in %.300s", path, a.body)
		}
	}
	return v
}

func (h *house) do(method, path, token string, body io.Reader, header ...string) answer {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, body)
	if err != nil {
		h.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, raw}
}

func (h *house) get(path, token string) answer {
	h.t.Helper()
	return h.do(http.MethodGet, path, token, nil)
}

func (h *house) form(path, token string, v url.Values) answer {
	h.t.Helper()
	return h.do(http.MethodPost, path, token, strings.NewReader(v.Encode()), "Content-Type", "application/x-www-form-urlencoded")
}

func (h *house) json(method, path, token string, v any) answer {
	h.t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.do(method, path, token, bytes.NewReader(raw), "Content-Type", "application/json")
}

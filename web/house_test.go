package web

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"cohort/federation"
	"cohort/social"
	"cohort/store"
	"cohort/store/storetest"
	"cohort/web/api"
	"cohort/web/auth"
	"cohort/web/i18n"
	"cohort/web/pages"
)

// house is a whole instance that answers on loopback, under a name of its own.
type house struct {
	t    testing.TB
	deps Deps
	s    *social.Service
	db   *store.DB
	echo *echo.Echo
	url  string
	log  *bytes.Buffer
}

const houseURL = "https://school.example"

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, db: storetest.Open(t), log: new(bytes.Buffer)}
	log := slog.New(slog.NewTextHandler(h.log, nil))
	files, err := store.OpenFiles(t.TempDir())
	h.must(err)
	h.s, err = social.New(social.Config{
		BaseURL: houseURL, Host: "school.example", Domain: "school.example", Name: "School", Kind: "school", Languages: []string{"en", "zh"},
		Registration: social.RegistrationOpen, Secret: []byte(strings.Repeat("s", 32)),
	}, h.db, files, log)
	h.must(err)
	client := federation.NewClient(federation.ClientConfig{AllowedNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AllowHTTP: true})
	fed, err := federation.New(federation.Config{Mode: federation.ModeOpen, Version: "test"}, h.s, client, log)
	h.must(err)
	a := auth.New(h.s, nil)
	p, err := pages.New(pages.Config{}, h.s, fed, a, log)
	h.must(err)
	texts := func(lang, key string, args map[string]any) string {
		return i18n.T(i18n.Match(lang, "", i18n.Languages()), key, args)
	}
	h.deps = Deps{Social: h.s, Fed: fed, Auth: a, API: api.New(h.s, fed, a, texts, log), Pages: p, Texts: texts, Log: log}
	h.echo = New(h.deps)
	server := httptest.NewServer(h.echo)
	t.Cleanup(func() { h.s.Hub.Close(); server.Close(); client.CloseIdleConnections() })
	h.url = server.URL
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) person(handle string) *store.Account {
	h.t.Helper()
	a, err := h.s.CreateAccount(h.t.Context(), social.NewAccount{Handle: handle, Email: handle + "@mail.example", Password: "a long enough passphrase", Role: store.RoleMember})
	h.must(err)
	return a
}

func (h *house) token(a *store.Account) string {
	h.t.Helper()
	raw, err := h.deps.Auth.NewToken(h.t.Context(), a.ID, "read write follow push")
	h.must(err)
	return raw
}

func (h *house) publish(a *store.Account, d social.Draft) *store.Post {
	h.t.Helper()
	p, err := h.s.Publish(h.t.Context(), a, d)
	h.must(err)
	return p
}

// circle makes a circle with members.
func (h *house) circle(slug, unit string, members ...*store.Account) *store.Circle {
	h.t.Helper()
	c, err := h.s.CreateCircle(h.t.Context(), social.CircleDraft{Slug: slug, Name: "Class " + slug, Unit: unit, From: 2012, To: 2015})
	h.must(err)
	for _, a := range members {
		_, err := h.s.GrantSeat(h.t.Context(), a, social.SeatGrant{Type: "alumnus", Unit: unit, From: 2012, To: 2015, Reason: "test"})
		h.must(err)
		h.must(h.s.Follow(h.t.Context(), a, c.ID, social.FollowOptions{}))
	}
	return c
}

// answer is what came back.
type answer struct {
	code   int
	header http.Header
	body   string
}

func (h *house) do(method, path string, body io.Reader, header ...string) answer {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, body)
	h.must(err)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	resp, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{resp.StatusCode, resp.Header, string(raw)}
}

func (h *house) get(path string, header ...string) answer {
	h.t.Helper()
	return h.do(http.MethodGet, path, nil, header...)
}

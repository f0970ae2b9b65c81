package pages

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
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

// house is an instance with all its pages, answering on loopback.
type house struct {
	t     testing.TB
	s     *social.Service
	db    *store.DB
	auth  *auth.Auth
	pages *Pages
	fed   *federation.Server
	log   *bytes.Buffer
	url   string
	shift time.Duration // how far the clock of the rows is ahead
}

const passphrase = "correct horse battery staple"

func newHouse(t testing.TB, change ...func(*social.Config)) *house {
	t.Helper()
	h := buildHouse(t, change...)
	server := httptest.NewServer(h.handler())
	t.Cleanup(func() { h.s.Hub.Close(); server.Close() })
	h.url = server.URL
	return h
}

// buildHouse is a house without a door.
func buildHouse(t testing.TB, change ...func(*social.Config)) *house {
	t.Helper()
	h := &house{t: t, db: storetest.Open(t), log: new(bytes.Buffer)}
	h.db.Now = func() time.Time { return time.Now().Add(h.shift) }
	log := slog.New(slog.NewTextHandler(h.log, nil))
	files, err := store.OpenFiles(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := social.Config{
		BaseURL: "http://school.example", Host: "school.example", Domain: "school.example", Name: "湘南一中", Kind: "school", Languages: []string{"zh", "en"},
		Registration: social.RegistrationOpen, Secret: []byte(strings.Repeat("s", 32)),
	}
	for _, f := range change {
		f(&c)
	}
	if h.s, err = social.New(c, h.db, files, log); err != nil {
		t.Fatal(err)
	}
	client := federation.NewClient(federation.ClientConfig{AllowedNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AllowHTTP: true, UserAgent: "cohort-test"})
	t.Cleanup(client.CloseIdleConnections)
	if h.fed, err = federation.New(federation.Config{Mode: federation.ModeOpen, Version: "0.1.0"}, h.s, client, log); err != nil {
		t.Fatal(err)
	}
	h.auth = auth.New(h.s, nil)
	if h.pages, err = New(Config{Zone: time.UTC}, h.s, h.fed, h.auth, log); err != nil {
		t.Fatal(err)
	}
	return h
}

// handler is the pages behind a router, as the program mounts them.
func (h *house) handler() http.Handler {
	e := echo.New()
	e.HTTPErrorHandler = (&reply.Handler{Log: h.s.Log, Texts: i18n.T, Pages: h.pages.Error}).Handle
	for _, r := range h.pages.Routes() {
		e.Add(r.Method, r.Path, r.Handler, r.Middleware...)
	}
	return e
}

// person makes a member.
func (h *house) person(handle string) *store.Account {
	h.t.Helper()
	a, err := h.s.CreateAccount(h.t.Context(), social.NewAccount{Handle: handle, Email: handle + "@mail.example", Password: passphrase, Role: store.RoleMember})
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}

// as is a browser in which a member is signed in.
func (h *house) as(a *store.Account) *browser {
	h.t.Helper()
	b := h.browser()
	raw, err := h.s.StartSession(h.t.Context(), a.ID, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	if err != nil {
		h.t.Fatal(err)
	}
	b.setCookie("cohort-session", raw)
	return b
}

func (h *house) publish(a *store.Account, d social.Draft) *store.Post {
	h.t.Helper()
	p, err := h.s.Publish(h.t.Context(), a, d)
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

// circle makes a circle of the class 2012(3) with these members.
func (h *house) circle(members ...*store.Account) *store.Circle {
	h.t.Helper()
	c, err := h.s.CreateCircle(h.t.Context(), social.CircleDraft{Slug: "2012-3", Name: "2012(3)", Unit: "高三 3 班", From: 2009, To: 2012})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, m := range members {
		h.seat(m)
	}
	return c
}

// seat proves that an account belongs to that class.
func (h *house) seat(a *store.Account) {
	h.t.Helper()
	if _, err := h.s.GrantSeat(h.t.Context(), a, social.SeatGrant{Type: "alumnus", Unit: "高三 3 班", From: 2009, To: 2012, Reason: "roster"}); err != nil {
		h.t.Fatal(err)
	}
}

// code is the one that was mailed last to a mailbox.
func (h *house) code(email, purpose string) string {
	h.t.Helper()
	u, err := h.db.UserByEmail(h.t.Context(), email)
	if err != nil {
		h.t.Fatal(err)
	}
	v, err := h.db.LatestVerification(h.t.Context(), u.AccountID, purpose)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.s.CodeFor(v.ID)
}

// account reads an account anew.
func (h *house) account(id store.ID) *store.Account {
	h.t.Helper()
	a, err := h.db.Account(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}

// gone reports whether a member cannot see a post any more.
func (h *house) gone(a *store.Account, id store.ID) bool {
	h.t.Helper()
	_, err := h.db.Post(h.t.Context(), store.AsAccount(a.ID), id)
	if err != nil && !isNotFound(err) {
		h.t.Fatal(err)
	}
	return err != nil
}

// pngOf is a small picture.
func pngOf(t testing.TB, w, h int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for x := range w {
		for y := range h {
			m.Set(x, y, color.RGBA{uint8(x), uint8(y), 90, 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

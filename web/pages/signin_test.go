package pages

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"cohort/social"
	"cohort/web/i18n"
)

func TestSignInAndOut(t *testing.T) {
	h := newHouse(t)
	h.person("chenmo")
	b := h.browser()
	b.open("/sign-in?next=/settings/account")
	for _, login := range []string{"chenmo", "nobody", "chenmo@mail.example", "nobody@mail.example", "@x y", ""} {
		page := b.send("/sign-in", map[string]any{"login": login, "password": "wrong " + passphrase}).must(http.StatusUnprocessableEntity)
		if page.errorOf("login") != i18n.T("en", "invalid.signin", nil) || page.value("login") != login || page.has(passphrase) {
			t.Errorf("%q: error %q, login %q", login, page.errorOf("login"), page.value("login"))
		}
	}
	before := b.client.Jar.Cookies(mustURL(t, b.url))
	for _, login := range []string{" ChenMo@mail.example ", "@chenmo", "@chenmo@school.example"} {
		b := h.browser()
		b.open("/sign-in?next=/settings/account%23look")
		page := b.send("/sign-in", map[string]any{"login": login, "password": passphrase}).must(http.StatusOK)
		if page.path != "/settings/account" {
			t.Errorf("%q leads to %s", login, page.path)
		}
		out := b.send("/sign-out", nil).must(http.StatusOK).shows(i18n.T("en", "flash.signed_out", nil))
		if out.path != "/" || b.get("/inbox").path != "/sign-in?next=%2Finbox" {
			t.Errorf("after signing out at %s, the inbox at %s", out.path, b.last.path)
		}
	}
	if len(before) == 0 {
		t.Error("a visitor's forms are bound to nothing")
	}
}

// Whoever has not proved the mailbox, or is not let in yet, is told what is missing and is nobody.
func TestNotYetMembers(t *testing.T) {
	h := newHouse(t, func(c *social.Config) { c.Registration = social.RegistrationApproval })
	b := h.browser()
	b.open("/join")
	if page := b.send("/join", map[string]any{"handle": "lin", "email": "lin@mail.example", "password": passphrase, "agree": "1"}).must(http.StatusUnprocessableEntity); page.errorOf("reason") == "" {
		t.Error("no reason is asked for")
	}
	b.send("/join", map[string]any{"password": passphrase, "agree": "1", "reason": "2012(3)"}).must(http.StatusOK)
	other := h.browser()
	other.open("/sign-in")
	page := other.send("/sign-in", map[string]any{"login": "lin", "password": passphrase}).must(http.StatusOK)
	if page.path != "/confirm" || other.stay().get("/inbox").status != http.StatusSeeOther {
		t.Errorf("without a confirmed mailbox at %s", page.path)
	}
	page.shows("lin@mail.example")
	h.browser().get("/@lin").must(http.StatusNotFound)
	waiting := i18n.T("en", "confirm.waiting", nil)
	other.send("/confirm", map[string]any{"code": h.code("lin@mail.example", "confirm")}).must(http.StatusOK).shows(waiting)
	other.open("/sign-in")
	other.send("/sign-in", map[string]any{"login": "lin", "password": passphrase}).must(http.StatusOK).shows(waiting)
	if other.stay().get("/inbox").status != http.StatusSeeOther {
		t.Error("somebody who was not let in reads an inbox")
	}
	h.browser().get("/@lin").must(http.StatusNotFound)
	if account, err := h.db.AccountByHandle(t.Context(), "lin", ""); err != nil {
		t.Fatal(err)
	} else if sessions, err := h.db.Sessions(t.Context(), account.ID); err != nil || len(sessions) != 0 {
		t.Errorf("sessions %v, %v", sessions, err)
	}
}

// Signing up with a mailbox that is taken looks the same as with one that is not.
func TestSignUpTellsNobodyAboutMailboxes(t *testing.T) {
	h := newHouse(t)
	zhao := h.person("zhao")
	pages := map[string]string{}
	for _, email := range []string{"zhao@mail.example", "free@mail.example"} {
		b := h.browser()
		b.open("/join")
		page := b.send("/join", map[string]any{"handle": email[:4] + "_new", "email": email, "password": passphrase, "agree": "1"}).must(http.StatusOK)
		wrong := b.send("/confirm", map[string]any{"code": "12345678"}).must(http.StatusUnprocessableEntity)
		again := b.open("/confirm")
		b.send("/confirm", map[string]any{"again": "1"}).must(http.StatusOK).shows(i18n.T("en", "flash.code_again", nil))
		pages[email] = page.path + " " + strings.ReplaceAll(page.text()+wrong.text()+again.text(), email, "MAIL")
	}
	if pages["zhao@mail.example"] != pages["free@mail.example"] {
		t.Errorf("they differ:\n%s\n%s", pages["zhao@mail.example"], pages["free@mail.example"])
	}
	told, err := h.db.VerificationsSince(t.Context(), zhao.ID, "taken", time.Time{})
	if err != nil || told != 1 {
		t.Errorf("its owner was told %d times, %v", told, err)
	}
	b := h.browser()
	b.open("/join")
	b.send("/join", map[string]any{"handle": "again", "email": "zhao@mail.example", "password": passphrase, "agree": "1"}).must(http.StatusOK)
	if told, err = h.db.VerificationsSince(t.Context(), zhao.ID, "taken", time.Time{}); err != nil || told != 1 {
		t.Errorf("its owner was told %d times, %v", told, err)
	}
}

func TestResetByMail(t *testing.T) {
	h := newHouse(t)
	chen := h.person("chenmo")
	old := h.as(chen)
	answers := map[string]string{}
	for _, email := range []string{"chenmo@mail.example", "nobody@mail.example"} {
		b := h.browser()
		b.open("/forgot")
		page := b.send("/forgot", map[string]any{"email": email}).must(http.StatusOK)
		form := b.open("/reset")
		if form.value("email") != email {
			t.Errorf("the form is for %q", form.value("email"))
		}
		wrong := b.send("/reset", map[string]any{"code": "00000000", "password": "another passphrase"}).must(http.StatusUnprocessableEntity)
		if wrong.errorOf("code") != i18n.T("en", "invalid.code", nil) {
			t.Errorf("error %q", wrong.errorOf("code"))
		}
		answers[email] = strings.ReplaceAll(page.text()+form.text()+wrong.text(), email, "MAIL")
	}
	if answers["chenmo@mail.example"] != answers["nobody@mail.example"] {
		t.Error("the answers tell who has an account")
	}
	b := h.browser()
	b.open("/forgot")
	if page := b.send("/forgot", map[string]any{"email": "no mailbox"}).must(http.StatusUnprocessableEntity); page.value("email") != "no mailbox" {
		t.Error("what was typed is lost")
	}
	b.send("/forgot", map[string]any{"email": "chenmo@mail.example"}).must(http.StatusOK)
	code := h.code("chenmo@mail.example", "reset")
	b.open("/reset")
	if page := b.send("/reset", map[string]any{"code": code, "password": "short"}).must(http.StatusUnprocessableEntity); page.errorOf("password") == "" {
		t.Error("a short password is taken")
	}
	page := b.send("/reset", map[string]any{"code": code, "password": "another passphrase"}).must(http.StatusOK)
	if page.path != "/sign-in" {
		t.Errorf("leads to %s", page.path)
	}
	b.open("/reset")
	b.send("/reset", map[string]any{"email": "chenmo@mail.example", "code": code, "password": "a third passphrase"}).must(http.StatusUnprocessableEntity)
	if old.stay().get("/inbox").status != http.StatusSeeOther {
		t.Error("an old session survives a new password")
	}
	b.open("/sign-in")
	b.send("/sign-in", map[string]any{"login": "chenmo", "password": "another passphrase"}).must(http.StatusOK)
}

// A code works once, for a quarter of an hour, for five tries, and only the newest.
func TestCodesEnd(t *testing.T) {
	h := newHouse(t)
	h.person("chenmo")
	b := h.browser()
	start := func() string {
		b.open("/forgot")
		b.send("/forgot", map[string]any{"email": "chenmo@mail.example"}).must(http.StatusOK)
		code := h.code("chenmo@mail.example", "reset")
		b.open("/reset")
		return code
	}
	try := func(code string, want int) {
		t.Helper()
		b.send("/reset", map[string]any{"code": code, "password": "another passphrase"}).must(want)
	}
	first := start()
	second := start()
	try(first, http.StatusUnprocessableEntity)
	h.shift = social.CodeLife + time.Second
	try(second, http.StatusUnprocessableEntity)
	third := start()
	for range 5 {
		try("00000000", http.StatusUnprocessableEntity)
	}
	try(third, http.StatusUnprocessableEntity)
}

// Guessing is slowed down, by address and by what is guessed at, and what was typed is not lost.
func TestGuessingIsLimited(t *testing.T) {
	h := newHouse(t, func(c *social.Config) { c.Limits = true })
	h.person("chenmo")
	b := h.browser()
	b.open("/sign-in")
	var page *answer
	for range social.LimitSignIn.Burst + 1 {
		page = b.send("/sign-in", map[string]any{"login": "chenmo", "password": "wrong"})
	}
	page.must(http.StatusTooManyRequests).shows(i18n.T("en", "invalid.limited", nil))
	if page.value("login") != "chenmo" || page.header.Get("Retry-After") == "" {
		t.Errorf("login %q, Retry-After %q", page.value("login"), page.header.Get("Retry-After"))
	}
	for path, l := range map[string]social.Limit{"/forgot": social.LimitMail, "/confirm": social.LimitMail, "/join": social.LimitSignUp} {
		h := newHouse(t, func(c *social.Config) { c.Limits = true })
		b := h.browser()
		for range l.Burst + 1 {
			b.open(path)
			page = b.send(path, map[string]any{"email": "a@mail.example", "again": map[bool]any{true: "1"}[path == "/confirm"], "handle": "x"})
		}
		page.must(http.StatusTooManyRequests)
	}
}

func TestSetupLink(t *testing.T) {
	h := newHouse(t)
	raw, err := h.s.SetupLink(t.Context())
	if err != nil || raw == "" {
		t.Fatal(err)
	}
	b := h.browser()
	b.get("/setup/" + raw + "x").must(http.StatusNotFound)
	b.open("/setup/" + raw).shows(i18n.T("en", "setup.no_https", nil))
	if page := b.send("/setup/"+raw, map[string]any{"handle": "zhao", "email": "zhao@mail.example", "password": "short"}).must(http.StatusUnprocessableEntity); page.errorOf("password") == "" || page.value("handle") != "zhao" {
		t.Errorf("error %q, handle %q", page.errorOf("password"), page.value("handle"))
	}
	page := b.send("/setup/"+raw, map[string]any{"password": passphrase}).must(http.StatusOK)
	if page.path != "/" || !page.has("@zhao") {
		t.Errorf("after setting up at %s", page.path)
	}
	h.browser().get("/setup/" + raw).must(http.StatusNotFound)
	if strings.Contains(h.log.String(), raw) {
		t.Error("the secret is in the log")
	}
}

func TestClosedRegistration(t *testing.T) {
	h := newHouse(t, func(c *social.Config) { c.Registration = social.RegistrationClosed })
	b := h.browser()
	page := b.open("/join").shows("湘南一中")
	if page.form("/join", nil) != nil {
		t.Error("there is a form")
	}
	b.open("/sign-in")
	b.post("/join", formWith(b.last.token())).must(http.StatusForbidden)
}

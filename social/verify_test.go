package social

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cohort/store"
)

// newcomer is an account that waits for its mailbox to be confirmed.
func (w *world) newcomer(handle string) *store.Account {
	w.t.Helper()
	a, err := w.s.Register(w.t.Context(), signUp(handle, handle+"@mail.example"))
	w.ok(err)
	return a
}

var wrongCode = &Invalid{Key: "invalid.code"}

// other digits than code.
func wrong(code string) string {
	if code[0] == '0' {
		return "1" + code[1:]
	}
	return "0" + code[1:]
}

func TestCodes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		confirmed := func(a *store.Account) bool {
			u, err := w.db.User(ctx, a.ID)
			w.ok(err)
			return !u.ConfirmedAt.IsZero()
		}
		ada, bob, cid, dan := w.newcomer("ada"), w.newcomer("bob"), w.newcomer("cid"), w.newcomer("dan")
		code := w.code(ada.ID, "confirm")
		for _, c := range []string{"", " ", wrong(code), w.code(bob.ID, "confirm"), code + "0"} {
			w.refused("code "+c, w.s.Confirm(ctx, ada.ID, c), wrongCode)
		}
		w.refused("the right one after five wrong ones", w.s.Confirm(ctx, ada.ID, code), wrongCode)
		w.ok(w.s.ResendCode(ctx, ada.ID))
		w.refused("the old one after a new one was sent", w.s.Confirm(ctx, ada.ID, code), wrongCode)
		fresh := w.code(ada.ID, "confirm")
		w.ok(w.s.Confirm(ctx, ada.ID, fresh[:4]+" "+fresh[4:]))
		w.refused("a used one", w.s.Confirm(ctx, ada.ID, fresh), wrongCode)
		before := len(w.mails())
		w.ok(w.s.ResendCode(ctx, ada.ID))
		if len(w.mails()) != before {
			t.Error("who is confirmed is sent a code")
		}
		code = w.code(bob.ID, "confirm")
		w.refused("for another purpose", w.s.FinishReset(ctx, "bob@mail.example", code, goodPassword), wrongCode)
		w.later(CodeLife)
		w.refused("an expired one", w.s.Confirm(ctx, bob.ID, code), wrongCode)
		w.refused("of nobody", w.s.Confirm(ctx, 12345, code), wrongCode)
		w.refused("resent to nobody", w.s.ResendCode(ctx, 12345), store.ErrNotFound)
		if !confirmed(ada) || confirmed(bob) || confirmed(cid) {
			t.Error("the wrong ones are confirmed")
		}
		// A hundred guesses at once are five.
		w.ok(w.s.ResendCode(ctx, dan.ID))
		right := w.code(dan.ID, "confirm")
		errs := together(100, func(i int) error { return w.s.Confirm(ctx, dan.ID, fmt.Sprintf("%08d", i)) })
		for i, err := range errs {
			if err == nil && fmt.Sprintf("%08d", i) != right || err != nil && !errors.Is(err, wrongCode) {
				t.Errorf("guess %d: %v", i, err)
			}
		}
		if n := w.count(`SELECT MAX(tries) FROM verifications`); n != codeTries {
			t.Errorf("%d tries", n)
		}
		w.refused("after a hundred guesses", w.s.Confirm(ctx, dan.ID, right), wrongCode)
		// The right one twice at once counts once.
		w.ok(w.s.ResendCode(ctx, cid.ID))
		right = w.code(cid.ID, "confirm")
		n := 0
		for _, err := range together(5, func(int) error { return w.s.Confirm(ctx, cid.ID, right) }) {
			if err == nil {
				n++
			}
		}
		if n != 1 || !confirmed(cid) {
			t.Errorf("one code was used %d times", n)
		}
	})
}

// The code is in no row and no job, and another instance's secret makes others.
func TestCodesAreStoredNowhere(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.newcomer("ada")
		v, err := w.db.LatestVerification(t.Context(), ada.ID, "confirm")
		w.ok(err)
		code := w.s.CodeFor(v.ID)
		if len(code) != 8 || strings.Trim(code, "0123456789") != "" {
			t.Fatalf("code %q", code)
		}
		for table, column := range map[string]string{"verifications": "address", "jobs": "target", "lanes": "lane"} {
			if w.count(`SELECT COUNT(*) FROM `+table+` WHERE `+column+` LIKE $1`, "%"+code+"%") != 0 {
				t.Errorf("the code stands in %s", table)
			}
		}
		if newTestService(t, w.db, strings.Repeat("o", 32)).CodeFor(v.ID) == code {
			t.Error("another secret makes the same code")
		}
		if w.s.CodeFor(v.ID+1) == code {
			t.Error("another verification has the same code")
		}
	})
}

// A reset tells nobody whether a mailbox has an account: not by its answers and not by its work.
func TestResetTellsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, err := w.s.CreateAccount(ctx, NewAccount{Handle: "very_personal", Email: "ada@mail.example", Password: goodPassword, Role: store.RoleMember})
		w.ok(err)
		out := w.person("out")
		w.ok(w.s.Suspend(ctx, out, 0, ""))
		for _, box := range []string{"ada@mail.example", "nobody@mail.example", "out@mail.example"} {
			rows := w.count(`SELECT COUNT(*) FROM verifications`)
			w.ok(w.s.StartReset(ctx, box))
			if got := w.count(`SELECT COUNT(*) FROM verifications`); got != rows+1 {
				t.Errorf("%s: %d rows written", box, got-rows)
			}
			for _, c := range []struct {
				code, password string
				want           error
			}{
				{"00000000", goodPassword + "!", wrongCode},
				{"", goodPassword + "!", wrongCode},
				{"00000000", "very_personal", wrongCode},
				{"00000000", "short", &Invalid{Key: "invalid.password_short"}},
				{"00000000", box, &Invalid{Key: "invalid.password_personal"}},
			} {
				w.refused(box+" with "+c.password, w.s.FinishReset(ctx, box, c.code, c.password), c.want)
			}
		}
		if got := w.mails(); slices.Contains(got, "reset nobody@mail.example") || slices.Contains(got, "reset ") || !slices.Contains(got, "reset ada@mail.example") {
			t.Errorf("mails %q", got)
		}
		known := took(func() { _ = w.s.FinishReset(ctx, "ada@mail.example", "00000000", goodPassword+"!") })
		unknown := took(func() { _ = w.s.FinishReset(ctx, "nobody@mail.example", "00000000", goodPassword+"!") })
		if unknown < known/4 {
			t.Errorf("a mailbox with an account takes %v, one without %v", known, unknown)
		}
		w.later(CodeLife)
		w.ok(w.s.StartReset(ctx, "ada@mail.example"))
		code := w.code(ada.ID, "reset")
		w.refused("the handle as password", w.s.FinishReset(ctx, "ada@mail.example", code, "very_personal"), &Invalid{Key: "invalid.password_personal"})
		w.ok(w.s.FinishReset(ctx, "ada@mail.example", code, "another good one"))
		w.refused("the code again", w.s.FinishReset(ctx, "ada@mail.example", code, goodPassword), wrongCode)
		w.refused("no mailbox", w.s.StartReset(ctx, "no mailbox"), &Invalid{Key: "invalid.email"})
	})
}

// took is the least of five times, so that a busy machine does not decide.
func took(f func()) time.Duration {
	least := time.Hour
	for range 5 {
		start := time.Now()
		f()
		least = min(least, time.Since(start))
	}
	return least
}

// A reset proves the mailbox too.
func TestResetConfirms(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.newcomer("ada")
		w.ok(w.s.StartReset(t.Context(), "ada@mail.example"))
		w.ok(w.s.FinishReset(t.Context(), "ada@mail.example", w.code(ada.ID, "reset"), "another good one"))
		if u, err := w.db.User(t.Context(), ada.ID); err != nil || !u.Active() {
			t.Errorf("%+v, %v", u, err)
		}
	})
}

// The link of the first start makes one admin, and none where there is one.
func TestSetup(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		admin := func(handle string) NewAccount {
			return NewAccount{Handle: handle, Email: handle + "@mail.example", Password: goodPassword}
		}
		older, err := w.s.SetupLink(ctx)
		w.ok(err)
		link, err := w.s.SetupLink(ctx)
		w.ok(err)
		for name, raw := range map[string]string{"none": "", "unknown": "x", "replaced": older, "its hash": store.HashSecret(link)} {
			if open, err := w.s.SetupOpen(ctx, raw); err != nil || open {
				t.Errorf("%s: open %v, %v", name, open, err)
			}
			_, err := w.s.Setup(ctx, raw, admin("eve"))
			w.refused(name, err, store.ErrNotFound)
		}
		_, err = w.s.Setup(ctx, link, NewAccount{Handle: "root", Email: "x", Password: goodPassword})
		w.refused("a bad mailbox", err, &Invalid{Key: "invalid.email"})
		made := 0
		for _, err := range together(10, func(i int) error {
			_, err := w.s.Setup(ctx, link, admin(fmt.Sprintf("boss%d", i)))
			return err
		}) {
			if err == nil {
				made++
			} else if !errors.Is(err, store.ErrNotFound) {
				t.Error(err)
			}
		}
		if n := w.count(`SELECT COUNT(*) FROM users WHERE role = 'admin'`); made != 1 || n != 1 {
			t.Errorf("%d admins of %d who tried", n, made)
		}
		if again, err := w.s.SetupLink(ctx); err != nil || again != "" {
			t.Errorf("another link: %v", err)
		}
	})
}

func TestSetupLinkEnds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		try := func(raw string) error {
			_, err := w.s.Setup(ctx, raw, NewAccount{Handle: "late", Email: "late@mail.example", Password: goodPassword})
			return err
		}
		expired, err := w.s.SetupLink(ctx)
		w.ok(err)
		w.later(setupLife)
		w.refused("an expired link", try(expired), store.ErrNotFound)
		link, err := w.s.SetupLink(ctx)
		w.ok(err)
		if open, err := w.s.SetupOpen(ctx, link); err != nil || !open {
			t.Errorf("open %v, %v", open, err)
		}
		_, err = w.s.CreateAccount(ctx, NewAccount{Handle: "root", Email: "root@mail.example", Password: goodPassword, Role: store.RoleAdmin})
		w.ok(err)
		if open, err := w.s.SetupOpen(ctx, link); err != nil || open {
			t.Errorf("open %v after an admin was made, %v", open, err)
		}
		w.refused("a link after an admin was made", try(link), store.ErrNotFound)
	})
}

package social

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cohort/store"
)

const goodPassword = "correct horse battery"

func signUp(handle, email string) Registration {
	return Registration{Handle: handle, Email: email, Password: goodPassword, Language: "en", Reason: "class of 2012", Agreed: true}
}

// mails lists "purpose address" of the mails that wait.
func (w *world) mails() (all []string) {
	w.t.Helper()
	for _, id := range w.ids(`SELECT object_id FROM jobs WHERE kind = 'mail' ORDER BY id`) {
		v, err := w.db.Verification(w.t.Context(), id)
		w.ok(err)
		all = append(all, v.Purpose+" "+v.Address)
	}
	return all
}

// code is what the newest mail of an account says.
func (w *world) code(account store.ID, purpose string) string {
	w.t.Helper()
	v, err := w.db.LatestVerification(w.t.Context(), account, purpose)
	w.ok(err)
	return w.s.CodeFor(v.ID)
}

func TestRegisterRefuses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.person("ada")
		w.class("2012_3")
		w.s.Config.Registration = RegistrationApproval
		for name, c := range map[string]struct {
			change func(r *Registration)
			key    string
		}{
			"no handle":              {func(r *Registration) { r.Handle = "" }, "invalid.handle"},
			"odd handle":             {func(r *Registration) { r.Handle = "a-b" }, "invalid.handle"},
			"cyrillic handle":        {func(r *Registration) { r.Handle = "аda" }, "invalid.handle"},
			"handle with a zero":     {func(r *Registration) { r.Handle = "ab\x00" }, "invalid.handle"},
			"reserved":               {func(r *Registration) { r.Handle = "Admin" }, "invalid.handle_reserved"},
			"taken":                  {func(r *Registration) { r.Handle = "ada" }, "invalid.handle_taken"},
			"taken in other letters": {func(r *Registration) { r.Handle = " AdA " }, "invalid.handle_taken"},
			"taken by a circle":      {func(r *Registration) { r.Handle = "2012_3" }, "invalid.handle_taken"},
			"no mailbox":             {func(r *Registration) { r.Email = "" }, "invalid.email"},
			"two mailboxes":          {func(r *Registration) { r.Email = "a@b.example,c@d.example" }, "invalid.email"},
			"a header in it":         {func(r *Registration) { r.Email = "a@b.example\nBcc: c@d.example" }, "invalid.email"},
			"short password":         {func(r *Registration) { r.Password = "short" }, "invalid.password_short"},
			"common password":        {func(r *Registration) { r.Password = "12345678" }, "invalid.password_common"},
			"no reason":              {func(r *Registration) { r.Reason = " " }, "invalid.reason_empty"},
			"long reason":            {func(r *Registration) { r.Reason = strings.Repeat("a", 2001) }, "invalid.reason"},
			"not agreed":             {func(r *Registration) { r.Agreed = false }, "invalid.agreement"},
		} {
			r := signUp("newcomer", "new@mail.example")
			c.change(&r)
			_, err := w.s.Register(t.Context(), r)
			w.refused(name, err, &Invalid{Key: c.key})
		}
		w.s.Config.Registration = RegistrationInvite
		_, err := w.s.Register(t.Context(), signUp("newcomer", "new@mail.example"))
		w.refused("without an invitation", err, &Invalid{Key: "invalid.invite"})
		w.s.Config.Registration = RegistrationClosed
		_, err = w.s.Register(t.Context(), signUp("newcomer", "new@mail.example"))
		w.refused("closed", err, ErrForbidden)
		if n := w.count(`SELECT COUNT(*) FROM users`); n != 1 || len(w.mails()) != 0 {
			t.Errorf("%d users, mails %q", n, w.mails())
		}
	})
}

// Of many who sign up at once with one handle, one gets it; of one mailbox, one account can be confirmed.
func TestSignUpsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		handles := []string{"same", "SAME", "Same", "sAME"}
		errs := together(20, func(i int) error {
			_, err := w.s.Register(t.Context(), signUp(handles[i%4], fmt.Sprintf("p%d@mail.example", i)))
			return err
		})
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else if !errors.Is(err, &Invalid{Key: "invalid.handle_taken"}) {
				t.Errorf("refused with %v", err)
			}
		}
		if n := w.count(`SELECT COUNT(*) FROM accounts`); made != 1 || n != 1 {
			t.Errorf("%d got the handle, %d rows", made, n)
		}
		w.s.Limits = NewLimits(false, w.db.Now)
		errs = together(8, func(i int) error {
			box := []string{"one@mail.example", "ONE@Mail.Example", "One@mail.EXAMPLE", "one＠mail.example"}[i%4]
			_, err := w.s.Register(t.Context(), signUp(fmt.Sprintf("person%d", i), box))
			return err
		})
		w.ok(errors.Join(errs...))
		if n := w.count(`SELECT COUNT(*) FROM users WHERE email_key = 'one@mail.example'`); n != 1 {
			t.Errorf("%d accounts with one mailbox", n)
		}
	})
}

// Whether a mailbox has an account is told to its owner alone.
func TestTakenMailboxLooksFree(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		owner, err := w.s.Register(ctx, signUp("owner", "Owner@mail.example"))
		w.ok(err)
		w.ok(w.s.Confirm(ctx, owner.ID, w.code(owner.ID, "confirm")))
		asked := map[string]*store.Account{}
		for _, r := range []Registration{signUp("stranger", "owner@mail.example"), signUp("newcomer", "free@mail.example")} {
			a, err := w.s.Register(ctx, r)
			if err != nil || a.ID == 0 || a.Handle != r.Handle {
				t.Fatalf("%+v, %v", a, err)
			}
			asked[r.Handle] = a
			_, u, err := w.s.SignIn(ctx, r.Handle, goodPassword, "")
			if err != nil || u.Active() {
				t.Errorf("%s signs in: %+v, %v", r.Handle, u, err)
			}
			for _, code := range []string{"00000000", "", w.code(owner.ID, "confirm")} {
				w.refused(r.Handle+" confirms with "+code, w.s.Confirm(ctx, a.ID, code), &Invalid{Key: "invalid.code"})
			}
			w.ok(w.s.ResendCode(ctx, a.ID))
			_, err = w.s.Register(ctx, signUp(r.Handle, "other@mail.example"))
			w.refused("the handle again", err, &Invalid{Key: "invalid.handle_taken"})
		}
		if got := strings.Join(w.mails(), ", "); got != "confirm Owner@mail.example, taken owner@mail.example, confirm free@mail.example, confirm free@mail.example" &&
			got != "confirm Owner@mail.example, taken Owner@mail.example, confirm free@mail.example, confirm free@mail.example" {
			t.Errorf("mails %s", got)
		}
		if u, err := w.db.UserByEmail(ctx, "owner@mail.example"); err != nil || u.AccountID != owner.ID {
			t.Errorf("the mailbox is now %+v's, %v", u, err)
		}
		_, err = w.s.Register(ctx, signUp("stranger2", "owner@mail.example"))
		w.ok(err)
		if n := len(w.mails()); n != 4 {
			t.Errorf("the owner is told once more: %q", w.mails())
		}
		w.later(16 * time.Minute)
		w.refused("the taken one, later", w.s.Confirm(ctx, asked["stranger"].ID, "00000000"), &Invalid{Key: "invalid.code"})
		_, err = w.s.CreateAccount(ctx, NewAccount{Handle: "cli", Email: "owner@mail.example", Password: goodPassword, Role: store.RoleMember})
		w.refused("the operator is told", err, &Invalid{Key: "invalid.email_taken"})
	})
}

// A mailbox that nobody has proved is nobody's: whoever signs up with it next gets the code.
func TestUnprovedMailbox(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		first, err := w.s.Register(ctx, signUp("squatter", "me@mail.example"))
		w.ok(err)
		old := w.code(first.ID, "confirm")
		second, err := w.s.Register(ctx, signUp("meimei", "me@mail.example"))
		w.ok(err)
		w.refused("the first with its code", w.s.Confirm(ctx, first.ID, old), &Invalid{Key: "invalid.code"})
		w.ok(w.s.Confirm(ctx, second.ID, w.code(second.ID, "confirm")))
		if u, err := w.db.UserByEmail(ctx, "me@mail.example"); err != nil || u.AccountID != second.ID || u.ConfirmedAt.IsZero() {
			t.Errorf("the mailbox is %+v's, %v", u, err)
		}
		refused := false
		for range LimitMail.Burst {
			_, err := w.s.Register(ctx, signUp("p"+w.db.NewID().String(), "me@mail.example"))
			refused = refused || errors.Is(err, ErrLimited)
		}
		if !refused {
			t.Error("a mailbox can be filled with codes")
		}
	})
}

func TestInvitations(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.s.Config.Registration = RegistrationInvite
		raw, hash := store.NewSecret()
		late, lateHash := store.NewSecret()
		w.tx(func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(tx.InsertLink(ctx, &store.Link{TokenHash: hash, Purpose: "invite", ExpiresAt: tx.Now.Add(time.Hour)}),
				tx.InsertLink(ctx, &store.Link{TokenHash: lateHash, Purpose: "invite", ExpiresAt: tx.Now}))
		})
		join := func(handle, invite string) error {
			r := signUp(handle, handle+"@mail.example")
			r.Invite = invite
			_, err := w.s.Register(ctx, r)
			return err
		}
		no := &Invalid{Key: "invalid.invite"}
		w.refused("expired", join("late", late), no)
		w.refused("its hash", join("hash", hash), no)
		made := 0
		for _, err := range together(10, func(i int) error { return join(fmt.Sprintf("guest%d", i), raw) }) {
			if err == nil {
				made++
			} else if !errors.Is(err, no) {
				t.Error(err)
			}
		}
		if n := w.count(`SELECT COUNT(*) FROM users`); made != 1 || n != 1 {
			t.Errorf("one invitation let %d in, %d rows", made, n)
		}
		if n := w.count(`SELECT COUNT(*) FROM links l JOIN users u ON u.account_id = l.used_by`); n != 1 {
			t.Error("nobody knows who used it")
		}
	})
}

func TestSignInRefuses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, err := w.s.CreateAccount(ctx, NewAccount{Handle: "ada", Email: "ada@mail.example", Password: goodPassword, Role: store.RoleMember})
		w.ok(err)
		out, err := w.s.CreateAccount(ctx, NewAccount{Handle: "out", Email: "out@mail.example", Password: goodPassword, Role: store.RoleMember})
		w.ok(err)
		w.ok(w.s.Suspend(ctx, out, 0, "spam"))
		w.class("2012_3")
		for _, name := range []string{"nobody", "nobody@mail.example", "out", "out@mail.example", "2012_3", "ada@other.example", "", "@", "\x00", "\xff", strings.Repeat("a", 9000)} {
			raw, _, err := w.s.SignIn(ctx, name, goodPassword, "browser")
			w.refused("sign in as "+name, err, ErrForbidden)
			if raw != "" {
				t.Errorf("%q got a session", name)
			}
		}
		for _, password := range []string{"", goodPassword + " ", strings.ToUpper(goodPassword), strings.Repeat("x", 1<<20), "\x00"} {
			_, _, err := w.s.SignIn(ctx, "ada", password, "browser")
			w.refused("a wrong password", err, ErrForbidden)
		}
		if n := w.count(`SELECT COUNT(*) FROM sessions`); n != 0 {
			t.Errorf("%d sessions", n)
		}
		for _, name := range []string{"ada", "ADA", " ada ", "@ada", "ada@mail.example", "Ada@Mail.Example", "@ada@here.example"} {
			raw, u, err := w.s.SignIn(ctx, name, goodPassword, "browser\xff\x00"+strings.Repeat("x", 900))
			if err != nil || u.AccountID != ada.ID {
				t.Errorf("sign in as %q: %v", name, err)
				continue
			}
			if _, _, a, err := w.db.SessionByToken(ctx, raw); err != nil || a.ID != ada.ID {
				t.Errorf("the session of %q: %v", name, err)
			}
			if w.count(`SELECT COUNT(*) FROM sessions WHERE token_hash = $1`, raw) != 0 {
				t.Error("the secret of a session is stored")
			}
		}
	})
}

// access gives an account a session, a token and a listener.
func (w *world) access(a *store.Account) (session store.ID, raw, token string, live *Subscription) {
	w.t.Helper()
	raw, err := w.s.StartSession(w.t.Context(), a.ID, "browser")
	w.ok(err)
	s, _, _, err := w.db.SessionByToken(w.t.Context(), raw)
	w.ok(err)
	token, hash := store.NewSecret()
	w.tx(func(ctx context.Context, tx *store.Tx) error {
		app := &store.App{Name: "app", ClientID: w.db.NewID().String(), SecretHash: "x", RedirectURIs: []string{"urn:x"}, Scopes: "read"}
		if err := tx.InsertApp(ctx, app); err != nil {
			return err
		}
		return tx.InsertToken(ctx, &store.Token{TokenHash: hash, AppID: app.ID, AccountID: a.ID, Scopes: "read"})
	})
	return s.ID, raw, token, w.s.Hub.Subscribe(a.ID, true)
}

// shut fails the test if what access gave still opens anything.
func (w *world) shut(what, raw, token string, live *Subscription) {
	w.t.Helper()
	ctx := w.t.Context()
	if _, _, _, err := w.db.SessionByToken(ctx, raw); !errors.Is(err, store.ErrNotFound) {
		w.t.Errorf("%s: the session still opens: %v", what, err)
	}
	if _, _, _, err := w.db.TokenByValue(ctx, token); !errors.Is(err, store.ErrNotFound) {
		w.t.Errorf("%s: the token still opens: %v", what, err)
	}
	for range live.C { // ends only if the listener was dropped
	}
}

// A new password, by whatever way, and a suspension end all that the old one opened.
func TestAccessEnds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, err := w.s.CreateAccount(ctx, NewAccount{Handle: "ada", Email: "ada@mail.example", Password: goodPassword, Role: store.RoleMember})
		w.ok(err)
		mine, mineRaw, _, _ := w.access(ada)
		_, raw, token, live := w.access(ada)
		w.refused("with a wrong one", w.s.ChangePassword(ctx, ada, mine, "wrong password", "another good one"), &Invalid{Key: "invalid.password_wrong"})
		w.refused("to a bad one", w.s.ChangePassword(ctx, ada, mine, goodPassword, "ada@mail.example"), &Invalid{Key: "invalid.password_personal"})
		w.ok(w.s.ChangePassword(ctx, ada, mine, goodPassword, "another good one"))
		w.shut("a change", raw, token, live)
		if _, _, _, err := w.db.SessionByToken(ctx, mineRaw); err != nil {
			t.Errorf("the session in which it was changed: %v", err)
		}
		_, raw, token, live = w.access(ada)
		w.ok(w.s.StartReset(ctx, "ada@mail.example"))
		w.ok(w.s.FinishReset(ctx, "ADA@mail.example", w.code(ada.ID, "reset"), goodPassword))
		w.shut("a reset", raw, token, live)
		w.shut("a reset", mineRaw, token, live)
		_, raw, token, live = w.access(ada)
		w.ok(w.s.SetPassword(ctx, ada, "the operator's own"))
		w.shut("the operator's reset", raw, token, live)
		_, raw, token, live = w.access(ada)
		p := w.post(ada, Draft{Text: "here"})
		w.ok(w.s.Suspend(ctx, ada, 0, "spam\x00"))
		w.shut("a suspension", raw, token, live)
		if w.sees(store.Anonymous, p.ID) {
			t.Error("the posts of a suspended account are shown")
		}
		_, _, err = w.s.SignIn(ctx, "ada", "the operator's own", "")
		w.refused("sign in while suspended", err, ErrForbidden)
		w.ok(w.s.Unsuspend(ctx, ada, 0))
		w.shut("after the suspension", raw, token, live)
		if _, _, err = w.s.SignIn(ctx, "ada", "the operator's own", ""); err != nil || !w.sees(store.Anonymous, p.ID) {
			t.Errorf("after the suspension: %v", err)
		}
		server, err := w.s.EnsureServerActor(ctx)
		w.ok(err)
		w.refused("suspend the server itself", w.s.Suspend(ctx, server, 0, "x"), ErrForbidden)
		sid, raw, token, live := w.access(ada)
		w.refused("end another's session", w.s.EndSession(ctx, w.person("eve").ID, sid), store.ErrNotFound)
		w.ok(w.s.EndSession(ctx, ada.ID, sid))
		if _, _, _, err := w.db.SessionByToken(ctx, raw); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("signed out: %v", err)
		}
		if _, _, _, err := w.db.TokenByValue(ctx, token); err != nil {
			t.Errorf("signing a browser out ends an app: %v", err)
		}
		live.Close()
	})
}

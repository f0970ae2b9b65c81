package store_test

import (
	"errors"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

func TestUsers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		ada, bob := c.person("ada"), c.person("bob")
		c.refused(store.ErrConflict, func(tx *store.Tx) error {
			return tx.InsertUser(c.ctx, &store.User{AccountID: 99, EmailKey: "ada@mail.example", Role: store.RoleMember})
		})
		c.refused(store.ErrConflict, func(tx *store.Tx) error {
			return tx.InsertUser(c.ctx, &store.User{AccountID: ada.ID, EmailKey: "second@mail.example", Role: store.RoleMember})
		})
		c.refused(store.ErrConflict, func(tx *store.Tx) error { return tx.SetEmail(c.ctx, bob.ID, "Ada@mail.example", "ada@mail.example") })
		for name, f := range map[string]func(tx *store.Tx) error{
			"password": func(tx *store.Tx) error { return tx.SetPassword(c.ctx, 5, "h") },
			"confirm":  func(tx *store.Tx) error { return tx.SetConfirmed(c.ctx, 5) },
			"approve":  func(tx *store.Tx) error { return tx.SetApproved(c.ctx, 5) },
			"email":    func(tx *store.Tx) error { return tx.SetEmail(c.ctx, 5, "x", "x") },
			"update": func(tx *store.Tx) error {
				return tx.UpdateUser(c.ctx, &store.User{AccountID: 5, Role: store.RoleMember, DefaultVisibility: store.Public})
			},
		} {
			t.Run(name, func(t *testing.T) { newCrowd(t, db).refused(store.ErrNotFound, f) })
		}

		u, err := db.UserByEmail(c.ctx, "ada@mail.example")
		if err != nil || u.AccountID != ada.ID || !u.Active() || u.DefaultVisibility != store.Public {
			t.Fatalf("%+v, %v", u, err)
		}
		u.Role, u.Language, u.HideCollections, u.ShortcutsOff, u.DefaultSensitive, u.PasswordHash = store.RoleAdmin, "zh", true, true, true, "stolen"
		c.do(func(tx *store.Tx) error { return tx.UpdateUser(c.ctx, u) })
		got, err := db.User(c.ctx, ada.ID)
		if err != nil || got.Role != store.RoleAdmin || got.Language != "zh" || !got.HideCollections || !got.ShortcutsOff || !got.DefaultSensitive {
			t.Fatalf("%+v, %v", got, err)
		}
		if got.PasswordHash != "x" {
			t.Fatal("preferences changed the password")
		}
		for role, want := range map[string]int{store.RoleAdmin: 1, store.RoleMember: 1, store.RoleModerator: 0} {
			if n, err := db.CountUsers(c.ctx, role); err != nil || n != want {
				t.Errorf("%s: %d, %v", role, n, err)
			}
		}
		if staff, err := db.Staff(c.ctx); err != nil || len(staff) != 1 || staff[0] != ada.ID {
			t.Fatalf("staff: %v, %v", staff, err)
		}
	})
}

func TestUsersWaiting(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		c.person("ada")
		bob := c.person("bob")
		c.exec(`UPDATE users SET approved_at = NULL, confirmed_at = NULL WHERE account_id = $1`, int64(bob.ID))
		if u, err := db.User(c.ctx, bob.ID); err != nil || u.Active() {
			t.Fatalf("%+v, %v", u, err)
		}
		all, _, err := db.Users(c.ctx, store.UserFilter{}, store.Page{})
		waiting, _, errWaiting := db.Users(c.ctx, store.UserFilter{Waiting: true}, store.Page{})
		if err != nil || errWaiting != nil || len(all) != 2 || len(waiting) != 1 || waiting[0].Account.Handle != "bob" {
			t.Fatalf("%d and %d, %v, %v", len(all), len(waiting), err, errWaiting)
		}
		s, err := db.Stats(c.ctx)
		if err != nil || s.Users != 1 || s.ActiveMonth != 0 {
			t.Fatalf("%+v, %v", s, err)
		}
		c.do(func(tx *store.Tx) error {
			if err := tx.SetConfirmed(c.ctx, bob.ID); err != nil {
				return err
			}
			if err := tx.SetApproved(c.ctx, bob.ID); err != nil {
				return err
			}
			return tx.TouchActive(c.ctx, bob.ID)
		})
		c.post(bob, store.Public, 0)
		if s, err := db.Stats(c.ctx); err != nil || s.Users != 2 || s.ActiveMonth != 1 || s.ActiveHalfYear != 1 || s.Posts != 1 {
			t.Fatalf("%+v, %v", s, err)
		}
	})
}

func TestSessionRefusals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		now := c.clock()
		ada, bob := c.person("ada"), c.person("bob")
		start := func(a *store.Account) (string, *store.Session) {
			raw, hash := store.NewSecret()
			s := &store.Session{TokenHash: hash, AccountID: a.ID, UserAgent: "browser", ExpiresAt: now.Add(time.Hour)}
			c.do(func(tx *store.Tx) error { return tx.InsertSession(c.ctx, s) })
			return raw, s
		}
		valid := func(raw string) bool {
			t.Helper()
			s, u, a, err := db.SessionByToken(c.ctx, raw)
			if err == nil && (s.AccountID != a.ID || u.AccountID != a.ID) {
				t.Fatal("mixed up")
			}
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				t.Fatal(err)
			}
			return err == nil
		}
		raw, s := start(ada)
		other, _ := start(ada)
		bobs, bobSession := start(bob)
		if !valid(raw) || !valid(other) || !valid(bobs) {
			t.Fatal("a fresh session is refused")
		}
		for name, wrong := range map[string]string{"empty": "", "hash instead of secret": s.TokenHash, "cut": raw[:len(raw)-1], "longer": raw + "A"} {
			if valid(wrong) {
				t.Errorf("%s is accepted", name)
			}
		}
		c.refused(store.ErrNotFound, func(tx *store.Tx) error { return tx.EndSession(c.ctx, ada.ID, bobSession.ID) })
		if list, err := db.Sessions(c.ctx, ada.ID); err != nil || len(list) != 2 {
			t.Fatalf("%v, %v", list, err)
		}
		c.do(func(tx *store.Tx) error { return tx.SetSuspended(c.ctx, bob.ID, true) })
		if valid(bobs) {
			t.Error("a suspended account is signed in")
		}
		c.do(func(tx *store.Tx) error { return tx.SetSuspended(c.ctx, bob.ID, false) })
		if !valid(bobs) {
			t.Error("lifting the suspension did not help")
		}
		c.do(func(tx *store.Tx) error { return tx.EndSessions(c.ctx, ada.ID, s.ID) })
		if !valid(raw) || valid(other) || !valid(bobs) {
			t.Error("ending the other sessions ended the wrong ones")
		}
		*now = now.Add(time.Hour)
		if valid(raw) {
			t.Error("an expired session is accepted")
		}
	})
}

func TestTokenRefusals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		ada, bob := c.person("ada"), c.person("bob")
		app := &store.App{Name: "client", ClientID: "cid", RedirectURIs: []string{"app://x", "urn:y"}, Scopes: "read write"}
		foreign := &store.App{Name: "other", ClientID: "cid2"}
		issue := func(account store.ID) (string, *store.Token) {
			raw, hash := store.NewSecret()
			tok := &store.Token{TokenHash: hash, AppID: app.ID, AccountID: account, Scopes: "read"}
			c.do(func(tx *store.Tx) error { return tx.InsertToken(c.ctx, tok) })
			return raw, tok
		}
		c.do(func(tx *store.Tx) error { return errors.Join(tx.InsertApp(c.ctx, app), tx.InsertApp(c.ctx, foreign)) })
		if got, err := db.AppByClientID(c.ctx, "cid"); err != nil || len(got.RedirectURIs) != 2 || got.ID != app.ID {
			t.Fatalf("%+v, %v", got, err)
		}
		if found, err := db.Apps(c.ctx, []store.ID{app.ID, 5}); err != nil || found[app.ID].Name != "client" || len(found) != 1 {
			t.Fatalf("%v, %v", found, err)
		}
		valid := func(raw string) bool {
			t.Helper()
			_, _, _, err := db.TokenByValue(c.ctx, raw)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				t.Fatal(err)
			}
			return err == nil
		}
		raw, tok := issue(ada.ID)
		bobs, bobTok := issue(bob.ID)
		own, _ := issue(0)
		if tk, u, a, err := db.TokenByValue(c.ctx, raw); err != nil || tk.ID != tok.ID || u.AccountID != ada.ID || a.Handle != "ada" {
			t.Fatalf("%+v, %v", tk, err)
		}
		if tk, u, a, err := db.TokenByValue(c.ctx, own); err != nil || tk.AccountID != 0 || u != nil || a != nil {
			t.Fatalf("an app's own token: %v", err)
		}
		if valid("") || valid(tok.TokenHash) {
			t.Error("a wrong value is accepted")
		}
		c.refused(store.ErrNotFound, func(tx *store.Tx) error { return tx.RevokeToken(c.ctx, ada.ID, bobTok.ID) })
		c.refused(store.ErrNotFound, func(tx *store.Tx) error {
			_, err := tx.RevokeTokenByValue(c.ctx, raw, foreign.ID)
			return err
		})
		c.do(func(tx *store.Tx) error { return tx.TouchToken(c.ctx, tok.ID) })
		if tk, _, _, err := db.TokenByValue(c.ctx, raw); err != nil || tk.UsedDay != store.Day(db.Now()) {
			t.Fatalf("%v", err)
		}
		c.do(func(tx *store.Tx) error {
			account, err := tx.RevokeTokenByValue(c.ctx, raw, app.ID)
			if account != ada.ID {
				t.Errorf("whose: %d", account)
			}
			return err
		})
		if valid(raw) || !valid(bobs) || !valid(own) {
			t.Error("revoking one ended the wrong ones")
		}
		c.do(func(tx *store.Tx) error { return tx.RevokeTokens(c.ctx, 0) })
		if !valid(own) {
			t.Error("nobody's tokens were revoked")
		}
		c.do(func(tx *store.Tx) error { return tx.SetSuspended(c.ctx, bob.ID, true) })
		if valid(bobs) {
			t.Error("a suspended account's token is accepted")
		}
		if list, err := db.Tokens(c.ctx, bob.ID); err != nil || len(list) != 1 || list[0].App.Name != "client" {
			t.Fatalf("%v, %v", list, err)
		}
		if list, err := db.Tokens(c.ctx, 0); err != nil || len(list) != 0 {
			t.Fatalf("the tokens of nobody: %v, %v", list, err)
		}
	})
}

func TestCodes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		now := c.clock()
		ada := c.person("ada")
		use := func(raw string, app store.ID) (code *store.Code, ok bool) {
			t.Helper()
			c.do(func(tx *store.Tx) (err error) {
				code, ok, err = tx.UseCode(c.ctx, raw, app)
				return err
			})
			return code, ok
		}
		make := func() string {
			raw, hash := store.NewSecret()
			c.do(func(tx *store.Tx) error {
				return tx.InsertCode(c.ctx, &store.Code{CodeHash: hash, AppID: 7, AccountID: ada.ID, RedirectURI: "app://x", Scopes: "read", Challenge: "ch", ExpiresAt: now.Add(time.Minute)})
			})
			return raw
		}
		raw := make()
		if _, ok := use(raw, 8); ok {
			t.Fatal("another app's code is accepted")
		}
		if _, ok := use("unknown", 7); ok {
			t.Fatal("an unknown code is accepted")
		}
		code, ok := use(raw, 7)
		if !ok || code.AccountID != ada.ID || code.RedirectURI != "app://x" || code.Challenge != "ch" {
			t.Fatalf("%+v, %v", code, ok)
		}
		tokenRaw, tokenHash := store.NewSecret()
		tok := &store.Token{TokenHash: tokenHash, AppID: 7, AccountID: ada.ID}
		c.do(func(tx *store.Tx) error {
			if err := tx.InsertToken(c.ctx, tok); err != nil {
				return err
			}
			return tx.LinkCode(c.ctx, code.CodeHash, tok.ID)
		})
		if _, _, _, err := db.TokenByValue(c.ctx, tokenRaw); err != nil {
			t.Fatal(err)
		}
		if _, ok := use(raw, 7); ok {
			t.Fatal("a used code is accepted")
		}
		if _, _, _, err := db.TokenByValue(c.ctx, tokenRaw); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("the token of a replayed code still works: %v", err)
		}

		once := make()
		if n := c.together(5, func(tx *store.Tx) (bool, error) {
			_, ok, err := tx.UseCode(c.ctx, once, 7)
			return ok, err
		}); n != 1 {
			t.Fatalf("a code was used %d times", n)
		}
		unused := make()
		c.do(func(tx *store.Tx) error { return tx.RevokeTokens(c.ctx, ada.ID) })
		if _, ok := use(unused, 7); ok {
			t.Fatal("a code from before all access was ended is accepted")
		}
		late := make()
		*now = now.Add(time.Minute)
		if _, ok := use(late, 7); ok {
			t.Fatal("an expired code is accepted")
		}
	})
}

func TestVerifications(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		now := c.clock()
		send := func(account store.ID, purpose string) *store.Verification {
			*now = now.Add(time.Second)
			v := &store.Verification{AccountID: account, Purpose: purpose, Address: "a@b.example", ExpiresAt: now.Add(15 * time.Minute)}
			c.do(func(tx *store.Tx) error { return tx.InsertVerification(c.ctx, v) })
			return v
		}
		try := func(account store.ID, purpose string) (v *store.Verification, err error) {
			err = db.Tx(c.ctx, func(tx *store.Tx) (err error) {
				v, err = tx.TryVerification(c.ctx, account, purpose)
				return err
			})
			return v, err
		}
		use := func(id store.ID) error {
			return db.Tx(c.ctx, func(tx *store.Tx) error { return tx.UseVerification(c.ctx, id) })
		}
		none := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
		_, err := try(1, "confirm")
		none("no code", err)
		old := send(1, "confirm")
		v := send(1, "confirm")
		_, err = try(2, "confirm")
		none("somebody else's", err)
		_, err = try(1, "reset")
		none("another purpose", err)
		for i := 1; i <= 5; i++ {
			if got, err := try(1, "confirm"); err != nil || got.ID != v.ID || got.Tries != i {
				t.Fatalf("try %d: %+v, %v", i, got, err)
			}
		}
		_, err = try(1, "confirm")
		none("a sixth try", err)
		none("an older code", use(old.ID))
		if err := use(v.ID); err != nil {
			t.Fatal(err)
		}
		none("a used code", use(v.ID))
		_, err = try(1, "confirm")
		none("trying a used code", err)

		late := send(1, "reset")
		if n, err := db.VerificationsSince(c.ctx, 1, "confirm", now.Add(-time.Hour)); err != nil || n != 2 {
			t.Fatalf("%d sent, %v", n, err)
		}
		if got, err := db.Verification(c.ctx, late.ID); err != nil || got.Address != "a@b.example" {
			t.Fatalf("%+v, %v", got, err)
		}
		*now = now.Add(15 * time.Minute)
		_, err = try(1, "reset")
		none("an expired code", err)
		none("using an expired code", use(late.ID))

		again := send(3, "confirm")
		if n := c.together(8, func(tx *store.Tx) (bool, error) {
			_, err := tx.TryVerification(c.ctx, 3, "confirm")
			if errors.Is(err, store.ErrNotFound) {
				return false, nil
			}
			return err == nil, err
		}); n != 5 {
			t.Fatalf("%d tries at once", n)
		}
		if n := c.together(5, func(tx *store.Tx) (bool, error) {
			err := tx.UseVerification(c.ctx, again.ID)
			if errors.Is(err, store.ErrNotFound) {
				return false, nil
			}
			return err == nil, err
		}); n != 1 {
			t.Fatalf("used %d times", n)
		}
	})
}

func TestLinks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		now := c.clock()
		_, setup := store.NewSecret()
		_, invite := store.NewSecret()
		_, late := store.NewSecret()
		c.do(func(tx *store.Tx) error {
			return errors.Join(
				tx.InsertLink(c.ctx, &store.Link{TokenHash: setup, Purpose: "setup", ExpiresAt: now.Add(time.Hour)}),
				tx.InsertLink(c.ctx, &store.Link{TokenHash: invite, Purpose: "invite", MadeBy: 3, ExpiresAt: now.Add(time.Hour)}),
				tx.InsertLink(c.ctx, &store.Link{TokenHash: late, Purpose: "invite", ExpiresAt: now.Add(time.Minute)}))
		})
		for name, f := range map[string]func(tx *store.Tx) error{
			"unknown":         func(tx *store.Tx) error { return tx.UseLink(c.ctx, "setup", "x", 1) },
			"another purpose": func(tx *store.Tx) error { return tx.UseLink(c.ctx, "setup", invite, 1) },
		} {
			t.Run(name, func(t *testing.T) { newCrowd(t, db).refused(store.ErrNotFound, f) })
		}
		if n := c.together(5, func(tx *store.Tx) (bool, error) {
			err := tx.UseLink(c.ctx, "invite", invite, 9)
			if errors.Is(err, store.ErrNotFound) {
				return false, nil
			}
			return err == nil, err
		}); n != 1 {
			t.Fatalf("an invitation was used %d times", n)
		}
		if l, err := db.Link(c.ctx, "invite", invite); err != nil || l.UsedBy != 9 || l.UsedAt.IsZero() || l.MadeBy != 3 {
			t.Fatalf("%+v, %v", l, err)
		}
		c.do(func(tx *store.Tx) error { return tx.DeleteLinks(c.ctx, "setup") })
		if _, err := db.Link(c.ctx, "setup", setup); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("a void link: %v", err)
		}
		*now = now.Add(time.Minute)
		c.refused(store.ErrNotFound, func(tx *store.Tx) error { return tx.UseLink(c.ctx, "invite", late, 1) })
	})
}

func TestSecrets(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		raw, hash := store.NewSecret()
		if len(raw) != 43 || hash != store.HashSecret(raw) || hash == raw || seen[raw] {
			t.Fatalf("%q %q", raw, hash)
		}
		seen[raw] = true
	}
}

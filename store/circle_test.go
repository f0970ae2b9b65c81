package store_test

import (
	"errors"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

func TestSeatsThatFit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		for i, test := range []struct {
			name             string
			unit             string
			from, to         int
			circleFrom, till int
			fits             bool
		}{
			{"same years", "2012(3)", 2009, 2012, 2009, 2012, true},
			{"years that meet at one end", "2012(3)", 2006, 2009, 2009, 2012, true},
			{"years before", "2012(3)", 2003, 2008, 2009, 2012, false},
			{"years after", "2012(3)", 2013, 2015, 2009, 2012, false},
			{"another unit", "2012(4)", 2009, 2012, 2009, 2012, false},
			{"unit in other case", "2012(3) ", 2009, 2012, 2009, 2012, false},
			{"whole unit", "2012(3)", 1990, 1991, 0, 0, true},
			{"open end", "2012(3)", 2000, 0, 2009, 2012, true},
			{"open end, later", "2012(3)", 2013, 0, 2009, 2012, false},
		} {
			ada := c.person("p" + string(rune('a'+i)))
			circle := c.circle("c"+string(rune('a'+i)), "2012(3)", test.circleFrom, test.till)
			s := c.seat(ada, test.unit, test.from, test.to)
			got, err := db.LiveSeatFor(c.ctx, ada.ID, circle)
			if test.fits != (err == nil) || err != nil && !errors.Is(err, store.ErrNotFound) || err == nil && got.ID != s.ID {
				t.Errorf("%s: %+v, %v", test.name, got, err)
			}
			circles, err := db.CirclesForSeat(c.ctx, s)
			opens := false
			for _, o := range circles {
				opens = opens || o.ID == circle.ID
			}
			if err != nil || opens != test.fits {
				t.Errorf("%s: opens %v, %v", test.name, opens, err)
			}
		}
	})
}

func TestSeatRefusals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		now := c.clock()
		circle, other := c.circle("c2012", "u", 2012, 2012), c.circle("c2013", "u", 2012, 2013)
		none := func(what string, account *store.Account) {
			t.Helper()
			if s, err := db.LiveSeatFor(c.ctx, account.ID, circle); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: %+v, %v", what, s, err)
			}
		}
		revoked, late, barred, seatBarred, stranger := c.person("revoked"), c.person("late"), c.person("barred"), c.person("seatbarred"), c.person("stranger")
		rs := c.seat(revoked, "u", 2012, 2012)
		c.do(func(tx *store.Tx) error { _, err := tx.RevokeSeat(c.ctx, rs.ID, "left"); return err })
		none("revoked", revoked)
		c.refused(store.ErrNotFound, func(tx *store.Tx) error { _, err := tx.RevokeSeat(c.ctx, rs.ID, "again"); return err })
		c.refused(store.ErrNotFound, func(tx *store.Tx) error { _, err := tx.RevokeSeat(c.ctx, 5, "none"); return err })

		ls := &store.Seat{AccountID: late.ID, Type: "guest", Unit: "u", YearFrom: 2012, YearTo: 2012, Reason: "r", ExpiresAt: now.Add(time.Minute)}
		c.do(func(tx *store.Tx) error { return tx.InsertSeat(c.ctx, ls) })
		if _, err := db.LiveSeatFor(c.ctx, late.ID, circle); err != nil {
			t.Fatal(err)
		}
		*now = now.Add(time.Minute)
		none("expired", late)
		none("nobody's", stranger)

		bs, ss := c.seat(barred, "u", 2012, 2012), c.seat(seatBarred, "u", 2012, 2012)
		c.do(func(tx *store.Tx) error {
			return errors.Join(tx.InsertBar(c.ctx, store.Bar{CircleID: circle.ID, AccountID: barred.ID, Reason: "x"}),
				tx.InsertBar(c.ctx, store.Bar{CircleID: circle.ID, SeatID: ss.ID, Reason: "y"}))
		})
		none("barred account", barred)
		none("barred seat", seatBarred)
		for _, test := range []struct {
			name                  string
			circle, account, seat store.ID
			want                  bool
		}{
			{"account", circle.ID, barred.ID, 0, true},
			{"account with any seat", circle.ID, barred.ID, ss.ID, true},
			{"seat, moved to another account", circle.ID, stranger.ID, ss.ID, true},
			{"somebody without that seat", circle.ID, stranger.ID, 0, false},
			{"holder without naming the seat", circle.ID, seatBarred.ID, 0, false},
			{"another circle", other.ID, barred.ID, bs.ID, false},
			{"nobody", circle.ID, 0, 0, false},
		} {
			if got, err := db.Barred(c.ctx, test.circle, test.account, test.seat); err != nil || got != test.want {
				t.Errorf("%s: %v, %v", test.name, got, err)
			}
		}
		if _, err := db.LiveSeatFor(c.ctx, barred.ID, other); err != nil {
			t.Errorf("a bar of one circle closes another: %v", err)
		}
		c.do(func(tx *store.Tx) error {
			return tx.DeleteBar(c.ctx, store.Bar{CircleID: circle.ID, AccountID: barred.ID})
		})
		if _, err := db.LiveSeatFor(c.ctx, barred.ID, circle); err != nil {
			t.Errorf("a lifted bar still bars: %v", err)
		}
	})
}

func TestMembershipRefusals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		now := c.clock()
		circle := c.circle("c2012", "u", 2012, 2012)
		ada, bob, eve := c.person("ada"), c.person("bob"), c.remote("eve", "e.example")
		mine, his := c.seat(ada, "u", 2012, 2012), c.seat(bob, "u", 2012, 2012)
		gone := c.seat(ada, "u", 2012, 2012)
		short := &store.Seat{AccountID: ada.ID, Type: "guest", Unit: "u", YearFrom: 2012, YearTo: 2012, Reason: "r", ExpiresAt: now.Add(time.Hour)}
		c.do(func(tx *store.Tx) error {
			_, err := tx.RevokeSeat(c.ctx, gone.ID, "x")
			return errors.Join(err, tx.InsertSeat(c.ctx, short))
		})
		save := func(m store.Membership) error {
			m.CircleID, m.VerifiedAt = circle.ID, *now
			return db.Tx(c.ctx, func(tx *store.Tx) error { return tx.SaveMembership(c.ctx, &m) })
		}
		for name, seat := range map[string]store.ID{"another's seat": his.ID, "a revoked seat": gone.ID, "no such seat": 5} {
			if err := save(store.Membership{AccountID: ada.ID, SeatID: seat}); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		// It never outlasts its seat, whatever is asked.
		for _, asked := range []time.Time{{}, now.Add(100 * time.Hour)} {
			if err := save(store.Membership{AccountID: ada.ID, SeatID: short.ID, ExpiresAt: asked}); err != nil {
				t.Fatal(err)
			}
			if m, err := db.Membership(c.ctx, circle.ID, ada.ID); err != nil || !m.ExpiresAt.Equal(short.ExpiresAt) || !m.Current(*now) || m.Current(short.ExpiresAt) {
				t.Fatalf("%+v, %v", m, err)
			}
		}
		if err := save(store.Membership{AccountID: ada.ID, SeatID: mine.ID}); err != nil {
			t.Fatal(err)
		}
		c.do(func(tx *store.Tx) error {
			return errors.Join(tx.InsertBar(c.ctx, store.Bar{CircleID: circle.ID, AccountID: ada.ID}), tx.InsertBar(c.ctx, store.Bar{CircleID: circle.ID, SeatID: his.ID}))
		})
		if err := save(store.Membership{AccountID: ada.ID, SeatID: mine.ID}); !errors.Is(err, store.ErrBarred) {
			t.Errorf("barred account: %v", err)
		}
		if err := save(store.Membership{AccountID: bob.ID, SeatID: his.ID}); !errors.Is(err, store.ErrBarred) {
			t.Errorf("barred seat: %v", err)
		}
		// The host is the account's, whatever the caller says.
		m := store.Membership{CircleID: circle.ID, AccountID: eve.ID, Host: "", FollowURI: "https://e.example/f1"}
		c.do(func(tx *store.Tx) error { return tx.SaveMembership(c.ctx, &m) })
		if got, err := db.Membership(c.ctx, circle.ID, eve.ID); err != nil || got.Host != "e.example" || got.Current(*now) {
			t.Fatalf("%+v, %v", got, err)
		}
		for what, err := range map[string]error{
			"another circle": firstOf(db.MembershipByFollow(c.ctx, ada.ID, m.FollowURI)),
			"another follow": firstOf(db.MembershipByFollow(c.ctx, circle.ID, "https://e.example/f2")),
			"empty follow":   firstOf(db.MembershipByFollow(c.ctx, circle.ID, "")),
			"empty, any":     firstOf(db.MembershipByFollow(c.ctx, 0, "")),
			"ending none":    db.Tx(c.ctx, func(tx *store.Tx) error { return tx.EndMembership(c.ctx, circle.ID, bob.ID) }),
		} {
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
		for _, id := range []store.ID{0, circle.ID} {
			if got, err := db.MembershipByFollow(c.ctx, id, m.FollowURI); err != nil || got.AccountID != eve.ID {
				t.Errorf("%+v, %v", got, err)
			}
		}
	})
}

func firstOf[T any](_ T, err error) error { return err }

func TestEndOfMembership(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		circle, second := c.circle("c2012", "u", 2012, 2012), c.circle("all", "u", 0, 0)
		ada, bob := c.person("ada"), c.person("bob")
		seat, other := c.seat(ada, "u", 2012, 2012), c.seat(ada, "u", 2012, 2012)
		c.sits(circle.Account, ada, seat)
		c.sits(second.Account, ada, other)
		c.sits(circle.Account, bob, nil)
		p1, p2 := c.post(bob, store.InCircle, circle.ID), c.post(bob, store.Public, 0)
		for _, who := range []*store.Account{ada, bob} {
			for _, p := range []*store.Post{p1, p2} {
				c.exec(`INSERT INTO timeline (account_id, post_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, int64(who.ID), int64(p.ID))
			}
		}
		c.do(func(tx *store.Tx) error {
			ended, err := tx.RevokeSeat(c.ctx, seat.ID, "error")
			if len(ended) != 1 || ended[0].CircleID != circle.ID || ended[0].AccountID != ada.ID {
				t.Errorf("ended: %+v", ended)
			}
			return err
		})
		if m, err := db.Membership(c.ctx, circle.ID, ada.ID); err != nil || m.Current(db.Now()) {
			t.Fatalf("%+v, %v", m, err)
		}
		if m, err := db.Membership(c.ctx, second.ID, ada.ID); err != nil || !m.Current(db.Now()) {
			t.Fatalf("a membership that rests on another seat ended: %v", err)
		}
		if n := c.count(`SELECT COUNT(*) FROM timeline WHERE account_id = $1`, int64(ada.ID)); n != 1 {
			t.Errorf("%d rows in the home of the former member, want 1", n)
		}
		if n := c.count(`SELECT COUNT(*) FROM timeline WHERE account_id = $1`, int64(bob.ID)); n != 2 {
			t.Errorf("%d rows in the home of the other member, want 2", n)
		}
		if _, err := db.Post(c.ctx, store.AsAccount(ada.ID), p1.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a former member reads: %v", err)
		}
		c.refused(store.ErrNotFound, func(tx *store.Tx) error { return tx.EndMembership(c.ctx, circle.ID, ada.ID) })
	})
}

// A membership that expired in silence must not leave its posts behind when a new one begins in its row.
func TestExpiredMembershipBeginsAnew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		now := c.clock()
		circle, ada, bob := c.circle("c2012", "u", 0, 0), c.person("ada"), c.person("bob")
		c.sits(circle.Account, bob, nil)
		m := &store.Membership{CircleID: circle.ID, AccountID: ada.ID, VerifiedAt: *now, ExpiresAt: now.Add(time.Hour)}
		c.do(func(tx *store.Tx) error { return tx.SaveMembership(c.ctx, m) })
		p := c.post(bob, store.InCircle, circle.ID)
		c.exec(`INSERT INTO timeline (account_id, post_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, int64(ada.ID), int64(p.ID))
		*now = now.Add(30 * 24 * time.Hour)
		c.do(func(tx *store.Tx) error {
			return tx.SaveMembership(c.ctx, &store.Membership{CircleID: circle.ID, AccountID: ada.ID})
		})
		if n := c.count(`SELECT COUNT(*) FROM timeline WHERE account_id = $1`, int64(ada.ID)); n != 0 {
			t.Errorf("%d rows are left", n)
		}
	})
}

// Whoever comes first, no current membership rests on a revoked seat or belongs to a barred account.
func TestRevokingRacesVerifying(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		circle := c.circle("c2012", "u", 0, 0)
		for i := range 12 {
			ada := c.person("p" + string(rune('a'+i)))
			seat := c.seat(ada, "u", 2012, 2012)
			done := make(chan error, 2)
			go func() {
				done <- db.Tx(c.ctx, func(tx *store.Tx) error {
					err := tx.SaveMembership(c.ctx, &store.Membership{CircleID: circle.ID, AccountID: ada.ID, SeatID: seat.ID, VerifiedAt: tx.Now})
					if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrBarred) {
						return nil
					}
					return err
				})
			}()
			go func() {
				done <- db.Tx(c.ctx, func(tx *store.Tx) error {
					if i%2 == 0 {
						_, err := tx.RevokeSeat(c.ctx, seat.ID, "race")
						return err
					}
					if err := tx.InsertBar(c.ctx, store.Bar{CircleID: circle.ID, AccountID: ada.ID}); err != nil {
						return err
					}
					if err := tx.EndMembership(c.ctx, circle.ID, ada.ID); !errors.Is(err, store.ErrNotFound) {
						return err
					}
					return nil
				})
			}()
			if err := errors.Join(<-done, <-done); err != nil {
				t.Fatal(err)
			}
			if m, err := db.Membership(c.ctx, circle.ID, ada.ID); err == nil && m.Current(db.Now()) {
				t.Fatalf("round %d: current after it was taken away", i)
			}
		}
	})
}

func TestMembersAreForMembers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		now := c.clock()
		circle := c.circle("c2012", "u", 0, 0)
		ada, bob, waits, former, expired, stranger := c.person("ada"), c.person("bob"), c.person("waits"), c.person("former"), c.person("expired"), c.person("stranger")
		near, far, guest := c.remote("near", "n.example"), c.remote("far", "f.example"), c.remote("guest", "g.example")
		for _, a := range []*store.Account{ada, bob, former, near} {
			c.sits(circle.Account, a, nil)
		}
		c.do(func(tx *store.Tx) error {
			return errors.Join(
				tx.EndMembership(c.ctx, circle.ID, former.ID),
				tx.SaveMembership(c.ctx, &store.Membership{CircleID: circle.ID, AccountID: waits.ID}),
				tx.SaveMembership(c.ctx, &store.Membership{CircleID: circle.ID, AccountID: expired.ID, VerifiedAt: tx.Now, ExpiresAt: tx.Now.Add(time.Second)}),
				tx.SaveMembership(c.ctx, &store.Membership{CircleID: circle.ID, AccountID: far.ID, VerifiedAt: tx.Now}), // its server is not approved
				tx.SaveMembership(c.ctx, &store.Membership{CircleID: circle.ID, AccountID: guest.ID, Via: "web", VerifiedAt: tx.Now}))
		})
		*now = now.Add(time.Minute)
		server := func(host string) store.Viewer {
			v, err := db.AsServer(c.ctx, host)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		for name, test := range map[string]struct {
			v    store.Viewer
			sees bool
		}{
			"anonymous": {store.Anonymous, false}, "waiting": {store.AsAccount(waits.ID), false}, "former": {store.AsAccount(former.ID), false},
			"expired": {store.AsAccount(expired.ID), false}, "stranger": {store.AsAccount(stranger.ID), false}, "unapproved server": {store.AsAccount(far.ID), false},
			"as unapproved server": {server("f.example"), false}, "guest's server": {server("g.example"), false}, "guest, signed": {store.AsSigner(guest.ID), false},
			"member": {store.AsAccount(ada.ID), true}, "circle": {store.AsAccount(circle.ID), true}, "member elsewhere": {store.AsSigner(near.ID), true},
			"member's server": {server("n.example"), true}, "guest here": {store.AsAccount(guest.ID), true},
		} {
			list, _, err := db.Members(c.ctx, test.v, circle.ID, store.Page{})
			if test.sees != (err == nil) || err != nil && !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
			if err == nil && handles(list) != "guest near bob ada " {
				t.Errorf("%s sees %q", name, handles(list))
			}
		}
		if people, servers, err := db.CircleAudience(c.ctx, circle.ID); err != nil || people != 4 || servers != 2 {
			t.Errorf("audience: %d people on %d servers, %v", people, servers, err)
		}
		if hosts, err := db.MemberHosts(c.ctx, circle.ID); err != nil || len(hosts) != 1 || hosts[0] != "n.example" {
			t.Errorf("%v, %v", hosts, err)
		}
		if list, _, err := db.WaitingMembers(c.ctx, circle.ID, store.Page{}); err != nil || len(list) != 1 || list[0].Account.Handle != "waits" {
			t.Errorf("%+v, %v", list, err)
		}
		if yes, err := db.HasLocalMembers(c.ctx, circle.ID); err != nil || !yes {
			t.Errorf("%v, %v", yes, err)
		}
		c.do(func(tx *store.Tx) error { return tx.EndHost(c.ctx, circle.ID, "n.example") })
		if yes, err := db.MaySit(c.ctx, store.AsAccount(near.ID), circle.ID); err != nil || yes {
			t.Errorf("a member on a server that lost its approval: %v, %v", yes, err)
		}
		if yes, err := db.HostApproved(c.ctx, circle.ID, "n.example"); err != nil || yes {
			t.Errorf("%v, %v", yes, err)
		}
		c.refused(store.ErrNotFound, func(tx *store.Tx) error { return tx.EndHost(c.ctx, circle.ID, "n.example") })
	})
}

func TestCirclesRead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		circle := c.circle("c2012-3", "2012(3)", 2009, 2012)
		elsewhere := c.remote("book-club", "x.example")
		ada := c.person("ada")
		c.sits(circle.Account, ada, nil)
		c.do(func(tx *store.Tx) error {
			return tx.SaveMembership(c.ctx, &store.Membership{CircleID: elsewhere.ID, AccountID: ada.ID, FollowURI: "https://here.example/f"})
		})
		for _, get := range []func() (*store.Circle, error){
			func() (*store.Circle, error) { return db.Circle(c.ctx, circle.ID) },
			func() (*store.Circle, error) { return db.CircleBySlug(c.ctx, "C2012-3") },
		} {
			got, err := get()
			if err != nil || got.Unit != "2012(3)" || got.YearFrom != 2009 || got.YearTo != 2012 || got.Listing != "unlisted" || got.Kind != store.KindCircle || got.Handle != "c2012-3" {
				t.Fatalf("%+v, %v", got, err)
			}
		}
		if _, err := db.Circle(c.ctx, elsewhere.ID); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("a circle elsewhere is not one of ours: %v", err)
		}
		if _, err := db.CircleBySlug(c.ctx, "ada"); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("a person is no circle: %v", err)
		}
		mine, err := db.CirclesOf(c.ctx, ada.ID)
		if err != nil || len(mine) != 2 || mine[0].Circle.Handle != "book-club" || mine[0].Membership.Current(db.Now()) || !mine[1].Membership.Current(db.Now()) {
			t.Fatalf("%+v, %v", mine, err)
		}
		if all, err := db.Circles(c.ctx); err != nil || len(all) != 1 {
			t.Fatalf("%v, %v", all, err)
		}
		c.do(func(tx *store.Tx) error { return tx.SetCircleRole(c.ctx, circle.ID, ada.ID, store.RoleSteward) })
		if m, err := db.Membership(c.ctx, circle.ID, ada.ID); err != nil || m.Role != store.RoleSteward {
			t.Fatalf("%+v, %v", m, err)
		}
		c.refused(store.ErrNotFound, func(tx *store.Tx) error { return tx.SetCircleRole(c.ctx, circle.ID, 5, store.RoleSteward) })
		c.refused(store.ErrConflict, func(tx *store.Tx) error {
			return tx.InsertCircle(c.ctx, &store.Circle{Account: &store.Account{Handle: "ADA", URI: "https://here.example/circles/x"}, Unit: "u"})
		})
		if list, _, err := db.Seats(c.ctx, store.SeatFilter{Unit: "none"}, store.Page{}); err != nil || len(list) != 0 {
			t.Fatalf("%v, %v", list, err)
		}
		s := c.seat(ada, "u1", 2000, 2001)
		for _, f := range []store.SeatFilter{{}, {AccountID: ada.ID}, {Unit: "u1"}} {
			if list, _, err := db.Seats(c.ctx, f, store.Page{}); err != nil || len(list) != 1 || list[0].ID != s.ID {
				t.Fatalf("%+v: %v, %v", f, list, err)
			}
		}
	})
}

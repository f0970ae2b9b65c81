package social

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

func TestCirclesRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.person("ada")
		good := CircleDraft{Slug: "2012-3", Name: "Class 3", Unit: "Class 3", From: 2009, To: 2012}
		for name, c := range map[string]struct {
			change func(d *CircleDraft)
			key    string
		}{
			"no slug":        {func(d *CircleDraft) { d.Slug = "" }, "invalid.slug"},
			"odd slug":       {func(d *CircleDraft) { d.Slug = "-2012" }, "invalid.slug"},
			"reserved slug":  {func(d *CircleDraft) { d.Slug = "admin" }, "invalid.handle_reserved"},
			"a person's":     {func(d *CircleDraft) { d.Slug = "ada" }, "invalid.handle_taken"},
			"unseen name":    {func(d *CircleDraft) { d.Name = "\u200b" }, "invalid.name_empty"},
			"no unit":        {func(d *CircleDraft) { d.Unit = "" }, "invalid.unit"},
			"unseen unit":    {func(d *CircleDraft) { d.Unit = " \x00" }, "invalid.unit"},
			"one year":       {func(d *CircleDraft) { d.To = 0 }, "invalid.years"},
			"backwards":      {func(d *CircleDraft) { d.From, d.To = 2012, 2009 }, "invalid.years"},
			"long ago":       {func(d *CircleDraft) { d.From = 1 }, "invalid.years"},
			"negative years": {func(d *CircleDraft) { d.From, d.To = -2, -1 }, "invalid.years"},
		} {
			d := good
			c.change(&d)
			_, err := w.s.CreateCircle(ctx, d)
			w.refused(name, err, &Invalid{Key: c.key})
		}
		if a, err := w.db.AccountByHandle(ctx, good.Slug, ""); err == nil {
			t.Fatalf("a refused circle was made: %+v", a)
		}
		errs := together(5, func(int) error {
			_, err := w.s.CreateCircle(ctx, good)
			return err
		})
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else if !errors.Is(err, &Invalid{Key: "invalid.handle_taken"}) {
				t.Error(err)
			}
		}
		if made != 1 {
			t.Errorf("one slug was given to %d circles", made)
		}
	})
}

func TestSeatsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, gone := w.person("ada"), w.person("gone")
		class := w.class("2012-3")
		w.ok(w.s.DeleteAccount(ctx, gone, 0))
		server, err := w.s.EnsureServerActor(ctx)
		w.ok(err)
		good := grantFor(class)
		for name, c := range map[string]struct {
			to     *store.Account
			change func(g *SeatGrant)
			want   error
		}{
			"no type":      {ada, func(g *SeatGrant) { g.Type = "" }, &Invalid{Key: "invalid.seat_type"}},
			"odd type":     {ada, func(g *SeatGrant) { g.Type = "king" }, &Invalid{Key: "invalid.seat_type"}},
			"no unit":      {ada, func(g *SeatGrant) { g.Unit = "" }, &Invalid{Key: "invalid.unit"}},
			"no years":     {ada, func(g *SeatGrant) { g.From, g.To = 0, 0 }, &Invalid{Key: "invalid.years"}},
			"no end":       {ada, func(g *SeatGrant) { g.To = 0 }, &Invalid{Key: "invalid.years"}},
			"no reason":    {ada, func(g *SeatGrant) { g.Reason = "" }, &Invalid{Key: "invalid.reason"}},
			"the deleted":  {w.account(gone), func(*SeatGrant) {}, store.ErrNotFound},
			"a circle":     {class.Account, func(*SeatGrant) {}, store.ErrNotFound},
			"a server":     {server, func(*SeatGrant) {}, store.ErrNotFound},
			"seat unknown": {nil, nil, store.ErrNotFound},
		} {
			if c.to == nil {
				w.refused(name, w.s.RevokeSeat(ctx, 12345, "x", 0), c.want)
				continue
			}
			g := good
			c.change(&g)
			_, err := w.s.GrantSeat(ctx, c.to, g)
			w.refused(name, err, c.want)
		}
		if n := w.count(`SELECT COUNT(*) FROM seats`) + w.count(`SELECT COUNT(*) FROM memberships`); n != 0 {
			t.Errorf("%d rows", n)
		}
		seat := w.seat(ada, class)
		w.ok(w.s.RevokeSeat(ctx, seat.ID, "mistake", 0))
		w.refused("revoked twice", w.s.RevokeSeat(ctx, seat.ID, "mistake", 0), store.ErrNotFound)
	})
}

// A seat opens the circles of its unit whose years it shares at least one of.
func TestWhichCirclesASeatOpens(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		class := w.class("2012-3") // 2009 to 2012
		whole, err := w.s.CreateCircle(ctx, CircleDraft{Slug: "whole", Name: "All", Unit: class.Unit})
		w.ok(err)
		other := w.class("2012-4")
		for name, c := range map[string]struct {
			unit     string
			from, to int
			class    string
			whole    string
		}{
			"same":           {class.Unit, 2009, 2012, "sits", "sits"},
			"one year of it": {class.Unit, 2010, 2010, "sits", "sits"},
			"longer":         {class.Unit, 2000, 2020, "sits", "sits"},
			"meets begin":    {class.Unit, 2006, 2009, "sits", "sits"},
			"meets end":      {class.Unit, 2012, 2015, "sits", "sits"},
			"before":         {class.Unit, 2005, 2008, "none", "sits"},
			"after":          {class.Unit, 2013, 2016, "none", "sits"},
			"another unit":   {"Unit x", 2009, 2012, "none", "none"},
			"unit in part":   {class.Unit[:4], 2009, 2012, "none", "none"},
		} {
			a := w.person("p" + w.db.NewID().String())
			_, err := w.s.GrantSeat(ctx, a, SeatGrant{Type: "alumnus", Unit: c.unit, From: c.from, To: c.to, Reason: "roster"})
			w.ok(err)
			if got := w.state(class.Account, a); got != c.class {
				t.Errorf("%s: %s in the class", name, got)
			}
			if got := w.state(whole.Account, a); got != c.whole {
				t.Errorf("%s: %s in the whole", name, got)
			}
			if got := w.state(other.Account, a); got != "none" {
				t.Errorf("%s: %s in the other class", name, got)
			}
			if c.class == "none" {
				w.ok(w.s.Follow(ctx, a, class.ID, FollowOptions{}))
				if got := w.state(class.Account, a); got != "waits" {
					t.Errorf("%s: asking, it %s", name, got)
				}
			}
		}
	})
}

// Somebody here sits at once; somebody elsewhere when her Follow comes, and only from a server that was let in.
func TestTakingASeat(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, lin, eve, waits := w.person("ada"), w.remote("lin", "r.example"), w.remote("eve", "e.example"), w.remote("waits", "q.example")
		class := w.class("2012-3")
		follow := func(a *store.Account, n string) {
			t.Helper()
			w.ok(w.s.ReceiveFollow(ctx, a, class.Account, a.URI+"/follows/"+n))
		}
		follow(waits, "1")
		w.seat(ada, class)
		w.seat(lin, class)
		w.seat(waits, class)
		for a, want := range map[*store.Account]string{ada: "sits", lin: "none", waits: "sits"} {
			if got := w.state(class.Account, a); got != want {
				t.Errorf("%s %s, want %s", a.Handle, got, want)
			}
		}
		for range 5 {
			follow(lin, "1")
			follow(eve, "1")
		}
		if l, e := w.state(class.Account, lin), w.state(class.Account, eve); l != "sits" || e != "waits" {
			t.Errorf("lin %s, eve %s", l, e)
		}
		if got := w.said(class.Account); !slices.Equal(got, []string{"accept https://q.example/inbox", "accept https://r.example/inbox"}) {
			t.Errorf("said %q", got)
		}
		follow(lin, "2") // its server lost the answer
		if got := w.said(class.Account); len(got) != 3 {
			t.Errorf("said %q", got)
		}
		p := w.post(ada, Draft{Text: "inside", Circle: class.ID})
		if got := w.sending(p.ID); !slices.Equal(got, []string{"create https://q.example/inbox", "create https://r.example/inbox"}) {
			t.Errorf("sent to %q", got)
		}
		// A server that is shut out is out at once, and its members wait when they ask anew.
		w.tx(func(ctx context.Context, tx *store.Tx) error { return tx.EndHost(ctx, class.ID, "r.example") })
		if w.sees(store.AsSigner(lin.ID), p.ID) {
			t.Error("a member of a server that was shut out reads")
		}
		in := w.incoming(lin, "<p>x</p>")
		in.Circle = class.Account
		_, err := w.s.ReceivePost(ctx, lin, in)
		w.refused("a post from a server that was shut out", err, ErrForbidden)
		w.ok(w.s.ReceiveUndoFollow(ctx, lin, "", class.Account))
		follow(lin, "3")
		if got := w.state(class.Account, lin); got != "waits" {
			t.Errorf("lin %s", got)
		}
	})
}

// Whoever was expelled waits like everyone else, with whatever seat, until a steward lifts it.
func TestBarred(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		class := w.class("2012-3")
		here, there := w.person("ada"), w.remote("lin", "r.example")
		bars := map[*store.Account]store.Bar{}
		for _, a := range []*store.Account{here, there} {
			seat := w.seat(a, class)
			bars[a] = store.Bar{CircleID: class.ID, AccountID: a.ID, Reason: "expelled"}
			if a == there {
				bars[a] = store.Bar{CircleID: class.ID, SeatID: seat.ID, Reason: "expelled"}
				w.ok(w.s.ReceiveFollow(ctx, a, class.Account, a.URI+"/f/1"))
			}
			w.tx(func(ctx context.Context, tx *store.Tx) error {
				if err := tx.InsertBar(ctx, bars[a]); err != nil {
					return err
				}
				return tx.EndMembership(ctx, class.ID, a.ID)
			})
		}
		w.ok(w.s.Follow(ctx, here, class.ID, FollowOptions{}))
		w.ok(w.s.ReceiveFollow(ctx, there, class.Account, there.URI+"/f/2"))
		for _, a := range []*store.Account{here, there} {
			if got := w.state(class.Account, a); got != "waits" {
				t.Errorf("%s %s after asking again", a.Handle, got)
			}
		}
		w.seat(here, class)
		if got := w.state(class.Account, here); got != "waits" {
			t.Errorf("%s %s with a new seat", here.Handle, got)
		}
		if got := w.said(class.Account); len(got) != 1 {
			t.Errorf("said %q", got)
		}
		for _, a := range []*store.Account{here, there} {
			w.tx(func(ctx context.Context, tx *store.Tx) error { return tx.DeleteBar(ctx, bars[a]) })
		}
		w.ok(w.s.Follow(ctx, here, class.ID, FollowOptions{}))
		w.ok(w.s.ReceiveFollow(ctx, there, class.Account, there.URI+"/f/3"))
		for _, a := range []*store.Account{here, there} {
			if got := w.state(class.Account, a); got != "sits" {
				t.Errorf("%s %s after it was lifted", a.Handle, got)
			}
		}
	})
}

// The end of a membership takes the circle's posts out of the home in the same moment, tells a server
// elsewhere, and closes live streams.
func TestLosingASeat(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, bob, lin := w.person("ada"), w.person("bob"), w.remote("lin", "r.example")
		class := w.class("2012-3")
		w.seat(ada, class)
		mine, theirs := w.seat(bob, class), w.seat(lin, class)
		w.ok(w.s.ReceiveFollow(ctx, lin, class.Account, lin.URI+"/f/1"))
		p := w.post(ada, Draft{Text: "@bob inside", Circle: class.ID})
		w.same("homes", w.homes(p), ada, bob)
		listening := w.s.Hub.Subscribe(bob.ID, false)
		w.ok(w.s.RevokeSeat(ctx, mine.ID, "mistake", 0))
		w.ok(w.s.RevokeSeat(ctx, theirs.ID, "mistake", 0))
		w.same("homes afterwards", w.homes(p), ada)
		if _, open := <-listening.C; open {
			t.Error("who was removed still listens")
		}
		if n, err := w.db.Notifications(ctx, bob.ID, store.Page{}, store.NotificationFilter{}); err != nil || len(n.Items) != 0 {
			t.Errorf("who was removed is shown %+v, %v", n.Items, err)
		}
		if got := w.said(class.Account); !slices.Equal(got, []string{"accept https://r.example/inbox", "end_membership https://r.example/inbox"}) {
			t.Errorf("said %q", got)
		}
		for who, v := range map[string]store.Viewer{"bob": store.AsAccount(bob.ID), "lin": store.AsSigner(lin.ID)} {
			if w.sees(v, p.ID) {
				t.Errorf("%s still reads", who)
			}
		}
		after := w.post(ada, Draft{Text: "@bob after", Circle: class.ID})
		w.same("homes of what comes", w.homes(after), ada)
		w.same("told of what comes", w.told(after))
		if got := w.sending(after.ID); len(got) != 0 {
			t.Errorf("sent to %q", got)
		}
		w.refused("a favourite", w.s.ReceiveLike(ctx, lin, p.URI, lin.URI+"/l", Said{}), store.ErrNotFound)
	})
}

// A seat that runs out closes the circle by itself, and a new one opens it again.
func TestExpiredSeat(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, bob := w.person("ada"), w.person("bob")
		class := w.class("2012-3")
		w.seat(ada, class)
		g := grantFor(class)
		short := &store.Seat{AccountID: bob.ID, Type: g.Type, Unit: g.Unit, YearFrom: g.From, YearTo: g.To, Reason: g.Reason, ExpiresAt: w.db.Now().Add(time.Hour)}
		w.tx(func(ctx context.Context, tx *store.Tx) error { return tx.InsertSeat(ctx, short) })
		w.ok(w.s.Follow(ctx, bob, class.ID, FollowOptions{}))
		if got := w.state(class.Account, bob); got != "sits" {
			t.Fatal(got)
		}
		p := w.post(ada, Draft{Text: "inside", Circle: class.ID})
		w.later(2 * time.Hour)
		if got := w.state(class.Account, bob); got != "expired" || w.sees(store.AsAccount(bob.ID), p.ID) {
			t.Fatalf("bob %s", got)
		}
		_, err := w.s.Publish(ctx, bob, Draft{Text: "x", Circle: class.ID})
		w.refused("publish", err, store.ErrNotFound)
		w.same("homes", w.homes(w.post(ada, Draft{Text: "later", Circle: class.ID})), ada)
		w.ok(w.s.Follow(ctx, bob, class.ID, FollowOptions{}))
		if got := w.state(class.Account, bob); got != "waits" {
			t.Errorf("asking without a seat, bob %s", got)
		}
		w.seat(bob, class)
		if got := w.state(class.Account, bob); got != "sits" || !w.sees(store.AsAccount(bob.ID), p.ID) {
			t.Errorf("with a new seat, bob %s", got)
		}
	})
}

// A Follow opens a circle once. Who left comes back with a new one, as an ordinary member.
func TestFollowIDsAreUsedOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		lin := w.remote("lin", "r.example")
		class := w.class("2012-3")
		w.seat(lin, class)
		follow := func(n string) { w.ok(w.s.ReceiveFollow(ctx, lin, class.Account, lin.URI+"/f/"+n)) }
		follow("1")
		m, err := w.db.Membership(ctx, class.ID, lin.ID)
		w.ok(err)
		m.Role = store.RoleSteward
		w.tx(saved(m))
		w.refused("another's undo", w.s.ReceiveUndoFollow(ctx, w.remote("eve", "r.example"), lin.URI+"/f/1", nil), ErrForbidden)
		w.ok(w.s.ReceiveUndoFollow(ctx, lin, lin.URI+"/f/1", nil))
		if got := w.state(class.Account, lin); got != "ended" {
			t.Errorf("after leaving by the id, lin %s", got)
		}
		follow("1")
		if got := w.state(class.Account, lin); got != "ended" {
			t.Errorf("with a used Follow, lin %s", got)
		}
		w.seat(lin, class)
		if got := w.state(class.Account, lin); got != "ended" {
			t.Errorf("with a new seat and no Follow, lin %s", got)
		}
		follow("2")
		if got := w.state(class.Account, lin); got != "sits" {
			t.Errorf("with a new Follow, lin %s", got)
		}
		if m, err = w.db.Membership(ctx, class.ID, lin.ID); err != nil || m.Role != store.RoleMember {
			t.Errorf("the steward who left comes back as %s, %v", m.Role, err)
		}
	})
}

// hubElsewhere is a circle whose hub is another server, and a member here who was taken in.
func (w *world) hubElsewhere(member *store.Account) *store.Account {
	w.t.Helper()
	ctx := w.t.Context()
	uri := "https://hub.example/circles/1"
	c := &store.Account{Kind: store.KindCircle, Handle: "class", Host: "hub.example", Domain: "hub.example", URI: uri, Inbox: uri + "/inbox", FollowersURI: uri + "/followers"}
	w.tx(func(ctx context.Context, tx *store.Tx) error { return tx.InsertAccount(ctx, c) })
	w.ok(w.s.Follow(ctx, member, c.ID, FollowOptions{}))
	m, err := w.db.Membership(ctx, c.ID, member.ID)
	w.ok(err)
	w.ok(w.s.ReceiveAccept(ctx, c, m.FollowURI, uri+"/memberships/1"))
	return c
}

// On a member's server only the hub's answer to the newest Follow counts.
func TestMembersServer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		lin, ada, eve := w.person("lin"), w.person("ada"), w.remote("eve", "hub.example")
		c := w.hubElsewhere(lin)
		if got := w.state(c, lin); got != "sits" {
			t.Fatal(got)
		}
		w.ok(w.s.Follow(ctx, ada, c.ID, FollowOptions{}))
		asked, err := w.db.Membership(ctx, c.ID, ada.ID)
		w.ok(err)
		w.ok(w.s.ReceiveAccept(ctx, eve, asked.FollowURI, "")) // by another: nothing
		p := w.post(lin, Draft{Text: "@ada from here", Circle: c.ID})
		if p.PendingAt.IsZero() || w.state(c, ada) != "waits" || w.sees(store.AsAccount(ada.ID), p.ID) {
			t.Errorf("a post that its hub has not passed on: %+v", p)
		}
		if got := w.sending(p.ID); !slices.Equal(got, []string{"create https://hub.example/circles/1/inbox"}) {
			t.Errorf("sent to %q", got)
		}
		w.ok(w.s.ReceiveAccept(ctx, c, asked.FollowURI, ""))
		w.same("homes before it is passed on", w.homes(p), lin)
		in := IncomingPost{URI: p.URI, Circle: w.class("2012-3").Account}
		w.refused("passed on by another circle", w.s.ReceiveHubPost(ctx, lin, in), ErrForbidden)
		in.Circle = c
		for range 5 {
			w.ok(w.s.ReceiveHubPost(ctx, lin, in))
		}
		w.same("homes", w.homes(p), lin, ada)
		w.same("told", w.told(p), ada)

		theirs := w.incoming(eve, "<p>from the hub</p>")
		theirs.Circle = c
		w.ok(w.s.ReceiveHubPost(ctx, eve, theirs))
		w.ok(w.s.Unfollow(ctx, ada, c.ID))
		w.same("homes after leaving", w.homes(p), lin)
		if got := w.said(ada); !slices.Contains(got, "undo_follow https://hub.example/circles/1/inbox") {
			t.Errorf("said %q", got)
		}
		w.ok(w.s.ReceiveAccept(ctx, c, asked.FollowURI, "")) // the answer to what was taken back
		if got := w.state(c, ada); got != "ended" {
			t.Errorf("ada %s", got)
		}
		m, err := w.db.Membership(ctx, c.ID, lin.ID)
		w.ok(err)
		w.ok(w.s.ReceiveReject(ctx, eve, m.FollowURI))
		if got := w.state(c, lin); got != "sits" {
			t.Errorf("removed by another: lin %s", got)
		}
		for range 5 {
			w.ok(w.s.ReceiveReject(ctx, c, m.FollowURI))
		}
		w.same("homes after the hub ended it", w.homes(p))
		theirs.URI += "2"
		w.refused("a post for nobody here", w.s.ReceiveHubPost(ctx, eve, theirs), ErrForbidden)
		if got := w.said(lin); len(got) != 1 {
			t.Errorf("said %q", got)
		}
	})
}

// At the hub a post that claims the circle needs its author's place there.
func TestHubTakesMembersPosts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, lin, eve := w.person("ada"), w.remote("lin", "r.example"), w.remote("eve", "r.example")
		class := w.class("2012-3")
		w.seat(ada, class)
		w.seat(lin, class)
		w.ok(w.s.ReceiveFollow(ctx, lin, class.Account, lin.URI+"/f/1"))
		w.ok(w.s.ReceiveFollow(ctx, eve, class.Account, eve.URI+"/f/1"))
		w.follows(ada, eve)
		say := func(by *store.Account) (IncomingPost, error) {
			in := w.incoming(by, "<p>@ada</p>")
			in.Circle, in.Visibility, in.Mentions, in.Media = class.Account, store.Public, []string{ada.URI}, []IncomingMedia{{URL: "https://r.example/1.png"}}
			_, err := w.s.ReceivePost(ctx, by, in)
			return in, err
		}
		_, err := say(eve)
		w.refused("by one who waits", err, ErrForbidden)
		in, err := say(lin)
		w.ok(err)
		p, err := w.db.PostByURI(ctx, store.AsAccount(ada.ID), in.URI)
		w.ok(err)
		if p.Visibility != store.InCircle || p.MediaCount != 0 {
			t.Errorf("stored as %+v", p)
		}
		w.same("homes", w.homes(p), ada)
		w.same("told", w.told(p), ada)
		w.ok(w.s.ReceiveUndoFollow(ctx, lin, "", class.Account))
		in.HTML, in.Updated = "<p>changed from outside</p>", w.db.Now().Add(time.Minute)
		w.refused("an update after leaving", w.s.ReceiveUpdate(ctx, lin, in), ErrForbidden)
		in.Circle = nil
		w.refused("an update that leads it out", w.s.ReceiveUpdate(ctx, lin, in), ErrForbidden)
		w.ok(w.s.ReceiveDelete(ctx, lin, in.URI, "signed")) // her own words are always hers to take back
		if w.sees(store.AsAccount(ada.ID), p.ID) {
			t.Error("the delete of a former member was not heeded")
		}
		storetest.Post(t, w.db, ada, "", class.ID, nil)
	})
}

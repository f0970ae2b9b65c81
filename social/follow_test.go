package social

import (
	"errors"
	"slices"
	"testing"
	"time"

	"cohort/store"
)

// counts fails the test unless an account has these counters, and follows rows say the same.
func (w *world) counts(a *store.Account, followers, following int64) {
	w.t.Helper()
	got := w.account(a)
	if got.FollowersCount != followers || got.FollowingCount != following {
		w.t.Errorf("%s has %d followers and follows %d, want %d and %d", a.Handle, got.FollowersCount, got.FollowingCount, followers, following)
	}
	if n := w.count(`SELECT COUNT(*) FROM follows WHERE target_id = $1 AND accepted_at IS NOT NULL`, a.ID); int64(n) != got.FollowersCount {
		w.t.Errorf("%d rows of followers of %s", n, a.Handle)
	}
}

func (w *world) lock(a *store.Account) *store.Account {
	w.t.Helper()
	yes := true
	a, err := w.s.UpdateProfile(w.t.Context(), a, ProfileChange{Locked: &yes})
	w.ok(err)
	return a
}

func TestRelationsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, bob, cid, gone, out := w.person("ada"), w.person("bob"), w.person("cid"), w.person("gone"), w.remote("out", "o.example")
		w.ok(w.s.DeleteAccount(ctx, gone, 0))
		w.ok(w.s.Suspend(ctx, out, 0, "spam"))
		server, err := w.s.EnsureServerActor(ctx)
		w.ok(err)
		class := w.class("2012-3")
		w.ok(w.s.Block(ctx, bob, ada.ID))
		w.ok(w.s.Block(ctx, ada, cid.ID))
		follow := func(id store.ID) error { return w.s.Follow(ctx, ada, id, FollowOptions{}) }
		block := func(id store.ID) error { return w.s.Block(ctx, ada, id) }
		mute := func(id store.ID) error { return w.s.Mute(ctx, ada, id, MuteOptions{}) }
		for name, c := range map[string]struct {
			do   func(store.ID) error
			id   store.ID
			want error
		}{
			"follow a blocker": {follow, bob.ID, ErrForbidden}, "follow whom one blocks": {follow, cid.ID, ErrForbidden},
			"follow oneself": {follow, ada.ID, &Invalid{Key: "invalid.self"}}, "follow the deleted": {follow, gone.ID, store.ErrNotFound},
			"follow the suspended": {follow, out.ID, store.ErrNotFound}, "follow the server": {follow, server.ID, store.ErrNotFound},
			"follow nobody": {follow, 12345, store.ErrNotFound}, "block oneself": {block, ada.ID, &Invalid{Key: "invalid.self"}},
			"block a circle": {block, class.ID, &Invalid{Key: "invalid.block_circle"}}, "block nobody": {block, 12345, store.ErrNotFound},
			"mute oneself": {mute, ada.ID, &Invalid{Key: "invalid.self"}}, "mute nobody": {mute, 12345, store.ErrNotFound},
			"accept who did not ask":  {func(id store.ID) error { return w.s.AcceptRequest(ctx, ada, id) }, bob.ID, store.ErrNotFound},
			"reject who did not ask":  {func(id store.ID) error { return w.s.RejectRequest(ctx, ada, id) }, bob.ID, store.ErrNotFound},
			"remove who follows not":  {func(id store.ID) error { return w.s.RemoveFollower(ctx, ada, id) }, bob.ID, store.ErrNotFound},
			"accept one's own asking": {func(id store.ID) error { return w.s.AcceptRequest(ctx, ada, id) }, ada.ID, store.ErrNotFound},
		} {
			w.refused(name, c.do(c.id), c.want)
		}
		w.counts(ada, 0, 0)
		w.counts(bob, 0, 0)
	})
}

func TestFollowCountsOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, bob := w.person("ada"), w.person("bob")
		yes, no := true, false
		w.ok(errors.Join(together(20, func(i int) error {
			if i%2 == 0 {
				return w.s.Follow(ctx, bob, ada.ID, FollowOptions{})
			}
			return w.s.Follow(ctx, ada, bob.ID, FollowOptions{})
		})...))
		w.counts(ada, 1, 1)
		w.counts(bob, 1, 1)
		if n := w.count(`SELECT COUNT(*) FROM notifications WHERE account_id = $1`, ada.ID); n != 1 {
			t.Errorf("ada is told %d times", n)
		}
		w.ok(w.s.Follow(ctx, bob, ada.ID, FollowOptions{Boosts: &no, Notify: &yes}))
		w.ok(w.s.Follow(ctx, bob, ada.ID, FollowOptions{}))
		if f, err := w.db.Follow(ctx, bob.ID, ada.ID); err != nil || f.Boosts || !f.Notify {
			t.Errorf("options are not kept: %+v, %v", f, err)
		}
		w.same("told of a post", w.told(w.post(ada, Draft{Text: "news"})), bob)
		w.same("told of a letter", w.told(w.post(ada, Draft{Text: "letter", Visibility: store.Direct})))
		w.ok(errors.Join(together(20, func(int) error { return w.s.Unfollow(ctx, bob, ada.ID) })...))
		w.counts(ada, 0, 1)
		w.counts(bob, 1, 0)
	})
}

// Nobody follows an account that approves its followers before it says so, and then once.
func TestFollowRequests(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, bob, rem, far := w.lock(w.person("ada")), w.person("bob"), w.remote("rem", "r.example"), w.remote("far", "f.example")
		for range 5 {
			w.ok(w.s.Follow(ctx, bob, ada.ID, FollowOptions{}))
			w.ok(w.s.ReceiveFollow(ctx, rem, ada, rem.URI+"/follows/1"))
		}
		w.ok(w.s.ReceiveFollow(ctx, far, ada, far.URI+"/follows/1"))
		w.counts(ada, 0, 0)
		quiet := w.post(ada, Draft{Text: "quiet", Visibility: store.Followers})
		if w.sees(store.AsAccount(bob.ID), quiet.ID) || len(w.sending(quiet.ID)) != 0 {
			t.Error("who waits reads already")
		}
		requests := `SELECT COUNT(*) FROM notifications WHERE account_id = $1 AND kind = 'follow_request'`
		if n := w.count(requests, ada.ID); n != 3 {
			t.Errorf("ada is told of %d requests", n)
		}
		// What the one who asked says counts for nothing.
		w.refused("accepting for oneself", w.s.ReceiveAccept(ctx, rem, rem.URI+"/follows/1", ""), ErrForbidden)
		w.counts(ada, 0, 0)
		for range 5 {
			w.ok(w.s.AcceptRequest(ctx, ada, bob.ID))
			w.ok(w.s.AcceptRequest(ctx, ada, rem.ID))
		}
		w.counts(ada, 2, 0)
		w.ok(w.s.RejectRequest(ctx, ada, far.ID))
		w.refused("rejected again", w.s.RejectRequest(ctx, ada, far.ID), store.ErrNotFound)
		w.refused("accepted after it was rejected", w.s.AcceptRequest(ctx, ada, far.ID), store.ErrNotFound)
		if n := w.count(requests, ada.ID); n != 0 {
			t.Errorf("%d requests are still shown", n)
		}
		if got := w.said(ada); !slices.Equal(got, []string{"accept https://r.example/inbox", "reject https://f.example/inbox"}) {
			t.Errorf("said %q", got)
		}
		// A repeat of the Follow that was rejected is a repeat; a new one asks anew.
		w.ok(w.s.ReceiveFollow(ctx, far, ada, far.URI+"/follows/1"))
		if n := w.count(requests, ada.ID); n != 0 {
			t.Error("a repeat asks again")
		}
		w.ok(w.s.ReceiveFollow(ctx, far, ada, far.URI+"/follows/2"))
		if n := w.count(requests, ada.ID); n != 1 {
			t.Error("a new Follow does not ask")
		}
		w.ok(w.s.RemoveFollower(ctx, ada, bob.ID))
		w.counts(ada, 1, 0)
		w.counts(bob, 0, 0)
	})
}

// Elsewhere only the account that was asked lets anyone in.
func TestOnlyTheFollowedAccepts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, rem, eve := w.person("ada"), w.remote("rem", "r.example"), w.remote("eve", "r.example")
		w.ok(w.s.Follow(ctx, ada, rem.ID, FollowOptions{}))
		f, err := w.db.Follow(ctx, ada.ID, rem.ID)
		w.ok(err)
		w.refused("accepted by another", w.s.ReceiveAccept(ctx, eve, f.URI, ""), ErrForbidden)
		w.refused("rejected by another", w.s.ReceiveReject(ctx, eve, f.URI), ErrForbidden)
		w.refused("undone by another", w.s.ReceiveUndoFollow(ctx, eve, f.URI, nil), ErrForbidden)
		w.ok(w.s.ReceiveAccept(ctx, rem, w.s.ActivityURI(12345), "")) // of nothing
		w.counts(rem, 0, 0)
		for range 5 {
			w.ok(w.s.ReceiveAccept(ctx, rem, f.URI, ""))
		}
		w.counts(rem, 1, 0)
		w.counts(ada, 0, 1)
		for range 5 {
			w.ok(w.s.ReceiveReject(ctx, rem, f.URI))
		}
		w.counts(rem, 0, 0)
		w.ok(w.s.ReceiveAccept(ctx, rem, f.URI, "")) // of what was rejected
		w.counts(rem, 0, 0)
	})
}

// Follows of people here by people elsewhere, found by their id or by whom they are of.
func TestReceiveFollows(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, bob, rem := w.person("ada"), w.person("bob"), w.remote("rem", "r.example")
		server, err := w.s.EnsureServerActor(ctx)
		w.ok(err)
		w.refused("of the server", w.s.ReceiveFollow(ctx, rem, server, rem.URI+"/f/s"), store.ErrNotFound)
		w.refused("of somebody elsewhere", w.s.ReceiveFollow(ctx, rem, w.remote("x", "x.example"), rem.URI+"/f/x"), store.ErrNotFound)
		for i := range 5 {
			w.ok(w.s.ReceiveFollow(ctx, rem, ada, rem.URI+"/f/"+store.ID(i%2).String()))
		}
		w.counts(ada, 1, 0)
		w.ok(w.s.ReceiveUndoFollow(ctx, rem, rem.URI+"/f/1", nil))
		w.ok(w.s.ReceiveUndoFollow(ctx, rem, rem.URI+"/f/1", nil))
		w.counts(ada, 0, 0)
		w.ok(w.s.ReceiveFollow(ctx, rem, ada, rem.URI+"/f/3"))
		w.ok(w.s.ReceiveUndoFollow(ctx, rem, "", ada))
		w.counts(ada, 0, 0)
		w.ok(w.s.Block(ctx, bob, rem.ID))
		w.ok(w.s.ReceiveFollow(ctx, rem, bob, rem.URI+"/f/4"))
		w.counts(bob, 0, 0)
		if got := w.said(bob); !slices.Equal(got, []string{"block https://r.example/inbox", "reject https://r.example/inbox"}) {
			t.Errorf("said %q", got)
		}
	})
}

// A block ends everything between two people, in both directions, and hides the one from the other.
func TestBlock(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, bob, rem := w.person("ada"), w.person("bob"), w.remote("rem", "r.example")
		w.follows(ada, bob)
		w.follows(bob, ada)
		w.follows(rem, ada)
		old := w.post(ada, Draft{Text: "@bob old"})
		theirs := w.post(bob, Draft{Text: "@ada old"})
		for range 5 {
			w.ok(w.s.Block(ctx, ada, bob.ID))
			w.ok(w.s.Block(ctx, ada, rem.ID))
		}
		w.counts(ada, 0, 0)
		w.counts(bob, 0, 0)
		w.same("home of the old", w.homes(old), ada)
		w.same("home of theirs", w.homes(theirs), bob)
		w.same("ada is told", w.told(theirs))
		if w.sees(store.AsAccount(bob.ID), old.ID) || w.sees(store.AsSigner(rem.ID), old.ID) {
			t.Error("who is blocked still reads")
		}
		if n, err := w.db.Notifications(ctx, bob.ID, store.Page{}, store.NotificationFilter{}); err != nil || len(n.Items) != 0 {
			t.Errorf("who is blocked is shown %+v, %v", n.Items, err)
		}
		p := w.post(bob, Draft{Text: "@ada listen"})
		in := w.incoming(rem, "<p>listen</p>")
		in.Mentions, in.ReplyTo = []string{ada.URI}, old.URI
		w.same("told", append(w.told(p), w.told(w.receive(rem, in))...))
		if got := w.reload(old); got.RepliesCount != 0 {
			t.Error("the reply of somebody blocked is counted")
		}
		letter := w.post(ada, Draft{Text: "@bob @rem@r.example x", Visibility: store.Direct})
		w.same("a letter to whom one blocks", append(w.homes(letter), w.told(letter)...), ada)
		if len(w.sending(letter.ID)) != 0 {
			t.Error("a letter is sent to whom one blocks")
		}
		for range 5 {
			w.ok(w.s.Unblock(ctx, ada, bob.ID))
			w.ok(w.s.Unblock(ctx, ada, rem.ID))
		}
		if got := w.said(ada); !slices.Equal(got, []string{"block https://r.example/inbox", "undo_block https://r.example/inbox"}) {
			t.Errorf("said %q", got)
		}
		w.counts(ada, 0, 0)
	})
}

func TestReceiveBlock(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, rem := w.person("ada"), w.remote("rem", "r.example")
		w.follows(ada, rem)
		w.follows(rem, ada)
		p := w.receive(rem, w.incoming(rem, "<p>x</p>"))
		for range 5 {
			w.ok(w.s.ReceiveBlock(ctx, rem, ada, rem.URI+"/blocks/1"))
		}
		w.counts(ada, 0, 0)
		w.same("homes", w.homes(p))
		if w.sees(store.AsAccount(ada.ID), p.ID) {
			t.Error("who is blocked from elsewhere still reads")
		}
		w.refused("follow", w.s.Follow(ctx, ada, rem.ID, FollowOptions{}), ErrForbidden)
		w.refused("reply", func() error {
			_, err := w.s.Publish(ctx, ada, Draft{Text: "x", ReplyTo: p.ID})
			return err
		}(), store.ErrNotFound)
		w.ok(w.s.ReceiveUndoBlock(ctx, rem, ada))
		w.ok(w.s.ReceiveUndoBlock(ctx, rem, ada))
		w.ok(w.s.Follow(ctx, ada, rem.ID, FollowOptions{}))
	})
}

func TestMute(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, bob := w.person("ada"), w.person("bob")
		w.follows(ada, bob)
		for range 5 {
			w.ok(w.s.Mute(ctx, ada, bob.ID, MuteOptions{Notifications: true, For: time.Hour}))
		}
		p := w.post(bob, Draft{Text: "@ada x"})
		w.same("homes", w.homes(p), bob)
		w.same("told", w.told(p))
		w.later(2 * time.Hour)
		p = w.post(bob, Draft{Text: "@ada y"})
		w.same("homes after an hour", w.homes(p), ada, bob)
		w.same("told after an hour", w.told(p), ada)
		w.ok(w.s.Mute(ctx, ada, bob.ID, MuteOptions{}))
		w.same("told without muting that", w.told(w.post(bob, Draft{Text: "@ada z"})), ada)
		w.ok(w.s.Unmute(ctx, ada, bob.ID))
		w.ok(w.s.Unmute(ctx, ada, bob.ID))
		if rel, err := w.db.Relationship(ctx, bob.ID, ada.ID); err != nil || rel.BlockedBy || rel.Muting {
			t.Errorf("who is muted sees it: %+v", rel)
		}
	})
}

package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

// notify makes a notification of me without asking whether it is wanted.
func (c *crowd) notify(me *store.Account, kind string, from *store.Account, post *store.Post) store.ID {
	c.t.Helper()
	n := store.Notification{ID: c.db.NewID(), AccountID: me.ID, Kind: kind, FromID: from.ID}
	if post != nil {
		n.PostID = post.ID
	}
	c.do(func(tx *store.Tx) error { _, err := tx.Notify(c.ctx, n); return err })
	return n.ID
}

func TestNotificationsThatAreHidden(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		now := c.clock()
		me, friend := c.person("me"), c.person("friend")
		shown := c.notify(me, store.NotifyFollow, friend, nil)
		circle := c.circle("c2012", "u", 0, 0)
		c.sits(circle.Account, friend, nil)
		mine := c.post(me, store.Public, 0)
		hidden := map[string]store.ID{}
		hide := func(name, kind string, post *store.Post, f func(tx *store.Tx, from *store.Account) error) {
			from := c.remote(name, name+".example")
			hidden[name] = c.notify(me, kind, from, post)
			c.do(func(tx *store.Tx) error { return f(tx, from) })
		}
		hide("muted", store.NotifyFollow, nil, func(tx *store.Tx, from *store.Account) error {
			return tx.InsertMute(c.ctx, &store.Mute{AccountID: me.ID, TargetID: from.ID, Notifications: true})
		})
		hide("suspended", store.NotifyLike, mine, func(tx *store.Tx, from *store.Account) error { return tx.SetSuspended(c.ctx, from.ID, true) })
		hide("gone", store.NotifyLike, mine, func(tx *store.Tx, from *store.Account) error { return tx.TombstoneAccount(c.ctx, from.ID) })
		hide("domain", store.NotifyBoost, mine, func(tx *store.Tx, from *store.Account) error {
			return tx.InsertDomainMute(c.ctx, me.ID, "domain.example")
		})
		hide("policy", store.NotifyFollow, nil, func(tx *store.Tx, _ *store.Account) error {
			return tx.SetDomainPolicy(c.ctx, store.DomainPolicy{Domain: "policy.example", Severity: store.Suspend})
		})
		secret, private, direct := c.post(friend, store.InCircle, circle.ID), c.post(friend, store.Followers, 0), c.post(friend, store.Direct, 0)
		hidden["circle post"] = c.notify(me, store.NotifyMention, friend, secret)
		hidden["followers' post"] = c.notify(me, store.NotifyMention, friend, private)
		hidden["others' letter"] = c.notify(me, store.NotifyMention, friend, direct)
		hidden["no such post"] = c.notify(me, store.NotifyMention, friend, &store.Post{ID: 5})
		thread := c.post(friend, store.Public, 0)
		hidden["muted thread"] = c.notify(me, store.NotifyMention, friend, thread)
		c.do(func(tx *store.Tx) error { return tx.InsertThreadMute(c.ctx, me.ID, thread.RootID) })
		hidden["somebody else's"] = c.notify(friend, store.NotifyFollow, me, nil)

		list, err := db.Notifications(c.ctx, me.ID, store.Page{}, store.NotificationFilter{})
		if err != nil || len(list.Items) != 1 || list.Items[0].ID != shown {
			t.Fatalf("%+v, %v", list, err)
		}
		for name, id := range hidden {
			if n, err := db.Notification(c.ctx, me.ID, id); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: %+v, %v", name, n, err)
			}
		}
		if n, err := db.UnreadNotifications(c.ctx, me.ID, 0); err != nil || n != 1 {
			t.Errorf("%d unread, %v", n, err)
		}
		if n, err := db.UnreadNotifications(c.ctx, me.ID, shown); err != nil || n != 0 {
			t.Errorf("%d unread, %v", n, err)
		}
		if n, err := db.Notification(c.ctx, me.ID, shown); err != nil || n.Kind != store.NotifyFollow || n.FromID != friend.ID {
			t.Errorf("%+v, %v", n, err)
		}
		// With the place in the circle the mention is there, and gone again when it ends.
		c.sits(circle.Account, me, nil)
		if _, err := db.Notification(c.ctx, me.ID, hidden["circle post"]); err != nil {
			t.Error(err)
		}
		*now = now.Add(time.Second)
		c.do(func(tx *store.Tx) error { return tx.EndMembership(c.ctx, circle.ID, me.ID) })
		if _, err := db.Notification(c.ctx, me.ID, hidden["circle post"]); !errors.Is(err, store.ErrNotFound) {
			t.Error(err)
		}
	})
}

func TestNotificationPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		me, mute := c.person("me"), c.person("mute")
		c.do(func(tx *store.Tx) error {
			return tx.InsertMute(c.ctx, &store.Mute{AccountID: me.ID, TargetID: mute.ID, Notifications: true})
		})
		name := map[store.ID]string{}
		var fans []*store.Account
		for i := range 6 {
			from := c.person(fmt.Sprintf("f%d", i))
			fans = append(fans, from)
			kind := store.NotifyFollow
			if i%3 == 2 {
				kind = store.NotifySignUp
			}
			name[c.notify(me, kind, from, nil)] = from.Handle
			c.notify(me, store.NotifyLike, mute, c.post(me, store.Public, 0))
			c.notify(me, store.NotifyLike, mute, c.post(me, store.Public, 0))
		}
		page := func(p store.Page, f store.NotificationFilter, want string) store.Notifications {
			t.Helper()
			got, err := db.Notifications(c.ctx, me.ID, p, f)
			s := ""
			for _, n := range got.Items {
				s += name[n.ID] + " "
			}
			if err != nil || s != want {
				t.Fatalf("%+v %+v: got %q, %v, want %q", p, f, s, err, want)
			}
			return got
		}
		var all store.NotificationFilter
		first := page(store.Page{Limit: 2}, all, "f5 f4 ")
		second := page(store.Page{Limit: 2, MaxID: first.Next}, all, "f3 f2 ")
		last := page(store.Page{Limit: 2, MaxID: second.Next}, all, "f1 f0 ")
		if end := page(store.Page{Limit: 2, MaxID: last.Next}, all, ""); last.Next != 0 && end.Next != 0 {
			t.Fatalf("the list leads on: %+v", end)
		}
		page(store.Page{Limit: 2, MinID: last.Items[0].ID}, all, "f3 f2 ")
		page(store.Page{Limit: 2, SinceID: last.Items[0].ID}, all, "f5 f4 ")
		page(store.Page{MinID: first.Prev}, all, "")
		page(store.Page{Limit: 3}, store.NotificationFilter{Types: []string{store.NotifySignUp}}, "f5 f2 ")
		page(store.Page{Limit: 3}, store.NotificationFilter{Exclude: []string{store.NotifySignUp, store.NotifyLike}}, "f4 f3 f1 ")
		page(store.Page{}, store.NotificationFilter{Types: []string{"poll"}}, "")
		page(store.Page{}, store.NotificationFilter{Types: []string{store.NotifyFollow}, Exclude: []string{store.NotifyFollow}}, "")
		page(store.Page{}, store.NotificationFilter{From: fans[3].ID}, "f3 ")
		page(store.Page{}, store.NotificationFilter{From: fans[3].ID, Types: []string{store.NotifySignUp}}, "")
		page(store.Page{Limit: 1, MinID: last.Items[1].ID}, store.NotificationFilter{Types: []string{store.NotifySignUp}}, "f2 ")
		// Each page as a client walks them, whatever the filter hides.
		walked, next := 0, store.ID(0)
		for range 20 {
			got, err := db.Notifications(c.ctx, me.ID, store.Page{Limit: 1, MaxID: next}, all)
			if err != nil {
				t.Fatal(err)
			}
			walked += len(got.Items)
			if next = got.Next; next == 0 {
				break
			}
		}
		if walked != 6 || next != 0 {
			t.Fatalf("walked %d, next %d", walked, next)
		}
	})
}

func TestNotificationWrites(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		me, ada, bob := c.person("me"), c.person("ada"), c.person("bob")
		if n := c.together(5, func(tx *store.Tx) (bool, error) {
			return tx.Notify(c.ctx, store.Notification{AccountID: me.ID, Kind: store.NotifyFollow, FromID: ada.ID})
		}); n != 1 {
			t.Fatalf("told %d times", n)
		}
		id, his := c.notify(me, store.NotifyFollowRequest, bob, nil), c.notify(bob, store.NotifyFollow, me, nil)
		c.refused(store.ErrNotFound, func(tx *store.Tx) error { return tx.DismissNotification(c.ctx, me.ID, his) })
		c.refused(store.ErrNotFound, func(tx *store.Tx) error { return tx.DismissNotification(c.ctx, ada.ID, id) })
		c.do(func(tx *store.Tx) error {
			return tx.DeleteNotifications(c.ctx, me.ID, bob.ID, store.NotifyFollowRequest)
		})
		c.do(func(tx *store.Tx) error { return tx.ClearNotifications(c.ctx, me.ID) })
		if n := c.count(`SELECT COUNT(*) FROM notifications`); n != 1 {
			t.Fatalf("%d left", n)
		}
		c.do(func(tx *store.Tx) error { return tx.DismissNotification(c.ctx, bob.ID, his) })
	})
}

func TestWantsNotification(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		now := c.clock()
		me, post := c.person("me"), store.ID(77)
		wants := func(from *store.Account, root store.ID) bool {
			t.Helper()
			yes, err := db.WantsNotification(c.ctx, me.ID, from.ID, root)
			if err != nil {
				t.Fatal(err)
			}
			return yes
		}
		friend, muted, quiet, blocked, suspended, far, followed := c.person("friend"), c.person("muted"), c.person("quiet"), c.person("blocked"), c.person("suspended"), c.remote("far", "m.example"), c.remote("followed", "m.example")
		c.follow(me, followed, true)
		c.do(func(tx *store.Tx) error {
			_, err := tx.InsertBlock(c.ctx, me.ID, blocked.ID, "b")
			return errors.Join(err, tx.SetSuspended(c.ctx, suspended.ID, true), tx.InsertDomainMute(c.ctx, me.ID, "m.example"), tx.InsertThreadMute(c.ctx, me.ID, post),
				tx.InsertMute(c.ctx, &store.Mute{AccountID: me.ID, TargetID: quiet.ID}),
				tx.InsertMute(c.ctx, &store.Mute{AccountID: me.ID, TargetID: muted.ID, Notifications: true, ExpiresAt: now.Add(time.Hour)}))
		})
		for from, want := range map[*store.Account]bool{friend: true, quiet: true, followed: true, muted: false, blocked: false, suspended: false, far: false} {
			if got := wants(from, 0); got != want {
				t.Errorf("%s: %v", from.Handle, got)
			}
		}
		if wants(friend, post) || !wants(friend, 78) {
			t.Error("a muted thread")
		}
		*now = now.Add(time.Hour)
		if !wants(muted, 0) {
			t.Error("a mute that is over")
		}
	})
}

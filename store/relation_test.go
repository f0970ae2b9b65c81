package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cohort/store"
	"cohort/store/storetest"
)

func TestFollowCountsOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		ada, bob := c.person("ada"), c.remote("bob", "b.example")
		insert := func(accepted bool) func(tx *store.Tx) (bool, error) {
			return func(tx *store.Tx) (bool, error) {
				f := &store.Follow{AccountID: ada.ID, TargetID: bob.ID, URI: "https://here.example/f1", Boosts: true}
				if accepted {
					f.AcceptedAt = tx.Now
				}
				return tx.InsertFollow(c.ctx, f)
			}
		}
		remove := func(tx *store.Tx) (bool, error) {
			_, err := tx.DeleteFollow(c.ctx, ada.ID, bob.ID)
			if errors.Is(err, store.ErrNotFound) {
				return false, nil
			}
			return err == nil, err
		}
		if n := c.together(5, insert(false)); n != 1 {
			t.Fatalf("created %d times", n)
		}
		c.counters(bob, 0, 0)
		if n := c.together(5, func(tx *store.Tx) (bool, error) { return tx.AcceptFollow(c.ctx, ada.ID, bob.ID) }); n != 1 {
			t.Fatalf("accepted %d times", n)
		}
		c.counters(bob, 1, 0)
		c.counters(ada, 0, 1)
		if n := c.together(5, remove); n != 1 {
			t.Fatalf("removed %d times", n)
		}
		c.counters(bob, 0, 0)
		c.counters(ada, 0, 0)
		if n := c.together(5, insert(true)); n != 1 {
			t.Fatalf("created %d times", n)
		}
		c.counters(bob, 1, 0)
		for range 5 {
			c.do(func(tx *store.Tx) error { _, err := remove(tx); return err })
		}
		c.counters(bob, 0, 0)
		c.counters(ada, 0, 0)
	})
}

func TestFollowRefusals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		ada, bob, eve := c.person("ada"), c.remote("bob", "b.example"), c.remote("eve", "e.example")
		first := c.follow(bob, ada, true)
		// The uri of a follow cannot be taken over by another pair, neither for a new one nor for one that exists.
		c.refused(store.ErrConflict, func(tx *store.Tx) error {
			_, err := tx.InsertFollow(c.ctx, &store.Follow{AccountID: eve.ID, TargetID: ada.ID, URI: first.URI})
			return err
		})
		c.follow(eve, ada, true)
		c.refused(store.ErrConflict, func(tx *store.Tx) error {
			_, err := tx.InsertFollow(c.ctx, &store.Follow{AccountID: eve.ID, TargetID: ada.ID, URI: first.URI})
			return err
		})
		if f, err := db.FollowByURI(c.ctx, first.URI); err != nil || f.AccountID != bob.ID {
			t.Fatalf("%+v, %v", f, err)
		}
		// Follows without a uri do not collide and are not found by it.
		c.do(func(tx *store.Tx) error {
			for _, target := range []store.ID{bob.ID, eve.ID} {
				if _, err := tx.InsertFollow(c.ctx, &store.Follow{AccountID: ada.ID, TargetID: target}); err != nil {
					return err
				}
			}
			return nil
		})
		if _, err := db.FollowByURI(c.ctx, ""); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("the empty uri names a follow: %v", err)
		}
		again := &store.Follow{AccountID: bob.ID, TargetID: ada.ID, URI: "https://b.example/second"}
		c.do(func(tx *store.Tx) error {
			created, err := tx.InsertFollow(c.ctx, again)
			if created || again.ID != first.ID || again.AcceptedAt.IsZero() {
				t.Errorf("a second follow: %+v", again)
			}
			return err
		})
		if f, err := db.FollowByURI(c.ctx, "https://b.example/second"); err != nil || f.ID != first.ID {
			t.Fatalf("%+v, %v", f, err)
		}
		for name, f := range map[string]func(tx *store.Tx) error{
			"accepting what was not asked": func(tx *store.Tx) error {
				ok, err := tx.AcceptFollow(c.ctx, 5, ada.ID)
				if err == nil && !ok {
					err = store.ErrNotFound
				}
				return err
			},
			"deleting none": func(tx *store.Tx) error { _, err := tx.DeleteFollow(c.ctx, ada.ID, 5); return err },
			"updating none": func(tx *store.Tx) error {
				return tx.UpdateFollow(c.ctx, &store.Follow{AccountID: 5, TargetID: ada.ID})
			},
		} {
			t.Run(name, func(t *testing.T) { newCrowd(t, db).refused(store.ErrNotFound, f) })
		}
	})
}

func TestCirclesAreNotCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		ada, circle := c.person("ada"), c.circle("c2012", "u", 0, 0)
		c.sits(circle.Account, ada, nil)
		c.follow(ada, circle.Account, true)
		c.counters(ada, 0, 0)
		c.counters(circle.Account, 0, 0)
		c.do(func(tx *store.Tx) error { _, err := tx.DeleteFollow(c.ctx, ada.ID, circle.ID); return err })
		c.counters(circle.Account, 0, 0)
	})
}

// Whatever happens in whatever order, counters are what can be counted.
func TestCountersProperty(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		people := []*store.Account{c.person("a"), c.person("b"), c.remote("r", "r.example")}
		post := c.post(people[0], store.Public, 0)
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			for range rapid.IntRange(1, 12).Draw(rt, "steps") {
				n++
				who, whom := rapid.SampledFrom(people).Draw(rt, "who"), rapid.SampledFrom(people).Draw(rt, "whom")
				step := rapid.SampledFrom([]string{"follow", "request", "accept", "unfollow", "block", "unblock", "like", "unlike"}).Draw(rt, "step")
				err := db.Tx(c.ctx, func(tx *store.Tx) error { return counted(c.ctx, tx, step, who.ID, whom.ID, post, n) })
				if err != nil && !errors.Is(err, store.ErrNotFound) {
					rt.Fatal(err)
				}
			}
			for _, p := range people {
				followers := c.count(`SELECT COUNT(*) FROM follows WHERE target_id = $1 AND accepted_at IS NOT NULL`, int64(p.ID))
				following := c.count(`SELECT COUNT(*) FROM follows WHERE account_id = $1 AND accepted_at IS NOT NULL`, int64(p.ID))
				if a := c.get(p.ID); a.FollowersCount != int64(followers) || a.FollowingCount != int64(following) {
					rt.Fatalf("%s counts %d and %d, has %d and %d", p.Handle, a.FollowersCount, a.FollowingCount, followers, following)
				}
			}
			if likes, counted := c.count(`SELECT COUNT(*) FROM likes`), c.count(`SELECT likes_count FROM posts WHERE id = $1`, int64(post.ID)); likes != counted {
				rt.Fatalf("%d likes, %d counted", likes, counted)
			}
		})
	})
}

func counted(ctx context.Context, tx *store.Tx, step string, who, whom store.ID, post *store.Post, n int) (err error) {
	uri := fmt.Sprintf("https://here.example/acts/%d", n)
	f := &store.Follow{AccountID: who, TargetID: whom, URI: uri}
	switch step {
	case "follow":
		f.AcceptedAt = tx.Now
		_, err = tx.InsertFollow(ctx, f)
	case "request":
		_, err = tx.InsertFollow(ctx, f)
	case "accept":
		_, err = tx.AcceptFollow(ctx, who, whom)
	case "unfollow":
		_, err = tx.DeleteFollow(ctx, who, whom)
	case "block":
		_, err = tx.InsertBlock(ctx, who, whom, uri)
	case "unblock":
		_, err = tx.DeleteBlock(ctx, who, whom)
	case "like":
		_, err = tx.InsertLike(ctx, who, post, uri)
	case "unlike":
		_, err = tx.DeleteLike(ctx, who, post.ID)
	}
	return err
}

func TestUnfollowLeavesHome(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		ada, bob, eve := c.person("ada"), c.person("bob"), c.person("eve")
		circle := c.circle("c2012", "u", 0, 0)
		c.sits(circle.Account, ada, nil)
		c.sits(circle.Account, bob, nil)
		c.follow(ada, bob, true)
		c.follow(ada, eve, true)
		posts := []*store.Post{c.post(bob, store.Public, 0), c.post(bob, store.InCircle, circle.ID), c.post(eve, store.Public, 0)}
		for _, p := range posts {
			c.exec(`INSERT INTO timeline (account_id, post_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, int64(ada.ID), int64(p.ID))
		}
		c.do(func(tx *store.Tx) error { _, err := tx.DeleteFollow(c.ctx, ada.ID, bob.ID); return err })
		for i, want := range []int{0, 1, 1} {
			if n := c.count(`SELECT COUNT(*) FROM timeline WHERE account_id = $1 AND post_id = $2`, int64(ada.ID), int64(posts[i].ID)); n != want {
				t.Errorf("post %d: %d rows, want %d", i, n, want)
			}
		}
	})
}

func TestBlockEndsEverything(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		ada, bob := c.person("ada"), c.person("bob")
		c.follow(ada, bob, true)
		c.follow(bob, ada, true)
		post := c.post(bob, store.Public, 0)
		c.exec(`INSERT INTO timeline (account_id, post_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, int64(ada.ID), int64(post.ID))
		c.do(func(tx *store.Tx) error {
			_, err := tx.Notify(c.ctx, store.Notification{AccountID: ada.ID, Kind: store.NotifyFollow, FromID: bob.ID})
			return err
		})
		if n := c.together(5, func(tx *store.Tx) (bool, error) {
			return tx.InsertBlock(c.ctx, ada.ID, bob.ID, "https://here.example/b1")
		}); n != 1 {
			t.Fatalf("created %d times", n)
		}
		c.counters(ada, 0, 0)
		c.counters(bob, 0, 0)
		for _, table := range []string{"follows", "timeline", "notifications"} {
			if n := c.count(`SELECT COUNT(*) FROM ` + table); n != 0 {
				t.Errorf("%d rows of %s are left", n, table)
			}
		}
		if list, _, err := db.Blocks(c.ctx, ada.ID, store.Page{}); err != nil || handles(list) != "bob " {
			t.Fatalf("%v, %v", handles(list), err)
		}
		if yes, err := db.Blocking(c.ctx, bob.ID, ada.ID); err != nil || yes {
			t.Fatalf("a block works one way: %v", err)
		}
		c.refused(store.ErrNotFound, func(tx *store.Tx) error { _, err := tx.DeleteBlock(c.ctx, bob.ID, ada.ID); return err })
		c.do(func(tx *store.Tx) error {
			b, err := tx.DeleteBlock(c.ctx, ada.ID, bob.ID)
			if err == nil && b.URI != "https://here.example/b1" {
				t.Errorf("%+v", b)
			}
			return err
		})
	})
}

func TestRelationships(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		now := c.clock()
		me, circle, waits, over := c.person("me"), c.circle("sits", "u", 0, 0), c.circle("waits", "u", 0, 0), c.circle("over", "u", 0, 0)
		c.sits(circle.Account, me, nil)
		c.do(func(tx *store.Tx) error {
			return errors.Join(
				tx.SaveMembership(c.ctx, &store.Membership{CircleID: waits.ID, AccountID: me.ID}),
				tx.SaveMembership(c.ctx, &store.Membership{CircleID: over.ID, AccountID: me.ID, VerifiedAt: tx.Now, ExpiresAt: tx.Now.Add(time.Minute)}))
		})
		other := map[string]*store.Account{"circle": circle.Account, "waits": waits.Account, "over": over.Account}
		for _, h := range []string{"followed", "asked", "follower", "asker", "blocked", "blocker", "muted", "quiet", "domain", "noted", "stranger"} {
			other[h] = c.remote(h, h+".example")
		}
		f := c.follow(me, other["followed"], true)
		c.follow(me, other["asked"], false)
		c.follow(other["follower"], me, true)
		c.follow(other["asker"], me, false)
		c.do(func(tx *store.Tx) error {
			f.Boosts, f.Notify = false, true
			_, err := tx.InsertBlock(c.ctx, me.ID, other["blocked"].ID, "b1")
			_, err2 := tx.InsertBlock(c.ctx, other["blocker"].ID, me.ID, "b2")
			return errors.Join(err, err2, tx.UpdateFollow(c.ctx, f),
				tx.InsertMute(c.ctx, &store.Mute{AccountID: me.ID, TargetID: other["muted"].ID, Notifications: true, ExpiresAt: tx.Now.Add(time.Hour)}),
				tx.InsertMute(c.ctx, &store.Mute{AccountID: me.ID, TargetID: other["quiet"].ID, ExpiresAt: tx.Now.Add(time.Minute)}),
				tx.InsertDomainMute(c.ctx, me.ID, "Domain.example"),
				tx.SetNote(c.ctx, me.ID, other["noted"].ID, "from school"))
		})
		*now = now.Add(2 * time.Minute)
		want := map[string]store.Relationship{
			"followed": {Following: true, Notifying: true}, "asked": {Requested: true, ShowingBoosts: true},
			"follower": {FollowedBy: true}, "asker": {RequestedBy: true}, "blocked": {Blocking: true}, "blocker": {BlockedBy: true},
			"muted": {Muting: true, MutingNotifications: true}, "quiet": {}, "domain": {DomainMuted: true}, "noted": {Note: "from school"}, "stranger": {},
			"circle": {Following: true, ShowingBoosts: true}, "waits": {Requested: true}, "over": {},
		}
		var ids []store.ID
		for _, a := range other {
			ids = append(ids, a.ID)
		}
		got, err := db.Relationships(c.ctx, me.ID, append(ids, 5))
		if err != nil || len(got) != len(want)+1 {
			t.Fatalf("%d, %v", len(got), err)
		}
		for name, w := range want {
			if got[other[name].ID] != w {
				t.Errorf("%s: %+v, want %+v", name, got[other[name].ID], w)
			}
		}
		if muted, _, err := db.Mutes(c.ctx, me.ID, store.Page{}); err != nil || len(muted) != 1 || muted[0].Handle != "muted" || muted[0].ExpiresAt.IsZero() {
			t.Fatalf("%+v, %v", muted, err)
		}
		if domains, _, err := db.DomainMutes(c.ctx, me.ID, store.Page{}); err != nil || len(domains) != 1 || domains[0] != "domain.example" {
			t.Fatalf("%v, %v", domains, err)
		}
		c.do(func(tx *store.Tx) error {
			return errors.Join(tx.DeleteMute(c.ctx, me.ID, other["muted"].ID), tx.DeleteDomainMute(c.ctx, me.ID, "DOMAIN.example"), tx.SetNote(c.ctx, me.ID, other["noted"].ID, ""))
		})
		for _, name := range []string{"muted", "domain", "noted"} {
			if rel, err := db.Relationship(c.ctx, me.ID, other[name].ID); err != nil || rel != (store.Relationship{}) {
				t.Errorf("%s: %+v, %v", name, rel, err)
			}
		}
	})
}

func TestWatchersAndInboxes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		ada, bob, far, near := c.person("ada"), c.person("bob"), c.remote("far", "f.example"), c.remote("near", "n.example")
		f := c.follow(bob, ada, true)
		f.Notify = true
		c.do(func(tx *store.Tx) error { return tx.UpdateFollow(c.ctx, f) })
		if w, err := db.Watchers(c.ctx, ada.ID); err != nil || len(w) != 1 || w[0] != bob.ID {
			t.Fatalf("%v, %v", w, err)
		}
		for a, want := range map[*store.Account]bool{ada: true, far: false} {
			if yes, err := db.HasLocalFollowers(c.ctx, a.ID); err != nil || yes != want {
				t.Errorf("%s: %v, %v", a.Handle, yes, err)
			}
		}
		c.follow(far, ada, true)
		c.follow(c.remote("second", "f.example"), ada, true)
		c.follow(ada, near, true)
		c.remote("stranger", "s.example")
		post := c.post(ada, store.Public, 0)
		c.exec(`INSERT INTO sent (post_id, inbox, host, attempted_at) VALUES ($1, 'https://old.example/inbox', 'old.example', 1)`, int64(post.ID))
		c.exec(`INSERT INTO sent (post_id, inbox, host, attempted_at) VALUES ($1, 'https://f.example/inbox', 'f.example', 1)`, int64(post.ID))
		news, n := db.NewID(), 0
		c.do(func(tx *store.Tx) (err error) {
			n, err = tx.EnqueueKnowing(c.ctx, "activity", news, ada.ID)
			return err
		})
		var got []string
		for _, j := range waitingJobs(t, db, "") {
			if j.ObjectID == news && j.Kind == "activity" && strings.HasPrefix(j.Lane, j.Host+"#") {
				got = append(got, j.Target)
			}
		}
		slices.Sort(got)
		if want := []string{"https://f.example/inbox", "https://n.example/inbox", "https://old.example/inbox"}; n != len(want) || !slices.Equal(got, want) {
			t.Fatalf("%d: %q", n, got)
		}
	})
}

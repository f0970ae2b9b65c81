package store_test

import (
	"errors"
	"testing"

	"cohort/store"
	"cohort/store/storetest"
)

func TestLikesCountOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		ada, bob := c.person("ada"), c.remote("bob", "b.example")
		post, other := c.post(ada, store.Public, 0), c.post(ada, store.Public, 0)
		likes := func(want int64) {
			t.Helper()
			if p, err := db.Post(c.ctx, store.Anonymous, post.ID); err != nil || p.LikesCount != want {
				t.Fatalf("%+v, %v, want %d", p, err, want)
			}
		}
		unlike := func(tx *store.Tx) (bool, error) {
			_, err := tx.DeleteLike(c.ctx, bob.ID, post.ID)
			if errors.Is(err, store.ErrNotFound) {
				return false, nil
			}
			return err == nil, err
		}
		if n := c.together(5, func(tx *store.Tx) (bool, error) { return tx.InsertLike(c.ctx, bob.ID, post, "https://b.example/l1") }); n != 1 {
			t.Fatalf("liked %d times", n)
		}
		likes(1)
		c.do(func(tx *store.Tx) error { _, err := tx.InsertLike(c.ctx, ada.ID, post, ""); return err })
		c.do(func(tx *store.Tx) error { _, err := tx.InsertLike(c.ctx, ada.ID, other, ""); return err })
		likes(2)
		c.refused(store.ErrConflict, func(tx *store.Tx) error {
			_, err := tx.InsertLike(c.ctx, bob.ID, other, "https://b.example/l1")
			return err
		})
		if _, err := db.LikeByURI(c.ctx, ""); !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		if l, err := db.LikeByURI(c.ctx, "https://b.example/l1"); err != nil || l.AccountID != bob.ID || l.PostID != post.ID {
			t.Fatalf("%+v, %v", l, err)
		}
		if n := c.together(5, unlike); n != 1 {
			t.Fatalf("unliked %d times", n)
		}
		likes(1)
		for range 5 {
			c.do(func(tx *store.Tx) error { _, err := unlike(tx); return err })
		}
		likes(1)
	})
}

func TestLikersNeedAVisiblePost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		ada, bob, eve := c.person("ada"), c.person("bob"), c.person("eve")
		circle := c.circle("c2012", "u", 0, 0)
		c.sits(circle.Account, ada, nil)
		c.sits(circle.Account, bob, nil)
		post := c.post(ada, store.InCircle, circle.ID)
		c.do(func(tx *store.Tx) error { _, err := tx.InsertLike(c.ctx, bob.ID, post, ""); return err })
		if list, _, err := db.Likers(c.ctx, store.AsAccount(ada.ID), post.ID, store.Page{}); err != nil || handles(list) != "bob " {
			t.Fatalf("%q, %v", handles(list), err)
		}
		for _, v := range []store.Viewer{store.Anonymous, store.AsAccount(eve.ID)} {
			if _, _, err := db.Likers(c.ctx, v, post.ID, store.Page{}); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%d sees who likes: %v", v.AccountID(), err)
			}
		}
		if here, err := db.LocalBoosters(c.ctx, post.ID, 10); err != nil || len(here) != 0 {
			t.Fatalf("%v, %v", here, err)
		}
	})
}

func TestKeptPosts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		me, ada := c.person("me"), c.person("ada")
		circle := c.circle("c2012", "u", 0, 0)
		c.sits(circle.Account, me, nil)
		c.sits(circle.Account, ada, nil)
		posts := []*store.Post{c.post(ada, store.Public, 0), c.post(ada, store.InCircle, circle.ID), c.post(ada, store.Public, 0), c.post(ada, store.Unlisted, 0)}
		for _, i := range []int{3, 1, 0, 2} { // kept in another order than they were written
			for range 2 {
				c.do(func(tx *store.Tx) error {
					_, err := tx.InsertLike(c.ctx, me.ID, posts[i], "")
					return errors.Join(err, tx.InsertBookmark(c.ctx, me.ID, posts[i].ID))
				})
			}
		}
		for name, list := range map[string]func(p store.Page) (store.Posts, error){
			"likes":     func(p store.Page) (store.Posts, error) { return db.LikedPosts(c.ctx, me.ID, p) },
			"bookmarks": func(p store.Page) (store.Posts, error) { return db.BookmarkedPosts(c.ctx, me.ID, p) },
		} {
			page := func(p store.Page, want ...int) store.Posts {
				t.Helper()
				got, err := list(p)
				ok := err == nil && len(got.Items) == len(want)
				for i := 0; ok && i < len(want); i++ {
					ok = got.Items[i].ID == posts[want[i]].ID
				}
				if !ok {
					t.Fatalf("%s %+v: %+v, %v", name, p, got, err)
				}
				return got
			}
			first := page(store.Page{Limit: 2}, 2, 0)
			second := page(store.Page{Limit: 2, MaxID: first.Next}, 1, 3)
			page(store.Page{Limit: 2, MaxID: second.Next}, map[bool][]int{true: {}, false: {2, 0}}[second.Next != 0]...)
			page(store.Page{Limit: 2, MinID: second.Prev}, 2, 0)
			page(store.Page{Limit: 1, MinID: second.Prev}, 0)
			page(store.Page{MinID: first.Prev})
		}
		// What may no longer be seen is left out, and the list leads past it.
		c.do(func(tx *store.Tx) error { return tx.EndMembership(c.ctx, circle.ID, me.ID) })
		got, err := db.LikedPosts(c.ctx, me.ID, store.Page{Limit: 3})
		if err != nil || len(got.Items) != 2 || got.Next == 0 {
			t.Fatalf("%+v, %v", got, err)
		}
		if got, err = db.LikedPosts(c.ctx, me.ID, store.Page{Limit: 3, MaxID: got.Next}); err != nil || len(got.Items) != 1 || got.Items[0].ID != posts[3].ID {
			t.Fatalf("%+v, %v", got, err)
		}
		if got, err := db.LikedPosts(c.ctx, ada.ID, store.Page{}); err != nil || len(got.Items) != 0 {
			t.Fatalf("somebody else's likes: %+v, %v", got, err)
		}
		c.do(func(tx *store.Tx) error { return tx.DeleteBookmark(c.ctx, me.ID, posts[2].ID) })
		if got, err := db.BookmarkedPosts(c.ctx, me.ID, store.Page{}); err != nil || len(got.Items) != 2 {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

func TestPins(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		ada, bob := c.person("ada"), c.person("bob")
		mine, his := c.post(ada, store.Public, 0), c.post(bob, store.Public, 0)
		for _, p := range []*store.Post{mine, mine, his} {
			c.do(func(tx *store.Tx) error { return tx.InsertPin(c.ctx, ada.ID, p.ID) })
		}
		if n, err := db.PinCount(c.ctx, ada.ID); err != nil || n != 1 {
			t.Fatalf("%d, %v", n, err)
		}
		c.do(func(tx *store.Tx) error { return tx.DeletePin(c.ctx, ada.ID, mine.ID) })
		if n, err := db.PinCount(c.ctx, ada.ID); err != nil || n != 0 {
			t.Fatalf("%d, %v", n, err)
		}
	})
}

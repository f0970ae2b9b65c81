package store_test

import (
	"errors"
	"fmt"
	"testing"

	"cohort/store"
	"cohort/store/storetest"
)

func TestMediaRefusals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		ada, bob := c.person("ada"), c.person("bob")
		upload := func(a *store.Account) *store.Media {
			m := &store.Media{AccountID: a.ID, MIME: "image/jpeg", File: "f", Preview: "p", Alt: "alt", Blurhash: "LKO", Width: 10, Height: 20, PreviewWidth: 1, PreviewHeight: 2, FocusX: -0.25, FocusY: 0.3333, Size: 99}
			c.do(func(tx *store.Tx) error { return tx.InsertMedia(c.ctx, m) })
			return m
		}
		post, second := c.post(ada, store.Public, 0), c.post(ada, store.Public, 0)
		m1, m2, m3, his := upload(ada), upload(ada), upload(ada), upload(bob)
		got, err := db.Media(c.ctx, ada.ID, m1.ID)
		if err != nil || fmt.Sprint(*got) != fmt.Sprint(store.Media{
			ID: m1.ID, AccountID: ada.ID, MIME: "image/jpeg", File: "f", Preview: "p", Alt: "alt", Blurhash: "LKO", Width: 10, Height: 20,
			PreviewWidth: 1, PreviewHeight: 2, FocusX: -0.25, FocusY: 0.3333, Size: 99, CreatedAt: got.CreatedAt,
		}) {
			t.Fatalf("%+v, %v", got, err)
		}
		if _, err := db.Media(c.ctx, bob.ID, m1.ID); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("somebody else's picture: %v", err)
		}
		attach := func(ids ...store.ID) func(tx *store.Tx) error {
			return func(tx *store.Tx) error { return tx.AttachMedia(c.ctx, ada.ID, ids, post.ID) }
		}
		c.do(attach(m2.ID, m1.ID))
		for name, f := range map[string]func(tx *store.Tx) error{
			"another's":       attach(his.ID),
			"attached":        attach(m1.ID),
			"twice":           attach(m3.ID, m3.ID),
			"unknown":         attach(m3.ID, 5),
			"to another post": func(tx *store.Tx) error { return tx.AttachMedia(c.ctx, ada.ID, []store.ID{m1.ID}, second.ID) },
			"replacing with another's": func(tx *store.Tx) error {
				return tx.ReplaceMedia(c.ctx, ada.ID, []store.ID{m1.ID, his.ID}, post.ID)
			},
			"describing another's": func(tx *store.Tx) error { return tx.UpdateMedia(c.ctx, &store.Media{ID: his.ID, AccountID: ada.ID}) },
			"deleting another's":   func(tx *store.Tx) error { return tx.DeleteMedia(c.ctx, ada.ID, his.ID) },
			"deleting an attached": func(tx *store.Tx) error { return tx.DeleteMedia(c.ctx, ada.ID, m1.ID) },
		} {
			t.Run(name, func(t *testing.T) { newCrowd(t, db).refused(store.ErrNotFound, f) })
		}
		check := func(want int, ids ...store.ID) {
			t.Helper()
			p, err := db.Post(c.ctx, store.Anonymous, post.ID)
			if err != nil || p.MediaCount != want {
				t.Fatalf("media_count %d, %v, want %d", p.MediaCount, err, want)
			}
			for i, id := range ids {
				if m, err := db.Media(c.ctx, ada.ID, id); err != nil || m.PostID != post.ID || m.Position != i {
					t.Fatalf("%d: %+v, %v", i, m, err)
				}
			}
		}
		check(2, m2.ID, m1.ID)
		c.do(func(tx *store.Tx) error { return tx.ReplaceMedia(c.ctx, ada.ID, []store.ID{m3.ID, m2.ID}, post.ID) })
		check(2, m3.ID, m2.ID)
		if m, err := db.Media(c.ctx, ada.ID, m1.ID); err != nil || m.PostID != 0 {
			t.Fatalf("%+v, %v", m, err)
		}
		c.do(func(tx *store.Tx) error {
			return tx.UpdateMedia(c.ctx, &store.Media{ID: m1.ID, AccountID: ada.ID, Alt: "new", FocusX: 7, FocusY: -7})
		})
		if m, err := db.Media(c.ctx, ada.ID, m1.ID); err != nil || m.Alt != "new" || m.FocusX != 1 || m.FocusY != -1 {
			t.Fatalf("%+v, %v", m, err)
		}
		c.do(func(tx *store.Tx) error { return tx.DeleteMedia(c.ctx, ada.ID, m1.ID) })
	})
}

func TestMediaCache(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		now := c.clock()
		for i := range 5 {
			*now = now.Add(1000000)
			c.do(func(tx *store.Tx) error {
				return tx.PutCachedMedia(c.ctx, &store.CachedMedia{URL: fmt.Sprint("u", i), File: fmt.Sprint("f", i), MIME: "image/png", Size: 10})
			})
		}
		*now = now.Add(1000000)
		c.do(func(tx *store.Tx) error { return tx.TouchCachedMedia(c.ctx, "u0") })
		evict := func(limit int64, want string) {
			t.Helper()
			c.do(func(tx *store.Tx) error {
				gone, err := tx.EvictCachedMedia(c.ctx, limit)
				got := ""
				for _, m := range gone {
					got += m.File + " "
				}
				if got != want {
					t.Errorf("%d: evicted %q, want %q", limit, got, want)
				}
				return err
			})
		}
		evict(50, "")
		evict(35, "f1 f2 ")
		evict(0, "f3 f4 f0 ")
		if _, err := db.CachedMedia(c.ctx, "u0"); !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		c.do(func(tx *store.Tx) error {
			return errors.Join(tx.PutCachedMedia(c.ctx, &store.CachedMedia{URL: "u", File: "old", MIME: "m"}), tx.PutCachedMedia(c.ctx, &store.CachedMedia{URL: "u", File: "new", MIME: "m", Size: 3}))
		})
		if m, err := db.CachedMedia(c.ctx, "u"); err != nil || m.File != "new" || m.Size != 3 {
			t.Fatalf("%+v, %v", m, err)
		}
	})
}

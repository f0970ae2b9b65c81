package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

// What is let out is seen at once by everyone, also by a process that has read the post before and was not told; the
// post was not edited, and a second time is refused.
func TestLetOutIsSeenAtOnce(t *testing.T) {
	each := func(c store.Config) func(t *testing.T) {
		return func(t *testing.T) { letOutIsSeen(t, storetest.OpenWith(t, c), storetest.OpenWith(t, c)) }
	}
	t.Run("sqlite", each(storetest.Config(t)))
	if c, ok := storetest.PostgresConfig(t); ok {
		t.Run("postgres", each(c))
	}
}

func letOutIsSeen(t *testing.T, db, other *store.DB) {
	ctx := t.Context()
	ada, lin := storetest.Account(t, db, "ada"), storetest.Remote(t, db, "lin", "far.example")
	p := storetest.Post(t, db, ada, store.Public, 0, &store.Post{HTML: "<p>plain</p>", HeldAt: db.Now()})
	now := db.Now
	db.Now = func() time.Time { return now().Add(time.Minute) }
	other.Now = db.Now
	read := func(db *store.DB) *store.PostView {
		t.Helper()
		page, err := db.Public(ctx, store.Anonymous, store.Page{Limit: 5}, store.PublicFilter{})
		if err != nil {
			t.Fatal(err)
		}
		views, err := db.Views(ctx, store.Anonymous, page.Items)
		if err != nil || len(views) != 1 {
			t.Fatalf("%d views, %v", len(views), err)
		}
		return views[0]
	}
	for range 2 {
		read(db)
		read(other)
	}
	if v := read(db); v.Post.HTML != "<p>plain</p>" || v.Post.HeldAt.IsZero() || len(v.Mentions) != 0 {
		t.Errorf("held: %+v", v.Post)
	}
	letOut := func() error {
		return db.Tx(ctx, func(tx *store.Tx) error {
			if err := tx.LockPost(ctx, p.ID); err != nil {
				return err
			}
			held, err := tx.HeldPost(ctx, p.ID)
			if err != nil {
				return err
			}
			held.HTML = "<p>linked</p>"
			return tx.LetOut(ctx, held, []store.ID{lin.ID})
		})
	}
	if err := letOut(); err != nil {
		t.Fatal(err)
	}
	for _, by := range []*store.DB{db, other, db, other} {
		if v := read(by); v.Post.HTML != "<p>linked</p>" || !v.Post.HeldAt.IsZero() || !v.Post.EditedAt.IsZero() || len(v.Mentions) != 1 || v.Post.MentionCount != 1 {
			t.Errorf("let out: %+v, mentions %+v", v.Post, v.Mentions)
		}
	}
	if err := letOut(); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a second time: %v", err)
	}
	err := db.Tx(ctx, func(tx *store.Tx) error { _, err := tx.DeletePost(context.WithoutCancel(ctx), p.ID); return err })
	if err == nil {
		err = db.Tx(ctx, func(tx *store.Tx) error { return tx.LockPost(ctx, p.ID) })
	}
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("locking what is gone: %v", err)
	}
}

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

func TestEditRefuses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob := w.person("ada"), w.person("bob")
		p := w.post(ada, Draft{Text: "mine"})
		boost, err := w.s.Boost(t.Context(), ada, p.ID, "")
		w.ok(err)
		gone := w.post(ada, Draft{Text: "gone"})
		_, err = w.s.DeletePost(t.Context(), ada, gone.ID)
		w.ok(err)
		for name, c := range map[string]struct {
			by   *store.Account
			id   store.ID
			d    Draft
			want error
		}{
			"another's":         {bob, p.ID, Draft{Text: "forged"}, store.ErrNotFound},
			"a boost":           {ada, boost.ID, Draft{Text: "words"}, store.ErrNotFound},
			"what is gone":      {ada, gone.ID, Draft{Text: "back"}, store.ErrNotFound},
			"nothing":           {ada, 12345, Draft{Text: "x"}, store.ErrNotFound},
			"to nothing":        {ada, p.ID, Draft{}, &Invalid{Key: "invalid.post_empty"}},
			"another's picture": {ada, p.ID, Draft{Text: "x", Media: []store.ID{w.picture(bob)}}, &Invalid{Field: "media_ids", Key: "invalid.picture_gone"}},
		} {
			_, err := w.s.Edit(t.Context(), c.by, c.id, c.d)
			w.refused(name, err, c.want)
		}
		if got := w.reload(p); got.Source != "mine" || !got.EditedAt.IsZero() {
			t.Errorf("after refused edits: %+v", got)
		}
	})
}

// An edit changes words, never readers.
func TestEditNeverAddsReaders(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob, eve, rem := w.person("ada"), w.person("bob"), w.person("eve"), w.remote("rem", "r.example")
		w.follows(bob, ada)
		class := w.class("2012-3")
		w.seat(ada, class)
		for name, p := range map[string]*store.Post{
			"letter":    w.post(ada, Draft{Text: "@bob secret", Visibility: store.Direct}),
			"followers": w.post(ada, Draft{Text: "secret", Visibility: store.Followers}),
			"circle":    w.post(ada, Draft{Text: "secret", Circle: class.ID}),
		} {
			homes, told := w.homes(p), w.told(p)
			edited, err := w.s.Edit(t.Context(), ada, p.ID, Draft{Text: "@eve @rem@r.example secret", Visibility: store.Public, Circle: 0})
			w.ok(err)
			if edited.Visibility != p.Visibility || edited.CircleID != p.CircleID {
				t.Errorf("%s: it became %s", name, edited.Visibility)
			}
			if w.sees(store.AsAccount(eve.ID), p.ID) || w.sees(store.AsSigner(rem.ID), p.ID) {
				t.Errorf("%s: new names may read it", name)
			}
			if !slices.Equal(w.homes(p), homes) || !slices.Equal(w.told(p), told) {
				t.Errorf("%s: homes %v, told %v", name, w.homes(p), w.told(p))
			}
			for _, job := range w.sending(p.ID) {
				if job == "update https://r.example/inbox" {
					t.Errorf("%s: sent to a server that did not have it", name)
				}
			}
		}
		letter := w.post(ada, Draft{Text: "@bob once more", Visibility: store.Direct})
		if _, err := w.s.Edit(t.Context(), ada, letter.ID, Draft{Text: "nobody named"}); err != nil || !w.sees(store.AsAccount(bob.ID), letter.ID) {
			t.Errorf("who has read a letter no longer sees it: %v", err)
		}
	})
}

func TestEditKeepsHistory(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob, cid, rem := w.person("ada"), w.person("bob"), w.person("cid"), w.remote("rem", "r.example")
		w.follows(rem, ada)
		p := w.post(ada, Draft{Text: "one #a", Language: "en", Summary: "mind"})
		w.attempted(p, rem)
		w.tx(func(ctx context.Context, tx *store.Tx) error { return tx.SetSigned(ctx, p.ID, "signed words") })
		for _, who := range []*store.Account{bob, cid} {
			_, err := w.s.Boost(t.Context(), who, p.ID, "")
			w.ok(err)
		}
		w.ok(w.s.Block(t.Context(), ada, cid.ID))
		errs := together(5, func(int) error {
			_, err := w.s.Edit(t.Context(), ada, p.ID, Draft{Text: "two #b"})
			return err
		})
		w.ok(errors.Join(errs...))
		got := w.reload(p)
		edits, err := w.db.Edits(t.Context(), store.Anonymous, p.ID)
		w.ok(err)
		if len(edits) != 6 || edits[0].Source != "one #a" || edits[5].Source != "two #b" {
			t.Fatalf("%d versions", len(edits))
		}
		for i := 1; i < len(edits); i++ {
			if !edits[i].CreatedAt.After(edits[i-1].CreatedAt) {
				t.Errorf("version %d is not later than the one before", i)
			}
		}
		if got.Signed != "" || got.Language != "en" || got.Summary != "" || got.Sensitive || got.TagCount != 1 {
			t.Errorf("after the edit: %+v", got)
		}
		if n := w.count(`SELECT COUNT(*) FROM notifications WHERE kind = 'update' AND account_id = $1`, bob.ID); n != 1 {
			t.Errorf("who boosted is told %d times", n)
		}
		if n := w.count(`SELECT COUNT(*) FROM notifications WHERE kind = 'update' AND account_id = $1`, cid.ID); n != 0 {
			t.Error("who was blocked is told of an edit")
		}
		if jobs := w.sending(p.ID); !slices.Contains(jobs, "update https://r.example/inbox") {
			t.Errorf("jobs %q", jobs)
		}
	})
}

// Nothing of a deleted post stays with anyone.
func TestDeletePost(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob, rem, far := w.person("ada"), w.person("bob"), w.remote("rem", "r.example"), w.remote("far", "f.example")
		w.follows(bob, ada)
		w.follows(rem, ada)
		w.follows(far, bob)
		parent := w.post(bob, Draft{Text: "parent"})
		p := w.post(ada, Draft{Text: "@bob marker", ReplyTo: parent.ID})
		reply := w.post(bob, Draft{Text: "@ada reply", ReplyTo: p.ID})
		boost, err := w.s.Boost(t.Context(), bob, p.ID, "")
		w.ok(err)
		w.ok(w.s.Like(t.Context(), bob, p.ID))
		w.ok(w.s.Bookmark(t.Context(), bob, p.ID))
		w.ok(w.s.Pin(t.Context(), ada, p.ID))
		w.attempted(p, rem)
		w.attempted(boost, far)
		_, err = w.s.DeletePost(t.Context(), bob, p.ID)
		w.refused("another's", err, store.ErrNotFound)
		mine := w.s.Hub.Subscribe(bob.ID, false)

		old, err := w.s.DeletePost(t.Context(), ada, p.ID)
		w.ok(err)
		if old.Source != "@bob marker" {
			t.Errorf("for redrafting: %q", old.Source)
		}
		if e := <-mine.C; e.Kind != EventDelete || e.Post != p.ID {
			t.Errorf("who reads live hears %+v", e)
		}
		_, err = w.s.DeletePost(t.Context(), ada, p.ID)
		w.refused("again", err, store.ErrNotFound)
		w.same("homes", w.homes(p))
		w.same("homes of the boost", w.homes(boost))
		w.same("told", w.told(p))
		w.same("told of the boost", w.told(boost))
		for table, n := range map[string]int{
			"pins": w.count(`SELECT COUNT(*) FROM pins`), "likes": w.count(`SELECT COUNT(*) FROM likes`),
			"text": w.count(`SELECT COUNT(*) FROM posts WHERE source LIKE '%marker%' OR html LIKE '%marker%'`),
		} {
			if n != 0 {
				t.Errorf("%d rows of %s are left", n, table)
			}
		}
		if w.sees(store.AsAccount(bob.ID), boost.ID) {
			t.Error("the boost is still there")
		}
		if b, a := w.account(bob), w.account(ada); a.PostsCount != 0 || b.PostsCount != 2 {
			t.Errorf("counts: ada %d, bob %d", a.PostsCount, b.PostsCount)
		}
		if got := w.reload(parent); got.RepliesCount != 0 {
			t.Errorf("the parent counts %d replies", got.RepliesCount)
		}
		if !w.sees(store.Anonymous, reply.ID) {
			t.Error("the reply went with it")
		}
		if jobs := w.sending(p.ID); !slices.Contains(jobs, "delete https://r.example/inbox") || !slices.Contains(jobs, "delete https://f.example/inbox") {
			t.Errorf("who has the post, or a boost of it, is not told: %q", jobs)
		}
	})
}

// Of several deletes at once one counts.
func TestDeletePostAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob := w.person("ada"), w.person("bob")
		parent := w.post(bob, Draft{Text: "parent"})
		for range 3 {
			w.post(ada, Draft{Text: "stays", ReplyTo: parent.ID})
		}
		p := w.post(ada, Draft{Text: "goes", ReplyTo: parent.ID})
		deleted := 0
		for _, err := range together(10, func(int) error {
			_, err := w.s.DeletePost(t.Context(), ada, p.ID)
			return err
		}) {
			if err == nil {
				deleted++
			} else if !errors.Is(err, store.ErrNotFound) {
				t.Error(err)
			}
		}
		if a, got := w.account(ada), w.reload(parent); deleted != 1 || a.PostsCount != 3 || got.RepliesCount != 3 {
			t.Errorf("deleted %d times: %d posts, %d replies", deleted, a.PostsCount, got.RepliesCount)
		}
	})
}

// The words of a circle leave the homes of its members with the delete, and what was sent is called back from
// members' servers only.
func TestDeleteCirclePost(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob, rem := w.person("ada"), w.person("bob"), w.remote("rem", "r.example")
		class := w.class("2012-3")
		w.seat(ada, class)
		w.seat(bob, class)
		w.seat(rem, class)
		w.ok(w.s.ReceiveFollow(t.Context(), rem, class.Account, rem.URI+"/follows/1"))
		p := w.post(ada, Draft{Text: "inside @bob", Circle: class.ID})
		unsent := w.post(ada, Draft{Text: "never sent", Circle: class.ID})
		w.attempted(p, rem)
		for _, x := range []*store.Post{p, unsent} {
			_, err := w.s.DeletePost(t.Context(), ada, x.ID)
			w.ok(err)
		}
		w.same("homes", w.homes(p))
		w.same("told", w.told(p))
		if jobs := w.sending(p.ID); !slices.Contains(jobs, "delete https://r.example/inbox") {
			t.Errorf("jobs %q", jobs)
		}
		if jobs := w.sending(unsent.ID); slices.Contains(jobs, "delete https://r.example/inbox") {
			t.Errorf("what was never sent is mentioned: %q", jobs)
		}
	})
}

// An account that is gone takes all it wrote with it, however much that is.
func TestDeletedAccountsLeaveNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob, rem, far := w.person("ada"), w.person("bob"), w.remote("rem", "r.example"), w.remote("far", "f.example")
		w.follows(rem, ada)
		w.follows(ada, bob)
		for _, author := range []*store.Account{ada, rem} {
			for range 230 {
				storetest.Post(t, w.db, author, store.Public, 0, nil)
			}
		}
		liked := w.post(bob, Draft{Text: "liked"})
		w.ok(w.s.Like(t.Context(), ada, liked.ID))
		raw, err := w.s.StartSession(t.Context(), ada.ID, "browser")
		w.ok(err)
		listening := w.s.Hub.Subscribe(ada.ID, true)
		w.ok(w.s.DeleteAccount(t.Context(), w.account(ada), 0))
		w.ok(w.s.ReceiveGone(t.Context(), w.account(rem)))
		if got := w.said(ada); !slices.Contains(got, "delete_actor https://r.example/inbox") {
			t.Errorf("the news goes to %q", got)
		}
		w.work()
		for _, a := range []*store.Account{ada, rem} {
			if n := w.count(`SELECT COUNT(*) FROM posts WHERE author_id = $1 AND deleted_at IS NULL`, a.ID); n != 0 {
				t.Errorf("%d posts of %s are left", n, a.Handle)
			}
		}
		if _, open := <-listening.C; open {
			t.Error("a deleted account still listens")
		}
		if _, _, _, err := w.db.SessionByToken(t.Context(), raw); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("its session: %v", err)
		}
		if got := w.reload(liked); got.LikesCount != 0 {
			t.Errorf("its like still counts: %d", got.LikesCount)
		}
		if b := w.account(bob); b.FollowersCount != 0 {
			t.Errorf("its follow still counts: %d", b.FollowersCount)
		}
		w.refused("again", w.s.DeleteAccount(t.Context(), ada, 0), store.ErrNotFound)
		w.refused("a local account by another's word", w.s.ReceiveGone(t.Context(), bob), ErrForbidden)
		w.refused("a remote account by us", w.s.DeleteAccount(t.Context(), far, 0), ErrForbidden)
		w.refused("a circle", w.s.DeleteAccount(t.Context(), w.class("2012-3").Account, 0), ErrForbidden)
		_, err = w.s.CreateAccount(t.Context(), NewAccount{Handle: "Ada", Email: "new@mail.example", Password: "correct horse", Role: store.RoleMember})
		w.refused("the handle for somebody new", err, &Invalid{Key: "invalid.handle_taken"})
	})
}

// work runs the jobs of our own that are due.
func (w *world) work() {
	w.t.Helper()
	worker := store.NewWorker(w.db, store.WorkerConfig{Handlers: w.s.Handlers(), Log: w.s.Log})
	for range 20 {
		n, err := worker.RunOnce(w.t.Context())
		w.ok(err)
		if n == 0 {
			return
		}
	}
	w.t.Error("the jobs do not come to an end")
}

// A post that appears, changes and goes at once does all that in order.
func TestTimesOfEdits(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	for name, p := range map[string]*store.Post{
		"made this moment": {CreatedAt: now}, "edited later than now": {CreatedAt: now, EditedAt: now.Add(time.Second)},
	} {
		last := p.CreatedAt
		if p.EditedAt.After(last) {
			last = p.EditedAt
		}
		if at := editTime(p, now); !at.After(last) {
			t.Errorf("%s: the edit is at %v", name, at)
		}
	}
}

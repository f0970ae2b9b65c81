package store_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

// crowd makes n accounts here that follow an account or sit in a circle.
func (s *stage) crowd(n int, target, circle store.ID) {
	const numbers = `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $1 - 1) `
	s.exec(`INSERT INTO accounts (id, kind, handle, handle_key, host, domain, uri, created_at, updated_at) `+numbers+
		`SELECT 5000 + i, 'person', 'crowd' || i, 'crowd' || i, '', '', 'crowd' || i, 1, 1 FROM n`, n)
	if target != 0 {
		s.exec(`INSERT INTO follows (account_id, target_id, id, uri, requested_at, accepted_at) `+numbers+
			`SELECT 5000 + i, CAST($2 AS BIGINT), 5000 + i, 'crowd' || i, 1, 1 FROM n`, n, int64(target))
	}
	if circle != 0 {
		s.exec(`INSERT INTO memberships (circle_id, account_id, host, requested_at, verified_at) `+numbers+
			`SELECT CAST($2 AS BIGINT), 5000 + i, '', 1, 1 FROM n`, n, int64(circle))
	}
}

// TestLatePosts: what arrives more than a week late enters no timeline.
func TestLatePosts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newStage(t, db)
		me, far := s.person("me", ""), s.person("far", "b.example")
		s.follow(me, far, true)
		for days, want := range map[int]int{0: 1, 6: 1, 8: 0, 4000: 0} {
			at := db.Now().Add(-time.Duration(days) * 24 * time.Hour)
			p := s.post(store.Post{ID: db.IDAt(at), AuthorID: far, Host: "b.example", Visibility: store.Public, CreatedAt: at}, store.PostParts{})
			s.tx(func(tx *store.Tx) error {
				ids, err := tx.FanOut(context.Background(), p)
				if len(ids) != want {
					t.Errorf("%d days late: in %d timelines, want %d", days, len(ids), want)
				}
				return err
			})
		}
	})
}

// TestManyFollowers: the transaction of a post does not write thousands of timelines; a job does, in slices, and running it
// twice adds nothing.
func TestManyFollowers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		s := newStage(t, db)
		ada := s.person("ada", "")
		s.crowd(2500, ada, 0)
		p := s.post(store.Post{AuthorID: ada, Visibility: store.Public}, store.PostParts{})
		s.tx(func(tx *store.Tx) error {
			ids, err := tx.FanOut(ctx, p)
			if len(ids) != 1 || ids[0] != ada {
				t.Errorf("at once it goes to %v", ids)
			}
			return err
		})
		if n, err := db.Count(ctx, `SELECT COUNT(*) FROM jobs WHERE kind = 'fanout' AND object_id = $1`, int64(p.ID)); err != nil || n != 1 {
			t.Errorf("%d jobs (%v)", n, err)
		}
		told := 0
		for range 2 {
			err := db.RunFanOut(ctx, store.Job{ObjectID: p.ID}, func(_ *store.Post, ids []store.ID) {
				if told += len(ids); len(ids) > 1000 {
					t.Errorf("a slice of %d", len(ids))
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if n, err := db.Count(ctx, `SELECT COUNT(*) FROM timeline`); err != nil || n != 2501 || told != 2500 {
			t.Errorf("%d timelines, %d told (%v)", n, told, err)
		}
		s.tx(func(tx *store.Tx) error {
			_, err := tx.DeletePost(ctx, p.ID)
			return err
		})
		if err := db.RunFanOut(ctx, store.Job{ObjectID: p.ID}, nil); err != nil {
			t.Errorf("fan-out of a deleted post: %v", err)
		}
		if n, err := db.Count(ctx, `SELECT COUNT(*) FROM timeline`); err != nil || n != 0 {
			t.Errorf("%d timelines after the deletion (%v)", n, err)
		}
	})
}

// TestWideCircle: a circle with more readers here than are fanned out to is read by Home where its posts are, between what was
// fanned out before.
func TestWideCircle(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		s := newStage(t, db)
		ada, me, circle := s.person("ada", ""), s.person("me", ""), s.circle("circle", "")
		s.follow(me, ada, true)
		s.member(circle, ada, seat{})
		s.member(circle, me, seat{})
		var want []store.ID
		say := func(visibility string) int {
			p := store.Post{AuthorID: ada, Visibility: visibility}
			if visibility == store.InCircle {
				p.CircleID = circle
			}
			made := s.post(p, store.PostParts{})
			want = append([]store.ID{made.ID}, want...)
			var n int
			s.tx(func(tx *store.Tx) error {
				ids, err := tx.FanOut(ctx, made)
				n = len(ids)
				return err
			})
			return n
		}
		for range 5 {
			if n := say(store.InCircle); n != 2 {
				t.Errorf("narrow: %d readers", n)
			}
			say(store.Public)
		}
		s.crowd(1100, 0, circle)
		for range 5 {
			if n := say(store.InCircle); n != 1102 {
				t.Errorf("wide: %d readers", n)
			}
			say(store.Public)
		}
		if n, err := db.Count(ctx, `SELECT COUNT(*) FROM timeline`); err != nil || n != 30 {
			t.Errorf("%d timeline rows, want those before it was wide and the public ones (%v)", n, err)
		}
		checkHome(t, db, me, want)
		s.mute(me, circle)
		checkHome(t, db, me, []store.ID{want[0], want[2], want[4], want[6], want[8], want[10], want[12], want[14], want[16], want[18]})
		s.exec(`DELETE FROM mutes`)
		s.exec(`UPDATE memberships SET ended_at = 5 WHERE account_id = $1`, int64(me))
		checkHome(t, db, me, []store.ID{want[0], want[2], want[4], want[6], want[8], want[10], want[12], want[14], want[16], want[18]})
	})
}

func checkHome(t *testing.T, db *store.DB, me store.ID, want []store.ID) {
	t.Helper()
	var got []store.ID
	for page := (store.Page{Limit: 4}); ; {
		posts, err := db.Home(context.Background(), me, page)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, idsOf(posts.Items)...)
		if posts.Next == 0 {
			break
		}
		page.MaxID = posts.Next
	}
	if len(got) != len(want) {
		t.Fatalf("home has %d posts, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("home %v, want %v", got, want)
		}
	}
}

// TestRememberedRowsAreNeverStale reads pages, has rows changed, and reads again: what this process changed is there at once, and
// so is what another one changed of a post; of its author a moment later.
func TestRememberedRowsAreNeverStale(t *testing.T) {
	for _, writer := range []string{"this process", "another process"} {
		t.Run(writer, func(t *testing.T) { neverStale(t, writer == "this process") })
	}
}

func neverStale(t *testing.T, own bool) {
	c := storetest.Config(t)
	ctx := context.Background()
	open := func() *store.DB {
		db, err := store.Open(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	db, other := open(), open()
	now := db.Now()
	clock := func() time.Time { return now }
	db.Now, other.Now = clock, clock
	s := &stage{t: t, db: other, made: map[string]store.ID{}}
	if own {
		s.db = db
	}
	ada := s.person("ada", "")
	p := s.post(store.Post{AuthorID: ada, Visibility: store.Public, HTML: "first"}, store.PostParts{})
	read := func() (text, name string, likes, posts int64) {
		t.Helper()
		page, err := db.Public(ctx, store.Anonymous, store.Page{}, store.PublicFilter{})
		if err != nil || len(page.Items) != 1 {
			t.Fatal(len(page.Items), err)
		}
		views, err := db.Views(ctx, store.Anonymous, page.Items)
		if err != nil {
			t.Fatal(err)
		}
		return views[0].Post.HTML, views[0].Author.Name, views[0].Post.LikesCount, views[0].Author.PostsCount
	}
	for i := range 6 {
		if now = now.Add(time.Duration(i%3) * 5 * time.Second); i > 0 {
			p.HTML, p.EditedAt = "edit", p.EditedAt.Add(time.Millisecond)
			if p.EditedAt.Year() < 2000 {
				p.EditedAt = p.CreatedAt.Add(time.Millisecond)
			}
			p.HTML += now.String()
		}
		wanted := "name" + strconv.Itoa(i)
		s.tx(func(tx *store.Tx) error {
			if i > 0 {
				if err := tx.UpdatePost(ctx, p, store.PostParts{}); err != nil {
					return err
				}
			}
			a, err := tx.Account(ctx, ada)
			if err != nil {
				return err
			}
			a.Name = wanted
			if _, err := tx.Exec(ctx, `UPDATE posts SET likes_count = $1`, i); err != nil {
				return err
			}
			return tx.UpdateAccount(ctx, a)
		})
		for limit := time.Now().Add(time.Second); ; {
			text, name, likes, posts := read()
			if text != p.HTML || likes != int64(i) || posts != 1 {
				t.Errorf("round %d: %q, %d likes, %d posts", i, text, likes, posts)
			}
			if name == wanted {
				break
			}
			if own || time.Now().After(limit) {
				t.Fatalf("round %d: by %q", i, name)
			}
		}
	}
}

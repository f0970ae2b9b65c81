package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

func insertAgain(s *stage, p store.Post, parts store.PostParts) (created bool, err error) {
	err = s.db.Tx(context.Background(), func(tx *store.Tx) error {
		if p.ID == 0 {
			p.ID, p.CreatedAt = tx.NewID(), tx.Now
		}
		var err error
		created, err = tx.InsertPost(context.Background(), &p, parts)
		return err
	})
	return created, err
}

// TestPostsThatAreNotInserted: repeats, what was deleted before it came, second boosts, boosts of what may not be passed on.
func TestPostsThatAreNotInserted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newStage(t, db)
		ada, ben := s.person("ada", ""), s.person("ben", "b.example")
		s.posts(ada, s.circle("c", ""), nil)
		s.tx(func(tx *store.Tx) error {
			return tx.RememberTombstone(context.Background(), "https://b.example/late", "b.example")
		})
		deleted := s.post(store.Post{AuthorID: ben, Host: "b.example", Visibility: store.Public}, store.PostParts{})
		s.tx(func(tx *store.Tx) error {
			_, err := tx.DeletePost(context.Background(), deleted.ID)
			return err
		})
		s.post(store.Post{AuthorID: ben, Host: "b.example", Visibility: store.Public, BoostOfID: s.made[store.Public]}, store.PostParts{})
		for name, p := range map[string]store.Post{
			"a late post":    {URI: "https://b.example/late", AuthorID: ben, Host: "b.example", Visibility: store.Public},
			"a deleted post": {URI: deleted.URI, AuthorID: ben, Host: "b.example", Visibility: store.Public},
			"a second boost": {URI: "https://b.example/boost2", AuthorID: ben, Host: "b.example", Visibility: store.Public, BoostOfID: s.made[store.Public]},
		} {
			if created, err := insertAgain(s, p, store.PostParts{}); err != nil || created {
				t.Errorf("%s: created %v, %v", name, created, err)
			}
		}
		for visibility, boost := range map[string]store.Post{
			store.Followers: {AuthorID: ben, Visibility: store.Public}, store.Direct: {AuthorID: ada, Visibility: store.Followers},
			store.InCircle: {AuthorID: ada, Visibility: store.Public}, store.Limited: {AuthorID: ada, Visibility: store.Followers},
		} {
			boost.URI, boost.BoostOfID = "boost of "+visibility, s.made[visibility]
			if created, err := insertAgain(s, boost, store.PostParts{}); !errors.Is(err, store.ErrNotFound) || created {
				t.Errorf("boost of a %s post: created %v, %v", visibility, created, err)
			}
		}
		own := store.Post{URI: "own", AuthorID: ada, Visibility: store.Followers, BoostOfID: s.made[store.Followers]}
		if created, err := insertAgain(s, own, store.PostParts{}); err != nil || !created {
			t.Errorf("boost of one's own words to followers: created %v, %v", created, err)
		}
		if n, err := db.Count(context.Background(), `SELECT COUNT(*) FROM posts WHERE uri = $1`, "https://b.example/late"); err != nil || n != 0 {
			t.Errorf("%d rows of a post deleted before it came (%v)", n, err)
		}
	})
}

// TestThreadsInAnyOrder stores the same threads in every order in which they can arrive.
func TestThreadsInAnyOrder(t *testing.T) {
	type reply struct{ uri, to string }
	for name, posts := range map[string][]reply{
		"chain":        {{"a", ""}, {"b", "a"}, {"c", "b"}, {"d", "c"}},
		"fork":         {{"a", ""}, {"b", "a"}, {"c", "a"}, {"d", "b"}},
		"to itself":    {{"a", "a"}, {"b", "a"}},
		"to each":      {{"a", "b"}, {"b", "a"}, {"c", "b"}},
		"ring":         {{"a", "c"}, {"b", "a"}, {"c", "b"}},
		"never came":   {{"b", "a"}, {"c", "b"}},
		"two by three": {{"a", ""}, {"b", "a"}, {"x", ""}, {"y", "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				permute(len(posts), func(order []int) {
					s := newStage(t, db)
					ben := s.person("ben", "b.example")
					ids := map[string]*store.Post{}
					for _, i := range order {
						p := posts[i]
						ids[p.uri] = s.post(store.Post{URI: p.uri, AuthorID: ben, Host: "b.example", Visibility: store.Public, ReplyToURI: p.to}, store.PostParts{})
					}
					for _, p := range posts {
						checkThread(t, db, order, ids[p.uri], ids[p.to])
					}
				})
			})
		})
	}
}

func permute(n int, f func(order []int)) {
	order := make([]int, 0, n)
	var step func(used int)
	step = func(used int) {
		if len(order) == n {
			f(order)
			return
		}
		for i := range n {
			if used&(1<<i) == 0 {
				order = append(order, i)
				step(used | 1<<i)
				order = order[:len(order)-1]
			}
		}
	}
	step(0)
}

// checkThread compares a stored post with its parent: they are in one thread, unless that would be a ring.
func checkThread(t *testing.T, db *store.DB, order []int, p, parent *store.Post) {
	t.Helper()
	ctx := context.Background()
	got, err := db.Post(ctx, store.Anonymous, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	above, below, err := db.Thread(ctx, store.Anonymous, got)
	if err != nil || len(above)+len(below) > 3 {
		t.Errorf("order %v: %s has %d above and %d below (%v)", order, p.URI, len(above), len(below), err)
	}
	if got.ReplyToID == 0 {
		if got.RootID != got.ID {
			t.Errorf("order %v: %s answers nothing, and its root is another", order, p.URI)
		}
		if parent != nil && parent.ID != p.ID && !inRing(p, parent) {
			t.Errorf("order %v: %s was not joined to %s", order, p.URI, parent.URI)
		}
		return
	}
	up, err := db.Post(ctx, store.Anonymous, got.ReplyToID)
	if err != nil || up.ID != parent.ID || up.RootID != got.RootID || up.RepliesCount == 0 {
		t.Errorf("order %v: %s (root %d) answers %+v, %v", order, p.URI, got.RootID, up, err)
	}
}

// inRing: the test's posts that answer each other in a ring answer nothing they cannot.
func inRing(p, parent *store.Post) bool { return parent.ReplyToURI != "" && p.ReplyToURI != "" }

func TestEditing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		s := newStage(t, db)
		ada, ben, cai := s.person("ada", ""), s.person("ben", ""), s.person("cai", "")
		for _, visibility := range []string{store.Direct, store.Limited, store.Followers, store.Public} {
			p := s.post(store.Post{AuthorID: ada, Visibility: visibility, HTML: "one", Source: "one"},
				store.PostParts{Recipients: []store.Recipient{{AccountID: ben, Mentioned: true}}, Tags: []string{"old"}})
			for i, text := range []string{"two", "three"} {
				p.HTML, p.Source, p.EditedAt = text, text, p.CreatedAt.Add(time.Duration(i+1)*time.Second)
				s.tx(func(tx *store.Tx) error {
					return tx.UpdatePost(ctx, p, store.PostParts{Recipients: []store.Recipient{{AccountID: cai, Mentioned: true}}, Tags: []string{"new"}})
				})
			}
			got, err := db.Post(ctx, store.AsAccount(ada), p.ID)
			if err != nil || got.HTML != "three" || got.TagCount != 1 {
				t.Errorf("%+v, %v", got, err)
			}
			edits, err := db.Edits(ctx, store.AsAccount(ada), p.ID)
			if err != nil || len(edits) != 3 || edits[0].HTML != "one" || edits[1].HTML != "two" || edits[2].HTML != "three" || !edits[0].CreatedAt.Equal(got.CreatedAt) {
				t.Errorf("%d edits, %v", len(edits), err)
			}
			_, err = db.Post(ctx, store.AsAccount(cai), p.ID)
			if sees := err == nil; sees != (visibility == store.Public) {
				t.Errorf("a %s post is seen by someone whom only its edit names: %v", visibility, sees)
			}
			if _, err := db.Post(ctx, store.AsAccount(ben), p.ID); err != nil {
				t.Errorf("a %s post is hidden from a recipient by its edit", visibility)
			}
			if want := map[bool]int{true: 1, false: 0}[visibility == store.Public]; got.MentionCount != want {
				t.Errorf("a %s post mentions %d, want %d", visibility, got.MentionCount, want)
			}
		}
		gone := &store.Post{ID: s.made["nothing"] + 1, AuthorID: ada}
		err := db.Tx(ctx, func(tx *store.Tx) error { return tx.UpdatePost(ctx, gone, store.PostParts{}) })
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("edit of nothing: %v", err)
		}
	})
}

// TestEditsAreBounded: whoever sends edit after edit does not fill the disk.
func TestEditsAreBounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newStage(t, db)
		p := s.post(store.Post{AuthorID: s.person("ada", ""), Visibility: store.Public}, store.PostParts{})
		for i := range 130 {
			p.HTML, p.EditedAt = fmt.Sprint(i), p.CreatedAt.Add(time.Duration(i+1)*time.Second)
			s.tx(func(tx *store.Tx) error { return tx.UpdatePost(context.Background(), p, store.PostParts{}) })
		}
		edits, err := db.Edits(context.Background(), store.Anonymous, p.ID)
		if err != nil || len(edits) != 101 || edits[100].HTML != "129" {
			t.Errorf("%d edits, %v", len(edits), err)
		}
	})
}

func TestDeleting(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		s := newStage(t, db)
		ada, ben := s.person("ada", ""), s.person("ben", "")
		s.follow(ben, ada, true)
		parent := s.post(store.Post{AuthorID: ben, Visibility: store.Public}, store.PostParts{})
		p := s.post(store.Post{AuthorID: ada, Visibility: store.Public, HTML: "words", Source: "words", Summary: "words", ReplyToURI: parent.URI},
			store.PostParts{Recipients: []store.Recipient{{AccountID: ben, Mentioned: true}}, Tags: []string{"tag"}, Media: []store.Media{{MIME: "image/png"}}})
		boost := s.post(store.Post{AuthorID: ben, Visibility: store.Public, BoostOfID: p.ID}, store.PostParts{})
		reply := s.post(store.Post{AuthorID: ben, Visibility: store.Public, ReplyToID: p.ID, ReplyToURI: p.URI}, store.PostParts{})
		s.tx(func(tx *store.Tx) error {
			for _, q := range []*store.Post{p, boost} {
				if _, err := tx.FanOut(ctx, q); err != nil {
					return err
				}
			}
			if _, err := tx.InsertLike(ctx, ben, p, "like"); err != nil {
				return err
			}
			_, err := tx.Notify(ctx, store.Notification{AccountID: ada, Kind: store.NotifyBoost, FromID: ben, PostID: p.ID})
			return err
		})
		s.tx(func(tx *store.Tx) error {
			old, err := tx.DeletePost(ctx, p.ID)
			if err == nil && (old.Source != "words" || old.BoostsCount != 1) {
				t.Errorf("the post as it was: %+v", old)
			}
			return err
		})
		if err := db.Tx(ctx, func(tx *store.Tx) error { _, err := tx.DeletePost(ctx, p.ID); return err }); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("deleted twice: %v", err)
		}
		for what, text := range map[string]string{
			"words": `SELECT COUNT(*) FROM posts WHERE html = 'words' OR source = 'words' OR summary = 'words'`, "timeline rows": `SELECT COUNT(*) FROM timeline`,
			"likes": `SELECT COUNT(*) FROM likes`, "notifications": `SELECT COUNT(*) FROM notifications`, "recipients": `SELECT COUNT(*) FROM post_recipients`,
			"tags": `SELECT COUNT(*) FROM post_tags`, "attached media": `SELECT COUNT(*) FROM media WHERE post_id IS NOT NULL`,
			"posts left": `SELECT COUNT(*) - 2 FROM posts WHERE deleted_at IS NULL`, "replies counted": `SELECT CAST(SUM(replies_count) AS BIGINT) FROM posts`,
			"posts of ada": `SELECT CAST(SUM(posts_count) AS BIGINT) FROM accounts WHERE handle_key LIKE 'ada%'`,
		} {
			if n, err := db.Count(ctx, text); err != nil || n != 0 {
				t.Errorf("%d %s (%v)", n, what, err)
			}
		}
		if n, err := db.Count(ctx, `SELECT CAST(SUM(posts_count) AS BIGINT) FROM accounts`); err != nil || n != 2 {
			t.Errorf("%d posts are counted, want 2 (%v)", n, err)
		}
		above, _, err := db.Thread(ctx, store.Anonymous, reply)
		if err != nil || len(above) != 1 || above[0].ID != parent.ID {
			t.Errorf("above the gap: %v %v", idsOf(above), err)
		}
	})
}

// TestPendingPosts follows a post into a circle elsewhere: first its author alone has it, then the members here.
func TestPendingPosts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		s := newStage(t, db)
		ada, ben, hub := s.person("ada", ""), s.person("ben", ""), s.circle("faraway", "hub.example")
		s.member(hub, ada, seat{})
		s.member(hub, ben, seat{})
		p := s.post(store.Post{AuthorID: ada, Visibility: store.InCircle, CircleID: hub, PendingAt: db.Now()}, store.PostParts{})
		fanOut := func() (ids []store.ID) {
			s.tx(func(tx *store.Tx) (err error) {
				ids, err = tx.FanOut(ctx, p)
				return err
			})
			return ids
		}
		if ids := fanOut(); len(ids) != 1 || ids[0] != ada {
			t.Errorf("while pending it goes to %v", ids)
		}
		s.tx(func(tx *store.Tx) error { return tx.ReleasePost(ctx, p.ID) })
		if ids := fanOut(); len(ids) != 1 || ids[0] != ben {
			t.Errorf("once announced it goes to %v", ids)
		}
		if page, err := db.Home(ctx, ben, store.Page{}); err != nil || len(page.Items) != 1 {
			t.Errorf("%d posts, %v", len(page.Items), err)
		}
	})
}

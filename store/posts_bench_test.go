package store_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

// A generated store: a reader who follows 100 of 300 accounts elsewhere, and whose timeline holds every post; among the
// posts boosts, replies, pictures, mentions and tags as often as one meets them; a circle whose posts she cannot read; a
// thread of 100.
const (
	benchAccounts = 300
	benchSpacing  = 60_000 << 16 // a post a minute
)

type benchStore struct {
	db                         *store.DB
	me, stranger, circle, root store.ID
	first, last                store.ID
	author                     store.ID
}

func benchDBs(b *testing.B, posts int, f func(b *testing.B, s *benchStore)) {
	b.Run("sqlite", func(b *testing.B) { f(b, newBenchStore(b, storetest.Open(b), posts)) })
	if os.Getenv(storetest.EnvPostgres) != "" {
		b.Run("postgres", func(b *testing.B) { f(b, newBenchStore(b, storetest.OpenPostgres(b), posts)) })
	}
}

func newBenchStore(b *testing.B, db *store.DB, posts int) *benchStore {
	b.Helper()
	w := newStage(b, db)
	s := &benchStore{db: db, me: w.person("me", ""), stranger: w.person("stranger", ""), circle: w.circle("circle", "")}
	var first store.ID
	w.tx(func(tx *store.Tx) error {
		for i := range benchAccounts {
			a := &store.Account{
				ID: store.ID(1000 + i), Kind: store.KindPerson, Handle: fmt.Sprint("a", i), Host: "b.example", Domain: "b.example",
				URI: fmt.Sprint("https://b.example/users/", i), URL: fmt.Sprint("https://b.example/@a", i), Name: fmt.Sprint("Author ", i), Bio: "<p>Writes things.</p>",
				AvatarRemote: "https://b.example/avatar.png", Inbox: "https://b.example/inbox", SharedInbox: "https://b.example/inbox",
				KeyID: fmt.Sprint("https://b.example/users/", i, "#main-key"), KeyPEM: fmt.Sprintf("%0450d", i), Fields: []store.Field{{Name: "Web", Value: "https://b.example"}},
			}
			if err := tx.InsertAccount(context.Background(), a); err != nil {
				return err
			}
		}
		return nil
	})
	first = store.FirstID(db.Now().Add(-time.Duration(posts) * time.Minute))
	s.first, s.last, s.author = first, first+store.ID(posts-1)*benchSpacing, 1007
	const numbers = `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $1 - 1) `
	w.exec(`INSERT INTO follows (account_id, target_id, id, uri, requested_at, accepted_at) `+numbers+`SELECT CAST($2 AS BIGINT), 1000 + i, i + 1, 'f' || i, 1, 1 FROM n`, 100, int64(s.me))
	w.exec(`INSERT INTO posts (id, uri, url, author_id, host, visibility, root_id, html, language, media_count, mention_count, tag_count, likes_count, created_at, boost_of_id, reply_to_id, reply_to_uri, reply_to_account_id) `+
		numbers+`SELECT CAST($2 AS BIGINT) + i * CAST($3 AS BIGINT), 'https://b.example/notes/' || i, 'https://b.example/@a/' || i, 1000 + i * 7 % 300, 'b.example', CASE WHEN i % 9 = 4 THEN 'followers' ELSE 'public' END, CAST($2 AS BIGINT) + i * CAST($3 AS BIGINT),
 '<p>This is a post of ordinary length, which says what one says in an ordinary post, and a little more.</p>', 'en',
 CASE WHEN i % 10 = 0 THEN 1 ELSE 0 END, CASE WHEN i % 20 = 1 THEN 1 ELSE 0 END, CASE WHEN i % 10 = 2 THEN 1 ELSE 0 END, i % 4, (CAST($2 AS BIGINT) + i * CAST($3 AS BIGINT)) / 65536,
 CASE WHEN i % 20 = 15 THEN CAST($2 AS BIGINT) + (i - 12) * CAST($3 AS BIGINT) END, CASE WHEN i % 20 = 7 THEN CAST($2 AS BIGINT) + (i - 1) * CAST($3 AS BIGINT) END, CASE WHEN i % 20 = 7 THEN 'https://b.example/notes/' || (i - 1) ELSE '' END,
 CASE WHEN i % 20 = 7 THEN 1000 + (i - 1) * 7 % 300 END FROM n`, int64(posts), int64(first), int64(benchSpacing))
	w.exec(`INSERT INTO timeline (account_id, post_id) SELECT CAST($1 AS BIGINT), id FROM posts WHERE visibility = 'public' OR author_id < 1100`, int64(s.me))
	w.exec(`INSERT INTO media (id, account_id, post_id, mime, remote_url, width, height, created_at) SELECT id, author_id, id, 'image/png', 'https://b.example/p.png', 800, 600, 1 FROM posts WHERE media_count > 0`)
	w.exec(`INSERT INTO post_recipients (post_id, account_id, author_id, mentioned) SELECT id, 1005, author_id, 1 FROM posts WHERE mention_count > 0`)
	w.exec(`INSERT INTO tags (id, name) VALUES (1, 'tag')`)
	w.exec(`INSERT INTO post_tags (tag_id, post_id) SELECT 1, id FROM posts WHERE tag_count > 0`)
	w.exec(`INSERT INTO likes (account_id, post_id, id, uri) SELECT CAST($1 AS BIGINT), id, id, 'l' || id FROM posts WHERE likes_count = 1 AND media_count > 0`, int64(s.me))
	w.exec(`INSERT INTO posts (id, uri, author_id, host, visibility, circle_id, root_id, html, created_at) `+numbers+
		`SELECT CAST($2 AS BIGINT) + i * CAST($3 AS BIGINT) + 5, 'https://c.example/notes/' || i, 1007, 'c.example', 'circle', CAST($4 AS BIGINT), CAST($2 AS BIGINT) + i * CAST($3 AS BIGINT) + 5, '<p>Inside.</p>', 1 FROM n`, int64(posts/10), int64(first), int64(benchSpacing), int64(s.circle))
	s.root = first + 9
	w.exec(`INSERT INTO posts (id, uri, author_id, host, visibility, root_id, reply_to_id, html, created_at) `+numbers+
		`SELECT CAST($2 AS BIGINT) + i * 1024, 'https://t.example/notes/' || i, 1000 + i % 50, 't.example', 'public', CAST($2 AS BIGINT), CASE WHEN i > 0 THEN CAST($2 AS BIGINT) + i / 2 * 1024 END, '<p>A reply.</p>', 1 FROM n`, 100, int64(s.root))
	if db.Postgres() {
		w.exec(`ANALYZE`)
	}
	return s
}

func (s *benchStore) views(b *testing.B, v store.Viewer, page store.Posts, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	views, err := s.db.Views(context.Background(), v, page.Items)
	if err != nil || len(views) == 0 {
		b.Fatal(len(views), err)
	}
}

func BenchmarkReads(b *testing.B) {
	ctx := context.Background()
	benchDBs(b, 200_000, func(b *testing.B, s *benchStore) {
		me := store.AsAccount(s.me)
		deep := store.Page{MaxID: s.first + 50*benchSpacing}
		root, err := s.db.Post(ctx, me, s.root)
		if err != nil {
			b.Fatal(err)
		}
		for _, bench := range []struct {
			name string
			read func(b *testing.B)
		}{
			{"home", func(b *testing.B) { page, err := s.db.Home(ctx, s.me, store.Page{}); s.views(b, me, page, err) }},
			{"home without views", func(b *testing.B) {
				if page, err := s.db.Home(ctx, s.me, store.Page{}); err != nil || len(page.Items) != 20 {
					b.Fatal(len(page.Items), err)
				}
			}},
			{"home deep", func(b *testing.B) { page, err := s.db.Home(ctx, s.me, deep); s.views(b, me, page, err) }},
			{"public", func(b *testing.B) {
				page, err := s.db.Public(ctx, store.Anonymous, store.Page{}, store.PublicFilter{})
				s.views(b, store.Anonymous, page, err)
			}},
			{"public deep", func(b *testing.B) {
				page, err := s.db.Public(ctx, me, deep, store.PublicFilter{})
				s.views(b, me, page, err)
			}},
			{"account", func(b *testing.B) {
				page, err := s.db.AccountPosts(ctx, me, s.author, store.Page{}, store.AccountFilter{})
				s.views(b, me, page, err)
			}},
			{"tag", func(b *testing.B) {
				page, err := s.db.Tag(ctx, me, "tag", store.Page{}, store.PublicFilter{})
				s.views(b, me, page, err)
			}},
			{"circle as stranger", func(b *testing.B) {
				if page, err := s.db.CirclePosts(ctx, me, s.circle, store.Page{}); err != nil || len(page.Items) != 0 {
					b.Fatal(len(page.Items), err)
				}
			}},
			{"thread of 100", func(b *testing.B) {
				if _, below, err := s.db.Thread(ctx, me, root); err != nil || len(below) != 99 {
					b.Fatal(len(below), err)
				}
			}},
			{"post", func(b *testing.B) {
				if _, err := s.db.Post(ctx, me, s.root); err != nil {
					b.Fatal(err)
				}
			}},
		} {
			b.Run(bench.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					bench.read(b)
				}
			})
		}
	})
}

// BenchmarkIncoming stores a note from elsewhere whose author has one follower here, with its fan-out, a hundred to a
// transaction, as a busy inbox does.
func BenchmarkIncoming(b *testing.B) {
	ctx := context.Background()
	benchDBs(b, 20_000, func(b *testing.B, s *benchStore) {
		text := "<p>This is a post of ordinary length, which says what one says in an ordinary post, and a little more.</p>"
		i := 0
		b.ReportAllocs()
		for b.Loop() {
			err := s.db.Tx(ctx, func(tx *store.Tx) error {
				for range 100 {
					i++
					p := &store.Post{
						URI: fmt.Sprint("https://b.example/new/", i), URL: "https://b.example/@a/1", AuthorID: store.ID(1000 + i%100), Host: "b.example",
						Visibility: store.Public, HTML: text, Language: "en", CreatedAt: tx.Now,
					}
					if created, err := tx.InsertPost(ctx, p, store.PostParts{}); err != nil || !created {
						return fmt.Errorf("created %v: %w", created, err)
					}
					if ids, err := tx.FanOut(ctx, p); err != nil || len(ids) != 1 {
						return fmt.Errorf("%d timelines: %w", len(ids), err)
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/note")
	})
}

// BenchmarkFanOut puts one post into a thousand timelines.
func BenchmarkFanOut(b *testing.B) {
	ctx := context.Background()
	benchDBs(b, 1000, func(b *testing.B, s *benchStore) {
		w := &stage{t: b, db: s.db, made: map[string]store.ID{}}
		w.exec(`INSERT INTO accounts (id, kind, handle, handle_key, host, domain, uri, created_at, updated_at) WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
SELECT 5000 + i, 'person', 'l' || i, 'l' || i, '', '', 'l' || i, 1, 1 FROM n`)
		w.exec(`INSERT INTO follows (account_id, target_id, id, uri, requested_at, accepted_at) WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
SELECT 5000 + i, CAST($1 AS BIGINT), 5000 + i, 'g' || i, 1, 1 FROM n`, int64(s.stranger))
		for b.Loop() {
			err := s.db.Tx(ctx, func(tx *store.Tx) error {
				p := &store.Post{AuthorID: s.stranger, Visibility: store.Followers}
				if err := w.insert(tx, p, store.PostParts{}); err != nil {
					return err
				}
				ids, err := tx.FanOut(ctx, p)
				if err == nil && len(ids) != 1001 {
					err = fmt.Errorf("%d timelines", len(ids))
				}
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

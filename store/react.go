package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// Like is an account's favourite.
type Like struct {
	AccountID, PostID ID
	ID                ID     // orders lists
	URI               string // of the Like activity
}

func (l *Like) dest() []any {
	return []any{scanID(&l.AccountID), scanID(&l.PostID), scanID(&l.ID), &l.URI}
}

// SQL for likes, bookmarks and pins.
const (
	likeByPair = `SELECT account_id, post_id, id, uri FROM likes WHERE account_id = $1 AND post_id = $2`
	likeByURI  = `SELECT account_id, post_id, id, uri FROM likes WHERE uri = $1 AND uri <> ''`
	insertLike = `INSERT INTO likes (account_id, post_id, id, uri) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`
	deleteLike = `DELETE FROM likes WHERE account_id = $1 AND post_id = $2 RETURNING account_id, post_id, id, uri`
	addLike    = `UPDATE posts SET likes_count = likes_count + 1 WHERE id = $1 AND deleted_at IS NULL`
	dropLike   = `UPDATE posts SET likes_count = likes_count - 1 WHERE id = $1 AND likes_count > 0`

	insertBookmark = `INSERT INTO bookmarks (account_id, post_id, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
	deleteBookmark = `DELETE FROM bookmarks WHERE account_id = $1 AND post_id = $2`

	insertPin = `INSERT INTO pins (account_id, post_id, id) SELECT p.author_id, p.id, CAST($3 AS BIGINT) FROM posts p
WHERE p.id = $2 AND p.author_id = $1 AND p.boost_of_id IS NULL AND p.deleted_at IS NULL ON CONFLICT DO NOTHING`
	deletePin = `DELETE FROM pins WHERE account_id = $1 AND post_id = $2`
	countPins = `SELECT COUNT(*) FROM pins WHERE account_id = $1`

	boostersHere = `SELECT p.author_id FROM posts p WHERE p.boost_of_id = $1 AND p.boost_of_id IS NOT NULL AND p.deleted_at IS NULL AND p.host = '' ORDER BY p.id DESC LIMIT $2`
)

var (
	likersPage = paged(`SELECT l.id, `+accountColumns+` FROM likes l JOIN accounts a ON a.id = l.account_id WHERE l.post_id = $1`, "l.id", 2)

	likedPages    = keptPages("likes")
	bookmarkPages = keptPages("bookmarks")
)

// keptPages is a list of posts that an account has kept in table: $1 now, $2 the account, $3 and $4 the bounds, $5 the
// limit. Every row is a candidate with its own id, and has its post only where the account may still see it.
func keptPages(table string) pagedText {
	text := func(order string) string {
		return sqlf(`SELECT k.id, `+postColumns+` FROM (SELECT k.id, k.post_id FROM %[1]s k WHERE k.account_id = $2 AND k.id < $3 AND k.id > $4 ORDER BY k.id %[2]s LIMIT $5) k
LEFT JOIN posts p ON p.id = k.post_id AND %[3]s ORDER BY k.id %[2]s`, table, order, canSee("p", "$2"))
	}
	return pagedText{down: text("DESC"), up: text("ASC")}
}

// Like returns an account's like of a post.
func (r reader) Like(ctx context.Context, account, post ID) (*Like, error) {
	return r.oneLike(ctx, likeByPair, int64(account), int64(post))
}

// LikeByURI returns the like with this activity id. Whoever acts on it compares
// its account with whom it should be.
func (r reader) LikeByURI(ctx context.Context, uri string) (*Like, error) {
	return r.oneLike(ctx, likeByURI, uri)
}

func (r reader) oneLike(ctx context.Context, text string, args ...any) (*Like, error) {
	l := new(Like)
	if err := r.queryRow(ctx, text, args...).Scan(l.dest()...); err != nil {
		return nil, err
	}
	return l, nil
}

// Likers lists who likes a post that the viewer may see, newest first; next is
// the MaxID of the following page. ErrNotFound if the viewer may not see it.
func (r reader) Likers(ctx context.Context, v Viewer, post ID, p Page) (page []*Account, next ID, err error) {
	if _, err := r.Post(ctx, v, post); err != nil {
		return nil, 0, err
	}
	return r.accountPage(ctx, likersPage, p, int64(post))
}

// LikedPosts lists what me likes and may still see, latest like first. Next and
// Prev are ids of likes, not of posts.
func (r reader) LikedPosts(ctx context.Context, me ID, p Page) (Posts, error) {
	page, err := r.kept(ctx, likedPages, me, p)
	if err != nil {
		err = fmt.Errorf("likes of %d: %w", me, err)
	}
	return page, err
}

// BookmarkedPosts lists what me has bookmarked and may still see, latest
// bookmark first. Next and Prev are ids of bookmarks, not of posts.
func (r reader) BookmarkedPosts(ctx context.Context, me ID, p Page) (Posts, error) {
	page, err := r.kept(ctx, bookmarkPages, me, p)
	if err != nil {
		err = fmt.Errorf("bookmarks of %d: %w", me, err)
	}
	return page, err
}

// kept reads one page of a list of keptPages. It may be short: what is left out
// still moves the cursor.
func (r reader) kept(ctx context.Context, t pagedText, me ID, p Page) (Posts, error) {
	below, above, limit := p.bounds()
	text, up := t.down, p.MinID > 0
	if up {
		text = t.up
	}
	var page Posts
	var first, last ID
	n := int64(0)
	s := newPostScanner(scanID(&last))
	rows, err := r.query(ctx, text, r.nowMS(), int64(me), below, above, limit)
	err = each(rows, err, func(rows *sql.Rows) error {
		post, err := s.scan(rows)
		if err != nil {
			return err
		}
		if n++; n == 1 {
			first = last
		}
		if post != nil {
			page.Items = append(page.Items, post)
		}
		return nil
	})
	if err != nil || n == 0 {
		return Posts{}, err
	}
	if up {
		slices.Reverse(page.Items)
		page.Next, page.Prev = first, last
		return page, nil
	}
	page.Prev = first
	if n == limit {
		page.Next = last
	}
	return page, nil
}

// InsertLike records a like and reports whether it is new. ErrConflict if the
// uri is that of another like.
func (tx *Tx) InsertLike(ctx context.Context, account ID, post *Post, uri string) (created bool, err error) {
	n, err := tx.exec(ctx, insertLike, int64(account), int64(post.ID), int64(tx.NewID()), uri)
	if err != nil {
		return false, err
	}
	if n == 1 {
		_, err := tx.exec(ctx, addLike, int64(post.ID))
		return true, err
	}
	if _, err := tx.Like(ctx, account, post.ID); err != nil {
		return false, ErrConflict
	}
	return false, nil
}

// DeleteLike takes a like back and returns it; ErrNotFound if there is none.
func (tx *Tx) DeleteLike(ctx context.Context, account, post ID) (*Like, error) {
	l, err := tx.oneLike(ctx, deleteLike, int64(account), int64(post))
	if err != nil {
		return nil, err
	}
	_, err = tx.exec(ctx, dropLike, int64(post))
	return l, err
}

// InsertBookmark keeps a post for an account; keeping it twice is no error.
func (tx *Tx) InsertBookmark(ctx context.Context, account, post ID) error {
	_, err := tx.exec(ctx, insertBookmark, int64(account), int64(post), int64(tx.NewID()))
	return err
}

// DeleteBookmark forgets a kept post; it is no error if it was not kept.
func (tx *Tx) DeleteBookmark(ctx context.Context, account, post ID) error {
	_, err := tx.exec(ctx, deleteBookmark, int64(account), int64(post))
	return err
}

// InsertPin pins a post to its author's profile; twice is no error. A post that
// is a boost, gone or somebody else's is not pinned.
func (tx *Tx) InsertPin(ctx context.Context, account, post ID) error {
	_, err := tx.exec(ctx, insertPin, int64(account), int64(post), int64(tx.NewID()))
	return err
}

// DeletePin takes a post off the profile.
func (tx *Tx) DeletePin(ctx context.Context, account, post ID) error {
	_, err := tx.exec(ctx, deletePin, int64(account), int64(post))
	return err
}

// PinCount counts an account's pins.
func (r reader) PinCount(ctx context.Context, account ID) (n int, err error) {
	err = r.queryRow(ctx, countPins, int64(account)).Scan(&n)
	return n, err
}

// LocalBoosters lists up to limit accounts here that boosted a post, the latest
// first.
func (r reader) LocalBoosters(ctx context.Context, post ID, limit int) ([]ID, error) {
	return r.ids(ctx, boostersHere, int64(post), int64(limit))
}

package store

import (
	"context"
	"fmt"
)

// SQL for deleting a post. What it said goes, and every row that points to it; its id and place in the thread stay,
// so that it cannot come back and its replies keep their thread.
const (
	postByIDForDelete = `SELECT ` + postFullColumns + ` FROM posts p WHERE p.id = $1 AND p.deleted_at IS NULL`
	postTombstone     = `UPDATE posts SET deleted_at = $2, html = '', source = '', summary = '', signed = '', language = '', sensitive = 0,
 media_count = 0, mention_count = 0, tag_count = 0, replies_count = 0, boosts_count = 0, likes_count = 0, app_id = NULL, url = '', held_at = NULL
WHERE id = $1 AND deleted_at IS NULL`
	authorCountDown  = `UPDATE accounts SET posts_count = posts_count - 1 WHERE id = $1 AND posts_count > 0`
	repliesDown      = `UPDATE posts SET replies_count = replies_count - 1 WHERE id = $1 AND replies_count > 0`
	boostsDown       = `UPDATE posts SET boosts_count = boosts_count - 1 WHERE id = $1 AND boosts_count > 0`
	boosterCountDown = `UPDATE accounts SET posts_count = posts_count - 1 WHERE posts_count > 0 AND id IN
 (SELECT b.author_id FROM posts b WHERE b.boost_of_id = $1 AND b.deleted_at IS NULL AND b.visibility IN ('public', 'unlisted'))`
	boostsTombstone = `UPDATE posts SET deleted_at = $2, url = '' WHERE boost_of_id = $1 AND deleted_at IS NULL`
	boostNoticeGone = `DELETE FROM notifications WHERE post_id = $1 AND post_id <> 0 AND kind = 'reblog' AND from_id = $2`
	tombstoneInsert = `INSERT INTO tombstones (uri, host, deleted_at) VALUES ($1, $2, $3) ON CONFLICT (uri) DO NOTHING`
)

// postLeavings are the rows that point to a deleted post.
var postLeavings = []string{
	`DELETE FROM timeline WHERE post_id IN (SELECT b.id FROM posts b WHERE b.boost_of_id = $1)`,
	`DELETE FROM pins WHERE post_id = $1 AND account_id IN (SELECT p.author_id FROM posts p WHERE p.id = $1)`,
	`DELETE FROM timeline WHERE post_id = $1`,
	`DELETE FROM notifications WHERE post_id = $1 AND post_id <> 0`,
	`DELETE FROM likes WHERE post_id = $1`,
	`DELETE FROM post_edits WHERE post_id = $1`,
	`DELETE FROM post_recipients WHERE post_id = $1`,
	postTagsGone,
}

// DeletePost turns a post into a tombstone and returns it as it was. Its text and history, its places in timelines,
// notifications, likes and counters go, and so do the boosts of it. A member's attachments become loose
// again, for a new draft. ErrNotFound if it is not there or gone already.
func (tx *Tx) DeletePost(ctx context.Context, id ID) (p *Post, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("delete post %d: %w", id, err)
		}
	}()
	held, err := tx.exec(ctx, postHold, int64(id))
	if err := mustChange(held, err); err != nil {
		return nil, err
	}
	if p, err = scanFullPost(tx.queryRow(ctx, postByIDForDelete, int64(id))); err != nil {
		return nil, err
	}
	if err := tx.uncount(ctx, p); err != nil {
		return nil, err
	}
	for _, text := range postLeavings {
		if _, err := tx.exec(ctx, text, int64(id)); err != nil {
			return nil, err
		}
	}
	rows, err := tx.query(ctx, mediaOf, int64(id))
	media, err := collect(rows, err, scanOneID)
	if err != nil {
		return nil, err
	}
	for _, m := range media {
		if err := tx.dropMedia(ctx, m, p.Host); err != nil {
			return nil, err
		}
	}
	for _, text := range []string{boostsTombstone, postTombstone} {
		if _, err := tx.exec(ctx, text, int64(id), tx.Now.UnixMilli()); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// uncount takes a post out of what counted it.
func (tx *Tx) uncount(ctx context.Context, p *Post) error {
	var steps []string
	var of []ID
	step := func(text string, id ID) { steps, of = append(steps, text), append(of, id) }
	if p.open() {
		step(authorCountDown, p.AuthorID)
	}
	if p.BoostOfID != 0 && p.open() {
		step(boostsDown, p.BoostOfID)
	}
	if p.ReplyToID != 0 && (p.open() || p.CircleID != 0) {
		step(repliesDown, p.ReplyToID)
	}
	if p.BoostOfID == 0 {
		step(boosterCountDown, p.ID)
	}
	if p.BoostOfID != 0 {
		if _, err := tx.exec(ctx, boostNoticeGone, int64(p.BoostOfID), int64(p.AuthorID)); err != nil {
			return err
		}
	}
	for i, text := range steps {
		if _, err := tx.exec(ctx, text, int64(of[i])); err != nil {
			return err
		}
	}
	return nil
}

// RememberTombstone notes that a uri of that host was deleted before it was known here, so that it does not
// come in late.
func (tx *Tx) RememberTombstone(ctx context.Context, uri, host string) error {
	if _, err := tx.exec(ctx, tombstoneInsert, uri, host, tx.Now.UnixMilli()); err != nil {
		return fmt.Errorf("remember tombstone: %w", err)
	}
	return nil
}

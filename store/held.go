package store

import (
	"context"
	"fmt"
)

// A post that names people of other servers who are not known here yet is stored, and seen here, at once. Its
// deliveries are held until those people were looked up, so that each server gets it once and whole. held_at says so on the
// row, and the job that ends it was committed with it.

// SQL for posts that are held.
const (
	postHeld    = `SELECT ` + postFullColumns + ` FROM posts p WHERE p.id = $1 AND p.held_at IS NOT NULL AND p.deleted_at IS NULL`
	postLetOut  = `UPDATE posts SET html = $2, mention_count = $3, held_at = NULL WHERE id = $1 AND held_at IS NOT NULL AND deleted_at IS NULL`
	letOutNamed = `INSERT INTO post_recipients (post_id, account_id, author_id, mentioned) VALUES ($1, $2, $3, 1)
ON CONFLICT (post_id, account_id) DO UPDATE SET mentioned = 1`
)

// HeldPost returns a post whose deliveries are held, for whoever ends that; nothing of it may be shown to anybody.
// ErrNotFound if it is not held, or gone.
func (r reader) HeldPost(ctx context.Context, id ID) (*Post, error) {
	p, err := scanFullPost(r.queryRow(ctx, postHeld, int64(id)))
	if err != nil {
		return nil, fmt.Errorf("held post %d: %w", id, err)
	}
	return p, nil
}

// LockPost makes whoever else edits, deletes or lets out a post wait until this transaction ends. It comes before the post
// is read. ErrNotFound if it is gone.
func (tx *Tx) LockPost(ctx context.Context, id ID) error {
	n, err := tx.exec(ctx, postHold, int64(id))
	if err := mustChange(n, err); err != nil {
		return fmt.Errorf("lock post %d: %w", id, err)
	}
	return nil
}

// LetOut ends the holding of p, with its text as it reads with the names that were found and the accounts they mention, which
// become recipients. It is no edit: the history and the time of the last edit stay. The caller makes the deliveries.
// ErrNotFound if it is not held, or gone.
func (tx *Tx) LetOut(ctx context.Context, p *Post, mentioned []ID) error {
	for _, account := range mentioned {
		if _, err := tx.exec(ctx, letOutNamed, int64(p.ID), int64(account), int64(p.AuthorID)); err != nil {
			return fmt.Errorf("let out post %d: %w", p.ID, err)
		}
	}
	if err := tx.queryRow(ctx, mentionCount, int64(p.ID)).Scan(scanInt(&p.MentionCount)); err != nil {
		return fmt.Errorf("let out post %d: %w", p.ID, err)
	}
	n, err := tx.exec(ctx, postLetOut, int64(p.ID), p.HTML, int64(p.MentionCount))
	if err := mustChange(n, err); err != nil {
		return fmt.Errorf("let out post %d: %w", p.ID, err)
	}
	return nil
}

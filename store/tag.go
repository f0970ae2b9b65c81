package store

import (
	"context"
	"fmt"
)

// SQL for hashtags.
const (
	postTagInsert = `INSERT INTO post_tags (tag_id, post_id) SELECT t.id, $1 FROM tags t WHERE t.name = $2 ON CONFLICT DO NOTHING`
	tagInsert     = `INSERT INTO tags (id, name) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`
	tagByName     = `SELECT id FROM tags WHERE name = $1`
	postTagsGone  = `DELETE FROM post_tags WHERE post_id = $1`
)

// tagPost marks a post with a tag, known or new. Most tags are known.
func (tx *Tx) tagPost(ctx context.Context, post ID, tag string) error {
	n, err := tx.exec(ctx, postTagInsert, int64(post), tag)
	if err != nil || n == 1 {
		return err
	}
	if _, err := tx.exec(ctx, tagInsert, int64(tx.NewID()), tag); err != nil {
		return err
	}
	_, err = tx.exec(ctx, postTagInsert, int64(post), tag)
	return err
}

// tagID finds a tag by its normalised name: ErrNotFound if no post ever had it.
func (r reader) tagID(ctx context.Context, name string) (ID, error) {
	var id ID
	if err := r.queryRow(ctx, tagByName, name).Scan(scanID(&id)); err != nil {
		return 0, fmt.Errorf("tag %.100q: %w", name, err)
	}
	return id, nil
}

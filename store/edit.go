package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Edit is a post as it read from some time on.
type Edit struct {
	HTML, Source, Summary string
	Sensitive             bool
	CreatedAt             time.Time
}

// maxEdits bounds the history of one post; what was changed after that is kept only as it reads last.
const maxEdits = 100

// SQL for edits.
const (
	editKeep = `INSERT INTO post_edits (id, post_id, html, source, summary, sensitive, created_at)
SELECT CAST($1 AS BIGINT), p.id, p.html, p.source, p.summary, p.sensitive, COALESCE(p.edited_at, p.created_at) FROM posts p
WHERE p.id = $2 AND p.deleted_at IS NULL AND (SELECT COUNT(*) FROM post_edits e WHERE e.post_id = p.id) < $3`
	// postHold changes nothing: it makes whoever else edits or deletes the post wait, so that no version is lost and
	// nothing is counted down twice.
	postHold = `UPDATE posts SET edited_at = edited_at WHERE id = $1 AND deleted_at IS NULL`
	// A version is never as old as the one before.
	postUpdate = `UPDATE posts SET html = $3, source = $4, summary = $5, sensitive = $6, language = $7, signed = $8,
 edited_at = CASE WHEN COALESCE(edited_at, created_at) < $9 THEN $9 ELSE COALESCE(edited_at, created_at) + 1 END,
 media_count = $10, mention_count = $11, tag_count = $12, held_at = $13 WHERE id = $1 AND author_id = $2 AND deleted_at IS NULL`
	recipientsUnmention = `UPDATE post_recipients SET mentioned = 0 WHERE post_id = $1 AND mentioned <> 0`
	recipientMention    = `UPDATE post_recipients SET mentioned = $3 WHERE post_id = $1 AND account_id = $2`
	recipientsStale     = `DELETE FROM post_recipients WHERE post_id = $1 AND mentioned = 0`
	mentionCount        = `SELECT COUNT(*) FROM post_recipients WHERE post_id = $1 AND mentioned <> 0`
	postEdits           = `SELECT html, source, summary, sensitive, created_at FROM post_edits WHERE post_id = $1 ORDER BY id`
	mediaKeep           = `UPDATE media SET position = $3, alt = $4, focus_x = $5, focus_y = $6 WHERE id = $1 AND post_id = $2`
	mediaOf             = `SELECT id FROM media WHERE post_id = $1`
	mediaLoose          = `UPDATE media SET post_id = NULL, created_at = $2 WHERE id = $1`
	mediaGone           = `DELETE FROM media WHERE id = $1`
)

// UpdatePost writes a new text, summary, mark, language and signature of p, with its edit time, and keeps how it
// read before. Tags are replaced; so are media where parts.Media is not nil (those with an ID are kept, with
// their new description). A post that is not public gains no recipients by an edit: new names in it are not
// mentions. Author, circle, visibility and place in the thread never change. ErrNotFound if it is gone.
func (tx *Tx) UpdatePost(ctx context.Context, p *Post, parts PostParts) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("update post %d: %w", p.ID, err)
		}
	}()
	if p.EditedAt.IsZero() {
		p.EditedAt = tx.Now
	}
	if _, err := tx.exec(ctx, postHold, int64(p.ID)); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, editKeep, int64(tx.NewID()), int64(p.ID), maxEdits); err != nil {
		return err
	}
	if err := tx.replaceRecipients(ctx, p, parts.Recipients); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, postTagsGone, int64(p.ID)); err != nil {
		return err
	}
	p.TagCount = len(parts.Tags)
	for _, tag := range parts.Tags {
		if err := tx.tagPost(ctx, p.ID, tag); err != nil {
			return err
		}
	}
	if parts.Media != nil {
		if err := tx.replaceParts(ctx, p, parts.Media); err != nil {
			return err
		}
	}
	n, err := tx.exec(ctx, postUpdate, int64(p.ID), int64(p.AuthorID), p.HTML, p.Source, p.Summary, boolArg(p.Sensitive), p.Language, p.Signed,
		msArg(p.EditedAt), int64(p.MediaCount), int64(p.MentionCount), int64(p.TagCount), msArg(p.HeldAt))
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return err
}

// replaceRecipients sets who is mentioned. Where recipients decide who may see the post, nobody is added, and nobody
// is taken away either, for they have read it.
func (tx *Tx) replaceRecipients(ctx context.Context, p *Post, to []Recipient) error {
	if _, err := tx.exec(ctx, recipientsUnmention, int64(p.ID)); err != nil {
		return err
	}
	grants := !p.open() && p.Visibility != InCircle
	for _, r := range to {
		if !grants {
			if _, err := tx.exec(ctx, recipientInsert, int64(p.ID), int64(r.AccountID), int64(p.AuthorID), boolArg(r.Mentioned)); err != nil {
				return err
			}
		}
		if _, err := tx.exec(ctx, recipientMention, int64(p.ID), int64(r.AccountID), boolArg(r.Mentioned)); err != nil {
			return err
		}
	}
	if !grants {
		if _, err := tx.exec(ctx, recipientsStale, int64(p.ID)); err != nil {
			return err
		}
	}
	return tx.queryRow(ctx, mentionCount, int64(p.ID)).Scan(scanInt(&p.MentionCount))
}

// replaceParts makes media those of the post, in this order. Others of a member are loose again, others of an
// account elsewhere are forgotten.
func (tx *Tx) replaceParts(ctx context.Context, p *Post, media []Media) error {
	rows, err := tx.query(ctx, mediaOf, int64(p.ID))
	before, err := collect(rows, err, scanOneID)
	if err != nil {
		return err
	}
	kept := map[ID]bool{}
	for i := range media {
		m := media[i]
		m.Position = i
		if m.ID == 0 {
			m.PostID, m.AccountID = p.ID, p.AuthorID
			if err := tx.InsertMedia(ctx, &m); err != nil {
				return err
			}
			continue
		}
		kept[m.ID] = true
		if _, err := tx.exec(ctx, mediaKeep, int64(m.ID), int64(p.ID), int64(i), m.Alt, focusArg(m.FocusX), focusArg(m.FocusY)); err != nil {
			return err
		}
	}
	p.MediaCount = len(media)
	for _, id := range before {
		if kept[id] {
			continue
		}
		if err := tx.dropMedia(ctx, id, p.Host); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) dropMedia(ctx context.Context, id ID, host string) error {
	if host == "" {
		_, err := tx.exec(ctx, mediaLoose, int64(id), tx.Now.UnixMilli())
		return err
	}
	_, err := tx.exec(ctx, mediaGone, int64(id))
	return err
}

// Edits lists how a post has read, oldest first and as it reads now last, for those who may see it.
func (r reader) Edits(ctx context.Context, v Viewer, post ID) ([]*Edit, error) {
	p, err := r.Post(ctx, v, post)
	if err != nil {
		return nil, err
	}
	rows, err := r.query(ctx, postEdits, int64(post))
	edits, err := collect(rows, err, func(rows *sql.Rows) (*Edit, error) {
		e := new(Edit)
		return e, rows.Scan(&e.HTML, &e.Source, &e.Summary, scanBool(&e.Sensitive), scanMS(&e.CreatedAt))
	})
	if err != nil {
		return nil, fmt.Errorf("edits of %d: %w", post, err)
	}
	last := &Edit{HTML: p.HTML, Source: p.Source, Summary: p.Summary, Sensitive: p.Sensitive, CreatedAt: p.CreatedAt}
	if !p.EditedAt.IsZero() {
		last.CreatedAt = p.EditedAt
	}
	return append(edits, last), nil
}

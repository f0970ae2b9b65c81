package store

import (
	"context"
	"time"
)

// Link is a link that works once: to set the instance up, or an invitation.
type Link struct {
	TokenHash string // HashSecret of what stands in the link
	Purpose   string // setup or invite
	MadeBy    ID     // 0: the operator
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time
	UsedBy    ID
}

// SQL for links.
const (
	insertLink  = `INSERT INTO links (token_hash, purpose, made_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)`
	linkByHash  = `SELECT token_hash, purpose, made_by, created_at, expires_at, used_at, used_by FROM links WHERE token_hash = $1 AND purpose = $2`
	useLink     = `UPDATE links SET used_at = $3, used_by = $4 WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3`
	deleteLinks = `DELETE FROM links WHERE purpose = $1 AND used_at IS NULL`
)

// InsertLink makes a link.
func (tx *Tx) InsertLink(ctx context.Context, l *Link) error {
	if l.CreatedAt.IsZero() {
		l.CreatedAt = tx.Now
	}
	_, err := tx.exec(ctx, insertLink, l.TokenHash, l.Purpose, int64(l.MadeBy), l.CreatedAt.UnixMilli(), l.ExpiresAt.UnixMilli())
	return err
}

// Link returns a link made for this purpose, in whatever state.
func (r reader) Link(ctx context.Context, purpose, hash string) (*Link, error) {
	l := new(Link)
	err := r.queryRow(ctx, linkByHash, hash, purpose).
		Scan(&l.TokenHash, &l.Purpose, scanID(&l.MadeBy), scanMS(&l.CreatedAt), scanMS(&l.ExpiresAt), scanMS(&l.UsedAt), scanID(&l.UsedBy))
	if err != nil {
		return nil, err
	}
	return l, nil
}

// UseLink uses a link up for the account by, which may be 0. ErrNotFound if it
// is unknown, for another purpose, expired or used.
func (tx *Tx) UseLink(ctx context.Context, purpose, hash string, by ID) error {
	n, err := tx.exec(ctx, useLink, hash, purpose, tx.Now.UnixMilli(), idArg(by))
	return mustChange(n, err)
}

// DeleteLinks makes the unused links of a purpose void.
func (tx *Tx) DeleteLinks(ctx context.Context, purpose string) error {
	_, err := tx.exec(ctx, deleteLinks, purpose)
	return err
}

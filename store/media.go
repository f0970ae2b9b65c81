package store

import (
	"context"
	"database/sql"
	"math"
	"time"
)

// Media is a picture: uploaded here (File) or on another server (RemoteURL).
// It is loose until it is attached to a post.
type Media struct {
	ID        ID
	AccountID ID // the owner
	PostID    ID // 0 while loose
	Position  int
	MIME      string
	File      string // name in the file store
	Preview   string // name of the small version
	RemoteURL string
	Alt       string
	Blurhash  string

	Width, Height               int
	PreviewWidth, PreviewHeight int
	FocusX, FocusY              float64 // −1 to 1 from left to right and from bottom to top
	Size                        int64   // bytes
	CreatedAt                   time.Time
}

// focusUnit is what a focal coordinate is multiplied by in its row.
const focusUnit = 10000

const mediaColumns = `m.id, m.account_id, m.post_id, m.position, m.mime, m.file, m.preview, m.remote_url, m.alt, m.blurhash,
 m.width, m.height, m.preview_width, m.preview_height, m.focus_x, m.focus_y, m.size, m.created_at`

// focus reads a focal coordinate.
type focus struct{ to *float64 }

func (f focus) Scan(src any) error {
	var n int64
	err := (*scanNumber)(&n).Scan(src)
	*f.to = float64(n) / focusUnit
	return err
}

func focusArg(v float64) int64 { return int64(math.Round(max(-1, min(1, v)) * focusUnit)) }

func (m *Media) dest() []any {
	return []any{
		scanID(&m.ID), scanID(&m.AccountID), scanID(&m.PostID), scanInt(&m.Position), &m.MIME, &m.File, &m.Preview, &m.RemoteURL, &m.Alt, &m.Blurhash,
		scanInt(&m.Width), scanInt(&m.Height), scanInt(&m.PreviewWidth), scanInt(&m.PreviewHeight),
		focus{&m.FocusX},
		focus{&m.FocusY},
		scanInt64(&m.Size), scanMS(&m.CreatedAt),
	}
}

func scanMedia(rows *sql.Rows) (Media, error) {
	var m Media
	err := rows.Scan(m.dest()...)
	return m, err
}

// SQL for media.
const (
	mediaOfOwner = `SELECT ` + mediaColumns + ` FROM media m WHERE m.id = $1 AND m.account_id = $2`
	mediaOfPost  = `SELECT ` + mediaColumns + ` FROM media m WHERE m.post_id = $1 ORDER BY m.position, m.id LIMIT 64`
	insertMedia  = `INSERT INTO media (id, account_id, post_id, position, mime, file, preview, remote_url, alt, blurhash,
 width, height, preview_width, preview_height, focus_x, focus_y, size, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`
	updateMedia     = `UPDATE media SET alt = $3, focus_x = $4, focus_y = $5 WHERE id = $1 AND account_id = $2`
	attachMedia     = `UPDATE media SET post_id = $3, position = $4 WHERE id = $1 AND account_id = $2 AND (post_id IS NULL OR post_id = $5)`
	detachMedia     = `UPDATE media SET post_id = NULL, position = 0, created_at = $3 WHERE post_id = $1 AND account_id = $2`
	countMedia      = `UPDATE posts SET media_count = (SELECT COUNT(*) FROM media WHERE media.post_id = $1) WHERE id = $1`
	deleteMedia     = `DELETE FROM media WHERE id = $1 AND account_id = $2 AND post_id IS NULL`
	mediaCacheByURL = `SELECT url, file, mime, size, fetched_at, used_at FROM media_cache WHERE url = $1`
	putMediaCache   = `INSERT INTO media_cache (url, file, mime, size, fetched_at, used_at) VALUES ($1, $2, $3, $4, $5, $5)
ON CONFLICT (url) DO UPDATE SET file = excluded.file, mime = excluded.mime, size = excluded.size, fetched_at = excluded.fetched_at, used_at = excluded.used_at`
	touchMediaCache  = `UPDATE media_cache SET used_at = $2 WHERE url = $1 AND used_at < $2`
	sizeOfMediaCache = `SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM media_cache`
	oldestMediaCache = `SELECT url, file, mime, size, fetched_at, used_at FROM media_cache ORDER BY used_at LIMIT 200`
	dropMediaCache   = `DELETE FROM media_cache WHERE url = $1`
)

// Media returns a picture of owner's; ErrNotFound for anybody else's.
func (r reader) Media(ctx context.Context, owner, id ID) (*Media, error) {
	m := new(Media)
	if err := r.queryRow(ctx, mediaOfOwner, int64(id), int64(owner)).Scan(m.dest()...); err != nil {
		return nil, err
	}
	return m, nil
}

// InsertMedia stores a picture, loose unless PostID is set.
func (tx *Tx) InsertMedia(ctx context.Context, m *Media) error {
	if m.ID == 0 {
		m.ID = tx.NewID()
	}
	if m.CreatedAt.IsZero() {
		m.CreatedAt = tx.Now
	}
	_, err := tx.exec(ctx, insertMedia, int64(m.ID), int64(m.AccountID), idArg(m.PostID), m.Position, m.MIME, m.File, m.Preview, m.RemoteURL, m.Alt, m.Blurhash,
		m.Width, m.Height, m.PreviewWidth, m.PreviewHeight, focusArg(m.FocusX), focusArg(m.FocusY), m.Size, m.CreatedAt.UnixMilli())
	return err
}

// UpdateMedia writes the description and the focal point of a picture;
// ErrNotFound unless m.AccountID owns it.
func (tx *Tx) UpdateMedia(ctx context.Context, m *Media) error {
	n, err := tx.exec(ctx, updateMedia, int64(m.ID), int64(m.AccountID), m.Alt, focusArg(m.FocusX), focusArg(m.FocusY))
	return mustChange(n, err)
}

// DeleteMedia removes a loose picture of owner's from the rows; the files are
// for the caller to remove after the commit.
func (tx *Tx) DeleteMedia(ctx context.Context, owner, id ID) error {
	n, err := tx.exec(ctx, deleteMedia, int64(id), int64(owner))
	return mustChange(n, err)
}

// AttachMedia gives loose pictures of owner's to a post, in this order, and sets
// the post's media_count. ErrNotFound if one is somebody else's, attached
// already or unknown; nothing may be committed then.
func (tx *Tx) AttachMedia(ctx context.Context, owner ID, ids []ID, post ID) error {
	return tx.attach(ctx, owner, ids, post, 0)
}

// ReplaceMedia makes ids the pictures of owner's post: each is loose or
// there already. What is not named becomes loose again and is swept a day
// later. ErrNotFound as in AttachMedia.
func (tx *Tx) ReplaceMedia(ctx context.Context, owner ID, ids []ID, post ID) error {
	if _, err := tx.exec(ctx, detachMedia, int64(post), int64(owner), tx.Now.UnixMilli()); err != nil {
		return err
	}
	return tx.attach(ctx, owner, ids, post, post)
}

func (tx *Tx) attach(ctx context.Context, owner ID, ids []ID, post, also ID) error {
	given := map[ID]bool{}
	for i, id := range ids {
		if given[id] {
			return ErrNotFound // it is no longer loose
		}
		given[id] = true
		n, err := tx.exec(ctx, attachMedia, int64(id), int64(owner), int64(post), i, int64(also))
		if err := mustChange(n, err); err != nil {
			return err
		}
	}
	_, err := tx.exec(ctx, countMedia, int64(post))
	return err
}

// CachedMedia is a copy of a file on another server.
type CachedMedia struct {
	URL       string
	File      string
	MIME      string
	Size      int64
	FetchedAt time.Time
	UsedAt    time.Time
}

func (c *CachedMedia) dest() []any {
	return []any{&c.URL, &c.File, &c.MIME, scanInt64(&c.Size), scanMS(&c.FetchedAt), scanMS(&c.UsedAt)}
}

// CachedMedia returns the copy of what is at url.
func (r reader) CachedMedia(ctx context.Context, url string) (*CachedMedia, error) {
	c := new(CachedMedia)
	if err := r.queryRow(ctx, mediaCacheByURL, url).Scan(c.dest()...); err != nil {
		return nil, err
	}
	return c, nil
}

// PutCachedMedia remembers a copy, in place of an older one of the same URL.
func (tx *Tx) PutCachedMedia(ctx context.Context, c *CachedMedia) error {
	c.FetchedAt, c.UsedAt = tx.Now, tx.Now
	_, err := tx.exec(ctx, putMediaCache, c.URL, c.File, c.MIME, c.Size, tx.Now.UnixMilli())
	return err
}

// TouchCachedMedia notes that a copy was used, so that it is evicted later.
// Once an hour is enough.
func (tx *Tx) TouchCachedMedia(ctx context.Context, url string) error {
	_, err := tx.exec(ctx, touchMediaCache, url, tx.Now.UnixMilli())
	return err
}

// EvictCachedMedia forgets the copies that were not used for longest, at most
// 200, until those left hold at most limit bytes. It returns what it forgot:
// the files are for the caller to remove after the commit.
func (tx *Tx) EvictCachedMedia(ctx context.Context, limit int64) ([]CachedMedia, error) {
	var total int64
	if err := tx.queryRow(ctx, sizeOfMediaCache).Scan(&total); err != nil || total <= limit {
		return nil, err
	}
	rows, err := tx.query(ctx, oldestMediaCache)
	oldest, err := collect(rows, err, func(rows *sql.Rows) (CachedMedia, error) {
		var c CachedMedia
		err := rows.Scan(c.dest()...)
		return c, err
	})
	if err != nil {
		return nil, err
	}
	for i, c := range oldest {
		if total <= limit {
			return oldest[:i], nil
		}
		if _, err := tx.exec(ctx, dropMediaCache, c.URL); err != nil {
			return nil, err
		}
		total -= c.Size
	}
	return oldest, nil
}

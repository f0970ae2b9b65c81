package store

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Post is what an account said, here or elsewhere, or its boost of another post. Its id, uri, author, circle and
// visibility never change.
type Post struct {
	ID         ID
	URI        string
	URL        string
	AuthorID   ID
	Host       string // of the author, '' here
	Visibility string
	CircleID   ID // where Visibility is InCircle

	RootID           ID     // the post that began the thread, its own id if it did
	ReplyToID        ID     // the post answered, where it is known here
	ReplyToURI       string // the same by its uri, known or not
	ReplyToAccountID ID
	BoostOfID        ID

	HTML      string // sanitised
	Source    string // as it was typed, for the author; only where one post is read
	Summary   string // plain text
	Sensitive bool
	Language  string

	MediaCount, MentionCount, TagCount int
	// Counts are of what everybody may see who may see the post.
	RepliesCount, BoostsCount, LikesCount int64

	AppID  ID
	Signed string // the author's own signed activity, to be passed on unchanged; only where one post is read

	CreatedAt, EditedAt time.Time
	PendingAt           time.Time // since when it waits for its circle's hub
	// HeldAt is since when its deliveries wait until people it names have been looked up: CreatedAt if it was
	// never delivered, later if its latest edit was not.
	HeldAt    time.Time
	FadesAt   time.Time
	HiddenAt  time.Time
	DeletedAt time.Time
}

// PostFacts is what there is to know about a row without its words, for the bookkeeping between servers.
// It is read without a viewer: nothing of it may be shown to anybody.
type PostFacts struct {
	ID, AuthorID, CircleID, ReplyToID, BoostOfID ID
	URI, Host, Visibility                        string
	CreatedAt, EditedAt, PendingAt, DeletedAt    time.Time
}

// The columns of posts as lists need them, the rest for where one post is read, and the facts.
const (
	postColumns = `p.id, p.uri, p.url, p.author_id, p.host, p.visibility, p.circle_id, p.root_id, p.reply_to_id, p.reply_to_uri,
 p.reply_to_account_id, p.boost_of_id, p.html, p.summary, p.sensitive, p.language, p.media_count, p.mention_count, p.tag_count,
 p.replies_count, p.boosts_count, p.likes_count, p.app_id, p.created_at, p.edited_at, p.pending_at, p.held_at, p.fades_at, p.hidden_at`
	postFullColumns = postColumns + `, p.source, p.signed, p.deleted_at`
	postFactColumns = `p.id, p.author_id, p.circle_id, p.reply_to_id, p.boost_of_id, p.uri, p.host, p.visibility, p.created_at, p.edited_at, p.pending_at, p.deleted_at`
)

// scanText reads a text; NULL is empty.
type scanText string

func (s *scanText) Scan(src any) error {
	switch v := src.(type) {
	case string:
		*s = scanText(v)
	case []byte:
		*s = scanText(v)
	case nil:
		*s = ""
	default:
		return fmt.Errorf("scan a text from %T", src)
	}
	return nil
}

// newPostScanner reads rows of postColumns, after columns for the destinations before.
func newPostScanner(before ...any) *rowScanner[Post] {
	s := &rowScanner[Post]{}
	p := &s.row
	s.id, s.dest = &p.ID, slices.Concat(before, []any{
		scanID(&p.ID), (*scanText)(&p.URI), (*scanText)(&p.URL), scanID(&p.AuthorID), (*scanText)(&p.Host),
		(*scanText)(&p.Visibility), scanID(&p.CircleID), scanID(&p.RootID), scanID(&p.ReplyToID), (*scanText)(&p.ReplyToURI),
		scanID(&p.ReplyToAccountID), scanID(&p.BoostOfID), (*scanText)(&p.HTML), (*scanText)(&p.Summary), scanBool(&p.Sensitive),
		(*scanText)(&p.Language), scanInt(&p.MediaCount), scanInt(&p.MentionCount), scanInt(&p.TagCount),
		scanInt64(&p.RepliesCount), scanInt64(&p.BoostsCount), scanInt64(&p.LikesCount), scanID(&p.AppID),
		scanMS(&p.CreatedAt), scanMS(&p.EditedAt), scanMS(&p.PendingAt), scanMS(&p.HeldAt), scanMS(&p.FadesAt), scanMS(&p.HiddenAt),
	})
	return s
}

// scanFullPost reads one row of postFullColumns.
func scanFullPost(r row) (*Post, error) {
	s := newPostScanner()
	p := &s.row
	if err := r.Scan(append(s.dest, (*scanText)(&p.Source), (*scanText)(&p.Signed), scanMS(&p.DeletedAt))...); err != nil {
		return nil, err
	}
	return p, nil
}

// SQL for single posts.
var (
	postByID = perViewer(func(s sight) string {
		return `SELECT ` + postFullColumns + ` FROM posts p WHERE p.id = $3 AND ` + s.post("p") + ` AND ` + boostSeen("p", s.post)
	})
	postByURI = perViewer(func(s sight) string {
		return `SELECT ` + postFullColumns + ` FROM posts p WHERE p.uri = $3 AND ` + s.post("p") + ` AND ` + boostSeen("p", s.post)
	})
)

const (
	postAuthored   = `SELECT ` + postFullColumns + ` FROM posts p WHERE p.id = $1 AND p.author_id = $2 AND p.deleted_at IS NULL`
	postBoostBy    = `SELECT ` + postFullColumns + ` FROM posts p WHERE p.boost_of_id = $1 AND p.author_id = $2 AND p.deleted_at IS NULL`
	postFactsByURI = `SELECT ` + postFactColumns + ` FROM posts p WHERE p.uri = $1`
	postFactsByID  = `SELECT ` + postFactColumns + ` FROM posts p WHERE p.id = $1`
	postSigned     = `UPDATE posts SET signed = $2 WHERE id = $1`
	postReleased   = `UPDATE posts SET pending_at = NULL WHERE id = $1 AND pending_at IS NOT NULL AND deleted_at IS NULL`
	homesWith      = `SELECT account_id FROM timeline WHERE post_id = $1`
)

// boostSeen is the condition that a post is no boost, or that see holds for its original.
func boostSeen(post string, see func(alias string) string) string {
	return sqlf(`(%[1]s.boost_of_id IS NULL OR EXISTS (SELECT 1 FROM posts zo WHERE zo.id = %[1]s.boost_of_id AND %[2]s LIMIT 1 OFFSET 0))`,
		post, see("zo"))
}

// Post returns one post with everything in its row. ErrNotFound if there is none that v may see; a boost
// is seen together with its original or not at all.
func (r reader) Post(ctx context.Context, v Viewer, id ID) (*Post, error) {
	p, err := scanFullPost(r.queryRow(ctx, postByID.of(v), r.nowMS(), v.arg(), int64(id)))
	if err != nil {
		return nil, fmt.Errorf("post %d: %w", id, err)
	}
	return p, nil
}

// PostByURI is Post by the id that other servers know.
func (r reader) PostByURI(ctx context.Context, v Viewer, uri string) (*Post, error) {
	p, err := scanFullPost(r.queryRow(ctx, postByURI.of(v), r.nowMS(), v.arg(), uri))
	if err != nil {
		return nil, fmt.Errorf("post %.200q: %w", uri, err)
	}
	return p, nil
}

// PostAuthored returns a post for its author to change or delete, even one she may no longer read
// otherwise, such as one that has faded. ErrNotFound for anybody else's.
func (r reader) PostAuthored(ctx context.Context, author, id ID) (*Post, error) {
	p, err := scanFullPost(r.queryRow(ctx, postAuthored, int64(id), int64(author)))
	if err != nil {
		return nil, fmt.Errorf("post %d of %d: %w", id, author, err)
	}
	return p, nil
}

// BoostBy returns an account's own boost of a post, or ErrNotFound.
func (r reader) BoostBy(ctx context.Context, account, post ID) (*Post, error) {
	p, err := scanFullPost(r.queryRow(ctx, postBoostBy, int64(post), int64(account)))
	if err != nil {
		return nil, fmt.Errorf("boost of %d by %d: %w", post, account, err)
	}
	return p, nil
}

// PostFacts tells what is known of a uri, tombstones of stored posts included. ErrNotFound if nothing is.
func (r reader) PostFacts(ctx context.Context, uri string) (*PostFacts, error) {
	return scanFacts(r.queryRow(ctx, postFactsByURI, uri))
}

// PostFactsByID is PostFacts by our own id.
func (r reader) PostFactsByID(ctx context.Context, id ID) (*PostFacts, error) {
	return scanFacts(r.queryRow(ctx, postFactsByID, int64(id)))
}

func scanFacts(r row) (*PostFacts, error) {
	var f PostFacts
	err := r.Scan(scanID(&f.ID), scanID(&f.AuthorID), scanID(&f.CircleID), scanID(&f.ReplyToID), scanID(&f.BoostOfID), &f.URI, &f.Host, &f.Visibility,
		scanMS(&f.CreatedAt), scanMS(&f.EditedAt), scanMS(&f.PendingAt), scanMS(&f.DeletedAt))
	if err != nil {
		return nil, fmt.Errorf("post: %w", err)
	}
	return &f, nil
}

// SetSigned keeps the author's signed activity about a post, for passing it on unchanged. It works on
// tombstones too: there it is the signed Delete.
func (tx *Tx) SetSigned(ctx context.Context, id ID, signed string) error {
	n, err := tx.exec(ctx, postSigned, int64(id), signed)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("sign post %d: %w", id, err)
	}
	return nil
}

// SignedOf is what SetSigned or InsertPost kept, of any post, a tombstone too. It is for the hub alone.
func (r reader) SignedOf(ctx context.Context, id ID) (signed string, err error) {
	if err := r.queryRow(ctx, signedOf, int64(id)).Scan(&signed); err != nil {
		return "", fmt.Errorf("signed post %d: %w", id, err)
	}
	return signed, nil
}

const signedOf = `SELECT signed FROM posts WHERE id = $1`

// ReleasePost ends the wait of a pending post: its circle's hub has announced it. The caller fans it out
// afterwards. A post that does not wait is left as it is.
func (tx *Tx) ReleasePost(ctx context.Context, id ID) error {
	if _, err := tx.exec(ctx, postReleased, int64(id)); err != nil {
		return fmt.Errorf("release post %d: %w", id, err)
	}
	return nil
}

// HomesWith lists the accounts here that have a post in their timeline: whom live listeners have to be told
// of its edit or end.
func (r reader) HomesWith(ctx context.Context, post ID) ([]ID, error) {
	rows, err := r.query(ctx, homesWith, int64(post))
	ids, err := collect(rows, err, scanOneID)
	if err != nil {
		return nil, fmt.Errorf("homes with %d: %w", post, err)
	}
	return ids, nil
}

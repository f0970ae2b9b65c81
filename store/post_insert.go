package store

import (
	"context"
	"database/sql"
	"fmt"
)

// PostParts is what belongs to a post besides its row.
type PostParts struct {
	Recipients []Recipient
	Tags       []string // normalised
	Media      []Media  // of posts from elsewhere; members' own are attached by AttachMedia
}

// Recipient is an account that a post names.
type Recipient struct {
	AccountID ID
	Mentioned bool // false: addressed without being mentioned
}

// SQL for inserting a post. before looks at everything around it in one round: itself (1), what it
// answers (2) or boosts (3), replies that wait for it (4) and whether it was deleted before it came (5).
const (
	postBefore = `SELECT 1 AS part, id, root_id, author_id, circle_id, visibility FROM posts WHERE uri = $1
UNION ALL SELECT 2, id, root_id, author_id, circle_id, visibility FROM posts WHERE uri = $2
UNION ALL SELECT 2, id, root_id, author_id, circle_id, visibility FROM posts WHERE id = $3
UNION ALL SELECT 3, id, root_id, author_id, circle_id, visibility FROM posts WHERE id = $4
UNION ALL SELECT * FROM (SELECT 4, id, root_id, author_id, circle_id, visibility FROM posts WHERE reply_to_uri = $1 AND reply_to_uri <> '' AND reply_to_id IS NULL LIMIT 500) AS w
UNION ALL SELECT 5, 0, 0, 0, 0, '' FROM tombstones WHERE uri = $1`
	postInsert = `INSERT INTO posts (id, uri, url, author_id, host, visibility, circle_id, root_id, reply_to_id, reply_to_uri, reply_to_account_id,
 boost_of_id, html, source, summary, sensitive, language, media_count, mention_count, tag_count, app_id, signed, created_at, edited_at, pending_at, held_at, fades_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27) ON CONFLICT DO NOTHING`
	recipientInsert = `INSERT INTO post_recipients (post_id, account_id, author_id, mentioned) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`
	authorCounts    = `UPDATE accounts SET posts_count = posts_count + 1, last_post_at = CASE WHEN last_post_at > $2 THEN last_post_at ELSE $2 END WHERE id = $1`
	repliesUp       = `UPDATE posts SET replies_count = replies_count + $2 WHERE id = $1`
	boostsUp        = `UPDATE posts SET boosts_count = boosts_count + $2 WHERE id = $1`
	adopt           = `UPDATE posts SET reply_to_id = $2, reply_to_account_id = $3, root_id = $4 WHERE id = $1 AND reply_to_id IS NULL`
	adoptThread     = `UPDATE posts SET root_id = $2 WHERE root_id = $1`
)

// surroundings is what postBefore found.
type surroundings struct {
	known            bool // stored or deleted already
	parent, original *relative
	waiting          []relative
}

type relative struct {
	id, root, author, circle ID
	visibility               string
}

// InsertPost stores a post with its parts, joins it to its thread and keeps the counters. It fills in a zero ID,
// RootID and, where the uri is known here, what it answers. created is false, and nothing is changed, for a uri that is
// stored already or was deleted before it came, and for a second boost of the same post by the same account.
//
// A boost of what may not be passed on, or is not there, is ErrNotFound. A post outside a circle is never joined to one inside, nor to that of another circle.
func (tx *Tx) InsertPost(ctx context.Context, p *Post, parts PostParts) (created bool, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("insert post: %w", err)
		}
	}()
	if p.ID == 0 && p.Host == "" {
		p.ID = tx.NewID()
	} else if p.ID == 0 {
		p.ID = tx.IDAt(p.CreatedAt)
	}
	around, err := tx.lookAround(ctx, p)
	if err != nil || around.known {
		return false, err
	}
	if p.BoostOfID != 0 && !around.original.boostable(p) {
		return false, fmt.Errorf("boost of %d: %w", p.BoostOfID, ErrNotFound)
	}
	p.RootID = p.ID
	if up := around.parent; up != nil {
		p.ReplyToID, p.ReplyToAccountID, p.RootID = up.id, up.author, up.root
	}
	p.countParts(parts)
	n, err := tx.exec(ctx, postInsert, p.insertArgs()...)
	if err != nil || n == 0 {
		return false, err
	}
	if err := tx.insertParts(ctx, p, parts); err != nil {
		return false, err
	}
	return true, tx.settle(ctx, p, around)
}

func (p *Post) countParts(parts PostParts) {
	p.MentionCount = 0
	for _, to := range parts.Recipients {
		if to.Mentioned {
			p.MentionCount++
		}
	}
	p.TagCount = len(parts.Tags)
	if len(parts.Media) > 0 {
		p.MediaCount = len(parts.Media)
	}
}

func (p *Post) insertArgs() []any {
	return []any{
		int64(p.ID), p.URI, p.URL, int64(p.AuthorID), p.Host, p.Visibility, idArg(p.CircleID), int64(p.RootID), idArg(p.ReplyToID),
		p.ReplyToURI, idArg(p.ReplyToAccountID), idArg(p.BoostOfID), p.HTML, p.Source, p.Summary, boolArg(p.Sensitive), p.Language,
		int64(p.MediaCount), int64(p.MentionCount), int64(p.TagCount), idArg(p.AppID), p.Signed,
		msArg(p.CreatedAt), msArg(p.EditedAt), msArg(p.PendingAt), msArg(p.HeldAt), msArg(p.FadesAt),
	}
}

// lookAround reads what the new post touches. What it answers is nil where it is unknown or in another circle.
func (tx *Tx) lookAround(ctx context.Context, p *Post) (s surroundings, err error) {
	parentURI := p.ReplyToURI
	if p.ReplyToID != 0 || parentURI == p.URI {
		parentURI = ""
	}
	rows, err := tx.query(ctx, postBefore, p.URI, parentURI, int64(cmpID(p.ReplyToID)), int64(cmpID(p.BoostOfID)))
	err = each(rows, err, func(rows *sql.Rows) error {
		var part int
		var rel relative
		if err := rows.Scan(scanInt(&part), scanID(&rel.id), scanID(&rel.root), scanID(&rel.author), scanID(&rel.circle), &rel.visibility); err != nil {
			return err
		}
		switch {
		case part == 1 || part == 5:
			s.known = true
		case part == 3:
			s.original = &rel
		case rel.circle != p.CircleID:
		case part == 2:
			s.parent = &rel
		case part == 4:
			s.waiting = append(s.waiting, rel)
		}
		return nil
	})
	if s.parent == nil && p.ReplyToID != 0 {
		p.ReplyToID, p.ReplyToAccountID = 0, 0
	}
	return s, err
}

// boostable tells whether boost may pass a post on: what everybody may see, or the booster's own words to her followers, to
// the same.
func (original *relative) boostable(boost *Post) bool {
	if original == nil {
		return false
	}
	return original.visibility == Public || original.visibility == Unlisted ||
		original.visibility == Followers && boost.Visibility == Followers && original.author == boost.AuthorID
}

// cmpID is an id to compare with: never 0, see nobody.
func cmpID(id ID) ID {
	if id == 0 {
		return nobody
	}
	return id
}

func (tx *Tx) insertParts(ctx context.Context, p *Post, parts PostParts) error {
	for _, to := range parts.Recipients {
		if _, err := tx.exec(ctx, recipientInsert, int64(p.ID), int64(to.AccountID), int64(p.AuthorID), boolArg(to.Mentioned)); err != nil {
			return err
		}
	}
	for _, tag := range parts.Tags {
		if err := tx.tagPost(ctx, p.ID, tag); err != nil {
			return err
		}
	}
	for i := range parts.Media {
		m := parts.Media[i]
		m.ID, m.PostID, m.AccountID, m.Position = 0, p.ID, p.AuthorID, i
		if err := tx.InsertMedia(ctx, &m); err != nil {
			return err
		}
	}
	return nil
}

// settle keeps the counters and gives waiting replies the post they wait for.
func (tx *Tx) settle(ctx context.Context, p *Post, around surroundings) error {
	if p.open() {
		if _, err := tx.exec(ctx, authorCounts, int64(p.AuthorID), p.CreatedAt.UnixMilli()); err != nil {
			return err
		}
	}
	if up := around.parent; up != nil && p.countsFor(up.circle) {
		if _, err := tx.exec(ctx, repliesUp, int64(up.id), 1); err != nil {
			return err
		}
	}
	if original := around.original; original != nil && p.open() {
		if _, err := tx.exec(ctx, boostsUp, int64(original.id), 1); err != nil {
			return err
		}
	}
	return tx.adoptWaiting(ctx, p, around.waiting)
}

// open posts are seen by everyone, and so may be counted in front of everyone.
func (p *Post) open() bool { return p.Visibility == Public || p.Visibility == Unlisted }

// countsFor tells whether a reply may be counted: everybody who sees what it answers sees it.
func (p *Post) countsFor(circle ID) bool {
	return p.open() || p.CircleID != 0 && p.CircleID == circle
}

// adoptWaiting joins replies that came before what they answer, with their own replies. The root of the thread
// that p is in can be among them where two posts claim to answer each other: it stays the root.
func (tx *Tx) adoptWaiting(ctx context.Context, p *Post, waiting []relative) error {
	for _, child := range waiting {
		if child.id == p.ID || child.id == p.RootID {
			continue
		}
		n, err := tx.exec(ctx, adopt, int64(child.id), int64(p.ID), int64(p.AuthorID), int64(p.RootID))
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		if _, err := tx.exec(ctx, adoptThread, int64(child.id), int64(p.RootID)); err != nil {
			return err
		}
		reply := Post{Visibility: child.visibility, CircleID: child.circle}
		if !reply.countsFor(p.CircleID) {
			continue
		}
		if _, err := tx.exec(ctx, repliesUp, int64(p.ID), 1); err != nil {
			return err
		}
		p.RepliesCount++
	}
	return nil
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
)

// AccountFilter narrows the page of an account.
type AccountFilter struct {
	ExcludeReplies, ExcludeBoosts, OnlyMedia bool
	Pinned                                   bool   // only what the account pinned, the latest pin first
	Tag                                      string // normalised, without #
}

// armSizes are the numbers of circles that texts are made for; fewer are filled up with nobody.
var armSizes = [...]int{0, 1, 4, 20, 80}

// armKey names one of the texts for a page that is put together of arms.
type armKey struct {
	home     bool
	kind     viewerKind
	relation string // what the account page includes besides public posts
	circles  int    // how many circles have an arm, one of armSizes; -1: one arm for all circles
	rising   bool
}

// armTexts keeps the texts once they are made: there are a few dozen at most.
var armTexts sync.Map

func armTextFor(k armKey) string {
	if text, ok := armTexts.Load(k); ok {
		return text.(string)
	}
	build := accountArms
	column := "q.id"
	if k.home {
		build = homeArms
	}
	text := armText(sight(k.kind), column, k.rising, build(k))
	armTexts.Store(k, text)
	return text
}

func homeArms(k armKey) []string {
	arms := []string{`SELECT q.id FROM (SELECT t.post_id AS id, t.account_id FROM timeline t) q WHERE q.account_id = $2`}
	for i := range k.circles {
		arms = append(arms, `SELECT q.id FROM posts q WHERE q.deleted_at IS NULL AND q.circle_id = $`+strconv.Itoa(6+i))
	}
	return arms
}

// accountFilters are $7 to $10 in an arm, whose author is $6, over the alias of a row of posts.
func accountFilters(q string) string {
	return sqlf(` AND %[1]s.deleted_at IS NULL
 AND (CAST($7 AS INTEGER) = 0 OR %[1]s.reply_to_uri = '' AND %[1]s.reply_to_id IS NULL OR %[1]s.reply_to_account_id = %[1]s.author_id)
 AND (CAST($8 AS INTEGER) = 0 OR %[1]s.boost_of_id IS NULL) AND (CAST($9 AS INTEGER) = 0 OR %[1]s.media_count > 0)
 AND (CAST($10 AS BIGINT) = 0 OR EXISTS (SELECT 1 FROM post_tags zt WHERE zt.tag_id = $10 AND zt.post_id = %[1]s.id LIMIT 1 OFFSET 0))`, q)
}

// What an account page includes besides public posts.
const (
	relationNone     = ""         // nothing: a stranger who is not signed in
	relationNamed    = "named"    // what names the viewer
	relationFollower = "follower" // and what is for followers
	relationBlocked  = "blocked"  // only circles, and there canSee decides
	relationServer   = "server"   // everything: canSee decides
)

func accountArms(k armKey) []string {
	arm := func(which string) string {
		return `SELECT q.id FROM posts q WHERE q.author_id = $6 AND ` + which + accountFilters("q")
	}
	named := func(which string) string {
		return `SELECT q.id FROM (SELECT n.post_id AS id, n.account_id, n.author_id FROM post_recipients n) q CROSS JOIN posts z
 WHERE q.account_id = $2 AND q.author_id = $6 AND z.id = q.id AND z.visibility IN ` + which + accountFilters("z")
	}
	var arms []string
	if k.relation != relationBlocked {
		arms = append(arms, arm(`q.visibility = 'public'`), arm(`q.visibility = 'unlisted'`))
	}
	switch k.relation {
	case relationNamed:
		arms = append(arms, named(`('followers', 'direct', 'limited')`))
	case relationFollower:
		arms = append(arms, arm(`q.visibility = 'followers'`), named(`('direct', 'limited')`))
	case relationServer:
		arms = append(arms, arm(`q.visibility = 'followers'`), arm(`q.visibility IN ('direct', 'limited')`))
	}
	if k.circles < 0 {
		return append(arms, arm(`q.circle_id IS NOT NULL`))
	}
	for i := range k.circles {
		arms = append(arms, arm(`q.circle_id = $`+strconv.Itoa(11+i)))
	}
	return arms
}

// SQL for account pages.
var (
	ownPages = pagesOf("q.id", func(s sight) string {
		return `SELECT ` + postLight + ` FROM posts q JOIN posts p ON p.id = q.id WHERE q.author_id = $6` + accountFilters("q") + ` AND ` + s.listed("p")
	})
	pinnedPosts = perViewer(func(s sight) string {
		return `SELECT ` + postLight + ` FROM pins z JOIN posts p ON p.id = z.post_id WHERE z.account_id = $3 AND ` + s.post("p") + ` AND ` + boostSeen("p", s.post) +
			` ORDER BY z.id DESC LIMIT 20`
	})
)

// accountLook tells in one round what the viewer $1 is to the author $2: a follower (1), in circles where the author has
// posted, or a circle (2), blocked (3), or that one of them is gone (4).
const accountLook = `SELECT 1, target_id FROM follows WHERE account_id = $1 AND target_id = $2 AND accepted_at IS NOT NULL
UNION ALL SELECT 2, m.circle_id FROM memberships m WHERE m.account_id = $1 AND m.verified_at IS NOT NULL AND m.ended_at IS NULL
  AND EXISTS (SELECT 1 FROM posts q WHERE q.author_id = $2 AND q.circle_id = m.circle_id LIMIT 1 OFFSET 0)
UNION ALL SELECT 2, c.id FROM accounts c WHERE c.id = $1 AND c.kind = 'circle'
UNION ALL SELECT 3, account_id FROM blocks WHERE account_id = $2 AND target_id = $1
UNION ALL SELECT 4, a.id FROM accounts a WHERE a.id IN ($1, $2) AND (a.suspended_at IS NOT NULL OR a.host_suspended_at IS NOT NULL OR a.deleted_at IS NOT NULL)`

// AccountPosts is the page of an account as v may see it: all that is public, what is for followers if v is one, what
// names v, and posts in circles they share.
func (r reader) AccountPosts(ctx context.Context, v Viewer, author ID, p Page, f AccountFilter) (page Posts, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("posts of account %d: %w", author, err)
		}
	}()
	if f.Pinned {
		items, err := r.posts(ctx, v, pinnedPosts.of(v), r.nowMS(), v.arg(), int64(author))
		return Posts{Items: items}, err
	}
	var tag ID
	if f.Tag != "" {
		tag, err = r.tagID(ctx, f.Tag)
		if errors.Is(err, ErrNotFound) {
			return Posts{}, nil
		}
		if err != nil {
			return Posts{}, err
		}
	}
	args := []any{int64(author), boolArg(f.ExcludeReplies), boolArg(f.ExcludeBoosts), boolArg(f.OnlyMedia), int64(tag)}
	if v.AccountID() == author {
		return r.page(ctx, v, &ownPages, p, args...)
	}
	key, circles, err := r.accountRelation(ctx, v, author)
	if err != nil || key.relation == "" && key.circles == 0 && key.kind == viewKinds {
		return Posts{}, err
	}
	for i := range key.circles {
		args = append(args, padded(circles, i))
	}
	key.rising = false
	down := armTextFor(key)
	key.rising = true
	return r.armed(ctx, v, down, armTextFor(key), p, args...)
}

// padded is the i-th of ids, or nobody.
func padded(ids []ID, i int) int64 {
	if i < len(ids) {
		return int64(ids[i])
	}
	return int64(nobody)
}

// armsFor is the smallest of armSizes for n circles, -1 if there are too many.
func armsFor(n int) int {
	for _, size := range armSizes {
		if n <= size {
			return size
		}
	}
	return -1
}

// accountRelation chooses the arms. Its key has the kind viewKinds if there is nothing to see at all.
func (r reader) accountRelation(ctx context.Context, v Viewer, author ID) (armKey, []ID, error) {
	key := armKey{kind: v.kind}
	if v.kind == viewServer {
		key.relation, key.circles = relationServer, -1
		return key, nil, nil
	}
	var circles []ID
	var follows, blocked, gone bool
	rows, err := r.query(ctx, accountLook, v.me(), int64(author))
	err = each(rows, err, func(rows *sql.Rows) error {
		var what int
		var id ID
		if err := rows.Scan(scanInt(&what), scanID(&id)); err != nil {
			return err
		}
		switch what {
		case 1:
			follows = true
		case 2:
			circles = append(circles, id)
		case 3:
			blocked = true
		case 4:
			gone = true
		}
		return nil
	})
	slices.Sort(circles)
	key.circles = armsFor(len(circles))
	switch {
	case gone, blocked && key.circles == 0:
		return armKey{kind: viewKinds}, nil, err
	case blocked:
		key.relation = relationBlocked
	case follows:
		key.relation = relationFollower
	case v.AccountID() != 0:
		key.relation = relationNamed
	}
	return key, circles, err
}

// wideHome reads the home timeline together with the wide circles of an account.
func (r reader) wideHome(ctx context.Context, me ID, wide []ID, p Page) (Posts, error) {
	key := armKey{home: true, circles: armsFor(len(wide))}
	down := armTextFor(key)
	key.rising = true
	var args []any
	for i := range key.circles {
		args = append(args, padded(wide, i))
	}
	return r.armed(ctx, AsAccount(me), down, armTextFor(key), p, args...)
}

// OutboxPosts is what an account shows everyone: its public and unlisted posts and boosts.
func (r reader) OutboxPosts(ctx context.Context, author ID, p Page) (Posts, error) {
	return r.AccountPosts(ctx, Anonymous, author, p, AccountFilter{})
}

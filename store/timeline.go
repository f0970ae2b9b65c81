package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Bounds of a page of posts. A larger wish is cut, not refused.
const (
	defaultPostLimit = 20
	maxPostLimit     = 40
	// maxRounds bounds how often a read goes on after candidates of which too many are not for the viewer.
	maxRounds = 4
)

// Page says which part of a list is wanted, in the words of the client API: older than MaxID; newer than SinceID, the
// newest of them; or newer than MinID, those next to it. Results are newest first in every case. Limit 0 is
// the usual number.
type Page struct {
	MaxID, SinceID, MinID ID
	Limit                 int
}

// Posts is a page of posts. Next is the MaxID of the page below, 0 at the end; a page may be short, or empty, and
// still have a Next. Prev is the MinID of the page above, 0 on an empty page.
type Posts struct {
	Items      []*Post
	Next, Prev ID
}

// PublicFilter narrows public and tag timelines.
type PublicFilter struct {
	Local, Remote, OnlyMedia bool
}

func postLimit(want int) int {
	if want <= 0 {
		return defaultPostLimit
	}
	return min(want, maxPostLimit)
}

// bounds are the parameters $3 to $5 of a page.
func (p Page) bounds() (below, above, limit int64) {
	below, above = int64(p.MaxID), int64(max(p.SinceID, p.MinID, 0))
	if below <= 0 {
		below = math.MaxInt64
	}
	return below, above, int64(postLimit(p.Limit))
}

// wanted is the condition of timelines: the account has neither blocked nor muted the author, the circle or the author's
// server. For a viewer who is a parameter, whether there are such wishes at all is asked once per statement.
func wanted(post, viewer string) string {
	blocks := sqlf(`EXISTS (SELECT 1 FROM blocks zq WHERE zq.account_id = %[2]s AND zq.target_id = %[1]s.author_id LIMIT 1 OFFSET 0)`, post, viewer)
	mutes := sqlf(`EXISTS (SELECT 1 FROM mutes zq WHERE zq.account_id = %[2]s AND zq.target_id IN (%[1]s.author_id, %[1]s.circle_id)
      AND (zq.expires_at IS NULL OR zq.expires_at > $1) LIMIT 1 OFFSET 0)`, post, viewer)
	domains := sqlf(`EXISTS (SELECT 1 FROM domain_mutes zq CROSS JOIN accounts zd WHERE zq.account_id = %[2]s AND zd.id = %[1]s.author_id
      AND zd.domain = zq.domain LIMIT 1 OFFSET 0)`, post, viewer)
	if viewer[0] == '$' {
		once := func(table, each string) string {
			return sqlf(`(EXISTS (SELECT 1 FROM %[1]s zq WHERE zq.account_id = %[2]s LIMIT 1 OFFSET 0) AND %[3]s)`, table, viewer, each)
		}
		blocks, mutes, domains = once("blocks", blocks), once("mutes", mutes), once("domain_mutes", domains)
	}
	return sqlf(`NOT (%s OR %s OR %s)`, blocks, mutes, domains)
}

// listed is the condition under which a post stands in a timeline of the viewer: she may see it, with its original if
// it is a boost, and has nothing against either. Servers have no such wishes.
func (s sight) listed(post string) string {
	see := s.post
	if viewerKind(s) != viewServer {
		see = func(alias string) string { return s.post(alias) + ` AND ` + wanted(alias, "$2") }
	}
	return see(post) + ` AND ` + boostSeen(post, see)
}

// postPages is a list of posts in the variants that viewers and directions need: $1 now, $2 the viewer, $3 and $4 the
// bounds, $5 the limit, what is special from $6 on.
type postPages struct{ down, up texts }

// pagesOf adds bounds, order and limit to a SELECT of postLight that ends inside its WHERE.
func pagesOf(column string, build func(s sight) string) postPages {
	text := func(s sight) string {
		return build(s) + sqlf(` AND %[1]s < $3 AND %[1]s > $4 ORDER BY %[1]s`, column)
	}
	return postPages{
		down: perViewer(func(s sight) string { return text(s) + ` DESC LIMIT $5` }),
		up:   perViewer(func(s sight) string { return text(s) + ` ASC LIMIT $5` }),
	}
}

// SQL for timelines.
var (
	homePages = pagesOf("t.post_id", func(s sight) string {
		return `SELECT ` + postLight + ` FROM timeline t JOIN posts p ON p.id = t.post_id WHERE t.account_id = $2 AND ` + s.listed("p")
	})
	publicPages = pagesOf("p.id", func(s sight) string {
		return `SELECT ` + postLight + ` FROM posts p WHERE p.visibility = 'public' AND p.boost_of_id IS NULL` + publicOnly + ` AND ` + s.listed("p")
	})
	publicHerePages = pagesOf("p.id", func(s sight) string {
		return `SELECT ` + postLight + ` FROM posts p WHERE p.visibility = 'public' AND p.host = '' AND p.boost_of_id IS NULL` + publicOnly + ` AND ` + s.listed("p")
	})
	publicElsewherePages = pagesOf("p.id", func(s sight) string {
		return `SELECT ` + postLight + ` FROM posts p WHERE p.visibility = 'public' AND p.host <> '' AND p.boost_of_id IS NULL` + publicOnly + ` AND ` + s.listed("p")
	})
	tagPages = pagesOf("g.post_id", func(s sight) string {
		return `SELECT ` + postLight + ` FROM post_tags g JOIN posts p ON p.id = g.post_id WHERE g.tag_id = $7 AND p.visibility = 'public' AND p.boost_of_id IS NULL
 AND (CAST($6 AS INTEGER) = 0 OR p.media_count > 0) AND (CAST($8 AS INTEGER) = 0 OR p.host = '') AND (CAST($9 AS INTEGER) = 0 OR p.host <> '')
 AND ` + notSilenced + ` AND ` + s.listed("p")
	})
	// The membership test stands in the bound, so that it is made once and an outsider's range is empty.
	circlePages = pagesOf("p.id", func(s sight) string {
		return `SELECT ` + postLight + ` FROM posts p WHERE p.circle_id = $6 AND p.id < CASE WHEN ` + s.member("$6") + ` THEN CAST($3 AS BIGINT) ELSE 0 END AND ` + s.listed("p")
	})
)

const (
	// publicOnly: what the public timelines leave out besides: answers to others, and silenced authors. $6: only media.
	publicOnly = ` AND (p.reply_to_uri = '' AND p.reply_to_id IS NULL OR p.reply_to_account_id = p.author_id)
 AND (CAST($6 AS INTEGER) = 0 OR p.media_count > 0) AND ` + notSilenced
	notSilenced = `NOT EXISTS (SELECT 1 FROM accounts zl WHERE zl.id BETWEEN p.author_id AND p.author_id AND zl.silenced_at IS NOT NULL LIMIT 1 OFFSET 0)`

	anyWideCircle = `SELECT circle_id FROM wide_circles LIMIT 1`
	wideCirclesOf = `SELECT w.circle_id FROM wide_circles w JOIN memberships m ON m.circle_id = w.circle_id
WHERE m.account_id = $1 AND m.verified_at IS NOT NULL AND m.ended_at IS NULL ORDER BY w.circle_id LIMIT 80`
)

// page reads one page of a list.
func (r reader) page(ctx context.Context, v Viewer, t *postPages, p Page, extra ...any) (Posts, error) {
	below, above, limit := p.bounds()
	text, up := t.down.of(v), p.MinID > 0
	if up {
		text = t.up.of(v)
	}
	items, err := r.posts(ctx, v, text, append([]any{r.nowMS(), v.arg(), below, above, limit}, extra...)...)
	if err != nil {
		return Posts{}, err
	}
	if up {
		slices.Reverse(items)
	}
	return postsPage(items, up || len(items) == int(limit)), nil
}

func postsPage(items []*Post, more bool) Posts {
	page := Posts{Items: items}
	if len(items) == 0 {
		return page
	}
	page.Prev = items[0].ID
	if more {
		page.Next = items[len(items)-1].ID
	}
	return page
}

// Home is the home timeline of an account here.
func (r reader) Home(ctx context.Context, me ID, p Page) (page Posts, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("home of %d: %w", me, err)
		}
	}()
	wide, err := r.wideCircles(ctx, me)
	if err != nil {
		return Posts{}, err
	}
	if len(wide) > 0 {
		return r.wideHome(ctx, me, wide, p)
	}
	return r.page(ctx, AsAccount(me), &homePages, p)
}

// wideCircles lists the wide circles in which an account sits.
func (r reader) wideCircles(ctx context.Context, me ID) ([]ID, error) {
	now := r.now()
	if r.recent != nil {
		if r.recent.wide.none(now) {
			return nil, nil
		}
		some, err := r.someRow(ctx, anyWideCircle)
		if err != nil {
			return nil, err
		}
		if r.recent.wide.learn(some, now.Add(wideKnown)); !some {
			return nil, nil
		}
	}
	rows, err := r.query(ctx, wideCirclesOf, int64(me))
	return collect(rows, err, scanOneID)
}

// Public is the timeline of public posts, without boosts and without answers to others.
func (r reader) Public(ctx context.Context, v Viewer, p Page, f PublicFilter) (Posts, error) {
	t := &publicPages
	switch {
	case f.Local && f.Remote:
		return Posts{}, nil
	case f.Local:
		t = &publicHerePages
	case f.Remote:
		t = &publicElsewherePages
	}
	page, err := r.page(ctx, v, t, p, boolArg(f.OnlyMedia))
	if err != nil {
		return Posts{}, fmt.Errorf("public timeline: %w", err)
	}
	return page, nil
}

// Tag is the timeline of public posts with a tag, named as it is stored: normalised, without #.
func (r reader) Tag(ctx context.Context, v Viewer, tag string, p Page, f PublicFilter) (Posts, error) {
	id, err := r.tagID(ctx, tag)
	if errors.Is(err, ErrNotFound) {
		return Posts{}, nil
	}
	if err != nil {
		return Posts{}, err
	}
	page, err := r.page(ctx, v, &tagPages, p, boolArg(f.OnlyMedia), int64(id), boolArg(f.Local), boolArg(f.Remote))
	if err != nil {
		return Posts{}, fmt.Errorf("tag timeline: %w", err)
	}
	return page, nil
}

// CirclePosts is the page of a circle, for its members: for everybody else it is empty, as if the circle had no
// posts. Former members find their own posts on their own page.
func (r reader) CirclePosts(ctx context.Context, v Viewer, circle ID, p Page) (Posts, error) {
	page, err := r.page(ctx, v, &circlePages, p, int64(circle))
	if err != nil {
		return Posts{}, fmt.Errorf("posts of circle %d: %w", circle, err)
	}
	return page, nil
}

// candidates of a list that is put together of several ranges ("arms"), each limited.
type candidate struct {
	id   ID
	post *Post // nil if it is not for the viewer
}

// armed reads a page of a list whose text yields every candidate, with its post where the viewer may see it. It goes
// on for a few rounds while the page is not full; what is still missing then is on the next page.
func (r reader) armed(ctx context.Context, v Viewer, down, up string, p Page, extra ...any) (Posts, error) {
	below, above, limit := p.bounds()
	text, rising := down, p.MinID > 0
	if rising {
		text = up
	}
	var items []*Post
	var last ID // the candidate looked at last, 0 if there are no more
	for range maxRounds {
		args := append([]any{r.nowMS(), v.arg(), below, above, limit}, extra...)
		found, err := r.candidates(ctx, v, text, args)
		if err != nil {
			return Posts{}, err
		}
		last = 0
		for _, c := range found {
			if len(items) == int(limit) {
				break
			}
			last = c.id
			if c.post != nil {
				items = append(items, c.post)
			}
		}
		if len(found) < int(limit) {
			if len(items) < int(limit) {
				last = 0
			}
			break
		}
		if len(items) == int(limit) {
			break
		}
		if rising {
			above = int64(last)
		} else {
			below = int64(last)
		}
	}
	if rising {
		slices.Reverse(items)
		return postsPage(items, true), nil
	}
	page := postsPage(items, false)
	page.Next = last
	return page, nil
}

func (r reader) candidates(ctx context.Context, v Viewer, text string, args []any) ([]candidate, error) {
	var id ID
	s := newLightScanner(scanID(&id))
	rows, err := r.query(ctx, text, args...)
	var light []*lightPost
	found, err := collect(rows, err, func(rows *sql.Rows) (candidate, error) {
		p, err := s.scan(rows)
		if p != nil {
			light = append(light, p)
		}
		return candidate{id: id}, err
	})
	if err != nil {
		return nil, err
	}
	whole, err := r.complete(ctx, v, light)
	byID := make(map[ID]*Post, len(whole))
	for _, p := range whole {
		byID[p.ID] = p
	}
	for i := range found {
		found[i].post = byID[found[i].id]
	}
	return found, err
}

// armText joins arms, each a SELECT of one id without bounds, order and limit, into the text for armed.
func armText(s sight, column string, rising bool, arms []string) string {
	order := "DESC"
	if rising {
		order = "ASC"
	}
	text := `SELECT u.id, ` + postLight + ` FROM (`
	for i, arm := range arms {
		if i > 0 {
			text += ` UNION `
		}
		text += sqlf(`SELECT * FROM (%[1]s AND %[2]s < $3 AND %[2]s > $4 ORDER BY %[2]s %[3]s LIMIT $5) AS a%[4]d`, arm, column, order, i)
	}
	return text + sqlf(` ORDER BY 1 %[1]s LIMIT $5) AS u LEFT JOIN posts p ON p.id = u.id AND %[2]s ORDER BY u.id %[1]s`, order, s.listed("p"))
}

package store

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"time"
)

// Lists of posts read few columns: which post, and what changes without an edit. Who may see it is decided by the
// statement, each time. The rest, which makes the rows wide, is kept in memory from the last time somebody read it, and used
// as long as the row says that it was not changed since. So nothing here needs to be told of changes, also not of those
// made by other processes. The same is done for accounts, as they stand beside posts.
//
// Whatever changes another column of a post must change edited_at with it, and of an account updated_at.
const (
	recentPosts    = 4096
	recentAccounts = 2048
	// What is longer than this is read anew each time.
	recentLength = 8 << 10
	// settled is how long a row must have been left alone, because times are only as fine as milliseconds.
	settled = 2 * time.Second
)

// postLight are the columns that lists read of posts.
const postLight = `p.id, p.edited_at, p.root_id, p.reply_to_id, p.replies_count, p.boosts_count, p.likes_count, p.pending_at, p.hidden_at`

// accountLight are the columns that change without updated_at, and that itself.
const accountLight = `a.id, a.updated_at, a.posts_count, a.followers_count, a.following_count, a.last_post_at, a.suspended_at, a.host_suspended_at, a.silenced_at, a.deleted_at`

var accountsLight = newInText(`SELECT `+accountLight+` FROM accounts a WHERE a.id IN (IN)`, 1)

// recent is what was read lately. The zero value of a pointer to it keeps nothing: transactions see rows
// that may never be.
type recent struct {
	posts    recentRows[Post]
	accounts recentRows[Account]
}

func newRecent() *recent {
	return &recent{posts: recentRows[Post]{limit: recentPosts / 2}, accounts: recentRows[Account]{limit: recentAccounts / 2}}
}

// recentRows keeps between limit and twice as many rows: when the younger half is full, the older one is forgotten. Rows are
// shared and never written to.
type recentRows[T any] struct {
	mu           sync.Mutex
	limit        int
	young, older map[ID]*T
}

// get finds those of ids that are kept.
func (c *recentRows[T]) get(ids []ID, found []*T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, id := range ids {
		row := c.young[id]
		if row == nil {
			if row = c.older[id]; row != nil {
				c.keep(id, row)
			}
		}
		found[i] = row
	}
}

func (c *recentRows[T]) put(id ID, row *T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(id, row)
}

func (c *recentRows[T]) keep(id ID, row *T) {
	if c.young == nil || len(c.young) >= c.limit {
		c.young, c.older = make(map[ID]*T, c.limit), c.young
	}
	c.young[id] = row
}

// lightScanner reads rows of postLight.
type lightScanner struct {
	row  Post
	dest []any
}

func newLightScanner(before ...any) *lightScanner {
	s := &lightScanner{}
	p := &s.row
	s.dest = slices.Concat(before, []any{
		scanID(&p.ID), scanMS(&p.EditedAt), scanID(&p.RootID), scanID(&p.ReplyToID),
		scanInt64(&p.RepliesCount), scanInt64(&p.BoostsCount), scanInt64(&p.LikesCount), scanMS(&p.PendingAt), scanMS(&p.HiddenAt),
	})
	return s
}

// scan reads the next row into a new Post that lacks everything else; nil after a LEFT JOIN that found none.
func (s *lightScanner) scan(rows *sql.Rows) (*Post, error) {
	if err := rows.Scan(s.dest...); err != nil {
		return nil, err
	}
	if s.row.ID == 0 {
		return nil, nil //nolint:nilnil // no post is what the row says
	}
	p := s.row
	return &p, nil
}

// posts reads rows of postLight, which were chosen for v, and completes them.
func (r reader) posts(ctx context.Context, v Viewer, text string, args ...any) ([]*Post, error) {
	rows, err := r.query(ctx, text, args...)
	light, err := collect(rows, err, newLightScanner().scan)
	if err != nil {
		return nil, err
	}
	return r.complete(ctx, v, light)
}

// complete adds the other columns to posts that have those of postLight. Posts that meanwhile are not there any more
// for v are left out.
func (r reader) complete(ctx context.Context, v Viewer, light []*Post) ([]*Post, error) {
	var missing []ID
	if r.recent == nil {
		for _, p := range light {
			missing = append(missing, p.ID)
		}
	} else {
		ids := make([]ID, len(light))
		for i, p := range light {
			ids[i] = p.ID
		}
		kept := make([]*Post, len(ids))
		r.recent.posts.get(ids, kept)
		for i, p := range light {
			if whole := kept[i]; whole == nil || !p.completeFrom(whole) {
				missing = append(missing, p.ID)
			}
		}
	}
	if len(missing) == 0 {
		return light, nil
	}
	read, err := r.wholePosts(ctx, v, missing)
	if err != nil {
		return nil, err
	}
	done := light[:0]
	for _, p := range light {
		if p.URI == "" {
			p = read[p.ID]
		}
		if p != nil {
			done = append(done, p)
		}
	}
	return done, nil
}

// completeFrom takes what is missing from an earlier reading of the same row, if it was not changed since.
func (p *Post) completeFrom(whole *Post) bool {
	if !whole.EditedAt.Equal(p.EditedAt) || whole.RootID != p.RootID || whole.ReplyToID != p.ReplyToID {
		return false
	}
	light := *p
	*p = *whole
	p.RepliesCount, p.BoostsCount, p.LikesCount = light.RepliesCount, light.BoostsCount, light.LikesCount
	p.PendingAt, p.HiddenAt = light.PendingAt, light.HiddenAt
	return true
}

// wholePosts reads all columns of posts, as far as v may see them, and remembers them.
func (r reader) wholePosts(ctx context.Context, v Viewer, ids []ID) (map[ID]*Post, error) {
	found := make(map[ID]*Post, len(ids))
	s := newPostScanner()
	err := wholePosts[v.kind].each(ids, []any{r.nowMS(), v.arg()}, func(text string, args []any) error {
		rows, err := r.query(ctx, text, args...)
		return each(rows, err, func(rows *sql.Rows) error {
			p, err := s.scan(rows)
			if err != nil {
				return err
			}
			found[p.ID] = p
			if r.recent != nil && len(p.HTML)+len(p.Summary) <= recentLength && r.now().Sub(p.EditedAt) > settled {
				kept := *p
				r.recent.posts.put(p.ID, &kept)
			}
			return nil
		})
	})
	return found, err
}

// cards reads accounts as they stand beside posts. Their keys, and when they were fetched, may be those of an
// earlier reading: whoever needs those uses Accounts.
func (r reader) cards(ctx context.Context, ids []ID) (map[ID]*Account, error) {
	if r.recent == nil {
		return r.Accounts(ctx, ids)
	}
	var light []*Account
	s := newCardScanner()
	err := accountsLight.each(ids, nil, func(text string, args []any) error {
		rows, err := r.query(ctx, text, args...)
		part, err := collect(rows, err, s.scan)
		light = append(light, part...)
		return err
	})
	if err != nil {
		return nil, err
	}
	ids = make([]ID, len(light))
	for i, a := range light {
		ids[i] = a.ID
	}
	kept := make([]*Account, len(ids))
	r.recent.accounts.get(ids, kept)
	found := make(map[ID]*Account, len(ids))
	var missing []ID
	for i, a := range light {
		if kept[i] == nil || !a.completeFrom(kept[i]) {
			missing = append(missing, a.ID)
			continue
		}
		found[a.ID] = a
	}
	if len(missing) == 0 {
		return found, nil
	}
	read, err := r.Accounts(ctx, missing)
	for id, a := range read {
		found[id] = a
		if len(a.Bio)+len(a.BioSource) <= recentLength && r.now().Sub(a.UpdatedAt) > settled {
			whole := *a
			r.recent.accounts.put(id, &whole)
		}
	}
	return found, err
}

// cardScanner reads rows of accountLight.
type cardScanner struct {
	row  Account
	dest []any
}

func newCardScanner() *cardScanner {
	s := &cardScanner{}
	a := &s.row
	s.dest = []any{
		scanID(&a.ID), scanMS(&a.UpdatedAt), scanInt64(&a.PostsCount), scanInt64(&a.FollowersCount), scanInt64(&a.FollowingCount),
		scanMS(&a.LastPostAt), scanMS(&a.SuspendedAt), scanMS(&a.HostSuspendedAt), scanMS(&a.SilencedAt), scanMS(&a.DeletedAt),
	}
	return s
}

func (s *cardScanner) scan(rows *sql.Rows) (*Account, error) {
	err := rows.Scan(s.dest...)
	a := s.row
	return &a, err
}

// completeFrom takes what is missing from an earlier reading of the same row, if it was not changed since.
func (a *Account) completeFrom(whole *Account) bool {
	if !whole.UpdatedAt.Equal(a.UpdatedAt) {
		return false
	}
	light := *a
	*a = *whole
	a.PostsCount, a.FollowersCount, a.FollowingCount, a.LastPostAt = light.PostsCount, light.FollowersCount, light.FollowingCount, light.LastPostAt
	a.SuspendedAt, a.HostSuspendedAt, a.SilencedAt, a.DeletedAt = light.SuspendedAt, light.HostSuspendedAt, light.SilencedAt, light.DeletedAt
	return true
}

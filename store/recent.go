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
// Whatever changes another column of a post must change edited_at with it, and of an account updated_at. There is one
// exception: a post that is held gets its links without having been edited, and so is not kept while it is held.
const (
	recentPosts    = 4096
	recentAccounts = 2048
	recentOwners   = 1024
	recentApps     = 256
	recentHosts    = 4096
	// What is longer than this is read anew each time.
	recentLength = 8 << 10
	// settled is how long a row must have been left alone, because times are only as fine as milliseconds.
	settled = 2 * time.Second
)

// postLight are the columns that lists read of posts. The last one tells that the row is in a state which is rare, and read
// anew.
const postLight = `p.id, p.edited_at, p.root_id, p.reply_to_id, p.replies_count, p.boosts_count, p.likes_count,
 CASE WHEN p.pending_at IS NULL AND p.hidden_at IS NULL AND p.held_at IS NULL THEN NULL ELSE 1 END`

// accountLight are the same of accounts: updated_at, and what changes without it.
const accountLight = `a.id, a.updated_at, a.posts_count, a.followers_count, a.following_count, a.last_post_at,
 CASE WHEN a.suspended_at IS NULL AND a.host_suspended_at IS NULL AND a.silenced_at IS NULL AND a.deleted_at IS NULL THEN NULL ELSE 1 END`

var accountsLight = newInText(`SELECT `+accountLight+` FROM accounts a WHERE a.id IN (IN)`, 1)

// recent is what was read lately. The zero value of a pointer to it keeps nothing: transactions see rows
// that may never be.
type recent struct {
	posts    recentRows[Post]
	accounts recentRows[Account]
	parts    recentRows[postParts]
	wide     wideMemory

	now      editions
	cards    *remembered[ID, *Account]
	byID     *remembered[ID, *Account]
	actors   *remembered[string, *Account]
	followed *remembered[ID, bool]
	apps     *remembered[ID, *App]
	owners   *remembered[string, tokenOwner]
	policies *remembered[string, string]
}

func newRecent() *recent {
	r := &recent{
		posts: recentRows[Post]{limit: recentPosts / 2}, accounts: recentRows[Account]{limit: recentAccounts / 2},
		parts: recentRows[postParts]{limit: recentPosts / 2},
	}
	r.cards = newRemembered[ID, *Account](&r.now, ofAccounts|ofCounts, recentAccounts/2)
	r.byID = newRemembered[ID, *Account](&r.now, ofAccounts|ofCounts, recentAccounts/2)
	r.actors = newRemembered[string, *Account](&r.now, ofAccounts, recentAccounts/2)
	r.followed = newRemembered[ID, bool](&r.now, ofFollows, recentAccounts/2)
	r.apps = newRemembered[ID, *App](&r.now, ofApps, recentApps/2)
	r.owners = newRemembered[string, tokenOwner](&r.now, ofTokens|ofUsers|ofAccounts|ofCounts, recentOwners/2)
	r.policies = newRemembered[string, string](&r.now, ofPolicies, recentHosts/2)
	return r
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

// lightPost is a post of which only the columns of postLight are there yet.
type lightPost struct {
	Post
	odd bool
}

// newLightScanner reads rows of postLight, after columns for the destinations before.
func newLightScanner(before ...any) *rowScanner[lightPost] {
	s := &rowScanner[lightPost]{}
	p := &s.row
	s.id, s.dest = &p.ID, slices.Concat(before, []any{
		scanID(&p.ID), scanMS(&p.EditedAt), scanID(&p.RootID), scanID(&p.ReplyToID),
		scanInt64(&p.RepliesCount), scanInt64(&p.BoostsCount), scanInt64(&p.LikesCount), scanBool(&p.odd),
	})
	return s
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
func (r reader) complete(ctx context.Context, v Viewer, light []*lightPost) ([]*Post, error) {
	if len(light) == 0 {
		return nil, nil
	}
	ids := make([]ID, len(light))
	for i, p := range light {
		ids[i] = p.ID
	}
	kept := make([]*Post, len(ids))
	if r.recent != nil {
		r.recent.posts.get(ids, kept)
	}
	var missing []ID
	for i, p := range light {
		if !p.completeFrom(kept[i]) {
			missing = append(missing, p.ID)
		}
	}
	var read map[ID]*Post
	if len(missing) > 0 {
		var err error
		if read, err = r.wholePosts(ctx, v, missing); err != nil {
			return nil, err
		}
	}
	done := make([]*Post, 0, len(light))
	for _, p := range light {
		if p.URI != "" {
			done = append(done, &p.Post)
		} else if whole := read[p.ID]; whole != nil {
			done = append(done, whole)
		}
	}
	return done, nil
}

// completeFrom takes what is missing from an earlier reading of the same row, if it was not changed since.
func (p *lightPost) completeFrom(whole *Post) bool {
	if whole == nil || p.odd || !whole.EditedAt.Equal(p.EditedAt) || whole.RootID != p.RootID || whole.ReplyToID != p.ReplyToID {
		return false
	}
	light := p.Post
	p.Post = *whole
	p.RepliesCount, p.BoostsCount, p.LikesCount = light.RepliesCount, light.BoostsCount, light.LikesCount
	return true
}

// postsByID reads those of ids that v may see.
func (r reader) postsByID(ctx context.Context, v Viewer, ids []ID) (map[ID]*Post, error) {
	found := make(map[ID]*Post, len(ids))
	err := viewRelated[v.kind].each(ids, []any{r.nowMS(), v.arg()}, func(text string, args []any) error {
		posts, err := r.posts(ctx, v, text, args...)
		for _, p := range posts {
			found[p.ID] = p
		}
		return err
	})
	return found, err
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
			if r.recent != nil && len(p.HTML)+len(p.Summary) <= recentLength && p.common() && r.now().Sub(p.EditedAt) > settled {
				kept := *p
				r.recent.posts.put(p.ID, &kept)
			}
			return nil
		})
	})
	return found, err
}

// common tells that a post is in none of the states that postLight calls rare.
func (p *Post) common() bool { return p.PendingAt.IsZero() && p.HiddenAt.IsZero() && p.HeldAt.IsZero() }

// Cards reads accounts for showing them beside posts, at less cost than Accounts. Their keys, and when they were fetched,
// may be those of an earlier reading. What is absent is left out.
func (r reader) Cards(ctx context.Context, ids []ID) (map[ID]*Account, error) {
	if len(ids) == 0 {
		return map[ID]*Account{}, nil
	}
	return r.cards(ctx, ids)
}

// cards reads accounts as they stand beside posts. Their keys, and when they were fetched, may be those of an
// earlier reading: whoever needs those uses Accounts.
func (r reader) cards(ctx context.Context, ids []ID) (map[ID]*Account, error) {
	if r.recent == nil {
		return r.Accounts(ctx, ids)
	}
	return r.recent.cards.all(ids, func(ids []ID) (map[ID]*Account, error) { return r.readCards(ctx, ids) })
}

// readCards is cards without what is remembered.
func (r reader) readCards(ctx context.Context, ids []ID) (map[ID]*Account, error) {
	var light []*card
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
		if !a.completeFrom(kept[i]) {
			missing = append(missing, a.ID)
			continue
		}
		found[a.ID] = &a.Account
	}
	if len(missing) == 0 {
		return found, nil
	}
	read, err := r.Accounts(ctx, missing)
	for id, a := range read {
		found[id] = a
		if len(a.Bio)+len(a.BioSource) <= recentLength && a.Live() && a.SilencedAt.IsZero() && r.now().Sub(a.UpdatedAt) > settled {
			whole := *a
			r.recent.accounts.put(id, &whole)
		}
	}
	return found, err
}

// card is an account of which only the columns of accountLight are there yet.
type card struct {
	Account
	odd bool
}

// cardScanner reads rows of accountLight.
type cardScanner struct {
	row  card
	dest []any
}

func newCardScanner() *cardScanner {
	s := &cardScanner{}
	a := &s.row
	s.dest = []any{
		scanID(&a.ID), scanMS(&a.UpdatedAt), scanInt64(&a.PostsCount), scanInt64(&a.FollowersCount), scanInt64(&a.FollowingCount),
		scanMS(&a.LastPostAt), scanBool(&a.odd),
	}
	return s
}

func (s *cardScanner) scan(rows *sql.Rows) (*card, error) {
	err := rows.Scan(s.dest...)
	a := s.row
	return &a, err
}

// completeFrom takes what is missing from an earlier reading of the same row, if it was not changed since.
func (a *card) completeFrom(whole *Account) bool {
	if whole == nil || a.odd || !whole.UpdatedAt.Equal(a.UpdatedAt) {
		return false
	}
	light := a.Account
	a.Account = *whole
	a.PostsCount, a.FollowersCount, a.FollowingCount, a.LastPostAt = light.PostsCount, light.FollowersCount, light.FollowingCount, light.LastPostAt
	return true
}

// postParts are the names in a post: they change with edited_at alone, but for those of a post that is held.
type postParts struct {
	editedAt time.Time
	mentions []ID
	tags     []string
}

// wideMemory knows for a second whether there are wide circles at all, which mostly there are not. What it does not know yet is
// no secret and no right: posts that come a second late.
type wideMemory struct {
	mu    sync.Mutex
	until time.Time
	some  bool
}

const wideKnown = time.Second

// none tells that there are no wide circles for sure.
func (m *wideMemory) none(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.some && now.Before(m.until)
}

func (m *wideMemory) learn(some bool, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.some, m.until = some, until
}

package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

// PostView is a post with everything that is shown around it, as one viewer may see it.
type PostView struct {
	// Post names what it answers only where the viewer may see that.
	Post          *Post
	Author        *Account
	Boost         *PostView // the original, where Post is a boost
	Media         []Media
	Mentions      []*Account
	Tags          []string
	Circle        *Account
	ReplyToAuthor *Account
	App           *App

	Liked, Boosted, Bookmarked, Pinned, ThreadMuted bool // by the viewer
}

// flagSpan is within which time the viewer's own marks are read as one range; marks of older posts are looked up
// one by one.
const flagSpan = 3 * 24 * time.Hour

// What the viewer $1 has done to posts, as a range of ids and as a list.
const (
	flagLiked = iota + 1
	flagBookmarked
	flagBoosted
	flagPinned
	flagThreadMuted
)

func flagsText(which string) string {
	return sqlf(`SELECT %[1]d, post_id FROM likes WHERE account_id = $1 AND post_id %[6]s
UNION ALL SELECT %[2]d, post_id FROM bookmarks WHERE account_id = $1 AND post_id %[6]s
UNION ALL SELECT %[3]d, boost_of_id FROM posts WHERE author_id = $1 AND boost_of_id %[6]s AND deleted_at IS NULL
UNION ALL SELECT %[4]d, post_id FROM pins WHERE account_id = $1 AND post_id %[6]s
UNION ALL SELECT %[5]d, root_id FROM thread_mutes WHERE account_id = $1 AND root_id %[6]s`,
		flagLiked, flagBookmarked, flagBoosted, flagPinned, flagThreadMuted, which)
}

// SQL for views.
var (
	flagsBetween  = flagsText(`BETWEEN $2 AND $3`)
	flagsIn       = newInText(flagsText(`IN (IN)`), 2)
	viewMedia     = newInText(`SELECT `+mediaColumns+` FROM media m WHERE m.post_id IN (IN) ORDER BY m.post_id, m.position, m.id`, 1)
	viewMentions  = newInText(`SELECT r.post_id, r.account_id FROM post_recipients r WHERE r.post_id IN (IN) AND r.mentioned <> 0 ORDER BY r.post_id, r.account_id`, 1)
	viewTags      = newInText(`SELECT g.post_id, t.name FROM post_tags g JOIN tags t ON t.id = g.tag_id WHERE g.post_id IN (IN) ORDER BY g.post_id, t.name`, 1)
	viewOriginals = perViewerIn(func(s sight) string {
		return `SELECT ` + postLight + ` FROM posts p WHERE p.id IN (IN) AND ` + s.post("p")
	}, 3)
	wholePosts = perViewerIn(func(s sight) string {
		return `SELECT ` + postColumns + ` FROM posts p WHERE p.id IN (IN) AND ` + s.post("p")
	}, 3)
	viewParents = perViewerIn(func(s sight) string {
		return `SELECT p.id FROM posts p WHERE p.id IN (IN) AND ` + s.post("p")
	}, 3)
)

// perViewerIn is perViewer for statements over a list of ids that starts at $first.
func perViewerIn(build func(s sight) string, first int) (t [viewKinds]*inText) {
	for k := range t {
		t[k] = newInText(build(sight(k)), first)
	}
	return t
}

// Views adds to posts, which were read for v, what is shown with them. It takes a few queries, whatever the number
// of posts. The order is kept; a boost whose original v may not see is left out.
func (r reader) Views(ctx context.Context, v Viewer, posts []*Post) ([]*PostView, error) {
	if len(posts) == 0 {
		return nil, nil
	}
	b := viewBuilder{r: r, ctx: ctx, v: v, shown: make(map[ID]*PostView, len(posts))}
	views, err := b.build(posts)
	if err != nil {
		return nil, fmt.Errorf("views: %w", err)
	}
	return views, nil
}

// postsByID returns those of ids that v may see, by id.
func (r reader) postsByID(ctx context.Context, v Viewer, ids []ID) (map[ID]*Post, error) {
	found := make(map[ID]*Post, len(ids))
	err := viewOriginals[v.kind].each(ids, []any{r.nowMS(), v.arg()}, func(text string, args []any) error {
		posts, err := r.posts(ctx, v, text, args...)
		for _, p := range posts {
			found[p.ID] = p
		}
		return err
	})
	return found, err
}

// viewBuilder gathers what the posts of one page need and reads each kind of it once.
type viewBuilder struct {
	r     reader
	ctx   context.Context
	v     Viewer
	shown map[ID]*PostView // every post that is shown, originals of boosts included
	all   []*PostView      // the same; a post may be shown twice

	media, mentions, tags, parents []ID
	accounts, apps                 []ID
}

func (b *viewBuilder) build(posts []*Post) ([]*PostView, error) {
	views := make([]*PostView, 0, len(posts))
	originals, err := b.originals(posts)
	if err != nil {
		return nil, err
	}
	for _, p := range posts {
		view := &PostView{Post: p}
		if p.BoostOfID != 0 {
			original := originals[p.BoostOfID]
			if original == nil {
				continue
			}
			view.Boost = &PostView{Post: original}
			b.show(view.Boost)
		}
		b.show(view)
		views = append(views, view)
	}
	for _, step := range []func() error{b.readMedia, b.readMentions, b.readTags, b.readParents, b.readFlags} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return b.readAccounts(views)
}

// originals reads what the boosts among posts boost.
func (b *viewBuilder) originals(posts []*Post) (map[ID]*Post, error) {
	var ids []ID
	for _, p := range posts {
		if p.BoostOfID != 0 {
			ids = append(ids, p.BoostOfID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return b.r.postsByID(b.ctx, b.v, ids)
}

// show notes what a view needs. The row tells: most posts need little.
func (b *viewBuilder) show(view *PostView) {
	p := view.Post
	b.all = append(b.all, view)
	b.shown[p.ID] = view
	b.accounts = append(b.accounts, p.AuthorID)
	if p.CircleID != 0 {
		b.accounts = append(b.accounts, p.CircleID)
	}
	if p.MediaCount > 0 {
		b.media = append(b.media, p.ID)
	}
	if p.MentionCount > 0 {
		b.mentions = append(b.mentions, p.ID)
	}
	if p.TagCount > 0 {
		b.tags = append(b.tags, p.ID)
	}
	if p.ReplyToID != 0 {
		b.parents = append(b.parents, p.ReplyToID)
	}
	if p.AppID != 0 {
		b.apps = append(b.apps, p.AppID)
	}
}

// each runs a text over ids and scan over its rows.
func (b *viewBuilder) each(t *inText, ids []ID, fixed []any, scan func(rows *sql.Rows) error) error {
	if len(ids) == 0 {
		return nil
	}
	return t.each(ids, fixed, func(text string, args []any) error {
		rows, err := b.r.query(b.ctx, text, args...)
		return each(rows, err, scan)
	})
}

// of calls f for every view of a post: a post and a boost of it can stand on the same page.
func (b *viewBuilder) of(post ID, f func(view *PostView)) {
	for _, view := range b.all {
		if view.Post.ID == post {
			f(view)
		}
	}
}

func (b *viewBuilder) readMedia() error {
	return b.each(viewMedia, b.media, nil, func(rows *sql.Rows) error {
		m, err := scanMedia(rows)
		b.of(m.PostID, func(view *PostView) { view.Media = append(view.Media, m) })
		return err
	})
}

func (b *viewBuilder) readMentions() error {
	return b.each(viewMentions, b.mentions, nil, func(rows *sql.Rows) error {
		var post, account ID
		err := rows.Scan(scanID(&post), scanID(&account))
		b.accounts = append(b.accounts, account)
		b.of(post, func(view *PostView) { view.Mentions = append(view.Mentions, &Account{ID: account}) })
		return err
	})
}

func (b *viewBuilder) readTags() error {
	return b.each(viewTags, b.tags, nil, func(rows *sql.Rows) error {
		var post ID
		var name string
		err := rows.Scan(scanID(&post), &name)
		b.of(post, func(view *PostView) { view.Tags = append(view.Tags, name) })
		return err
	})
}

// readParents finds out which of the answered posts the viewer may see, and forgets the others.
func (b *viewBuilder) readParents() error {
	visible := make(map[ID]bool, len(b.parents))
	var ask []ID
	for _, id := range b.parents {
		if b.shown[id] != nil {
			visible[id] = true
		} else {
			ask = append(ask, id)
		}
	}
	err := b.each(viewParents[b.v.kind], ask, []any{b.r.nowMS(), b.v.arg()}, func(rows *sql.Rows) error {
		id, err := scanOneID(rows)
		visible[id] = true
		return err
	})
	if err != nil {
		return err
	}
	for _, view := range b.all {
		p := view.Post
		if p.ReplyToID == 0 && p.ReplyToURI == "" && p.ReplyToAccountID == 0 {
			continue
		}
		if visible[p.ReplyToID] {
			b.accounts = append(b.accounts, p.ReplyToAccountID)
			continue
		}
		bare := *p
		bare.ReplyToID, bare.ReplyToURI, bare.ReplyToAccountID = 0, "", 0
		view.Post = &bare
	}
	return nil
}

// readFlags reads what the viewer has done to the posts and their threads.
func (b *viewBuilder) readFlags() error {
	if b.v.AccountID() == 0 {
		return nil
	}
	ids := make([]ID, 0, 2*len(b.all))
	for _, view := range b.all {
		ids = append(ids, view.Post.ID, view.Post.RootID)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	newest := ids[len(ids)-1]
	recent, _ := slices.BinarySearch(ids, FirstID(newest.Time().Add(-flagSpan)))
	mark := func(rows *sql.Rows) error {
		var flag int
		var id ID
		if err := rows.Scan(scanInt(&flag), scanID(&id)); err != nil {
			return err
		}
		b.mark(flag, id)
		return nil
	}
	me := int64(b.v.AccountID())
	rows, err := b.r.query(b.ctx, flagsBetween, me, int64(ids[recent]), int64(newest))
	if err := each(rows, err, mark); err != nil {
		return err
	}
	return b.each(flagsIn, ids[:recent], []any{me}, mark)
}

func (b *viewBuilder) mark(flag int, id ID) {
	for _, view := range b.all {
		switch {
		case flag == flagThreadMuted:
			view.ThreadMuted = view.ThreadMuted || view.Post.RootID == id
		case view.Post.ID != id:
		case flag == flagLiked:
			view.Liked = true
		case flag == flagBookmarked:
			view.Bookmarked = true
		case flag == flagBoosted:
			view.Boosted = true
		case flag == flagPinned:
			view.Pinned = true
		}
	}
}

// readAccounts reads everybody who is named, and the apps, and puts them in their places.
func (b *viewBuilder) readAccounts(views []*PostView) ([]*PostView, error) {
	accounts, err := b.r.cards(b.ctx, b.accounts)
	if err != nil {
		return nil, err
	}
	var apps map[ID]*App
	if len(b.apps) > 0 {
		if apps, err = b.r.Apps(b.ctx, b.apps); err != nil {
			return nil, err
		}
	}
	for _, view := range b.all {
		p := view.Post
		view.Author, view.Circle, view.App = accounts[p.AuthorID], accounts[p.CircleID], apps[p.AppID]
		view.ReplyToAuthor = accounts[p.ReplyToAccountID]
		known := view.Mentions[:0]
		for _, m := range view.Mentions {
			if a := accounts[m.ID]; a != nil && a.Live() {
				known = append(known, a)
			}
		}
		view.Mentions = known
	}
	for _, view := range views {
		if view.Boost != nil {
			view.Boosted = view.Boost.Boosted
			view.Liked, view.Bookmarked, view.ThreadMuted = view.Boost.Liked, view.Boost.Bookmarked, view.Boost.ThreadMuted
		}
	}
	return slices.DeleteFunc(views, func(view *PostView) bool {
		return view.Author == nil || view.Boost != nil && view.Boost.Author == nil
	}), nil
}

const mentionsOf = `SELECT r.account_id FROM post_recipients r WHERE r.post_id = $1 AND r.mentioned <> 0 ORDER BY r.account_id`

// MentionsOf lists the accounts that a post mentions. It is for those who may see the post.
func (r reader) MentionsOf(ctx context.Context, post ID) ([]*Account, error) {
	rows, err := r.query(ctx, mentionsOf, int64(post))
	ids, err := collect(rows, err, scanOneID)
	if err != nil {
		return nil, fmt.Errorf("mentions of %d: %w", post, err)
	}
	accounts, err := r.Accounts(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("mentions of %d: %w", post, err)
	}
	var list []*Account
	for _, id := range ids {
		if a := accounts[id]; a != nil && a.Live() {
			list = append(list, a)
		}
	}
	return list, nil
}

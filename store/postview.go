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
	flagsBetween = flagsText(`BETWEEN $2 AND $3`)
	flagsIn      = newInText(flagsText(`IN (IN)`), 2)
	viewMedia    = newInText(`SELECT `+mediaColumns+` FROM media m WHERE m.post_id IN (IN) ORDER BY m.post_id, m.position, m.id`, 1)
	viewMentions = newInText(`SELECT r.post_id, r.account_id FROM post_recipients r WHERE r.post_id IN (IN) AND r.mentioned <> 0 ORDER BY r.post_id, r.account_id`, 1)
	viewTags     = newInText(`SELECT g.post_id, t.name FROM post_tags g JOIN tags t ON t.id = g.tag_id WHERE g.post_id IN (IN) ORDER BY g.post_id, t.name`, 1)
	viewRelated  = perViewerIn(func(s sight) string {
		return `SELECT ` + postLight + ` FROM posts p WHERE p.id IN (IN) AND ` + s.post("p")
	}, 3)
	wholePosts = perViewerIn(func(s sight) string {
		return `SELECT ` + postColumns + ` FROM posts p WHERE p.id IN (IN) AND ` + s.post("p")
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
	b := viewBuilder{r: r, ctx: ctx, v: v, visible: make(map[ID]bool, 2*len(posts))}
	views, err := b.build(posts)
	if err != nil {
		return nil, fmt.Errorf("views: %w", err)
	}
	return views, nil
}

// viewBuilder gathers what the posts of one page need and reads each kind of it once.
type viewBuilder struct {
	r       reader
	ctx     context.Context
	v       Viewer
	all     []*PostView // every post that is shown, originals of boosts included; one may be shown twice
	visible map[ID]bool // posts that were asked for: whether the viewer may see them
	parts   map[ID]*postParts

	media, named, parents []ID
	accounts, apps        []ID
}

func (b *viewBuilder) build(posts []*Post) ([]*PostView, error) {
	views := make([]*PostView, 0, len(posts))
	originals, err := b.related(posts)
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
	for _, step := range []func() error{b.readMedia, b.readParts, b.readParents, b.readFlags} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return b.readAccounts(views)
}

// related looks at the posts that those of the page boost and answer, and returns what they boost.
func (b *viewBuilder) related(posts []*Post) (map[ID]*Post, error) {
	var boosted, ask []ID
	for _, p := range posts {
		b.visible[p.ID] = true
	}
	for _, p := range posts {
		if p.BoostOfID != 0 {
			boosted, ask = append(boosted, p.BoostOfID), append(ask, p.BoostOfID)
		}
		if p.ReplyToID != 0 && !b.visible[p.ReplyToID] {
			ask = append(ask, p.ReplyToID)
		}
	}
	light, err := b.look(ask)
	if err != nil || len(boosted) == 0 {
		return nil, err
	}
	light = slices.DeleteFunc(light, func(p *lightPost) bool { return !slices.Contains(boosted, p.ID) })
	whole, err := b.r.complete(b.ctx, b.v, light)
	originals := make(map[ID]*Post, len(whole))
	for _, p := range whole {
		originals[p.ID] = p
	}
	return originals, err
}

// look finds out which of ids the viewer may see.
func (b *viewBuilder) look(ids []ID) (light []*lightPost, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	s := newLightScanner()
	err = b.each(viewRelated[b.v.kind], ids, []any{b.r.nowMS(), b.v.arg()}, func(rows *sql.Rows) error {
		p, err := s.scan(rows)
		if err == nil {
			light = append(light, p)
		}
		return err
	})
	for _, id := range ids {
		b.visible[id] = false
	}
	for _, p := range light {
		b.visible[p.ID] = true
	}
	return light, err
}

// show notes what a view needs. The row tells: most posts need little.
func (b *viewBuilder) show(view *PostView) {
	p := view.Post
	b.all = append(b.all, view)
	b.accounts = append(b.accounts, p.AuthorID)
	if p.CircleID != 0 {
		b.accounts = append(b.accounts, p.CircleID)
	}
	if p.MediaCount > 0 {
		b.media = append(b.media, p.ID)
	}
	if p.MentionCount+p.TagCount > 0 {
		b.named = append(b.named, p.ID)
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

// readParts reads who is mentioned and which tags there are, unless that is remembered.
func (b *viewBuilder) readParts() error {
	if len(b.named) == 0 {
		return nil
	}
	kept := make([]*postParts, len(b.named))
	if b.r.recent != nil {
		b.r.recent.parts.get(b.named, kept)
	}
	b.parts = make(map[ID]*postParts, len(b.named))
	for i, id := range b.named {
		b.parts[id] = kept[i]
	}
	var fresh, mentions, tags []ID
	for _, view := range b.all {
		p := view.Post
		if parts, named := b.parts[p.ID]; !named || parts != nil && parts.editedAt.Equal(p.EditedAt) {
			continue
		}
		b.parts[p.ID] = &postParts{editedAt: p.EditedAt}
		if p.HeldAt.IsZero() {
			fresh = append(fresh, p.ID)
		}
		if p.MentionCount > 0 {
			mentions = append(mentions, p.ID)
		}
		if p.TagCount > 0 {
			tags = append(tags, p.ID)
		}
	}
	if err := b.readNames(mentions, tags); err != nil {
		return err
	}
	for _, id := range fresh {
		if parts := b.parts[id]; b.r.recent != nil && b.r.now().Sub(parts.editedAt) > settled {
			b.r.recent.parts.put(id, parts)
		}
	}
	return nil
}

func (b *viewBuilder) readNames(mentions, tags []ID) error {
	err := b.each(viewMentions, mentions, nil, func(rows *sql.Rows) error {
		var post, account ID
		err := rows.Scan(scanID(&post), scanID(&account))
		b.parts[post].mentions = append(b.parts[post].mentions, account)
		return err
	})
	if err != nil {
		return err
	}
	return b.each(viewTags, tags, nil, func(rows *sql.Rows) error {
		var post ID
		var name string
		err := rows.Scan(scanID(&post), &name)
		b.parts[post].tags = append(b.parts[post].tags, name)
		return err
	})
}

// readParents finds out which of the answered posts the viewer may see, and forgets the others.
func (b *viewBuilder) readParents() error {
	var ask []ID
	for _, id := range b.parents {
		if _, asked := b.visible[id]; !asked {
			ask = append(ask, id)
		}
	}
	if _, err := b.look(ask); err != nil {
		return err
	}
	for _, view := range b.all {
		p := view.Post
		if p.ReplyToID == 0 && p.ReplyToURI == "" && p.ReplyToAccountID == 0 {
			continue
		}
		if b.visible[p.ReplyToID] {
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
	for _, parts := range b.parts {
		b.accounts = append(b.accounts, parts.mentions...)
	}
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
		if parts := b.parts[p.ID]; parts != nil {
			view.Tags = slices.Clone(parts.tags)
			for _, id := range parts.mentions {
				if a := accounts[id]; a != nil && a.Live() {
					view.Mentions = append(view.Mentions, a)
				}
			}
		}
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

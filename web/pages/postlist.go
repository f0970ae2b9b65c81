package pages

import (
	"context"
	"html"
	"html/template"
	"net/url"
	"path"
	"strings"

	"cohort/store"
	"cohort/web/reply"
)

// The number of entries of a list, and the most that may be asked for.
const (
	listLength = 20
	listMost   = 40
)

// page reads which part of a list is asked for.
func (v *visit) page() (store.Page, error) { return reply.Page(v, listLength, listMost) }

// beyond tells whether a list was asked for from somewhere other than its top.
func beyond(p store.Page) bool { return p.MaxID != 0 || p.MinID != 0 || p.SinceID != 0 }

// turn is the address of this list from another place on.
func (v *visit) turn(name string, id store.ID) string {
	if id == 0 {
		return ""
	}
	q := v.Request().URL.Query()
	for _, k := range []string{"max_id", "min_id", "since_id", "lang"} {
		q.Del(k)
	}
	q.Set(name, id.String())
	u := url.URL{Path: v.Request().URL.Path, RawQuery: q.Encode()}
	return u.String()
}

// timeline shows a page of posts. ok is false when nothing is newer than where it was asked for from:
// then the top of the list is the page to show.
func (v *visit) timeline(ctx context.Context, posts store.Posts, at store.Page, live string) (t Timeline, ok bool, err error) {
	if len(posts.Items) == 0 && at.MinID != 0 {
		return t, false, nil
	}
	if t.Posts, err = v.posts(ctx, posts.Items); err != nil {
		return t, false, err
	}
	t.Next = v.turn("max_id", posts.Next)
	if beyond(at) {
		t.Prev = v.turn("min_id", posts.Prev)
	}
	if v.me != nil {
		t.Live = live
	}
	return t, true, nil
}

// top leads to the first page of the list that is shown.
func (v *visit) top() error {
	q := v.Request().URL.Query()
	return v.to(withQuery(v.Request().URL.Path, "tab", q.Get("tab")))
}

// posts shows posts as the visitor may see them.
func (v *visit) posts(ctx context.Context, items []*store.Post) ([]PostView, error) {
	views, err := v.p.db.Views(ctx, v.viewer, items)
	if err != nil {
		return nil, err
	}
	var ids []store.ID
	for _, view := range views {
		if view.Boost != nil {
			view = view.Boost
		}
		ids = append(ids, view.Author.ID)
	}
	relations, err := v.relations(ctx, ids)
	if err != nil {
		return nil, err
	}
	shown := make([]PostView, len(views))
	for i, view := range views {
		shown[i] = v.postView(view, relations)
	}
	return shown, nil
}

// postView turns a post into what the templates show.
func (v *visit) postView(view *store.PostView, relations map[store.ID]store.Relationship) PostView {
	var shown PostView
	if view.Boost != nil {
		by := v.p.person(view.Author)
		shown.BoostedBy, shown.Entry = &by, view.Post.ID.String()
		view = view.Boost
	}
	post := view.Post
	own := v.me != nil && view.Author.ID == v.me.ID
	shown.ID, shown.URL = post.ID.String(), postURL(view.Author, post.ID)
	if !view.Author.Local() {
		shown.Origin = webAddress(post.URL)
	}
	shown.Author = v.p.person(view.Author)
	shown.Author.Relation = v.relation(view.Author.ID, relations)
	if view.ReplyToAuthor != nil {
		to := v.p.person(view.ReplyToAuthor)
		shown.ReplyTo = &to
	}
	shown.Lang, shown.Summary, shown.Sensitive, shown.Created = post.Language, post.Summary, post.Sensitive, post.CreatedAt
	if !post.EditedAt.IsZero() {
		edited := post.EditedAt
		shown.Edited = &edited
	}
	shown.Media = v.p.mediaViews(view.Media)
	shown.HTML = template.HTML(post.HTML + otherFiles(view.Media)) //nolint:gosec // made safe when it was stored
	shown.Audience = audienceOf(view)
	shown.Replies, shown.Boosts, shown.Favourites = int(post.RepliesCount), int(post.BoostsCount), int(post.LikesCount)
	shown.Favourited, shown.Boosted, shown.Bookmarked = view.Liked, view.Boosted, view.Bookmarked
	open := post.Visibility == store.Public || post.Visibility == store.Unlisted
	shown.CanReply, shown.CanBoost = v.me != nil, open || own && post.Visibility == store.Followers
	shown.CanEdit, shown.CanDelete = own, own
	shown.CanPin, shown.Pinned = own && open, view.Pinned
	shown.Pending = !post.PendingAt.IsZero()
	return shown
}

// postURL is the page of a post here.
func postURL(author *store.Account, id store.ID) string {
	return "/@" + author.Address() + "/" + id.String()
}

// audienceOf is who can read a post.
func audienceOf(view *store.PostView) Audience {
	if view.Post.Visibility != store.InCircle {
		return Audience{Kind: view.Post.Visibility}
	}
	a := Audience{Kind: InCircle}
	if view.Circle != nil {
		ref := circleRef(view.Circle)
		a.Circle = &ref
	}
	return a
}

func (p *Pages) mediaViews(media []store.Media) []MediaView {
	var views []MediaView
	for i := range media {
		if strings.HasPrefix(media[i].MIME, "image/") {
			views = append(views, p.mediaView(&media[i]))
		}
	}
	return views
}

func (p *Pages) mediaView(m *store.Media) MediaView {
	return MediaView{
		ID: m.ID.String(), URL: p.local(p.s.MediaURL(m, false)), Preview: p.local(p.s.MediaURL(m, true)), Alt: m.Alt,
		Width: m.Width, Height: m.Height, FocusX: m.FocusX, FocusY: m.FocusY,
	}
}

// otherFiles are links to what we do not show ourselves: sound and film on other servers.
func otherFiles(media []store.Media) string {
	var b strings.Builder
	for _, m := range media {
		address := webAddress(m.RemoteURL)
		if strings.HasPrefix(m.MIME, "image/") || address == "" {
			continue
		}
		name := m.Alt
		if u, err := url.Parse(address); err == nil && name == "" {
			name = path.Base(u.Path)
		}
		b.WriteString(`<p><a href="` + html.EscapeString(address) + `" rel="nofollow noopener noreferrer" target="_blank">` + html.EscapeString(name) + `</a></p>`)
	}
	return b.String()
}

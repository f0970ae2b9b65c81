package pages

import (
	"context"
	"net/http"

	"cohort/store"
)

// maxDepth is how far replies to replies are set in.
const maxDepth = 6

// post is /@who/id: a post with what came before and after.
func (p *Pages) post(v *visit) error {
	ctx := v.Request().Context()
	post, author, err := v.postOfPath()
	if err != nil {
		return err
	}
	if to := postURL(author, post.ID); to != "/@"+v.param("who")+"/"+v.param("id") {
		return v.to(to)
	}
	view, err := v.thread(ctx, post)
	if err != nil {
		return err
	}
	if view.Reply != nil {
		// A page that is read again has a reply form of its own.
		view.Reply.Key = newKey()
	}
	return v.show(http.StatusOK, "post", view)
}

// postOfPath is readPost for the id in the path.
func (v *visit) postOfPath() (*store.Post, *store.Account, error) {
	id, err := v.id()
	if err != nil {
		return nil, nil, err
	}
	return v.readPost(v.Request().Context(), id)
}

// readPost reads a post that the visitor may see with its author; of a boost, the original.
func (v *visit) readPost(ctx context.Context, id store.ID) (*store.Post, *store.Account, error) {
	post, err := v.p.db.Post(ctx, v.viewer, id)
	if err == nil && post.BoostOfID != 0 {
		post, err = v.p.db.Post(ctx, v.viewer, post.BoostOfID)
	}
	if err != nil {
		return nil, nil, err
	}
	author, err := v.p.db.Account(ctx, post.AuthorID)
	return post, author, err
}

// postByID is /posts/id, the permanent id: it leads to the page.
func (p *Pages) postByID(v *visit) error {
	post, author, err := v.postOfPath()
	if err != nil {
		return err
	}
	return v.to(postURL(author, post.ID))
}

// circlePost is /c/slug/id, which leads to the page of a post of that circle.
func (p *Pages) circlePost(v *visit) error {
	ctx := v.Request().Context()
	post, author, err := v.postOfPath()
	if err != nil {
		return err
	}
	if post.CircleID == 0 {
		return store.ErrNotFound
	}
	circle, err := p.db.Account(ctx, post.CircleID)
	if err != nil {
		return err
	}
	if circle.Address() != v.param("slug") {
		return store.ErrNotFound
	}
	return v.to(postURL(author, post.ID))
}

// thread is the page of a post without the text of a reply.
func (v *visit) thread(ctx context.Context, post *store.Post) (*PostPage, error) {
	ancestors, descendants, err := v.p.db.Thread(ctx, v.viewer, post)
	if err != nil {
		return nil, err
	}
	all := append(append(append([]*store.Post{}, ancestors...), post), descendants...)
	shown, err := v.posts(ctx, all)
	if err != nil {
		return nil, err
	}
	if len(shown) != len(all) {
		return nil, store.ErrNotFound // deleted while we read
	}
	view := &PostPage{Ancestors: shown[:len(ancestors)], Post: shown[len(ancestors)], Descendants: shown[len(ancestors)+1:]}
	view.Post.Focused = true
	setDepths(post.ID, descendants, view.Descendants)
	v.countAudience(ctx, post, &view.Post)
	if err := v.describe(ctx, post, view); err != nil {
		return nil, err
	}
	if v.me == nil {
		return view, nil
	}
	view.Live = liveURL(feedThread, post.RootID)
	view.Reply, err = v.replyComposer(ctx, post, view.Post)
	return view, err
}

// setDepths says how deep each reply sits below the post that the page is about.
func setDepths(top store.ID, posts []*store.Post, shown []PostView) {
	depth := map[store.ID]int{top: 0}
	for i, post := range posts {
		d := depth[post.ReplyToID] + 1
		depth[post.ID] = d
		shown[i].Depth = min(d, maxDepth)
	}
}

// countAudience fills in how many can read a circle's post, where that is known here.
func (v *visit) countAudience(ctx context.Context, post *store.Post, shown *PostView) {
	if post.CircleID == 0 || v.me == nil {
		return
	}
	a, err := v.p.s.AudienceOf(ctx, v.me, "", post.CircleID)
	if err == nil && a.Known {
		shown.Audience.People, shown.Audience.Servers = a.People, a.Servers
	}
}

// describe tells search engines and previews about a post, or keeps them away.
func (v *visit) describe(ctx context.Context, post *store.Post, view *PostPage) error {
	author, err := v.p.db.Account(ctx, post.AuthorID)
	if err != nil {
		return err
	}
	open := post.Visibility == store.Public || post.Visibility == store.Unlisted
	view.NoIndex = post.Visibility != store.Public || !author.Local() || !author.Indexable
	if !open {
		return nil
	}
	if view.Description = post.Summary; post.Summary == "" {
		view.Description = plain(view.Post.HTML)
	}
	if author.Local() {
		view.Alternate = post.URI
	}
	return nil
}

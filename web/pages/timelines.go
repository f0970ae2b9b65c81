package pages

import (
	"context"
	"net/http"

	"cohort/social"
	"cohort/store"
)

// frontPosts is how many posts the front shows.
const frontPosts = 10

// suggestions is how many people an empty home suggests.
const suggestions = 8

// front is "/": home for members, the institution's face for everyone else.
func (p *Pages) front(v *visit) error {
	if v.me != nil {
		return p.home(v)
	}
	ctx := v.Request().Context()
	posts, err := p.db.Public(ctx, v.viewer, store.Page{Limit: frontPosts}, store.PublicFilter{Local: true})
	if err != nil {
		return err
	}
	view := &FrontPage{}
	if view.Timeline.Posts, err = v.posts(ctx, posts.Items); err != nil {
		return err
	}
	s, err := p.site(ctx)
	if err != nil {
		return err
	}
	view.Members, view.Active, view.Rules = int(s.stats.Users), int(s.stats.ActiveMonth), s.rules
	view.Description = plain(s.About)
	return v.show(http.StatusOK, "front", view)
}

func (p *Pages) home(v *visit) error {
	ctx := v.Request().Context()
	at, err := v.page()
	if err != nil {
		return err
	}
	posts, err := p.db.Home(ctx, v.me.ID, at)
	if err != nil {
		return err
	}
	view := &TimelinePage{}
	var ok bool
	if view.Timeline, ok, err = v.timeline(ctx, posts, at, liveURL(feedHome, 0)); err != nil {
		return err
	}
	if !ok {
		return v.top()
	}
	if len(posts.Items) == 0 && !beyond(at) {
		if view.Suggested, err = v.suggested(ctx); err != nil {
			return err
		}
	}
	return v.show(http.StatusOK, "home", view)
}

// suggested are people here who wish to be found and whom the member does not follow yet.
func (v *visit) suggested(ctx context.Context) ([]Person, error) {
	accounts, err := v.p.db.Directory(ctx, v.viewer, store.PageOffset{Limit: listMost})
	if err != nil {
		return nil, err
	}
	people, err := v.people(ctx, accounts)
	if err != nil {
		return nil, err
	}
	var some []Person
	for _, person := range people {
		r := person.Relation
		if len(some) < suggestions && r != nil && !r.Self && !r.Following && !r.Requested && !r.Muting {
			some = append(some, person)
		}
	}
	return some, nil
}

// list shows a list of posts under a template of its own.
func (v *visit) list(name, live string, view *TimelinePage, read func(context.Context, store.Page) (store.Posts, error)) error {
	ctx := v.Request().Context()
	at, err := v.page()
	if err != nil {
		return err
	}
	posts, err := read(ctx, at)
	if err != nil {
		return err
	}
	var ok bool
	if view.Timeline, ok, err = v.timeline(ctx, posts, at, live); err != nil {
		return err
	}
	if !ok {
		return v.top()
	}
	view.NoIndex = view.NoIndex || beyond(at)
	return v.show(http.StatusOK, name, view)
}

func (p *Pages) localPage(v *visit) error {
	return v.list("local", liveURL(feedLocal, 0), &TimelinePage{}, func(ctx context.Context, at store.Page) (store.Posts, error) {
		return p.db.Public(ctx, v.viewer, at, store.PublicFilter{Local: true})
	})
}

func (p *Pages) public(v *visit) error {
	view := &TimelinePage{}
	view.NoIndex = true // most of it is on other servers
	return v.list("public", liveURL(feedPublic, 0), view, func(ctx context.Context, at store.Page) (store.Posts, error) {
		return p.db.Public(ctx, v.viewer, at, store.PublicFilter{})
	})
}

func (p *Pages) tag(v *visit) error {
	name := social.NormalizeTag(v.param("tag"))
	if name == "" {
		return store.ErrNotFound
	}
	return v.list("tag", "", &TimelinePage{Tag: name}, func(ctx context.Context, at store.Page) (store.Posts, error) {
		return p.db.Tag(ctx, v.viewer, name, at, store.PublicFilter{})
	})
}

func (p *Pages) bookmarks(v *visit) error {
	return v.list("bookmarks", "", &TimelinePage{}, func(ctx context.Context, at store.Page) (store.Posts, error) {
		return p.db.BookmarkedPosts(ctx, v.me.ID, at)
	})
}

func (p *Pages) favourites(v *visit) error {
	return v.list("favourites", "", &TimelinePage{}, func(ctx context.Context, at store.Page) (store.Posts, error) {
		return p.db.LikedPosts(ctx, v.me.ID, at)
	})
}

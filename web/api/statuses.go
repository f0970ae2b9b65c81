package api

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"cohort/store"
	"cohort/web/auth"
	"cohort/web/reply"
)

// maxMany bounds how many things one request may name.
const maxMany = 40

// GetStatus gives one post.
func (a *API) GetStatus(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	s, err := a.statusOf(c.Request().Context(), auth.From(c).Viewer(), id)
	if err != nil {
		return err
	}
	return replyStatus(c, s)
}

// GetStatuses gives those of the posts id[] that the asker may see.
func (a *API) GetStatuses(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	ctx, v := c.Request().Context(), auth.From(c).Viewer()
	posts, err := a.db.PostsByID(ctx, v, p.IDs(maxMany, "id"))
	if err != nil {
		return err
	}
	statuses, err := a.viewsOf(ctx, v, posts)
	if err != nil {
		return err
	}
	return replyStatuses(c, statuses)
}

// StatusContext gives the thread around a post.
func (a *API) StatusContext(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	ctx, v := c.Request().Context(), auth.From(c).Viewer()
	post, err := a.db.Post(ctx, v, id)
	if err == nil && post.BoostOfID != 0 {
		post, err = a.db.Post(ctx, v, post.BoostOfID)
	}
	if err != nil {
		return err
	}
	up, down, err := a.db.Thread(ctx, v, post)
	if err != nil {
		return err
	}
	statuses, err := a.viewsOf(ctx, v, slices.Concat(up, down))
	if err != nil {
		return err
	}
	above := make(map[ID]bool, len(up))
	for _, p := range up {
		above[ID(p.ID)] = true
	}
	at := slices.IndexFunc(statuses, func(s *Status) bool { return !above[s.ID] })
	if at < 0 {
		at = len(statuses)
	}
	return writeJSON(c, func(b []byte) []byte {
		o := begin(b)
		o.key("ancestors")
		o.b = list(o.b, statuses[:at], appendStatus)
		o.key("descendants")
		o.b = list(o.b, statuses[at:], appendStatus)
		return o.end()
	})
}

// StatusSource gives a post as its author typed it, to her alone.
func (a *API) StatusSource(c echo.Context) error {
	p, err := a.ownPost(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, StatusSource{ID: ID(p.ID), Text: p.Source, SpoilerText: p.Summary})
}

// ownPost is the post in the path, if the asker wrote it. Anybody else's is not found.
func (a *API) ownPost(c echo.Context) (*store.Post, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	me := auth.From(c)
	if me.Account == nil {
		return nil, store.ErrNotFound
	}
	p, err := a.db.Post(c.Request().Context(), me.Viewer(), id)
	if err != nil {
		return nil, err
	}
	if p.AuthorID != me.ID() || p.BoostOfID != 0 {
		return nil, store.ErrNotFound
	}
	return p, nil
}

// StatusHistory tells how a post has read, the first version first.
func (a *API) StatusHistory(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	ctx, v := c.Request().Context(), auth.From(c).Viewer()
	s, err := a.statusOf(ctx, v, id)
	if err != nil {
		return err
	}
	if s.Reblog != nil {
		s = s.Reblog
	}
	edits, err := a.db.Edits(ctx, v, store.ID(s.ID))
	if err != nil {
		return err
	}
	history := make([]StatusEdit, len(edits))
	for i, e := range edits {
		// Which pictures earlier versions had is not kept.
		history[i] = StatusEdit{
			Content: e.HTML, SpoilerText: e.Summary, Sensitive: e.Sensitive, CreatedAt: Stamp(e.CreatedAt),
			Account: s.Account, MediaAttachments: s.MediaAttachments, Emojis: []struct{}{},
		}
	}
	return c.JSON(http.StatusOK, history)
}

// StatusCard answers that a post has no preview of a link: none are made.
func (a *API) StatusCard(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if _, err := a.db.Post(c.Request().Context(), auth.From(c).Viewer(), id); err != nil {
		return err
	}
	return c.JSONBlob(http.StatusOK, []byte(jsonNull))
}

// StatusNothing is an empty list about a post that the asker may see.
func (a *API) StatusNothing(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if _, err := a.db.Post(c.Request().Context(), auth.From(c).Viewer(), id); err != nil {
		return err
	}
	return none(c)
}

// FavouritedBy lists who likes a post.
func (a *API) FavouritedBy(c echo.Context) error {
	return a.reactedTo(c, func(v store.Viewer, id store.ID, p store.Page) ([]*store.Account, store.ID, error) {
		return a.db.Likers(c.Request().Context(), v, id, p)
	})
}

// RebloggedBy lists who boosted a post.
func (a *API) RebloggedBy(c echo.Context) error {
	return a.reactedTo(c, func(v store.Viewer, id store.ID, p store.Page) ([]*store.Account, store.ID, error) {
		return a.db.Boosters(c.Request().Context(), v, id, p)
	})
}

func (a *API) reactedTo(c echo.Context, read func(store.Viewer, store.ID, store.Page) ([]*store.Account, store.ID, error)) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	page, err := reply.Page(c, 40, 80)
	if err != nil {
		return err
	}
	v := auth.From(c).Viewer()
	p, err := a.db.Post(c.Request().Context(), v, id)
	if err != nil {
		return err
	}
	if p.BoostOfID != 0 {
		id = p.BoostOfID
	}
	accounts, next, err := read(v, id, page)
	if err != nil {
		return err
	}
	accounts = slices.DeleteFunc(accounts, func(x *store.Account) bool { return !x.Live() })
	reply.Links(c, a.base, next, 0)
	return replyAccounts(c, a.accounts(accounts))
}

// DeleteStatus takes a post back and gives its text and pictures for a new draft. Deleting a boost by
// its own id is taking the boost back.
func (a *API) DeleteStatus(c echo.Context) error {
	p, err := a.deletable(c)
	if err != nil {
		return err
	}
	ctx, who := c.Request().Context(), auth.From(c)
	views, err := a.db.Views(ctx, who.Viewer(), []*store.Post{p})
	if err != nil {
		return err
	}
	if len(views) == 0 {
		return store.ErrNotFound
	}
	s := a.status(who, views[0])
	if _, err := a.s.DeletePost(ctx, who.Account, p.ID); err != nil {
		return err
	}
	if p.BoostOfID == 0 {
		s.Text = &p.Source
	}
	return replyStatus(c, s)
}

// deletable is the post in the path if it is the asker's own, boosts too.
func (a *API) deletable(c echo.Context) (*store.Post, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	who := auth.From(c)
	p, err := a.db.Post(c.Request().Context(), who.Viewer(), id)
	if err != nil {
		return nil, err
	}
	if p.AuthorID != who.ID() {
		return nil, store.ErrNotFound
	}
	return p, nil
}

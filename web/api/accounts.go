package api

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"cohort/social"
	"cohort/store"
	"cohort/web/auth"
	"cohort/web/reply"
)

// pathAccount is the account in the path, if the asker may be shown it.
func (a *API) pathAccount(c echo.Context) (*store.Account, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	return a.db.ShownAccount(c.Request().Context(), auth.From(c).Viewer(), id)
}

// GetAccount gives one account.
func (a *API) GetAccount(c echo.Context) error {
	x, err := a.pathAccount(c)
	if err != nil {
		return err
	}
	return a.replyAccount(c, x)
}

// replyAccount answers with one account and what is told of it only then.
func (a *API) replyAccount(c echo.Context, x *store.Account) error {
	made := a.account(x)
	if x.Local() {
		hidden, err := a.hidesCollections(c, x)
		if err != nil {
			return err
		}
		made.HideCollections = &hidden
	}
	return writeJSON(c, func(b []byte) []byte { return appendAccount(b, made) })
}

// hidesCollections tells whether whom an account follows, and who follows it, is nobody's business.
// Elsewhere its own server decides what it tells us.
func (a *API) hidesCollections(c echo.Context, x *store.Account) (bool, error) {
	if !x.Local() || x.Kind == store.KindCircle {
		return false, nil
	}
	u, err := a.db.User(c.Request().Context(), x.ID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return u.HideCollections, nil
}

// GetAccounts gives those of the accounts id[] that the asker may be shown.
func (a *API) GetAccounts(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	found, err := a.db.ShownAccounts(c.Request().Context(), auth.From(c).Viewer(), p.IDs(maxMany, "id"))
	if err != nil {
		return err
	}
	return replyAccounts(c, a.accounts(found))
}

// LookupAccount finds an account known here by its address, without asking any other server.
func (a *API) LookupAccount(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	handle, host, err := social.ParseAddress(p.Text("acct"))
	if err != nil {
		return store.ErrNotFound
	}
	if host == a.s.Config.Domain || host == a.s.Config.Host {
		host = ""
	}
	ctx := c.Request().Context()
	x, err := a.db.AccountByHandle(ctx, handle, host)
	if err == nil {
		x, err = a.db.ShownAccount(ctx, auth.From(c).Viewer(), x.ID)
	}
	if err != nil {
		return err
	}
	return a.replyAccount(c, x)
}

// FindAccounts finds accounts by name or address; with resolve also one that another server has to be
// asked for.
func (a *API) FindAccounts(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	q := quest{
		who: auth.From(c), text: strings.TrimSpace(p.Text("q")), resolve: p.Flag("resolve"), follow: p.Flag("following"),
		page: store.PageOffset{Limit: clamp(p.Int(40, "limit"), 1, 80), Offset: clamp(p.Int(0, "offset"), 0, searchOffset)},
	}
	if q.text == "" || len([]rune(q.text)) > searchQuery {
		return none(c)
	}
	result := &found{}
	if err := a.searchAccounts(c, q, result); err != nil {
		return err
	}
	return replyAccounts(c, result.Accounts)
}

// AccountStatuses lists the posts of an account that the asker may see; of a circle, what is posted
// there, to its members.
func (a *API) AccountStatuses(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	page, err := reply.Page(c, 20, 40)
	if err != nil {
		return err
	}
	x, err := a.pathAccount(c)
	if err != nil {
		return err
	}
	ctx, v := c.Request().Context(), auth.From(c).Viewer()
	f := store.AccountFilter{
		ExcludeReplies: p.Flag("exclude_replies"), ExcludeBoosts: p.Flag("exclude_reblogs"), OnlyMedia: p.Flag("only_media"),
		Pinned: p.Flag("pinned"), Tag: social.NormalizeTag(p.Text("tagged")),
	}
	var posts store.Posts
	switch {
	case p.Text("tagged") != "" && f.Tag == "": // no tag is called so
	case x.Kind != store.KindCircle:
		posts, err = a.db.AccountPosts(ctx, v, x.ID, page, f)
	case f == store.AccountFilter{ExcludeReplies: f.ExcludeReplies, ExcludeBoosts: f.ExcludeBoosts}:
		posts, err = a.db.CirclePosts(ctx, v, x.ID, page)
		posts.Items = slices.DeleteFunc(posts.Items, func(p *store.Post) bool { return f.ExcludeReplies && p.ReplyToURI != "" })
	}
	if err != nil {
		return err
	}
	return a.replyPosts(c, posts)
}

// replyPosts answers with a page of posts.
func (a *API) replyPosts(c echo.Context, posts store.Posts) error {
	statuses, err := a.viewsOf(c.Request().Context(), auth.From(c).Viewer(), posts.Items)
	if err != nil {
		return err
	}
	reply.Links(c, a.base, posts.Next, posts.Prev)
	return replyStatuses(c, statuses)
}

// Followers lists who follows an account; of a circle its members, to its members.
func (a *API) Followers(c echo.Context) error {
	return a.collection(c, func(x *store.Account, p store.Page) ([]*store.Account, store.ID, error) {
		ctx := c.Request().Context()
		if x.Kind != store.KindCircle {
			return a.db.Followers(ctx, x.ID, p)
		}
		members, next, err := a.db.Members(ctx, auth.From(c).Viewer(), x.ID, p)
		if errors.Is(err, store.ErrNotFound) {
			return nil, 0, nil
		}
		return members, next, err
	})
}

// Following lists whom an account follows. Circles are never among them.
func (a *API) Following(c echo.Context) error {
	return a.collection(c, func(x *store.Account, p store.Page) ([]*store.Account, store.ID, error) {
		return a.db.Following(c.Request().Context(), x.ID, p)
	})
}

// collection answers with a list that an account may hide.
func (a *API) collection(c echo.Context, read func(*store.Account, store.Page) ([]*store.Account, store.ID, error)) error {
	page, err := reply.Page(c, 40, 80)
	if err != nil {
		return err
	}
	x, err := a.pathAccount(c)
	if err != nil {
		return err
	}
	hidden, err := a.hidesCollections(c, x)
	if err != nil {
		return err
	}
	if hidden && auth.From(c).ID() != x.ID {
		return none(c)
	}
	accounts, next, err := read(x, page)
	if err != nil {
		return err
	}
	return a.replyPeople(c, accounts, next)
}

// replyPeople answers with a page of accounts, those that are gone left out.
func (a *API) replyPeople(c echo.Context, accounts []*store.Account, next store.ID) error {
	accounts = slices.DeleteFunc(accounts, func(x *store.Account) bool { return !x.Live() })
	reply.Links(c, a.base, next, 0)
	return replyAccounts(c, a.accounts(accounts))
}

// Relationships tells what the asker has to do with each of id[], in the order of the request.
func (a *API) Relationships(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	ctx, who := c.Request().Context(), auth.From(c)
	shown, err := a.db.ShownAccounts(ctx, who.Viewer(), p.IDs(2*maxMany, "id"))
	if err != nil {
		return err
	}
	asked := make([]store.ID, len(shown))
	for i, x := range shown {
		asked[i] = x.ID
	}
	found, err := a.db.Relationships(ctx, who.ID(), asked)
	if err != nil {
		return err
	}
	made := make([]*Relationship, len(asked))
	for i, id := range asked {
		made[i] = relationship(id, found[id])
	}
	return c.JSON(http.StatusOK, made)
}

// FamiliarFollowers answers that none are known for each account asked for: whom somebody follows is
// theirs to tell.
func (a *API) FamiliarFollowers(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	shown, err := a.db.ShownAccounts(c.Request().Context(), auth.From(c).Viewer(), p.IDs(maxMany, "id"))
	if err != nil {
		return err
	}
	made := make([]FamiliarFollowers, len(shown))
	for i, x := range shown {
		made[i] = FamiliarFollowers{ID: ID(x.ID), Accounts: []*Account{}}
	}
	return c.JSON(http.StatusOK, made)
}

// AccountNothing is for what accounts have elsewhere and nobody has here: an empty list, for accounts
// that exist.
func (a *API) AccountNothing(c echo.Context) error {
	if _, err := a.pathAccount(c); err != nil {
		return err
	}
	return none(c)
}

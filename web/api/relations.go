package api

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"cohort/store"
	"cohort/web/auth"
	"cohort/web/reply"
)

// people answers with a page of the asker's own list of accounts.
func (a *API) people(c echo.Context, read func(context.Context, store.ID, store.Page) ([]*store.Account, store.ID, error)) error {
	page, err := reply.Page(c, 40, 80)
	if err != nil {
		return err
	}
	accounts, next, err := read(c.Request().Context(), auth.From(c).ID(), page)
	if err != nil {
		return err
	}
	return a.replyPeople(c, accounts, next)
}

// FollowRequests lists who waits for the asker's answer.
func (a *API) FollowRequests(c echo.Context) error { return a.people(c, a.db.FollowRequests) }

// Blocks lists whom the asker blocks.
func (a *API) Blocks(c echo.Context) error { return a.people(c, a.db.Blocks) }

// Mutes lists whom the asker mutes, and until when.
func (a *API) Mutes(c echo.Context) error {
	page, err := reply.Page(c, 40, 80)
	if err != nil {
		return err
	}
	muted, next, err := a.db.Mutes(c.Request().Context(), auth.From(c).ID(), page)
	if err != nil {
		return err
	}
	made := make([]MutedAccount, 0, len(muted))
	for _, m := range muted {
		if m.Live() {
			made = append(made, MutedAccount{Account: a.account(m.Account), MuteExpiresAt: Stamp(m.ExpiresAt)})
		}
	}
	reply.Links(c, a.base, next, 0)
	return c.JSON(http.StatusOK, made)
}

// DomainBlocks lists the domains the asker wants to hear nothing from.
func (a *API) DomainBlocks(c echo.Context) error {
	page, err := reply.Page(c, 100, 200)
	if err != nil {
		return err
	}
	domains, next, err := a.db.DomainMutes(c.Request().Context(), auth.From(c).ID(), page)
	if err != nil {
		return err
	}
	if domains == nil {
		domains = []string{}
	}
	reply.Links(c, a.base, next, 0)
	return c.JSON(http.StatusOK, domains)
}

// BlockDomain adds a domain to that list.
func (a *API) BlockDomain(c echo.Context) error { return a.domain(c, a.s.MuteDomain) }

// UnblockDomain takes one out of it.
func (a *API) UnblockDomain(c echo.Context) error { return a.domain(c, a.s.UnmuteDomain) }

func (a *API) domain(c echo.Context, do func(context.Context, *store.Account, string) error) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	if err := do(c.Request().Context(), auth.From(c).Account, p.Text("domain")); err != nil {
		return err
	}
	return empty(c)
}

// Bookmarks lists what the asker keeps.
func (a *API) Bookmarks(c echo.Context) error { return a.kept(c, a.db.BookmarkedPosts) }

// Favourites lists what the asker likes.
func (a *API) Favourites(c echo.Context) error { return a.kept(c, a.db.LikedPosts) }

func (a *API) kept(c echo.Context, read func(context.Context, store.ID, store.Page) (store.Posts, error)) error {
	page, err := reply.Page(c, 20, 40)
	if err != nil {
		return err
	}
	posts, err := read(c.Request().Context(), auth.From(c).ID(), page)
	if err != nil {
		return err
	}
	return a.replyPosts(c, posts)
}

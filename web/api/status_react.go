package api

import (
	"context"
	"slices"

	"github.com/labstack/echo/v4"

	"cohort/social"
	"cohort/store"
	"cohort/web/auth"
)

// react does something to the post in the path and answers with the post as it is then. What was
// meant for a boost is done to the original, and that is what is answered.
func (a *API) react(c echo.Context, do func(ctx context.Context, by *store.Account, id store.ID) error) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	ctx, who := c.Request().Context(), auth.From(c)
	if err := do(ctx, who.Account, id); err != nil {
		return err
	}
	s, err := a.statusOf(ctx, who.Viewer(), id)
	if err != nil {
		return err
	}
	if s.Reblog != nil {
		s = s.Reblog
	}
	return replyStatus(c, s)
}

// Favourite marks a post as a favourite.
func (a *API) Favourite(c echo.Context) error { return a.react(c, a.s.Like) }

// Unfavourite takes that back.
func (a *API) Unfavourite(c echo.Context) error { return a.react(c, a.s.Unlike) }

// Bookmark keeps a post in the asker's own list.
func (a *API) Bookmark(c echo.Context) error { return a.react(c, a.s.Bookmark) }

// Unbookmark takes that back.
func (a *API) Unbookmark(c echo.Context) error { return a.react(c, a.s.Unbookmark) }

// Pin shows one's own post first on one's profile.
func (a *API) Pin(c echo.Context) error { return a.react(c, a.s.Pin) }

// Unpin takes that back.
func (a *API) Unpin(c echo.Context) error { return a.react(c, a.s.Unpin) }

// MuteThread stops notifications of the conversation a post is in.
func (a *API) MuteThread(c echo.Context) error { return a.react(c, a.muteThread(true)) }

// UnmuteThread lets them through again.
func (a *API) UnmuteThread(c echo.Context) error { return a.react(c, a.muteThread(false)) }

func (a *API) muteThread(mute bool) func(context.Context, *store.Account, store.ID) error {
	return func(ctx context.Context, by *store.Account, id store.ID) error {
		return a.s.MuteThread(ctx, by, id, mute)
	}
}

// Reblog boosts a post and answers with the boost, in which the original stands.
func (a *API) Reblog(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	p, err := params(c)
	if err != nil {
		return err
	}
	visibility := visibilityFrom(p.Text("visibility"))
	if !slices.Contains([]string{"", store.Public, store.Unlisted, store.Followers}, visibility) {
		return &social.Invalid{Field: "visibility", Key: "invalid.visibility"}
	}
	ctx, who := c.Request().Context(), auth.From(c)
	boost, err := a.s.Boost(ctx, who.Account, id, visibility)
	if err != nil {
		return err
	}
	s, err := a.statusOf(ctx, who.Viewer(), boost.ID)
	if err != nil {
		return err
	}
	return replyStatus(c, s)
}

// Unreblog takes a boost back, named by itself or by its original, and answers with the original.
func (a *API) Unreblog(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	ctx, who := c.Request().Context(), auth.From(c)
	p, err := a.db.Post(ctx, who.Viewer(), id)
	if err != nil {
		return err
	}
	if p.BoostOfID != 0 {
		id = p.BoostOfID
	}
	if err := a.s.Unboost(ctx, who.Account, id); err != nil {
		return err
	}
	s, err := a.statusOf(ctx, who.Viewer(), id)
	if err != nil {
		return err
	}
	return replyStatus(c, s)
}

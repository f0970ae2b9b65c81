package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cohort/social"
	"cohort/store"
	"cohort/web/auth"
)

// maxMute is for how long an account can be muted at most, unless for good.
const maxMute = 10 * 365 * 24 * time.Hour

// relate does something about the account in the path and answers with what the asker has to do with
// it then.
func (a *API) relate(c echo.Context, do func(ctx context.Context, by *store.Account, id store.ID) error) error {
	x, err := a.pathAccount(c)
	if err != nil {
		return err
	}
	return a.relateTo(c, x.ID, do)
}

// undo is relate for what can also be undone when the account is not shown any more.
func (a *API) undo(c echo.Context, do func(ctx context.Context, by *store.Account, id store.ID) error) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	ctx, who := c.Request().Context(), auth.From(c)
	_, err = a.db.ShownAccount(ctx, who.Viewer(), id)
	if errors.Is(err, store.ErrNotFound) {
		r, errRelation := a.db.Relationship(ctx, who.ID(), id)
		if errRelation != nil {
			return errRelation
		}
		if r.Following || r.Requested || r.Blocking || r.Muting {
			err = nil
		}
	}
	if err != nil {
		return err
	}
	return a.relateTo(c, id, do)
}

// relateTo does something about an account whose id is known to be good.
func (a *API) relateTo(c echo.Context, id store.ID, do func(ctx context.Context, by *store.Account, id store.ID) error) error {
	ctx, who := c.Request().Context(), auth.From(c)
	if err := do(ctx, who.Account, id); err != nil {
		return err
	}
	r, err := a.db.Relationship(ctx, who.ID(), id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, relationship(id, r))
}

// Follow follows an account, or asks to. Following a circle is asking for a place in it.
func (a *API) Follow(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	o := social.FollowOptions{Boosts: p.FlagIf("reblogs"), Notify: p.FlagIf("notify")}
	return a.relate(c, func(ctx context.Context, by *store.Account, id store.ID) error { return a.s.Follow(ctx, by, id, o) })
}

// FollowByName is Follow as very old clients do it: by an address, and answered with the account. Where
// the account is not known yet, its server is asked.
func (a *API) FollowByName(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	ctx, who := c.Request().Context(), auth.From(c)
	if _, ok := a.s.Limits.Take(social.LimitLookup, "account "+who.ID().String()); !ok {
		return social.ErrLimited
	}
	x, err := a.fed.ResolveAccount(ctx, p.Text("uri"))
	if errors.Is(err, &social.Invalid{}) {
		err = store.ErrNotFound
	}
	if err == nil {
		x, err = a.db.ShownAccount(ctx, who.Viewer(), x.ID)
	}
	if err == nil {
		err = a.s.Follow(ctx, who.Account, x.ID, social.FollowOptions{})
	}
	if err != nil {
		return err
	}
	return a.replyAccount(c, x)
}

// Unfollow ends a follow or a request.
func (a *API) Unfollow(c echo.Context) error { return a.undo(c, a.s.Unfollow) }

// RemoveFromFollowers ends somebody's follow of the asker. That there is none is no error.
func (a *API) RemoveFromFollowers(c echo.Context) error {
	return a.relate(c, func(ctx context.Context, by *store.Account, id store.ID) error {
		err := a.s.RemoveFollower(ctx, by, id)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
}

// Block ends all relations with an account and hides the asker's posts from it.
func (a *API) Block(c echo.Context) error { return a.relate(c, a.s.Block) }

// Unblock lifts that.
func (a *API) Unblock(c echo.Context) error { return a.undo(c, a.s.Unblock) }

// Mute hides an account from the asker, with its notifications unless told otherwise, for good or for
// duration seconds.
func (a *API) Mute(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	o := social.MuteOptions{Notifications: true}
	if f := p.FlagIf("notifications"); f != nil {
		o.Notifications = *f
	}
	seconds := p.Int(0, "duration")
	if seconds < 0 || seconds > int(maxMute/time.Second) {
		return echo.NewHTTPError(http.StatusUnprocessableEntity, "Validation failed: duration is out of range")
	}
	o.For = time.Duration(seconds) * time.Second
	return a.relate(c, func(ctx context.Context, by *store.Account, id store.ID) error { return a.s.Mute(ctx, by, id, o) })
}

// Unmute lifts that.
func (a *API) Unmute(c echo.Context) error { return a.undo(c, a.s.Unmute) }

// NoteAccount keeps what the asker wants to remember about an account.
func (a *API) NoteAccount(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	return a.relate(c, func(ctx context.Context, by *store.Account, id store.ID) error {
		return a.s.Note(ctx, by, id, p.Text("comment"))
	})
}

// AuthorizeRequest lets somebody follow the asker.
func (a *API) AuthorizeRequest(c echo.Context) error { return a.relate(c, a.s.AcceptRequest) }

// RejectRequest refuses that.
func (a *API) RejectRequest(c echo.Context) error { return a.relate(c, a.s.RejectRequest) }

package auth

import (
	"context"
	"errors"
	"strings"

	"github.com/labstack/echo/v4"

	"cohort/store"
	"cohort/web/reply"
)

// Still tells whether whoever opened a connection that lasts may keep it: their token or session as it is
// now. reply.ErrUnauthorized once it has ended, or its user may not act any more.
type Still func(context.Context) (*Who, error)

// Stream finds who opens a connection that lasts, and how to ask again while it does. The bearer's token
// counts, or that in Sec-WebSocket-Protocol, where browsers can put one; or else the browser's session,
// but not for a WebSocket, which pages of other origins could open with it.
func (a *Auth) Stream(c echo.Context) (*Who, Still, error) {
	still := a.stillOf(c)
	if still == nil {
		return nil, nil, reply.ErrUnauthorized
	}
	w, err := still(c.Request().Context())
	if err != nil {
		return nil, nil, err
	}
	a.touch(c, w)
	return w, still, nil
}

func (a *Auth) stillOf(c echo.Context) Still {
	raw, ok := bearer(c.Request())
	if !ok || raw == "" {
		raw = SocketToken(c)
	}
	if raw != "" {
		return func(ctx context.Context) (*Who, error) {
			t, u, account, err := a.db.TokenByValue(ctx, raw)
			return standing(&Who{Token: t, User: u, Account: account}, err)
		}
	}
	ck, err := c.Cookie(a.cookieName("session"))
	if err != nil || ck.Value == "" || c.IsWebSocket() {
		return nil
	}
	return func(ctx context.Context) (*Who, error) {
		s, u, account, err := a.db.SessionByToken(ctx, ck.Value)
		return standing(&Who{Session: s, User: u, Account: account}, err)
	}
}

// standing refuses whoever has no user that may act.
func standing(w *Who, err error) (*Who, error) {
	if errors.Is(err, store.ErrNotFound) || err == nil && (w.Account == nil || w.User == nil || !w.User.Active()) {
		return nil, reply.ErrUnauthorized
	}
	if err != nil {
		return nil, err
	}
	return w, nil
}

// SocketToken is the token that a browser's script gave as the WebSocket's protocol, or "".
func SocketToken(c echo.Context) string {
	first, _, _ := strings.Cut(c.Request().Header.Get("Sec-WebSocket-Protocol"), ",")
	return strings.TrimSpace(first)
}

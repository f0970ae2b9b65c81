package auth

import (
	"context"
	"errors"
	"strings"

	"github.com/labstack/echo/v4"

	"cohort/store"
	"cohort/web/reply"
)

// Still tells whether whoever opened a connection that lasts may keep it: their token as it is now.
// reply.ErrUnauthorized once it has ended, or its user may not act any more.
type Still func(context.Context) (*Who, error)

// Stream finds who opens a connection that lasts, and how to ask again while it does. The bearer's token
// counts, or that in Sec-WebSocket-Protocol, where browsers can put one. A session does not: pages of
// other origins could open a WebSocket with it.
func (a *Auth) Stream(c echo.Context) (*Who, Still, error) {
	raw, ok := bearer(c.Request())
	if !ok || raw == "" {
		raw = SocketToken(c)
	}
	if raw == "" {
		return nil, nil, reply.ErrUnauthorized
	}
	still := func(ctx context.Context) (*Who, error) {
		t, u, account, err := a.db.TokenByValue(ctx, raw)
		if errors.Is(err, store.ErrNotFound) || err == nil && (account == nil || u == nil || !u.Active()) {
			return nil, reply.ErrUnauthorized
		}
		return &Who{Token: t, User: u, Account: account}, err
	}
	w, err := still(c.Request().Context())
	if err != nil {
		return nil, nil, err
	}
	a.touch(c, w)
	return w, still, nil
}

// SocketToken is the token that a browser's script gave as the WebSocket's protocol, or "".
func SocketToken(c echo.Context) string {
	first, _, _ := strings.Cut(c.Request().Header.Get("Sec-WebSocket-Protocol"), ",")
	return strings.TrimSpace(first)
}

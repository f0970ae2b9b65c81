package auth

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"

	"cohort/social"
	"cohort/store"
	"cohort/web/reply"
)

// Who is who asks. Account is nil for nobody; Token is set for clients, Session for browsers. An app
// that acts for itself has a Token and no Account.
type Who struct {
	Account *store.Account
	User    *store.User
	Token   *store.Token
	Session *store.Session
}

const whoKey = "who"

// From tells who asks; it is never nil.
func From(c echo.Context) *Who {
	if w, ok := c.Get(whoKey).(*Who); ok {
		return w
	}
	return &Who{}
}

// Viewer is with whose eyes the store is read.
func (w *Who) Viewer() store.Viewer {
	if w.Account == nil {
		return store.Anonymous
	}
	return store.AsAccount(w.Account.ID)
}

// ID is the account's id, 0 for nobody.
func (w *Who) ID() store.ID {
	if w.Account == nil {
		return 0
	}
	return w.Account.ID
}

// Has tells whether the asker may do what scope names. A browser's session may do what its user may.
func (w *Who) Has(scope string) bool {
	if w.Token == nil {
		return w.Session != nil && !strings.HasPrefix(scope, "admin")
	}
	return covers(w.Token.Scopes, scope)
}

// Auth finds out who asks.
type Auth struct {
	s       *social.Service
	db      *store.DB
	proxies []netip.Prefix
}

// New makes an Auth. proxies are the networks whose X-Forwarded-For counts.
func New(s *social.Service, proxies []netip.Prefix) *Auth {
	return &Auth{s: s, db: s.DB, proxies: proxies}
}

// bearer is the token of a request: by header, or by parameter where a client cannot set one.
func bearer(r *http.Request) (string, bool) {
	if h := r.Header.Get("Authorization"); h != "" {
		kind, token, _ := strings.Cut(h, " ")
		return strings.TrimSpace(token), strings.EqualFold(kind, "bearer")
	}
	if t := r.URL.Query().Get("access_token"); t != "" {
		return t, true
	}
	return "", false
}

// API finds the bearer of a token. A request without one goes on as nobody; a token that is not good is
// refused, so that a client notices.
func (a *Auth) API(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		raw, ok := bearer(c.Request())
		if !ok || raw == "" {
			return next(c)
		}
		w, err := a.Token(c, raw)
		if err != nil {
			return err
		}
		c.Set(whoKey, w)
		return next(c)
	}
}

// Token tells whose token raw is. reply.ErrUnauthorized for one that is unknown or revoked.
func (a *Auth) Token(c echo.Context, raw string) (*Who, error) {
	t, u, account, err := a.db.TokenByValue(c.Request().Context(), raw)
	if errors.Is(err, store.ErrNotFound) {
		return nil, reply.ErrUnauthorized
	}
	if err != nil {
		return nil, err
	}
	w := &Who{Token: t, User: u, Account: account}
	a.touch(c, w)
	return w, nil
}

// touch notes, once a day, that an account is in use, and the token with which it is.
func (a *Auth) touch(c echo.Context, w *Who) {
	today := store.Day(a.db.Now())
	user := w.User != nil && w.User.ActiveDay < today
	token := w.Token != nil && w.Token.UsedDay < today
	if !user && !token {
		return
	}
	ctx := c.Request().Context()
	err := a.db.Tx(ctx, func(tx *store.Tx) error {
		if token {
			if err := tx.TouchToken(ctx, w.Token.ID); err != nil {
				return err
			}
		}
		if user {
			return tx.TouchActive(ctx, w.User.AccountID)
		}
		return nil
	})
	if err != nil {
		c.Logger().Debug(err) // only statistics
	}
}

// Require lets a request through if its token covers every scope and its user may act. With no user
// behind the token it is 401 unless app tokens will do.
func Require(scopes ...string) echo.MiddlewareFunc { return require(false, scopes) }

// RequireApp is Require for what an app may do for itself.
func RequireApp(scopes ...string) echo.MiddlewareFunc { return require(true, scopes) }

func require(app bool, scopes []string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			w := From(c)
			switch {
			case w.Token == nil:
				return reply.ErrUnauthorized
			case w.Account == nil && !app:
				return echo.NewHTTPError(http.StatusUnprocessableEntity, "This method requires an authenticated user")
			case w.User != nil && !w.User.Active():
				return echo.NewHTTPError(http.StatusForbidden, inactive(w.User))
			}
			for _, s := range scopes {
				if !w.Has(s) {
					return reply.ErrScope
				}
			}
			return next(c)
		}
	}
}

// inactive says why an account may not act yet.
func inactive(u *store.User) string {
	if u.ConfirmedAt.IsZero() {
		return "Your login is missing a confirmed e-mail address"
	}
	return "Your login is currently pending approval"
}

// Optional is for what anyone may read: a token is not needed, but one that was given must cover the
// scope, and one whose user may not act yet reads as nobody.
func Optional(scope string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			w := From(c)
			if w.Token != nil && w.Account != nil && !w.Has(scope) {
				return reply.ErrScope
			}
			if w.User != nil && !w.User.Active() {
				c.Set(whoKey, &Who{})
			}
			return next(c)
		}
	}
}

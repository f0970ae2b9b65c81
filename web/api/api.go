package api

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cohort/federation"
	"cohort/social"
	"cohort/store"
	"cohort/web/auth"
	"cohort/web/reply"
)

// API answers client programs. Use New; its methods may be called concurrently.
type API struct {
	s     *social.Service
	db    *store.DB
	fed   *federation.Server
	auth  *auth.Auth
	texts reply.Texts
	log   *slog.Logger
	base  string // of URLs, without a final slash

	streams *auth.Lasting
	recheck time.Duration // recheckEvery; tests make it shorter
	figures *figures
}

// New makes the API of an instance. texts gives the words for people.
func New(s *social.Service, fed *federation.Server, a *auth.Auth, texts reply.Texts, log *slog.Logger) *API {
	return &API{
		s: s, db: s.DB, fed: fed, auth: a, texts: texts, log: log, base: s.Config.BaseURL,
		streams: auth.NewLasting(streamsPerAccount, streamsInAll), recheck: recheckEvery, figures: &figures{},
	}
}

// Access is who may call an endpoint at all.
type Access string

// The kinds of access.
const (
	User     Access = "user"     // an account, by a token of its own
	App      Access = "app"      // an app for itself, or an account
	Optional Access = "optional" // anyone; a token that is given must cover the scopes
	Open     Access = "public"   // anyone, and tokens are not looked at
)

// Route is one endpoint. Every one states its access, so that none is open by omission.
type Route struct {
	Method, Path string
	Access       Access
	Scopes       []string // all of them are needed
	Handler      echo.HandlerFunc
	Limit        social.Limit // the zero value stands for LimitAPI, or LimitPublic where no account is needed
}

// Bounds of a request's body, in bytes. Pictures are sent as multipart forms.
const (
	maxBody      = 1 << 20
	maxMultipart = 2*social.MaxUpload + maxBody
)

// Mount adds routes to a router, each behind its guards.
func (a *API) Mount(e *echo.Echo, routes []Route) {
	for _, r := range routes {
		e.Add(r.Method, r.Path, r.Handler, a.Guards(r)...)
	}
}

// Guards are what stands before an endpoint, outermost first: who asks, how often, whether they may.
func (a *API) Guards(r Route) []echo.MiddlewareFunc {
	guards := []echo.MiddlewareFunc{tidy}
	if r.Access != Open {
		guards = append(guards, a.auth.API)
	}
	limit := r.Limit
	switch {
	case limit != (social.Limit{}):
	case r.Access == User || r.Access == App:
		limit = social.LimitAPI
	default:
		limit = social.LimitPublic
	}
	guards = append(guards, a.auth.Limit(limit))
	switch r.Access {
	case User:
		guards = append(guards, auth.Require(r.Scopes...))
	case App:
		guards = append(guards, auth.RequireApp(r.Scopes...))
	case Optional:
		for _, s := range r.Scopes {
			guards = append(guards, auth.Optional(s))
		}
	case Open:
	}
	return guards
}

// tidy removes the temporary files of an upload once it is answered.
func tidy(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		defer func() {
			if form := c.Request().MultipartForm; form != nil {
				if err := form.RemoveAll(); err != nil {
					c.Logger().Warn(err)
				}
			}
		}()
		return next(c)
	}
}

// empty is the answer of actions that have nothing to say.
func empty(c echo.Context) error { return c.JSONBlob(http.StatusOK, []byte("{}")) }

// none is the answer of lists that have nothing here.
func none(c echo.Context) error { return c.JSONBlob(http.StatusOK, []byte("[]")) }

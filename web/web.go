package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"cohort/federation"
	"cohort/social"
	"cohort/web/api"
	"cohort/web/auth"
	"cohort/web/pages"
	"cohort/web/reply"
)

// Deps is what the door leads to.
type Deps struct {
	Social *social.Service
	Fed    *federation.Server
	Auth   *auth.Auth
	API    *api.API
	Pages  *pages.Pages
	Texts  reply.Texts
	Log    *slog.Logger
}

// Bounds of every request. Endpoints have narrower ones of their own.
const (
	maxBody      = 2 << 20
	maxMultipart = 72 << 20
	answerTime   = 10 * time.Second // the context of a handler ends then
	uploadTime   = time.Minute
	pictureTime  = 30 * time.Second // of other servers' pictures, and of what is looked up elsewhere
	zipFrom      = 1400             // bytes
)

// New builds the handler of an instance. A request id that was set on the response by whoever stands
// before it is kept.
func New(d Deps) *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	errs := &reply.Handler{Log: d.Log, Texts: d.Texts, Pages: d.Pages.Error}
	e.HTTPErrorHandler = errs.Handle
	secure := strings.HasPrefix(d.Social.Config.BaseURL, "https://")
	e.Pre(unslash)
	e.Use(identify, headers(secure), share, d.recover, bound, compress())
	mount(e, d)
	return e
}

// unslash forgives clients a slash at the end of an endpoint. It rewrites rather than redirects, since
// clients do not send a form again.
func unslash(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		u := c.Request().URL
		if strings.HasPrefix(u.Path, "/api/v") || strings.HasPrefix(u.Path, "/oauth/") {
			u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.RawPath, "/")
		}
		return next(c)
	}
}

// identify names the request in answers and logs. What a client calls it does not count.
func identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		id := h.Get(echo.HeaderXRequestID)
		if id == "" {
			id = rand.Text()[:16]
			h.Set(echo.HeaderXRequestID, id)
		}
		c.Request().Header.Set(echo.HeaderXRequestID, id)
		return next(c)
	}
}

// recover turns a panic into an error, which is answered like any other that nobody foresaw.
func (d Deps) recover(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if e, ok := p.(error); ok && errors.Is(e, http.ErrAbortHandler) {
				panic(p)
			}
			d.Log.Error("panic", "request_id", reply.RequestID(c), "route", c.Path(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}()
		return next(c)
	}
}

// lasting tells whether an answer goes on for as long as its reader listens.
func lasting(path string) bool {
	return path == "/live" || path == "/api/v1/streaming" || strings.HasPrefix(path, "/api/v1/streaming/")
}

// bound limits how much a request may send and how long it may take.
func bound(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		limit, within := int64(maxBody), answerTime
		switch path := r.URL.Path; {
		case lasting(path):
			// The request has been read; what the server allows for that must not end the answer.
			if err := http.NewResponseController(c.Response()).SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
				return err
			}
			return next(c)
		case strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/"):
			limit, within = maxMultipart, uploadTime
		case strings.HasPrefix(path, "/media/"), strings.HasSuffix(path, "/search"), strings.HasSuffix(path, "/lookup"):
			within = pictureTime
		}
		ctx, cancel := context.WithTimeout(r.Context(), within)
		defer cancel()
		r = r.WithContext(ctx)
		if r.Body == nil || r.Body == http.NoBody {
			c.SetRequest(r)
			return next(c)
		}
		return bounded(next, c, r, limit)
	}
}

// compress makes texts smaller for those who ask for it. Pictures and static files come as they are kept.
func compress() echo.MiddlewareFunc {
	return middleware.GzipWithConfig(middleware.GzipConfig{
		Level: 1, MinLength: zipFrom,
		Skipper: func(c echo.Context) bool {
			path := c.Request().URL.Path
			return c.Request().Method == http.MethodHead || lasting(path) || strings.HasPrefix(path, "/media/") || strings.HasPrefix(path, pages.StaticPath)
		},
	})
}

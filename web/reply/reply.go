// Package reply turns what went wrong into answers: it alone knows which error is which HTTP status,
// and how lists say where their next page is.
//
// It must not know what is served. Handlers return errors; ErrorHandler answers and logs them, once.
package reply

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"cohort/federation"
	"cohort/social"
	"cohort/store"
)

// ErrUnauthorized says that the request names nobody who may ask: no token, or one that is not good.
var ErrUnauthorized = errors.New("the access token is invalid")

// ErrScope says that a token is good but not for this.
var ErrScope = errors.New("this action is outside the authorized scopes")

// statuses is the table of errors and their HTTP status. The first that matches counts.
var statuses = []struct {
	err    error
	status int
}{
	{store.ErrNotFound, http.StatusNotFound},
	{ErrUnauthorized, http.StatusUnauthorized},
	{ErrScope, http.StatusForbidden},
	{social.ErrForbidden, http.StatusForbidden},
	{social.ErrLimited, http.StatusTooManyRequests},
	{store.ErrConflict, http.StatusConflict},
	{store.ErrFull, http.StatusInsufficientStorage},
	{store.ErrBusy, http.StatusServiceUnavailable},
	{store.ErrUnreachable, http.StatusServiceUnavailable},
	{federation.ErrTemporary, http.StatusServiceUnavailable},
	{context.DeadlineExceeded, http.StatusServiceUnavailable},
	{context.Canceled, http.StatusServiceUnavailable},
}

// Status is the HTTP status of an error; 500 for what nobody foresaw.
func Status(err error) int {
	var invalid *social.Invalid
	var large *http.MaxBytesError
	var he *echo.HTTPError
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &invalid):
		return http.StatusUnprocessableEntity
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge
	case errors.As(err, &he):
		return he.Code
	}
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			return s.status
		}
	}
	return http.StatusInternalServerError
}

// Texts gives the words of an error: the text of an i18n key in the language that an Accept-Language
// asks for. Without one it is English, which client programs expect.
type Texts func(accepted, key string, args map[string]any) string

// Pages answers a browser with an error page.
type Pages func(c echo.Context, status int, err error) error

// Handler answers errors: as JSON under /api and /oauth and wherever JSON was asked for, as a page
// elsewhere.
type Handler struct {
	Log   *slog.Logger
	Texts Texts
	Pages Pages
}

// Handle is an echo.HTTPErrorHandler. What nobody foresaw is logged with the request id and answered
// without a word about it.
func (h *Handler) Handle(err error, c echo.Context) {
	status := Status(err)
	if status >= 500 && !errors.Is(err, context.Canceled) {
		h.Log.Error("request failed", "status", status, "method", c.Request().Method, "route", c.Path(), "request_id", RequestID(c), "error", err)
	}
	if c.Response().Committed {
		return
	}
	if status == http.StatusUnauthorized && c.Response().Header().Get("WWW-Authenticate") == "" && isAPI(c) {
		c.Response().Header().Set("WWW-Authenticate", `Bearer realm="cohort"`)
	}
	var answer error
	switch {
	case c.Request().Method == http.MethodHead:
		answer = c.NoContent(status)
	case isAPI(c) || h.Pages == nil:
		answer = c.JSON(status, h.body(c, status, err))
	default:
		answer = h.Pages(c, status, err)
	}
	if answer != nil {
		h.Log.Warn("error answer not written", "request_id", RequestID(c), "error", answer)
	}
}

// body is the JSON of an error, in the language of the reader. Only errors meant for people say why.
func (h *Handler) body(c echo.Context, status int, err error) map[string]any {
	say := func(key string, args map[string]any) string {
		return h.Texts(c.Request().Header.Get("Accept-Language"), key, args)
	}
	var invalid *social.Invalid
	if errors.As(err, &invalid) {
		text := say(invalid.Key, invalid.Args)
		return map[string]any{"error": say("clienterror.invalid", map[string]any{"Text": text}), "details": map[string]any{
			invalid.Field: []map[string]string{{"error": detailCode(invalid.Key), "description": text}},
		}}
	}
	switch status {
	case http.StatusNotFound:
		return map[string]any{"error": say("clienterror.not_found", nil)}
	case http.StatusUnauthorized:
		return map[string]any{"error": say("clienterror.token", nil)}
	case http.StatusForbidden:
		if errors.Is(err, ErrScope) {
			return map[string]any{"error": say("clienterror.scope", nil)}
		}
		return map[string]any{"error": say("clienterror.forbidden", nil)}
	case http.StatusTooManyRequests:
		return map[string]any{"error": say("clienterror.many", nil)}
	}
	var he *echo.HTTPError
	if errors.As(err, &he) && status < 500 {
		if s, ok := he.Message.(string); ok {
			return map[string]any{"error": s}
		}
	}
	return map[string]any{"error": http.StatusText(status), "request_id": RequestID(c)}
}

// detailCode is the word that clients know for what is wrong with a field.
func detailCode(key string) string {
	switch {
	case strings.HasSuffix(key, "_taken"):
		return "ERR_TAKEN"
	case strings.HasSuffix(key, "_reserved"):
		return "ERR_RESERVED"
	case strings.HasSuffix(key, "_empty"):
		return "ERR_BLANK"
	case strings.HasSuffix(key, "_long"):
		return "ERR_TOO_LONG"
	case strings.HasSuffix(key, "_short"):
		return "ERR_TOO_SHORT"
	case key == "invalid.agreement":
		return "ERR_ACCEPTED"
	}
	return "ERR_INVALID"
}

func isAPI(c echo.Context) bool {
	p := c.Request().URL.Path
	if strings.HasPrefix(p, "/api/") || strings.HasPrefix(p, "/oauth/token") || strings.HasPrefix(p, "/oauth/revoke") || strings.HasPrefix(p, "/oauth/userinfo") ||
		strings.HasPrefix(p, "/nodeinfo") || strings.HasPrefix(p, "/.well-known/") {
		return true
	}
	return strings.Contains(c.Request().Header.Get("Accept"), "json") && !strings.Contains(c.Request().Header.Get("Accept"), "html")
}

// RequestID is the id under which this request is logged.
func RequestID(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }

// Page reads how a client pages: max_id, since_id, min_id and limit, which is at least 1, at most limit
// and fallback where it is missing or unreadable. An id that is none is a 400.
func Page(c echo.Context, fallback, limit int) (store.Page, error) {
	p := store.Page{Limit: fallback}
	for name, id := range map[string]*store.ID{"max_id": &p.MaxID, "since_id": &p.SinceID, "min_id": &p.MinID} {
		v := c.QueryParam(name)
		if v == "" {
			continue
		}
		got, err := store.ParseID(v)
		if err != nil {
			return p, echo.NewHTTPError(http.StatusBadRequest, name+" is not an id")
		}
		*id = got
	}
	if n, err := strconv.Atoi(c.QueryParam("limit")); err == nil && n > 0 {
		p.Limit = min(n, limit)
	}
	return p, nil
}

// Links says where the pages before and after are: absolute, on base, with every parameter of the
// request kept. An id of 0 leaves a page out.
func Links(c echo.Context, base string, next, prev store.ID) {
	var links []string
	add := func(rel, name string, id store.ID) {
		if id == 0 {
			return
		}
		q := c.Request().URL.Query()
		for _, k := range []string{"max_id", "since_id", "min_id"} {
			q.Del(k)
		}
		q.Del("access_token")
		q.Set(name, id.String())
		links = append(links, "<"+base+c.Request().URL.EscapedPath()+"?"+q.Encode()+`>; rel="`+rel+`"`)
	}
	add("next", "max_id", next)
	add("prev", "min_id", prev)
	if len(links) > 0 {
		c.Response().Header().Set("Link", strings.Join(links, ", "))
	}
}

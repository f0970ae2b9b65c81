package pages

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cohort/social"
	"cohort/store"
	"cohort/web/auth"
	"cohort/web/i18n"
)

// visit is one request to a page: who asks, and in which language.
type visit struct {
	echo.Context

	p *Pages
	// me and user are nil for a passer-by, and for whoever may not act yet.
	me      *store.Account
	user    *store.User
	session *store.Session
	viewer  store.Viewer
	lang    string
}

// The names of our cookies, beside those of web/auth.
const (
	cookieLanguage = "lang"
	cookieTheme    = "theme"
	cookieFlash    = "flash"
	cookieMailbox  = "mailbox"

	yearLong = 365 * 24 * time.Hour
)

func (p *Pages) newVisit(c echo.Context) *visit {
	v := &visit{Context: c, p: p, viewer: store.Anonymous}
	who := auth.From(c)
	if who.Account != nil && who.User != nil && who.User.Active() {
		v.me, v.user, v.session, v.viewer = who.Account, who.User, who.Session, who.Viewer()
	}
	chosen := v.cookie(cookieLanguage)
	if !slices.Contains(p.languages, chosen) && v.user != nil {
		chosen = v.user.Language
	}
	v.lang = i18n.Match(c.Request().Header.Get("Accept-Language"), chosen, p.languages)
	return v
}

// handler lets in whom access says and shows the page.
func (p *Pages) handler(access string, show func(*visit) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		v := p.newVisit(c)
		if to, ok := v.switchLanguage(); ok {
			return v.Redirect(http.StatusSeeOther, to)
		}
		switch {
		case access == accessMember && v.me == nil:
			return v.toSignIn()
		case access == accessVisitor && v.me != nil:
			return v.Redirect(http.StatusSeeOther, localPath(v.QueryParam("next"), "/"))
		}
		return show(v)
	}
}

// toSignIn sends a passer-by to sign in, and back afterwards to where a page can be shown.
func (v *visit) toSignIn() error {
	next := v.path()
	if v.Request().Method == http.MethodPost {
		next = localPath(v.raw("return"), "/")
	}
	q := url.Values{}
	if next != "/" {
		q.Set("next", next)
	}
	to := url.URL{Path: "/sign-in", RawQuery: q.Encode()}
	return v.Redirect(http.StatusSeeOther, to.String())
}

// switchLanguage remembers the language that a link of the frame asks for. The page is then shown
// under its own address.
func (v *visit) switchLanguage() (to string, ok bool) {
	lang := v.QueryParam("lang")
	if v.Request().Method != http.MethodGet || !slices.Contains(v.p.languages, lang) {
		return "", false
	}
	v.keepCookie(cookieLanguage, lang, yearLong)
	return localPath(v.path(), "/"), true
}

// path is path and query of this request, without the choice of a language.
func (v *visit) path() string {
	u := *v.Request().URL
	if q := u.Query(); q.Has("lang") {
		q.Del("lang")
		u.RawQuery = q.Encode()
	}
	return (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}).String()
}

// param is a part of the path, decoded.
func (v *visit) param(name string) string {
	raw := v.Param(name)
	if v.Request().URL.RawPath == "" {
		return raw
	}
	if plain, err := url.PathUnescape(raw); err == nil {
		return plain
	}
	return raw
}

// id reads an id from the path; what is none is nothing that exists.
func (v *visit) id() (store.ID, error) {
	id, err := store.ParseID(v.param("id"))
	if err != nil {
		return 0, store.ErrNotFound
	}
	return id, nil
}

// bounded refuses bodies larger than limit, and reads forms with pictures so that they lie on disk and
// not in memory. Whoever may not send the form at all is answered before it is read.
func (p *Pages) bounded(access string, limit int64) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if r.Method == http.MethodGet || r.Method == http.MethodHead {
				return next(c)
			}
			if access == accessMember {
				if v := p.newVisit(c); v.me == nil {
					r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
					return v.toSignIn()
				}
			}
			r.Body = http.MaxBytesReader(c.Response(), r.Body, limit)
			if err := parsed(r); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// inMemory is how much of a form with pictures is held in memory, in bytes.
const inMemory = 1 << 20

// parsed reads the form of a request whose body is bounded.
func parsed(r *http.Request) error {
	read := r.ParseForm
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil && kind == "multipart/form-data" {
		read = func() error { return r.ParseMultipartForm(inMemory) }
	}
	err = read()
	var large *http.MaxBytesError
	if err == nil || errors.As(err, &large) {
		return err
	}
	return echo.NewHTTPError(http.StatusBadRequest, "the form cannot be read").SetInternal(err)
}

// form is a field of the form that was sent, as text that can be stored.
func (v *visit) form(name string) string { return storable(v.Request().PostFormValue(name)) }

// raw is a field as it was sent, to the byte.
func (v *visit) raw(name string) string { return v.Request().PostFormValue(name) }

// storable takes out what no database keeps and no text has.
func storable(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}

// ticked says whether a box of the form was ticked.
func (v *visit) ticked(name string) bool { return v.form(name) != "" }

func (v *visit) cookie(name string) string {
	c, err := v.Request().Cookie(v.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// secure tells whether the instance is reached by https, so that its cookies can say so.
func (v *visit) secure() bool { return strings.HasPrefix(v.p.s.Config.BaseURL, "https://") }

func (v *visit) cookieName(name string) string {
	if v.secure() {
		return "__Host-cohort-" + name
	}
	return "cohort-" + name
}

// keepCookie sets a cookie; a life of 0 takes it away.
func (v *visit) keepCookie(name, value string, life time.Duration) {
	age := int(life.Seconds())
	if life == 0 {
		age = -1
	}
	v.SetCookie(&http.Cookie{
		Name: v.cookieName(name), Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: v.secure(), SameSite: http.SameSiteLaxMode,
	})
}

// spend takes one of a member's own tokens of a limit. social.ErrLimited when none is left.
func (v *visit) spend(l social.Limit) error {
	u, ok := v.p.s.Limits.Take(l, "account "+v.me.ID.String())
	if !ok {
		v.retryAfter(u.Wait)
		return social.ErrLimited
	}
	return nil
}

// retryAfter tells a client how long to wait.
func (v *visit) retryAfter(wait time.Duration) {
	v.Response().Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
}

package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cohort/social"
	"cohort/store"
)

// Cookies are for this host and path only, out of reach of scripts, and sent with same-site requests and
// plain links. Where the instance itself is plain http they cannot be Secure, nor bear the prefix that
// says so.
func (a *Auth) cookie(name, value string, life time.Duration) *http.Cookie {
	secure := a.secure()
	return &http.Cookie{
		Name: a.cookieName(name), Value: value, Path: "/", HttpOnly: true, Secure: secure,
		SameSite: http.SameSiteLaxMode, MaxAge: int(life.Seconds()),
	}
}

func (a *Auth) secure() bool { return strings.HasPrefix(a.s.Config.BaseURL, "https://") }

func (a *Auth) cookieName(name string) string {
	if a.secure() {
		return "__Host-cohort-" + name
	}
	return "cohort-" + name
}

// Session finds who a browser is. A session that ended makes it nobody.
func (a *Auth) Session(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ck, err := c.Cookie(a.cookieName("session"))
		if err != nil || ck.Value == "" {
			return next(c)
		}
		s, u, account, err := a.db.SessionByToken(c.Request().Context(), ck.Value)
		if errors.Is(err, store.ErrNotFound) {
			a.SignOut(c)
			return next(c)
		}
		if err != nil {
			return err
		}
		w := &Who{Session: s, User: u, Account: account}
		a.touch(c, w)
		c.Set(whoKey, w)
		return next(c)
	}
}

// SignIn gives the browser its session: a new one at each sign-in, so that none can be planted before.
func (a *Auth) SignIn(c echo.Context, raw string) {
	c.SetCookie(a.cookie("session", raw, social.SessionLife))
}

// SignOut takes the session cookie away. The row is ended by social.EndSession.
func (a *Auth) SignOut(c echo.Context) {
	c.SetCookie(a.cookie("session", "", -time.Second))
}

// formKey is what a form's token is bound to: the session, or for a visitor a random cookie.
func (a *Auth) formKey(c echo.Context, create bool) string {
	if w := From(c); w.Session != nil {
		return "session " + w.Session.TokenHash
	}
	if v, ok := c.Get("form-key").(string); ok {
		return v
	}
	if ck, err := c.Cookie(a.cookieName("form")); err == nil && len(ck.Value) >= 40 {
		return "visitor " + ck.Value
	}
	if !create {
		return ""
	}
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return ""
	}
	v := base64.RawURLEncoding.EncodeToString(b)
	c.SetCookie(a.cookie("form", v, 24*time.Hour))
	c.Set("form-key", "visitor "+v)
	return "visitor " + v
}

// FormToken is what every form of a page carries.
func (a *Auth) FormToken(c echo.Context) string {
	key := a.formKey(c, true)
	if key == "" {
		return ""
	}
	return a.formMAC(key)
}

func (a *Auth) formMAC(key string) string {
	mac := hmac.New(sha256.New, a.s.Config.Secret)
	mac.Write([]byte("form token\x00" + key))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// ErrForgedForm says that a form did not come from a page of ours, or from one that is too old.
var ErrForgedForm = echo.NewHTTPError(http.StatusForbidden, "forged form")

// Forms refuses forms that another site made a browser send: those that the browser itself says come
// from elsewhere, and those without the token of a page we gave to this browser.
func (a *Auth) Forms(next echo.HandlerFunc) echo.HandlerFunc {
	guard := http.NewCrossOriginProtection()
	return func(c echo.Context) error {
		r := c.Request()
		switch r.Method {
		case http.MethodGet, http.MethodHead, http.MethodOptions:
			return next(c)
		}
		if err := guard.Check(r); err != nil {
			return ErrForgedForm
		}
		key := a.formKey(c, false)
		token := c.Request().Header.Get("X-Form-Token")
		if token == "" {
			token = c.FormValue("csrf")
		}
		if key == "" || subtle.ConstantTimeCompare([]byte(token), []byte(a.formMAC(key))) != 1 {
			return ErrForgedForm
		}
		return next(c)
	}
}

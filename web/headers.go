package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// What browsers may do with our answers. Pages run our own scripts and styles from files only, and are
// framed by nobody; blob: is for a picture that is about to be sent. Pictures and documents run nothing at
// all.
const (
	policyPages = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; " +
		"manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'"
	policyForms = "; form-action 'self'"
	policyMedia = "default-src 'none'; frame-ancestors 'none'; sandbox"
	policyData  = "default-src 'none'; frame-ancestors 'none'"
)

// sharedPrefixes are the addresses whose answers scripts of any origin may read. None of them looks at
// cookies.
var sharedPrefixes = []string{"/api/", "/oauth/token", "/oauth/revoke", "/oauth/userinfo", "/nodeinfo/", "/.well-known/", "/media/", "/static/"}

// dataPrefixes are addresses that give data, never pages.
var dataPrefixes = []string{"/api/", "/oauth/token", "/oauth/revoke", "/oauth/userinfo", "/nodeinfo/", "/.well-known/", "/actor", "/ns"}

func under(path string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(path, p) })
}

// headers sets what every answer carries, errors too. Handlers may say more precisely how long an answer
// may be kept; without a word from them it is not.
func headers(secure bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			h, path := c.Response().Header(), c.Request().URL.Path
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Referrer-Policy", "same-origin")
			h.Set("X-Frame-Options", "DENY")
			h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
			h.Set("Content-Security-Policy", policyFor(path))
			h.Set("Cache-Control", "private, no-store")
			if secure {
				h.Set("Strict-Transport-Security", "max-age=31536000")
			}
			return next(c)
		}
	}
}

func policyFor(path string) string {
	switch {
	case strings.HasPrefix(path, "/media/"):
		return policyMedia
	case under(path, dataPrefixes):
		return policyData
	case path == "/oauth/authorize":
		// Its form leads on to wherever the client program lives, which some browsers count as the form's action.
		return policyPages
	}
	return policyPages + policyForms
}

const (
	shareMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
	shareTakes   = "Authorization, Content-Type, Idempotency-Key, Accept, Accept-Language, Cache-Control, Last-Event-ID, Range, If-None-Match"
	shareGives   = "Link, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id, ETag, Retry-After, WWW-Authenticate, Content-Range"
)

// share lets client programs that run in browsers, on whatever origin, use what is meant for them. No
// cookie is ever part of that.
func share(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if !under(r.URL.Path, sharedPrefixes) {
			return next(c)
		}
		h := c.Response().Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", shareGives)
		if r.Method != http.MethodOptions {
			return next(c)
		}
		h.Set("Access-Control-Allow-Methods", shareMethods)
		h.Set("Access-Control-Allow-Headers", shareTakes)
		h.Set("Access-Control-Max-Age", "86400")
		return c.NoContent(http.StatusNoContent)
	}
}

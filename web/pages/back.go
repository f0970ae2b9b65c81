package pages

import (
	"net/http"
	"net/url"
	"strings"
)

// maxPath bounds a path that comes with a form or an address, in bytes.
const maxPath = 8000

// localPath is the address on this instance that raw names, made anew from its parts, or fallback if
// raw could lead anywhere else.
func localPath(raw, fallback string) string {
	if raw == "" || len(raw) > maxPath || raw[0] != '/' || strings.HasPrefix(raw, "//") {
		return fallback
	}
	for i := range len(raw) {
		// Browsers take a backslash for a slash and drop tabs and line breaks.
		if c := raw[i]; c <= ' ' || c == '\\' || c == 0x7f {
			return fallback
		}
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return fallback
	}
	if strings.Contains(u.Path, "//") || strings.Contains(u.Path, "\\") || strings.Contains(u.Path+"/", "/../") || strings.Contains(u.Path+"/", "/./") {
		return fallback
	}
	for _, c := range u.Path {
		if c < ' ' || c == 0x7f {
			return fallback
		}
	}
	built := url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery, Fragment: u.Fragment}
	return built.String()
}

// back leads to the page that a form was on, or to fallback.
func (v *visit) back(fallback string) error {
	return v.Redirect(http.StatusSeeOther, localPath(v.raw("return"), fallback))
}

// to leads to a path that we made.
func (v *visit) to(path string) error { return v.Redirect(http.StatusSeeOther, path) }

// withQuery is a path with parameters; those that are empty are left out.
func withQuery(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	u := url.URL{Path: path, RawQuery: q.Encode()}
	return u.String()
}

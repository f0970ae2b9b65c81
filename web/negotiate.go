package web

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"cohort/federation"
	"cohort/social"
	"cohort/store"
)

// negotiate gives programs the document of what people see as a page at the same address. At permanent
// ids it is there; the addresses for people lead to those.
func negotiate(d Deps, path string, page echo.HandlerFunc) echo.HandlerFunc {
	document := documentAt(d, path)
	return func(c echo.Context) error {
		c.Response().Header().Add("Vary", "Accept")
		if !federation.WantsActivity(c.Request()) {
			return page(c)
		}
		return document(c)
	}
}

func documentAt(d Deps, path string) echo.HandlerFunc {
	serve := func(by func(w http.ResponseWriter, r *http.Request, id string)) echo.HandlerFunc {
		return func(c echo.Context) error {
			by(c.Response(), c.Request(), c.Param("id"))
			return nil
		}
	}
	switch path {
	case "/users/:id":
		return serve(d.Fed.ServeActor)
	case "/circles/:id":
		return serve(d.Fed.ServeCircle)
	case "/posts/:id":
		return serve(d.Fed.ServePost)
	case "/@:who/:id", "/c/:slug/:id":
		return d.toPost
	case "/@:who":
		return func(c echo.Context) error { return d.toActor(c, c.Param("who")) }
	case "/c/:slug":
		return func(c echo.Context) error { return d.toActor(c, c.Param("slug")) }
	}
	return func(echo.Context) error { return store.ErrNotFound }
}

// toPost leads to the id of a post. Whether there is one is answered there.
func (d Deps) toPost(c echo.Context) error {
	id, err := store.ParseID(c.Param("id"))
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusFound, d.Social.PostURI(id))
}

// toActor leads to the id of an account or circle here. Those elsewhere have theirs there.
func (d Deps) toActor(c echo.Context, name string) error {
	a, err := d.Fed.ResolveAccount(c.Request().Context(), name+"@"+d.Social.Config.Domain)
	var invalid *social.Invalid
	if errors.As(err, &invalid) || err == nil && (!a.Local() || !a.Live()) {
		err = store.ErrNotFound
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusFound, a.URI)
}

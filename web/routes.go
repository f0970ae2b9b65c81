package web

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"cohort/social"
	"cohort/web/api"
	"cohort/web/pages"
)

// route is one address of the program.
type route struct {
	method, path string
	access       string // who may come in; an address without it is a mistake
	handler      echo.HandlerFunc
	guards       []echo.MiddlewareFunc // outermost first
}

// The access of what other servers ask. The handlers find out who signed a request, if it matters.
const (
	accessSigned = "signed" // an activity, proved by a signature
	accessViewer = "viewer" // what the signer, or nobody, may see
	accessWorld  = "world"  // the same for everyone
)

// routes lists every address of the program.
func routes(d Deps) []route {
	var all []route
	for _, r := range append(d.API.Routes(), d.API.RoutesB()...) {
		all = append(all, route{r.Method, r.Path, string(r.Access), r.Handler, d.API.Guards(r)})
	}
	for _, r := range d.Pages.Routes() {
		handler := r.Handler
		if r.Negotiated {
			handler = negotiate(d, r.Path, handler)
		}
		all = append(all, route{r.Method, r.Path, r.Access, handler, pageGuards(d, r)})
	}
	return append(all, federationRoutes(d)...)
}

// pageGuards are what stands before a page: what the pages ask for, and once it is known who asks, how
// often they may.
func pageGuards(d Deps, r pages.Route) []echo.MiddlewareFunc {
	if len(r.Middleware) == 0 {
		return nil
	}
	return slices.Insert(slices.Clone(r.Middleware), 1, d.Auth.Limit(social.LimitPublic))
}

// federationRoutes are what other servers ask. Documents that people read at the same address are with
// the pages, see negotiate.
func federationRoutes(d Deps) []route {
	f := d.Fed
	limited := []echo.MiddlewareFunc{d.Auth.Limit(social.LimitRemoteIP)}
	var all []route
	add := func(method, path, access string, h http.HandlerFunc) {
		all = append(all, route{method, path, access, func(c echo.Context) error { h(c.Response(), c.Request()); return nil }, limited})
	}
	by := func(path, access, name string, serve func(w http.ResponseWriter, r *http.Request, value string)) {
		all = append(all, route{http.MethodGet, path, access, func(c echo.Context) error {
			serve(c.Response(), c.Request(), c.Param(name))
			return nil
		}, limited})
	}
	add(http.MethodGet, "/.well-known/webfinger", accessWorld, f.WebFinger)
	add(http.MethodGet, "/.well-known/host-meta", accessWorld, f.HostMeta)
	add(http.MethodGet, "/.well-known/nodeinfo", accessWorld, f.NodeInfoLinks)
	by("/nodeinfo/:version", accessWorld, "version", f.NodeInfo)
	add(http.MethodGet, "/ns", accessWorld, f.ServeNamespace)

	for _, path := range []string{"/inbox", "/actor/inbox", "/users/:id/inbox", "/circles/:id/inbox"} {
		add(http.MethodPost, path, accessSigned, f.PostInbox)
	}
	add(http.MethodGet, "/actor", accessWorld, f.ServeServerActor)
	by("/actor/:name", accessWorld, "name", f.ServeServerCollection)
	for _, name := range []string{"outbox", "followers", "following", "featured"} {
		by("/users/:id/"+name, accessViewer, "id", func(w http.ResponseWriter, r *http.Request, id string) { f.ServeCollection(w, r, id, name, false) })
	}
	for _, name := range []string{"outbox", "followers", "following", "featured", "members"} {
		by("/circles/:id/"+name, accessViewer, "id", func(w http.ResponseWriter, r *http.Request, id string) { f.ServeCollection(w, r, id, name, true) })
	}
	by("/posts/:id/replies", accessViewer, "id", f.ServeReplies)
	by("/posts/:id/activity", accessViewer, "id", f.ServeCreate)
	return append(all, route{http.MethodGet, "/activities/:id", accessWorld, func(echo.Context) error { return echo.ErrNotFound }, limited})
}

// mount puts the addresses into the router. Whatever can be got can be asked about by HEAD.
func mount(e *echo.Echo, d Deps) {
	for _, r := range routes(d) {
		e.Add(r.method, r.path, r.handler, r.guards...)
		if r.method == http.MethodGet && r.access != string(api.Listen) {
			e.Add(http.MethodHead, r.path, r.handler, r.guards...)
		}
	}
}

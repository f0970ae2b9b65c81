package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"cohort/social"
)

// RoutesB lists the endpoints around those of routes_a.go: programs and their tokens, the instance,
// pictures, search, and what happens while it happens.
func (a *API) RoutesB() []Route {
	route := func(method, path string, access Access, h echo.HandlerFunc, scopes ...string) Route {
		return Route{Method: method, Path: path, Access: access, Scopes: scopes, Handler: h}
	}
	limited := func(l social.Limit, r Route) Route {
		r.Limit = l
		return r
	}
	out := []Route{
		limited(social.LimitNewApps, route(http.MethodPost, "/api/v1/apps", Open, a.CreateApp)),
		route(http.MethodGet, "/api/v1/apps/verify_credentials", App, a.VerifyApp),
		route(http.MethodPost, "/oauth/token", Open, a.GiveToken),
		route(http.MethodPost, "/oauth/revoke", Open, a.RevokeToken),
		route(http.MethodGet, "/oauth/userinfo", User, a.UserInfo, "profile"),
		route(http.MethodPost, "/oauth/userinfo", User, a.UserInfo, "profile"),
		route(http.MethodGet, "/.well-known/oauth-authorization-server", Open, a.OAuthMetadata),

		route(http.MethodGet, "/api/v1/instance", Open, a.InstanceV1),
		route(http.MethodGet, "/api/v2/instance", Open, a.Instance),
		route(http.MethodGet, "/api/v1/instance/rules", Open, a.InstanceRules),
		route(http.MethodGet, "/api/v1/instance/extended_description", Open, a.InstanceAbout),
		route(http.MethodGet, "/api/v1/instance/languages", Open, a.InstanceLanguages),

		route(http.MethodGet, "/api/v1/preferences", User, a.Preferences, "read:accounts"),
		route(http.MethodGet, "/api/v1/markers", User, a.Markers, scopeStatuses),
		route(http.MethodPost, "/api/v1/markers", User, a.SetMarkers, "write:statuses"),

		limited(social.LimitMedia, route(http.MethodPost, "/api/v1/media", User, a.UploadMedia, "write:media")),
		limited(social.LimitMedia, route(http.MethodPost, "/api/v2/media", User, a.UploadMedia, "write:media")),
		route(http.MethodGet, "/api/v1/media/:id", User, a.GetMedia, "write:media"),
		route(http.MethodPut, "/api/v1/media/:id", User, a.UpdateMedia, "write:media"),
		route(http.MethodDelete, "/api/v1/media/:id", User, a.DeleteMedia, "write:media"),

		route(http.MethodGet, "/api/v2/search", Optional, a.Search, "read:search"),
		route(http.MethodGet, "/api/v1/search", User, a.SearchV1, "read:search"),

		route(http.MethodGet, "/api/v1/streaming/health", Open, a.StreamHealth),
	}
	for _, path := range []string{"", "/", "/user", "/user/notification", "/public", "/public/local", "/public/remote", "/hashtag", "/hashtag/local", "/list", "/direct"} {
		out = append(out, route(http.MethodGet, "/api/v1/streaming"+path, Listen, a.Stream))
	}
	return append(out, routesOfNothing()...)
}

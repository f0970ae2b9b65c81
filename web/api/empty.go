package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"cohort/store"
)

// What there is nothing of here, told honestly: lists are empty, single things are not found. Clients ask
// for these when they start, and some fail where an endpoint is missing.

// nothing is the answer to a question that has none here.
func nothing(echo.Context) error { return store.ErrNotFound }

// emptyObject is the answer that maps nothing to nothing.
func emptyObject(c echo.Context) error { return c.JSONBlob(http.StatusOK, []byte("{}")) }

// notOffered refuses to make what we do not keep.
func notOffered(echo.Context) error {
	return echo.NewHTTPError(http.StatusUnprocessableEntity, "This instance does not offer that")
}

// routesOfNothing are those endpoints.
func routesOfNothing() []Route {
	get := func(path string, access Access, h echo.HandlerFunc, scopes ...string) Route {
		return Route{Method: http.MethodGet, Path: path, Access: access, Scopes: scopes, Handler: h}
	}
	out := []Route{
		get("/api/v1/custom_emojis", Open, none),
		get("/api/v1/announcements", User, none),
		get("/api/v1/instance/peers", Open, none),
		get("/api/v1/instance/activity", Open, none),
		get("/api/v1/instance/domain_blocks", Open, none),
		get("/api/v1/instance/translation_languages", Open, emptyObject),
		get("/api/v1/instance/privacy_policy", Open, nothing),
		get("/api/v1/instance/terms_of_service", Open, nothing),
		get("/api/v1/instance/terms_of_service/:date", Open, nothing),
		get("/api/v1/peers/search", Open, none),
		get("/api/v1/filters", User, none, "read:filters"),
		get("/api/v1/filters/:id", User, nothing, "read:filters"),
		get("/api/v2/filters", User, none, "read:filters"),
		get("/api/v2/filters/:id", User, nothing, "read:filters"),
		get("/api/v1/conversations", User, none, scopeStatuses),
		get("/api/v1/trends", Open, none),
		get("/api/v1/trends/tags", Open, none),
		get("/api/v1/trends/statuses", Open, none),
		get("/api/v1/trends/links", Open, none),
		get("/api/v1/suggestions", User, none, "read"),
		get("/api/v2/suggestions", User, none, "read"),
		get("/api/v1/followed_tags", User, none, "read:follows"),
		get("/api/v1/scheduled_statuses", User, none, scopeStatuses),
		get("/api/v1/scheduled_statuses/:id", User, nothing, scopeStatuses),
		get("/api/v1/push/subscription", User, nothing, "push"),
	}
	for _, method := range []string{http.MethodPost, http.MethodPut} {
		out = append(out, Route{Method: method, Path: "/api/v1/push/subscription", Access: User, Scopes: []string{"push"}, Handler: notOffered})
	}
	return append(out, Route{Method: http.MethodDelete, Path: "/api/v1/push/subscription", Access: User, Scopes: []string{"push"}, Handler: emptyObject})
}

package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"cohort/store"
)

// What there is nothing of here, told honestly: lists are empty, single things are not found, and making
// them is refused. Clients ask for these, some when they start, and some fail where an endpoint is missing.

// nothing is the answer to a question that has none here.
func nothing(echo.Context) error { return store.ErrNotFound }

// emptyObject is the answer that maps nothing to nothing.
func emptyObject(c echo.Context) error { return c.JSONBlob(http.StatusOK, []byte("{}")) }

// notOffered refuses to make what we do not keep.
func notOffered(echo.Context) error {
	return echo.NewHTTPError(http.StatusUnprocessableEntity, "This instance does not offer that")
}

// everythingMerged answers that no notification waits to be let in.
func everythingMerged(c echo.Context) error {
	return c.JSONBlob(http.StatusOK, []byte(`{"merged":true}`))
}

// The scopes of those endpoints.
const (
	writeFilters       = "write:filters"
	writeFollows       = "write:follows"
	writeAccounts      = "write:accounts"
	writeStatuses      = "write:statuses"
	writeConversations = "write:conversations"
	writeNotifications = "write:notifications"
)

// routesOfNothing are those endpoints.
func routesOfNothing() []Route {
	get := func(path string, access Access, h echo.HandlerFunc, scopes ...string) Route {
		return Route{Method: http.MethodGet, Path: path, Access: access, Scopes: scopes, Handler: h}
	}
	return append([]Route{
		get("/api/v1/custom_emojis", Open, none),
		get("/api/v1/announcements", User, none),
		get("/api/v1/directory", Open, none),
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
		get("/api/v2/filters/:id/keywords", User, nothing, "read:filters"),
		get("/api/v2/filters/:id/statuses", User, nothing, "read:filters"),
		get("/api/v2/filters/keywords/:id", User, nothing, "read:filters"),
		get("/api/v2/filters/statuses/:id", User, nothing, "read:filters"),
		get("/api/v1/conversations", User, none, scopeStatuses),
		get("/api/v1/trends", Open, none),
		get("/api/v1/trends/tags", Open, none),
		get("/api/v1/trends/statuses", Open, none),
		get("/api/v1/trends/links", Open, none),
		get("/api/v1/timelines/link", Optional, none, scopeStatuses),
		get("/api/v1/suggestions", User, none, "read"),
		get("/api/v2/suggestions", User, none, "read"),
		get("/api/v1/followed_tags", User, none, "read:follows"),
		get("/api/v1/scheduled_statuses", User, none, scopeStatuses),
		get("/api/v1/scheduled_statuses/:id", User, nothing, scopeStatuses),
		get("/api/v1/polls/:id", Optional, nothing, scopeStatuses),
		get("/api/v1/notifications/requests/merged", User, everythingMerged, "read:notifications"),
		get("/api/v1/notifications/requests/:id", User, nothing, "read:notifications"),
		get("/api/v1/push/subscription", User, nothing, "push"),
	}, refusals()...)
}

// refusals are the endpoints that would make or change what we do not keep: making is refused, and what
// would be changed is not there.
func refusals() []Route {
	var out []Route
	add := func(method, path, scope string, h echo.HandlerFunc) {
		out = append(out, Route{Method: method, Path: path, Access: User, Scopes: []string{scope}, Handler: h})
	}
	for _, r := range [][2]string{
		{"/api/v1/push/subscription", "push"},
		{"/api/v1/filters", writeFilters},
		{"/api/v2/filters", writeFilters},
		{"/api/v1/featured_tags", writeAccounts},
		{"/api/v1/tags/:name/follow", writeFollows},
		{"/api/v1/tags/:name/unfollow", writeFollows},
		{"/api/v1/tags/:name/feature", writeAccounts},
		{"/api/v1/tags/:name/unfeature", writeAccounts},
		{"/api/v1/accounts/:account/endorse", writeAccounts},
		{"/api/v1/accounts/:account/unendorse", writeAccounts},
		{"/api/v1/accounts/:account/pin", writeAccounts},
		{"/api/v1/accounts/:account/unpin", writeAccounts},
		{"/api/v1/reports", "write:reports"},
	} {
		add(http.MethodPost, r[0], r[1], notOffered)
	}
	add(http.MethodPut, "/api/v1/push/subscription", "push", notOffered)
	add(http.MethodDelete, "/api/v1/push/subscription", "push", emptyObject)
	add(http.MethodPut, "/api/v1/notifications/policy", writeNotifications, notOffered)
	add(http.MethodPut, "/api/v2/notifications/policy", writeNotifications, notOffered)
	add(http.MethodPatch, "/api/v2/notifications/policy", writeNotifications, notOffered)
	add(http.MethodPost, "/api/v1/notifications/requests/accept", writeNotifications, emptyObject)
	add(http.MethodPost, "/api/v1/notifications/requests/dismiss", writeNotifications, emptyObject)
	add(http.MethodPut, "/api/v1/statuses/:status/interaction_policy", writeStatuses, notOffered)
	add(http.MethodDelete, "/api/v1/suggestions/:id", "read", emptyObject)
	for _, r := range [][3]string{
		{http.MethodPut, "/api/v1/filters/:id", writeFilters},
		{http.MethodDelete, "/api/v1/filters/:id", writeFilters},
		{http.MethodPut, "/api/v2/filters/:id", writeFilters},
		{http.MethodDelete, "/api/v2/filters/:id", writeFilters},
		{http.MethodPost, "/api/v2/filters/:id/keywords", writeFilters},
		{http.MethodPost, "/api/v2/filters/:id/statuses", writeFilters},
		{http.MethodPut, "/api/v2/filters/keywords/:id", writeFilters},
		{http.MethodDelete, "/api/v2/filters/keywords/:id", writeFilters},
		{http.MethodDelete, "/api/v2/filters/statuses/:id", writeFilters},
		{http.MethodDelete, "/api/v1/featured_tags/:id", writeAccounts},
		{http.MethodPost, "/api/v1/announcements/:id/dismiss", writeAccounts},
		{http.MethodPut, "/api/v1/announcements/:id/reactions/:name", "write:favourites"},
		{http.MethodDelete, "/api/v1/announcements/:id/reactions/:name", "write:favourites"},
		{http.MethodPost, "/api/v1/conversations/:id/read", writeConversations},
		{http.MethodDelete, "/api/v1/conversations/:id", writeConversations},
		{http.MethodPost, "/api/v1/notifications/requests/:id/accept", writeNotifications},
		{http.MethodPost, "/api/v1/notifications/requests/:id/dismiss", writeNotifications},
		{http.MethodPut, "/api/v1/scheduled_statuses/:id", writeStatuses},
		{http.MethodDelete, "/api/v1/scheduled_statuses/:id", writeStatuses},
		{http.MethodPost, "/api/v1/polls/:id/votes", writeStatuses},
		{http.MethodPost, "/api/v1/statuses/:id/translate", scopeStatuses},
		{http.MethodPost, "/api/v1/statuses/:id/quotes/:quoting/revoke", writeStatuses},
	} {
		add(r[0], r[1], r[2], nothing)
	}
	return out
}

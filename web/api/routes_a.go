package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"cohort/social"
)

// Routes lists the endpoints of posts, accounts, what is between them, timelines and notifications.
func (a *API) Routes() []Route {
	return slices.Concat(a.statusRoutes(), a.accountRoutes(), a.relationRoutes(), a.timelineRoutes())
}

// table collects routes.
type table []Route

func (t *table) add(method, path string, access Access, scope string, h echo.HandlerFunc) *Route {
	r := Route{Method: method, Path: "/api/v1" + path, Access: access, Handler: h}
	if scope != "" {
		r.Scopes = []string{scope}
	}
	*t = append(*t, r)
	return &(*t)[len(*t)-1]
}

func (t *table) get(path string, access Access, scope string, h echo.HandlerFunc) {
	t.add(http.MethodGet, path, access, scope, h)
}

func (t *table) post(path, scope string, h echo.HandlerFunc) {
	t.add(http.MethodPost, path, User, scope, h)
}

func (a *API) statusRoutes() []Route {
	var t table
	t.add(http.MethodPost, "/statuses", User, "write:statuses", a.CreateStatus).Limit = social.LimitPost
	t.add(http.MethodPut, "/statuses/:id", User, "write:statuses", a.UpdateStatus).Limit = social.LimitPost
	t.add(http.MethodDelete, "/statuses/:id", User, "write:statuses", a.DeleteStatus).Limit = social.LimitDelete
	t.get("/statuses", Optional, "read:statuses", a.GetStatuses)
	t.get("/statuses/:id", Optional, "read:statuses", a.GetStatus)
	t.get("/statuses/:id/context", Optional, "read:statuses", a.StatusContext)
	t.get("/statuses/:id/history", Optional, "read:statuses", a.StatusHistory)
	t.get("/statuses/:id/card", Optional, "read:statuses", a.StatusCard)
	t.get("/statuses/:id/quotes", Optional, "read:statuses", a.StatusNothing)
	t.get("/statuses/:id/favourited_by", Optional, "read:statuses", a.FavouritedBy)
	t.get("/statuses/:id/reblogged_by", Optional, "read:statuses", a.RebloggedBy)
	t.get("/statuses/:id/source", User, "read:statuses", a.StatusSource)
	t.post("/statuses/:id/favourite", "write:favourites", a.Favourite)
	t.post("/statuses/:id/unfavourite", "write:favourites", a.Unfavourite)
	t.post("/statuses/:id/reblog", "write:statuses", a.Reblog)
	t.post("/statuses/:id/unreblog", "write:statuses", a.Unreblog)
	t.post("/statuses/:id/bookmark", "write:bookmarks", a.Bookmark)
	t.post("/statuses/:id/unbookmark", "write:bookmarks", a.Unbookmark)
	t.post("/statuses/:id/pin", "write:accounts", a.Pin)
	t.post("/statuses/:id/unpin", "write:accounts", a.Unpin)
	t.post("/statuses/:id/mute", "write:mutes", a.MuteThread)
	t.post("/statuses/:id/unmute", "write:mutes", a.UnmuteThread)
	return t
}

func (a *API) accountRoutes() []Route {
	var t table
	t.add(http.MethodPost, "/accounts", App, "write:accounts", a.SignUp).Limit = social.LimitSignUp
	t.get("/accounts/verify_credentials", User, "profile", a.VerifyCredentials)
	t.add(http.MethodPatch, "/accounts/update_credentials", User, "write:accounts", a.UpdateCredentials)
	t.add(http.MethodDelete, "/profile/avatar", User, "write:accounts", a.DeleteAvatar)
	t.add(http.MethodDelete, "/profile/header", User, "write:accounts", a.DeleteHeader)
	t.get("/accounts/lookup", Optional, "read:accounts", a.LookupAccount)
	t.get("/accounts/search", User, "read:accounts", a.FindAccounts)
	t.get("/accounts/relationships", User, "read:follows", a.Relationships)
	t.get("/accounts/familiar_followers", User, "read:follows", a.FamiliarFollowers)
	t.get("/accounts", Optional, "read:accounts", a.GetAccounts)
	t.get("/accounts/:id", Optional, "read:accounts", a.GetAccount)
	t.get("/accounts/:id/statuses", Optional, "read:statuses", a.AccountStatuses)
	t.get("/accounts/:id/followers", Optional, "read:accounts", a.Followers)
	t.get("/accounts/:id/following", Optional, "read:accounts", a.Following)
	t.get("/accounts/:id/lists", User, "read:lists", a.AccountNothing)
	t.get("/accounts/:id/featured_tags", Optional, "read:accounts", a.AccountNothing)
	t.get("/accounts/:id/endorsements", Optional, "read:accounts", a.AccountNothing)
	t.get("/accounts/:id/identity_proofs", User, "read:accounts", a.AccountNothing)
	t.get("/endorsements", User, "read:accounts", none)
	t.get("/featured_tags", User, "read:accounts", none)
	t.get("/featured_tags/suggestions", User, "read:accounts", none)
	t.add(http.MethodPost, "/accounts/:id/follow", User, "write:follows", a.Follow).Limit = social.LimitFollow
	t.add(http.MethodPost, "/follows", User, "write:follows", a.FollowByName).Limit = social.LimitFollow
	t.post("/accounts/:id/unfollow", "write:follows", a.Unfollow)
	t.post("/accounts/:id/remove_from_followers", "write:follows", a.RemoveFromFollowers)
	t.post("/accounts/:id/block", "write:blocks", a.Block)
	t.post("/accounts/:id/unblock", "write:blocks", a.Unblock)
	t.post("/accounts/:id/mute", "write:mutes", a.Mute)
	t.post("/accounts/:id/unmute", "write:mutes", a.Unmute)
	t.post("/accounts/:id/note", "write:accounts", a.NoteAccount)
	return t
}

func (a *API) relationRoutes() []Route {
	var t table
	t.get("/follow_requests", User, "read:follows", a.FollowRequests)
	t.post("/follow_requests/:id/authorize", "write:follows", a.AuthorizeRequest)
	t.post("/follow_requests/:id/reject", "write:follows", a.RejectRequest)
	t.get("/blocks", User, "read:blocks", a.Blocks)
	t.get("/mutes", User, "read:mutes", a.Mutes)
	t.get("/domain_blocks", User, "read:blocks", a.DomainBlocks)
	t.post("/domain_blocks", "write:blocks", a.BlockDomain)
	t.add(http.MethodDelete, "/domain_blocks", User, "write:blocks", a.UnblockDomain)
	t.get("/bookmarks", User, "read:bookmarks", a.Bookmarks)
	t.get("/favourites", User, "read:favourites", a.Favourites)
	return t
}

func (a *API) timelineRoutes() []Route {
	var t table
	t.get("/timelines/home", User, "read:statuses", a.HomeTimeline)
	t.get("/timelines/public", Optional, "read:statuses", a.PublicTimeline)
	t.get("/timelines/tag/:hashtag", Optional, "read:statuses", a.TagTimeline)
	t.get("/tags/:name", Optional, "read:follows", a.GetTag)
	t.get("/timelines/list/:id", User, "read:lists", a.ListTimeline)

	t.get("/lists", User, "read:lists", a.Lists)
	t.post("/lists", "write:lists", a.CreateList)
	t.get("/lists/:id", User, "read:lists", a.GetList)
	t.get("/lists/:id/accounts", User, "read:lists", a.ListAccounts)
	t.add(http.MethodPut, "/lists/:id", User, "write:lists", a.ChangeList)
	t.add(http.MethodDelete, "/lists/:id", User, "write:lists", a.ChangeList)
	t.post("/lists/:id/accounts", "write:lists", a.ChangeList)
	t.add(http.MethodDelete, "/lists/:id/accounts", User, "write:lists", a.ChangeList)

	t.get("/notifications", User, "read:notifications", a.Notifications)
	t.get("/notifications/unread_count", User, "read:notifications", a.UnreadNotifications)
	t.get("/notifications/policy", User, "read:notifications", a.NotificationPolicyV1)
	t.get("/notifications/:id", User, "read:notifications", a.GetNotification)
	t.post("/notifications/clear", "write:notifications", a.ClearNotifications)
	t.post("/notifications/dismiss", "write:notifications", a.DismissNotification)
	t.post("/notifications/:id/dismiss", "write:notifications", a.DismissNotification)
	t.get("/notifications/requests", User, "read:notifications", none)
	return append(t, a.groupRoutes()...)
}

// groupRoutes are the second version of notifications.
func (a *API) groupRoutes() []Route {
	var t table
	t.get("/notifications", User, "read:notifications", a.GroupedNotifications)
	t.get("/notifications/unread_count", User, "read:notifications", a.UnreadNotifications)
	t.get("/notifications/policy", User, "read:notifications", a.NotificationPolicy)
	t.get("/notifications/:key", User, "read:notifications", a.GetNotificationGroup)
	t.get("/notifications/:key/accounts", User, "read:notifications", a.NotificationGroupAccounts)
	t.post("/notifications/:key/dismiss", "write:notifications", a.DismissNotificationGroup)
	for i := range t {
		t[i].Path = strings.Replace(t[i].Path, "/api/v1", "/api/v2", 1)
	}
	return t
}

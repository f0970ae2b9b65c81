package api

import (
	"context"
	"maps"
	"net/http"

	"github.com/labstack/echo/v4"

	"cohort/store"
	"cohort/web/auth"
	"cohort/web/reply"
)

// Notifications lists what the asker is told.
func (a *API) Notifications(c echo.Context) error {
	found, err := a.noticed(c)
	if err != nil {
		return err
	}
	made, err := a.notificationsOf(c.Request().Context(), auth.From(c), found.Items)
	if err != nil {
		return err
	}
	reply.Links(c, a.base, found.Next, found.Prev)
	return writeJSON(c, func(b []byte) []byte { return list(b, made, appendNotification) })
}

// noticed reads the page of notifications that is asked for.
func (a *API) noticed(c echo.Context) (store.Notifications, error) {
	page, err := reply.Page(c, 40, 80)
	if err != nil {
		return store.Notifications{}, err
	}
	filter, err := noticeFilter(c)
	if err != nil {
		return store.Notifications{}, err
	}
	return a.db.Notifications(c.Request().Context(), auth.From(c).ID(), page, filter)
}

// noticeFilter reads which notifications are wanted.
func noticeFilter(c echo.Context) (store.NotificationFilter, error) {
	p, err := params(c)
	if err != nil {
		return store.NotificationFilter{}, err
	}
	from, err := p.ID("account_id")
	return store.NotificationFilter{Types: p.List("types"), Exclude: p.List("exclude_types"), From: from}, err
}

// notificationsOf makes the entities of notifications in a few queries. One whose account or post is
// gone by now is left out.
func (a *API) notificationsOf(ctx context.Context, who *auth.Who, items []store.Notification) ([]*Notification, error) {
	var posts []store.ID
	for _, n := range items {
		if n.PostID != 0 {
			posts = append(posts, n.PostID)
		}
	}
	found, err := a.db.PostsByID(ctx, who.Viewer(), posts)
	if err != nil {
		return nil, err
	}
	views, err := a.db.Views(ctx, who.Viewer(), found)
	if err != nil {
		return nil, err
	}
	people, err := a.senders(ctx, items, views)
	if err != nil {
		return nil, err
	}
	m := a.maker(who.ID())
	statuses := make(map[ID]*Status, len(views))
	for _, s := range m.statuses(views) {
		statuses[s.ID] = s
	}
	made := make([]*Notification, 0, len(items))
	for _, n := range items {
		from, status := people[n.FromID], statuses[ID(n.PostID)]
		if from == nil || n.PostID != 0 && status == nil {
			continue
		}
		made = append(made, &Notification{
			ID: ID(n.ID), Type: n.Kind, GroupKey: "ungrouped-" + n.ID.String(), CreatedAt: Stamp(n.CreatedAt), Account: m.account(from), Status: status,
		})
	}
	return made, nil
}

// senders are the accounts that notifications come from: those that wrote the posts are at hand already.
func (a *API) senders(ctx context.Context, items []store.Notification, views []*store.PostView) (map[store.ID]*store.Account, error) {
	people := make(map[store.ID]*store.Account, len(items))
	for _, v := range views {
		people[v.Author.ID] = v.Author
	}
	var missing []store.ID
	for _, n := range items {
		if people[n.FromID] == nil {
			missing = append(missing, n.FromID)
		}
	}
	others, err := a.db.Cards(ctx, missing)
	maps.Copy(people, others)
	return people, err
}

// notificationJSON is a notification written for a live stream, nil if there is nothing to see.
func (a *API) notificationJSON(ctx context.Context, who *auth.Who, n *store.Notification) ([]byte, error) {
	made, err := a.notificationsOf(ctx, who, []store.Notification{*n})
	if err != nil || len(made) == 0 {
		return nil, err
	}
	return appendNotification(nil, made[0]), nil
}

// GetNotification gives one notification of the asker's.
func (a *API) GetNotification(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	ctx, who := c.Request().Context(), auth.From(c)
	n, err := a.db.Notification(ctx, who.ID(), id)
	if err != nil {
		return err
	}
	body, err := a.notificationJSON(ctx, who, n)
	if err != nil {
		return err
	}
	if body == nil {
		return store.ErrNotFound
	}
	return c.JSONBlob(http.StatusOK, body)
}

// UnreadNotifications counts what is newer than what the asker has read, up to 100.
func (a *API) UnreadNotifications(c echo.Context) error {
	ctx, me := c.Request().Context(), auth.From(c).ID()
	markers, err := a.db.Markers(ctx, me)
	if err != nil {
		return err
	}
	n, err := a.db.UnreadNotifications(ctx, me, markers["notifications"].LastReadID)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]int{"count": n})
}

// DismissNotification removes one notification, named in the path or, by old clients, in the body.
func (a *API) DismissNotification(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	name := c.Param("id")
	if name == "" {
		name = p.Text("id")
	}
	id, err := store.ParseID(name)
	if err != nil {
		return err
	}
	if err := a.s.Dismiss(c.Request().Context(), auth.From(c).Account, id); err != nil {
		return err
	}
	return empty(c)
}

// ClearNotifications removes all notifications.
func (a *API) ClearNotifications(c echo.Context) error {
	if err := a.s.DismissAll(c.Request().Context(), auth.From(c).Account); err != nil {
		return err
	}
	return empty(c)
}

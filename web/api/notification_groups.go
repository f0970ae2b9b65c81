package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cohort/store"
	"cohort/web/auth"
	"cohort/web/reply"
)

// Notifications of one kind about one post within half a day make one group. A group's key says all of
// that, so that nothing about groups is stored.
const groupSpan = 12 * time.Hour

// maxGroup bounds the notifications and the accounts that are read of one group.
const (
	maxGroup     = 80
	groupSamples = 8
)

// groupable are the kinds that are put into groups unless a client names others.
var groupable = []string{store.NotifyLike, store.NotifyBoost, store.NotifyFollow}

// NotificationGroup is some notifications told as one.
type NotificationGroup struct {
	GroupKey           string `json:"group_key"`
	NotificationsCount int    `json:"notifications_count"`
	Type               string `json:"type"`
	MostRecentID       ID     `json:"most_recent_notification_id"`
	PageMinID          ID     `json:"page_min_id"`
	PageMaxID          ID     `json:"page_max_id"`
	LatestAt           Stamp  `json:"latest_page_notification_at"`
	SampleAccountIDs   []ID   `json:"sample_account_ids"`
	StatusID           ID     `json:"status_id,omitzero"`
}

// NotificationGroups is a page of groups with everybody and everything in them, each once.
type NotificationGroups struct {
	Accounts []*Account           `json:"accounts"`
	Statuses []*Status            `json:"statuses"`
	Groups   []*NotificationGroup `json:"notification_groups"`
}

// groupKey names the group of a notification, or the notification alone.
func groupKey(n *Notification, kinds []string) string {
	if !slices.Contains(groupable, n.Type) || !slices.Contains(kinds, n.Type) {
		return "ungrouped-" + strconv.FormatInt(int64(n.ID), 10)
	}
	about := int64(0)
	if n.Status != nil {
		about = int64(n.Status.ID)
	}
	span := store.ID(n.ID).Time().Unix() / int64(groupSpan/time.Second)
	return n.Type + "-" + strconv.FormatInt(about, 10) + "-" + strconv.FormatInt(span, 10)
}

// group is what a key names.
type group struct {
	kind         string // empty: one notification
	id           store.ID
	about        store.ID
	after, until store.ID
}

// parseGroup reads a key. What is none is not found.
func parseGroup(key string) (group, error) {
	parts := strings.Split(key, "-")
	if len(parts) == 2 && parts[0] == "ungrouped" {
		id, err := store.ParseID(parts[1])
		return group{id: id}, err
	}
	if len(parts) != 3 || !slices.Contains(groupable, parts[0]) {
		return group{}, store.ErrNotFound
	}
	g := group{kind: parts[0]}
	if parts[1] != "0" {
		id, err := store.ParseID(parts[1])
		if err != nil {
			return group{}, err
		}
		g.about = id
	}
	span, err := strconv.ParseInt(parts[2], 10, 32)
	if err != nil || span < 0 || span > 1<<20 { // some centuries
		return group{}, store.ErrNotFound
	}
	begin := time.Unix(span*int64(groupSpan/time.Second), 0)
	g.after, g.until = store.FirstID(begin)-1, store.FirstID(begin.Add(groupSpan))
	return g, nil
}

// inGroup reads the notifications of the group in the path, newest first.
func (a *API) inGroup(c echo.Context) ([]store.Notification, error) {
	g, err := parseGroup(c.Param("key"))
	if err != nil {
		return nil, err
	}
	ctx, me := c.Request().Context(), auth.From(c).ID()
	if g.kind == "" {
		n, err := a.db.Notification(ctx, me, g.id)
		if err != nil {
			return nil, err
		}
		return []store.Notification{*n}, nil
	}
	found, err := a.db.Notifications(ctx, me, store.Page{MaxID: g.until, SinceID: max(g.after, 1), Limit: maxGroup}, store.NotificationFilter{Types: []string{g.kind}})
	if err != nil {
		return nil, err
	}
	items := slices.DeleteFunc(found.Items, func(n store.Notification) bool { return n.PostID != g.about })
	if len(items) == 0 {
		return nil, store.ErrNotFound
	}
	return items, nil
}

// GroupedNotifications lists what the asker is told, in groups.
func (a *API) GroupedNotifications(c echo.Context) error {
	found, err := a.noticed(c)
	if err != nil {
		return err
	}
	p, err := params(c)
	if err != nil {
		return err
	}
	kinds := groupable
	if p.Sent("grouped_types") {
		kinds = p.List("grouped_types")
	}
	made, err := a.groupsOf(c.Request().Context(), auth.From(c), found.Items, kinds)
	if err != nil {
		return err
	}
	reply.Links(c, a.base, found.Next, found.Prev)
	return replyGroups(c, made)
}

// groupsOf puts notifications into their groups.
func (a *API) groupsOf(ctx context.Context, who *auth.Who, items []store.Notification, kinds []string) (*NotificationGroups, error) {
	made, err := a.notificationsOf(ctx, who, items)
	if err != nil {
		return nil, err
	}
	out := &NotificationGroups{}
	groups, accounts, statuses := map[string]*NotificationGroup{}, map[ID]bool{}, map[ID]bool{}
	for _, n := range made {
		key := groupKey(n, kinds)
		g := groups[key]
		if g == nil {
			g = &NotificationGroup{GroupKey: key, Type: n.Type, MostRecentID: n.ID, PageMaxID: n.ID, LatestAt: n.CreatedAt}
			if n.Status != nil {
				g.StatusID = n.Status.ID
			}
			groups[key] = g
			out.Groups = append(out.Groups, g)
		}
		g.NotificationsCount++
		g.PageMinID = n.ID
		if len(g.SampleAccountIDs) < groupSamples && !slices.Contains(g.SampleAccountIDs, n.Account.ID) {
			g.SampleAccountIDs = append(g.SampleAccountIDs, n.Account.ID)
			if !accounts[n.Account.ID] {
				accounts[n.Account.ID] = true
				out.Accounts = append(out.Accounts, n.Account)
			}
		}
		if n.Status != nil && !statuses[n.Status.ID] {
			statuses[n.Status.ID] = true
			out.Statuses = append(out.Statuses, n.Status)
		}
	}
	return out, nil
}

// GetNotificationGroup gives one group.
func (a *API) GetNotificationGroup(c echo.Context) error {
	items, err := a.inGroup(c)
	if err != nil {
		return err
	}
	made, err := a.groupsOf(c.Request().Context(), auth.From(c), items, groupable)
	if err != nil {
		return err
	}
	return replyGroups(c, made)
}

// NotificationGroupAccounts lists who is in a group.
func (a *API) NotificationGroupAccounts(c echo.Context) error {
	items, err := a.inGroup(c)
	if err != nil {
		return err
	}
	made, err := a.notificationsOf(c.Request().Context(), auth.From(c), items)
	if err != nil {
		return err
	}
	accounts := []*Account{}
	for _, n := range made {
		accounts = append(accounts, n.Account)
	}
	return replyAccounts(c, accounts)
}

// DismissNotificationGroup removes what is in a group.
func (a *API) DismissNotificationGroup(c echo.Context) error {
	items, err := a.inGroup(c)
	if err != nil {
		return err
	}
	for _, n := range items {
		if err := a.s.Dismiss(c.Request().Context(), auth.From(c).Account, n.ID); err != nil {
			return err
		}
	}
	return empty(c)
}

// NotificationPolicy answers that nothing is filtered.
func (a *API) NotificationPolicy(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]any{
		"for_not_following": "accept", "for_not_followers": "accept", "for_new_accounts": "accept", "for_private_mentions": "accept", "for_limited_accounts": "accept",
		"summary": map[string]int{"pending_requests_count": 0, "pending_notifications_count": 0},
	})
}

// NotificationPolicyV1 is NotificationPolicy in the words of its first version.
func (a *API) NotificationPolicyV1(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]any{
		"filter_not_following": false, "filter_not_followers": false, "filter_new_accounts": false, "filter_private_mentions": false,
		"summary": map[string]int{"pending_requests_count": 0, "pending_notifications_count": 0},
	})
}

func replyGroups(c echo.Context, g *NotificationGroups) error {
	return writeJSON(c, func(b []byte) []byte {
		o := begin(b)
		o.key("accounts")
		o.b = list(o.b, g.Accounts, appendAccount)
		o.key("statuses")
		o.b = list(o.b, g.Statuses, appendStatus)
		o.key("notification_groups")
		o.b = list(o.b, g.Groups, appendGroup)
		return o.end()
	})
}

func appendGroup(b []byte, g *NotificationGroup) []byte {
	o := begin(b)
	o.str("group_key", g.GroupKey)
	o.int("notifications_count", int64(g.NotificationsCount))
	o.str("type", g.Type)
	o.id("most_recent_notification_id", g.MostRecentID)
	o.id("page_min_id", g.PageMinID)
	o.id("page_max_id", g.PageMaxID)
	o.stamp("latest_page_notification_at", g.LatestAt)
	o.key("sample_account_ids")
	o.b = list(o.b, g.SampleAccountIDs, appendID)
	if g.StatusID != 0 {
		o.id("status_id", g.StatusID)
	}
	return o.end()
}

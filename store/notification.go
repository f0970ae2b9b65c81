package store

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Notification tells an account here of something that somebody did.
type Notification struct {
	ID        ID
	AccountID ID     // who is told
	Kind      string // one of the Notify words
	FromID    ID     // who did it
	PostID    ID     // what it is about; 0 for a follow
	CreatedAt time.Time
}

// Notifications is a page of notifications, newest first. Next is the MaxID of
// the page below, 0 at the end; Prev the MinID of the page above, 0 on an empty
// page.
type Notifications struct {
	Items      []Notification
	Next, Prev ID
}

// NotificationFilter narrows a list of notifications.
type NotificationFilter struct {
	Types   []string // only these kinds; none: all
	Exclude []string // none of these
	From    ID       // only by this account
}

// notificationKinds are all kinds there are.
var notificationKinds = []string{NotifyMention, NotifyPost, NotifyBoost, NotifyFollow, NotifyFollowRequest, NotifyLike, NotifyEdit, NotifySignUp}

// kinds are those the filter lets through.
func (f NotificationFilter) kinds() []string {
	var let []string
	for _, k := range notificationKinds {
		if (len(f.Types) == 0 || slices.Contains(f.Types, k)) && !slices.Contains(f.Exclude, k) {
			let = append(let, k)
		}
	}
	return let
}

const notificationColumns = `n.id, n.account_id, n.kind, n.from_id, n.post_id, n.created_at`

func (n *Notification) dest() []any {
	return []any{scanID(&n.ID), scanID(&n.AccountID), &n.Kind, scanID(&n.FromID), scanID(&n.PostID), scanMS(&n.CreatedAt)}
}

// heard is the condition that account ($2) is shown the notification n: its
// sender is live and neither blocked nor muted, and the post, joined as p, is one
// it may see now, in a thread it has not muted.
var heard = notSuspended("n.from_id") + unwantedSender("$2", "n.from_id") + `
 AND (n.post_id = 0 OR p.id IS NOT NULL AND ` + canSee("p", "$2") + `
  AND NOT EXISTS (SELECT 1 FROM thread_mutes zt WHERE zt.account_id = $2 AND zt.root_id = p.root_id LIMIT 1 OFFSET 0))`

// unwantedSender is a condition, beginning with AND, that account wants to hear
// from sender: it neither blocks nor mutes it, nor its domain unless it follows it.
func unwantedSender(account, sender string) string {
	return sqlf(` AND NOT EXISTS (SELECT 1 FROM blocks zb WHERE zb.account_id = %[1]s AND zb.target_id = %[2]s LIMIT 1 OFFSET 0)
 AND NOT EXISTS (SELECT 1 FROM mutes zu WHERE zu.account_id = %[1]s AND zu.target_id = %[2]s AND zu.notifications = 1 AND (zu.expires_at IS NULL OR zu.expires_at > $1) LIMIT 1 OFFSET 0)
 AND NOT EXISTS (SELECT 1 FROM domain_mutes zd CROSS JOIN accounts zn WHERE zd.account_id = %[1]s AND zn.id = %[2]s AND zn.domain = zd.domain
  AND NOT EXISTS (SELECT 1 FROM follows zg WHERE zg.account_id = %[1]s AND zg.target_id = zn.id AND zg.accepted_at IS NOT NULL LIMIT 1 OFFSET 0) LIMIT 1 OFFSET 0)`, account, sender)
}

// noticeText reads candidates, whether heard or not, so that the cursor moves
// past those that are not. $1 now, $2 account, $3 and $4 the bounds, $5 how many, and from
// $6 the kinds where they are limited, then the sender where that is.
func noticeText(order string, byKind, bySender bool) string {
	// Arms read nothing but ids, which their index holds: SQLite takes it for no other reason.
	arm := func(also string) string {
		return `SELECT c.id FROM notifications c WHERE c.account_id = $2` + also + ` AND c.id < $3 AND c.id > $4 ORDER BY c.id ` + order + ` LIMIT $5`
	}
	source := arm("")
	kind := func(i int) string { return `$` + strconv.Itoa(6+i) }
	switch {
	case bySender:
		// Bounds that no index serves, so that the one by sender is taken: what one account did to another is not much.
		source = `SELECT c.id FROM notifications c WHERE c.account_id = $2 AND c.kind IN (` + placeholders(6, len(notificationKinds)) + `) AND c.from_id = ` +
			kind(len(notificationKinds)) + ` AND c.id + 0 < $3 AND c.id + 0 > $4 ORDER BY c.id + 0 ` + order + ` LIMIT $5`
	case byKind:
		var arms []string
		for i := range notificationKinds {
			arms = append(arms, `SELECT * FROM (`+arm(` AND c.kind = `+kind(i))+`) k`+strconv.Itoa(i))
		}
		source = strings.Join(arms, ` UNION ALL `) + ` ORDER BY 1 ` + order + ` LIMIT $5`
	}
	return `SELECT ` + notificationColumns + `, CASE WHEN ` + heard + ` THEN 1 ELSE 0 END FROM (` + source + `) u CROSS JOIN notifications n
LEFT JOIN posts p ON p.id = n.post_id WHERE n.id = u.id ORDER BY u.id ` + order
}

var (
	notices       = pagedText{down: noticeText("DESC", false, false), up: noticeText("ASC", false, false)}
	noticesOfKind = pagedText{down: noticeText("DESC", true, false), up: noticeText("ASC", true, false)}
	noticesBy     = pagedText{down: noticeText("DESC", true, true), up: noticeText("ASC", true, true)}

	noticeByID = `SELECT ` + notificationColumns + ` FROM notifications n LEFT JOIN posts p ON p.id = n.post_id WHERE n.account_id = $2 AND n.id = $3 AND ` + heard
	noticesNew = `SELECT COUNT(*) FROM (SELECT n.id FROM notifications n LEFT JOIN posts p ON p.id = n.post_id
WHERE n.account_id = $2 AND n.id > $3 AND ` + heard + ` ORDER BY n.id DESC LIMIT 100) AS unread`
	wantsNotice = `SELECT CASE WHEN ` + notSuspended("CAST($3 AS BIGINT)") + unwantedSender("$2", "CAST($3 AS BIGINT)") + `
 AND NOT EXISTS (SELECT 1 FROM thread_mutes zt WHERE zt.account_id = $2 AND zt.root_id = $4 LIMIT 1 OFFSET 0) THEN 1 ELSE 0 END`
)

// SQL for changing notifications.
const (
	insertNotice   = `INSERT INTO notifications (id, account_id, kind, from_id, post_id, created_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`
	dismissNotice  = `DELETE FROM notifications WHERE id = $1 AND account_id = $2`
	clearNotices   = `DELETE FROM notifications WHERE account_id = $1 AND id <= $2`
	noticesFromFor = `DELETE FROM notifications WHERE account_id = $1 AND kind = $3 AND from_id = $2`
)

// Notify tells an account of something, once: it reports false if it was told
// already. A zero ID is filled in, but not for the caller to see.
func (tx *Tx) Notify(ctx context.Context, n Notification) (created bool, err error) {
	if n.ID == 0 {
		n.ID = tx.NewID()
	}
	if n.CreatedAt.IsZero() {
		n.CreatedAt = tx.Now
	}
	rows, err := tx.exec(ctx, insertNotice, int64(n.ID), int64(n.AccountID), n.Kind, int64(n.FromID), int64(n.PostID), n.CreatedAt.UnixMilli())
	return rows == 1, err
}

// WantsNotification reports whether account wants to hear from an account at
// all, and of that thread (0: of none).
func (r reader) WantsNotification(ctx context.Context, account, from, root ID) (bool, error) {
	return r.some(ctx, wantsNotice, r.nowMS(), int64(account), int64(from), int64(root))
}

// Notifications lists what me is to be told, newest first. What is about a post
// that me may no longer see, or by somebody me no longer hears, is left out.
func (r reader) Notifications(ctx context.Context, me ID, p Page, f NotificationFilter) (Notifications, error) {
	t, extra := notices, []any(nil)
	if kinds := f.kinds(); len(kinds) < len(notificationKinds) || f.From != 0 {
		t = noticesOfKind
		for i := range notificationKinds {
			kind := ""
			if i < len(kinds) {
				kind = kinds[i]
			}
			extra = append(extra, kind)
		}
	}
	if f.From != 0 {
		t, extra = noticesBy, append(extra, int64(f.From))
	}
	below, above, _ := p.bounds()
	limit := listLimit(p.Limit)
	text, up := t.down, p.MinID > 0
	if up {
		text = t.up
	}
	var page Notifications
	for range maxRounds {
		args := append([]any{r.nowMS(), int64(me), below, above, int64(limit)}, extra...)
		found, last, err := r.noticeCandidates(ctx, text, args, limit-len(page.Items))
		if err != nil {
			return Notifications{}, err
		}
		page.Items = append(page.Items, found...)
		page.Next = last
		if last == 0 || len(page.Items) == limit {
			break
		}
		if up {
			above = int64(last)
		} else {
			below = int64(last)
		}
	}
	if up {
		slices.Reverse(page.Items)
		page.Next = 0
		if len(page.Items) > 0 {
			page.Next = page.Items[len(page.Items)-1].ID
		}
	}
	if len(page.Items) > 0 {
		page.Prev = page.Items[0].ID
	}
	return page, nil
}

// noticeCandidates reads rows of noticeText and keeps up to want that are
// heard. last is the candidate looked at last, 0 if there are no more.
func (r reader) noticeCandidates(ctx context.Context, text string, args []any, want int) (found []Notification, last ID, err error) {
	n := 0
	full := false
	rows, err := r.query(ctx, text, args...)
	err = each(rows, err, func(rows *sql.Rows) error {
		if full {
			return nil
		}
		var notice Notification
		var ok bool
		if err := rows.Scan(append(notice.dest(), scanBool(&ok))...); err != nil {
			return err
		}
		n++
		last = notice.ID
		if ok {
			found = append(found, notice)
			full = len(found) == want
		}
		return nil
	})
	if limit, _ := args[4].(int64); !full && int64(n) < limit {
		last = 0
	}
	return found, last, err
}

// Notification returns one notification of me; ErrNotFound for one that would
// not be listed.
func (r reader) Notification(ctx context.Context, me, id ID) (*Notification, error) {
	n := new(Notification)
	if err := r.queryRow(ctx, noticeByID, r.nowMS(), int64(me), int64(id)).Scan(n.dest()...); err != nil {
		return nil, err
	}
	return n, nil
}

// UnreadNotifications counts what would be listed above since, up to 100.
func (r reader) UnreadNotifications(ctx context.Context, me, since ID) (n int, err error) {
	err = r.queryRow(ctx, noticesNew, r.nowMS(), int64(me), int64(since)).Scan(&n)
	return n, err
}

// DismissNotification removes one; ErrNotFound if it is not me's.
func (tx *Tx) DismissNotification(ctx context.Context, me, id ID) error {
	n, err := tx.exec(ctx, dismissNotice, int64(id), int64(me))
	return mustChange(n, err)
}

// ClearNotifications removes all that me has now.
func (tx *Tx) ClearNotifications(ctx context.Context, me ID) error {
	_, err := tx.exec(ctx, clearNotices, int64(me), int64(tx.NewID()))
	return err
}

// DeleteNotifications removes what account was told of one kind by from.
func (tx *Tx) DeleteNotifications(ctx context.Context, account, from ID, kind string) error {
	_, err := tx.exec(ctx, noticesFromFor, int64(account), int64(from), kind)
	return err
}

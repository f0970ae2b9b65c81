package store

import (
	"context"
	"errors"
	"time"
)

// Follow is one account following another, or asking to. Circles are never
// followed this way: see Membership.
type Follow struct {
	AccountID, TargetID ID
	ID                  ID     // orders lists
	URI                 string // of the Follow activity
	RequestedAt         time.Time
	AcceptedAt          time.Time // zero while the target has not agreed
	Boosts              bool      // also wants what the target boosts
	Notify              bool      // wants to be told of each post
}

const followColumns = `f.account_id, f.target_id, f.id, f.uri, f.requested_at, f.accepted_at, f.boosts, f.notify`

func (f *Follow) dest() []any {
	return []any{scanID(&f.AccountID), scanID(&f.TargetID), scanID(&f.ID), &f.URI, scanMS(&f.RequestedAt), scanMS(&f.AcceptedAt), scanBool(&f.Boosts), scanBool(&f.Notify)}
}

// SQL for follows. Counters follow accepted rows only; a circle on either side
// is not counted, so that no number tells of its members.
const (
	followByPair  = `SELECT ` + followColumns + ` FROM follows f WHERE f.account_id = $1 AND f.target_id = $2`
	followByURI   = `SELECT ` + followColumns + ` FROM follows f WHERE f.uri = $1 AND f.uri <> ''`
	insertFollow  = `INSERT INTO follows (account_id, target_id, id, uri, requested_at, accepted_at, boosts, notify) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`
	updateFollow  = `UPDATE follows SET boosts = $3, notify = $4 WHERE account_id = $1 AND target_id = $2`
	setFollowURI  = `UPDATE follows SET uri = $3 WHERE account_id = $1 AND target_id = $2 AND NOT EXISTS (SELECT 1 FROM follows o WHERE o.uri = $3 AND o.uri <> '')`
	acceptFollow  = `UPDATE follows SET accepted_at = $3 WHERE account_id = $1 AND target_id = $2 AND accepted_at IS NULL`
	deleteFollow  = `DELETE FROM follows WHERE account_id = $1 AND target_id = $2 RETURNING account_id, target_id, id, uri, requested_at, accepted_at, boosts, notify`
	notCircles    = ` AND NOT EXISTS (SELECT 1 FROM accounts c WHERE c.id IN ($1, $2) AND c.kind = 'circle')`
	addFollower   = `UPDATE accounts SET followers_count = followers_count + 1 WHERE id = $2` + notCircles
	addFollowing  = `UPDATE accounts SET following_count = following_count + 1 WHERE id = $1` + notCircles
	dropFollower  = `UPDATE accounts SET followers_count = followers_count - 1 WHERE id = $2 AND followers_count > 0` + notCircles
	dropFollowing = `UPDATE accounts SET following_count = following_count - 1 WHERE id = $1 AND following_count > 0` + notCircles
	isLocal       = `SELECT COUNT(*) FROM accounts WHERE id = $1 AND host = ''`
	leaveHome     = `DELETE FROM timeline WHERE account_id = $1 AND post_id IN (SELECT id FROM posts WHERE author_id = $2 AND circle_id IS NULL ORDER BY id DESC LIMIT 1000)`

	watchersOf        = `SELECT account_id FROM follows WHERE target_id = $1 AND notify = 1 AND accepted_at IS NOT NULL ORDER BY account_id LIMIT 1000`
	hasLocalFollowers = `SELECT COUNT(*) FROM (SELECT 1 AS one FROM follows f CROSS JOIN accounts a WHERE f.target_id = $1 AND f.accepted_at IS NOT NULL AND a.id = f.account_id AND a.host = '' LIMIT 1) AS t`
)

var (
	followersPage = paged(`SELECT f.id, `+accountColumns+` FROM follows f JOIN accounts a ON a.id = f.account_id WHERE f.target_id = $1 AND f.accepted_at IS NOT NULL`, "f.id", 2)
	followingPage = paged(`SELECT f.id, `+accountColumns+` FROM follows f JOIN accounts a ON a.id = f.target_id WHERE f.account_id = $1 AND f.accepted_at IS NOT NULL`, "f.id", 2)
	requestsPage  = paged(`SELECT f.id, `+accountColumns+` FROM follows f JOIN accounts a ON a.id = f.account_id WHERE f.target_id = $1 AND f.accepted_at IS NULL`, "f.id", 2)
)

func (r reader) oneFollow(ctx context.Context, text string, args ...any) (*Follow, error) {
	f := new(Follow)
	if err := r.queryRow(ctx, text, args...).Scan(f.dest()...); err != nil {
		return nil, err
	}
	return f, nil
}

// Follow returns the follow of target by account, accepted or not.
func (r reader) Follow(ctx context.Context, account, target ID) (*Follow, error) {
	return r.oneFollow(ctx, followByPair, int64(account), int64(target))
}

// FollowByURI returns the follow with this activity id. Whoever acts on it
// compares its two accounts with whom they should be.
func (r reader) FollowByURI(ctx context.Context, uri string) (*Follow, error) {
	return r.oneFollow(ctx, followByURI, uri)
}

// Followers lists the accepted followers of account, newest first; next is
// the MaxID of the following page, 0 at the end.
func (r reader) Followers(ctx context.Context, account ID, p Page) (page []*Account, next ID, err error) {
	return r.accountPage(ctx, followersPage, p, int64(account))
}

// Following lists whom account follows, newest first, circles not among them.
func (r reader) Following(ctx context.Context, account ID, p Page) (page []*Account, next ID, err error) {
	return r.accountPage(ctx, followingPage, p, int64(account))
}

// FollowRequests lists who waits for account's answer, newest first.
func (r reader) FollowRequests(ctx context.Context, account ID, p Page) (page []*Account, next ID, err error) {
	return r.accountPage(ctx, requestsPage, p, int64(account))
}

// Watchers lists the followers that want to be told of each post of author,
// at most 1,000.
func (r reader) Watchers(ctx context.Context, author ID) ([]ID, error) {
	return r.ids(ctx, watchersOf, int64(author))
}

// HasLocalFollowers reports whether anyone here follows account.
func (r reader) HasLocalFollowers(ctx context.Context, account ID) (bool, error) {
	if r.recent == nil {
		return r.some(ctx, hasLocalFollowers, int64(account))
	}
	return r.recent.followed.or(account, func() (bool, error) { return r.some(ctx, hasLocalFollowers, int64(account)) })
}

// some runs a count and tells whether it is above 0.
func (r reader) some(ctx context.Context, text string, args ...any) (bool, error) {
	var n int64
	err := r.queryRow(ctx, text, args...).Scan(&n)
	return n > 0, err
}

// InsertFollow records a follow, accepted if AcceptedAt is set, and reports
// whether it is new. If there is one, f becomes it, with the newer URI: its
// server may have lost the first. ErrConflict if the URI is another follow's.
func (tx *Tx) InsertFollow(ctx context.Context, f *Follow) (created bool, err error) {
	if f.ID == 0 {
		f.ID = tx.NewID()
	}
	if f.RequestedAt.IsZero() {
		f.RequestedAt = tx.Now
	}
	n, err := tx.exec(ctx, insertFollow, int64(f.AccountID), int64(f.TargetID), int64(f.ID), f.URI,
		f.RequestedAt.UnixMilli(), msArg(f.AcceptedAt), boolArg(f.Boosts), boolArg(f.Notify))
	if err != nil {
		return false, err
	}
	if n == 1 {
		if f.AcceptedAt.IsZero() {
			return true, nil
		}
		return true, tx.countFollow(ctx, f.AccountID, f.TargetID, addFollowing, addFollower)
	}
	old, err := tx.Follow(ctx, f.AccountID, f.TargetID)
	if errors.Is(err, ErrNotFound) {
		return false, ErrConflict
	}
	if err != nil {
		return false, err
	}
	if f.URI != "" && f.URI != old.URI {
		n, err := tx.exec(ctx, setFollowURI, int64(f.AccountID), int64(f.TargetID), f.URI)
		if err != nil {
			return false, err
		}
		if n == 0 {
			return false, ErrConflict
		}
		old.URI = f.URI
	}
	*f = *old
	return false, nil
}

// countFollow changes both counters, that of the smaller id first, so that two
// accounts that follow each other at once do not wait for each other.
func (tx *Tx) countFollow(ctx context.Context, account, target ID, following, followers string) error {
	first, second := following, followers
	if target < account {
		first, second = followers, following
	}
	for _, text := range []string{first, second} {
		if _, err := tx.exec(ctx, text, int64(account), int64(target)); err != nil {
			return err
		}
	}
	return nil
}

// UpdateFollow writes what a follower wants to see: Boosts and Notify.
func (tx *Tx) UpdateFollow(ctx context.Context, f *Follow) error {
	n, err := tx.exec(ctx, updateFollow, int64(f.AccountID), int64(f.TargetID), boolArg(f.Boosts), boolArg(f.Notify))
	return mustChange(n, err)
}

// AcceptFollow turns a request into a follow and reports whether there was one
// that waited.
func (tx *Tx) AcceptFollow(ctx context.Context, account, target ID) (changed bool, err error) {
	n, err := tx.exec(ctx, acceptFollow, int64(account), int64(target), tx.Now.UnixMilli())
	if err != nil || n == 0 {
		return false, err
	}
	return true, tx.countFollow(ctx, account, target, addFollowing, addFollower)
}

// DeleteFollow removes a follow or request and returns it; ErrNotFound if there
// is none. The target's newest 1,000 posts leave the home of an account here;
// what it has in circles stays, for that comes by membership.
func (tx *Tx) DeleteFollow(ctx context.Context, account, target ID) (*Follow, error) {
	f, err := tx.oneFollow(ctx, deleteFollow, int64(account), int64(target))
	if err != nil || f.AcceptedAt.IsZero() {
		return f, err
	}
	if err := tx.countFollow(ctx, account, target, dropFollowing, dropFollower); err != nil {
		return nil, err
	}
	return f, tx.leaveHome(ctx, account, target)
}

// leaveHome takes author's posts out of the home timeline of an account here.
func (tx *Tx) leaveHome(ctx context.Context, account, author ID) error {
	if local, err := tx.some(ctx, isLocal, int64(account)); err != nil || !local {
		return err
	}
	_, err := tx.exec(ctx, leaveHome, int64(account), int64(author))
	return err
}

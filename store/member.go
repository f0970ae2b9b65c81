package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"
)

// SQL for memberships.
const (
	membershipByPair   = `SELECT ` + membershipColumns + ` FROM memberships m WHERE m.circle_id = $1 AND m.account_id = $2`
	membershipByFollow = `SELECT ` + membershipColumns + ` FROM memberships m WHERE m.circle_id = $1 AND m.follow_uri = $2 AND m.follow_uri <> ''`
	membershipFollowed = `SELECT ` + membershipColumns + ` FROM memberships m WHERE m.follow_uri = $1 AND m.follow_uri <> '' ORDER BY m.circle_id LIMIT 1`
	circlesOf          = `SELECT ` + membershipColumns + `, ` + accountColumns + ` FROM memberships m JOIN accounts a ON a.id = m.circle_id
WHERE m.account_id = $2 AND m.ended_at IS NULL AND (m.expires_at IS NULL OR m.expires_at > $1) ORDER BY m.circle_id DESC LIMIT 500`
	// The host is read from the account, so that no caller can give a wrong one.
	saveMembership = `INSERT INTO memberships (circle_id, account_id, host, role, via, seat_id, follow_uri, uri, requested_at, verified_at, expires_at, ended_at)
VALUES ($1, $2, (SELECT a.host FROM accounts a WHERE a.id = $2), $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (circle_id, account_id) DO UPDATE SET role = excluded.role, via = excluded.via, seat_id = excluded.seat_id, follow_uri = excluded.follow_uri,
 uri = excluded.uri, requested_at = excluded.requested_at, verified_at = excluded.verified_at, expires_at = excluded.expires_at, ended_at = excluded.ended_at
RETURNING host`
	endMembership    = `UPDATE memberships SET ended_at = $3 WHERE circle_id = $1 AND account_id = $2 AND ended_at IS NULL RETURNING host, verified_at`
	setCircleRole    = `UPDATE memberships SET role = $3 WHERE circle_id = $1 AND account_id = $2 AND ended_at IS NULL`
	leaveCircleHome  = `DELETE FROM timeline WHERE account_id = $1 AND post_id IN (SELECT id FROM posts WHERE circle_id = $2 AND id > $3)`
	hasLocalMembers  = `SELECT COUNT(*) FROM (SELECT 1 AS one FROM memberships m WHERE m.circle_id = $2 AND m.host = '' AND (CURRENT) LIMIT 1) AS t`
	countAllMembers  = `SELECT COUNT(*) FROM memberships m WHERE m.circle_id = $2 AND (CURRENT)`
	hostsWithMembers = `SELECT h.host FROM circle_hosts h WHERE h.circle_id = $2 AND h.ended_at IS NULL
AND EXISTS (SELECT 1 FROM memberships m WHERE m.circle_id = $2 AND m.host = h.host AND (CURRENT) LIMIT 1 OFFSET 0) ORDER BY h.host`
)

var (
	localMembers   = strings.ReplaceAll(hasLocalMembers, "(CURRENT)", currentMember("m", false))
	countMembersOf = strings.ReplaceAll(countAllMembers, "(CURRENT)", currentMember("m", false))
	memberHosts    = strings.ReplaceAll(hostsWithMembers, "(CURRENT)", currentMember("m", true))

	// maySit asks whether the viewer ($2) may read in the circle ($3).
	maySit = perViewer(func(s sight) string {
		return `SELECT CASE WHEN ` + s.member("CAST($3 AS BIGINT)") + ` THEN 1 ELSE 0 END`
	})
	membersPage = paged(`SELECT m.account_id, `+accountColumns+` FROM memberships m JOIN accounts a ON a.id = m.account_id
WHERE m.circle_id = $2 AND `+currentMember("m", false), "m.account_id", 3)
	waitingMembersPage = paged(`SELECT m.account_id, `+membershipColumns+`, `+accountColumns+` FROM memberships m JOIN accounts a ON a.id = m.account_id
WHERE m.circle_id = $1 AND m.verified_at IS NULL AND m.ended_at IS NULL`, "m.account_id", 2)
)

// Membership returns an account's place in a circle, in whatever state.
func (r reader) Membership(ctx context.Context, circle, account ID) (*Membership, error) {
	return r.oneMembership(ctx, membershipByPair, int64(circle), int64(account))
}

// MembershipByFollow returns the membership that the Follow with this id asked
// the circle for; with circle 0, of whichever circle.
func (r reader) MembershipByFollow(ctx context.Context, circle ID, followURI string) (*Membership, error) {
	if circle == 0 {
		return r.oneMembership(ctx, membershipFollowed, followURI)
	}
	return r.oneMembership(ctx, membershipByFollow, int64(circle), followURI)
}

func (r reader) oneMembership(ctx context.Context, text string, args ...any) (*Membership, error) {
	m := new(Membership)
	if err := r.queryRow(ctx, text, args...).Scan(m.dest()...); err != nil {
		return nil, err
	}
	return m, nil
}

// CirclesOf lists the circles, here and elsewhere, that an account sits in or
// waits for, newest circle first, at most 500.
func (r reader) CirclesOf(ctx context.Context, account ID) ([]MemberCircle, error) {
	rows, err := r.query(ctx, circlesOf, r.nowMS(), int64(account))
	return collect(rows, err, func(rows *sql.Rows) (MemberCircle, error) {
		c := MemberCircle{Circle: new(Account), Membership: new(Membership)}
		return c, rows.Scan(append(c.Membership.dest(), c.Circle.dest()...)...)
	})
}

// MaySit reports whether the viewer may read in a circle: its own actor, a
// current member, or a server with one.
func (r reader) MaySit(ctx context.Context, v Viewer, circle ID) (bool, error) {
	return r.some(ctx, maySit.of(v), r.nowMS(), v.arg(), int64(circle))
}

// Members lists the current members of a circle to those who may read in it,
// newest account first; ErrNotFound for everyone else. next is the MaxID of the
// following page.
func (r reader) Members(ctx context.Context, v Viewer, circle ID, p Page) (page []*Account, next ID, err error) {
	ok, err := r.MaySit(ctx, v, circle)
	if err == nil && !ok {
		err = ErrNotFound
	}
	if err != nil {
		return nil, 0, err
	}
	return r.accountPage(ctx, membersPage, p, r.nowMS(), int64(circle))
}

// WaitingMember is someone who asked for a place.
type WaitingMember struct {
	*Membership
	Account *Account
}

// WaitingMembers lists who waits for a place in a circle of ours; next is the
// MaxID of the following page. It is for those who decide.
func (r reader) WaitingMembers(ctx context.Context, circle ID, p Page) (page []WaitingMember, next ID, err error) {
	return pageOf(ctx, r, waitingMembersPage, p, func(rows *sql.Rows) (WaitingMember, error) {
		var cursor ID
		w := WaitingMember{Membership: new(Membership), Account: new(Account)}
		return w, rows.Scan(append(append([]any{scanID(&cursor)}, w.dest()...), w.Account.dest()...)...)
	}, func(w WaitingMember) ID { return w.AccountID }, int64(circle))
}

// MemberHosts lists the approved servers on which current members have their
// accounts.
func (r reader) MemberHosts(ctx context.Context, circle ID) ([]string, error) {
	rows, err := r.query(ctx, memberHosts, r.nowMS(), int64(circle))
	return collect(rows, err, func(rows *sql.Rows) (host string, err error) {
		return host, rows.Scan(&host)
	})
}

// HasLocalMembers reports whether anyone here sits in the circle.
func (r reader) HasLocalMembers(ctx context.Context, circle ID) (bool, error) {
	return r.some(ctx, localMembers, r.nowMS(), int64(circle))
}

// CircleAudience counts who may read a circle of ours: current members, and
// the servers that hold its posts, this one included.
func (r reader) CircleAudience(ctx context.Context, circle ID) (people, servers int, err error) {
	if err := r.queryRow(ctx, countMembersOf, r.nowMS(), int64(circle)).Scan(&people); err != nil {
		return 0, 0, err
	}
	hosts, err := r.MemberHosts(ctx, circle)
	return people, 1 + len(hosts), err
}

// SaveMembership writes a membership as it is given; its Host is read from the
// account. One that is verified must be allowed to be: ErrBarred for the
// expelled, ErrNotFound if the seat it rests on is another account's, revoked
// or expired. It never outlasts its seat.
func (tx *Tx) SaveMembership(ctx context.Context, m *Membership) error {
	if m.Role == "" {
		m.Role = RoleMember
	}
	if m.Via == "" {
		m.Via = "native"
	}
	if m.RequestedAt.IsZero() {
		m.RequestedAt = tx.Now
	}
	if !m.VerifiedAt.IsZero() && m.EndedAt.IsZero() {
		if err := tx.holdPlace(ctx, m); err != nil {
			return err
		}
	}
	if err := tx.leaveExpired(ctx, m); err != nil {
		return err
	}
	return tx.queryRow(ctx, saveMembership, int64(m.CircleID), int64(m.AccountID), m.Role, m.Via, idArg(m.SeatID), m.FollowURI, m.URI,
		m.RequestedAt.UnixMilli(), msArg(m.VerifiedAt), msArg(m.ExpiresAt), msArg(m.EndedAt)).Scan(&m.Host)
}

// holdPlace checks that m may be verified and keeps it so until the commit: an
// expulsion or revocation that comes meanwhile waits, and then finds the row.
func (tx *Tx) holdPlace(ctx context.Context, m *Membership) error {
	if _, err := tx.exec(ctx, holdCircle, int64(m.CircleID)); err != nil {
		return err
	}
	barred, err := tx.Barred(ctx, m.CircleID, m.AccountID, m.SeatID)
	if err == nil && barred {
		err = ErrBarred
	}
	if err != nil || m.SeatID == 0 {
		return err
	}
	var expires time.Time
	if err := tx.queryRow(ctx, holdSeat, int64(m.SeatID), int64(m.AccountID), tx.Now.UnixMilli()).Scan(scanMS(&expires)); err != nil {
		return err
	}
	if !expires.IsZero() && (m.ExpiresAt.IsZero() || m.ExpiresAt.After(expires)) {
		m.ExpiresAt = expires
	}
	return nil
}

// leaveExpired takes the posts of a former membership out of the home when a
// new one begins in its row.
func (tx *Tx) leaveExpired(ctx context.Context, m *Membership) error {
	old, err := tx.Membership(ctx, m.CircleID, m.AccountID)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil || old.Host != "" || old.VerifiedAt.IsZero() || !old.EndedAt.IsZero() || old.Current(tx.Now) {
		return err
	}
	return tx.leaveCircle(ctx, m.CircleID, m.AccountID, old.VerifiedAt)
}

// lateness is how late a post from elsewhere may come and still enter a home.
const lateness = 7 * 24 * time.Hour

// leaveCircle takes a circle's posts since the membership began out of a home.
func (tx *Tx) leaveCircle(ctx context.Context, circle, account ID, since time.Time) error {
	_, err := tx.exec(ctx, leaveCircleHome, int64(account), int64(circle), int64(FirstID(since.Add(-lateness-time.Hour))))
	return err
}

// EndMembership ends a membership or a request, and takes the circle's posts
// out of the home of an account here. ErrNotFound if there is none that lasts.
func (tx *Tx) EndMembership(ctx context.Context, circle, account ID) error {
	var host string
	var verified time.Time
	err := tx.queryRow(ctx, endMembership, int64(circle), int64(account), tx.Now.UnixMilli()).Scan(&host, scanMS(&verified))
	if err != nil || host != "" || verified.IsZero() {
		return err
	}
	return tx.leaveCircle(ctx, circle, account, verified)
}

// SetCircleRole makes a member a steward or an ordinary member again.
func (tx *Tx) SetCircleRole(ctx context.Context, circle, account ID, role string) error {
	n, err := tx.exec(ctx, setCircleRole, int64(circle), int64(account), role)
	return mustChange(n, err)
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// ErrBarred says that the account, or the seat, was expelled from the circle.
// Only a steward lifts that.
var ErrBarred = errors.New("barred from the circle")

// Circle is a circle whose hub is here. One elsewhere is only an Account.
type Circle struct {
	*Account
	Unit             string
	YearFrom, YearTo int    // 0 and 0: the whole unit
	Listing          string // listed, unlisted or secret
}

// Membership is an account's place in a circle: asked for, verified, ended. The
// hub keeps all of its circle's; another server those of its own accounts.
type Membership struct {
	CircleID, AccountID ID
	Host                string // of the account; set when it is saved
	Role                string // member or steward
	Via                 string // native, mirror, or web for a guest who reads here only
	SeatID              ID     // the seat it rests on
	FollowURI           string // of the Follow that asked for it
	URI                 string // given by the hub
	RequestedAt         time.Time
	VerifiedAt          time.Time // zero while it waits
	ExpiresAt           time.Time // zero: never
	EndedAt             time.Time
}

// Current reports whether the membership is verified and neither ended nor
// expired. For an account on another server, canSee also asks whether that
// server is approved.
func (m *Membership) Current(now time.Time) bool {
	return !m.VerifiedAt.IsZero() && m.EndedAt.IsZero() && (m.ExpiresAt.IsZero() || m.ExpiresAt.After(now))
}

// MemberCircle is a circle as one of its members sees it in a list.
type MemberCircle struct {
	Circle     *Account
	Membership *Membership
}

// RoleSteward is the role of who looks after a circle.
const RoleSteward = "steward"

const (
	circleColumns     = `c.unit, c.year_from, c.year_to, c.listing, ` + accountColumns
	membershipColumns = `m.circle_id, m.account_id, m.host, m.role, m.via, m.seat_id, m.follow_uri, m.uri, m.requested_at, m.verified_at, m.expires_at, m.ended_at`
)

func scanCircle(rows *sql.Rows) (*Circle, error) {
	c := &Circle{Account: new(Account)}
	return c, rows.Scan(c.dest()...)
}

func (c *Circle) dest() []any {
	return append([]any{&c.Unit, scanInt(&c.YearFrom), scanInt(&c.YearTo), &c.Listing}, c.Account.dest()...)
}

func (m *Membership) dest() []any {
	return []any{
		scanID(&m.CircleID), scanID(&m.AccountID), &m.Host, &m.Role, &m.Via, scanID(&m.SeatID), &m.FollowURI, &m.URI,
		scanMS(&m.RequestedAt), scanMS(&m.VerifiedAt), scanMS(&m.ExpiresAt), scanMS(&m.EndedAt),
	}
}

func scanMembership(rows *sql.Rows) (*Membership, error) {
	m := new(Membership)
	return m, rows.Scan(m.dest()...)
}

// SQL for circles.
const (
	circleByID     = `SELECT ` + circleColumns + ` FROM circles c JOIN accounts a ON a.id = c.account_id WHERE c.account_id = $1`
	circleBySlug   = `SELECT ` + circleColumns + ` FROM accounts a JOIN circles c ON c.account_id = a.id WHERE a.handle_key = $1 AND a.domain = ''`
	allCircles     = `SELECT ` + circleColumns + ` FROM circles c JOIN accounts a ON a.id = c.account_id WHERE a.deleted_at IS NULL ORDER BY c.account_id DESC LIMIT 2000`
	insertCircle   = `INSERT INTO circles (account_id, unit, year_from, year_to, listing, created_at) VALUES ($1, $2, $3, $4, $5, $6)`
	setListing     = `UPDATE circles SET listing = $2 WHERE account_id = $1`
	circlesForSeat = `SELECT ` + circleColumns + ` FROM seats s JOIN circles c ON c.unit = s.unit JOIN accounts a ON a.id = c.account_id
WHERE s.id = $2 AND a.deleted_at IS NULL AND` + liveSeat + ` AND` + yearsMeet + ` AND NOT` + seatBarred + ` ORDER BY c.account_id LIMIT 200`
	// holdCircle changes nothing: it makes whoever bars somebody wait.
	holdCircle = `UPDATE circles SET unit = unit WHERE account_id = $1`

	approveHost = `INSERT INTO circle_hosts (circle_id, host, approved_at) VALUES ($1, $2, $3)
ON CONFLICT (circle_id, host) DO UPDATE SET approved_at = CASE WHEN circle_hosts.ended_at IS NULL THEN circle_hosts.approved_at ELSE excluded.approved_at END, ended_at = NULL`
	endHost      = `UPDATE circle_hosts SET ended_at = $3 WHERE circle_id = $1 AND host = $2 AND ended_at IS NULL`
	hostApproved = `SELECT COUNT(*) FROM circle_hosts WHERE circle_id = $1 AND host = $2 AND ended_at IS NULL`

	insertBar = `INSERT INTO bars (circle_id, account_id, seat_id, reason, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`
	deleteBar = `DELETE FROM bars WHERE circle_id = $1 AND account_id = $2 AND seat_id = $3`
	isBarred  = `SELECT COUNT(*) FROM bars WHERE circle_id = $1 AND (account_id = $2 AND seat_id = 0 OR account_id = 0 AND seat_id = $3 AND seat_id <> 0)`
)

// Circle returns a circle of ours by its account's id.
func (r reader) Circle(ctx context.Context, account ID) (*Circle, error) {
	return r.oneCircle(ctx, circleByID, int64(account))
}

// CircleBySlug returns a circle of ours by its handle.
func (r reader) CircleBySlug(ctx context.Context, slug string) (*Circle, error) {
	return r.oneCircle(ctx, circleBySlug, handleKey(slug))
}

func (r reader) oneCircle(ctx context.Context, text string, arg any) (*Circle, error) {
	c := &Circle{Account: new(Account)}
	if err := r.queryRow(ctx, text, arg).Scan(c.dest()...); err != nil {
		return nil, err
	}
	return c, nil
}

// Circles lists the circles whose hub is here, secret ones too, newest first,
// at most 2,000. It is for those in office: who shows it to others leaves out
// what is not listed.
func (r reader) Circles(ctx context.Context) ([]*Circle, error) {
	rows, err := r.query(ctx, allCircles)
	return collect(rows, err, scanCircle)
}

// CirclesForSeat lists the circles of ours that a live seat opens.
func (r reader) CirclesForSeat(ctx context.Context, s *Seat) ([]*Circle, error) {
	rows, err := r.query(ctx, circlesForSeat, r.nowMS(), int64(s.ID))
	return collect(rows, err, scanCircle)
}

// HostApproved reports whether members on that server may hold the circle's
// posts.
func (r reader) HostApproved(ctx context.Context, circle ID, host string) (bool, error) {
	return r.some(ctx, hostApproved, int64(circle), host)
}

// Barred reports whether the account, or the seat if it is not 0, was expelled
// from the circle.
func (r reader) Barred(ctx context.Context, circle, account, seat ID) (bool, error) {
	return r.some(ctx, isBarred, int64(circle), int64(account), int64(seat))
}

// InsertCircle makes a circle and its account. ErrConflict if the slug is taken.
func (tx *Tx) InsertCircle(ctx context.Context, c *Circle) error {
	c.Kind = KindCircle
	if c.Listing == "" {
		c.Listing = "unlisted"
	}
	if err := tx.InsertAccount(ctx, c.Account); err != nil {
		return err
	}
	_, err := tx.exec(ctx, insertCircle, int64(c.ID), c.Unit, c.YearFrom, c.YearTo, c.Listing, c.CreatedAt.UnixMilli())
	return err
}

// SetListing says who may find a circle: listed, unlisted or secret.
func (tx *Tx) SetListing(ctx context.Context, circle ID, listing string) error {
	n, err := tx.exec(ctx, setListing, int64(circle), listing)
	return mustChange(n, err)
}

// ApproveHost lets members on that server hold the circle's posts. host is the
// authority of actor ids there; our own needs none.
func (tx *Tx) ApproveHost(ctx context.Context, circle ID, host string) error {
	if host == "" {
		return nil
	}
	_, err := tx.exec(ctx, approveHost, int64(circle), host, tx.Now.UnixMilli())
	return err
}

// EndHost takes the approval back: members there read nothing more.
func (tx *Tx) EndHost(ctx context.Context, circle ID, host string) error {
	n, err := tx.exec(ctx, endHost, int64(circle), host, tx.Now.UnixMilli())
	return mustChange(n, err)
}

// Bar is an expulsion: of an account (SeatID 0) or of a seat (AccountID 0).
type Bar struct {
	CircleID, AccountID, SeatID ID
	Reason                      string
}

// InsertBar expels; ending a membership is EndMembership's part. After it
// commits, SaveMembership refuses.
func (tx *Tx) InsertBar(ctx context.Context, b Bar) error {
	if _, err := tx.exec(ctx, holdCircle, int64(b.CircleID)); err != nil {
		return err
	}
	_, err := tx.exec(ctx, insertBar, int64(b.CircleID), int64(b.AccountID), int64(b.SeatID), b.Reason, tx.Now.UnixMilli())
	return err
}

// DeleteBar lifts an expulsion.
func (tx *Tx) DeleteBar(ctx context.Context, b Bar) error {
	n, err := tx.exec(ctx, deleteBar, int64(b.CircleID), int64(b.AccountID), int64(b.SeatID))
	return mustChange(n, err)
}

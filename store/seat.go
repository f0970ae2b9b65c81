package store

import (
	"context"
	"database/sql"
	"time"
)

// Seat is a verified place in a cohort of this institution. Its holder may be
// an account on any server.
type Seat struct {
	ID        ID
	AccountID ID
	Type      string // student, alumnus, employee, formerEmployee, faculty, staff, guest
	Unit      string
	YearFrom  int // 0: since ever
	YearTo    int // 0: without an end
	Reason    string
	GrantedBy ID // 0: the operator

	GrantedAt     time.Time
	ExpiresAt     time.Time // zero: never
	RevokedAt     time.Time
	RevokedReason string
}

// Live reports whether the seat counts at that time.
func (s *Seat) Live(now time.Time) bool {
	return s.RevokedAt.IsZero() && (s.ExpiresAt.IsZero() || s.ExpiresAt.After(now))
}

const seatColumns = `s.id, s.account_id, s.type, s.unit, s.year_from, s.year_to, s.reason, s.granted_by, s.granted_at, s.expires_at, s.revoked_at, s.revoked_reason`

func (s *Seat) dest() []any {
	return []any{
		scanID(&s.ID), scanID(&s.AccountID), &s.Type, &s.Unit, scanInt(&s.YearFrom), scanInt(&s.YearTo), &s.Reason, scanID(&s.GrantedBy),
		scanMS(&s.GrantedAt), scanMS(&s.ExpiresAt), scanMS(&s.RevokedAt), &s.RevokedReason,
	}
}

// SQL for seats. A seat fits a circle of the same unit whose years meet its
// own; years of 0 are open.
const (
	seatByID   = `SELECT ` + seatColumns + ` FROM seats s WHERE s.id = $1`
	liveSeat   = ` s.revoked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > $1)`
	yearsMeet  = ` (s.year_from = 0 OR c.year_to = 0 OR s.year_from <= c.year_to) AND (s.year_to = 0 OR c.year_from = 0 OR s.year_to >= c.year_from)`
	seatBarred = ` EXISTS (SELECT 1 FROM bars b WHERE b.circle_id = c.account_id AND (b.account_id = s.account_id AND b.seat_id = 0 OR b.account_id = 0 AND b.seat_id = s.id) LIMIT 1 OFFSET 0)`
	seatFor    = `SELECT ` + seatColumns + ` FROM seats s CROSS JOIN circles c
WHERE s.account_id = $2 AND c.account_id = $3 AND c.unit = s.unit AND` + liveSeat + ` AND` + yearsMeet + ` AND NOT` + seatBarred + `
ORDER BY CASE WHEN s.expires_at IS NULL THEN 1 ELSE 0 END DESC, s.expires_at DESC, s.id DESC LIMIT 1`
	insertSeat = `INSERT INTO seats (id, account_id, type, unit, year_from, year_to, reason, granted_by, granted_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	revokeSeat = `UPDATE seats SET revoked_at = $2, revoked_reason = $3 WHERE id = $1 AND revoked_at IS NULL`
	// holdSeat changes nothing: it makes whoever revokes the seat wait.
	holdSeat  = `UPDATE seats SET unit = unit WHERE id = $1 AND account_id = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3) RETURNING expires_at`
	restingOn = `SELECT ` + membershipColumns + ` FROM memberships m WHERE m.seat_id = $1 AND m.ended_at IS NULL ORDER BY m.circle_id`
)

var (
	seatsPage          = paged(`SELECT `+seatColumns+` FROM seats s WHERE s.id > 0`, "s.id", 1)
	seatsOfAccountPage = paged(`SELECT `+seatColumns+` FROM seats s WHERE s.account_id = $1`, "s.id", 2)
	seatsOfUnitPage    = paged(`SELECT `+seatColumns+` FROM seats s WHERE s.unit = $1`, "s.id", 2)
)

// SeatFilter narrows Seats to an account or else to a unit.
type SeatFilter struct {
	AccountID ID
	Unit      string
}

// Seat returns a seat by id, live or not.
func (r reader) Seat(ctx context.Context, id ID) (*Seat, error) {
	s := new(Seat)
	if err := r.queryRow(ctx, seatByID, int64(id)).Scan(s.dest()...); err != nil {
		return nil, err
	}
	return s, nil
}

// Seats lists seats, live or not, newest first; next is the MaxID of the
// following page.
func (r reader) Seats(ctx context.Context, f SeatFilter, p Page) (page []*Seat, next ID, err error) {
	t, fixed := seatsPage, []any(nil)
	switch {
	case f.AccountID != 0:
		t, fixed = seatsOfAccountPage, []any{int64(f.AccountID)}
	case f.Unit != "":
		t, fixed = seatsOfUnitPage, []any{f.Unit}
	}
	return pageOf(ctx, r, t, p, func(rows *sql.Rows) (*Seat, error) {
		s := new(Seat)
		return s, rows.Scan(s.dest()...)
	}, func(s *Seat) ID { return s.ID }, fixed...)
}

// LiveSeatFor returns the seat of account that opens a circle of ours and lasts
// longest: same unit, years that meet, neither revoked nor expired, and neither
// the seat nor the account barred there. ErrNotFound if there is none.
func (r reader) LiveSeatFor(ctx context.Context, account ID, c *Circle) (*Seat, error) {
	s := new(Seat)
	if err := r.queryRow(ctx, seatFor, r.nowMS(), int64(account), int64(c.ID)).Scan(s.dest()...); err != nil {
		return nil, err
	}
	return s, nil
}

// InsertSeat grants a seat.
func (tx *Tx) InsertSeat(ctx context.Context, s *Seat) error {
	if s.ID == 0 {
		s.ID = tx.NewID()
	}
	if s.GrantedAt.IsZero() {
		s.GrantedAt = tx.Now
	}
	_, err := tx.exec(ctx, insertSeat, int64(s.ID), int64(s.AccountID), s.Type, s.Unit, s.YearFrom, s.YearTo, s.Reason, int64(s.GrantedBy), s.GrantedAt.UnixMilli(), msArg(s.ExpiresAt))
	return err
}

// RevokeSeat takes a seat away and ends every membership that rests on it; it
// returns those, as they were. ErrNotFound if it is unknown or revoked already.
func (tx *Tx) RevokeSeat(ctx context.Context, id ID, reason string) ([]*Membership, error) {
	n, err := tx.exec(ctx, revokeSeat, int64(id), tx.Now.UnixMilli(), reason)
	if err := mustChange(n, err); err != nil {
		return nil, err
	}
	rows, err := tx.query(ctx, restingOn, int64(id))
	resting, err := collect(rows, err, scanMembership)
	if err != nil {
		return nil, err
	}
	for _, m := range resting {
		if err := tx.EndMembership(ctx, m.CircleID, m.AccountID); err != nil {
			return nil, err
		}
	}
	return resting, nil
}

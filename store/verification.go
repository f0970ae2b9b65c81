package store

import (
	"context"
	"time"
)

// maxTries is how often a code may be tried, right or wrong.
const maxTries = 5

// Verification is a code that was sent by mail. The code itself is in no row:
// whoever sends or checks it computes it from the ID.
type Verification struct {
	ID        ID
	AccountID ID
	Purpose   string // confirm, reset, email or taken
	Address   string
	CreatedAt time.Time
	ExpiresAt time.Time
	Tries     int // this one included, after TryVerification
	UsedAt    time.Time
}

const verificationColumns = `id, account_id, purpose, address, created_at, expires_at, tries, used_at`

func (v *Verification) dest() []any {
	return []any{scanID(&v.ID), scanID(&v.AccountID), &v.Purpose, &v.Address, scanMS(&v.CreatedAt), scanMS(&v.ExpiresAt), scanInt(&v.Tries), scanMS(&v.UsedAt)}
}

// SQL for verifications. Only the newest of an account and purpose counts.
const (
	insertVerification = `INSERT INTO verifications (id, account_id, purpose, address, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`
	verificationByID   = `SELECT ` + verificationColumns + ` FROM verifications WHERE id = $1`
	newestVerification = `(SELECT MAX(n.id) FROM verifications n WHERE n.account_id = $1 AND n.purpose = $2)`
	latestVerification = `SELECT ` + verificationColumns + ` FROM verifications WHERE id = ` + newestVerification
	tryVerification    = `UPDATE verifications SET tries = tries + 1 WHERE id = ` + newestVerification + `
AND used_at IS NULL AND expires_at > $3 AND tries < $4 RETURNING ` + verificationColumns
	useVerification = `UPDATE verifications SET used_at = $2 WHERE id = $1 AND used_at IS NULL AND expires_at > $2
AND NOT EXISTS (SELECT 1 FROM verifications n WHERE n.account_id = verifications.account_id AND n.purpose = verifications.purpose AND n.id > verifications.id)`
	countVerifications = `SELECT COUNT(*) FROM verifications WHERE account_id = $1 AND purpose = $2 AND id >= $3`
)

// InsertVerification starts a verification; those before it for the same
// account and purpose are void from then on.
func (tx *Tx) InsertVerification(ctx context.Context, v *Verification) error {
	if v.ID == 0 {
		v.ID = tx.NewID()
	}
	if v.CreatedAt.IsZero() {
		v.CreatedAt = tx.Now
	}
	_, err := tx.exec(ctx, insertVerification, int64(v.ID), int64(v.AccountID), v.Purpose, v.Address, v.CreatedAt.UnixMilli(), v.ExpiresAt.UnixMilli())
	return err
}

// Verification returns a verification by id in whatever state, for the mail.
func (r reader) Verification(ctx context.Context, id ID) (*Verification, error) {
	return r.oneVerification(ctx, verificationByID, int64(id))
}

// LatestVerification returns the newest verification of an account and purpose
// in whatever state.
func (r reader) LatestVerification(ctx context.Context, account ID, purpose string) (*Verification, error) {
	return r.oneVerification(ctx, latestVerification, int64(account), purpose)
}

func (r reader) oneVerification(ctx context.Context, text string, args ...any) (*Verification, error) {
	v := new(Verification)
	if err := r.queryRow(ctx, text, args...).Scan(v.dest()...); err != nil {
		return nil, err
	}
	return v, nil
}

// VerificationsSince counts how many codes were sent since then, for limits.
func (r reader) VerificationsSince(ctx context.Context, account ID, purpose string, since time.Time) (n int, err error) {
	err = r.queryRow(ctx, countVerifications, int64(account), purpose, int64(FirstID(since))).Scan(&n)
	return n, err
}

// TryVerification counts a try at the newest code of an account and purpose and
// returns it for comparison. ErrNotFound when there is none, or it is used,
// expired, or was tried five times. It must be committed before the code is
// compared, so that no wrong answer goes uncounted.
func (tx *Tx) TryVerification(ctx context.Context, account ID, purpose string) (*Verification, error) {
	return tx.oneVerification(ctx, tryVerification, int64(account), purpose, tx.Now.UnixMilli(), maxTries)
}

// UseVerification uses a code up, once; ErrNotFound when it was used, has
// expired, or a newer one was sent meanwhile.
func (tx *Tx) UseVerification(ctx context.Context, id ID) error {
	n, err := tx.exec(ctx, useVerification, int64(id), tx.Now.UnixMilli())
	return mustChange(n, err)
}

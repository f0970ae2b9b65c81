package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"time"
)

// NewSecret makes 256 random bits for a session, token, code or link: raw is
// for its owner and is stored nowhere, hash is for the row.
func NewSecret() (raw, hash string) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	raw = base64.RawURLEncoding.EncodeToString(b[:])
	return raw, HashSecret(raw)
}

// HashSecret is the form in which a secret of NewSecret is stored. Such
// secrets cannot be guessed, so a plain hash without salt will do and can be
// looked up.
func HashSecret(raw string) string {
	sum := sha256.Sum256([]byte(raw))
	return hex.EncodeToString(sum[:])
}

// Session is a browser that is signed in.
type Session struct {
	ID        ID
	TokenHash string
	AccountID ID
	UserAgent string
	CreatedAt time.Time
	UsedAt    time.Time // to the day: see TouchSession
	ExpiresAt time.Time
}

// sessionColumns are the columns of sessions under the alias s.
const sessionColumns = `s.id, s.token_hash, s.account_id, s.user_agent, s.created_at, s.used_at, s.expires_at`

func (s *Session) dest() []any {
	return []any{scanID(&s.ID), &s.TokenHash, scanID(&s.AccountID), &s.UserAgent, scanMS(&s.CreatedAt), scanMS(&s.UsedAt), scanMS(&s.ExpiresAt)}
}

// SQL for sessions.
const (
	sessionByToken = `SELECT ` + sessionColumns + `, ` + userColumns + `, ` + accountColumns + `
FROM sessions s JOIN users u ON u.account_id = s.account_id JOIN accounts a ON a.id = s.account_id
WHERE s.token_hash = $1 AND s.expires_at > $2 AND a.suspended_at IS NULL AND a.deleted_at IS NULL`
	sessionsOf    = `SELECT ` + sessionColumns + ` FROM sessions s WHERE s.account_id = $1 AND s.expires_at > $2 ORDER BY s.id DESC LIMIT 100`
	insertSession = `INSERT INTO sessions (id, token_hash, account_id, user_agent, created_at, used_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	touchSession  = `UPDATE sessions SET used_at = $3 WHERE id = $1 AND account_id = $2`
	endSession    = `DELETE FROM sessions WHERE id = $1 AND account_id = $2`
	endSessions   = `DELETE FROM sessions WHERE account_id = $1 AND id <> $2`
)

// SessionByToken tells who a browser is, in one query without a write.
// ErrNotFound for a secret that is unknown, ended or expired, and while the
// account is suspended. Whether the user is Active is for the caller to ask.
func (r reader) SessionByToken(ctx context.Context, raw string) (*Session, *User, *Account, error) {
	s, u, a := new(Session), new(User), new(Account)
	dest := append(append(s.dest(), u.dest()...), a.dest()...)
	if err := r.queryRow(ctx, sessionByToken, HashSecret(raw), r.nowMS()).Scan(dest...); err != nil {
		return nil, nil, nil, err
	}
	return s, u, a, nil
}

// Sessions lists where an account is signed in, newest first, at most 100.
func (r reader) Sessions(ctx context.Context, account ID) ([]*Session, error) {
	rows, err := r.query(ctx, sessionsOf, int64(account), r.nowMS())
	return collect(rows, err, func(rows *sql.Rows) (*Session, error) {
		s := new(Session)
		return s, rows.Scan(s.dest()...)
	})
}

// InsertSession signs a browser in.
func (tx *Tx) InsertSession(ctx context.Context, s *Session) error {
	if s.ID == 0 {
		s.ID = tx.NewID()
	}
	if s.CreatedAt.IsZero() {
		s.CreatedAt, s.UsedAt = tx.Now, tx.Now
	}
	_, err := tx.exec(ctx, insertSession, int64(s.ID), s.TokenHash, int64(s.AccountID), s.UserAgent, s.CreatedAt.UnixMilli(), s.UsedAt.UnixMilli(), s.ExpiresAt.UnixMilli())
	return err
}

// TouchSession notes that a session was used. Call it when UsedAt lies on an
// earlier day, not with every request.
func (tx *Tx) TouchSession(ctx context.Context, account, id ID) error {
	_, err := tx.exec(ctx, touchSession, int64(id), int64(account), tx.Now.UnixMilli())
	return err
}

// EndSession signs one browser of the account out; ErrNotFound if the session
// is not the account's.
func (tx *Tx) EndSession(ctx context.Context, account, id ID) error {
	n, err := tx.exec(ctx, endSession, int64(id), int64(account))
	return mustChange(n, err)
}

// EndSessions signs an account out everywhere but in the session keep, which
// may be 0.
func (tx *Tx) EndSessions(ctx context.Context, account, keep ID) error {
	_, err := tx.exec(ctx, endSessions, int64(account), int64(keep))
	return err
}

package store

import (
	"context"
	"database/sql"
	"time"
)

// ActorKey is a key of an account here; the private half is sealed by who
// makes it, and only they can open it.
type ActorKey struct {
	AccountID     ID
	Kind          string // rsa or ed25519
	Public        string
	PrivateSealed string
	CreatedAt     time.Time
}

// SQL for keys.
const (
	actorKeys = `SELECT account_id, kind, public, private_sealed, created_at FROM actor_keys WHERE account_id = $1 ORDER BY kind`
	// The first pair stays: another process may have made it at the same time.
	insertActorKey      = `INSERT INTO actor_keys (account_id, kind, public, private_sealed, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account_id, kind) DO NOTHING`
	deleteActorProofKey = `DELETE FROM actor_keys WHERE account_id = $1 AND kind = 'ed25519'`
)

// ActorKeys returns the keys of an account, none if it never needed any.
func (r reader) ActorKeys(ctx context.Context, account ID) ([]ActorKey, error) {
	rows, err := r.query(ctx, actorKeys, int64(account))
	return collect(rows, err, func(rows *sql.Rows) (ActorKey, error) {
		var k ActorKey
		err := rows.Scan(scanID(&k.AccountID), &k.Kind, &k.Public, &k.PrivateSealed, scanMS(&k.CreatedAt))
		return k, err
	})
}

// InsertActorKeys stores keys unless the account has some of that kind: those
// are kept, so the caller reads them back.
func (tx *Tx) InsertActorKeys(ctx context.Context, keys []ActorKey) error {
	for _, k := range keys {
		if _, err := tx.exec(ctx, insertActorKey, int64(k.AccountID), k.Kind, k.Public, k.PrivateSealed, tx.Now.UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}

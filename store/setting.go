package store

import (
	"context"
	"database/sql"
	"errors"
)

// SQL for settings, rules and idempotency keys.
const (
	settingByName = `SELECT value FROM settings WHERE name = $1`
	setSetting    = `INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	allRules      = `SELECT id, text FROM rules ORDER BY position, id LIMIT 200`
	deleteRules   = `DELETE FROM rules WHERE id > 0`
	insertRule    = `INSERT INTO rules (id, position, text) VALUES ($1, $2, $3)`
	keepKey       = `INSERT INTO idempotency_keys (account_id, key, post_id, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`
	postOfKey     = `SELECT post_id FROM idempotency_keys WHERE account_id = $1 AND key = $2`
)

// Setting returns what was set under a name, "" if nothing was.
func (r reader) Setting(ctx context.Context, name string) (value string, err error) {
	err = r.queryRow(ctx, settingByName, name).Scan(&value)
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return value, err
}

// SetSetting remembers a value under a name.
func (tx *Tx) SetSetting(ctx context.Context, name, value string) error {
	_, err := tx.exec(ctx, setSetting, name, value)
	return err
}

// Rule is one of the rules people agree to.
type Rule struct {
	ID   ID
	Text string
}

// Rules lists the rules in their order.
func (r reader) Rules(ctx context.Context) ([]Rule, error) {
	rows, err := r.query(ctx, allRules)
	return collect(rows, err, func(rows *sql.Rows) (Rule, error) {
		var rule Rule
		err := rows.Scan(scanID(&rule.ID), &rule.Text)
		return rule, err
	})
}

// SetRules replaces the rules.
func (tx *Tx) SetRules(ctx context.Context, texts []string) error {
	if _, err := tx.exec(ctx, deleteRules); err != nil {
		return err
	}
	for i, text := range texts {
		if _, err := tx.exec(ctx, insertRule, int64(tx.NewID()), i, text); err != nil {
			return err
		}
	}
	return nil
}

// KeepIdempotencyKey remembers which post an account made with a key of its
// client. ErrConflict if the key was used.
func (tx *Tx) KeepIdempotencyKey(ctx context.Context, account ID, key string, post ID) error {
	n, err := tx.exec(ctx, keepKey, int64(account), key, int64(post), tx.Now.UnixMilli())
	if err == nil && n == 0 {
		err = ErrConflict
	}
	return err
}

// IdempotentPost returns the post an account made with that key.
func (r reader) IdempotentPost(ctx context.Context, account ID, key string) (post ID, err error) {
	err = r.queryRow(ctx, postOfKey, int64(account), key).Scan(scanID(&post))
	return post, err
}

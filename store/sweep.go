package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	day = 24 * time.Hour
	// sweepSlice is how many rows one transaction deletes, so that writers
	// beside it wait for milliseconds.
	sweepSlice = 1000
	// maxSlices bounds one kind of rows in one sweep; the next goes on.
	maxSlices = 200
	// sentKept is how long it is remembered where a deleted post went.
	sentKept = 30 * day
)

// sweeps are the rows that have a time to live. Every table that strangers
// can fill is among them or bounded otherwise. $1 is the time before which
// they go, $2 the slice.
var sweeps = []struct {
	rows string
	kept time.Duration
	text string
}{
	{"sessions", 0, deleteBefore("sessions", "id", "expires_at")},
	{"codes sent by mail", day, deleteBefore("verifications", "id", "expires_at")},
	{"links", 30 * day, deleteBefore("links", "token_hash", "expires_at")},
	{"authorization codes", day, deleteBefore("oauth_codes", "code_hash", "expires_at")},
	{"revoked tokens", 30 * day, `DELETE FROM tokens WHERE id IN (SELECT t.id FROM tokens t WHERE t.revoked_at IS NOT NULL AND t.revoked_at < $1 LIMIT $2)`},
	{"apps without a token", 7 * day, `DELETE FROM apps WHERE id IN (SELECT a.id FROM apps a WHERE a.created_at < $1
		AND NOT EXISTS (SELECT 1 FROM tokens t WHERE t.app_id = a.id) AND NOT EXISTS (SELECT 1 FROM oauth_codes c WHERE c.app_id = a.id) LIMIT $2)`},
	{"idempotency keys", day, `DELETE FROM idempotency_keys WHERE created_at < $1 AND (account_id, key) IN
		(SELECT k.account_id, k.key FROM idempotency_keys k WHERE k.created_at < $1 LIMIT $2)`},
	{"ids of activities", 30 * day, deleteBefore("seen_activities", "uri", "seen_at")},
	{"ids of what was deleted before it came", 30 * day, deleteBefore("tombstones", "uri", "deleted_at")},
	{"dead jobs", 30 * day, deleteBefore("dead_jobs", "id", "died_at")},
	{"idle lanes", time.Hour, `DELETE FROM lanes WHERE due_at IS NULL AND lane IN (SELECT l.lane FROM lanes l WHERE l.due_at IS NULL AND l.leased_until < $1 LIMIT $2)`},
}

func deleteBefore(table, key, column string) string {
	return `DELETE FROM ` + table + ` WHERE ` + key + ` IN (SELECT x.` + key + ` FROM ` + table + ` x WHERE x.` + column + ` < $1 LIMIT $2)`
}

const (
	// What we said long ago is asked for by nobody; the end of a membership
	// may still be on its way.
	oldActivities = `DELETE FROM activities WHERE id IN (SELECT a.id FROM activities a WHERE a.id < $1 AND a.kind <> 'end_membership' LIMIT $2)`
	// Loose media was uploaded and never posted.
	looseMedia = `DELETE FROM media WHERE id IN (SELECT m.id FROM media m WHERE m.post_id IS NULL AND m.created_at < $1 LIMIT $2) RETURNING file, preview`
	// Deleted posts, in a window that each sweep moves on.
	longDeleted = `SELECT p.id FROM posts p WHERE p.deleted_at IS NOT NULL AND p.deleted_at >= $1 AND p.deleted_at < $2
		AND EXISTS (SELECT 1 FROM sent s WHERE s.post_id = p.id) LIMIT $3`
	forgetSent = `DELETE FROM sent WHERE post_id = $1`
)

// Sweep deletes what has outlived its time, in slices, and the files of loose
// media. It is run every hour or so. What fails is reported at the end; the
// rest is swept all the same.
func (db *DB) Sweep(ctx context.Context, files *Files) error {
	var failed error
	now := db.now()
	for _, s := range sweeps {
		if err := db.sweepRows(ctx, s.text, now.Add(-s.kept).UnixMilli()); err != nil {
			failed = errors.Join(failed, fmt.Errorf("sweep %s: %w", s.rows, err))
		}
	}
	if err := db.sweepRows(ctx, oldActivities, int64(FirstID(now.Add(-90*day)))); err != nil {
		failed = errors.Join(failed, fmt.Errorf("sweep activities: %w", err))
	}
	if err := db.sweepSent(ctx, now); err != nil {
		failed = errors.Join(failed, fmt.Errorf("sweep sent posts: %w", err))
	}
	if err := db.sweepMedia(ctx, files, now.Add(-day).UnixMilli()); err != nil {
		failed = errors.Join(failed, fmt.Errorf("sweep media: %w", err))
	}
	return failed
}

func (db *DB) sweepRows(ctx context.Context, text string, before int64) error {
	for range maxSlices {
		var n int64
		err := db.Tx(ctx, func(tx *Tx) (err error) {
			n, err = tx.exec(ctx, text, before, sweepSlice)
			return err
		})
		if err != nil || n < sweepSlice {
			return err
		}
	}
	return nil
}

func (db *DB) sweepSent(ctx context.Context, now time.Time) error {
	to := now.Add(-sentKept)
	for range maxSlices {
		var posts []ID
		rows, err := db.query(ctx, longDeleted, to.Add(-sentKept).UnixMilli(), to.UnixMilli(), sweepSlice/10)
		err = each(rows, err, func(rows *sql.Rows) error {
			var id ID
			err := rows.Scan(scanID(&id))
			posts = append(posts, id)
			return err
		})
		if err != nil || len(posts) == 0 {
			return err
		}
		err = db.Tx(ctx, func(tx *Tx) error {
			for _, id := range posts {
				if _, err := tx.exec(ctx, forgetSent, int64(id)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sweepMedia removes the rows first: a file without a row is waste, a row
// without a file is a broken picture.
func (db *DB) sweepMedia(ctx context.Context, files *Files, before int64) error {
	for range maxSlices {
		var names []string
		err := db.Tx(ctx, func(tx *Tx) error {
			names = names[:0]
			rows, err := tx.query(ctx, looseMedia, before, sweepSlice/10)
			return each(rows, err, func(rows *sql.Rows) error {
				var file, preview string
				err := rows.Scan(&file, &preview)
				names = append(names, file, preview)
				return err
			})
		})
		if err != nil || len(names) == 0 {
			return err
		}
		for _, name := range names {
			if name == "" || files == nil {
				continue
			}
			if err := files.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

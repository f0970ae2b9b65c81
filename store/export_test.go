package store

import (
	"context"
	"database/sql"
	"slices"
	"time"
)

// What tests of this package may look at besides its exported door.

// ObserveCommits calls before and after each COMMIT of the SQLite writer.
// fail, if not nil, may make it fail after the statement was sent to nobody.
func (db *DB) ObserveCommits(before func() error, after func(err error)) {
	w := db.writes.(*writer)
	inner := w.commit
	w.commit = func(ctx context.Context) error {
		if err := before(); err != nil {
			return err
		}
		err := inner(ctx)
		after(err)
		return err
	}
}

// Exec runs any statement.
func (tx *Tx) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	return tx.exec(ctx, text, args...)
}

// Scan reads one row.
func (r reader) Scan(ctx context.Context, dest []any, text string, args ...any) error {
	return r.queryRow(ctx, text, args...).Scan(dest...)
}

// ProcessNumber is the leased number of this process.
func (db *DB) ProcessNumber() int {
	db.process.mu.Lock()
	defer db.process.mu.Unlock()
	return db.process.number
}

// ExpireProcess makes the lease of the process number end, as after a long sleep.
func (db *DB) ExpireProcess() {
	db.process.mu.Lock()
	defer db.process.mu.Unlock()
	db.process.until = time.UnixMilli(1)
}

// Crash closes the connections without giving anything back, as a killed
// process does.
func (db *DB) Crash() error {
	close(db.process.quit)
	<-db.process.done
	return db.closePools()
}

// QueueTexts are the statements of the queue, with their arguments, for tests
// of their plans.
func QueueTexts() map[string]string {
	return map[string]string{
		"lease live": leaseLive, "lease sick": leaseSick, "heads": laneHeads, "fence": fenceLane, "delete": deleteJob,
		"empty": emptyLane, "park": parkHost, "free": freeHost, "host parked": hostParked, "wake host": wakeHost, "next due": nextDue,
		"same job": sameJobWaiting, "count lane": countLane, "wake lanes": wakeLanes, "old jobs": oldJobs, "confirm": confirmSent,
	}
}

// Translate adds the sentinel of a driver's error.
func Translate(err error) error { return translate(err) }

// Rows runs a read.
func (r reader) Rows(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	return r.query(ctx, text, args...)
}

// BackupTables are the tables that a backup holds.
func BackupTables() []string { return slices.Clone(backupTables) }

// LeftOut are the tables that it does not.
func LeftOut() []string { return slices.Clone(leftOut) }

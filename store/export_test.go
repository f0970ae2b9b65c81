package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"
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

// Queued is how many use-cases wait for the SQLite writer.
func (db *DB) Queued() int { return len(db.writes.(*writer).queue) }

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

// QueueText is a statement of the queue with arguments for its plan.
type QueueText struct {
	Text string
	Args []any
}

// QueueTexts are the statements of the queue that run often.
func QueueTexts() map[string]QueueText {
	heads := make([]any, leaseBatch)
	for i := range heads {
		heads[i] = "dead1.example#1"
	}
	const lane, host = "dead1.example#1", "dead1.example"
	return map[string]QueueText{
		"lease live":  {leaseLive, []any{2, 1, 16}},
		"lease sick":  {leaseSick, []any{2, 1, 16}},
		"heads":       {laneHeads, heads},
		"fence":       {fenceLane, []any{lane, 1, 1, 1}},
		"delete":      {deleteJob, []any{1}},
		"fail":        {failJob, []any{1, "e", 1}},
		"bury":        {buryJob, []any{1, "e", 1}},
		"empty":       {emptyLane, []any{lane}},
		"due":         {setLaneDue, []any{lane, 1}},
		"park":        {parkHost, []any{host, 1, 1, 1, 1}},
		"free":        {freeHost, []any{host, 1}},
		"host parked": {hostParked, []any{host, 1}},
		"wake host":   {wakeHost, []any{host, 1}},
		"next due":    {nextDue, nil},
		"same job":    {sameJobWaiting, []any{lane, "k", 1, "t", 1}},
		"count lane":  {countLane, []any{lane, 10}},
		"wake lanes":  {wakeLanes, []any{1, 2, 3}},
		"confirm":     {confirmSent, []any{1, 1, "i"}},
		"mark":        {markAttempt, []any{1, "i", "h", 1}},
		"old jobs":    {oldJobs, []any{1, "", "", "", "", 10}},
		"bury old":    {buryOld, []any{1, "", "", "", "", 10}},
		"delete old":  {deleteOld, []any{1, "", "", "", ""}},
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

// LeaseOnly leases what is due, as a turn of Run does, and keeps the leases.
func (w *Worker) LeaseOnly(ctx context.Context) (int, error) {
	leases, err := w.lease(ctx, leaseBatch, leaseBatch/4)
	for _, l := range leases {
		w.begin(l)
		w.take(w.runJob(ctx, l))
	}
	return len(leases), err
}

// FinishLeased writes how those leases ended.
func (w *Worker) FinishLeased(ctx context.Context) (int, error) {
	n := len(w.pending)
	return n, w.record(ctx)
}

// MigrateTo brings an empty database to an older version of the schema.
func MigrateTo(ctx context.Context, c Config, version int64) error {
	if file, ok := strings.CutPrefix(c.URL, "sqlite:"); ok {
		if err := createSQLiteFile(file); err != nil {
			return err
		}
	}
	return up(ctx, c, version)
}

// LatestVersion is that of the program's schema.
func LatestVersion() int64 { return latestVersion() }

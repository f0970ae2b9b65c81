package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Tx is a transaction: every write is a method of it, and every read too.
// It is used by one goroutine and ends when its use-case returns.
//
// A statement that failed dooms the transaction on both databases: the
// use-case may look at the error (ErrConflict, say) but cannot commit. Where
// a conflict is expected, the statement says ON CONFLICT.
type Tx struct {
	// Now is the time of the transaction, fixed when it began.
	Now time.Time
	reader

	db     *DB
	failed error
	after  []func()
	woken  bool // the worker is told of new jobs after the commit
	wrote  kinds
}

// Tx runs f in a transaction and commits it if f returns nil. When Tx returns
// nil, the rows are on the disk (as far as Config.Synchronous promises).
//
// f may be run twice, so it changes nothing outside the transaction: no
// network, no files, no events (see AfterCommit). It must not call DB.Tx. If
// ctx ends before f has begun, f is not run; once it has returned nil, its
// outcome no longer depends on ctx. A panic in f undoes f alone and goes on
// in the caller.
func (db *DB) Tx(ctx context.Context, f func(tx *Tx) error) error {
	if err := db.process.ensure(ctx, db); err != nil {
		return err
	}
	return db.write(ctx, f)
}

// write runs f whatever the number of this process.
func (db *DB) write(ctx context.Context, f func(tx *Tx) error) error {
	return db.condition.met(db.writes.run(ctx, db, f))
}

func newTx(db *DB, q querier) *Tx {
	now := db.Now()
	return &Tx{
		Now:    now,
		reader: reader{q: q, clock: func() time.Time { return now }, pg: !db.sqlite, condition: db.condition},
		db:     db,
	}
}

// call runs the use-case; afterwards tx can no longer be used.
func (tx *Tx) call(f func(*Tx) error) error {
	defer func() { tx.q = endedQuerier{} }()
	watched := &watchedQuerier{tx: tx, inner: tx.q}
	tx.q = watched
	if err := f(tx); err != nil {
		return err
	}
	if tx.failed != nil {
		return fmt.Errorf("a statement of the transaction failed: %w", tx.failed)
	}
	return nil
}

// NewID is a new id.
func (tx *Tx) NewID() ID { return tx.db.ids.next(tx.db.Now()) }

// IDAt is DB.IDAt.
func (tx *Tx) IDAt(t time.Time) ID { return tx.db.IDAt(t) }

// AfterCommit has f run once the transaction is committed, by the goroutine
// that called DB.Tx; if it is not, f is dropped. It is for effects that a
// crash may lose: events to listeners, waking the worker.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

func (tx *Tx) runAfterCommit() {
	tx.db.recent.now.written(tx.wrote)
	for _, f := range tx.after {
		f()
	}
}

// exec runs a write and tells how many rows it touched.
func (tx *Tx) exec(ctx context.Context, text string, args ...any) (int64, error) {
	result, err := tx.q.exec(ctx, text, args)
	if err != nil {
		return 0, translate(err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("rows affected: %w", err)
	}
	return n, nil
}

// watchedQuerier remembers the first failure, and to what was written.
type watchedQuerier struct {
	tx    *Tx
	inner querier
}

func (w *watchedQuerier) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	w.tx.wrote |= kindsWritten(text)
	rows, err := w.inner.query(ctx, text, args)
	w.note(err)
	return rows, err
}

func (w *watchedQuerier) exec(ctx context.Context, text string, args []any) (sql.Result, error) {
	w.tx.wrote |= kindsWritten(text)
	result, err := w.inner.exec(ctx, text, args)
	w.note(err)
	return result, err
}

func (w *watchedQuerier) note(err error) {
	if err != nil && w.tx.failed == nil {
		w.tx.failed = translate(err)
	}
}

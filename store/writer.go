package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// SQLite has one writer at a time, and a commit waits for the disk. So the
// writer is a goroutine that owns the only writing connection: it begins a
// transaction, lets whoever is waiting run one after the other, each inside a
// savepoint, commits once, and only then answers them all: those too that were
// undone, for what they found in their way may be a neighbour's row, which is
// no fact before the commit. Nobody waits for a timer: a group is those who
// came while the last group was being written.
const (
	maxGroup  = 256
	groupTime = 20 * time.Millisecond
	maxQueued = 1024
)

// errAborted is the outcome of a use-case that panicked or ended its goroutine.
var errAborted = errors.New("the use-case did not return")

const (
	waiting = iota
	taken
	abandoned
)

// request is a use-case that wants to write. Its caller runs it, when it gets
// its turn, so that a panic or runtime.Goexit ends the caller and not the writer.
type request struct {
	state  atomic.Int32
	turn   chan struct{} // the writer lets the use-case run
	ran    chan error    // the use-case has returned
	answer chan error    // the group was committed, or why not
}

type writer struct {
	dsn   string
	queue chan *request
	stop  chan struct{}
	done  chan struct{}
	once  sync.Once

	// Of the goroutine alone, and of the use-case whose turn it is.
	pool *sql.DB
	q    *connQuerier
	// commit makes the group durable; tests look on here.
	commit func(ctx context.Context) error
}

func newWriter(ctx context.Context, dsn string) (*writer, error) {
	w := &writer{
		dsn:   dsn,
		queue: make(chan *request, maxQueued),
		stop:  make(chan struct{}),
		done:  make(chan struct{}),
	}
	w.commit = func(ctx context.Context) error { return w.plain(ctx, "COMMIT") }
	if err := w.connect(ctx); err != nil {
		return nil, err
	}
	go w.loop()
	return w, nil
}

// connect opens the connection; it is called again when one was lost.
func (w *writer) connect(ctx context.Context) error {
	pool, err := sql.Open("sqlite", w.dsn)
	if err != nil {
		return err
	}
	pool.SetMaxOpenConns(1)
	conn, err := pool.Conn(ctx)
	if err != nil {
		return errors.Join(err, pool.Close())
	}
	w.pool, w.q = pool, &connQuerier{conn: conn, stmts: map[string]*sql.Stmt{}}
	return nil
}

func (w *writer) disconnect() error {
	return errors.Join(w.q.close(), w.pool.Close())
}

// close lets the groups under way end and refuses later use-cases.
func (w *writer) close() error {
	var err error
	w.once.Do(func() {
		close(w.stop)
		<-w.done
		err = w.disconnect()
	})
	return err
}

// run is called by the use-case's goroutine.
func (w *writer) run(ctx context.Context, db *DB, f func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	req := &request{turn: make(chan struct{}, 1), ran: make(chan error, 1), answer: make(chan error, 1)}
	select {
	case <-w.stop:
		return ErrClosed
	default:
	}
	select {
	case w.queue <- req:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stop:
		return ErrClosed
	}
	if err := w.await(ctx, req); err != nil {
		return err
	}
	tx := newTx(db, w.q)
	if err := w.call(req, tx, f); err != nil {
		if lost := <-req.answer; lost != nil {
			return lost // err may rest on what was lost with the group
		}
		return err
	}
	if err := <-req.answer; err != nil {
		return err
	}
	tx.runAfterCommit()
	return nil
}

// await returns nil when it is the use-case's turn.
func (w *writer) await(ctx context.Context, req *request) error {
	select {
	case <-req.turn:
		return nil
	case err := <-req.answer:
		return err
	case <-w.done:
		// The request may have been put in the queue after its last look.
		return req.abandon(ErrClosed)
	case <-ctx.Done():
		return req.abandon(ctx.Err())
	}
}

// abandon gives up a request unless the writer has taken it already.
func (req *request) abandon(err error) error {
	if req.state.CompareAndSwap(waiting, abandoned) {
		return err
	}
	select {
	case <-req.turn:
		return nil
	case err := <-req.answer:
		return err
	}
}

// call runs f and tells the writer its outcome, whatever way f ends.
func (w *writer) call(req *request, tx *Tx, f func(*Tx) error) (err error) {
	outcome := errAborted
	defer func() { req.ran <- outcome }()
	err = tx.call(f)
	outcome = err
	return err
}

func (w *writer) loop() {
	defer close(w.done)
	for {
		select {
		case req := <-w.queue:
			w.group(req)
		case <-w.stop:
			return
		}
	}
}

// group runs first and whoever waits behind it in one transaction.
func (w *writer) group(first *request) {
	ctx := context.Background()
	if err := w.plain(ctx, "BEGIN IMMEDIATE"); err != nil {
		w.refuse(first, fmt.Errorf("begin: %w", translate(err)))
		w.recoverConn(ctx)
		return
	}
	began := time.Now()
	var ran []*request
	var kept int
	var lost error
	for req := first; req != nil; req = w.next(len(ran), began) {
		if !req.state.CompareAndSwap(waiting, taken) {
			continue
		}
		ran = append(ran, req)
		var ok bool
		if ok, lost = w.one(ctx, req); ok {
			kept++
		}
		if lost != nil {
			break // before another one is taken from the queue, which nobody would answer
		}
	}
	if lost = w.end(ctx, kept, lost); lost != nil {
		lost = fmt.Errorf("commit: %w", translate(lost))
	}
	for _, req := range ran {
		req.answer <- lost
	}
}

// end commits a group, unless it is lost already, and tells whether it is. A
// group of which nothing was kept needs no disk.
func (w *writer) end(ctx context.Context, kept int, lost error) error {
	if lost == nil && kept > 0 {
		lost = w.commit(ctx)
	}
	if lost != nil || kept == 0 && w.plain(ctx, "ROLLBACK") != nil {
		w.recoverConn(ctx)
	}
	return lost
}

// next is another waiting request for this group, or nil.
func (w *writer) next(n int, began time.Time) *request {
	if n >= maxGroup || time.Since(began) > groupTime {
		return nil
	}
	select {
	case req := <-w.queue:
		return req
	default:
		return nil
	}
}

// one runs a use-case in a savepoint. kept: it changed something, perhaps. lost:
// the whole transaction is gone.
func (w *writer) one(ctx context.Context, req *request) (kept bool, lost error) {
	if err := w.plain(ctx, "SAVEPOINT u"); err != nil {
		return false, err // await gives it the answer of the group
	}
	req.turn <- struct{}{}
	if err := <-req.ran; err != nil {
		// SQLite ends the whole transaction by itself on some errors, a
		// full disk among them; then there is no savepoint to go back to.
		lost = w.plain(ctx, "ROLLBACK TO u")
		if lost == nil {
			lost = w.plain(ctx, "RELEASE u")
		}
		switch {
		case lost == nil:
		case ourFault(err):
			lost = err // the neighbours are told what the cause was
		default:
			lost = fmt.Errorf("%w, after %q", lost, err.Error())
		}
		return false, lost
	}
	return true, w.plain(ctx, "RELEASE u")
}

// refuse answers a request that was not run.
func (w *writer) refuse(req *request, err error) {
	if req.state.CompareAndSwap(waiting, taken) {
		req.answer <- err
	}
}

// recoverConn ends what is left of a transaction. If that fails for another
// reason than that there is none, the connection is replaced.
func (w *writer) recoverConn(ctx context.Context) {
	_ = w.plain(ctx, "ROLLBACK") // an error here says only that none is open
	if w.plain(ctx, "SELECT 1") == nil {
		return
	}
	old, oldConn := w.pool, w.q
	if w.connect(ctx) == nil {
		_, _ = oldConn.close(), old.Close()
	}
}

func (w *writer) plain(ctx context.Context, text string) error {
	_, err := w.q.exec(ctx, text, nil)
	return err
}

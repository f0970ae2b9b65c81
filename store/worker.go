package store

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	defaultConcurrency = 32
	jobTimeout         = time.Minute
	// A lease outlives the handler's deadline: whoever keeps to it never
	// loses its lane.
	leaseTime = jobTimeout + 30*time.Second
	// pollEvery bounds how long a job of another process waits to be seen.
	pollEvery = time.Second
	// drainTime is how long Run lets handlers finish when it is told to end;
	// then they are cancelled and have killTime to return.
	drainTime = 10 * time.Second
	killTime  = 2 * time.Second
)

// Handler does a job. It answers nil (done), a *RetryError or an error that
// wraps ErrTemporary (later), one that wraps ErrDrop (deleted silently), or
// any other error (dead; for a delivery it means that the host answered). It
// must end when ctx does, within a minute, and may be run again for a job it
// has done already: a crash can come between the two.
type Handler func(ctx context.Context, job Job) error

// WorkerConfig tells a worker what to do.
type WorkerConfig struct {
	Handlers map[string]Handler // by kind; jobs of other kinds become dead
	// Concurrency is how many jobs run at once; 0 means 32.
	Concurrency int
	Log         *slog.Logger
	// Permanent kinds are never given up: the end of a membership, without
	// which nothing more of that circle may go to that host. At most
	// maxPermanent of the kinds in Handlers are.
	Permanent func(kind string) bool
}

// Worker runs the jobs. A process has one; several processes may share a
// database.
type Worker struct {
	db        *DB
	handlers  map[string]Handler
	limit     int
	log       *slog.Logger
	permanent map[string]bool

	started atomic.Bool
	once    sync.Once
	stop    chan struct{} // closed: no more leases
	done    chan struct{} // closed: Run has returned
	ended   chan ending
	alive   context.Context // of the handlers
	kill    context.CancelFunc

	// Of the goroutine of Run, or RunOnce.
	hosts   map[string]*hostState
	kinds   map[string]int // how many run of those without a host
	running int
	sick    int       // of those, on lanes of hosts that do not answer
	pending []outcome // not written yet
	buried  time.Time // when old jobs were last looked for
}

// NewWorker makes a worker that does nothing until Run.
func NewWorker(db *DB, c WorkerConfig) *Worker {
	w := &Worker{
		db: db, handlers: c.Handlers, limit: c.Concurrency, log: c.Log, permanent: map[string]bool{},
		stop: make(chan struct{}), done: make(chan struct{}), hosts: map[string]*hostState{}, kinds: map[string]int{},
	}
	if w.limit <= 0 {
		w.limit = defaultConcurrency
	}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	for kind := range c.Handlers {
		if c.Permanent != nil && c.Permanent(kind) && len(w.permanent) < maxPermanent {
			w.permanent[kind] = true
		}
	}
	w.ended = make(chan ending, w.limit)
	w.alive, w.kill = context.WithCancel(context.Background())
	return w
}

// Wake has the worker look for due jobs now.
func (w *Worker) Wake() { w.db.signalJobs() }

// Run runs jobs until ctx ends or Drain is called, then lets those under way
// finish for up to ten seconds; what has not finished by then is run again
// later. It is called once.
func (w *Worker) Run(ctx context.Context) error {
	w.started.Store(true)
	defer close(w.done)
	defer w.kill()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(w.turn(ctx))
		select {
		case <-ctx.Done():
			w.refuseLeases()
		case <-w.stop:
		case <-w.db.jobsReady:
		case <-timer.C:
		case e := <-w.ended:
			w.take(e)
		}
		w.gather()
		select {
		case <-w.stop:
			return w.finishAll(context.WithoutCancel(ctx))
		default:
		}
	}
}

// Drain ends Run: no job is begun any more, those under way may finish until
// ctx ends and are cancelled then. It returns when Run has, or ctx's error.
func (w *Worker) Drain(ctx context.Context) error {
	w.refuseLeases()
	if !w.started.Load() {
		return nil
	}
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
	}
	w.kill()
	late := time.NewTimer(killTime)
	defer late.Stop()
	select {
	case <-w.done:
	case <-late.C:
	}
	return ctx.Err()
}

func (w *Worker) refuseLeases() { w.once.Do(func() { close(w.stop) }) }

// gather takes what else has ended, so that one transaction ends them all.
func (w *Worker) gather() {
	for {
		select {
		case e := <-w.ended:
			w.take(e)
		default:
			return
		}
	}
}

// finishAll waits for the handlers under way and writes how they ended.
func (w *Worker) finishAll(ctx context.Context) error {
	limit := time.NewTimer(drainTime)
	defer limit.Stop()
	for killed := false; w.running > 0; {
		select {
		case e := <-w.ended:
			w.take(e)
			w.gather()
			continue
		case <-w.alive.Done():
		case <-limit.C:
		}
		if !killed {
			killed = true
			w.kill()
			limit.Reset(killTime)
		} else if !w.receiveUntil(limit.C) {
			break // their leases will end
		}
	}
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	return w.record(ctx)
}

// receiveUntil takes one more ending, or returns false when the time is up.
func (w *Worker) receiveUntil(limit <-chan time.Time) bool {
	select {
	case e := <-w.ended:
		w.take(e)
		return true
	case <-limit:
		return false
	}
}

// RunOnce runs everything that is due, one job after the other, including
// what those jobs enqueue, and returns how many it ran. It is for tests and
// must not be used beside Run.
func (w *Worker) RunOnce(ctx context.Context) (int, error) {
	for ran := 0; ; ran++ {
		leases, err := w.lease(ctx, 1, 1)
		if err != nil || len(leases) == 0 {
			return ran, err
		}
		l := leases[0]
		if l.back {
			w.start(l)
			ran--
			continue
		}
		w.begin(l)
		w.take(w.runJob(ctx, l))
		if err := w.record(ctx); err != nil {
			return ran + 1, err
		}
	}
}

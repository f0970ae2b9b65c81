package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

const (
	// A job that an answering host refuses so often is at fault itself.
	maxRefusals = 3
	// newHostLimit bounds the requests under way to a host that has not
	// answered yet, so that hanging hosts do not take all places.
	newHostLimit = 2
	maxHosts     = 10_000
	// kindShare is the part of the places that jobs of one kind may have which are no deliveries: they may ask hosts
	// that no lane is of and that hang.
	kindShare  = 8
	hostProven = time.Hour
	// A first failure right after others got through is the job's own.
	hostFresh = time.Minute
	// How long a lane waits that was leased while its host, or its kind, had enough.
	crowdedKind = 200 * time.Millisecond
	crowdedLive = time.Second
	crowdedSick = 30 * time.Second
	// How long a lane waits whose post was being edited or deleted when it was leased.
	lockedWait   = 50 * time.Millisecond
	maxWait      = 24 * time.Hour
	maxPermanent = 4
	maxJobAge    = 7 * 24 * time.Hour
	buryEvery    = 10 * time.Minute
	burySlice    = 10_000
)

// hostState is what this worker knows of a host. It is a hint: the rows say
// what is true.
type hostState struct {
	running int
	okAt    time.Time
	parked  bool
}

// turn writes what has ended, leases and starts what is due, and tells how
// long to wait for the next look.
func (w *Worker) turn(ctx context.Context) time.Duration {
	if err := w.bury(ctx); err != nil {
		w.log.Error("burying old jobs", "err", err)
	}
	live := w.limit - w.running
	sick := min(live, max(w.limit/4, 1)-w.sick)
	if len(w.pending) == 0 {
		if wait, err := w.untilDue(ctx); err == nil && wait > 0 {
			return wait
		}
	}
	wrote := len(w.pending) > 0
	leases, err := w.lease(ctx, live, sick)
	if err != nil {
		if ctx.Err() == nil {
			w.log.Error("leasing jobs", "err", err)
		}
		return pollEvery
	}
	for _, l := range leases {
		w.start(l)
	}
	switch {
	case len(w.pending) > 0:
		return 0 // put-back lanes
	case (wrote || len(leases) > 0) && w.running < w.limit:
		return 0 // there may be more, and what was put back is due soon
	}
	return pollEvery
}

// untilDue is how long nothing will be due, at most pollEvery.
func (w *Worker) untilDue(ctx context.Context) (time.Duration, error) {
	var due time.Time
	if err := w.db.queryRow(ctx, nextDue).Scan(scanMS(&due)); err != nil || due.IsZero() {
		return pollEvery, err
	}
	return min(due.Sub(w.db.now()), pollEvery), nil
}

// record writes the pending outcomes without leasing anything.
func (w *Worker) record(ctx context.Context) error {
	_, err := w.lease(ctx, 0, 0)
	return err
}

// lease writes the pending outcomes and leases lanes, in one transaction.
func (w *Worker) lease(ctx context.Context, live, sick int) ([]lease, error) {
	// Sorted, so that two workers lock the lanes in the same order.
	slices.SortFunc(w.pending, func(a, b outcome) int { return strings.Compare(a.lane, b.lane) })
	if len(w.pending) == 0 && live <= 0 {
		return nil, nil
	}
	var leases []lease
	err := w.db.Tx(ctx, func(tx *Tx) error {
		leases = leases[:0]
		for _, o := range w.pending {
			if err := tx.finish(ctx, o); err != nil {
				return fmt.Errorf("finish a job of %s: %w", o.lane, err)
			}
		}
		for _, part := range []struct {
			sick bool
			n    int
		}{{false, live}, {true, sick}} {
			n := min(part.n, live-len(leases))
			if n <= 0 {
				continue
			}
			got, err := tx.leaseLanes(ctx, part.sick, n, tx.Now.Add(leaseTime))
			if err != nil {
				return err
			}
			leases = append(leases, got...)
		}
		w.admit(leases)
		return tx.markAttempts(ctx, leases)
	})
	if err != nil {
		return nil, err
	}
	w.pending = w.pending[:0]
	return leases, nil
}

// admit decides which leased jobs are not begun: none is there, or their host or their kind has enough. It is decided before
// anything is noted about them, and may be decided twice.
func (w *Worker) admit(leases []lease) {
	running, kinds := make(map[string]int, len(leases)), make(map[string]int)
	for i := range leases {
		l := &leases[i]
		l.back, l.wait = l.job.ID == 0, 0 // an empty lane that was due
		if l.back {
			continue
		}
		if kind := l.job.Kind; l.host == "" {
			if w.kinds[kind]+kinds[kind] >= max(w.limit/kindShare, 1) {
				l.back, l.wait = true, crowdedKind
				continue
			}
			kinds[kind]++
			continue
		}
		host := w.host(l.host)
		limit, wait := newHostLimit, crowdedLive
		switch {
		case l.failures > 0:
			limit, wait = 1, crowdedSick
		case w.db.now().Sub(host.okAt) < hostProven:
			limit = lanesPerHost
		}
		if host.running+running[l.host] >= limit {
			l.back, l.wait = true, wait
			continue
		}
		running[l.host]++
	}
}

// start runs a leased job, or puts its lane back.
func (w *Worker) start(l lease) {
	if l.back {
		w.pending = append(w.pending, outcome{lease: l, verdict: jobReturned, after: l.wait})
		return
	}
	w.begin(l)
	go func() { w.ended <- w.runJob(w.alive, l) }()
}

// begin counts a job that begins; take counts it back.
func (w *Worker) begin(l lease) {
	w.running++
	if l.failures > 0 {
		w.sick++
	}
	if l.host != "" {
		w.host(l.host).running++
	} else {
		w.kinds[l.job.Kind]++
	}
}

// ending is how a handler ended.
type ending struct {
	lease
	err         error
	interrupted bool // by us; the job is run again
}

// take judges the end of a job and keeps the outcome to be written.
func (w *Worker) take(e ending) {
	w.running--
	if e.failures > 0 {
		w.sick--
	}
	host := &hostState{}
	if e.host != "" {
		host = w.host(e.host)
		host.running--
	} else {
		w.kinds[e.job.Kind]--
	}
	o := w.judge(e, host)
	switch o.verdict {
	case jobDone:
		o.free = e.failures > 0 || host.parked
	case jobDead:
		o.free = answered(e.err) && (e.failures > 0 || host.parked)
	case jobParked:
		host.parked = true
	case jobDropped, jobLater, jobReturned:
	}
	if o.verdict == jobDone || o.verdict == jobDead && answered(e.err) {
		host.okAt = w.db.now()
		host.parked = host.parked && !o.free
	}
	w.pending = append(w.pending, o)
	if e.err != nil && o.verdict != jobDropped && o.verdict != jobReturned {
		level := slog.LevelInfo
		if o.verdict == jobDead {
			level = slog.LevelWarn
		}
		w.log.Log(context.Background(), level, "job failed", "kind", e.job.Kind, "object", e.job.ObjectID, "host", e.host,
			"attempts", e.job.Attempts+1, "dead", o.verdict == jobDead, "err", e.err)
	}
}

// host is the state of a host; what is known of idle ones may be forgotten.
func (w *Worker) host(name string) *hostState {
	state := w.hosts[name]
	if state != nil {
		return state
	}
	if len(w.hosts) >= maxHosts {
		for other, s := range w.hosts {
			if s.running == 0 {
				delete(w.hosts, other)
			}
		}
	}
	state = &hostState{}
	w.hosts[name] = state
	return state
}

// runJob calls the handler.
func (w *Worker) runJob(ctx context.Context, l lease) ending {
	limited, cancel := context.WithTimeout(ctx, jobTimeout)
	defer cancel()
	err := w.call(limited, l.job)
	return ending{lease: l, err: err, interrupted: err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled)}
}

// panicError is a handler's panic.
type panicError struct{ value any }

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// noHandlerError is a job of an unknown kind.
type noHandlerError struct{ kind string }

func (e *noHandlerError) Error() string { return fmt.Sprintf("no handler for jobs of kind %q", e.kind) }

func (w *Worker) call(ctx context.Context, job Job) (err error) {
	handler := w.handlers[job.Kind]
	if handler == nil {
		return &noHandlerError{job.Kind}
	}
	defer func() {
		if value := recover(); value != nil {
			w.log.Error("job panicked", "kind", job.Kind, "object", job.ObjectID, "panic", value, "stack", string(debug.Stack()))
			err = &panicError{value}
		}
	}()
	return handler(ctx, job)
}

// judge decides what becomes of a job.
func (w *Worker) judge(e ending, host *hostState) outcome {
	o := outcome{lease: e.lease, shift: rand.IntN(lanesPerHost)}
	if e.err == nil {
		return o // jobDone
	}
	o.text = clip(e.err.Error(), maxError)
	var retry *RetryError
	asked := errors.As(e.err, &retry) && retry.After > 0
	_, more := RetryAfter(e.job.Attempts + 1)
	// The host has answered others since the job failed last.
	refused := e.job.Attempts > 0 && host.okAt.After(e.job.FailedAt)
	switch {
	case e.interrupted:
		o.verdict = jobReturned
		return o
	case errors.Is(e.err, ErrDrop):
		o.verdict = jobDropped
		return o
	case ourFault(e.err):
		o.verdict = jobLater
	case !temporary(e.err), !more, refused && !asked && e.job.Attempts+1 >= maxRefusals:
		o.verdict = jobDead
	case e.host == "" || refused || e.job.Attempts == 0 && w.db.now().Sub(host.okAt) < hostFresh:
		o.verdict = jobLater
	default:
		o.verdict = jobParked
	}
	if o.verdict == jobDead {
		if !w.permanent[e.job.Kind] {
			return o
		}
		o.verdict = jobLater
	}
	o.after = waitFor(o, retry)
	return o
}

// waitFor is how long the lane waits, with jitter so that what failed
// together does not come back together.
func waitFor(o outcome, retry *RetryError) time.Duration {
	failures := o.job.Attempts + 1
	if o.verdict == jobParked {
		failures = o.failures + 1
	}
	wait, _ := RetryAfter(failures)
	if retry != nil && retry.After > 0 {
		wait = min(max(retry.After, time.Second), maxWait)
	}
	return wait + time.Duration(rand.Int64N(int64(wait/5)+1))
}

// temporary: the handler says so, or did not end in time.
func temporary(err error) bool {
	return errors.Is(err, ErrTemporary) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// ourFault: the database failed, which tells nothing about the host.
func ourFault(err error) bool {
	for _, fault := range []error{ErrBusy, ErrFull, ErrReadOnly, ErrUnreachable, ErrClosed} {
		if errors.Is(err, fault) {
			return true
		}
	}
	return false
}

// answered: the failure is the host's answer, not a fault of the program.
func answered(err error) bool {
	var panicked *panicError
	var unknown *noHandlerError
	return !errors.As(err, &panicked) && !errors.As(err, &unknown)
}

// clip shortens a text for a row, at a whole character.
func clip(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "")
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "�")
}

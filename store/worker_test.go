package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

// clock is a time that tests move.
type clock struct{ ms atomic.Int64 }

func newClock(db *store.DB) *clock {
	c := &clock{}
	c.ms.Store(time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC).UnixMilli())
	db.Now = func() time.Time { return time.UnixMilli(c.ms.Load()) }
	return c
}

func (c *clock) add(d time.Duration) { c.ms.Add(d.Milliseconds()) }

func enqueueTo(t *testing.T, db *store.DB, kind string, object, actor store.ID, inboxes ...store.Inbox) {
	t.Helper()
	ctx := context.Background()
	if err := db.Tx(ctx, func(tx *store.Tx) error { return tx.EnqueueTo(ctx, kind, object, actor, inboxes) }); err != nil {
		t.Fatal(err)
	}
}

func inbox(host string) store.Inbox {
	return store.Inbox{Host: host, URL: "https://" + host + "/inbox"}
}

func runOnce(t *testing.T, w *store.Worker, want int) {
	t.Helper()
	ran, err := w.RunOnce(context.Background())
	if err != nil || ran != want {
		t.Errorf("ran %d, %v, want %d", ran, err, want)
	}
}

func waitingJobs(t *testing.T, db *store.DB, host string) []store.Job {
	t.Helper()
	jobs, err := db.Jobs(context.Background(), store.JobFilter{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

func deadJobs(t *testing.T, db *store.DB) []store.DeadJob {
	t.Helper()
	jobs, err := db.DeadJobs(context.Background(), store.JobFilter{})
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

func TestRetryAfter(t *testing.T) {
	var sum, last time.Duration
	n := 0
	for {
		wait, more := store.RetryAfter(n + 1)
		if wait < last {
			t.Errorf("wait %d is %v after %v", n+1, wait, last)
		}
		last = wait
		if !more {
			break
		}
		sum += wait
		n++
	}
	if first, _ := store.RetryAfter(1); first != time.Minute {
		t.Errorf("the first wait is %v", first)
	}
	if sum < 6*24*time.Hour || sum > 7*24*time.Hour {
		t.Errorf("%d tries over %v", n, sum)
	}
	for _, odd := range []int{-1, 0} {
		if wait, more := store.RetryAfter(odd); wait != time.Minute || !more {
			t.Errorf("RetryAfter(%d) = %v, %v", odd, wait, more)
		}
	}
}

// What each answer of a handler does to its job.
func TestVerdicts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clock := newClock(db)
		ctx := context.Background()
		cases := map[string]struct {
			answer  func(ctx context.Context) error
			waiting bool
			dead    string
			wait    time.Duration // at least, and at most a fifth more
		}{
			"done":        {answer: func(context.Context) error { return nil }},
			"dropped":     {answer: func(context.Context) error { return fmt.Errorf("gone: %w", store.ErrDrop) }},
			"temporary":   {answer: func(context.Context) error { return fmt.Errorf("503: %w", store.ErrTemporary) }, waiting: true, wait: time.Minute},
			"later":       {answer: func(context.Context) error { return &store.RetryError{After: time.Hour} }, waiting: true, wait: time.Hour},
			"absurd":      {answer: func(context.Context) error { return &store.RetryError{After: 1000 * time.Hour} }, waiting: true, wait: 24 * time.Hour},
			"refused":     {answer: func(context.Context) error { return errors.New("404") }, dead: "404"},
			"panic":       {answer: func(context.Context) error { panic("oh") }, dead: "panic: oh"},
			"unknown":     {dead: `no handler for jobs of kind "unknown"`},
			"busy":        {answer: func(context.Context) error { return fmt.Errorf("look: %w", store.ErrFull) }, waiting: true, wait: time.Minute},
			"long":        {answer: func(context.Context) error { return errors.New(strings.Repeat("é", 1000)) }, dead: strings.Repeat("é", 250)},
			"not text":    {answer: func(context.Context) error { return errors.New("a\x00b\xffc") }, dead: "ab�c"},
			"timed out":   {answer: func(context.Context) error { return context.DeadlineExceeded }, waiting: true, wait: time.Minute},
			"retry panic": {answer: func(context.Context) error { panic(&store.RetryError{After: time.Hour}) }, dead: "panic: temporary failure"},
		}
		handlers := map[string]store.Handler{}
		for kind, c := range cases {
			if c.answer != nil {
				handlers[kind] = func(ctx context.Context, job store.Job) error {
					if job.Kind != kind || job.Host != kind+".example" || job.Target != "https://"+kind+".example/inbox" || job.ObjectID != 7 {
						t.Errorf("job %+v", job)
					}
					return c.answer(ctx)
				}
			}
			enqueueTo(t, db, kind, 7, db.NewID(), inbox(kind+".example"))
		}
		w := store.NewWorker(db, store.WorkerConfig{Handlers: handlers})
		runOnce(t, w, len(cases))
		dead := map[string]string{}
		for _, j := range deadJobs(t, db) {
			dead[j.Kind] = j.LastError
		}
		for kind, c := range cases {
			jobs := waitingJobs(t, db, kind+".example")
			if (len(jobs) == 1) != c.waiting || dead[kind] != c.dead {
				t.Errorf("%s: waiting %v, dead %q", kind, jobs, dead[kind])
			}
			if !c.waiting {
				continue
			}
			var due int64
			if err := db.Scan(ctx, []any{&due}, `SELECT due_at FROM lanes WHERE host = $1`, kind+".example"); err != nil {
				t.Fatal(err)
			}
			if wait := time.Duration(due-clock.ms.Load()) * time.Millisecond; wait < c.wait || wait > c.wait*6/5+time.Second {
				t.Errorf("%s: waits %v, want %v", kind, wait, c.wait)
			}
			if jobs[0].Attempts != 1 || jobs[0].LastError == "" {
				t.Errorf("%s: %+v", kind, jobs[0])
			}
		}
		runOnce(t, w, 0)
	})
}

// Jobs that another process enqueues are seen without being told.
func TestJobsOfAnotherProcess(t *testing.T) {
	c := storetest.Config(t)
	ctx := context.Background()
	server, err := store.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan time.Time, 1)
	w := store.NewWorker(server, store.WorkerConfig{Handlers: map[string]store.Handler{"mail": func(context.Context, store.Job) error {
		ran <- time.Now()
		return nil
	}}})
	run, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- w.Run(run) }()
	cli, err := store.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := cli.Tx(ctx, func(tx *store.Tx) error { return tx.Enqueue(ctx, "mail", 1, "", "mail#0", tx.Now) }); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if d := (<-ran).Sub(begun); d > 2*time.Second {
		t.Errorf("seen after %v", d)
	}
	cancel()
	if err := errors.Join(<-ended, cli.Close(), server.Close()); err != nil {
		t.Error(err)
	}
}

func TestDrain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		started, quick := make(chan string, 10), make(chan struct{})
		w := store.NewWorker(db, store.WorkerConfig{Handlers: map[string]store.Handler{"create": func(ctx context.Context, job store.Job) error {
			started <- job.Host
			if job.Host == "slow.example" {
				<-ctx.Done() // ends only when it is cancelled
				return ctx.Err()
			}
			close(quick)
			return nil
		}}})
		enqueueTo(t, db, "create", 1, 1, inbox("slow.example"), inbox("quick.example"))
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		<-started
		<-started
		limited, cancel := context.WithCancel(ctx)
		drained := make(chan error, 1)
		go func() { drained <- w.Drain(limited) }()
		<-quick
		cancel()
		if err := <-drained; !errors.Is(err, context.Canceled) {
			t.Errorf("drain: %v", err)
		}
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
		if n := len(waitingJobs(t, db, "quick.example")); n != 0 {
			t.Errorf("the job that finished is still there")
		}
		slow := waitingJobs(t, db, "slow.example")
		if len(slow) != 1 || slow[0].Attempts != 0 {
			t.Errorf("the interrupted job: %+v", slow)
		}
		var due int
		if err := db.Scan(ctx, []any{&due}, `SELECT COUNT(*) FROM lanes WHERE due_at <= $1 AND leased_until = 0`, db.Now().UnixMilli()); err != nil || due != 1 {
			t.Errorf("%d lanes are due again, %v", due, err)
		}
		if err := store.NewWorker(db, store.WorkerConfig{}).Drain(ctx); err != nil {
			t.Errorf("a worker that never ran: %v", err)
		}
	})
}

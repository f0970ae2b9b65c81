package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
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

// Jobs of one signing actor to one host run in order and one at a time, and
// at most eight to a host.
func TestOrderAndInFlight(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const actors, jobs, hosts = 20, 5, 3
		ctx := context.Background()
		var mu sync.Mutex
		lanes := map[string]int{}          // in flight
		flight := map[string]int{}         // by host
		most := map[string]int{}           // by host
		order := map[string][]store.ID{}   // by lane
		objects := map[string][]store.ID{} // by actor (kind) and host
		var left atomic.Int32
		left.Store(actors * jobs * hosts)
		finished := make(chan struct{})
		handler := func(ctx context.Context, job store.Job) error {
			mu.Lock()
			lanes[job.Lane]++
			flight[job.Host]++
			most[job.Host] = max(most[job.Host], flight[job.Host])
			if lanes[job.Lane] > 1 {
				t.Errorf("two jobs of lane %s at once", job.Lane)
			}
			order[job.Lane] = append(order[job.Lane], job.ID)
			mu.Unlock()
			// Let others in.
			for range 3 {
				if err := db.Scan(ctx, []any{new(int)}, `SELECT COUNT(*) FROM lanes`); err != nil {
					t.Error(err)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			lanes[job.Lane]--
			flight[job.Host]--
			key := job.Host + job.Target[strings.LastIndex(job.Target, "?"):]
			objects[key] = append(objects[key], job.ObjectID)
			if left.Add(-1) == 0 {
				close(finished)
			}
			return nil
		}
		w := store.NewWorker(db, store.WorkerConfig{Handlers: map[string]store.Handler{"create": handler}, Concurrency: 32})
		run, cancel := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- w.Run(run) }()
		for i := range jobs {
			for a := range actors {
				actor := store.ID(a<<16 | 1<<40)
				var to []store.Inbox
				for h := range hosts {
					host := fmt.Sprintf("h%d.example", h)
					to = append(to, store.Inbox{Host: host, URL: fmt.Sprintf("https://%s/inbox?%d", host, a)})
				}
				enqueueTo(t, db, "create", store.ID(i+1), actor, to...)
			}
		}
		<-finished
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		for lane, ids := range order {
			if !slices.IsSorted(ids) {
				t.Errorf("lane %s ran %v", lane, ids)
			}
		}
		for key, ids := range objects {
			if !slices.Equal(ids, []store.ID{1, 2, 3, 4, 5}) {
				t.Errorf("%s got %v", key, ids)
			}
		}
		for host, n := range most {
			if n > 8 {
				t.Errorf("%d at once to %s", n, host)
			}
		}
		if n := len(waitingJobs(t, db, "")); n != 0 {
			t.Errorf("%d jobs left", n)
		}
		stats, err := db.QueueStats(ctx)
		if err != nil || stats != (store.QueueStats{}) {
			t.Errorf("%+v, %v", stats, err)
		}
	})
}

// A host that does not answer is parked as a whole and probed by one lane at
// a time; when a probe gets through, all its lanes go on.
func TestParking(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clock := newClock(db)
		ctx, start := context.Background(), clock.ms.Load()
		up := false
		tried := map[string]int{}
		handler := func(_ context.Context, job store.Job) error {
			tried[job.Host]++
			if job.Host == "down.example" && !up {
				return fmt.Errorf("no answer: %w", store.ErrTemporary)
			}
			return nil
		}
		w := store.NewWorker(db, store.WorkerConfig{Handlers: map[string]store.Handler{"create": handler}})
		for a := range 8 {
			for i := range 3 {
				enqueueTo(t, db, "create", store.ID(i+1), store.ID(a<<16), inbox("down.example"), inbox("up.example"))
			}
		}
		runOnce(t, w, 25)
		if tried["down.example"] != 1 || tried["up.example"] != 24 {
			t.Fatalf("tried %v", tried)
		}
		// Over an hour a dead host costs a handful of probes.
		for range 60 {
			clock.add(time.Minute)
			if _, err := w.RunOnce(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if n := tried["down.example"]; n < 3 || n > 6 {
			t.Errorf("%d tries in an hour", n)
		}
		// Another lane each time.
		heads := 0
		for _, j := range waitingJobs(t, db, "down.example") {
			if j.Attempts > 0 {
				heads++
			}
		}
		if heads < 2 {
			t.Errorf("only %d lanes were tried", heads)
		}
		up = true
		before := tried["down.example"]
		for tried["down.example"] == before && clock.ms.Load() < start+25*time.Hour.Milliseconds() {
			clock.add(time.Minute)
			if _, err := w.RunOnce(ctx); err != nil {
				t.Fatal(err)
			}
		}
		// The first that got through freed the others at once.
		if n := tried["down.example"] - before; n != 24 {
			t.Errorf("after it came back %d of 24 were sent", n)
		}
		if n := len(deadJobs(t, db)); n != 0 {
			t.Errorf("%d dead jobs", n)
		}
	})
}

func TestWakeHost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clock := newClock(db)
		ctx := context.Background()
		up := false
		w := store.NewWorker(db, store.WorkerConfig{Handlers: map[string]store.Handler{"create": func(context.Context, store.Job) error {
			if !up {
				return store.ErrTemporary
			}
			return nil
		}}})
		wake := func(host string) {
			t.Helper()
			if err := db.Tx(ctx, func(tx *store.Tx) error { return tx.WakeHost(ctx, host) }); err != nil {
				t.Fatal(err)
			}
		}
		for a := range 8 {
			enqueueTo(t, db, "create", 1, store.ID(a<<16), inbox("a.example"), inbox("b.example"))
		}
		runOnce(t, w, 2)
		wake("")
		wake("unknown.example")
		runOnce(t, w, 0)
		up = true
		wake("a.example")
		runOnce(t, w, 8)
		if n := len(waitingJobs(t, db, "b.example")); n != 8 {
			t.Errorf("%d jobs of the other host wait", n)
		}
		// A host that sends but does not answer is probed once a minute.
		up = false
		wake("b.example")
		ran, err := w.RunOnce(ctx)
		if err != nil || ran < 1 {
			t.Fatal(ran, err)
		}
		for range 10 {
			clock.add(5 * time.Second)
			wake("b.example")
			runOnce(t, w, 0)
		}
	})
}

// One job that a host cannot digest does not hold up the others, and dies
// after three tries.
func TestPoison(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clock := newClock(db)
		ctx := context.Background()
		var sent int
		handler := func(_ context.Context, job store.Job) error {
			if job.ObjectID == 666 {
				return fmt.Errorf("500: %w", store.ErrTemporary)
			}
			sent++
			return nil
		}
		w := store.NewWorker(db, store.WorkerConfig{
			Handlers:  map[string]store.Handler{"create": handler, "end_membership": handler},
			Permanent: func(kind string) bool { return kind == "end_membership" },
		})
		enqueueTo(t, db, "create", 666, 3<<16, inbox("a.example"))
		enqueueTo(t, db, "create", 1, 3<<16, inbox("a.example")) // behind it
		enqueueTo(t, db, "end_membership", 666, 4<<16, inbox("a.example"))
		enqueueTo(t, db, "create", 2, 4<<16, inbox("a.example")) // blocked for good
		for minute := range 24 * 60 {
			if minute%10 == 0 {
				enqueueTo(t, db, "create", 9, 5<<16, inbox("a.example"))
			}
			if _, err := w.RunOnce(ctx); err != nil {
				t.Fatal(err)
			}
			clock.add(time.Minute)
		}
		dead := deadJobs(t, db)
		// Three tries, or a few more where nothing else got through in between.
		if len(dead) != 1 || dead[0].ObjectID != 666 || dead[0].Kind != "create" || dead[0].Attempts < 3 || dead[0].Attempts > 5 ||
			dead[0].DiedAt.Sub(dead[0].ID.Time()) > 3*time.Hour {
			t.Errorf("dead: %+v", dead)
		}
		waiting := waitingJobs(t, db, "a.example")
		if len(waiting) < 2 || waiting[0].Kind != "end_membership" || waiting[1].ObjectID != 2 {
			t.Errorf("%d waiting, first %+v", len(waiting), waiting[:min(len(waiting), 2)])
		}
		if sent < 100 {
			t.Errorf("only %d others were sent in a day", sent)
		}
	})
}

// A host that is down for days loses nothing, then everything older than seven days.
func TestOldJobsAreBuried(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clock := newClock(db)
		ctx := context.Background()
		handler := func(context.Context, store.Job) error { return store.ErrTemporary }
		w := store.NewWorker(db, store.WorkerConfig{
			Handlers:  map[string]store.Handler{"create": handler, "end_membership": handler},
			Permanent: func(kind string) bool { return kind == "end_membership" },
		})
		for i := range 20 {
			enqueueTo(t, db, "create", store.ID(i+1), store.ID(i<<16), inbox("a.example"))
		}
		enqueueTo(t, db, "end_membership", 1, 1<<16, inbox("a.example"))
		for range 6 * 24 {
			clock.add(time.Hour)
			if _, err := w.RunOnce(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(deadJobs(t, db)); n != 0 {
			t.Errorf("%d dead after six days", n)
		}
		clock.add(25 * time.Hour)
		enqueueTo(t, db, "create", 99, 2<<16, inbox("a.example"))
		if n, err := w.BuryOld(ctx); err != nil || n != 20 {
			t.Errorf("buried %d, %v", n, err)
		}
		waiting := waitingJobs(t, db, "a.example")
		if len(waiting) != 2 || waiting[0].Kind != "end_membership" || waiting[1].ObjectID != 99 {
			t.Errorf("waiting: %+v", waiting)
		}
		var due int
		if err := db.Scan(ctx, []any{&due}, `SELECT COUNT(*) FROM lanes WHERE due_at IS NOT NULL`); err != nil || due != 2 {
			t.Errorf("%d lanes are still due, %v", due, err)
		}
		if n := len(deadJobs(t, db)); n != 20 {
			t.Errorf("%d dead", n)
		}
	})
}

// A worker that was killed loses its leases when they end, and what it says
// afterwards changes nothing.
func TestKilledWorker(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clock := newClock(db)
		enqueueTo(t, db, "create", 1, 1<<16, inbox("a.example"))
		enqueueTo(t, db, "create", 2, 1<<16, inbox("b.example"))
		var ran []store.ID
		second := store.NewWorker(db, store.WorkerConfig{Handlers: map[string]store.Handler{
			"create": func(_ context.Context, job store.Job) error {
				ran = append(ran, job.ObjectID)
				if job.ObjectID == 1 {
					return &store.RetryError{After: time.Hour}
				}
				return nil
			},
		}})
		first := store.NewWorker(db, store.WorkerConfig{Handlers: map[string]store.Handler{
			"create": func(_ context.Context, job store.Job) error {
				if job.ObjectID != 1 {
					return store.ErrTemporary
				}
				// Meanwhile this worker hangs beyond its lease.
				runOnce(t, second, 1)
				clock.add(89 * time.Second)
				runOnce(t, second, 0)
				clock.add(2 * time.Second)
				runOnce(t, second, 1)
				return errors.New("this must not kill anything")
			},
		}})
		runOnce(t, first, 1)
		if !slices.Equal(ran, []store.ID{2, 1}) {
			t.Errorf("the second worker ran %v", ran)
		}
		if dead := deadJobs(t, db); len(dead) != 0 {
			t.Errorf("the lost lease wrote %+v", dead)
		}
		waiting := waitingJobs(t, db, "a.example")
		if len(waiting) != 1 || waiting[0].Attempts != 1 {
			t.Errorf("waiting: %+v", waiting)
		}
		runOnce(t, second, 0)
		clock.add(2 * time.Hour)
		runOnce(t, second, 1)
	})
}

func TestSeveralHangingHosts(t *testing.T) {
	db := storetest.Open(t)
	ctx := context.Background()
	finished, hang := make(chan struct{}), make(chan struct{})
	var live atomic.Int32
	w := store.NewWorker(db, store.WorkerConfig{Concurrency: 16, Handlers: map[string]store.Handler{
		"create": func(ctx context.Context, job store.Job) error {
			if strings.HasPrefix(job.Host, "hang") {
				select {
				case <-hang:
				case <-ctx.Done():
				}
				return store.ErrTemporary
			}
			if live.Add(1) == 200 {
				close(finished)
			}
			return nil
		},
	}})
	for h := range 5 { // 40 lanes, more than there are places
		for a := range 8 {
			enqueueTo(t, db, "create", 1, store.ID(a<<16), inbox(fmt.Sprintf("hang%d.example", h)))
		}
	}
	for i := range 200 {
		enqueueTo(t, db, "create", 1, store.ID(i<<16), inbox(fmt.Sprintf("live%d.example", i%20)))
	}
	run, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- w.Run(run) }()
	<-finished // while the others hang
	close(hang)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestEnqueue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clock := newClock(db)
		ctx := context.Background()
		var ran []string
		note := func(_ context.Context, job store.Job) error {
			if job.Host != "" {
				t.Errorf("%s has the host %q", job.Kind, job.Host)
			}
			ran = append(ran, fmt.Sprintf("%s %d %s", job.Kind, job.ObjectID, job.Target))
			return nil
		}
		w := store.NewWorker(db, store.WorkerConfig{Handlers: map[string]store.Handler{"mail": note, "fetch": note, "expire": note}})
		add := func(kind string, object store.ID, target, lane string, in time.Duration) error {
			return db.Tx(ctx, func(tx *store.Tx) error {
				return tx.Enqueue(ctx, kind, object, target, lane, tx.Now.Add(in))
			})
		}
		for range 3 { // the same thing thrice is one job
			if err := errors.Join(
				add("mail", 1, "confirm", "mail#0", 0),
				add("fetch", 2, "https://a.example/1", "fetch#a.example", -time.Hour),
				add("expire", 3, "", "expire#0", time.Hour),
			); err != nil {
				t.Fatal(err)
			}
		}
		if err := add("mail", 1, strings.Repeat("x", 3000), "mail#0", 0); err == nil {
			t.Error("took an endless target")
		}
		runOnce(t, w, 2)
		clock.add(59 * time.Minute)
		runOnce(t, w, 0)
		clock.add(2 * time.Minute)
		if n, err := w.RunOnce(ctx); err != nil || n == 0 {
			t.Errorf("the later job: %d, %v", n, err)
		}
		slices.Sort(ran)
		ran = slices.Compact(ran)
		if want := []string{"expire 3 ", "fetch 2 https://a.example/1", "mail 1 confirm"}; !slices.Equal(ran, want) {
			t.Errorf("ran %q", ran)
		}
		// Strangers cannot fill the queue with fetches.
		if err := db.Tx(ctx, func(tx *store.Tx) error {
			for i := range 1100 {
				if err := tx.Enqueue(ctx, "fetch", 1, fmt.Sprint(i), "fetch#a.example", tx.Now); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if stats, err := db.QueueStats(ctx); err != nil || stats.Waiting != 1000 {
			t.Errorf("%+v, %v", stats, err)
		}
	})
}

func TestEnqueueToRefuses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		enqueueTo(t, db, "create", 1, 1)
		enqueueTo(t, db, "create", 1, 1, store.Inbox{}, store.Inbox{Host: "a.example"}, store.Inbox{URL: "https://a.example"},
			store.Inbox{Host: "a.example", URL: "https://a.example/" + strings.Repeat("x", 3000)})
		if n := len(waitingJobs(t, db, "")); n != 0 {
			t.Errorf("%d jobs", n)
		}
		enqueueTo(t, db, "create", 1, 1, inbox("a.example"), inbox("b.example"), inbox("a.example"))
		if n := len(waitingJobs(t, db, "")); n != 2 {
			t.Errorf("%d jobs", n)
		}
		// What is rolled back is not enqueued.
		ctx := context.Background()
		boom := errors.New("boom")
		if err := db.Tx(ctx, func(tx *store.Tx) error {
			return errors.Join(tx.EnqueueTo(ctx, "create", 1, 1, []store.Inbox{inbox("c.example")}), boom)
		}); !errors.Is(err, boom) {
			t.Error(err)
		}
		if n := len(waitingJobs(t, db, "c.example")); n != 0 {
			t.Errorf("%d jobs", n)
		}
	})
}

func TestSentIsConfirmed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		answer := map[string]error{"no.example": store.ErrTemporary, "drop.example": store.ErrDrop}
		w := store.NewWorker(db, store.WorkerConfig{Handlers: map[string]store.Handler{
			"create": func(ctx context.Context, job store.Job) error {
				if err := db.Tx(ctx, func(tx *store.Tx) error {
					return tx.MarkAttempt(ctx, job.ObjectID, job.Target, job.Host)
				}); err != nil {
					return err
				}
				return answer[job.Host]
			},
		}})
		enqueueTo(t, db, "create", 5, 1, inbox("yes.example"), inbox("no.example"), inbox("drop.example"))
		runOnce(t, w, 3)
		for host, want := range map[string]int{"yes.example": 1, "no.example": 0, "drop.example": 0} {
			var attempted, confirmed int
			if err := db.Scan(ctx, []any{&attempted, &confirmed}, `SELECT COUNT(attempted_at), COUNT(confirmed_at) FROM sent WHERE post_id = 5 AND host = $1`, host); err != nil {
				t.Fatal(err)
			}
			if attempted != 1 || confirmed != want {
				t.Errorf("%s: attempted %d, confirmed %d", host, attempted, confirmed)
			}
		}
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

func TestDeadJobs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		refuse := true
		w := store.NewWorker(db, store.WorkerConfig{Handlers: map[string]store.Handler{"create": func(context.Context, store.Job) error {
			if refuse {
				return errors.New("410")
			}
			return nil
		}}})
		for i := range 6 {
			enqueueTo(t, db, "create", store.ID(i+1), store.ID(i<<16), inbox(fmt.Sprintf("h%d.example", i%2)))
		}
		runOnce(t, w, 6)
		dead := deadJobs(t, db)
		if len(dead) != 6 || dead[0].Host == "" || dead[0].DiedAt.IsZero() {
			t.Fatalf("%+v", dead)
		}
		tx := func(f func(tx *store.Tx) error) error { return db.Tx(ctx, f) }
		for name, f := range map[string]func(tx *store.Tx) error{
			"retry":  func(tx *store.Tx) error { return tx.RetryDead(ctx, 1) },
			"forget": func(tx *store.Tx) error { return tx.DropDead(ctx, 1) },
			"drop":   func(tx *store.Tx) error { return tx.DropJob(ctx, 1) },
		} {
			if err := tx(f); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s an unknown job: %v", name, err)
			}
		}
		refuse = false
		if err := tx(func(tx *store.Tx) error { return tx.DropDead(ctx, dead[0].ID) }); err != nil {
			t.Error(err)
		}
		if err := tx(func(tx *store.Tx) error { return tx.RetryDead(ctx, dead[1].ID) }); err != nil {
			t.Error(err)
		}
		runOnce(t, w, 1)
		if err := tx(func(tx *store.Tx) error {
			n, err := tx.RetryDeadOf(ctx, "h0.example")
			if n != 2 {
				t.Errorf("retried %d", n)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
		first := waitingJobs(t, db, "h0.example")[0]
		if err := tx(func(tx *store.Tx) error { return tx.DropJob(ctx, first.ID) }); err != nil {
			t.Error(err)
		}
		runOnce(t, w, 1)
		if err := tx(func(tx *store.Tx) error { _, err := tx.RetryDeadOf(ctx, ""); return err }); err != nil {
			t.Error(err)
		}
		runOnce(t, w, 2)
		if stats, err := db.QueueStats(ctx); err != nil || stats != (store.QueueStats{}) {
			t.Errorf("%+v, %v", stats, err)
		}
	})
}

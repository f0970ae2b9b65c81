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

// The only worker does not wait for the leases of its killed predecessor, and
// what that one says afterwards changes nothing.
func TestFreeLeases(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		newClock(db)
		enqueueTo(t, db, "create", 1, 1<<16, inbox("a.example"))
		var again []store.ID
		second := store.NewWorker(db, store.WorkerConfig{Handlers: map[string]store.Handler{
			"create": func(_ context.Context, job store.Job) error {
				again = append(again, job.ObjectID)
				return nil
			},
		}})
		first := store.NewWorker(db, store.WorkerConfig{Handlers: map[string]store.Handler{
			"create": func(ctx context.Context, _ store.Job) error {
				runOnce(t, second, 0)
				if n, err := db.FreeLeases(ctx); n != 1 || err != nil {
					t.Errorf("freed %d, %v", n, err)
				}
				runOnce(t, second, 1)
				return errors.New("this must not kill anything")
			},
		}})
		runOnce(t, first, 1)
		if dead := deadJobs(t, db); len(dead) != 0 {
			t.Errorf("the lost lease wrote %+v", dead)
		}
		if !slices.Equal(again, []store.ID{1}) {
			t.Errorf("the second worker ran %v", again)
		}
		if left := waitingJobs(t, db, ""); len(left) != 0 {
			t.Errorf("left: %+v", left)
		}
		if n, err := db.FreeLeases(t.Context()); n != 0 || err != nil {
			t.Errorf("freed %d, %v", n, err)
		}
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

// Several processes share a queue: each job runs once, none is left, and
// nobody waits for ever.
func TestSeveralWorkers(t *testing.T) {
	configs := map[string]store.Config{"sqlite": storetest.Config(t)}
	if c, ok := storetest.PostgresConfig(t); ok {
		configs["postgres"] = c
	}
	for kind, c := range configs {
		t.Run(kind, func(t *testing.T) {
			const processes, enqueuers, rounds, hosts = 3, 3, 20, 6
			ctx := context.Background()
			var mu sync.Mutex
			ran := map[string]int{}
			finished := make(chan struct{})
			var running, adding sync.WaitGroup
			run, cancel := context.WithCancel(ctx)
			defer cancel()
			for p := range processes {
				db, err := store.Open(ctx, c)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := db.Close(); err != nil {
						t.Error(err)
					}
				})
				w := store.NewWorker(db, store.WorkerConfig{Handlers: map[string]store.Handler{"create": func(_ context.Context, job store.Job) error {
					mu.Lock()
					defer mu.Unlock()
					ran[job.ID.String()]++
					if len(ran) == processes*enqueuers*rounds*hosts {
						close(finished)
					}
					return nil
				}}})
				running.Go(func() {
					if err := w.Run(run); err != nil {
						t.Error(err)
					}
				})
				for e := range enqueuers {
					adding.Go(func() {
						var to []store.Inbox
						for h := range hosts {
							to = append(to, inbox(fmt.Sprintf("h%d.example", h)))
						}
						for i := range rounds {
							if err := db.Tx(ctx, func(tx *store.Tx) error {
								return tx.EnqueueTo(ctx, "create", store.ID(i), store.ID((p*enqueuers+e)<<16), to)
							}); err != nil {
								t.Error(err)
							}
						}
					})
				}
			}
			adding.Wait()
			<-finished
			cancel()
			running.Wait()
			for id, n := range ran {
				if n != 1 {
					t.Errorf("job %s ran %d times", id, n)
				}
			}
		})
	}
}

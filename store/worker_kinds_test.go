package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

// However many jobs of a kind hang that asks servers of its own choice, deliveries go out at once, and so do other kinds.
func TestHangingKindLeavesPlaces(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const hanging = 40
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		var running, most, done atomic.Int64
		release, begun, others := make(chan struct{}), make(chan struct{}, hanging), make(chan string, 2)
		w := store.NewWorker(db, store.WorkerConfig{Handlers: map[string]store.Handler{
			"mentions": func(ctx context.Context, _ store.Job) error {
				n := running.Add(1)
				defer running.Add(-1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				begun <- struct{}{}
				select {
				case <-release:
				case <-ctx.Done():
					return ctx.Err()
				}
				done.Add(1)
				return nil
			},
			store.JobCreate: func(_ context.Context, job store.Job) error { others <- job.Host; return nil },
			"mail":          func(context.Context, store.Job) error { others <- "mail"; return nil },
		}})
		enqueue := func(kind, lane string, object store.ID) {
			t.Helper()
			if err := db.Tx(ctx, func(tx *store.Tx) error { return tx.Enqueue(ctx, kind, object, "", lane, tx.Now) }); err != nil {
				t.Fatal(err)
			}
		}
		for i := range hanging {
			enqueue("mentions", fmt.Sprintf("mentions#%d", i), store.ID(i+1))
		}
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		within := time.After(20 * time.Second)
		for range 4 {
			select {
			case <-begun:
			case <-within:
				t.Fatal("they do not begin")
			}
		}
		began := time.Now()
		enqueueTo(t, db, store.JobCreate, 7, 7, inbox("quick.example"))
		enqueue("mail", "mail#0", 1)
		for range 2 {
			select {
			case <-others:
			case <-within:
				t.Fatal("the others wait")
			}
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("the others waited %v", took)
		}
		if n := most.Load(); n != 4 {
			t.Errorf("%d run at once", n)
		}
		close(release)
		for range hanging - 4 {
			select {
			case <-begun:
			case <-within:
				t.Fatalf("%d of %d are done", done.Load(), hanging)
			}
		}
		if n := most.Load(); n != 4 {
			t.Errorf("%d ran at once", n)
		}
		limited, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := errors.Join(w.Drain(limited), <-ended); err != nil {
			t.Error(err)
		}
		if n := done.Load(); n != hanging || len(waitingJobs(t, db, "")) != 0 {
			t.Errorf("%d were done, %d wait", n, len(waitingJobs(t, db, "")))
		}
	})
}

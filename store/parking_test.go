package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

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

package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

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
				var marked int
				if err := db.Scan(ctx, []any{&marked}, `SELECT COUNT(*) FROM sent WHERE post_id = $1 AND inbox = $2`, int64(job.ObjectID), job.Target); err != nil || marked != 1 {
					t.Errorf("%s: %d rows before it is sent, %v", job.Host, marked, err)
				}
				return answer[job.Host]
			},
		}})
		enqueueTo(t, db, "create", 5, 1, inbox("yes.example"), inbox("no.example"), inbox("drop.example"))
		runOnce(t, w, 3)
		for host, want := range map[string][2]int{"yes.example": {1, 1}, "no.example": {1, 0}, "drop.example": {0, 0}} {
			var attempted, confirmed int
			if err := db.Scan(ctx, []any{&attempted, &confirmed}, `SELECT COUNT(attempted_at), COUNT(confirmed_at) FROM sent WHERE post_id = 5 AND host = $1`, host); err != nil {
				t.Fatal(err)
			}
			if attempted != want[0] || confirmed != want[1] {
				t.Errorf("%s: attempted %d, confirmed %d", host, attempted, confirmed)
			}
		}
	})
}

// A job that was cut short after it sent leaves a mark which a later drop does not take back.
func TestMarkOfEarlierLeaseStays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		now := db.Now()
		db.Now = func() time.Time { return now }
		enqueueTo(t, db, "create", 5, 1, inbox("yes.example"))
		if err := db.Tx(ctx, func(tx *store.Tx) error {
			return tx.MarkAttempt(ctx, 5, inbox("yes.example").URL, "yes.example")
		}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Minute)
		runOnce(t, store.NewWorker(db, store.WorkerConfig{Handlers: map[string]store.Handler{
			"create": func(context.Context, store.Job) error { return store.ErrDrop },
		}}), 1)
		var attempted int
		if err := db.Scan(ctx, []any{&attempted}, `SELECT COUNT(*) FROM sent WHERE post_id = 5`); err != nil || attempted != 1 {
			t.Error(attempted, err)
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

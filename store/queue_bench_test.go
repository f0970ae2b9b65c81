package store_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

// eachBench runs a benchmark on every kind of database, SQLite with the
// settings of a real instance.
func eachBench(b *testing.B, f func(b *testing.B, db *store.DB)) {
	b.Helper()
	b.Run("sqlite", func(b *testing.B) {
		c := storetest.Config(b)
		c.Synchronous = "full"
		db, err := store.Open(context.Background(), c)
		if err != nil {
			b.Fatal(err)
		}
		f(b, db)
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	if c, ok := storetest.PostgresConfig(b); ok {
		b.Run("postgres", func(b *testing.B) {
			db, err := store.Open(context.Background(), c)
			if err != nil {
				b.Fatal(err)
			}
			f(b, db)
			if err := db.Close(); err != nil {
				b.Error(err)
			}
		})
	}
}

// Use-cases per second with so many producers.
func BenchmarkTx(b *testing.B) {
	eachBench(b, func(b *testing.B, db *store.DB) {
		ctx := context.Background()
		var n atomic.Int64
		for _, producers := range []int{1, 16, 64} {
			b.Run(fmt.Sprint(producers), func(b *testing.B) {
				var wg sync.WaitGroup
				var left atomic.Int64
				left.Store(int64(b.N))
				for range producers {
					wg.Go(func() {
						for left.Add(-1) >= 0 {
							if err := db.Tx(ctx, func(tx *store.Tx) error {
								_, err := tx.Exec(ctx, insertSetting, fmt.Sprint(n.Add(1)), "some value")
								return err
							}); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
			})
		}
	})
}

// Lease, run and finish a live job while a million wait for 2,000 dead hosts.
func BenchmarkMillionWaiting(b *testing.B) {
	eachBench(b, func(b *testing.B, db *store.DB) {
		ctx := context.Background()
		deadHosts(b, db, 2000, 63)
		if stats, err := db.QueueStats(ctx); err != nil || stats.Waiting < 1_000_000 {
			b.Fatal(stats, err)
		}
		w := store.NewWorker(db, store.WorkerConfig{Handlers: map[string]store.Handler{"create": func(context.Context, store.Job) error { return nil }}})
		took := make([]time.Duration, 0, b.N)
		for i := 0; b.Loop(); i++ {
			b.StopTimer()
			if err := db.Tx(ctx, func(tx *store.Tx) error {
				return tx.EnqueueTo(ctx, "create", 1, store.ID(i<<16), []store.Inbox{{Host: "live.example", URL: "https://live.example/inbox"}})
			}); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			begun := time.Now()
			if _, err := w.LeaseOnly(ctx); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(begun))
			b.StopTimer()
			if ran, err := w.FinishLeased(ctx); err != nil || ran != 1 {
				b.Fatal(ran, err)
			}
			b.StartTimer()
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	})
}

// A post to followers on 500 servers.
func BenchmarkEnqueuePost(b *testing.B) {
	eachBench(b, func(b *testing.B, db *store.DB) {
		ctx := context.Background()
		ada := storetest.Account(b, db, "ada")
		crowdOfHosts(b, db, ada, 500, 2)
		p := storetest.Post(b, db, ada, store.Public, 0, nil)
		for b.Loop() {
			var n int
			if err := db.Tx(ctx, func(tx *store.Tx) (err error) {
				n, err = tx.EnqueuePost(ctx, "create", p)
				return err
			}); err != nil || n != 500 {
				b.Fatal(n, err)
			}
		}
	})
}

// Deliveries per second with a handler that does nothing.
func BenchmarkWorker(b *testing.B) {
	eachBench(b, func(b *testing.B, db *store.DB) {
		ctx := context.Background()
		var left atomic.Int64
		left.Store(int64(b.N))
		finished := make(chan struct{})
		w := store.NewWorker(db, store.WorkerConfig{Handlers: map[string]store.Handler{"create": func(context.Context, store.Job) error {
			if left.Add(-1) == 0 {
				close(finished)
			}
			return nil
		}}})
		inboxes := make([]store.Inbox, b.N)
		for i := range inboxes {
			host := fmt.Sprintf("h%d.example", i%200)
			inboxes[i] = store.Inbox{Host: host, URL: fmt.Sprintf("https://%s/inbox/%d", host, i)}
		}
		if err := db.Tx(ctx, func(tx *store.Tx) error { return tx.EnqueueTo(ctx, "create", 1, 1, inboxes) }); err != nil {
			b.Fatal(err)
		}
		b.ResetTimer()
		run, cancel := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- w.Run(run) }()
		<-finished
		b.StopTimer()
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
}

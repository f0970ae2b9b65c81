package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

func sentRows(t *testing.T, db *store.DB) (n int) {
	t.Helper()
	if err := db.Scan(context.Background(), []any{&n}, `SELECT COUNT(*) FROM sent`); err != nil {
		t.Fatal(err)
	}
	return n
}

// What goes back to its lane because the host has enough was not sent, and no Delete has to follow it.
func TestCrowdedLanesAreNotMarked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const lanes = 6
		for i := range store.ID(lanes) { // as many signers, so that they are in lanes of their own
			enqueueTo(t, db, "create", 100+i, 1+i, inbox("slow.example"))
		}
		begun, goOn := make(chan store.Job, lanes), make(chan struct{})
		w := store.NewWorker(db, store.WorkerConfig{Handlers: map[string]store.Handler{
			"create": func(_ context.Context, job store.Job) error {
				begun <- job
				<-goOn
				return nil
			},
		}})
		ctx, cancel := context.WithCancel(context.Background())
		var ended sync.WaitGroup
		ended.Go(func() {
			if err := w.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		<-begun
		<-begun
		if n := sentRows(t, db); n != 2 {
			t.Errorf("%d inboxes are marked while 2 jobs run", n)
		}
		close(goOn)
		for range lanes - 2 {
			<-begun
		}
		cancel()
		ended.Wait()
		if n := sentRows(t, db); n != lanes {
			t.Errorf("%d inboxes are marked in the end", n)
		}
	})
}

// A post that is being deleted while its Create is due is not sent behind the back of the deletion, which would not
// know of that inbox.
func TestNothingIsSentWhileItIsDeleted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		ada := storetest.Account(t, db, "ada")
		p := storetest.Post(t, db, ada, store.Public, 0, nil)
		enqueueTo(t, db, "create", p.ID, ada.ID, inbox("b.example"))
		sent := 0
		w := store.NewWorker(db, store.WorkerConfig{Handlers: map[string]store.Handler{
			"create": func(ctx context.Context, job store.Job) error {
				if _, err := db.Post(ctx, store.Anonymous, job.ObjectID); err != nil {
					return store.ErrDrop
				}
				sent++
				return nil
			},
			"delete": func(context.Context, store.Job) error { return nil },
		}})
		deletes := 0
		if err := db.Tx(ctx, func(tx *store.Tx) error {
			gone, err := tx.DeletePost(ctx, p.ID)
			if err != nil {
				return err
			}
			if db.Postgres() { // elsewhere nobody can lease meanwhile
				looking, cancel := context.WithTimeout(ctx, 5*time.Second)
				defer cancel()
				for range 3 {
					if _, err := w.RunOnce(looking); err != nil {
						return err
					}
				}
			}
			deletes, err = tx.EnqueueToSent(ctx, "delete", gone)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if sent != 0 || deletes != 0 {
			t.Errorf("sent %d times while it was deleted, %d Deletes", sent, deletes)
		}
		later := db.Now().Add(time.Minute)
		db.Now = func() time.Time { return later }
		runOnce(t, w, 1)
		if sent != 0 || sentRows(t, db) != 0 {
			t.Errorf("sent %d times, %d inboxes marked", sent, sentRows(t, db))
		}
	})
}

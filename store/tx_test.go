package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"cohort/store"
	"cohort/store/storetest"
)

func TestTxRefuses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		boom := errors.New("boom")
		ended, cancel := context.WithCancel(ctx)
		cancel()
		var kept *store.Tx
		for name, c := range map[string]struct {
			ctx  context.Context
			f    func(tx *store.Tx) error
			want error
		}{
			"an error": {ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, insertSetting, "an error", "x")
				return errors.Join(err, boom)
			}, boom},
			"a conflict": {ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, insertSetting, "a conflict", "x")
				_, again := tx.Exec(ctx, insertSetting, "a conflict", "x")
				return errors.Join(err, again)
			}, store.ErrConflict},
			"a conflict the use-case hides": {ctx, func(tx *store.Tx) error {
				_, _ = tx.Exec(ctx, insertSetting, "a conflict the use-case hides", "x")
				_, _ = tx.Exec(ctx, insertSetting, "a conflict the use-case hides", "x")
				return nil
			}, store.ErrConflict},
			"a caller that gave up": {ended, func(tx *store.Tx) error {
				t.Error("ran")
				return nil
			}, context.Canceled},
		} {
			err := db.Tx(c.ctx, func(tx *store.Tx) error {
				tx.AfterCommit(func() { t.Errorf("%s: ran after a commit that was none", name) })
				kept = tx
				return c.f(tx)
			})
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
			if has(t, db, name) {
				t.Errorf("%s: left a row", name)
			}
		}
		if _, err := kept.Exec(ctx, insertSetting, "late", "x"); err == nil || has(t, db, "late") {
			t.Errorf("a transaction was used after its end: %v", err)
		}
	})
}

func TestTxPanic(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		for name, end := range map[string]func(){
			"panic": func() { panic("boom") },
			"exit":  runtime.Goexit,
		} {
			var recovered any
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer func() { recovered = recover() }()
				_ = db.Tx(ctx, func(tx *store.Tx) error {
					if _, err := tx.Exec(ctx, insertSetting, name, "x"); err != nil {
						t.Error(err)
					}
					end()
					return nil
				})
				t.Errorf("%s: Tx returned", name)
			}()
			<-done
			if name == "panic" && recovered != "boom" {
				t.Errorf("recovered %v", recovered)
			}
			if has(t, db, name) {
				t.Errorf("%s: left a row", name)
			}
			if err := put(ctx, db, "after "+name); err != nil {
				t.Errorf("after %s: %v", name, err)
			}
		}
	})
}

func TestTxConflictUnderRetry(t *testing.T) {
	db := storetest.OpenPostgres(t)
	if db == nil {
		return
	}
	ctx := context.Background()
	for _, name := range []string{"a", "b"} {
		if err := put(ctx, db, name); err != nil {
			t.Fatal(err)
		}
	}
	// Two transactions that lock the same two rows in opposite order.
	var runs atomic.Int32
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			order := []string{"a", "b"}
			if i%2 == 1 {
				order = []string{"b", "a"}
			}
			if err := db.Tx(ctx, func(tx *store.Tx) error {
				runs.Add(1)
				for _, name := range order {
					if _, err := tx.Exec(ctx, `UPDATE settings SET value = value || 'y' WHERE name = $1`, name); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var value string
	if err := db.Scan(ctx, []any{&value}, `SELECT value FROM settings WHERE name = 'a'`); err != nil || value != "xyyyy" {
		t.Errorf("%q, %v", value, err)
	}
	t.Logf("%d runs of 4 transactions", runs.Load())
}

// The command line writes beside the server.
func TestTwoProcessesWrite(t *testing.T) {
	c := storetest.Config(t)
	ctx := context.Background()
	var wg sync.WaitGroup
	dbs := make([]*store.DB, 3)
	for i := range dbs {
		db, err := store.Open(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		dbs[i] = db
	}
	for p, db := range dbs {
		for g := range 3 {
			wg.Go(func() {
				for i := range 30 {
					if err := put(ctx, db, fmt.Sprintf("%d.%d.%d", p, g, i)); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
	var n int
	if err := dbs[0].Scan(ctx, []any{&n}, `SELECT COUNT(*) FROM settings`); err != nil || n != 270 {
		t.Errorf("%d rows, %v", n, err)
	}
	for _, db := range dbs {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFullDisk(t *testing.T) {
	db, _ := openFull(t)
	ctx := context.Background()
	// max_page_count makes SQLite meet the end of the disk.
	pages := func(n int) {
		t.Helper()
		var got int
		if err := db.Tx(ctx, func(tx *store.Tx) error {
			return tx.Scan(ctx, []any{&got}, fmt.Sprintf(`PRAGMA max_page_count = %d`, n))
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := put(ctx, db, "before"); err != nil {
		t.Fatal(err)
	}
	pages(1) // SQLite takes the present size
	big := string(bytes.Repeat([]byte("x"), 1<<20))
	err := db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, insertSetting, "big", big)
		return err
	})
	if !errors.Is(err, store.ErrFull) {
		t.Errorf("a full disk: %v", err)
	}
	if !has(t, db, "before") || has(t, db, "big") {
		t.Error("reading on a full disk is wrong")
	}
	pages(1 << 30)
	if err := put(ctx, db, "after"); err != nil || !has(t, db, "after") {
		t.Errorf("after there is room again: %v", err)
	}
}

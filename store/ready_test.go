package store_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"cohort/store"
	"cohort/store/storetest"
)

// While writes are refused for want of room the database is not ready, and is
// again when there is some.
func TestReadyNeedsRoom(t *testing.T) {
	db, ctx := storetest.Open(t), t.Context()
	limit := func(pages string) {
		t.Helper()
		if err := db.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, `PRAGMA max_page_count = `+pages)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	write := func() error {
		return db.Tx(ctx, func(tx *store.Tx) error { return tx.SetSetting(ctx, "long", strings.Repeat("x", 1<<20)) })
	}
	if err := db.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	limit("1") // as few as it has
	if err := write(); !errors.Is(err, store.ErrFull) {
		t.Fatalf("a write without room: %v", err)
	}
	for range 2 {
		if err := db.Ready(ctx); !errors.Is(err, store.ErrFull) {
			t.Errorf("without room: %v", err)
		}
	}
	limit("1000000")
	if err := db.Ready(ctx); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if err := write(); err != nil {
		t.Error(err)
	}
	if left, err := db.Setting(ctx, "room"); err != nil || left != "" {
		t.Errorf("the trial leaves %d bytes, %v", len(left), err)
	}
}

// Who only wants to read can, without a number, where nothing can be written.
func TestReadAnyway(t *testing.T) {
	kinds := map[string]func(t *testing.T) (writable, locked store.Config){
		"sqlite": func(t *testing.T) (store.Config, store.Config) {
			c := storetest.Config(t)
			return c, c
		},
		"postgres": func(t *testing.T) (store.Config, store.Config) {
			c, _ := storetest.PostgresConfig(t)
			locked := c
			locked.URL += "&default_transaction_read_only=on"
			return c, locked
		},
	}
	if os.Getenv(storetest.EnvPostgres) == "" {
		delete(kinds, "postgres")
	}
	for kind, configs := range kinds {
		t.Run(kind, func(t *testing.T) {
			ctx := t.Context()
			writable, locked := configs(t)
			db, err := store.Open(ctx, writable)
			if err != nil {
				t.Fatal(err)
			}
			err = db.Tx(ctx, func(tx *store.Tx) error { return tx.SetSetting(ctx, "word", "here") })
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
			if path, ok := strings.CutPrefix(locked.URL, "sqlite:"); ok {
				if err := os.Mkdir(path+"-wal", 0o700); err != nil { // where SQLite would write to
					t.Fatal(err)
				}
			}
			readAnyway(t, locked)
		})
	}
}

func readAnyway(t *testing.T, c store.Config) {
	ctx := t.Context()
	if _, err := store.Open(ctx, c); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("to write: %v", err)
	}
	c.ReadAnyway = true
	db, err := store.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if word, err := db.Setting(ctx, "word"); word != "here" || err != nil {
		t.Errorf("reads %q, %v", word, err)
	}
	err = db.Tx(ctx, func(tx *store.Tx) error { return tx.SetSetting(ctx, "word", "there") })
	if !errors.Is(err, store.ErrReadOnly) || strings.Contains(err.Error(), "process") {
		t.Errorf("a write: %v", err)
	}
	if err := db.Ready(ctx); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("it is ready: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
}

// Package storetest gives tests a fresh, migrated database, and the accounts,
// circles and posts most of them begin with.
//
// It is imported by tests only. Start reading at Open and Each.
package storetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"cohort/store"
)

// EnvPostgres names the variable with the URL of a PostgreSQL server on which
// tests may create databases. Without it Each runs on SQLite alone.
const EnvPostgres = "COHORT_TEST_POSTGRES"

// Open is an empty SQLite database that lives as long as the test.
func Open(t testing.TB) *store.DB {
	t.Helper()
	return OpenWith(t, Config(t))
}

// OpenPostgres is an empty PostgreSQL database that lives as long as the
// test; nil where EnvPostgres is not set.
func OpenPostgres(t testing.TB) *store.DB {
	t.Helper()
	c, ok := PostgresConfig(t)
	if !ok {
		return nil
	}
	return OpenWith(t, c)
}

// Each runs a test on every kind of database there is, each time on an empty one.
func Each(t *testing.T, f func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, Open(t)) })
	if os.Getenv(EnvPostgres) != "" {
		t.Run("postgres", func(t *testing.T) { f(t, OpenPostgres(t)) })
	}
}

// OpenWith opens the database of c, until the test ends. The schema must be there.
func OpenWith(t testing.TB, c store.Config) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// template is a migrated SQLite file, made once per test binary.
var template = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "storetest")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "t.db")
	if err := store.Migrate(context.Background(), store.Config{URL: "sqlite:" + path, Synchronous: "off"}); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// Config is that of a migrated SQLite database that nobody has opened yet.
func Config(t testing.TB) store.Config {
	t.Helper()
	content, err := template()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cohort.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return store.Config{URL: "sqlite:" + path, Synchronous: "off"}
}

// Settle works off every job that is due, in turns, until none is left.
func Settle(t testing.TB, workers ...*store.Worker) {
	t.Helper()
	for range 50 {
		ran := 0
		for _, w := range workers {
			n, err := w.RunOnce(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			ran += n
		}
		if ran == 0 {
			return
		}
	}
	t.Fatal("jobs without end")
}

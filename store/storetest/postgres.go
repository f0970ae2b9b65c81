package storetest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"cohort/store"
)

// PostgresConfig is that of a migrated PostgreSQL database that nobody has
// opened yet; false where EnvPostgres is not set.
func PostgresConfig(t testing.TB) (store.Config, bool) {
	t.Helper()
	server := os.Getenv(EnvPostgres)
	if server == "" {
		return store.Config{}, false
	}
	from, err := pgTemplate()
	if err != nil {
		t.Fatal(err)
	}
	name := unique()
	if err := admin(server, "CREATE DATABASE "+name+" TEMPLATE "+from); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := admin(server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return store.Config{URL: named(server, name), MaxReaders: 8}, true
}

// EmptyPostgres is the configuration of a database without any table.
func EmptyPostgres(t testing.TB) (store.Config, bool) {
	t.Helper()
	server := os.Getenv(EnvPostgres)
	if server == "" {
		return store.Config{}, false
	}
	name := unique()
	if err := admin(server, "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := admin(server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return store.Config{URL: named(server, name), MaxReaders: 8}, true
}

// pgTemplate is the name of a migrated database, shared by all test binaries
// with the same migrations and made by the first of them.
var pgTemplate = sync.OnceValues(func() (string, error) {
	server := os.Getenv(EnvPostgres)
	sum, err := migrationsSum()
	if err != nil {
		return "", err
	}
	name := "cohort_template_" + sum
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(716253)"); err != nil {
		return "", err
	}
	var found int
	if err := conn.QueryRow(ctx, "SELECT COUNT(*) FROM pg_database WHERE datname = $1", name).Scan(&found); err != nil || found > 0 {
		return name, err
	}
	// Built under another name: a half-made template is never used.
	draft := unique()
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+draft); err != nil {
		return "", err
	}
	if err := store.Migrate(ctx, store.Config{URL: named(server, draft), MaxReaders: 2}); err != nil {
		return "", err
	}
	_, err = conn.Exec(ctx, "ALTER DATABASE "+draft+" RENAME TO "+name)
	return name, err
})

func admin(server, statement string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// named is the server's URL with another database.
func named(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server
	}
	u.Path = "/" + name
	return u.String()
}

// migrationsSum tells one state of the migrations from another.
func migrationsSum() (string, error) {
	_, self, _, _ := runtime.Caller(0)
	files, err := filepath.Glob(filepath.Join(filepath.Dir(self), "..", "migrations", "*.sql"))
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		hash.Write(content)
	}
	return fmt.Sprintf("%x", hash.Sum(nil)[:8]), nil
}

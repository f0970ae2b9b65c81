package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"cohort/store"
)

const (
	templatePrefix = "cohort_template_"
	testPrefix     = "cohort_test_"
	templateLock   = 716253
)

// server is the PostgreSQL server of this test binary: an open connection
// that marks the binary's databases as in use, and those that are free.
type server struct {
	url      string
	key      int64 // an advisory lock, held as long as the process lives
	template string

	mu    sync.Mutex
	admin *pgx.Conn
	free  []string
	made  int
}

var connect = sync.OnceValues(func() (*server, error) {
	s := &server{url: os.Getenv(EnvPostgres), key: rand.Int64()}
	ctx := context.Background()
	var err error
	if s.admin, err = pgx.Connect(ctx, s.url); err != nil {
		return nil, err
	}
	if err := s.exec(fmt.Sprintf("SELECT pg_advisory_lock(%d)", s.key)); err != nil {
		return nil, err
	}
	if err := s.dropStale(ctx); err != nil {
		return nil, err
	}
	return s, s.prepareTemplate(ctx)
})

func (s *server) exec(statement string) error {
	_, err := s.admin.Exec(context.Background(), statement)
	return err
}

// dropStale removes the databases of test binaries that have ended.
func (s *server) dropStale(ctx context.Context) error {
	rows, err := s.admin.Query(ctx, "SELECT datname FROM pg_database WHERE datname LIKE $1", testPrefix+"%")
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		key, _, _ := strings.Cut(strings.TrimPrefix(name, testPrefix), "_")
		var ended bool
		if _, err := strconv.ParseInt(key, 10, 64); err != nil {
			continue
		}
		if err := s.admin.QueryRow(ctx, "SELECT pg_try_advisory_lock("+key+")").Scan(&ended); err != nil {
			return err
		}
		if !ended {
			continue
		}
		if err := errors.Join(s.exec("DROP DATABASE IF EXISTS "+name), s.exec("SELECT pg_advisory_unlock("+key+")")); err != nil {
			return err
		}
	}
	return nil
}

// prepareTemplate finds or makes a migrated database to copy, shared by all
// test binaries with the same migrations.
func (s *server) prepareTemplate(ctx context.Context) error {
	sum, err := migrationsSum()
	if err != nil {
		return err
	}
	s.template = templatePrefix + sum
	if err := s.exec(fmt.Sprintf("SELECT pg_advisory_lock(%d)", templateLock)); err != nil {
		return err
	}
	var found int
	err = s.admin.QueryRow(ctx, "SELECT COUNT(*) FROM pg_database WHERE datname = $1", s.template).Scan(&found)
	if err == nil && found == 0 {
		err = s.makeTemplate(ctx)
	}
	return errors.Join(err, s.exec(fmt.Sprintf("SELECT pg_advisory_unlock(%d)", templateLock)))
}

// makeTemplate builds it under another name, so that a half-made one is never used.
func (s *server) makeTemplate(ctx context.Context) error {
	draft := s.name()
	if err := s.exec("CREATE DATABASE " + draft); err != nil {
		return err
	}
	if err := store.Migrate(ctx, store.Config{URL: named(s.url, draft), MaxReaders: 2}); err != nil {
		return err
	}
	return s.exec("ALTER DATABASE " + draft + " RENAME TO " + s.template)
}

func (s *server) name() string {
	s.made++
	return fmt.Sprintf("%s%d_%d", testPrefix, s.key, s.made)
}

// take is an empty migrated database, or one without tables.
func (s *server) take(migrated bool) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.free); migrated && n > 0 {
		name := s.free[n-1]
		s.free = s.free[:n-1]
		return name, nil
	}
	name := s.name()
	statement := "CREATE DATABASE " + name
	if migrated {
		statement += " TEMPLATE " + s.template
	}
	return name, s.exec(statement)
}

func (s *server) drop(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)")
}

// giveBack empties a database for the next test. One that was analysed, and
// so plans differently, is not used again.
func (s *server) giveBack(name string) error {
	clean, err := empty(named(s.url, name))
	if err != nil || !clean {
		return errors.Join(err, s.drop(name))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, name)
	return nil
}

// emptyTables truncates what has grown and deletes the few rows of the rest,
// which is much faster.
const emptyTables = `DO $$ DECLARE t RECORD; BEGIN
	FOR t IN SELECT c.oid, c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'goose_db_version' LOOP
		IF pg_relation_size(t.oid) > 400000 THEN EXECUTE format('TRUNCATE %I', t.relname);
		ELSIF pg_relation_size(t.oid) > 0 THEN EXECUTE format('DELETE FROM %I', t.relname); END IF;
	END LOOP; END $$`

func empty(database string) (bool, error) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close(ctx) }()
	var analysed int
	if err := conn.QueryRow(ctx, "SELECT COUNT(*) FROM pg_stats WHERE schemaname = 'public' AND tablename <> 'goose_db_version'").Scan(&analysed); err != nil || analysed > 0 {
		return false, err
	}
	_, err = conn.Exec(ctx, emptyTables)
	return true, err
}

// PostgresConfig is that of a migrated, empty PostgreSQL database that nobody
// has opened yet; false where EnvPostgres is not set.
func PostgresConfig(t testing.TB) (store.Config, bool) {
	t.Helper()
	return postgresConfig(t, true)
}

// EmptyPostgres is the configuration of a database without any table.
func EmptyPostgres(t testing.TB) (store.Config, bool) {
	t.Helper()
	return postgresConfig(t, false)
}

func postgresConfig(t testing.TB, migrated bool) (store.Config, bool) {
	t.Helper()
	if os.Getenv(EnvPostgres) == "" {
		return store.Config{}, false
	}
	s, err := connect()
	if err != nil {
		t.Fatal(err)
	}
	name, err := s.take(migrated)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		end := s.drop
		if migrated {
			end = s.giveBack
		}
		if err := end(name); err != nil {
			t.Error(err)
		}
	})
	return store.Config{URL: named(s.url, name), MaxReaders: 8}, true
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

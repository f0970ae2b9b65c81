package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"cohort/store"
	"cohort/store/storetest"
)

func TestOpenRefusesFiles(t *testing.T) {
	ctx := context.Background()
	good, err := os.ReadFile(strings.TrimPrefix(storetest.Config(t).URL, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(good)
	for i := 100; i < len(damaged); i++ {
		damaged[i] ^= 0x5a
	}
	for name, c := range map[string]struct {
		make func(path string) error
		want error
	}{
		"missing":   {func(string) error { return nil }, store.ErrNeedsMigration},
		"empty":     {func(p string) error { return os.WriteFile(p, nil, 0o600) }, store.ErrNeedsMigration},
		"no tables": {func(p string) error { return execFile(p, `PRAGMA user_version = 1`) }, store.ErrNeedsMigration},
		"text":      {func(p string) error { return os.WriteFile(p, []byte("dear diary, today I opened a file"), 0o600) }, store.ErrForeign},
		"short":     {func(p string) error { return os.WriteFile(p, good[:10], 0o600) }, store.ErrForeign},
		"folder":    {func(p string) error { return os.Mkdir(p, 0o700) }, store.ErrForeign},
		"another's": {func(p string) error { return execFile(p, `CREATE TABLE songs (name TEXT)`) }, store.ErrForeign},
		"goose's": {func(p string) error {
			return execFile(p, `CREATE TABLE goose_db_version (id INTEGER, version_id BIGINT)`)
		}, store.ErrForeign},
		"damaged":   {func(p string) error { return os.WriteFile(p, damaged, 0o600) }, store.ErrCorrupt},
		"cut short": {func(p string) error { return os.WriteFile(p, good[:4096*3+100], 0o600) }, store.ErrCorrupt},
		"newer": {func(p string) error {
			return editFile(p, good, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`)
		}, store.ErrNewerSchema},
		"older":      {func(p string) error { return editFile(p, good, `DELETE FROM goose_db_version WHERE version_id > 0`) }, store.ErrNeedsMigration},
		"other mark": {func(p string) error { return editFile(p, good, `PRAGMA application_id = 7`) }, store.ErrForeign},
	} {
		path := filepath.Join(t.TempDir(), "x.db")
		if err := c.make(path); err != nil {
			t.Fatal(name, err)
		}
		db, err := store.Open(ctx, store.Config{URL: "sqlite:" + path})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if db != nil {
			_ = db.Close()
		}
		if c.want == store.ErrForeign || c.want == store.ErrNewerSchema {
			if err := store.Migrate(ctx, store.Config{URL: "sqlite:" + path}); !errors.Is(err, c.want) {
				t.Errorf("migrating %s: %v, want %v", name, err, c.want)
			}
		}
	}
}

func execFile(path, statement string) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	_, err = db.Exec(statement)
	return errors.Join(err, db.Close())
}

func editFile(path string, content []byte, statement string) error {
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return err
	}
	return execFile(path, statement)
}

func TestOpenRefusesURLs(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		url  string
		want error
		say  string
	}{
		"nothing listens":  {"postgres://ada:hunter2@127.0.0.1:1/cohort", store.ErrUnreachable, "127.0.0.1:1"},
		"no such socket":   {"postgres://ada:hunter2@/cohort?host=/nowhere", store.ErrUnreachable, "/nowhere"},
		"no such host":     {"postgres://ada:hunter2@db.invalid/cohort", store.ErrUnreachable, "db.invalid:5432"},
		"no port":          {"postgres://ada:hunter2@db.invalid:x/cohort", nil, "neither"},
		"unknown setting":  {"postgres://ada:hunter2@db.invalid/cohort?sslmode=perhaps", nil, "cannot be read"},
		"another database": {"mysql://ada:hunter2@db/x", nil, "neither"},
		"nothing":          {"", nil, "neither"},
	} {
		for what, f := range map[string]func() error{
			"open": func() error {
				db, err := store.Open(ctx, store.Config{URL: c.url})
				if db != nil {
					t.Errorf("%s: opened", name)
				}
				return err
			},
			"migrate": func() error { return store.Migrate(ctx, store.Config{URL: c.url}) },
		} {
			err := f()
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.say) {
				t.Errorf("%s, %s: %v", what, name, err)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s, %s tells the password: %v", what, name, err)
			}
		}
	}
}

func TestReadOnlyFile(t *testing.T) {
	path := strings.TrimPrefix(storetest.Config(t).URL, "sqlite:")
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(`INSERT INTO settings (name, value) VALUES ('a', 'b')`)
	if !errors.Is(store.Translate(err), store.ErrReadOnly) {
		t.Errorf("%v", store.Translate(err))
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

func TestReadersDoNotWrite(t *testing.T) {
	db := storetest.Open(t)
	err := db.Scan(context.Background(), []any{new(string)}, `INSERT INTO settings (name, value) VALUES ('a', 'b') RETURNING name`)
	if !errors.Is(err, store.ErrReadOnly) || has(t, db, "a") {
		t.Errorf("a reader wrote: %v", err)
	}
}

func TestWriterSettings(t *testing.T) {
	ctx := context.Background()
	for setting, want := range map[string]int{"": 2, "full": 2, "FULL": 2, "normal": 1} {
		c := storetest.Config(t)
		c.Synchronous = setting
		db, err := store.Open(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		var synchronous, keys int
		var journal string
		if err := db.Tx(ctx, func(tx *store.Tx) error {
			return errors.Join(tx.Scan(ctx, []any{&synchronous}, `PRAGMA synchronous`), tx.Scan(ctx, []any{&journal}, `PRAGMA journal_mode`),
				tx.Scan(ctx, []any{&keys}, `PRAGMA foreign_keys`))
		}); err != nil {
			t.Fatal(err)
		}
		if synchronous != want || journal != "wal" || keys != 1 {
			t.Errorf("%q: synchronous %d, journal %s, foreign keys %d", setting, synchronous, journal, keys)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	c := storetest.Config(t)
	c.Synchronous = "perhaps"
	if db, err := store.Open(ctx, c); err == nil {
		t.Errorf("opened %v", db)
	}
}

func TestMigrate(t *testing.T) {
	ctx := context.Background()
	configs := map[string]store.Config{
		"sqlite": {URL: "sqlite:" + filepath.Join(t.TempDir(), "a folder", "what? 50%#.db")},
	}
	if c, ok := storetest.EmptyPostgres(t); ok {
		configs["postgres"] = c
	}
	for name, c := range configs {
		t.Run(name, func(t *testing.T) {
			if _, err := store.Open(ctx, c); !errors.Is(err, store.ErrNeedsMigration) {
				t.Errorf("before: %v", err)
			}
			var wg sync.WaitGroup
			for range 3 { // side by side
				wg.Go(func() {
					if err := store.Migrate(ctx, c); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if err := store.Migrate(ctx, c); err != nil {
				t.Errorf("again: %v", err)
			}
			db, err := store.Open(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			if db.Postgres() != (name == "postgres") {
				t.Errorf("Postgres() = %v", db.Postgres())
			}
			if err := put(ctx, db, "x"); err != nil {
				t.Error(err)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	path := strings.TrimPrefix(configs["sqlite"].URL, "sqlite:")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode: %v, %v", info.Mode(), err)
	}
	if dir, err := os.Stat(filepath.Dir(path)); err != nil || dir.Mode().Perm() != 0o700 {
		t.Errorf("the folder's mode: %v, %v", dir.Mode(), err)
	}
}

// TestMigrateFromEveryVersion: a database of each older version is refused as it is, and afterwards usable with what was in it.
func TestMigrateFromEveryVersion(t *testing.T) {
	ctx := context.Background()
	for version := int64(1); version < store.LatestVersion(); version++ {
		configs := map[string]store.Config{"sqlite": {URL: "sqlite:" + filepath.Join(t.TempDir(), "old.db")}}
		if c, ok := storetest.EmptyPostgres(t); ok {
			configs["postgres"] = c
		}
		for name, c := range configs {
			t.Run(name, func(t *testing.T) {
				if err := store.MigrateTo(ctx, c, version); err != nil {
					t.Fatal(err)
				}
				if _, err := store.Open(ctx, c); !errors.Is(err, store.ErrNeedsMigration) {
					t.Errorf("version %d as it is: %v", version, err)
				}
				if err := store.Migrate(ctx, c); err != nil {
					t.Fatal(err)
				}
				db, err := store.Open(ctx, c)
				if err != nil {
					t.Fatal(err)
				}
				ada := storetest.Account(t, db, "ada")
				p := storetest.Post(t, db, ada, store.Public, 0, nil)
				if got, err := db.Post(ctx, store.Anonymous, p.ID); err != nil || got.HTML != p.HTML {
					t.Error(got, err)
				}
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestForeignPostgres(t *testing.T) {
	c, ok := storetest.EmptyPostgres(t)
	if !ok {
		return
	}
	ctx := context.Background()
	db, err := sql.Open("pgx", c.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`CREATE TABLE songs (name TEXT)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if _, err := store.Open(ctx, c); !errors.Is(err, store.ErrForeign) {
		t.Errorf("open: %v", err)
	}
	if err := store.Migrate(ctx, c); !errors.Is(err, store.ErrForeign) {
		t.Errorf("migrate: %v", err)
	}
}

// A closed SQLite database is one file, which can be copied: the last connection put the log back into it.
func TestClosedDatabaseIsOneFile(t *testing.T) {
	c := storetest.Config(t)
	db, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	setSetting(t, db, "kept")
	if _, err := db.Setting(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(c.URL, "sqlite:")
	if left, err := filepath.Glob(path + "*"); err != nil || !slices.Equal(left, []string{path}) {
		t.Errorf("left: %v, %v", left, err)
	}
}

package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

const versionTable = "goose_db_version"

// Migrate brings the schema to the version of this program, creating the
// database file if there is none. It may run twice at the same time. A schema
// newer than the program is left alone: ErrNewerSchema.
func Migrate(ctx context.Context, c Config) error {
	if err := migrate(ctx, c); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return nil
}

func migrate(ctx context.Context, c Config) error {
	if file, ok := strings.CutPrefix(c.URL, "sqlite:"); ok {
		if err := createSQLiteFile(file); err != nil {
			return err
		}
	}
	db, err := open(ctx, c)
	if errors.Is(err, ErrNeedsMigration) { // an empty file
		err = nil
	}
	if err != nil {
		return err
	}
	if db != nil {
		current, err := db.schemaVersion(ctx)
		if err == nil && current < latestVersion() {
			err = db.checkFirst(ctx) // before anything is built on it; otherwise Open looks
		}
		err = errors.Join(err, db.closePools())
		if err != nil && !errors.Is(err, ErrNeedsMigration) {
			return err
		}
		switch {
		case current > latestVersion():
			return ErrNewerSchema
		case current == latestVersion():
			return nil // and the file stays untouched
		}
	}
	for patience := time.Now().Add(busyTimeoutMS * time.Millisecond); ; {
		err := up(ctx, c, latestVersion())
		if err == nil || migrated(ctx, c) {
			return nil
		}
		// SQLite does not wait for everything: not for who else is turning the file's log on.
		if err = translate(err); !errors.Is(err, ErrBusy) || time.Now().After(patience) || !pause(ctx, 20*time.Millisecond) {
			return err
		}
	}
}

// migrated tells whether the schema is that of the program: another process may have migrated in the meantime.
func migrated(ctx context.Context, c Config) bool {
	db, err := open(ctx, c)
	if err != nil {
		return false
	}
	err = db.checkSchema(ctx)
	return db.closePools() == nil && err == nil
}

// pause waits; it returns false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// up runs the migrations that are missing up to a version, each in its own
// transaction.
func up(ctx context.Context, c Config, version int64) error {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger())}
	var pool *sql.DB
	dialect := goose.DialectSQLite3
	if file, ok := strings.CutPrefix(c.URL, "sqlite:"); ok {
		pool, err = sql.Open("sqlite", sqliteDSN(file, "rw", "journal_mode(WAL)", "synchronous(FULL)",
			fmt.Sprintf("application_id(%d)", applicationID))+"&_txlock=immediate")
	} else {
		dialect = goose.DialectPostgres
		config, errConfig := postgresConfig(c.URL)
		if errConfig != nil {
			return errConfig
		}
		pool = stdlib.OpenDB(*config)
		var locker lock.SessionLocker
		locker, err = lock.NewPostgresSessionLocker()
		options = append(options, goose.WithSessionLocker(locker))
	}
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(dialect, pool, files, options...)
	if err != nil {
		return errors.Join(err, pool.Close())
	}
	_, err = provider.UpTo(ctx, version)
	return errors.Join(err, pool.Close())
}

// latestVersion is the number of the newest migration in the program.
func latestVersion() int64 {
	names, _ := fs.Glob(migrationFiles, "migrations/*.sql") // the pattern is sound
	var latest int64
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			latest = max(latest, n)
		}
	}
	return latest
}

// checkSchema compares the database's version with the program's.
func (db *DB) checkSchema(ctx context.Context) error {
	current, err := db.schemaVersion(ctx)
	switch {
	case err != nil:
		return err
	case current < latestVersion():
		return ErrNeedsMigration
	case current > latestVersion():
		return ErrNewerSchema
	}
	return nil
}

// schemaVersion is the newest migration that was run. Without the table of
// versions, the database is either empty (ErrNeedsMigration) or not ours.
func (db *DB) schemaVersion(ctx context.Context) (int64, error) {
	var tables, versions int
	count := `SELECT COUNT(*), COALESCE(SUM(CASE WHEN name = $1 THEN 1 ELSE 0 END), 0) FROM sqlite_master WHERE type = 'table'`
	if !db.sqlite {
		count = `SELECT COUNT(*), COUNT(*) FILTER (WHERE tablename = $1) FROM pg_tables WHERE schemaname = current_schema()`
	}
	if err := db.queryRow(ctx, count, versionTable).Scan(&tables, &versions); err != nil {
		return 0, err
	}
	if versions == 0 {
		if tables > 0 {
			return 0, ErrForeign
		}
		return 0, ErrNeedsMigration
	}
	if db.sqlite {
		var id int64
		if err := db.queryRow(ctx, `PRAGMA application_id`).Scan(&id); err != nil {
			return 0, err
		}
		if id != applicationID {
			return 0, ErrForeign
		}
	}
	var current int64
	err := db.queryRow(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM `+versionTable).Scan(&current)
	return current, err
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// applicationID marks a SQLite file as ours, in its header.
const applicationID = 0x436f6874

const (
	sqliteHeader = "SQLite format 3\x00"
	// How long a writer waits for another process, such as the command line
	// beside a running server.
	busyTimeoutMS = 10_000
	// Page caches in kB. They are filled as pages are read and kept, so
	// their sum is part of the memory of an idle instance; behind them is
	// the cache of the operating system.
	writerCacheKB = 8 << 10
	readerCacheKB = 16 << 10 // of all readers together
)

// openSQLite opens one connection for the writer and a pool for reading.
func (db *DB) openSQLite(ctx context.Context, path string, c Config) error {
	if err := checkSQLiteFile(path); err != nil {
		return err
	}
	synchronous, err := synchronousPragma(c.Synchronous)
	if err != nil {
		return err
	}
	w, err := newWriter(ctx, sqliteDSN(path, "rw", synchronous, "journal_mode(WAL)",
		fmt.Sprintf("cache_size(-%d)", writerCacheKB), "journal_size_limit(67108864)"))
	if err = translate(err); c.ReadAnyway && cannotWrite(err) {
		return db.openToRead(path, fmt.Errorf("%s: %w", path, err))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	readers := c.MaxReaders
	if readers <= 0 {
		readers = min(max(2*runtime.GOMAXPROCS(0), 4), 16)
	}
	reads, err := sql.Open("sqlite", sqliteDSN(path, "rw", "query_only(1)",
		fmt.Sprintf("cache_size(-%d)", max(readerCacheKB/readers, 1024))))
	if err != nil {
		return errors.Join(err, w.close())
	}
	fixPool(reads, readers)
	db.reads, db.writes = newPool(reads, false), w
	return nil
}

// openToRead opens a file that cannot be written to, for which why is the
// error. Without a log beside it, which only those who write leave, the file is
// all there is, and SQLite need not make one to read it.
func (db *DB) openToRead(path string, why error) error {
	setting := "query_only(1)"
	if log, err := os.Stat(path + "-wal"); err != nil || !log.Mode().IsRegular() || log.Size() == 0 {
		setting += "&immutable=1"
	}
	reads, err := sql.Open("sqlite", sqliteDSN(path, "ro", setting))
	if err != nil {
		return err
	}
	fixPool(reads, 1)
	db.reads, db.writes = newPool(reads, false), refusal{why}
	return nil
}

// fixPool keeps the same connections for ever: a new one would have to
// prepare every statement again.
func fixPool(db *sql.DB, n int) {
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	db.SetConnMaxLifetime(0)
	db.SetConnMaxIdleTime(0)
}

// sqliteDSN is the driver's name for the file. The timeout comes first, so
// that the other settings wait for a lock too.
func sqliteDSN(path, mode string, pragmas ...string) string {
	var b strings.Builder
	b.WriteString("file:")
	b.WriteString(strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path))
	b.WriteString("?mode=" + mode)
	for _, pragma := range append([]string{
		fmt.Sprintf("busy_timeout(%d)", busyTimeoutMS), "foreign_keys(1)", "temp_store(MEMORY)",
	}, pragmas...) {
		b.WriteString("&_pragma=" + pragma)
	}
	return b.String()
}

func synchronousPragma(s string) (string, error) {
	switch strings.ToLower(s) {
	case "", "full":
		return "synchronous(FULL)", nil
	case "normal":
		return "synchronous(NORMAL)", nil
	case "off":
		return "synchronous(OFF)", nil // tests: nothing survives a power cut
	}
	return "", fmt.Errorf("synchronous must be full or normal, not %q", s)
}

// checkSQLiteFile refuses what is not a database before SQLite touches it.
func checkSQLiteFile(path string) error {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w", path, ErrNeedsMigration)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	case err != nil:
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a folder: %w", path, ErrForeign)
	case info.Size() == 0:
		return fmt.Errorf("%s: %w", path, ErrNeedsMigration)
	}
	header := make([]byte, len(sqliteHeader))
	if _, err := io.ReadFull(f, header); err != nil || string(header) != sqliteHeader {
		return fmt.Errorf("%s: %w", path, ErrForeign)
	}
	return nil
}

// createSQLiteFile makes an empty database file that only its owner reads;
// SQLite gives its companions the same mode.
func createSQLiteFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

package store

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// What callers distinguish. Everything else is a fault of the machine or of
// the program, and is wrapped so that the log tells which statement met it.
var (
	// ErrNotFound says that there is no such row, or none the viewer may see.
	ErrNotFound = errors.New("not found")
	// ErrConflict says that a row with the same unique value exists. The
	// transaction in which it was met cannot be committed any more.
	ErrConflict = errors.New("already exists")
	// ErrClosed says that the database was closed.
	ErrClosed = errors.New("the database is closed")
	// ErrNeedsMigration says that the schema is missing or older than the program.
	ErrNeedsMigration = errors.New("the database needs a migration: run cohort migrate")
	// ErrNewerSchema says that the schema was written by a newer program.
	ErrNewerSchema = errors.New("the database was migrated by a newer version of cohort: use that version, or restore a backup made by this one")
	// ErrForeign says that the file or database belongs to another program.
	ErrForeign = errors.New("this is not a database of cohort")
	// ErrCorrupt says that the file is damaged.
	ErrCorrupt = errors.New("the database file is damaged: restore a backup")
	// ErrFull says that the disk is full: nothing was written, reading goes on.
	ErrFull = errors.New("the disk is full: nothing was written")
	// ErrReadOnly says that the database or its folder may not be written to.
	ErrReadOnly = errors.New("the database cannot be written to: check who owns the file and its folder, and whether the disk is mounted read-only")
	// ErrBusy says that another process kept the database locked for too long.
	ErrBusy = errors.New("the database is locked by another process")
	// ErrUnreachable says that the PostgreSQL server did not answer.
	ErrUnreachable = errors.New("cannot reach PostgreSQL")
)

// Primary result codes of SQLite (the low byte), and the extended ones for
// unique violations and for the index of its log, for which there was no room.
const (
	sqliteBusy             = 5
	sqliteReadOnly         = 8
	sqliteCorrupt          = 11
	sqliteFull             = 13
	sqliteCantOpen         = 14
	sqliteNotADB           = 26
	sqliteUniqueConstraint = 2067
	sqlitePrimaryKey       = 1555
	sqliteRowID            = 2579
	sqliteIndexSize        = 4874
)

// Error classes of PostgreSQL.
const (
	pgUnique        = "23505"
	pgSerialization = "40001"
	pgDeadlock      = "40P01"
	pgDiskFull      = "53100"
	pgReadOnly      = "25006"
	pgNoTable       = "42P01"
	pgNoDatabase    = "3D000"
	pgAborted       = "25P02"
)

// translate adds the sentinel that a driver's error stands for, judged by
// code and never by text.
func translate(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	if kind := sentinel(err); kind != nil {
		return fmt.Errorf("%w (%w)", kind, err)
	}
	return err
}

func sentinel(err error) error {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return sqliteSentinel(lite.Code())
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case pgUnique:
			return ErrConflict
		case pgDiskFull:
			return ErrFull
		case pgReadOnly:
			return ErrReadOnly
		}
		return nil
	}
	var connect *pgconn.ConnectError
	switch {
	case errors.As(err, &connect), errors.Is(err, driver.ErrBadConn):
		return ErrUnreachable
	case errors.Is(err, sql.ErrConnDone):
		return ErrClosed
	}
	return nil
}

func sqliteSentinel(code int) error {
	switch code {
	case sqliteUniqueConstraint, sqlitePrimaryKey, sqliteRowID:
		return ErrConflict
	case sqliteIndexSize:
		return ErrFull
	}
	switch code & 0xff {
	case sqliteBusy:
		return ErrBusy
	case sqliteReadOnly, sqliteCantOpen:
		return ErrReadOnly
	case sqliteFull:
		return ErrFull
	case sqliteCorrupt:
		return ErrCorrupt
	case sqliteNotADB:
		return ErrForeign
	}
	return nil
}

// retryable tells whether PostgreSQL asks to run the transaction again.
func retryable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == pgSerialization || pg.Code == pgDeadlock)
}

package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Config says where the rows are.
type Config struct {
	// URL is "sqlite:" and a path, or "postgres://…". It may hold a password
	// and is never logged or part of an error.
	URL string
	// Synchronous is "full" (the default: an answer means the row is on the
	// disk) or "normal" (a power cut may take the last moments back). SQLite only.
	Synchronous string
	// Log may be nil.
	Log *slog.Logger
	// MaxReaders is how many connections read at once; 0 fits the machine.
	MaxReaders int
	// Now may be nil; it becomes DB.Now.
	Now func() time.Time
	// ReadAnyway opens a database that cannot be written to, as on a full
	// disk, for reading: every Tx then returns ErrFull or ErrReadOnly.
	ReadAnyway bool
}

// DB is an open database whose schema is that of this program.
type DB struct {
	// Now is the only clock of the rows. Tests may set it before the
	// database is used by more than one goroutine.
	Now func() time.Time
	reader

	log       *slog.Logger
	reads     *pool
	writes    transactor
	sqlite    bool
	ids       idMaker
	jobIDs    idMaker
	jobsReady chan struct{} // jobs were enqueued by this process
	woken     hostMemory
	condition *condition
	process   *process
	name      string          // of this process among those that use the database
	listening *pgx.ConnConfig // nil for SQLite
}

// transactor runs a use-case in a transaction of its own.
type transactor interface {
	run(ctx context.Context, db *DB, f func(*Tx) error) error
	close() error
}

// reader carries every read, for DB (a fresh look each time) and Tx (inside
// the transaction).
type reader struct {
	q     querier
	clock func() time.Time
	pg    bool
	// recent is nil in transactions.
	recent    *recent
	condition *condition
}

// Open opens a database that Migrate has prepared. Errors: ErrNeedsMigration,
// ErrNewerSchema, ErrForeign, ErrCorrupt, ErrReadOnly, ErrFull, ErrUnreachable.
func Open(ctx context.Context, c Config) (*DB, error) {
	db, err := open(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	err = db.checkSchema(ctx)
	if err == nil {
		err = db.checkFirst(ctx)
	}
	if err == nil {
		err = db.startProcess(ctx, c.ReadAnyway)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database: %w", err), db.closePools())
	}
	return db, nil
}

// open connects without looking at the schema.
func open(ctx context.Context, c Config) (*DB, error) {
	db := &DB{Now: c.Now, log: c.Log, jobsReady: make(chan struct{}, 1), name: rand.Text(), condition: new(condition)}
	if db.Now == nil {
		db.Now = time.Now
	}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if path, ok := strings.CutPrefix(c.URL, "sqlite:"); ok {
		db.sqlite = true
		err = db.openSQLite(ctx, path, c)
	} else if isPostgres(c.URL) {
		err = db.openPostgres(ctx, c)
	} else {
		err = errors.New("the URL is neither sqlite:PATH nor postgres://USER:PASSWORD@HOST/NAME")
	}
	if err != nil {
		return nil, err
	}
	db.reader = reader{q: db.reads, clock: func() time.Time { return db.Now() }, pg: !db.sqlite, recent: newRecent(), condition: db.condition}
	return db, nil
}

func isPostgres(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql")
}

// Close waits for transactions under way, gives the process number back and
// closes all connections. Later calls of Tx return ErrClosed.
func (db *DB) Close() error {
	err := db.process.stop(db)
	return errors.Join(err, db.closePools())
}

// closePools closes the writer last: the last connection to a SQLite file puts
// the log beside it back into it, and one that only reads cannot.
func (db *DB) closePools() error {
	return errors.Join(db.reads.close(), db.writes.close())
}

// Postgres tells the kind of the database.
func (db *DB) Postgres() bool { return !db.sqlite }

// NewID is a new id, larger than any this process made before.
func (db *DB) NewID() ID { return db.ids.next(db.Now()) }

// IDAt is an id for what another server says it made at t. A time that lies
// in the future, or none, is now.
func (db *DB) IDAt(t time.Time) ID {
	now := db.Now()
	if t.IsZero() || t.After(now) || t.UnixMilli() <= 0 {
		return db.ids.next(now)
	}
	return db.ids.at(t, now)
}

func (r reader) now() time.Time { return r.clock() }

// nowMS is the clock as it stands in rows.
func (r reader) nowMS() int64 { return r.clock().UnixMilli() }

// query runs a read. The caller closes the rows, and inside a transaction
// reads them to the end before the next statement.
func (r reader) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	rows, err := r.q.query(ctx, text, args)
	if err != nil {
		return nil, r.condition.met(translate(err))
	}
	return rows, nil
}

// queryRow runs a read of at most one row.
func (r reader) queryRow(ctx context.Context, text string, args ...any) row {
	rows, err := r.q.query(ctx, text, args) //nolint:rowserrcheck // Scan checks
	return row{rows: rows, err: r.condition.met(translate(err))}
}

// row is the result of queryRow.
type row struct {
	rows *sql.Rows
	err  error
}

// Scan reads the row; without one it returns ErrNotFound.
func (r row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return translate(err)
		}
		return ErrNotFound
	}
	if err := r.rows.Scan(dest...); err != nil {
		return translate(err)
	}
	return translate(r.rows.Close())
}

// each calls scan for every row and closes them.
func each(rows *sql.Rows, err error, scan func(rows *sql.Rows) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return translate(rows.Err())
}

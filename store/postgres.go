package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	pgConnectTimeout = 10 * time.Second
	pgTxAttempts     = 8
	pgRetryUnit      = 5 * time.Millisecond
)

// openPostgres opens a pool for reading and one for transactions, so that a
// read beside a transaction never waits for a connection that it holds.
func (db *DB) openPostgres(ctx context.Context, c Config) error {
	config, err := postgresConfig(c.URL)
	if err != nil {
		return err
	}
	size := c.MaxReaders
	if size <= 0 {
		size = min(max(4*runtime.GOMAXPROCS(0), 8), 32)
	}
	reads, writes := stdlib.OpenDB(*config), stdlib.OpenDB(*config)
	fixPool(reads, size)
	fixPool(writes, size)
	db.reads, db.writes, db.listening = newPool(reads, true), &pgWriter{db: writes}, config
	if err := reads.PingContext(ctx); err != nil {
		return errors.Join(unreachable(config, err), db.closePools())
	}
	return nil
}

// postgresConfig reads the URL. Its errors do not repeat it.
func postgresConfig(raw string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(raw)
	if err != nil {
		return nil, errors.New("the PostgreSQL URL cannot be read: it should look like postgres://USER:PASSWORD@HOST/NAME")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = pgConnectTimeout
	}
	// Compiling a plan takes longer than any of our statements.
	for name, value := range map[string]string{
		"application_name": "cohort", "jit": "off", "idle_in_transaction_session_timeout": "60000",
	} {
		if _, set := config.RuntimeParams[name]; !set {
			config.RuntimeParams[name] = value
		}
	}
	return config, nil
}

// unreachable says in one sentence which server did not answer and why,
// without the password.
func unreachable(config *pgx.ConnConfig, err error) error {
	where := config.Host
	if !strings.HasPrefix(where, "/") {
		where = net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))
	}
	why := reason(err).Error()
	if config.Password != "" {
		why = strings.ReplaceAll(why, config.Password, "…")
	}
	return fmt.Errorf("%w at %s, database %q: %s", ErrUnreachable, where, config.Database, why)
}

// reason is what the server said, or else what happened first: the driver tries every address with and
// without TLS, and tells what became of each.
func reason(err error) error {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return said
	}
	for {
		var next error
		switch e := err.(type) { //nolint:errorlint // walks down the chain itself
		case interface{ Unwrap() []error }:
			if all := e.Unwrap(); len(all) > 0 {
				next = all[0]
			}
		default:
			next = errors.Unwrap(err)
		}
		if next == nil {
			return err
		}
		err = next
	}
}

// pgWriter runs transactions side by side; PostgreSQL sorts them out and asks
// for a repetition where it cannot.
type pgWriter struct{ db *sql.DB }

func (w *pgWriter) close() error { return w.db.Close() }

func (w *pgWriter) run(ctx context.Context, db *DB, f func(*Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := w.once(ctx, db, f)
		if err == nil || !retryable(err) || attempt == pgTxAttempts {
			return err
		}
		pause := time.NewTimer(time.Duration(rand.Int64N(int64(pgRetryUnit) << attempt)))
		select {
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		case <-pause.C:
		}
	}
}

func (w *pgWriter) once(ctx context.Context, db *DB, f func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// The transaction outlives a caller that gives up, so that its outcome
	// is known: statements watch ctx, COMMIT does not.
	sqlTx, err := w.db.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		if errors.Is(err, sql.ErrConnDone) {
			return ErrClosed
		}
		return translate(err)
	}
	committed := false
	defer func() {
		if !committed { // also when f panics or ends its goroutine
			_ = sqlTx.Rollback()
		}
	}()
	tx := newTx(db, txQuerier{sqlTx})
	if err := tx.call(f); err != nil {
		return err
	}
	if err := sqlTx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", translate(err))
	}
	committed = true
	tx.runAfterCommit()
	return nil
}

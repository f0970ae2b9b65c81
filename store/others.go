package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Several processes may work on one database: servers side by side, and the
// command line. What one of them changes, the others read at their next look;
// this is how they learn that there is something to look for.
const (
	// othersPoll is how often SQLite is asked whether another process wrote.
	othersPoll = 400 * time.Millisecond
	// othersRetry is the pause after the connection that listens was lost.
	othersRetry = time.Second
	// MaxTold is the length in bytes of what can be told at once.
	MaxTold = 7000

	dataVersion = `PRAGMA data_version`
	// A channel belongs to a whole PostgreSQL database, an instance to a schema in it.
	othersChannel = `'cohort_' || md5(current_schema())`
	nameChannel   = `SELECT ` + othersChannel
	tellOthers    = `SELECT pg_notify(` + othersChannel + `, $1)`
)

// errTooLong says that a text is longer than MaxTold.
var errTooLong = errors.New("longer than one process can tell another at once")

// TellOthers tells the other processes that use the database, as far as they
// listen. A crash or a lost connection may lose it. On SQLite nobody is told:
// the others see that something was written.
func (db *DB) TellOthers(ctx context.Context, text string) error {
	if db.sqlite {
		return nil
	}
	if len(text) > MaxTold {
		return errTooLong
	}
	rows, err := db.query(ctx, tellOthers, db.name+" "+text)
	return each(rows, err, func(*sql.Rows) error { return nil })
}

// Others listens to the other processes until ctx ends. told is called with
// what one of them said, changed when one of them may have written and did not
// say what, which is also so when listening begins. Neither may wait.
func (db *DB) Others(ctx context.Context, told func(text string), changed func()) {
	// Whoever is told asks anew, and must not get what was remembered before.
	forgetTold := func(text string) { db.recent.now.written(allKinds); told(text) }
	forgetChanged := func() { db.recent.now.written(allKinds); changed() }
	for ctx.Err() == nil {
		var err error
		if db.sqlite {
			err = db.watchVersion(ctx, forgetChanged)
		} else {
			err = db.listen(ctx, forgetTold, forgetChanged)
		}
		if ctx.Err() != nil {
			return
		}
		db.log.Warn("listening to other processes", "err", err)
		pause := time.NewTimer(othersRetry)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// othersVersion changes with every write to an SQLite file by another process:
// it is that of the only connection here that writes.
func (db *DB) othersVersion(ctx context.Context) (version int64, err error) {
	err = db.Tx(ctx, func(tx *Tx) error { return tx.queryRow(ctx, dataVersion).Scan(&version) })
	return version, err
}

// watchVersion looks at it again and again.
func (db *DB) watchVersion(ctx context.Context, changed func()) error {
	tick := time.NewTicker(othersPoll)
	defer tick.Stop()
	known := int64(-1)
	for {
		now, err := db.othersVersion(ctx)
		if err != nil {
			return err
		}
		if now != known {
			changed()
		}
		known = now
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// listen hears what is told on PostgreSQL, on a connection of its own.
func (db *DB) listen(ctx context.Context, told func(string), changed func()) error {
	conn, err := pgx.ConnectConfig(ctx, db.listening)
	if err != nil {
		return translate(err)
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), othersRetry)
		defer cancel()
		_ = conn.Close(closing) // the server notices anyway
	}()
	var channel string
	if err := conn.QueryRow(ctx, nameChannel).Scan(&channel); err != nil {
		return translate(err)
	}
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
		return translate(err)
	}
	changed() // whatever was told while nobody listened
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return translate(err)
		}
		if by, text, ok := strings.Cut(n.Payload, " "); ok && by != db.name {
			told(text)
		}
	}
}

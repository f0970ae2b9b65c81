package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// A process number makes ids of several processes differ. It is leased in the
// table processes: the server and the command line beside it each hold one.
const (
	processNumbers = 1 << processBits
	processLease   = time.Minute
	processRenewal = 20 * time.Second
	// An earlier process may have made ids that lie ahead of our clock, if
	// the clock was set back. New ids continue above them, but not when they
	// lie absurdly far ahead: then the clock had been wrong before, not now.
	maxSetback = 24 * time.Hour
)

// ErrTooManyProcesses says that no process number is free.
var ErrTooManyProcesses = errors.New("64 other processes use this database, or did within the last minute")

// process is this process's number and its renewal.
type process struct {
	owner string
	now   func() time.Time

	mu     sync.Mutex
	number int
	until  time.Time

	quit chan struct{}
	done chan struct{}
}

// startProcess leases a number and keeps it leased until stop. Who only wants
// to read goes without one where nothing can be written: the first use-case
// tries again.
func (db *DB) startProcess(ctx context.Context, readAnyway bool) error {
	host, _ := os.Hostname() // a name for the operator's eyes only
	p := &process{
		owner: fmt.Sprintf("%.60s %d %s", host, os.Getpid(), rand.Text()),
		now:   db.Now,
		quit:  make(chan struct{}),
		done:  make(chan struct{}),
	}
	if err := p.lease(ctx, db); err != nil && (!readAnyway || !cannotWrite(err)) {
		return err
	}
	db.process = p
	go p.keep(db)
	return nil
}

// keep renews the lease in the background, so that a use-case seldom has to.
func (p *process) keep(db *DB) {
	defer close(p.done)
	tick := time.NewTicker(processRenewal)
	defer tick.Stop()
	for {
		select {
		case <-p.quit:
			return
		case <-tick.C:
			ctx, cancel := context.WithTimeout(context.Background(), processRenewal/2)
			if err := p.lease(ctx, db); err != nil {
				db.log.Warn("renewing the process number", "err", err)
			}
			cancel()
		}
	}
}

// ensure holds a use-case back whose number may belong to another process by
// now, as after a suspended machine wakes up.
func (p *process) ensure(ctx context.Context, db *DB) error {
	p.mu.Lock()
	ended := p.now().After(p.until)
	p.mu.Unlock()
	if !ended {
		return nil
	}
	return p.lease(ctx, db)
}

// lease renews our number or takes a free one.
func (p *process) lease(ctx context.Context, db *DB) error {
	p.mu.Lock()
	number, held := p.number, !p.until.IsZero()
	p.mu.Unlock()
	now := p.now()
	until := now.Add(processLease)
	var floor int64
	err := db.write(ctx, func(tx *Tx) (err error) {
		if held {
			kept, err := tx.renewProcess(ctx, p.owner, number, until)
			if kept || err != nil {
				return err
			}
		}
		number, floor, err = tx.takeProcess(ctx, p.owner, now, until)
		return err
	})
	if cannotWrite(err) {
		return err // whatever it was for
	}
	if err != nil {
		return fmt.Errorf("lease a process number: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !held || number != p.number {
		if floor > now.Add(maxSetback).UnixMilli() {
			floor = 0
		}
		db.ids.setProcess(number, floor)
		db.jobIDs.setProcess(number, floor)
	}
	p.number, p.until = number, until
	return nil
}

func (tx *Tx) renewProcess(ctx context.Context, owner string, number int, until time.Time) (bool, error) {
	n, err := tx.exec(ctx, `UPDATE processes SET leased_until = $1, ids_until = $2 WHERE number = $3 AND owner = $4`,
		until.UnixMilli(), tx.db.idsUsed(), number, owner)
	return n == 1, err
}

// takeProcess takes the number that has been free for longest, preferring
// one nobody ever had: its old ids are the furthest from ours.
func (tx *Tx) takeProcess(ctx context.Context, owner string, now, until time.Time) (number int, floor int64, err error) {
	if tx.pg {
		// Two processes must not choose the same number at the same time.
		if _, err := tx.exec(ctx, `LOCK TABLE processes IN EXCLUSIVE MODE`); err != nil {
			return 0, 0, err
		}
	}
	used, number := 0, 0
	oldest := int64(-1)
	rows, err := tx.query(ctx, `SELECT number, leased_until, ids_until FROM processes ORDER BY number`)
	err = each(rows, err, func(rows *sql.Rows) error {
		var n int
		var leased, ids int64
		if err := rows.Scan(&n, &leased, &ids); err != nil {
			return err
		}
		used++
		floor = max(floor, ids)
		if leased < now.UnixMilli() && (oldest < 0 || leased < oldest) {
			number, oldest = n, leased
		}
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	if oldest < 0 {
		if used >= processNumbers {
			return 0, 0, ErrTooManyProcesses
		}
		number = used // rows are never deleted, so numbers 0…used-1 exist
	}
	_, err = tx.exec(ctx, `INSERT INTO processes (number, owner, leased_until, ids_until) VALUES ($1, $2, $3, $4)
		ON CONFLICT (number) DO UPDATE SET owner = excluded.owner, leased_until = excluded.leased_until`,
		number, owner, until.UnixMilli(), now.UnixMilli())
	return number, floor, err
}

// stop gives the number back, as of the last id made with it. Where nothing can
// be written, its lease ends by itself.
func (p *process) stop(db *DB) error {
	close(p.quit)
	<-p.done
	p.mu.Lock()
	number, held := p.number, !p.until.IsZero()
	p.mu.Unlock()
	if !held {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), processRenewal/2)
	defer cancel()
	err := db.write(ctx, func(tx *Tx) error {
		_, err := tx.renewProcess(ctx, p.owner, number, time.UnixMilli(tx.db.idsUsed()))
		return err
	})
	if err != nil && !cannotWrite(err) {
		return fmt.Errorf("give the process number back: %w", err)
	}
	return nil
}

// idsUsed is the last millisecond of which this process made an id.
func (db *DB) idsUsed() int64 { return max(db.ids.used(), db.jobIDs.used()) }

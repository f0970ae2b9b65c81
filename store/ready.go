package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// trialSetting holds, for a moment, what shows that there is room again. It is
// larger than any ordinary change, so that what fits shows that those do.
const (
	trialSetting = "room"
	trialBytes   = 128 << 10
	deleteTrial  = `DELETE FROM settings WHERE name = $1`
)

// condition is what went wrong with the database as a whole.
type condition struct {
	// full: a write failed for want of room or permission.
	full atomic.Bool
	// damaged: a read or a check met a page that makes no sense. It stays so:
	// only a backup helps.
	damaged atomic.Bool
	// trying is held by the one that tries whether there is room again.
	trying sync.Mutex
}

// met keeps what err says of the database and returns it.
func (c *condition) met(err error) error {
	switch {
	case err == nil || c == nil:
	case cannotWrite(err):
		c.full.Store(true)
	case errors.Is(err, ErrCorrupt):
		c.damaged.Store(true)
	}
	return err
}

// cannotWrite tells whether err says that nothing can be written at all.
func cannotWrite(err error) bool { return errors.Is(err, ErrFull) || errors.Is(err, ErrReadOnly) }

// Ready tells whether the database can be worked with: it answers, nothing in
// it was found damaged (ErrCorrupt), and there is room to write (ErrFull,
// ErrReadOnly). It writes only to see whether a failure is over.
func (db *DB) Ready(ctx context.Context) error {
	if _, err := db.Setting(ctx, trialSetting); err != nil {
		return err
	}
	if db.condition.damaged.Load() {
		return ErrCorrupt
	}
	if !db.condition.full.Load() {
		return nil
	}
	if !db.condition.trying.TryLock() {
		return ErrFull
	}
	defer db.condition.trying.Unlock()
	err := db.tryToWrite(ctx)
	if err == nil {
		db.condition.full.Store(false)
	}
	return err
}

func (db *DB) tryToWrite(ctx context.Context) error {
	noise := make([]byte, trialBytes/2) // of no use to whoever would make it smaller
	if _, err := rand.Read(noise); err != nil {
		return err
	}
	err := db.Tx(ctx, func(tx *Tx) error { return tx.SetSetting(ctx, trialSetting, hex.EncodeToString(noise)) })
	if err != nil {
		return fmt.Errorf("try to write: %w", err)
	}
	return db.Tx(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, deleteTrial, trialSetting)
		return err
	})
}

// refusal stands where nothing can be written.
type refusal struct{ why error }

func (r refusal) run(context.Context, *DB, func(*Tx) error) error { return r.why }
func (refusal) close() error                                      { return nil }

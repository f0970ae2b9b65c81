package store

import (
	"context"
	"sync"
	"time"
)

const (
	// wakeEvery is how often activities from a host may cause a probe of it.
	wakeEvery = time.Minute
	maxWoken  = 4096
)

// hostMemory remembers which hosts were woken lately, so that a host that
// sends a lot but does not answer is not probed each time.
type hostMemory struct {
	mu    sync.Mutex
	woken map[string]time.Time
}

// recent tells whether the host was woken within wakeEvery.
func (m *hostMemory) recent(host string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.woken[host]
	return ok && now.Sub(at) < wakeEvery && !now.Before(at)
}

func (m *hostMemory) remember(host string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.woken) >= maxWoken {
		clear(m.woken) // costs an early look at the lanes, no more
	}
	if m.woken == nil {
		m.woken = map[string]time.Time{}
	}
	m.woken[host] = now
}

// WakeHost makes the parked lanes of a host due now, because a valid activity
// came from it: it is up again. It costs one look into memory, or one indexed
// read a minute and host, where nothing is parked.
func (tx *Tx) WakeHost(ctx context.Context, host string) error {
	if host == "" || tx.db.woken.recent(host, tx.Now) {
		return nil
	}
	now := tx.Now.UnixMilli()
	var parked int64
	if err := tx.queryRow(ctx, hostParked, host, now).Scan(&parked); err != nil {
		return err
	}
	tx.AfterCommit(func() { tx.db.woken.remember(host, tx.Now) })
	if parked == 0 {
		return nil
	}
	tx.wakeWorker()
	_, err := tx.exec(ctx, wakeHost, host, now)
	return err
}

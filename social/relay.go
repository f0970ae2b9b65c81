package social

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"cohort/store"
)

// Live events and the ends of somebody's access cross to the other processes that share a PostgreSQL
// database. On SQLite there is one server, and what a command beside it changed is looked for instead.
const (
	relayQueue = 1024
	relayTime  = 5 * time.Second
	// relayAccounts bounds the accounts of one message, relayEvents the events, so that they fit.
	relayAccounts = 200
	relayEvents   = 4
)

// message is what processes tell each other: ids only.
type message struct {
	Drop   []store.ID `json:"drop,omitempty"`
	Events []Event    `json:"events,omitempty"`
}

// relay passes what happens in this process on to the others.
type relay struct {
	db  *store.DB
	hub *Hub
	log *slog.Logger
	// running tells whether somebody empties queue. A process that only runs a command has nobody who
	// does, and tells others at once.
	running atomic.Bool
	queue   chan message
}

func newRelay(db *store.DB, hub *Hub, log *slog.Logger) *relay {
	r := &relay{db: db, hub: hub, log: log, queue: make(chan message, relayQueue)}
	if db.Postgres() {
		hub.pass = r.pass
	}
	return r
}

// Relay keeps this process's listeners up to date with what other processes do, until ctx ends, and
// tells those what happens here.
func (s *Service) Relay(ctx context.Context) {
	r := s.relay
	r.running.Store(true)
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.empty(ctx)
	}()
	s.DB.Others(ctx, r.hear, s.Hub.Recheck)
	<-done
}

// pass takes what happened here. It waits for the database only where no server runs; there it is for
// the ends of access.
func (r *relay) pass(m message) {
	if !r.running.Load() {
		r.tell(context.Background(), m)
		return
	}
	select {
	case r.queue <- m:
	default:
		r.log.Warn("other processes are not told of live events: too many at once")
	}
}

// empty tells what is queued, several things at once.
func (r *relay) empty(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-r.queue:
			r.tell(ctx, r.more(m))
		}
	}
}

func (r *relay) more(m message) message {
	size := accounts(m)
	for len(m.Events) < relayEvents && size < relayAccounts/2 {
		select {
		case next := <-r.queue:
			size += accounts(next)
			m.Drop, m.Events = append(m.Drop, next.Drop...), append(m.Events, next.Events...)
		default:
			return m
		}
	}
	return m
}

func accounts(m message) int {
	n := len(m.Drop)
	for _, e := range m.Events {
		n += len(e.Accounts)
	}
	return n
}

// tell sends a message, in parts where it is for many.
func (r *relay) tell(ctx context.Context, m message) {
	ctx, cancel := context.WithTimeout(ctx, relayTime)
	defer cancel()
	for _, part := range parts(m) {
		text, err := json.Marshal(part)
		if err == nil {
			err = r.db.TellOthers(ctx, string(text))
		}
		if err != nil {
			r.log.Warn("other processes are not told", "error", err)
		}
	}
}

// parts are messages that are short enough and together say the same as m.
func parts(m message) []message {
	if accounts(m) <= relayAccounts {
		return []message{m}
	}
	var all []message
	for some := range slices.Chunk(m.Drop, relayAccounts) {
		all = append(all, message{Drop: some})
	}
	for _, e := range m.Events {
		whole := e
		for some := range slices.Chunk(whole.Accounts, relayAccounts) {
			e.Accounts = some
			all = append(all, message{Events: []Event{e}})
			e.Public = false // once is enough
		}
		if len(whole.Accounts) == 0 {
			all = append(all, message{Events: []Event{e}})
		}
	}
	return all
}

// hear does here what another process told.
func (r *relay) hear(text string) {
	var m message
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		r.log.Warn("not understood what another process told", "error", err)
		return
	}
	for _, id := range m.Drop {
		r.hub.drop(id)
	}
	for _, e := range m.Events {
		r.hub.publish(e)
	}
}

package social

import (
	"sync"

	"cohort/store"
)

// What an event tells.
const (
	EventUpdate       = "update"        // a new post
	EventEdit         = "status.update" // a changed one
	EventDelete       = "delete"        // one that is gone
	EventNotification = "notification"
)

// Event carries ids only: whoever hears it reads the thing with its own eyes.
type Event struct {
	Kind         string
	Post         store.ID
	Notification store.ID
	Accounts     []store.ID // whose home or notifications it is for
	Public       bool       // also for the public timelines
	Local        bool       // written here
	Tags         []string
}

// subscriptionBuffer is how far a reader may fall behind before it is dropped.
const subscriptionBuffer = 64

// Subscription receives events until Close, or until it falls behind or is dropped; then C is
// closed.
type Subscription struct {
	C <-chan Event

	hub     *Hub
	c       chan Event
	account store.ID
	public  bool
	closed  bool
}

// Hub passes live events to whoever listens in this process. Losing one does no harm: the rows are
// there.
type Hub struct {
	mu       sync.Mutex
	accounts map[store.ID]map[*Subscription]struct{}
	public   map[*Subscription]struct{}
	count    int
	closed   bool
}

// NewHub returns a hub without listeners.
func NewHub() *Hub {
	return &Hub{accounts: map[store.ID]map[*Subscription]struct{}{}, public: map[*Subscription]struct{}{}}
}

// Subscribe listens to what is for account, and to public events if public is set. Account 0
// listens to public events only.
func (h *Hub) Subscribe(account store.ID, public bool) *Subscription {
	c := make(chan Event, subscriptionBuffer)
	sub := &Subscription{C: c, c: c, hub: h, account: account, public: public}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		sub.closed = true
		close(c)
		return sub
	}
	if account != 0 {
		if h.accounts[account] == nil {
			h.accounts[account] = map[*Subscription]struct{}{}
		}
		h.accounts[account][sub] = struct{}{}
	}
	if public {
		h.public[sub] = struct{}{}
	}
	h.count++
	return sub
}

// Close ends the subscription. It may be called more than once.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.hub.remove(s)
}

// remove must be called with the lock held.
func (h *Hub) remove(s *Subscription) {
	if s.closed {
		return
	}
	s.closed = true
	close(s.c)
	h.count--
	delete(h.public, s)
	if set := h.accounts[s.account]; set != nil {
		delete(set, s)
		if len(set) == 0 {
			delete(h.accounts, s.account)
		}
	}
}

// Publish hands e to everyone it is for. It never waits: a listener whose buffer is full is dropped.
func (h *Hub) Publish(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.count == 0 {
		return
	}
	told := map[*Subscription]struct{}{}
	tell := func(s *Subscription) {
		if _, done := told[s]; done {
			return
		}
		told[s] = struct{}{}
		select {
		case s.c <- e:
		default:
			h.remove(s)
		}
	}
	for _, id := range e.Accounts {
		for s := range h.accounts[id] {
			tell(s)
		}
	}
	if e.Public {
		for s := range h.public {
			tell(s)
		}
	}
}

// Drop ends every subscription of an account: its session, token or right to be here has ended.
func (h *Hub) Drop(account store.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.accounts[account] {
		h.remove(s)
	}
}

// Close ends every subscription, those that begin later at once: the process is stopping.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.public {
		h.remove(s)
	}
	for _, set := range h.accounts {
		for s := range set {
			h.remove(s)
		}
	}
}

// Listeners is how many subscriptions are open.
func (h *Hub) Listeners() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

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
	Kind         string     `json:"k"`
	Post         store.ID   `json:"p,omitempty"`
	Notification store.ID   `json:"n,omitempty"`
	Accounts     []store.ID `json:"a,omitempty"` // whose home or notifications it is for
	Public       bool       `json:"u,omitempty"` // also for the public timelines
	Local        bool       `json:"l,omitempty"` // written here
	Tags         []string   `json:"t,omitempty"`
}

// subscriptionBuffer is how far a reader may fall behind before it is dropped.
const subscriptionBuffer = 64

// Subscription receives events until Close, or until it falls behind or is dropped; then C is
// closed.
type Subscription struct {
	C <-chan Event
	// Check receives when another process may have ended the right to listen: ask again.
	Check <-chan struct{}

	hub     *Hub
	c       chan Event
	check   chan struct{}
	account store.ID
	public  bool
	closed  bool
}

// Hub passes live events to whoever listens in this process, and through pass to the others. Losing one
// does no harm: the rows are there.
type Hub struct {
	pass func(message) // nil where there are no others

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
	c, check := make(chan Event, subscriptionBuffer), make(chan struct{}, 1)
	sub := &Subscription{C: c, Check: check, c: c, check: check, hub: h, account: account, public: public}
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
	if h.pass != nil {
		h.pass(message{Events: []Event{e}})
	}
	h.publish(e)
}

func (h *Hub) publish(e Event) {
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
	if h.pass != nil {
		h.pass(message{Drop: []store.ID{account}})
	}
	h.drop(account)
}

func (h *Hub) drop(account store.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.accounts[account] {
		h.remove(s)
	}
}

// Recheck has every listener ask whether it may still be here: another process changed something, and
// nobody knows what.
func (h *Hub) Recheck() {
	h.mu.Lock()
	defer h.mu.Unlock()
	ask := func(s *Subscription) {
		select {
		case s.check <- struct{}{}:
		default: // it has been asked already
		}
	}
	for s := range h.public {
		ask(s)
	}
	for _, set := range h.accounts {
		for s := range set {
			ask(s)
		}
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

package social

import (
	"sync"
	"testing"

	"cohort/store"
)

func TestHubEndsSubscriptions(t *testing.T) {
	h := NewHub()
	mine, public := h.Subscribe(1, false), h.Subscribe(0, true)
	h.Publish(Event{Kind: EventUpdate, Accounts: []store.ID{1}, Public: true})
	if e := <-mine.C; e.Kind != EventUpdate {
		t.Errorf("heard %+v", e)
	}
	if e := <-public.C; e.Kind != EventUpdate {
		t.Errorf("heard %+v", e)
	}

	h.Drop(1)
	if _, open := <-mine.C; open {
		t.Error("a dropped account still listens")
	}
	h.Close()
	if _, open := <-public.C; open {
		t.Error("someone listens to a closed hub")
	}
	late := h.Subscribe(1, true)
	if _, open := <-late.C; open || h.Listeners() != 0 {
		t.Errorf("someone new listens to a closed hub (%d)", h.Listeners())
	}
	late.Close()
	mine.Close()
}

func TestHubDropsWhoFallsBehind(t *testing.T) {
	h := NewHub()
	slow := h.Subscribe(1, true)
	for range subscriptionBuffer + 1 {
		h.Publish(Event{Kind: EventUpdate, Accounts: []store.ID{1}, Public: true})
	}
	heard := 0
	for range slow.C {
		heard++
	}
	if heard != subscriptionBuffer || h.Listeners() != 0 {
		t.Errorf("heard %d events, %d listen", heard, h.Listeners())
	}
}

// Listeners come, go and are dropped while others publish.
func TestHubUnderWay(t *testing.T) {
	h := NewHub()
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 500 {
				s := h.Subscribe(store.ID(i), i%2 == 0)
				h.Publish(Event{Kind: EventUpdate, Accounts: []store.ID{0, 1, 2, 3}, Public: true})
				h.Drop(store.ID((i + 1) % 4))
				s.Close()
				s.Close()
			}
		})
	}
	wg.Wait()
	if h.Listeners() != 0 || len(h.accounts) != 0 || len(h.public) != 0 {
		t.Errorf("%d listeners, %d accounts, %d public", h.Listeners(), len(h.accounts), len(h.public))
	}
	h.Publish(Event{Kind: EventUpdate, Public: true})
	h.Close()
	h.Close()
}

// One event comes once, and only to those it is for.
func TestHubTellsWhomItIsFor(t *testing.T) {
	h := NewHub()
	both, other, public, mine := h.Subscribe(1, true), h.Subscribe(2, false), h.Subscribe(0, true), h.Subscribe(1, false)
	h.Publish(Event{Kind: EventUpdate, Accounts: []store.ID{1, 1}, Public: true})
	h.Publish(Event{Kind: EventNotification, Accounts: []store.ID{1}})
	for name, c := range map[string]struct {
		s    *Subscription
		want int
	}{"both": {both, 2}, "another": {other, 0}, "the public": {public, 1}, "mine": {mine, 2}} {
		if got := len(c.s.C); got != c.want {
			t.Errorf("%s heard %d", name, got)
		}
	}
	h.Drop(0) // nobody is account 0
	if h.Listeners() != 4 {
		t.Errorf("%d listen", h.Listeners())
	}
	h.Drop(1)
	if h.Listeners() != 2 {
		t.Errorf("%d listen after a drop", h.Listeners())
	}
}

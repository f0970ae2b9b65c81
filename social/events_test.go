package social

import (
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

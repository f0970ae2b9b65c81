package social

import (
	"log/slog"
	"slices"
	"testing"

	"cohort/store"
)

// What is too long for one message is told in several that together say the same, and a public event
// reaches public listeners once.
func TestMessagesAreCut(t *testing.T) {
	ids := func(n int) (all []store.ID) {
		for i := range n {
			all = append(all, store.ID(1<<60+i))
		}
		return all
	}
	short := message{Drop: ids(1), Events: []Event{{Kind: EventUpdate, Post: 7, Accounts: ids(relayAccounts - 1)}}}
	if got := parts(short); len(got) != 1 {
		t.Errorf("a short message has %d parts", len(got))
	}
	long := message{Drop: ids(relayAccounts + 1), Events: []Event{
		{Kind: EventUpdate, Post: 7, Public: true, Local: true, Tags: []string{"x"}, Accounts: ids(2*relayAccounts + 1)}, {Kind: EventDelete, Post: 8, Public: true},
	}}
	var dropped, told []store.ID
	public := map[store.ID]int{}
	for _, part := range parts(long) {
		if accounts(part) > relayAccounts {
			t.Errorf("a part is for %d", accounts(part))
		}
		dropped = append(dropped, part.Drop...)
		for _, e := range part.Events {
			told = append(told, e.Accounts...)
			if e.Public {
				public[e.Post]++
			}
			if e.Post == 7 && (!e.Local || !slices.Equal(e.Tags, []string{"x"}) || e.Kind != EventUpdate) {
				t.Errorf("a part says %+v", e)
			}
		}
	}
	if !slices.Equal(dropped, long.Drop) || !slices.Equal(told, long.Events[0].Accounts) || public[7] != 1 || public[8] != 1 {
		t.Errorf("%d dropped, %d told, public %v", len(dropped), len(told), public)
	}
}

// What others tell is done here and not told back; nonsense is left alone.
func TestHearOthers(t *testing.T) {
	h := NewHub()
	h.pass = func(m message) { t.Errorf("told back: %+v", m) }
	r := &relay{hub: h, log: slog.New(slog.DiscardHandler)}
	mine, other := h.Subscribe(5, true), h.Subscribe(6, false)
	r.hear(`{"events":[{"k":"update","p":9,"u":true}]}`)
	if e := <-mine.C; e.Post != 9 || e.Kind != EventUpdate {
		t.Errorf("heard %+v", e)
	}
	r.hear(`{"events":[`)
	h.Recheck()
	h.Recheck()
	<-other.Check
	r.hear(`{"drop":[5]}`)
	if _, open := <-mine.C; open || h.Listeners() != 1 {
		t.Error("still listening")
	}
}

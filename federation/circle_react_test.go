package federation_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"cohort/federation/fedtest"
	"cohort/social"
	"cohort/store"
)

// likes is how many favourites an instance counts of a post, by its id.
func (in *instance) likes(uri string, as *store.Account) int64 {
	in.t.Helper()
	p, err := in.db.PostByURI(in.t.Context(), store.AsAccount(as.ID), uri)
	if err != nil {
		in.t.Fatalf("%s reads %s: %v", in.name, uri, err)
	}
	return p.LikesCount
}

// Every member's server counts the same favourites, whoever gave them where; the author is told at home.
func TestFavouritesReachEveryMember(t *testing.T) {
	school, employer, union := newInstance(t, "school"), newInstance(t, "employer"), newInstance(t, "union")
	chen, lin, wu := school.person("chen"), employer.person("lin"), union.person("wu")
	circle := school.class(chen, school.sees(lin, employer), school.sees(wu, union))
	employer.follow(lin, employer.sees(circle.Account, school))
	union.follow(wu, union.sees(circle.Account, school))
	all := []*instance{school, employer, union}
	run(t, all...)
	there, err := employer.db.AccountByURI(t.Context(), circle.URI)
	if err != nil {
		t.Fatal(err)
	}
	post := employer.publish(lin, social.Draft{Text: "a picture of us", Circle: there.ID})
	run(t, all...)

	people := map[*instance]*store.Account{school: chen, employer: lin, union: wu}
	count := func(when string, want int64) {
		t.Helper()
		run(t, all...)
		for in, who := range people {
			if n := in.likes(post.URI, who); n != want {
				t.Errorf("%s: %s counts %d, want %d", when, in.name, n, want)
			}
		}
	}
	each := func(do func(in *instance, who *store.Account, id store.ID) error) {
		t.Helper()
		for in, who := range people {
			p, err := in.db.PostByURI(t.Context(), store.AsAccount(who.ID), post.URI)
			if err == nil {
				err = do(in, who, p.ID)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	count("before", 0)
	each(func(in *instance, who *store.Account, id store.ID) error { return in.social.Like(t.Context(), who, id) })
	count("liked by all", 3)
	notes, err := employer.db.Notifications(t.Context(), lin.ID, store.Page{Limit: 20}, store.NotificationFilter{})
	told := map[string]bool{}
	for _, n := range notes.Items {
		if from, err := employer.db.Account(t.Context(), n.FromID); err == nil && n.Kind == store.NotifyLike {
			told[from.Handle] = true
		}
	}
	if err != nil || len(told) != 2 || !told["chen"] || !told["wu"] {
		t.Errorf("the author is told of %v, %v", told, err)
	}
	each(func(in *instance, who *store.Account, id store.ID) error {
		return in.social.Unlike(t.Context(), who, id)
	})
	count("taken back", 0)
	noDeadJobs(t, all...)
}

// What the hub passes on of a favourite is what a member said and proved, to the circle alone; and only while the server
// has somebody who may see the post.
func TestHubPassesOnProvedFavourites(t *testing.T) {
	h := newHubStage(t)
	post := h.publish(h.chen, social.Draft{Text: "in the circle", Circle: h.circle.ID})
	other := h.publish(h.ada, social.Draft{Text: "for all"})
	run(t, h.instance)
	passed := func() (out []string) {
		t.Helper()
		run(t, h.instance)
		for _, raw := range h.announced(t) {
			var d struct {
				Object struct{ ID, Type string } `json:"object"`
			}
			if err := json.Unmarshal(raw, &d); err != nil {
				t.Fatal(err)
			}
			if d.Object.Type != "Create" {
				out = append(out, d.Object.Type)
			}
		}
		for _, d := range h.evil.Inbox() {
			t.Errorf("a stranger's server was sent %s", d.Raw)
		}
		return out
	}
	undo := func(like doc) doc { return h.circleActivity("Undo", h.lin, like) }
	for name, make := range map[string]func() (like, back any){
		"without proofs": func() (any, any) {
			like := h.circleActivity("Like", h.lin, post.URI)
			return like, undo(like)
		},
		"without the circle": func() (any, any) {
			like := h.activity("Like", h.lin, post.URI)
			return h.lin.Proved(like), h.lin.Proved(h.activity("Undo", h.lin, like))
		},
		"to all": func() (any, any) {
			like := h.circleActivity("Like", h.lin, post.URI)
			like["cc"] = []any{public}
			back := undo(like)
			back["cc"] = []any{public}
			return h.lin.Proved(like), h.lin.Proved(back)
		},
		"of great length": func() (any, any) {
			like := h.circleActivity("Like", h.lin, post.URI)
			like["content"] = strings.Repeat("x", 10_000)
			return h.lin.Proved(like), h.lin.Proved(undo(like))
		},
		"of a post elsewhere": func() (any, any) {
			like := h.circleActivity("Like", h.lin, other.URI)
			return h.lin.Proved(like), h.lin.Proved(undo(like))
		},
	} {
		like, back := make()
		for _, said := range []any{like, back} {
			if got := h.lin.Send(h.inbox(), said); got != http.StatusAccepted {
				t.Errorf("%s: %d", name, got)
			}
		}
		if got := passed(); len(got) != 0 {
			t.Fatalf("%s: passed on %q", name, got)
		}
	}

	like := h.circleActivity("Like", h.lin, post.URI)
	signed := h.lin.Proved(like)
	back := h.lin.Proved(undo(like))
	for i, said := range [][]byte{signed, signed, back, back} { // a repeat changes nothing
		if got := h.lin.Send(h.inbox(), said); got != http.StatusAccepted {
			t.Fatalf("%d: %d", i, got)
		}
	}
	if got := passed(); strings.Join(got, " ") != "Like Undo" {
		t.Errorf("passed on %q", got)
	}
	for i, said := range [][]byte{signed, back} {
		if all := h.announced(t); !bytes.Contains(all[len(all)-2+i], said) {
			t.Errorf("changed on the way: %s", all[len(all)-2+i])
		}
	}

	// Who sits there no more is told of nothing, also of what is waiting to be sent.
	if err := h.social.Like(t.Context(), h.chen, post.ID); err != nil {
		t.Fatal(err)
	}
	if err := h.db.Tx(t.Context(), func(tx *store.Tx) error {
		lin, err := tx.AccountByURI(t.Context(), h.lin.ID)
		if err != nil {
			return err
		}
		return tx.EndMembership(t.Context(), h.circle.ID, lin.ID)
	}); err != nil {
		t.Fatal(err)
	}
	if got := passed(); strings.Join(got, " ") != "Like Undo" {
		t.Errorf("after the end: passed on %q", got)
	}
	if got := h.lin.Send(h.inbox(), h.lin.Proved(h.circleActivity("Like", h.lin, post.URI))); got == http.StatusAccepted {
		if p, err := h.db.Post(t.Context(), store.AsAccount(h.chen.ID), post.ID); err != nil || p.LikesCount != 1 {
			t.Errorf("a former member's counts: %+v, %v", p, err)
		}
	}
}

// A member's server takes favourites from the hub alone, and those only that members proved. What another passes on is
// a boost of nothing.
func TestMemberServerCountsWhatTheHubSays(t *testing.T) {
	m := newMemberStage(t)
	m.sit()
	note := m.note(m.chen, "in the circle")
	m.hears(note)
	uri := note["id"].(string)
	open := m.publish(m.lin, social.Draft{Text: "for all"})
	say := func(kind string, by *fedtest.Actor, object any) doc {
		d := m.activity(kind, by, object)
		d["to"], d["audience"] = []any{m.circle.ID, m.circle.ID + "/followers"}, m.circle.ID
		return d
	}
	with := func(d doc, key string, value any) doc { d[key] = value; return d }
	wu := m.hub.Actor("wu")
	for name, c := range map[string]struct {
		by    *fedtest.Actor
		inner []byte
		want  int
	}{
		"by somebody else":        {m.eve, wu.Proved(say("Like", wu, uri)), 202},
		"without a proof":         {m.circle, marshal(say("Like", wu, uri)), 401},
		"another's proof":         {m.circle, m.chen.Proved(say("Like", wu, uri)), 401},
		"without the circle":      {m.circle, wu.Proved(m.activity("Like", wu, uri)), 403},
		"to all":                  {m.circle, wu.Proved(with(say("Like", wu, uri), "cc", []any{public})), 403},
		"of a post for all":       {m.circle, wu.Proved(say("Like", wu, open.URI)), 403},
		"of nothing":              {m.circle, wu.Proved(say("Like", wu, "")), 400},
		"of what is not here":     {m.circle, wu.Proved(say("Like", wu, m.hub.Base+"/notes/none")), 202},
		"the end of another's":    {m.circle, wu.Proved(say("Undo", wu, say("Like", m.eve, uri))), 403},
		"the end of what was not": {m.circle, wu.Proved(say("Undo", wu, say("Like", wu, uri))), 202},
	} {
		if got := c.by.Send(m.inbox(), m.announce(c.by, c.inner)); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
		if n := m.likes(uri, m.lin); n != 0 || m.likes(open.URI, m.lin) != 0 {
			t.Errorf("%s: counted", name)
		}
	}
	like := say("Like", wu, uri)
	send := func(inner []byte, want int64) {
		t.Helper()
		if got := m.circle.Send(m.inbox(), m.announce(m.circle, inner)); got != http.StatusAccepted {
			t.Errorf("%d", got)
		}
		if n := m.likes(uri, m.lin); n != want {
			t.Errorf("%d favourites, want %d", n, want)
		}
	}
	send(wu.Proved(like), 1)
	send(wu.Proved(like), 1)
	// One member cannot take back another's.
	if got := m.circle.Send(m.inbox(), m.announce(m.circle, m.chen.Proved(say("Undo", m.chen, like)))); got != http.StatusForbidden || m.likes(uri, m.lin) != 1 {
		t.Errorf("taken back by another: %d", got)
	}
	send(wu.Proved(say("Undo", wu, like)), 0)
	send(wu.Proved(say("Undo", wu, like)), 0)
	send(wu.Proved(like), 0) // said before it was taken back
	if _, err := m.db.PostByURI(t.Context(), store.AsAccount(m.ada.ID), uri); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("somebody without a seat: %v", err)
	}
}

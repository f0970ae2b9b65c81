package federation_test

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cohort/federation/fedtest"
	"cohort/social"
	"cohort/store"
)

// hubStage is a hub with a circle, a member here and one on another server, and strangers on both.
type hubStage struct {
	*stage
	chen   *store.Account
	circle *store.Circle
	lin    *fedtest.Actor // sits in the circle
	peer   *fedtest.Peer  // lin's server
	other  *fedtest.Actor // a colleague on lin's server, without a seat
}

func newHubStage(t *testing.T) *hubStage {
	h := &hubStage{stage: &stage{instance: newInstance(t, "school")}}
	h.ada, h.chen = h.person("ada"), h.person("chen")
	h.peer, h.evil = fedtest.NewPeer(t, "employer"), fedtest.NewPeer(t, "evil")
	h.lin, h.other, h.eve = h.peer.Actor("lin"), h.peer.Actor("other"), h.evil.Actor("eve")
	lin, err := h.fed.ResolveAccount(t.Context(), "lin@"+h.peer.Host)
	if err != nil {
		t.Fatal(err)
	}
	h.circle = h.class(h.chen, lin)
	h.ask(h.lin, "1")
	return h
}

// ask sends a Follow of the circle.
func (h *hubStage) ask(a *fedtest.Actor, n string) {
	h.t.Helper()
	follow := doc{"@context": "https://www.w3.org/ns/activitystreams", "id": a.ID + "/follows/" + n, "type": "Follow", "actor": a.ID, "object": h.circle.URI}
	if got := a.Send(h.inbox(), follow); got != http.StatusAccepted {
		h.t.Fatalf("follow: %d", got)
	}
	run(h.t, h.instance)
}

// circleNote and circleCreate are what a member's server sends to the hub.
func (h *hubStage) circleNote(a *fedtest.Actor, text string) doc {
	n := h.note(a, text)
	n["to"], n["cc"], n["audience"] = []any{h.circle.URI, h.circle.FollowersURI}, []any{}, h.circle.URI
	return n
}

func (h *hubStage) circleActivity(kind string, a *fedtest.Actor, object any) doc {
	d := h.activity(kind, a, object)
	d["to"], d["audience"] = []any{h.circle.URI, h.circle.FollowersURI}, h.circle.URI
	return d
}

func (h *hubStage) announced(t *testing.T) [][]byte {
	t.Helper()
	var out [][]byte
	for _, d := range h.peer.Inbox() {
		if d.Body["type"] == "Announce" {
			out = append(out, d.Raw)
		}
	}
	return out
}

// A member's signed post is taken in and passed on unchanged; everything else is refused.
func TestHubTakesOnlyMembersOwnWords(t *testing.T) {
	h := newHubStage(t)
	h.ask(h.other, "2")
	h.ask(h.eve, "3")
	for name, c := range map[string]struct {
		by   *fedtest.Actor
		make func(note doc) any
		want int
	}{
		"without a proof": {h.lin, func(n doc) any { return h.circleActivity("Create", h.lin, n) }, 401},
		"by a colleague":  {h.other, func(n doc) any { return h.other.Proved(h.circleActivity("Create", h.other, n)) }, 403},
		"by a stranger":   {h.eve, func(n doc) any { return h.eve.Proved(h.circleActivity("Create", h.eve, n)) }, 403},
		"another's proof": {h.lin, func(n doc) any { return h.other.Proved(h.circleActivity("Create", h.lin, n)) }, 401},
		"altered after proof": {h.lin, func(n doc) any {
			return bytes.Replace(h.lin.Proved(h.circleActivity("Create", h.lin, n)), []byte("words"), []byte("sword"), 1)
		}, 401},
		"to the public too": {h.lin, func(n doc) any {
			n["cc"] = []any{public}
			return h.lin.Proved(h.circleActivity("Create", h.lin, n))
		}, 403},
		"to someone else too": {h.lin, func(n doc) any {
			n["to"] = append(n["to"].([]any), h.eve.ID)
			return h.lin.Proved(h.circleActivity("Create", h.lin, n))
		}, 403},
		"wider around it": {h.lin, func(n doc) any {
			a := h.circleActivity("Create", h.lin, n)
			a["cc"] = []any{public}
			return h.lin.Proved(a)
		}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			note := h.circleNote(c.by, "members' words")
			if got := c.by.Send(h.inbox(), c.make(note)); got != c.want {
				t.Errorf("answered %d, want %d", got, c.want)
			}
			if _, err := h.db.PostByURI(t.Context(), store.AsAccount(h.chen.ID), note["id"].(string)); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("it was stored: %v", err)
			}
		})
	}
	run(t, h.instance)
	if got := h.announced(t); len(got) != 0 {
		t.Fatalf("%d refused posts were passed on", len(got))
	}
	note := h.circleNote(h.lin, "members' words")
	signed := h.lin.Proved(h.circleActivity("Create", h.lin, note))
	if got := h.lin.Send(h.inbox(), signed); got != http.StatusAccepted {
		t.Fatalf("an honest one: %d", got)
	}
	run(t, h.instance)
	if got := h.home(h.chen); !slices.Equal(got, []string{"members' words"}) {
		t.Errorf("home of chen: %q", got)
	}
	if got := h.home(h.ada); len(got) != 0 {
		t.Errorf("home of an outsider: %q", got)
	}
	got := h.announced(t)
	if len(got) != 1 || !bytes.Contains(got[0], signed) {
		t.Errorf("passed on %d times, or changed on the way", len(got))
	}
	for _, d := range h.evil.Inbox() {
		t.Errorf("a stranger's server was sent %s", d.Raw)
	}
}

// Who asks for a circle's post, its members or its reactions from outside gets exactly the answer of
// what does not exist.
func TestCircleFetches(t *testing.T) {
	h := newHubStage(t)
	post := h.publish(h.chen, social.Draft{Text: "marker of the circle", Circle: h.circle.ID})
	run(t, h.instance)
	server := h.peer.Actor("employer.localhost")
	server.Doc["type"] = "Application"
	strange := h.evil.Actor("evil.localhost")
	strange.Doc["type"] = "Application"

	unsigned := func(url string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "application/activity+json")
		return fedtest.Fetch(t, r)
	}
	absent := "http://" + h.host + "/posts/12345"
	_, want := unsigned(absent)
	for name, get := range map[string]func(string) (int, string){
		"unsigned": unsigned, "a colleague": h.other.Get, "a stranger": h.eve.Get, "a stranger's server": strange.Get,
	} {
		for _, url := range []string{post.URI, post.URI + "/replies", absent} {
			if status, body := get(url); status != http.StatusNotFound || body != want {
				t.Errorf("%s gets %s: %d %s", name, url, status, body)
			}
		}
	}
	for name, get := range map[string]func(string) (int, string){"the member": h.lin.Get, "the member's server": server.Get} {
		status, body := get(post.URI)
		if status != http.StatusOK || !strings.Contains(body, "marker of the circle") || strings.Contains(body, "as#Public") || strings.Contains(body, "#Public") {
			t.Errorf("%s gets %d %s", name, status, body)
		}
	}
	for _, path := range []string{"", "/outbox", "/followers", "/members"} {
		for name, get := range map[string]func(string) (int, string){"unsigned": unsigned, "a stranger": h.eve.Get, "the member": h.lin.Get} {
			status, body := get(h.circle.URI + path)
			if path != "" && name != "the member" {
				if status != http.StatusNotFound || body != want {
					t.Errorf("%s gets %s of the circle: %d %s", name, path, status, body)
				}
				continue
			}
			if status != http.StatusOK || strings.Contains(body, "marker") || strings.Contains(body, "lin") && strings.Contains(body, h.lin.ID) || strings.Contains(body, "totalItems") {
				t.Errorf("%s gets %s of the circle: %d %s", name, path, status, body)
			}
		}
	}
	if status, body := unsigned(h.chen.Outbox + "?page=true"); status != http.StatusOK || strings.Contains(body, "marker") {
		t.Errorf("the author's outbox: %d %s", status, body)
	}
	if status, body := unsigned(h.chen.Outbox); status != http.StatusOK || !strings.Contains(body, `"totalItems":0`) {
		t.Errorf("the author's counts: %d %s", status, body)
	}
}

// A favourite or a reply from someone who may not see a circle post has the answer and the effect of one to
// a post that does not exist.
func TestReactionsFromOutside(t *testing.T) {
	h := newHubStage(t)
	post := h.publish(h.chen, social.Draft{Text: "in the circle", Circle: h.circle.ID})
	run(t, h.instance)
	like := func(uri string) int { return h.eve.Send(h.inbox(), h.activity("Like", h.eve, uri)) }
	if got, absent := like(post.URI), like("http://"+h.host+"/posts/12345"); got != absent {
		t.Errorf("a like of an unseen post is answered %d, of an absent one %d", got, absent)
	}
	boost := h.activity("Announce", h.eve, post.URI)
	h.eve.Send(h.inbox(), boost)
	reply := func(uri string) int {
		note := h.note(h.eve, "@chen out here")
		note["inReplyTo"], note["tag"] = uri, []any{doc{"type": "Mention", "href": h.chen.URI, "name": "@chen"}}
		note["cc"] = []any{h.chen.URI}
		return h.eve.Send(h.inbox(), h.activity("Create", h.eve, note))
	}
	if got, absent := reply(post.URI), reply("http://"+h.host+"/posts/12345"); got != absent {
		t.Errorf("a reply to an unseen post is answered %d, to an absent one %d", got, absent)
	}
	run(t, h.instance)
	p, err := h.db.Post(t.Context(), store.AsAccount(h.chen.ID), post.ID)
	if err != nil || p.LikesCount != 0 || p.RepliesCount != 0 || p.BoostsCount != 0 {
		t.Errorf("the post: %+v, %v", p, err)
	}
	notes, err := h.db.Notifications(t.Context(), h.chen.ID, store.Page{Limit: 20}, store.NotificationFilter{})
	if err != nil || len(notes.Items) != 2 {
		t.Fatalf("notifications: %+v, %v", notes, err)
	}
	for _, n := range notes.Items {
		p, err := h.db.Post(t.Context(), store.AsAccount(h.chen.ID), n.PostID)
		if err != nil || n.Kind != store.NotifyMention || p.ReplyToURI != "" || p.ReplyToID != 0 || p.RootID != p.ID {
			t.Errorf("told %s of %+v, %v", n.Kind, p, err)
		}
	}
	if got := h.lin.Send(h.inbox(), h.activity("Like", h.lin, post.URI)); got != http.StatusAccepted {
		t.Fatal(got)
	}
	if p, err = h.db.Post(t.Context(), store.AsAccount(h.chen.ID), post.ID); err != nil || p.LikesCount != 1 {
		t.Errorf("a member's like: %+v, %v", p, err)
	}
}

// memberStage is a member's server whose circle has its hub at a peer.
type memberStage struct {
	*stage
	lin    *store.Account
	hub    *fedtest.Peer
	circle *fedtest.Actor
	chen   *fedtest.Actor // a member at the hub
	known  *store.Account // the circle as known here
}

func newMemberStage(t *testing.T) *memberStage {
	m := &memberStage{stage: &stage{instance: newInstance(t, "employer")}}
	m.lin, m.ada = m.person("lin"), m.person("ada")
	m.hub, m.evil = fedtest.NewPeer(t, "school"), fedtest.NewPeer(t, "evil")
	m.circle, m.chen, m.eve = m.hub.Actor("class"), m.hub.Actor("chen"), m.evil.Actor("eve")
	m.circle.Doc["type"] = "Group"
	var err error
	if m.known, err = m.fed.ResolveAccount(t.Context(), "class@"+m.hub.Host); err != nil {
		t.Fatal(err)
	}
	return m
}

// sit makes lin a member.
func (m *memberStage) sit() {
	m.t.Helper()
	m.follow(m.lin, m.known)
	ms, err := m.db.Membership(m.t.Context(), m.known.ID, m.lin.ID)
	if err != nil {
		m.t.Fatal(err)
	}
	accept := m.activity("Accept", m.circle, doc{"id": ms.FollowURI, "type": "Follow", "actor": m.lin.URI, "object": m.circle.ID})
	accept["result"] = doc{"id": m.circle.ID + "/memberships/1", "type": "co:Membership", "role": "member"}
	if got := m.circle.Send(m.inbox(), accept); got != http.StatusAccepted {
		m.t.Fatal(got)
	}
}

func (m *memberStage) inner(by *fedtest.Actor, note doc) doc {
	note["to"], note["cc"], note["audience"] = []any{m.circle.ID, m.circle.ID + "/followers"}, []any{}, m.circle.ID
	d := m.activity("Create", by, note)
	d["to"], d["audience"] = note["to"], m.circle.ID
	return d
}

// announce wraps an inner activity as it is.
func (m *memberStage) announce(by *fedtest.Actor, inner []byte) []byte {
	m.n++
	return []byte(`{"@context":"https://www.w3.org/ns/activitystreams","id":"` + by.ID + "/announces/" + strings.Repeat("z", m.n) +
		`","type":"Announce","actor":"` + by.ID + `","to":["` + m.circle.ID + `/followers"],"object":` + string(inner) + `}`)
}

// hears has the hub pass on a post by its own member.
func (m *memberStage) hears(note doc) {
	m.t.Helper()
	if got := m.circle.Send(m.inbox(), m.announce(m.circle, m.chen.Proved(m.inner(m.chen, note)))); got != http.StatusAccepted {
		m.t.Fatal(got)
	}
}

// A member's server believes nobody but the hub, and the hub only what authors proved.
func TestMemberServerBelievesOnlyTheHub(t *testing.T) {
	m := newMemberStage(t)
	early := m.note(m.chen, "before anyone sits here")
	if got := m.circle.Send(m.inbox(), m.announce(m.circle, m.chen.Proved(m.inner(m.chen, early)))); got != http.StatusForbidden {
		t.Errorf("without a member here: %d", got)
	}
	m.sit()
	for name, c := range map[string]struct {
		by   *fedtest.Actor
		make func(note doc) []byte
		want int
	}{
		"announced by another": {m.eve, func(n doc) []byte { return m.announce(m.eve, m.chen.Proved(m.inner(m.chen, n))) }, 202},
		"without a proof":      {m.circle, func(n doc) []byte { return m.announce(m.circle, plain(m.inner(m.chen, n))) }, 401},
		"another's proof":      {m.circle, func(n doc) []byte { return m.announce(m.circle, m.circle.Proved(m.inner(m.chen, n))) }, 401},
		"altered": {m.circle, func(n doc) []byte {
			return bytes.Replace(m.announce(m.circle, m.chen.Proved(m.inner(m.chen, n))), []byte("words"), []byte("sword"), 1)
		}, 401},
		"another author": {m.circle, func(n doc) []byte {
			n["attributedTo"] = m.hub.Actor("someone").ID
			return m.announce(m.circle, m.chen.Proved(m.inner(m.chen, n)))
		}, 403},
		"another circle": {m.circle, func(n doc) []byte {
			d := m.inner(m.chen, n)
			d["audience"] = m.hub.Base + "/circles/other"
			return m.announce(m.circle, m.chen.Proved(d))
		}, 403},
		"public inside": {m.circle, func(n doc) []byte {
			d := m.inner(m.chen, n)
			n["to"] = []any{public}
			return m.announce(m.circle, m.chen.Proved(d))
		}, 403},
		"a profile inside": {m.circle, func(doc) []byte {
			d := m.activity("Update", m.chen, m.chen.Doc)
			d["audience"] = m.circle.ID
			return m.announce(m.circle, m.chen.Proved(d))
		}, 403},
		"straight from the author": {m.chen, func(n doc) []byte { return m.chen.Proved(m.inner(m.chen, n)) }, 403},
	} {
		t.Run(name, func(t *testing.T) {
			note := m.note(m.chen, "members' words")
			if got := c.by.Send(m.inbox(), c.make(note)); got != c.want {
				t.Errorf("answered %d, want %d", got, c.want)
			}
			run(t, m.instance)
			for _, who := range []*store.Account{m.lin, m.ada} {
				if got := m.home(who); len(got) != 0 {
					t.Errorf("home of %s: %q", who.Handle, got)
				}
			}
		})
	}
	note := m.note(m.chen, "members' words")
	if got := m.circle.Send(m.inbox(), m.announce(m.circle, m.chen.Proved(m.inner(m.chen, note)))); got != http.StatusAccepted {
		t.Fatalf("an honest one: %d", got)
	}
	if got := m.home(m.lin); !slices.Equal(got, []string{"members' words"}) {
		t.Errorf("home of lin: %q", got)
	}
	if got := m.home(m.ada); len(got) != 0 {
		t.Errorf("home of a colleague: %q", got)
	}
}

func plain(d doc) []byte { return marshal(d) }

// Nobody but the circle that was asked can let someone in.
func TestMembershipIsTheHubsToGive(t *testing.T) {
	m := newMemberStage(t)
	m.follow(m.lin, m.known)
	ms, err := m.db.Membership(t.Context(), m.known.ID, m.lin.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range []*fedtest.Actor{m.eve, m.chen} {
		by.Send(m.inbox(), m.activity("Accept", by, ms.FollowURI))
		if ms, err = m.db.Membership(t.Context(), m.known.ID, m.lin.ID); err != nil || ms.Current(time.Now()) {
			t.Fatalf("%s let lin in: %+v, %v", by.Name, ms, err)
		}
	}
}

// At a member's server, what the hub passes on in answer to her post is in its thread.
func TestRepliesFromTheHub(t *testing.T) {
	m := newMemberStage(t)
	m.sit()
	post := m.publish(m.lin, social.Draft{Text: "asked", Circle: m.known.ID})
	run(t, m.instance)
	sent := of(m.hub, "Create")
	if len(sent) != 1 {
		t.Fatalf("the hub got %q", sent)
	}
	note := m.note(m.chen, "answered")
	note["inReplyTo"] = post.URI
	for _, inner := range [][]byte{sent[0], m.chen.Proved(m.inner(m.chen, note))} {
		if got := m.circle.Send(m.inbox(), m.announce(m.circle, inner)); got != http.StatusAccepted {
			t.Fatal(got)
		}
	}
	p, err := m.db.PostByURI(t.Context(), store.AsAccount(m.lin.ID), note["id"].(string))
	if err != nil || p.ReplyToID != post.ID || p.RootID != post.ID {
		t.Errorf("the reply is %+v, %v", p, err)
	}
}

// After the last seat here is lost, what was received can still be taken back, and nothing else of the circle is heard.
func TestDeleteAfterTheLastSeat(t *testing.T) {
	m := newMemberStage(t)
	m.sit()
	note := m.note(m.chen, "members' words")
	m.hears(note)
	ms, err := m.db.Membership(t.Context(), m.known.ID, m.lin.ID)
	if err != nil {
		t.Fatal(err)
	}
	end := m.activity("Reject", m.circle, doc{"id": ms.FollowURI, "type": "Follow", "actor": m.lin.URI, "object": m.circle.ID})
	if got := m.circle.Send(m.inbox(), end); got != http.StatusAccepted {
		t.Fatal(got)
	}
	kept := func(note doc) bool {
		facts, err := m.db.PostFacts(t.Context(), note["id"].(string))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil && facts.DeletedAt.IsZero()
	}
	remove := func(id any) []byte {
		d := m.activity("Delete", m.chen, id)
		d["to"], d["audience"] = []any{m.circle.ID, m.circle.ID + "/followers"}, m.circle.ID
		return m.chen.Proved(d)
	}
	later := m.note(m.chen, "later words")
	for name, c := range map[string]struct {
		by    *fedtest.Actor
		inner []byte
	}{
		"a post":                      {m.circle, m.chen.Proved(m.inner(m.chen, later))},
		"a Delete of what never came": {m.circle, remove(later["id"])},
		"an unproved Delete":          {m.circle, plain(m.activity("Delete", m.chen, note["id"]))},
	} {
		if got := c.by.Send(m.inbox(), m.announce(c.by, c.inner)); got < 400 || !kept(note) || kept(later) {
			t.Errorf("%s: %d, kept: %v, %v", name, got, kept(note), kept(later))
		}
	}
	if got := m.circle.Send(m.inbox(), m.announce(m.circle, remove(note["id"]))); got != http.StatusAccepted || kept(note) {
		t.Errorf("the Delete: %d, kept: %v", got, kept(note))
	}
}

package federation_test

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"cohort/federation/fedtest"
	"cohort/social"
	"cohort/store"
)

type doc = map[string]any

const public = "https://www.w3.org/ns/activitystreams#Public"

// stage is an instance with a member who follows bob on another server, and eve on a third.
type stage struct {
	*instance
	ada            *store.Account
	good, evil     *fedtest.Peer
	bob, carl, eve *fedtest.Actor
	mallory        *fedtest.Actor
	n              int
}

func newStage(t *testing.T) *stage {
	s := &stage{instance: newInstance(t, "school")}
	s.ada = s.person("ada")
	s.good, s.evil = fedtest.NewPeer(t, "good"), fedtest.NewPeer(t, "evil")
	s.bob, s.carl = s.good.Actor("bob"), s.good.Actor("carl")
	s.eve, s.mallory = s.evil.Actor("eve"), s.evil.Actor("mallory")
	for _, a := range []*fedtest.Actor{s.bob, s.eve} {
		remote, err := s.fed.FetchActor(t.Context(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		s.follow(s.ada, remote)
		f, err := s.db.Follow(t.Context(), s.ada.ID, remote.ID)
		if err != nil {
			t.Fatal(err)
		}
		accept := doc{"@context": "https://www.w3.org/ns/activitystreams", "id": a.ID + "/accept", "type": "Accept", "actor": a.ID, "object": f.URI}
		if got := a.Send(s.inbox(), accept); got != http.StatusAccepted {
			t.Fatalf("accept: %d", got)
		}
	}
	return s
}

func (s *stage) inbox() string { return "http://" + s.host + "/inbox" }

// note and create make documents by a, with ids of their own.
func (s *stage) note(a *fedtest.Actor, text string) doc {
	s.n++
	id := a.ID + "/notes/" + string(rune('a'+s.n%26)) + strings.Repeat("x", s.n/26)
	return doc{
		"id": id, "type": "Note", "attributedTo": a.ID, "content": "<p>" + text + "</p>",
		"published": time.Now().UTC().Format(time.RFC3339), "to": []any{public}, "cc": []any{a.ID + "/followers"},
	}
}

func (s *stage) activity(kind string, a *fedtest.Actor, object any) doc {
	s.n++
	d := doc{
		"@context": "https://www.w3.org/ns/activitystreams", "type": kind, "actor": a.ID, "object": object,
		"id": a.ID + "/activities/" + strings.Repeat("y", s.n), "to": []any{public},
	}
	return d
}

func (s *stage) stored(uri any) bool {
	s.t.Helper()
	text, _ := uri.(string)
	_, err := s.db.PostByURI(s.t.Context(), store.AsAccount(s.ada.ID), text)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		s.t.Fatal(err)
	}
	return err == nil
}

// Every forged Create is refused and nothing of it is stored.
func TestForgedCreates(t *testing.T) {
	s := newStage(t)
	now := time.Now()
	forge := func(by *fedtest.Actor, spoil func(note, create doc), sign func(*fedtest.Sending) *fedtest.Sending) (int, doc) {
		note := s.note(by, "forged")
		create := s.activity("Create", by, note)
		if spoil != nil {
			spoil(note, create)
		}
		sending := by.Prepare(s.inbox(), create, now)
		if sign != nil {
			sending = sign(sending)
		}
		return sending.Do(t), note
	}
	header := func(name, value string) func(*fedtest.Sending) *fedtest.Sending {
		return func(x *fedtest.Sending) *fedtest.Sending { x.Req.Header.Set(name, value); return x }
	}
	for name, c := range map[string]struct {
		by    *fedtest.Actor
		spoil func(note, create doc)
		sign  func(*fedtest.Sending) *fedtest.Sending
		want  int
	}{
		"unsigned": {s.bob, nil, func(x *fedtest.Sending) *fedtest.Sending { x.Req.Header.Del("Signature"); return x }, 401},
		"altered body": {s.bob, nil, func(x *fedtest.Sending) *fedtest.Sending {
			x.Body = []byte(strings.Replace(string(x.Body), "forged", "altered", 1))
			return x
		}, 401},
		"no digest":        {s.bob, nil, func(x *fedtest.Sending) *fedtest.Sending { x.Req.Header.Del("Digest"); return x }, 401},
		"wrong digest":     {s.bob, nil, header("Digest", "SHA-256=AAAA"), 401},
		"empty signature":  {s.bob, nil, header("Signature", ""), 401},
		"garbage":          {s.bob, nil, header("Signature", `keyId="x",signature="AAAA"`), 401},
		"wrong type":       {s.bob, nil, header("Content-Type", "application/json"), 415},
		"encoded":          {s.bob, nil, header("Content-Encoding", "gzip"), 415},
		"for another host": {s.bob, nil, func(x *fedtest.Sending) *fedtest.Sending { x.Req.Host = "other.example"; return x }, 421},
		"stale": {s.bob, nil, func(x *fedtest.Sending) *fedtest.Sending {
			return s.resign(s.bob, x, now.Add(-48*time.Hour))
		}, 401},
		"from the future": {s.bob, nil, func(x *fedtest.Sending) *fedtest.Sending {
			return s.resign(s.bob, x, now.Add(48*time.Hour))
		}, 401},
		"another's key": {s.bob, nil, func(x *fedtest.Sending) *fedtest.Sending { return s.resign(s.eve, x, now) }, 401},
		"a neighbour's": {s.bob, nil, func(x *fedtest.Sending) *fedtest.Sending { return s.resign(s.carl, x, now) }, 401},
		"own key under another's name": {s.bob, nil, func(x *fedtest.Sending) *fedtest.Sending {
			liar := *s.eve
			liar.KeyID = s.bob.KeyID
			return s.resign(&liar, x, now)
		}, 401},
		"another's author":      {s.eve, func(n, _ doc) { n["attributedTo"] = s.bob.ID }, nil, 401},
		"several authors":       {s.eve, func(n, _ doc) { n["attributedTo"] = []any{s.bob.ID, s.eve.ID} }, nil, 400},
		"neighbour as author":   {s.eve, func(n, _ doc) { n["attributedTo"] = s.mallory.ID }, nil, 401},
		"another server's note": {s.eve, func(n, _ doc) { n["id"] = s.good.Base + "/notes/1" }, nil, 401},
		"a note of ours":        {s.eve, func(n, _ doc) { n["id"] = "http://" + s.host + "/posts/1" }, nil, 401},
		"userinfo in the id":    {s.eve, func(n, _ doc) { n["id"] = "http://" + s.evil.Host + "@" + s.good.Host + "/1" }, nil, 401},
		"another's activity id": {s.eve, func(_, a doc) { a["id"] = s.good.Base + "/a/1" }, nil, 403},
		"circle audience": {s.eve, func(n, _ doc) {
			n["audience"], n["to"], n["cc"] = s.evil.Base+"/circles/1", []any{s.evil.Base + "/circles/1"}, nil
		}, nil, 403},
		"no object":   {s.eve, func(_, a doc) { delete(a, "object") }, nil, 400},
		"actor twice": {s.eve, func(_, a doc) { a["actor"] = []any{s.eve.ID, s.bob.ID} }, nil, 400},
	} {
		t.Run(name, func(t *testing.T) {
			got, note := forge(c.by, c.spoil, c.sign)
			if got != c.want {
				t.Errorf("answered %d, want %d", got, c.want)
			}
			if s.stored(note["id"]) {
				t.Error("it was stored")
			}
		})
	}
	if got, note := forge(s.bob, nil, nil); got != http.StatusAccepted || !s.stored(note["id"]) {
		t.Errorf("an honest one is answered %d, stored %v", got, s.stored(note["id"]))
	}
}

// resign signs the same body again, by somebody or at some time.
func (s *stage) resign(by *fedtest.Actor, x *fedtest.Sending, at time.Time) *fedtest.Sending {
	return by.Prepare(s.inbox(), x.Body, at)
}

// Documents that no reader should have to bear are refused as such, quickly.
func TestHostileDocuments(t *testing.T) {
	s := newStage(t)
	base := `{"@context":"https://www.w3.org/ns/activitystreams","id":"` + s.bob.ID + `/h","type":"Create","actor":"` + s.bob.ID + `","object":`
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"not json":        {"{", 400},
		"an array":        {"[]", 400},
		"two documents":   {base + `"` + s.bob.ID + `/n"}{}`, 400},
		"duplicate key":   {base + `"x","object":"y"}`, 400},
		"too deep":        {base + strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 101), 400},
		"too wide":        {base + `[` + strings.Repeat(`{},`, 5000) + `{}]}`, 413},
		"too big":         {base + `"` + strings.Repeat("x", 1<<20) + `"}`, 413},
		"folded key":      {strings.Replace(base, `"actor"`, `"Actor"`, 1) + `"x"}`, 400},
		"null everywhere": {`{"@context":null,"id":null,"type":null,"actor":null,"object":null}`, 400},
	} {
		t.Run(name, func(t *testing.T) {
			if got := s.bob.Send(s.inbox(), []byte(c.body)); got != c.want {
				t.Errorf("answered %d, want %d", got, c.want)
			}
		})
	}
}

// What belongs to someone can be changed and removed by nobody else.
func TestOthersThings(t *testing.T) {
	s := newStage(t)
	note := s.note(s.bob, "bob's own words")
	if got := s.bob.Send(s.inbox(), s.activity("Create", s.bob, note)); got != http.StatusAccepted {
		t.Fatal(got)
	}
	mine := s.publish(s.ada, social.Draft{Text: "ada's own words"})
	changed := doc{}
	for k, v := range note {
		changed[k] = v
	}
	changed["content"], changed["updated"] = "<p>hijacked</p>", time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	stolen := doc{}
	for k, v := range changed {
		stolen[k] = v
	}
	stolen["attributedTo"] = s.eve.ID
	for name, send := range map[string]func() int{
		"update by another":        func() int { return s.eve.Send(s.inbox(), s.activity("Update", s.eve, changed)) },
		"update re-attributed":     func() int { return s.eve.Send(s.inbox(), s.activity("Update", s.eve, stolen)) },
		"update by a neighbour":    func() int { return s.carl.Send(s.inbox(), s.activity("Update", s.carl, changed)) },
		"delete by another":        func() int { return s.eve.Send(s.inbox(), s.activity("Delete", s.eve, note["id"])) },
		"delete by a neighbour":    func() int { return s.carl.Send(s.inbox(), s.activity("Delete", s.carl, note["id"])) },
		"delete of a local post":   func() int { return s.eve.Send(s.inbox(), s.activity("Delete", s.eve, mine.URI)) },
		"delete of another actor":  func() int { return s.eve.Send(s.inbox(), s.activity("Delete", s.eve, s.bob.ID)) },
		"delete of a local actor":  func() int { return s.eve.Send(s.inbox(), s.activity("Delete", s.eve, s.ada.URI)) },
		"update of another actor":  func() int { return s.eve.Send(s.inbox(), s.activity("Update", s.eve, s.bob.Doc)) },
		"accept for someone else":  func() int { return s.eve.Send(s.inbox(), s.activity("Accept", s.eve, s.pending(s.carl))) },
		"reject for someone else":  func() int { return s.eve.Send(s.inbox(), s.activity("Reject", s.eve, s.accepted(s.bob))) },
		"undo of another's follow": func() int { return s.eve.Send(s.inbox(), s.activity("Undo", s.eve, s.accepted(s.bob))) },
	} {
		t.Run(name, func(t *testing.T) {
			if got := send(); got >= 500 {
				t.Errorf("answered %d", got)
			}
			p, err := s.db.PostByURI(t.Context(), store.AsAccount(s.ada.ID), note["id"].(string))
			if err != nil || social.PlainText(p.HTML, 100) != "bob's own words" {
				t.Errorf("bob's post: %+v, %v", p, err)
			}
			if _, err := s.db.Post(t.Context(), store.AsAccount(s.ada.ID), mine.ID); err != nil {
				t.Errorf("ada's post: %v", err)
			}
			bob, err := s.db.AccountByURI(t.Context(), s.bob.ID)
			if err != nil || !bob.Live() || bob.Name != "BOB" {
				t.Errorf("bob: %+v, %v", bob, err)
			}
			if f, err := s.db.Follow(t.Context(), s.ada.ID, bob.ID); err != nil || f.AcceptedAt.IsZero() {
				t.Errorf("ada's follow of bob: %+v, %v", f, err)
			}
			if f, err := s.db.FollowByURI(t.Context(), s.pending(s.carl)); err != nil || !f.AcceptedAt.IsZero() {
				t.Errorf("ada's request to carl: %+v, %v", f, err)
			}
		})
	}
}

// pending is the id of ada's follow of a, asked for if it was not yet; accepted of one that is.
func (s *stage) pending(a *fedtest.Actor) string {
	s.t.Helper()
	remote, err := s.fed.FetchActor(s.t.Context(), a.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	s.follow(s.ada, remote)
	return s.accepted(a)
}

func (s *stage) accepted(a *fedtest.Actor) string {
	s.t.Helper()
	remote, err := s.db.AccountByURI(s.t.Context(), a.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	f, err := s.db.Follow(s.t.Context(), s.ada.ID, remote.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return f.URI
}

// A repeat changes nothing, what was deleted stays so, and a Delete that comes first wins.
func TestReplays(t *testing.T) {
	s := newStage(t)
	note := s.note(s.bob, "once")
	create := s.activity("Create", s.bob, note)
	for range 3 {
		if got := s.bob.Send(s.inbox(), create); got != http.StatusAccepted {
			t.Fatal(got)
		}
	}
	if got := s.home(s.ada); len(got) != 1 {
		t.Fatalf("home: %q", got)
	}
	mine := s.publish(s.ada, social.Draft{Text: "like me"})
	like := s.activity("Like", s.bob, mine.URI)
	for _, a := range []doc{like, like, s.activity("Undo", s.bob, like), like} {
		if got := s.bob.Send(s.inbox(), a); got != http.StatusAccepted {
			t.Fatal(got)
		}
	}
	if p, err := s.db.Post(t.Context(), store.AsAccount(s.ada.ID), mine.ID); err != nil || p.LikesCount != 0 {
		t.Errorf("likes after the replay of one taken back: %+v, %v", p, err)
	}
	s.bob.Send(s.inbox(), s.activity("Delete", s.bob, note["id"]))
	s.bob.Send(s.inbox(), create)
	if s.stored(note["id"]) {
		t.Error("a deleted post came back")
	}
	late := s.note(s.bob, "too late")
	s.bob.Send(s.inbox(), s.activity("Delete", s.bob, late["id"]))
	s.bob.Send(s.inbox(), s.activity("Create", s.bob, late))
	if s.stored(late["id"]) {
		t.Error("a post came after its delete")
	}
}

// A key that changed at its origin works at once; one that its actor does not publish never does; and
// nobody can make us ask again and again.
func TestKeyRotation(t *testing.T) {
	s := newStage(t)
	old := *s.bob
	fresh, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s.bob.Key = fresh
	before := s.good.Gets("/users/bob")
	for range 5 {
		if got := s.bob.Send(s.inbox(), s.activity("Create", s.bob, s.note(s.bob, "unpublished key"))); got != http.StatusUnauthorized {
			t.Fatalf("a key that is not published: %d", got)
		}
	}
	if n := s.good.Gets("/users/bob") - before; n != 1 {
		t.Errorf("asked %d times", n)
	}
	s.db.Now = func() time.Time { return time.Now().Add(10 * time.Minute) }
	s.bob.Doc["publicKey"].(doc)["publicKeyPem"] = fedtest.PublicPEM(fresh)
	if got := s.bob.Send(s.inbox(), s.activity("Create", s.bob, s.note(s.bob, "new key"))); got != http.StatusAccepted {
		t.Errorf("the published new key: %d", got)
	}
	if got := old.Send(s.inbox(), s.activity("Create", s.bob, s.note(s.bob, "old key"))); got != http.StatusUnauthorized {
		t.Errorf("the old key: %d", got)
	}
}

// Deletes of accounts that we never knew cost nothing.
func TestStrangersDeletes(t *testing.T) {
	s := newStage(t)
	ghost := s.good.Actor("ghost")
	for range 20 {
		if got := ghost.Send(s.inbox(), s.activity("Delete", ghost, ghost.ID)); got != http.StatusAccepted {
			t.Fatal(got)
		}
	}
	if n := s.good.Gets("/users/ghost"); n != 0 {
		t.Errorf("%d fetches", n)
	}
}

// A blocked domain is refused with everything below it, and nothing is fetched from it.
func TestBlockedDomain(t *testing.T) {
	s := newStage(t)
	if err := s.social.BlockDomain(t.Context(), store.DomainPolicy{Domain: "evil.localhost", Severity: store.Suspend}, 0); err != nil {
		t.Fatal(err)
	}
	gets := s.evil.Gets("/users/mallory")
	for _, a := range []*fedtest.Actor{s.eve, s.mallory} {
		if got := a.Send(s.inbox(), s.activity("Create", a, s.note(a, "blocked"))); got != http.StatusForbidden {
			t.Errorf("%s: %d", a.Name, got)
		}
	}
	if s.evil.Gets("/users/mallory") != gets {
		t.Error("fetched from a blocked domain")
	}
	if got, body := s.eve.Get(s.ada.URI); got != http.StatusNotFound {
		t.Errorf("fetch by a blocked domain: %d %s", got, body)
	}
}

// A recorded Undo does not end a follow that was begun again since.
func TestReplayedUndo(t *testing.T) {
	s := newStage(t)
	follow := func(n string) doc {
		return doc{"@context": "https://www.w3.org/ns/activitystreams", "id": s.bob.ID + "/follows/" + n, "type": "Follow", "actor": s.bob.ID, "object": s.ada.URI}
	}
	first := follow("1")
	undo := s.activity("Undo", s.bob, first)
	for _, a := range []doc{first, undo, follow("2"), undo} {
		if got := s.bob.Send(s.inbox(), a); got != http.StatusAccepted {
			t.Fatal(got)
		}
	}
	if a, err := s.db.Account(t.Context(), s.ada.ID); err != nil || a.FollowersCount != 1 {
		t.Errorf("followers after the replay: %+v, %v", a, err)
	}
}

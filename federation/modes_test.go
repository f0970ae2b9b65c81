package federation_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cohort/federation"
	"cohort/federation/fedtest"
	"cohort/social"
	"cohort/store"
)

// In an instance of partners, servers that were not allowed are neither heard nor contacted; those that
// were, both ways. The strictest decision that covers a server counts.
func TestPartnersMode(t *testing.T) {
	s := newStage(t)
	s.fed.Config.Mode = federation.ModePartners
	s.noContact(t, s.good, s.bob)
	s.noContact(t, s.evil, s.eve)

	s.decide(t, "good.localhost", store.Allow)
	s.noContact(t, s.evil, s.eve)
	if got := s.bob.Send(s.inbox(), s.activity("Create", s.bob, s.note(s.bob, "from a partner"))); got != http.StatusAccepted {
		t.Errorf("a partner's post: %d", got)
	}
	if got, body := s.bob.Get(s.ada.URI); got != http.StatusOK {
		t.Errorf("a partner's fetch: %d %s", got, body)
	}
	if _, err := s.fed.ResolveAccount(t.Context(), "carl@"+s.good.Host); err != nil {
		t.Errorf("looking somebody up at a partner's: %v", err)
	}
	heard := len(s.good.Inbox())
	follow := s.activity("Follow", s.bob, s.ada.URI)
	if got := s.bob.Send(s.inbox(), follow); got != http.StatusAccepted {
		t.Errorf("a partner's follow: %d", got)
	}
	s.publish(s.ada, social.Draft{Text: "to partners", Visibility: store.Public})
	run(t, s.instance)
	if got := len(s.good.Inbox()) - heard; got != 2 {
		t.Errorf("%d deliveries to a partner, not an Accept and a Create", got)
	}

	for _, severity := range []string{store.Silence, store.Suspend} {
		s.decide(t, "good.localhost", severity)
		s.noContact(t, s.good, s.bob)
	}
	s.decide(t, "localhost", store.Allow)
	s.noContact(t, s.good, s.bob)
}

// An instance that speaks with nobody does not, whatever was decided.
func TestOffMode(t *testing.T) {
	s := newStage(t)
	s.decide(t, "good.localhost", store.Allow)
	s.fed.Config.Mode = federation.ModeOff
	s.noContact(t, s.good, s.bob)
}

// Allowing a server that the instance speaks with anyway changes nothing.
func TestAllowInOpenMode(t *testing.T) {
	s := newStage(t)
	s.decide(t, "good.localhost", store.Allow)
	if got := s.bob.Send(s.inbox(), s.activity("Create", s.bob, s.note(s.bob, "still here"))); got != http.StatusAccepted {
		t.Errorf("an allowed server's post: %d", got)
	}
	bob, err := s.db.AccountByURI(t.Context(), s.bob.ID)
	if err != nil || !bob.SilencedAt.IsZero() || !bob.HostSuspendedAt.IsZero() {
		t.Errorf("an allowed account is %+v, %v", bob, err)
	}
}

// A server that is not blocked cannot have us contact one that is.
func TestRedirectsToBlockedHosts(t *testing.T) {
	s := newStage(t)
	asked := 0
	hop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, s.evil.Base+r.URL.RequestURI(), http.StatusFound)
	}))
	t.Cleanup(hop.Close)
	host := strings.Replace(strings.TrimPrefix(hop.URL, "http://"), "127.0.0.1", "hop.localhost", 1)
	mallory := s.evil.Actor("mallory2")
	reach := func() {
		t.Helper()
		if _, err := s.fed.ResolveURL(t.Context(), "http://"+host+"/users/"+mallory.Name, store.Anonymous); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("by its address: %v", err)
		}
		if _, err := s.fed.ResolveAccount(t.Context(), mallory.Name+"@"+host); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("by its name: %v", err)
		}
	}
	s.decide(t, "evil.localhost", store.Suspend)
	gets := func() int { return s.evil.Gets("/users/"+mallory.Name) + s.evil.Gets("/.well-known/webfinger") }
	before := gets()
	reach()
	if got := gets() - before; asked < 2 || got != 0 {
		t.Errorf("%d redirects led to %d requests to a blocked server", asked, got)
	}
}

func (s *stage) decide(t *testing.T, domain, severity string) {
	t.Helper()
	if domain == "localhost" { // also above ourselves, which no operator may decide about
		err := s.db.Tx(t.Context(), func(tx *store.Tx) error {
			return tx.SetDomainPolicy(t.Context(), store.DomainPolicy{Domain: domain, Severity: severity})
		})
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := s.social.BlockDomain(t.Context(), store.DomainPolicy{Domain: domain, Severity: severity}, 0); err != nil {
		t.Fatal(err)
	}
}

// noContact checks that a peer is not heard, and neither asked nor told anything.
func (s *stage) noContact(t *testing.T, peer *fedtest.Peer, actor *fedtest.Actor) {
	t.Helper()
	heard, asked, path := len(peer.Inbox()), peer.Gets("/.well-known/webfinger"), "/users/stranger-"+actor.Name
	note, refusal := s.note(actor, "unheard"), http.StatusForbidden
	if s.fed.Config.Mode == federation.ModeOff {
		refusal = http.StatusNotFound
	}
	if got := actor.Send(s.inbox(), s.activity("Create", actor, note)); got != refusal || s.stored(note["id"]) {
		t.Errorf("%s: a post was answered %d", actor.Name, got)
	}
	if got, _ := actor.Get(s.ada.URI); got != http.StatusNotFound {
		t.Errorf("%s: a fetch was answered %d", actor.Name, got)
	}
	if _, err := s.fed.FetchActor(t.Context(), peer.Base+path); err == nil || peer.Gets(path) != 0 {
		t.Errorf("%s: fetched: %v, %d requests", peer.Host, err, peer.Gets(path))
	}
	if _, err := s.fed.ResolveAccount(t.Context(), "nobody@"+peer.Host); err == nil || errors.Is(err, federation.ErrTemporary) {
		t.Errorf("%s: looked up: %v", peer.Host, err)
	}
	if peer.Gets("/.well-known/webfinger") != asked {
		t.Errorf("%s: asked who somebody is", peer.Host)
	}
	remote, err := s.db.AccountByURI(t.Context(), actor.ID)
	if err != nil {
		t.Fatal(err)
	}
	// Whoever was followed before is told nothing; the job is dropped, not kept for better times.
	s.publish(s.ada, social.Draft{Text: "@" + remote.Address() + " are you there?", Visibility: store.Direct})
	run(t, s.instance)
	if got := len(peer.Inbox()); got != heard {
		t.Errorf("%s was told something", peer.Host)
	}
	if jobs, err := s.db.Jobs(t.Context(), store.JobFilter{}); err != nil || len(jobs) != 0 {
		t.Errorf("%s: %d jobs wait, %v", peer.Host, len(jobs), err)
	}
}

package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cohort/federation/fedtest"
	"cohort/social"
	"cohort/store/storetest"
)

// What a command changes reaches those who listen within a second: the streams
// of whoever lost access end, those of others go on.
func TestCommandsEndStreams(t *testing.T) {
	eachKind(t, func(t *testing.T, s *served) {
		unaffected := s.join("zoe")
		others := s.listen("/api/v1/streaming/user", unaffected)
		for _, c := range []struct {
			handle  string
			command []string
		}{
			{"ada", []string{"account", "suspend", "--handle", "ada"}},
			{"bob", []string{"account", "reset-password", "--handle", "bob"}},
			{"cyd", []string{"account", "delete", "--handle", "cyd"}},
		} {
			token := s.join(c.handle)
			lines := s.listen("/api/v1/streaming/user", token)
			heardUntil(t, lines, ":)")
			began := time.Now()
			s.command("", c.command...)
			for range lines {
			}
			if took := time.Since(began); took > 2*time.Second { // the command takes some of it
				t.Errorf("cohort %s: the stream ended after %s", strings.Join(c.command, " "), took)
			}
			if code, body := s.ask(http.MethodGet, "/api/v1/accounts/verify_credentials", token, nil); code != http.StatusUnauthorized {
				t.Errorf("cohort %s: the token is answered %d %s", strings.Join(c.command, " "), code, body)
			}
		}
		s.post(unaffected, "still here")
		heardUntil(t, others, "event: update")
	})
}

// heardUntil reads lines until one begins with prefix.
func heardUntil(t *testing.T, lines <-chan string, prefix string) {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		select {
		case line, open := <-lines:
			if !open {
				t.Fatalf("the stream ended before %q", prefix)
			}
			if strings.HasPrefix(line, prefix) {
				return
			}
		case <-late:
			t.Fatalf("waited in vain for %q", prefix)
		}
	}
}

// Whose seat is revoked by a command hears nothing more of the circle, and a
// server whose domain is blocked is refused from then on.
func TestCommandsTakeEffectAtOnce(t *testing.T) {
	eachKind(t, func(t *testing.T, s *served) {
		ada, bob := s.join("ada"), s.join("bob")
		s.command("", "circle", "create", "--slug", "class", "--name", "Class", "--unit", "3", "--from", "2009", "--to", "2012")
		for _, handle := range []string{"ada", "bob"} {
			s.command("", "seat", "grant", "--handle", handle, "--type", "alumnus", "--unit", "3", "--from", "2009", "--to", "2012", "--reason", "roster")
			s.joinCircle(handle, "class")
		}
		lines := s.listen("/api/v1/streaming/user", bob)
		heardUntil(t, lines, ":)")
		s.post(ada, "@class first")
		heardUntil(t, lines, "event: update")
		if data := <-lines; !strings.Contains(data, "first") {
			t.Fatalf("bob hears %s", data)
		}
		var seats []struct{ ID, Account string }
		if err := json.Unmarshal([]byte(s.command("", "seat", "list", "--json")), &seats); err != nil || len(seats) != 2 {
			t.Fatalf("seats are %+v, %v", seats, err)
		}
		for _, seat := range seats {
			if strings.Contains(seat.Account, "bob") {
				s.command("", "seat", "revoke", seat.ID)
			}
		}
		id := s.post(ada, "@class second")
		if code, body := s.ask(http.MethodGet, "/api/v1/statuses/"+id, bob, nil); code != http.StatusNotFound {
			t.Errorf("without a seat the circle's post is answered %d %s", code, body)
		}
		s.command("", "account", "suspend", "--handle", "bob") // ends the stream
		for line := range lines {
			if strings.Contains(line, "second") {
				t.Errorf("heard %s", line)
			}
		}

		peer := fedtest.NewPeer(t, "peer")
		eve := peer.Actor("eve")
		send := func() int {
			return eve.Send(s.config.Instance.URL+"/inbox", map[string]any{
				"@context": "https://www.w3.org/ns/activitystreams", "type": "Like", "id": eve.ID + "/" + rand.Text(),
				"actor": eve.ID, "object": s.config.Instance.URL + "/posts/1",
			})
		}
		if code := send(); code != http.StatusAccepted {
			t.Errorf("a stranger's activity is answered %d", code)
		}
		s.command("", "domain", "block", "peer.localhost")
		if code := send(); code != http.StatusForbidden {
			t.Errorf("a blocked server's activity is answered %d", code)
		}
		s.command("", "domain", "unblock", "peer.localhost")
		if code := send(); code != http.StatusAccepted {
			t.Errorf("after the block an activity is answered %d", code)
		}
	})
}

// joinCircle has a member of this instance ask for a place in a circle here.
func (s *served) joinCircle(handle, slug string) {
	s.t.Helper()
	account, err := s.instance.db.AccountByHandle(s.t.Context(), handle, "")
	if err != nil {
		s.t.Fatal(err)
	}
	circle, err := s.instance.db.CircleBySlug(s.t.Context(), slug)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.instance.social.Follow(s.t.Context(), account, circle.ID, social.FollowOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// Two servers share one PostgreSQL database: what happens at one is heard at
// the other, and so is the end of somebody's access.
func TestLiveEventsCrossProcesses(t *testing.T) {
	c, ok := storetest.PostgresConfig(t)
	if !ok {
		return // needs PostgreSQL, which the full run has
	}
	here := serveHere(t, "COHORT_DATABASE_URL="+c.URL)
	there := serveWith(t, here.dir, append(slices.Clone(here.environ), fmt.Sprintf("COHORT_SERVER_LISTEN=127.0.0.1:%d", somePort(t))))
	ada, bob := here.join("ada"), here.join("bob")
	home, public := there.listen("/api/v1/streaming/user", bob), there.listen("/api/v1/streaming/public/local", bob)
	heardUntil(t, home, ":)")
	heardUntil(t, public, ":)")
	id := here.post(ada, "@bob across")
	heardUntil(t, home, "event: notification")
	heardUntil(t, public, "event: update")
	if data := <-public; !strings.Contains(data, "across") {
		t.Errorf("heard %s", data)
	}
	if code, body := here.ask(http.MethodDelete, "/api/v1/statuses/"+id, ada, nil); code != http.StatusOK {
		t.Fatalf("deleting is answered %d %s", code, body)
	}
	heardUntil(t, public, "event: delete")
	if data := <-public; data != "data: "+id {
		t.Errorf("heard %s", data)
	}
	here.command("", "account", "suspend", "--handle", "bob")
	for range home {
	}
}

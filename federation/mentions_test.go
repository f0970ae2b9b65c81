package federation_test

import (
	"bytes"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"cohort/federation/fedtest"
	"cohort/social"
	"cohort/store"
)

// of lists the documents of a kind that a peer was sent.
func of(p *fedtest.Peer, kind string) (out [][]byte) {
	for _, d := range p.Inbox() {
		if d.Body["type"] == kind {
			out = append(out, d.Raw)
		}
	}
	return out
}

// A letter to somebody whom nobody here knows: the answer asks nobody, the job finds her, and she is told.
func TestNamingAStranger(t *testing.T) {
	school, employer := newInstance(t, "school"), newInstance(t, "employer")
	ada, lin := school.person("ada"), employer.person("lin")
	letter := school.publish(ada, social.Draft{Text: "dear @lin@" + employer.host, Visibility: store.Direct})
	if _, err := school.db.AccountByHandle(t.Context(), "lin", employer.host); err == nil {
		t.Fatal("she is known before anybody looked")
	}
	run(t, school, employer)
	notes, err := employer.db.Notifications(t.Context(), lin.ID, store.Page{Limit: 20}, store.NotificationFilter{})
	if err != nil || len(notes.Items) != 1 || notes.Items[0].Kind != store.NotifyMention {
		t.Fatalf("notifications: %+v, %v", notes.Items, err)
	}
	there, err := employer.db.PostByURI(t.Context(), store.AsAccount(lin.ID), letter.URI)
	if err != nil || there.Visibility != store.Direct || !there.EditedAt.IsZero() {
		t.Errorf("the letter there: %+v, %v", there, err)
	}
	noDeadJobs(t, school, employer)
}

// Of a server that names its people under another domain than their ids', both addresses work.
func TestNamingByAnotherDomain(t *testing.T) {
	s := newStage(t)
	shop, town := fedtest.NewPeer(t, "shop"), fedtest.NewPeer(t, "town")
	mia := shop.Actor("mia")
	names(shop, "mia@"+town.Host, mia)
	names(town, "mia@"+town.Host, mia)
	s.publish(s.ada, social.Draft{Text: "hello @mia@" + shop.Host})
	run(t, s.instance)
	if got := of(shop, "Create"); len(got) != 1 || !bytes.Contains(got[0], []byte(`"name":"@mia@`+town.Host)) {
		t.Errorf("%d Creates: %s", len(got), got)
	}
}

// A server that takes the question and never answers holds the post up for a while only.
func TestNamingAtAServerThatHangs(t *testing.T) {
	s := newStage(t)
	hang, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hang.Close() })
	_, port, _ := net.SplitHostPort(hang.Addr().String())
	s.social.LookUpTime = 200 * time.Millisecond
	shop := fedtest.NewPeer(t, "shop")
	mia := shop.Actor("mia")
	s.publish(s.ada, social.Draft{Text: "hello @mia@" + shop.Host + " and @gone@" + shop.Host + " and @x@hang.localhost:" + port})
	began := time.Now()
	run(t, s.instance)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	got := of(shop, "Create")
	if len(got) != 1 || strings.Count(string(got[0]), `"Mention"`) != 1 || !bytes.Contains(got[0], []byte(mia.ID)) {
		t.Errorf("%d Creates: %s", len(got), got)
	}
}

// What a host that failed gets later is the text with its mentions, once.
func TestNamingWhileAServerFails(t *testing.T) {
	s := newStage(t)
	slow, shop := fedtest.NewPeer(t, "slow"), fedtest.NewPeer(t, "shop")
	fan := slow.Actor("fan")
	shop.Actor("mia")
	follow := doc{"@context": "https://www.w3.org/ns/activitystreams", "id": fan.ID + "/follows/1", "type": "Follow", "actor": fan.ID, "object": s.ada.URI}
	if got := fan.Send(s.inbox(), follow); got != http.StatusAccepted {
		t.Fatalf("follow: %d", got)
	}
	run(t, s.instance)
	post := s.publish(s.ada, social.Draft{Text: "hello"})
	run(t, s.instance)

	later := func() {
		now := s.db.Now
		s.db.Now = func() time.Time { return now().Add(2 * time.Hour) }
	}
	slow.Answer(http.StatusServiceUnavailable)
	edit := func(text string) {
		t.Helper()
		if _, err := s.social.Edit(t.Context(), s.ada, post.ID, social.Draft{Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	edit("hello again")
	run(t, s.instance)
	later()
	slow.Answer(http.StatusAccepted)
	edit("hello @mia@" + shop.Host)
	run(t, s.instance)
	later()
	run(t, s.instance)
	seen := map[any]bool{}
	for _, d := range slow.Inbox() {
		if d.Body["type"] != "Update" || bytes.Contains(d.Raw, []byte("hello again")) {
			continue
		}
		if !bytes.Contains(d.Raw, []byte(`"Mention"`)) {
			t.Errorf("sent without its mention: %s", d.Raw)
		}
		seen[d.Body["id"]] = true
	}
	if len(seen) != 1 {
		t.Errorf("Updates: %v", seen)
	}
	noDeadJobs(t, s.instance)
}

// Whom an edit newly names, known or not, is told by one Create, and those who had the post by one Update.
func TestNamingInAnEdit(t *testing.T) {
	for name, known := range map[string]bool{"known": true, "looked up": false} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			fans, shop := fedtest.NewPeer(t, "fans"), fedtest.NewPeer(t, "shop")
			fan, mia := fans.Actor("fan"), shop.Actor("mia")
			follow := doc{"@context": "https://www.w3.org/ns/activitystreams", "id": fan.ID + "/follows/1", "type": "Follow", "actor": fan.ID, "object": s.ada.URI}
			if got := fan.Send(s.inbox(), follow); got != http.StatusAccepted {
				t.Fatalf("follow: %d", got)
			}
			if known {
				if _, err := s.fed.ResolveAccount(t.Context(), "mia@"+shop.Host); err != nil {
					t.Fatal(err)
				}
			}
			post, letter := s.publish(s.ada, social.Draft{Text: "hello"}), s.publish(s.ada, social.Draft{Text: "to you", Visibility: store.Followers})
			run(t, s.instance)
			for _, p := range []*store.Post{post, letter} {
				if _, err := s.social.Edit(t.Context(), s.ada, p.ID, social.Draft{Text: "hello @mia@" + shop.Host}); err != nil {
					t.Fatal(err)
				}
			}
			run(t, s.instance)
			creates := of(shop, "Create")
			if len(creates) != 1 || len(of(shop, "Update")) != 0 || !bytes.Contains(creates[0], []byte(`"id":"`+post.URI+`"`)) || !bytes.Contains(creates[0], []byte(`"href":"`+mia.ID+`"`)) {
				t.Errorf("her server got Creates %s, Updates %s", creates, of(shop, "Update"))
			}
			if c, u := of(fans, "Create"), of(fans, "Update"); len(c) != 2 || len(u) != 2 {
				t.Errorf("the others got %d Creates, %d Updates", len(c), len(u))
			}
			if _, err := s.social.DeletePost(t.Context(), s.ada, post.ID); err != nil {
				t.Fatal(err)
			}
			run(t, s.instance)
			if got := of(shop, "Delete"); len(got) != 1 {
				t.Errorf("%d Deletes", len(got))
			}
			noDeadJobs(t, s.instance)
		})
	}
}

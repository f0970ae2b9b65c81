package federation_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"cohort/federation/fedtest"
	"cohort/social"
	"cohort/store"
)

// BenchmarkInbox takes in signed posts by one followed actor, from the request to the durable row, with
// many senders at once. ns/op is the time per activity on all cores.
func BenchmarkInbox(b *testing.B) {
	in := newInstance(b, "school")
	ada := in.person("ada")
	peer := fedtest.NewPeer(b, "good")
	bob := peer.Actor("bob")
	remote, err := in.fed.FetchActor(b.Context(), bob.ID)
	if err != nil {
		b.Fatal(err)
	}
	in.follow(ada, remote)
	if _, err := in.db.Follow(b.Context(), ada.ID, remote.ID); err != nil {
		b.Fatal(err)
	}
	if err := in.db.Tx(b.Context(), func(tx *store.Tx) error {
		_, err := tx.AcceptFollow(b.Context(), ada.ID, remote.ID)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	sendings := make([]*fedtest.Sending, b.N)
	for i := range sendings {
		id := fmt.Sprintf("%s/notes/%d", bob.ID, i)
		sendings[i] = bob.Prepare("http://"+in.host+"/inbox", doc{
			"@context": "https://www.w3.org/ns/activitystreams", "id": id + "/activity", "type": "Create", "actor": bob.ID,
			"to": []any{public}, "cc": []any{bob.ID + "/followers"},
			"object": doc{
				"id": id, "type": "Note", "attributedTo": bob.ID, "content": "<p>An ordinary post of ordinary length, number <b>one</b> of many, with a little markup.</p>",
				"published": time.Now().UTC().Format(time.RFC3339), "to": []any{public}, "cc": []any{bob.ID + "/followers"},
			},
		}, time.Now())
	}
	var next atomic.Int64
	b.SetParallelism(8)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s := sendings[next.Add(1)-1]
			s.Req.Body = io.NopCloser(bytes.NewReader(s.Body))
			w := httptest.NewRecorder()
			in.fed.PostInbox(w, s.Req)
			if w.Code != http.StatusAccepted {
				b.Errorf("answered %d", w.Code)
			}
		}
	})
}

// BenchmarkPublish writes a public post by a member with followers on fifty servers, up to the durable
// row and queued deliveries.
func BenchmarkPublish(b *testing.B) {
	in := newInstance(b, "school")
	ada := in.person("ada")
	err := in.db.Tx(b.Context(), func(tx *store.Tx) error {
		for i := range 50 {
			host := fmt.Sprintf("h%d.example", i)
			a := &store.Account{ID: tx.NewID(), Kind: store.KindPerson, Handle: "f", Host: host, Domain: host, URI: "https://" + host + "/f", Inbox: "https://" + host + "/f/inbox", SharedInbox: "https://" + host + "/inbox"}
			if err := tx.InsertAccount(b.Context(), a); err != nil {
				return err
			}
			if _, err := tx.InsertFollow(b.Context(), &store.Follow{ID: tx.NewID(), AccountID: a.ID, TargetID: ada.ID, URI: a.URI + "/follow", RequestedAt: tx.Now, AcceptedAt: tx.Now, Boosts: true}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(8)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := in.social.Publish(b.Context(), ada, social.Draft{Text: "a post to everyone", Visibility: store.Public}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

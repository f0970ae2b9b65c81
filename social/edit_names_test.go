package social

import (
	"context"
	"testing"
	"time"

	"cohort/store"
)

// Whom an edit newly names is told, once, and only if she may see the post.
func TestEditTellsWhomItNames(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob, eve, fan := w.person("ada"), w.person("bob"), w.person("eve"), w.person("fan")
		w.follows(fan, ada)
		edit := func(p *store.Post, text string) {
			t.Helper()
			w.later(time.Minute)
			_, err := w.s.Edit(t.Context(), ada, p.ID, Draft{Text: text})
			w.ok(err)
		}
		p := w.post(ada, Draft{Text: "hello @bob"})
		edit(p, "hello @bob and @eve")
		w.same("open", w.told(p), bob, eve)
		w.tx(func(ctx context.Context, tx *store.Tx) error { return tx.ClearNotifications(ctx, bob.ID) })
		edit(p, "hello @bob and @eve!")
		w.same("what was cleared stays so", w.told(p), eve)
		p = w.post(ada, Draft{Text: "hello", Visibility: store.Followers})
		edit(p, "hello @bob and @fan")
		w.same("for followers", w.told(p), fan)

		peer := w.remote("peer", "far.example")
		w.follows(bob, peer)
		in := w.incoming(peer, "<p>hello</p>")
		got := w.receive(peer, in)
		in.Mentions, in.Updated = []string{eve.URI}, w.db.Now().Add(time.Minute)
		w.later(2 * time.Minute)
		w.ok(w.s.ReceiveUpdate(t.Context(), peer, in))
		w.same("from elsewhere", w.told(got), eve)
	})
}

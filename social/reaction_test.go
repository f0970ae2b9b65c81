package social

import (
	"context"
	"slices"
	"testing"

	"cohort/store"
)

// A favourite in a circle here goes to the servers of members, and to none else: not where somebody is only named, has left, or
// whose server nobody approved.
func TestFavouritesGoToMembersServers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob := w.person("ada"), w.person("bob")
		class := w.class("2012-3")
		for _, a := range []*store.Account{ada, bob} {
			w.seat(a, class)
		}
		far, left, fan := w.remote("far", "far.example"), w.remote("left", "left.example"), w.remote("fan", "fans.example")
		w.follows(fan, ada)
		for _, a := range []*store.Account{far, left} {
			w.seat(a, class)
			w.ok(w.s.ReceiveFollow(t.Context(), a, class.Account, a.URI+"/follows/1"))
		}
		w.tx(func(ctx context.Context, tx *store.Tx) error { return tx.EndMembership(ctx, class.ID, left.ID) })
		p := w.post(ada, Draft{Text: "hello @fan@fans.example", Circle: class.ID})
		said := func(what string, by *store.Account, want ...string) {
			t.Helper()
			got := slices.DeleteFunc(w.said(by), func(s string) bool { return s[:6] == "accept" })
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", what, got, want)
			}
		}
		w.ok(w.s.Like(t.Context(), bob, p.ID))
		w.ok(w.s.Like(t.Context(), bob, p.ID))
		w.ok(w.s.Unlike(t.Context(), bob, p.ID))
		w.ok(w.s.Unlike(t.Context(), bob, p.ID))
		said("a member here", bob, "like https://far.example/inbox", "undo_like https://far.example/inbox")

		signed := Said{Circle: class.ID, Signed: "{}"}
		w.ok(w.s.ReceiveLike(t.Context(), far, p.URI, far.URI+"/likes/1", signed))
		w.ok(w.s.ReceiveLike(t.Context(), far, p.URI, far.URI+"/likes/1", signed))
		w.ok(w.s.ReceiveUndoLike(t.Context(), far, far.URI+"/likes/1", p.URI, signed))
		said("a member elsewhere", far, "like https://far.example/inbox", "undo_like https://far.example/inbox")
		w.ok(w.s.ReceiveLike(t.Context(), far, p.URI, far.URI+"/likes/2", Said{}))
		w.ok(w.s.ReceiveUndoLike(t.Context(), far, far.URI+"/likes/2", p.URI, Said{Circle: class.ID + 1, Signed: "{}"}))
		said("without a proof, or for another circle", far, "like https://far.example/inbox", "undo_like https://far.example/inbox")
		w.refused("a former member's", w.s.ReceiveLike(t.Context(), left, p.URI, left.URI+"/likes/1", signed), store.ErrNotFound)
		said("a former member", left)
		if got := w.reload(p); got.LikesCount != 0 {
			t.Errorf("%d favourites", got.LikesCount)
		}
		if n := w.count(`SELECT COUNT(*) FROM activities WHERE post_id = $1`, p.ID); n != 4 {
			t.Errorf("%d activities are kept", n)
		}
	})
}

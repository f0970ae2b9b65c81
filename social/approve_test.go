package social

import (
	"testing"

	"cohort/store"
)

// Who asked for an account on an instance that decides about that may act once somebody has said yes,
// and not before; people elsewhere are nothing to decide about.
func TestApproval(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.s.Config.Registration = RegistrationApproval
		ask := Registration{Handle: "lin", Email: "lin@mail.example", Password: "correct horse battery", Agreed: true}
		if _, err := w.s.Register(t.Context(), ask); err == nil {
			t.Error("nobody asked why")
		}
		ask.Reason = "class of 2012"
		lin, err := w.s.Register(t.Context(), ask)
		w.ok(err)
		w.ok(w.db.Tx(t.Context(), func(tx *store.Tx) error { return tx.SetConfirmed(t.Context(), lin.ID) }))
		active := func() bool {
			t.Helper()
			u, err := w.db.User(t.Context(), lin.ID)
			w.ok(err)
			return u.Active()
		}
		if active() {
			t.Error("let in before anybody said so")
		}
		for range 2 {
			w.ok(w.s.Approve(t.Context(), lin, 0))
			if !active() {
				t.Error("approved and not let in")
			}
		}
		w.refused("approving somebody elsewhere", w.s.Approve(t.Context(), w.remote("bob", "b.example"), 0), store.ErrNotFound)
	})
}

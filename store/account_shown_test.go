package store_test

import (
	"errors"
	"slices"
	"testing"

	"cohort/store"
	"cohort/store/storetest"
)

func TestShownAccounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		ada, bob, eve := storetest.Account(t, db, "ada"), storetest.Remote(t, db, "bob", "b.example"), storetest.Account(t, db, "eve")
		gone := storetest.Account(t, db, "gone")
		waiting := &store.Account{ID: db.NewID(), Kind: store.KindPerson, Handle: "waiting", URI: storetest.Base + "/users/w"}
		server := &store.Account{ID: db.NewID(), Kind: store.KindServer, Handle: "server", URI: storetest.Base + "/actor"}
		open, secret := storetest.Circle(t, db, "open", ada), storetest.Circle(t, db, "secret", ada)
		err := db.Tx(ctx, func(tx *store.Tx) error {
			waits := &store.User{AccountID: waiting.ID, Email: "w@mail.example", EmailKey: "w@mail.example", Role: store.RoleMember, DefaultVisibility: store.Public, CreatedAt: tx.Now}
			for _, a := range []*store.Account{waiting, server} {
				if err := tx.InsertAccount(ctx, a); err != nil {
					return err
				}
			}
			return errors.Join(tx.InsertUser(ctx, waits), tx.SetSuspended(ctx, gone.ID, true), tx.SetListing(ctx, secret.ID, "secret"))
		})
		if err != nil {
			t.Fatal(err)
		}
		all := []store.ID{server.ID, secret.ID, waiting.ID, bob.ID, gone.ID, 5, open.ID, ada.ID, ada.ID}
		for name, test := range map[string]struct {
			viewer store.Viewer
			want   []store.ID
		}{
			"nobody":       {store.Anonymous, []store.ID{bob.ID, open.ID, ada.ID}},
			"somebody":     {store.AsAccount(eve.ID), []store.ID{bob.ID, open.ID, ada.ID}},
			"a member":     {store.AsAccount(ada.ID), []store.ID{secret.ID, bob.ID, open.ID, ada.ID}},
			"who waits":    {store.AsAccount(waiting.ID), []store.ID{waiting.ID, bob.ID, open.ID, ada.ID}},
			"who was shut": {store.AsAccount(gone.ID), []store.ID{bob.ID, open.ID, ada.ID}},
		} {
			found, err := db.ShownAccounts(ctx, test.viewer, all)
			if err != nil {
				t.Fatal(err)
			}
			var got []store.ID
			for _, a := range found {
				got = append(got, a.ID)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%s is shown %v, want %v", name, got, test.want)
			}
			for _, id := range all {
				_, err := db.ShownAccount(ctx, test.viewer, id)
				if shown := slices.Contains(test.want, id); shown != (err == nil) || !shown && !errors.Is(err, store.ErrNotFound) {
					t.Errorf("%s and %d: %v", name, id, err)
				}
			}
		}
	})
}

func TestPostsByID(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ada, eve := storetest.Account(t, db, "ada"), storetest.Account(t, db, "eve")
		open, direct := storetest.Post(t, db, ada, store.Public, 0, nil), storetest.Post(t, db, ada, store.Direct, 0, nil)
		ask := []store.ID{direct.ID, 5, open.ID, direct.ID, open.ID}
		for viewer, want := range map[store.Viewer][]store.ID{
			store.AsAccount(ada.ID): {direct.ID, open.ID}, store.AsAccount(eve.ID): {open.ID}, store.Anonymous: {open.ID},
		} {
			found, err := db.PostsByID(t.Context(), viewer, ask)
			if err != nil {
				t.Fatal(err)
			}
			var got []store.ID
			for _, p := range found {
				got = append(got, p.ID)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v sees %v, want %v", viewer, got, want)
			}
		}
	})
}

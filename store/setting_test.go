package store_test

import (
	"errors"
	"testing"

	"cohort/store"
	"cohort/store/storetest"
)

func TestSettingsRulesAuditAndMarkers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		if v, err := db.Setting(c.ctx, "about"); err != nil || v != "" {
			t.Fatalf("%q, %v", v, err)
		}
		for _, v := range []string{"one", "two"} {
			c.do(func(tx *store.Tx) error {
				return errors.Join(tx.SetSetting(c.ctx, "about", v), tx.SetRules(c.ctx, []string{v, "be kind"}), tx.Audit(c.ctx, 7, "thing.do", v, "detail"))
			})
		}
		if v, err := db.Setting(c.ctx, "about"); err != nil || v != "two" {
			t.Fatalf("%q, %v", v, err)
		}
		if rules, err := db.Rules(c.ctx); err != nil || len(rules) != 2 || rules[0].Text != "two" || rules[1].Text != "be kind" {
			t.Fatalf("%v, %v", rules, err)
		}
		if log, _, err := db.AuditLog(c.ctx, store.Page{}); err != nil || len(log) != 2 || log[0].Subject != "two" || log[0].ActorID != 7 || log[0].CreatedAt.IsZero() {
			t.Fatalf("%+v, %v", log, err)
		}
		for i := range 2 {
			c.do(func(tx *store.Tx) error {
				m, err := tx.SetMarker(c.ctx, 1, "home", store.ID(10+i))
				if m.Version != i+1 || m.LastReadID != store.ID(10+i) {
					t.Errorf("%+v", m)
				}
				return err
			})
		}
		if m, err := db.Markers(c.ctx, 1); err != nil || len(m) != 1 || m["home"].LastReadID != 11 {
			t.Fatalf("%v, %v", m, err)
		}
		if m, err := db.Markers(c.ctx, 2); err != nil || len(m) != 0 {
			t.Fatalf("somebody else's: %v, %v", m, err)
		}
	})
}

func TestIdempotencyAndKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		c.do(func(tx *store.Tx) error { return tx.KeepIdempotencyKey(c.ctx, 1, "k", 10) })
		c.refused(store.ErrConflict, func(tx *store.Tx) error { return tx.KeepIdempotencyKey(c.ctx, 1, "k", 11) })
		c.do(func(tx *store.Tx) error { return tx.KeepIdempotencyKey(c.ctx, 2, "k", 12) })
		if id, err := db.IdempotentPost(c.ctx, 1, "k"); err != nil || id != 10 {
			t.Fatalf("%d, %v", id, err)
		}
		if _, err := db.IdempotentPost(c.ctx, 3, "k"); !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		pair := func(sealed string) []store.ActorKey {
			return []store.ActorKey{{AccountID: 1, Kind: "rsa", Public: "p", PrivateSealed: sealed}, {AccountID: 1, Kind: "ed25519", Public: "q", PrivateSealed: sealed}}
		}
		c.do(func(tx *store.Tx) error { return tx.InsertActorKeys(c.ctx, pair("first")) })
		c.do(func(tx *store.Tx) error { return tx.InsertActorKeys(c.ctx, pair("second")) })
		keys, err := db.ActorKeys(c.ctx, 1)
		if err != nil || len(keys) != 2 || keys[0].PrivateSealed != "first" || keys[1].PrivateSealed != "first" {
			t.Fatalf("%+v, %v", keys, err)
		}
		if keys, err := db.ActorKeys(c.ctx, 2); err != nil || len(keys) != 0 {
			t.Fatalf("%v, %v", keys, err)
		}
	})
}

package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

// BenchmarkPeople measures the reads that come with every request or page.
func BenchmarkPeople(b *testing.B) {
	db := storetest.Open(b)
	c := newCrowd(b, db)
	ctx := context.Background()
	me := c.person("me")
	raw, hash := store.NewSecret()
	tokenRaw, tokenHash := store.NewSecret()
	var ids []store.ID
	c.do(func(tx *store.Tx) error {
		if err := tx.InsertSession(ctx, &store.Session{TokenHash: hash, AccountID: me.ID, ExpiresAt: tx.Now.Add(time.Hour)}); err != nil {
			return err
		}
		if err := tx.InsertToken(ctx, &store.Token{TokenHash: tokenHash, AppID: 1, AccountID: me.ID}); err != nil {
			return err
		}
		for i := range 2000 {
			a := &store.Account{
				Kind: store.KindPerson, Handle: fmt.Sprint("fan", i), Host: "b.example", Domain: "b.example", URI: fmt.Sprint("https://b.example/", i), Name: "Fan of " + fmt.Sprint(i),
				Fields: []store.Field{{Name: "site", Value: "x"}},
			}
			if err := tx.InsertAccount(ctx, a); err != nil {
				return err
			}
			ids = append(ids, a.ID)
			if _, err := tx.InsertFollow(ctx, &store.Follow{AccountID: a.ID, TargetID: me.ID, URI: a.URI + "#f", AcceptedAt: tx.Now}); err != nil {
				return err
			}
			p := &store.Post{ID: tx.NewID(), AuthorID: me.ID, Visibility: store.Public, HTML: "x", URI: fmt.Sprint("https://here.example/p/", i), CreatedAt: tx.Now}
			if _, err := tx.InsertPost(ctx, p, store.PostParts{}); err != nil {
				return err
			}
			kind := store.NotifyLike
			if i%50 == 0 {
				kind = store.NotifyBoost
			}
			if _, err := tx.Notify(ctx, store.Notification{AccountID: me.ID, Kind: kind, FromID: a.ID, PostID: p.ID}); err != nil {
				return err
			}
		}
		return nil
	})
	for name, f := range map[string]func() error{
		"SessionByToken": func() error { _, _, _, err := db.SessionByToken(ctx, raw); return err },
		"TokenByValue":   func() error { _, _, _, err := db.TokenByValue(ctx, tokenRaw); return err },
		"Accounts20":     func() error { _, err := db.Accounts(ctx, ids[:20]); return err },
		"Relationships20": func() error {
			_, err := db.Relationships(ctx, me.ID, ids[:20])
			return err
		},
		"Followers40": func() error { _, _, err := db.Followers(ctx, me.ID, store.Page{}); return err },
		"Notifications20": func() error {
			_, err := db.Notifications(ctx, me.ID, store.Page{Limit: 20}, store.NotificationFilter{})
			return err
		},
		"NotificationsOfKind20": func() error {
			_, err := db.Notifications(ctx, me.ID, store.Page{Limit: 20}, store.NotificationFilter{Types: []string{store.NotifyBoost}})
			return err
		},
		"SearchAccounts": func() error {
			_, err := db.SearchAccounts(ctx, store.AsAccount(me.ID), "fan", store.PageOffset{Limit: 10})
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

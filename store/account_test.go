package store_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

func TestAccountRoundTrip(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		at := time.UnixMilli(1700000000123).UTC()
		in := &store.Account{
			Kind: store.KindPerson, Handle: "Ana", Host: "b.example:8443", Domain: "b.example", URI: "https://b.example/ana", URL: "https://b.example/@ana",
			Name: "Ana R.", Bio: "<p>bio</p>", BioSource: "bio", Fields: []store.Field{{Name: "site", Value: "x", VerifiedAt: at}, {Name: "n", Value: "v"}},
			Avatar: "a", AvatarRemote: "ar", AvatarAlt: "aa", Header: "h", HeaderRemote: "hr", HeaderAlt: "ha",
			Inbox: "in", SharedInbox: "shared", Outbox: "out", FollowersURI: "f", FollowingURI: "g", FeaturedURI: "feat",
			AlsoKnownAs: []string{"https://old.example/ana"}, MovedTo: "new", KeyID: "https://b.example/ana#key", KeyPEM: "pem",
			ProofKeys: []store.ProofKey{{ID: "#ed", Multibase: "z6Mk"}}, Locked: true, Discoverable: true, Indexable: true,
			CreatedAt: at, UpdatedAt: at, FetchedAt: at,
		}
		c.do(func(tx *store.Tx) error { return tx.InsertAccount(c.ctx, in) })
		check := func(got *store.Account, err error) {
			t.Helper()
			if err != nil || !reflect.DeepEqual(got, in) {
				t.Fatalf("got %+v, %v\nwant %+v", got, err, in)
			}
		}
		check(db.Account(c.ctx, in.ID))
		check(db.AccountByURI(c.ctx, in.URI))
		check(db.AccountByHandle(c.ctx, "aNA", "B.example"))
		check(db.AccountByKey(c.ctx, in.KeyID))
		byID, err := db.Accounts(c.ctx, []store.ID{in.ID, in.ID, 0, 77})
		check(byID[in.ID], err)
		byURI, err := db.AccountsByURI(c.ctx, []string{in.URI, "https://nobody.example/"})
		check(byURI[in.URI], err)
		if len(byID) != 1 || len(byURI) != 1 {
			t.Fatal("an account that is not there was found")
		}
		if in.Address() != "Ana@b.example" || in.Local() || !in.Live() || in.DeliveryInbox() != "shared" {
			t.Fatal("facts of the struct are wrong")
		}
	})
}

func TestAccountRefusals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		ada := c.person("ada")
		for name, a := range map[string]*store.Account{
			"same uri":                {Kind: store.KindPerson, Handle: "other", URI: ada.URI},
			"same handle, other case": {Kind: store.KindPerson, Handle: "ADA", URI: "https://here.example/2"},
			"a circle of that name":   {Kind: store.KindCircle, Handle: "ada", URI: "https://here.example/3"},
		} {
			t.Run(name, func(t *testing.T) {
				c := newCrowd(t, db)
				c.refused(store.ErrConflict, func(tx *store.Tx) error { return tx.InsertAccount(c.ctx, a) })
			})
		}
		// A conflict that the use-case knows how to take does not spoil its transaction.
		c.do(func(tx *store.Tx) error {
			if err := tx.InsertAccount(c.ctx, &store.Account{Kind: store.KindPerson, Handle: "ada", URI: "u"}); !errors.Is(err, store.ErrConflict) {
				t.Fatalf("got %v", err)
			}
			return tx.SetSetting(c.ctx, "after", "conflict")
		})
		for name, get := range map[string]func() (*store.Account, error){
			"id":         func() (*store.Account, error) { return db.Account(c.ctx, 5) },
			"uri":        func() (*store.Account, error) { return db.AccountByURI(c.ctx, "") },
			"handle":     func() (*store.Account, error) { return db.AccountByHandle(c.ctx, "ada", "b.example") },
			"no key":     func() (*store.Account, error) { return db.AccountByKey(c.ctx, "") },
			"other key":  func() (*store.Account, error) { return db.AccountByKey(c.ctx, "k") },
			"like words": func() (*store.Account, error) { return db.AccountByHandle(c.ctx, "a%", "") },
		} {
			if a, err := get(); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: got %v, %v", name, a, err)
			}
		}
		c.refused(store.ErrNotFound, func(tx *store.Tx) error { return tx.UpdateAccount(c.ctx, &store.Account{ID: 5}) })
		c.refused(store.ErrNotFound, func(tx *store.Tx) error { return tx.SetSuspended(c.ctx, 5, true) })
	})
}

func TestUpdateAccountKeepsWhatIsNotItsOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		ada, bob := c.person("ada"), c.remote("bob", "b.example")
		c.follow(bob, ada, true)
		c.do(func(tx *store.Tx) error { return tx.SetSilenced(c.ctx, bob.ID, true) })
		forged := &store.Account{ID: bob.ID, Kind: store.KindCircle, Handle: "ada", Host: "", Domain: "", URI: ada.URI, Name: "Robert", FollowersCount: 1000}
		c.do(func(tx *store.Tx) error { return tx.UpdateAccount(c.ctx, forged) })
		got := c.get(bob.ID)
		if got.Kind != store.KindPerson || got.Handle != "bob" || got.Host != "b.example" || got.URI != bob.URI {
			t.Fatalf("an update changed who it is: %+v", got)
		}
		if got.Name != "Robert" || got.FollowersCount != 0 || got.FollowingCount != 1 || got.SilencedAt.IsZero() {
			t.Fatalf("an update changed counters or moderation: %+v", got)
		}
		forged.Kind = store.KindBot
		c.do(func(tx *store.Tx) error { return tx.UpdateAccount(c.ctx, forged) })
		if c.get(bob.ID).Kind != store.KindBot {
			t.Fatal("a person may become a bot")
		}
	})
}

func TestTombstoneAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		ada, bob, eve := c.person("ada"), c.person("bob"), c.remote("eve", "e.example")
		circle := c.circle("c2012", "u", 2012, 2012)
		seat := c.seat(ada, "u", 2012, 2012)
		c.sits(circle.Account, ada, seat)
		c.follow(ada, bob, true)
		c.follow(bob, ada, true)
		c.follow(eve, ada, false)
		post, own := c.post(bob, store.Public, 0), c.post(ada, store.Public, 0)
		c.post(ada, store.Public, 0)
		raw, hash := store.NewSecret()
		tokenRaw, tokenHash := store.NewSecret()
		c.do(func(tx *store.Tx) error {
			if _, err := tx.InsertLike(c.ctx, ada.ID, post, ""); err != nil {
				return err
			}
			if err := tx.InsertToken(c.ctx, &store.Token{TokenHash: tokenHash, AppID: 1, AccountID: ada.ID}); err != nil {
				return err
			}
			return tx.InsertSession(c.ctx, &store.Session{TokenHash: hash, AccountID: ada.ID, ExpiresAt: tx.Now.Add(time.Hour)})
		})
		c.do(func(tx *store.Tx) error { return tx.TombstoneAccount(c.ctx, ada.ID) })

		gone := c.get(ada.ID)
		if gone.Live() || gone.Name != "" || gone.URI != ada.URI || gone.FollowersCount+gone.FollowingCount+gone.PostsCount != 0 {
			t.Fatalf("what is left: %+v", gone)
		}
		c.counters(bob, 0, 0)
		if p, err := db.Post(c.ctx, store.Anonymous, post.ID); err != nil || p.LikesCount != 0 {
			t.Fatalf("the like still counts: %v", err)
		}
		if _, err := db.Post(c.ctx, store.Anonymous, own.ID); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("a post of a deleted account: %v", err)
		}
		if n := c.count(`SELECT COUNT(*) FROM posts WHERE author_id = $1 AND (deleted_at IS NULL OR html <> '')`, int64(ada.ID)); n != 0 {
			t.Fatalf("%d posts kept their text", n)
		}
		if _, _, _, err := db.SessionByToken(c.ctx, raw); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("session: %v", err)
		}
		if _, _, _, err := db.TokenByValue(c.ctx, tokenRaw); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("token: %v", err)
		}
		if _, err := db.User(c.ctx, ada.ID); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("user: %v", err)
		}
		if m, err := db.Membership(c.ctx, circle.ID, ada.ID); err != nil || m.EndedAt.IsZero() {
			t.Fatalf("membership: %+v, %v", m, err)
		}
		if s, err := db.Seat(c.ctx, seat.ID); err != nil || s.Live(db.Now()) {
			t.Fatalf("seat: %+v, %v", s, err)
		}
		c.refused(store.ErrConflict, func(tx *store.Tx) error {
			return tx.InsertAccount(c.ctx, &store.Account{Kind: store.KindPerson, Handle: "ada", URI: "https://here.example/new"})
		})
		c.refused(store.ErrNotFound, func(tx *store.Tx) error { return tx.TombstoneAccount(c.ctx, ada.ID) })
		c.refused(store.ErrNotFound, func(tx *store.Tx) error { return tx.UpdateAccount(c.ctx, ada) })
	})
}

// The rows that others' counters count go in slices too, all of them.
func TestTombstoneOfManyFollowers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		ada, bob := c.person("ada"), c.person("bob")
		c.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100)
INSERT INTO follows (account_id, target_id, id, uri, requested_at, accepted_at) SELECT i, CAST($1 AS BIGINT), i, 'https://f.example/' || i, 1, 1 FROM n`, int64(ada.ID))
		c.follow(bob, ada, true)
		c.follow(ada, bob, true)
		c.do(func(tx *store.Tx) error { return tx.TombstoneAccount(c.ctx, ada.ID) })
		if n := c.count(`SELECT COUNT(*) FROM follows WHERE target_id = $1 OR account_id = $1`, int64(ada.ID)); n != 0 {
			t.Errorf("%d follows are left", n)
		}
		c.counters(bob, 0, 0)
	})
}

func TestTombstonePostsGoesOnInSlices(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		ada := c.person("ada")
		for range 5 {
			c.post(ada, store.Public, 0)
		}
		for i, want := range []bool{true, true, false} {
			c.do(func(tx *store.Tx) error {
				more, err := tx.TombstonePosts(c.ctx, ada.ID, 2)
				if more != want {
					t.Errorf("slice %d: more = %v", i, more)
				}
				return err
			})
		}
		if a := c.get(ada.ID); a.PostsCount != 0 {
			t.Fatalf("%d posts counted", a.PostsCount)
		}
	})
}

func TestListsOfAccountsPage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		star := c.person("star")
		var fans []*store.Account
		for _, h := range []string{"f1", "f2", "f3", "f4", "f5"} {
			fans = append(fans, c.remote(h, "b.example"))
			c.follow(fans[len(fans)-1], star, true)
		}
		c.follow(c.remote("asks", "b.example"), star, false)
		c.do(func(tx *store.Tx) error { return tx.SetSuspended(c.ctx, fans[3].ID, true) })
		page := func(p store.Page, want string) store.ID {
			t.Helper()
			list, next, err := db.Followers(c.ctx, star.ID, p)
			if err != nil || handles(list) != want {
				t.Fatalf("%+v: got %q, %v, want %q", p, handles(list), err, want)
			}
			return next
		}
		next := page(store.Page{Limit: 2}, "f5 ")
		next = page(store.Page{Limit: 2, MaxID: next}, "f3 f2 ")
		low := next
		if next = page(store.Page{Limit: 2, MaxID: next}, "f1 "); next != 0 {
			t.Fatalf("the last page leads on to %d", next)
		}
		page(store.Page{Limit: 2, MinID: low}, "f3 ") // f4, next to f3, is suspended
		page(store.Page{Limit: 2, SinceID: low}, "f5 ")
		page(store.Page{Limit: 100000}, "f5 f3 f2 f1 ")
		page(store.Page{Limit: -1, MaxID: -5}, "f5 f3 f2 f1 ")
		if list, _, err := db.FollowRequests(c.ctx, star.ID, store.Page{}); err != nil || handles(list) != "asks " {
			t.Fatalf("requests: %q, %v", handles(list), err)
		}
		if list, _, err := db.Following(c.ctx, fans[0].ID, store.Page{}); err != nil || handles(list) != "star " {
			t.Fatalf("following: %q, %v", handles(list), err)
		}
	})
}

func TestManyIDsAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		var ids []store.ID
		for i := range 7 {
			ids = append(ids, c.remote(string(rune('a'+i)), "b.example").ID)
		}
		for i := range 300 {
			ids = append(ids, store.ID(1000+i))
		}
		found, err := db.Accounts(c.ctx, ids)
		if err != nil || len(found) != 7 {
			t.Fatalf("%d found, %v", len(found), err)
		}
		none, err := db.Accounts(c.ctx, nil)
		if err != nil || len(none) != 0 {
			t.Fatalf("%v, %v", none, err)
		}
	})
}

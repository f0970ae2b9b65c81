package store_test

import (
	"fmt"
	"strings"
	"testing"

	"cohort/store"
	"cohort/store/storetest"
)

func (c *crowd) named(kind, handle, host, name string, discoverable bool) *store.Account {
	c.t.Helper()
	a := &store.Account{Kind: kind, Handle: handle, Host: host, Domain: host, Name: name, URI: "https://" + host + "/" + handle, Discoverable: discoverable}
	c.do(func(tx *store.Tx) error { return tx.InsertAccount(c.ctx, a) })
	return a
}

func TestSearchAccounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		me := c.person("me")
		lin, wei := c.named(store.KindPerson, "linwei", "aurora.example", "林薇", true), c.named(store.KindPerson, "wei_lin", "b.example", "Wei LIN-Berg", false)
		c.named(store.KindPerson, "linus", "", "Linus", true)
		gone, suspended := c.named(store.KindPerson, "linda", "b.example", "Linda", true), c.named(store.KindPerson, "lina", "b.example", "Lina", true)
		c.named(store.KindServer, "lin.example", "lin.example", "Lin", true)
		waiting := c.person("linnea")
		c.exec(`UPDATE users SET approved_at = NULL WHERE account_id = $1`, int64(waiting.ID))
		c.do(func(tx *store.Tx) error { return tx.TombstoneAccount(c.ctx, gone.ID) })
		c.do(func(tx *store.Tx) error { return tx.SetSuspended(c.ctx, suspended.ID, true) })
		c.follow(me, wei, true)
		find := func(v store.Viewer, query, want string) {
			t.Helper()
			list, err := db.SearchAccounts(c.ctx, v, query, store.PageOffset{})
			if err != nil || handles(list) != want {
				t.Errorf("%.60q: got %q, %v, want %q", query, handles(list), err, want)
			}
		}
		asMe := store.AsAccount(me.ID)
		find(asMe, "lin", "wei_lin linus linwei ") // followed first, then those here
		find(asMe, "@LIN", "wei_lin linus linwei ")
		find(asMe, "linwei", "linwei ")
		find(asMe, "林", "linwei ")
		find(asMe, "薇", "linwei ")
		find(asMe, "林薇", "linwei ")
		find(asMe, "berg", "wei_lin ")
		find(asMe, "wei lin", "wei_lin ")
		find(asMe, "wei_l", "wei_lin ")
		find(asMe, "ｗｅｉ", "wei_lin ") // full width
		find(asMe, "linwei@aurora.example", "linwei ")
		find(asMe, "@LinWei@Aur", "linwei ")
		find(asMe, "linwei@b.example", "")
		find(asMe, "linus@", "linus ")
		find(asMe, "lindA", "")
		find(asMe, "lina", "")
		find(asMe, "linnea", "")
		find(asMe, "lin.example", "")
		find(store.Anonymous, "lin", "linus linwei ")
		for _, odd := range []string{"", " ", "@", "@@", "%", "_", "'", "\\", "l%n", "\x00", "\xff", strings.Repeat("a", 5000), strings.Repeat("a b ", 200)} {
			find(asMe, odd, "")
		}
		lin.Name = "Vivian"
		c.do(func(tx *store.Tx) error { return tx.UpdateAccount(c.ctx, lin) })
		find(asMe, "林薇", "")
		find(asMe, "vivi", "linwei ")
		if list, err := db.SearchAccounts(c.ctx, asMe, "lin", store.PageOffset{Limit: 1, Offset: 1}); err != nil || handles(list) != "linus " {
			t.Errorf("offset: %q, %v", handles(list), err)
		}
		if list, err := db.SearchAccounts(c.ctx, asMe, "lin", store.PageOffset{Limit: -3, Offset: -1}); err != nil || len(list) != 3 {
			t.Errorf("odd offset: %q, %v", handles(list), err)
		}
		if list, err := db.Directory(c.ctx, asMe, store.PageOffset{}); err != nil || handles(list) != "linus " {
			t.Errorf("directory: %q, %v", handles(list), err)
		}
		c.do(func(tx *store.Tx) error {
			_, err := tx.InsertBlock(c.ctx, list0(t, db, c, "linus"), me.ID, "b")
			return err
		})
		if list, err := db.Directory(c.ctx, asMe, store.PageOffset{}); err != nil || len(list) != 0 {
			t.Errorf("directory of somebody who is blocked: %q, %v", handles(list), err)
		}
	})
}

func list0(t *testing.T, db *store.DB, c *crowd, handle string) store.ID {
	t.Helper()
	a, err := db.AccountByHandle(c.ctx, handle, "")
	if err != nil {
		t.Fatal(err)
	}
	return a.ID
}

func TestSearchFindsNoCircleOfOthers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		member, stranger := c.person("member"), c.person("stranger")
		for _, listing := range []string{"listed", "unlisted", "secret"} {
			circle := c.circle("klub-"+listing, "u", 0, 0)
			c.do(func(tx *store.Tx) error { return tx.SetListing(c.ctx, circle.ID, listing) })
			c.sits(circle.Account, member, nil)
		}
		far := c.named(store.KindCircle, "klub-far", "x.example", "Klub", true)
		c.sits(far, member, nil)
		for v, want := range map[store.Viewer]int{store.AsAccount(member.ID): 4, store.AsAccount(stranger.ID): 1} {
			if list, err := db.SearchAccounts(c.ctx, v, "klub", store.PageOffset{}); err != nil || len(list) != want {
				t.Errorf("%d found %q, %v", v.AccountID(), handles(list), err)
			}
		}
		for _, query := range []string{"klub-secret", "klub-secret@", "klub-far@x.example"} {
			if list, err := db.SearchAccounts(c.ctx, store.AsAccount(stranger.ID), query, store.PageOffset{}); err != nil || len(list) != 0 {
				t.Errorf("%s: %q, %v", query, handles(list), err)
			}
		}
	})
}

func TestSearchTags(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newCrowd(t, db)
		ada, circle := c.person("ada"), c.circle("c2012", "u", 0, 0)
		c.sits(circle.Account, ada, nil)
		post := func(visibility string, circle store.ID, tags ...string) *store.Post {
			c.n++
			p := &store.Post{AuthorID: ada.ID, Visibility: visibility, CircleID: circle, HTML: "x", URI: fmt.Sprintf("https://here.example/posts/%d", c.n)}
			c.do(func(tx *store.Tx) error {
				p.ID, p.CreatedAt = tx.NewID(), tx.Now
				_, err := tx.InsertPost(c.ctx, p, store.PostParts{Tags: tags})
				return err
			})
			return p
		}
		post(store.Public, 0, "reunion", "reunion2012", "同窗会")
		post(store.InCircle, circle.ID, "reunionsecret", "reunion")
		post(store.Followers, 0, "reunionfollowers")
		post(store.Direct, 0, "reunionletter")
		post(store.Unlisted, 0, "reunionunlisted")
		deleted := post(store.Public, 0, "reuniondeleted")
		c.do(func(tx *store.Tx) error { _, err := tx.DeletePost(c.ctx, deleted.ID); return err })
		for query, want := range map[string]string{
			"reun": "reunion reunion2012", "#REUN": "reunion reunion2012", "reunion2": "reunion2012", "同": "同窗会", "reunions": "", "reuniond": "", "x": "", "": "", "#": "",
			"reun%": "", "reun_on": "", "r\x00": "", "\U0010FFFF": "", "\uD7FF": "",
		} {
			if got, err := db.SearchTags(c.ctx, query, store.PageOffset{}); err != nil || strings.Join(got, " ") != want {
				t.Errorf("%q: %v, %v", query, got, err)
			}
		}
	})
}

package storetest

import (
	"context"
	"testing"

	"cohort/store"
)

// Base is the address of the instance that the builders furnish.
const Base = "https://here.example"

// tx runs a transaction that must succeed.
func tx(t testing.TB, db *store.DB, f func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	ctx := context.Background()
	if err := db.Tx(ctx, func(tx *store.Tx) error { return f(ctx, tx) }); err != nil {
		t.Fatal(err)
	}
}

// Account is a person here who may sign in: confirmed, approved, with the
// mailbox handle@mail.example and no password.
func Account(t testing.TB, db *store.DB, handle string) *store.Account {
	t.Helper()
	id := db.NewID()
	uri := Base + "/users/" + id.String()
	a := &store.Account{
		ID: id, Kind: store.KindPerson, Handle: handle, Name: handle, URI: uri, URL: Base + "/@" + handle,
		Inbox: uri + "/inbox", SharedInbox: Base + "/inbox", KeyID: uri + "#main-key", Discoverable: true, Indexable: true,
	}
	mailbox := handle + "@mail.example"
	tx(t, db, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.InsertAccount(ctx, a); err != nil {
			return err
		}
		return tx.InsertUser(ctx, &store.User{
			AccountID: id, Email: mailbox, EmailKey: mailbox, PasswordHash: "none", Role: store.RoleMember,
			ConfirmedAt: tx.Now, ApprovedAt: tx.Now,
		})
	})
	return a
}

// Remote is a person on another server.
func Remote(t testing.TB, db *store.DB, handle, host string) *store.Account {
	t.Helper()
	uri := "https://" + host + "/users/" + handle
	a := &store.Account{
		Kind: store.KindPerson, Handle: handle, Host: host, Domain: host, Name: handle, URI: uri, URL: "https://" + host + "/@" + handle,
		Inbox: uri + "/inbox", SharedInbox: "https://" + host + "/inbox", Outbox: uri + "/outbox",
		FollowersURI: uri + "/followers", FollowingURI: uri + "/following", KeyID: uri + "#main-key",
	}
	tx(t, db, func(ctx context.Context, tx *store.Tx) error {
		a.FetchedAt = tx.Now
		return tx.InsertAccount(ctx, a)
	})
	return a
}

// Circle is a circle whose hub is here, with these members; the servers of
// those who live elsewhere are approved.
func Circle(t testing.TB, db *store.DB, slug string, members ...*store.Account) *store.Circle {
	t.Helper()
	id := db.NewID()
	uri := Base + "/circles/" + id.String()
	c := &store.Circle{
		Account: &store.Account{ID: id, Handle: slug, Name: slug, URI: uri, URL: Base + "/c/" + slug, Inbox: uri + "/inbox", SharedInbox: Base + "/inbox", KeyID: uri + "#main-key"},
		Unit:    slug,
	}
	tx(t, db, func(ctx context.Context, tx *store.Tx) error { return tx.InsertCircle(ctx, c) })
	for _, m := range members {
		Join(t, db, c.Account, m)
	}
	return c
}

// Join makes an account a current member of a circle.
func Join(t testing.TB, db *store.DB, circle, member *store.Account) {
	t.Helper()
	tx(t, db, func(ctx context.Context, tx *store.Tx) error {
		if circle.Local() {
			if err := tx.ApproveHost(ctx, circle.ID, member.Host); err != nil {
				return err
			}
		}
		return tx.SaveMembership(ctx, &store.Membership{CircleID: circle.ID, AccountID: member.ID, VerifiedAt: tx.Now})
	})
}

// Follow is an accepted follow.
func Follow(t testing.TB, db *store.DB, who, whom *store.Account) *store.Follow {
	t.Helper()
	f := &store.Follow{AccountID: who.ID, TargetID: whom.ID, Boosts: true, URI: who.URI + "/follows/" + db.NewID().String()}
	tx(t, db, func(ctx context.Context, tx *store.Tx) error {
		f.AcceptedAt = tx.Now
		_, err := tx.InsertFollow(ctx, f)
		return err
	})
	return f
}

// Post is a post of an author, with a visibility or, if circle is not 0, in a
// circle; it is in the timelines it belongs in. Of p, which may be nil, what
// is set is kept.
func Post(t testing.TB, db *store.DB, author *store.Account, visibility string, circle store.ID, p *store.Post, named ...*store.Account) *store.Post {
	t.Helper()
	if p == nil {
		p = &store.Post{}
	}
	p.AuthorID, p.Host, p.Visibility, p.CircleID = author.ID, author.Host, visibility, circle
	if circle != 0 {
		p.Visibility = store.InCircle
	}
	if p.ID == 0 {
		p.ID = db.NewID()
	}
	if p.URI == "" {
		p.URI = author.URI + "/posts/" + p.ID.String()
		if author.Local() {
			p.URI = Base + "/posts/" + p.ID.String()
		}
	}
	if p.HTML == "" && p.BoostOfID == 0 {
		p.HTML = "<p>A post by " + author.Handle + "</p>"
	}
	var parts store.PostParts
	for _, a := range named {
		parts.Recipients = append(parts.Recipients, store.Recipient{AccountID: a.ID, Mentioned: true})
	}
	tx(t, db, func(ctx context.Context, tx *store.Tx) error {
		if p.CreatedAt.IsZero() {
			p.CreatedAt = tx.Now
		}
		if _, err := tx.InsertPost(ctx, p, parts); err != nil {
			return err
		}
		_, err := tx.FanOut(ctx, p)
		return err
	})
	return p
}

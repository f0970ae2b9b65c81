package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"cohort/store"
)

// crowd makes the people, circles and posts that tests about people need, through the same door as everybody.
type crowd struct {
	t   testing.TB
	ctx context.Context
	db  *store.DB
	n   int
}

func newCrowd(t testing.TB, db *store.DB) *crowd {
	return &crowd{t: t, ctx: context.Background(), db: db}
}

// do runs a transaction that must succeed.
func (c *crowd) do(f func(tx *store.Tx) error) {
	c.t.Helper()
	if err := c.db.Tx(c.ctx, f); err != nil {
		c.t.Fatal(err)
	}
}

// refused runs a transaction that must fail with want.
func (c *crowd) refused(want error, f func(tx *store.Tx) error) {
	c.t.Helper()
	if err := c.db.Tx(c.ctx, f); !errors.Is(err, want) {
		c.t.Fatalf("got %v, want %v", err, want)
	}
}

func (c *crowd) person(handle string) *store.Account {
	c.t.Helper()
	c.n++
	a := &store.Account{Kind: store.KindPerson, Handle: handle, URI: fmt.Sprintf("https://here.example/users/%s", handle)}
	c.do(func(tx *store.Tx) error {
		if err := tx.InsertAccount(c.ctx, a); err != nil {
			return err
		}
		return tx.InsertUser(c.ctx, &store.User{
			AccountID: a.ID, Email: handle + "@mail.example", EmailKey: handle + "@mail.example", PasswordHash: "x", Role: store.RoleMember,
			ConfirmedAt: tx.Now, ApprovedAt: tx.Now,
		})
	})
	return a
}

func (c *crowd) remote(handle, host string) *store.Account {
	c.t.Helper()
	uri := "https://" + host + "/users/" + handle
	a := &store.Account{Kind: store.KindPerson, Handle: handle, Host: host, Domain: host, URI: uri, Inbox: uri + "/inbox", SharedInbox: "https://" + host + "/inbox"}
	c.do(func(tx *store.Tx) error { return tx.InsertAccount(c.ctx, a) })
	return a
}

func (c *crowd) circle(slug, unit string, from, to int) *store.Circle {
	c.t.Helper()
	circle := &store.Circle{Account: &store.Account{Handle: slug, Name: slug, URI: "https://here.example/circles/" + slug}, Unit: unit, YearFrom: from, YearTo: to}
	c.do(func(tx *store.Tx) error { return tx.InsertCircle(c.ctx, circle) })
	return circle
}

// sits makes account a current member, resting on seat if that is not nil.
func (c *crowd) sits(circle *store.Account, account *store.Account, seat *store.Seat) {
	c.t.Helper()
	m := &store.Membership{CircleID: circle.ID, AccountID: account.ID, VerifiedAt: c.db.Now()}
	if seat != nil {
		m.SeatID = seat.ID
	}
	c.do(func(tx *store.Tx) error {
		if err := tx.ApproveHost(c.ctx, circle.ID, account.Host); err != nil {
			return err
		}
		return tx.SaveMembership(c.ctx, m)
	})
}

func (c *crowd) seat(account *store.Account, unit string, from, to int) *store.Seat {
	c.t.Helper()
	s := &store.Seat{AccountID: account.ID, Type: "alumnus", Unit: unit, YearFrom: from, YearTo: to, Reason: "roster"}
	c.do(func(tx *store.Tx) error { return tx.InsertSeat(c.ctx, s) })
	return s
}

func (c *crowd) post(author *store.Account, visibility string, circle store.ID) *store.Post {
	c.t.Helper()
	c.n++
	p := &store.Post{AuthorID: author.ID, Host: author.Host, Visibility: visibility, CircleID: circle, HTML: "<p>hello</p>", URI: fmt.Sprintf("%s/posts/%d", author.URI, c.n)}
	c.do(func(tx *store.Tx) error {
		p.ID, p.CreatedAt = tx.NewID(), tx.Now
		_, err := tx.InsertPost(c.ctx, p, store.PostParts{})
		return err
	})
	return p
}

func (c *crowd) follow(who, whom *store.Account, accepted bool) *store.Follow {
	c.t.Helper()
	c.n++
	f := &store.Follow{AccountID: who.ID, TargetID: whom.ID, URI: fmt.Sprintf("%s/follows/%d", who.URI, c.n), Boosts: true}
	c.do(func(tx *store.Tx) error {
		if accepted {
			f.AcceptedAt = tx.Now
		}
		_, err := tx.InsertFollow(c.ctx, f)
		return err
	})
	return f
}

func (c *crowd) exec(text string, args ...any) {
	c.t.Helper()
	c.do(func(tx *store.Tx) error {
		_, err := tx.Exec(c.ctx, text, args...)
		return err
	})
}

func (c *crowd) count(text string, args ...any) int {
	c.t.Helper()
	var n int
	if err := c.db.Scan(c.ctx, []any{&n}, text, args...); err != nil {
		c.t.Fatal(err)
	}
	return n
}

func (c *crowd) get(id store.ID) *store.Account {
	c.t.Helper()
	a, err := c.db.Account(c.ctx, id)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

// counters checks followers and following of an account.
func (c *crowd) counters(a *store.Account, followers, following int64) {
	c.t.Helper()
	if a := c.get(a.ID); a.FollowersCount != followers || a.FollowingCount != following {
		c.t.Fatalf("%s has %d followers and follows %d, want %d and %d", a.Handle, a.FollowersCount, a.FollowingCount, followers, following)
	}
}

// together runs f n times at once, each in a transaction of its own, and returns how often it reported true.
func (c *crowd) together(n int, f func(tx *store.Tx) (bool, error)) int {
	c.t.Helper()
	var wg sync.WaitGroup
	results, errs := make([]bool, n), make([]error, n)
	for i := range n {
		wg.Go(func() {
			errs[i] = c.db.Tx(c.ctx, func(tx *store.Tx) (err error) {
				results[i], err = f(tx)
				return err
			})
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		c.t.Fatal(err)
	}
	yes := 0
	for _, r := range results {
		if r {
			yes++
		}
	}
	return yes
}

// clock makes the database's clock one that the test moves.
func (c *crowd) clock() *time.Time {
	now := time.Now().UTC().Truncate(time.Millisecond)
	c.db.Now = func() time.Time { return now }
	return &now
}

func handles(list []*store.Account) string {
	s := ""
	for _, a := range list {
		s += a.Handle + " "
	}
	return s
}

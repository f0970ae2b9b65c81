package social

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"cohort/store"
)

// Whatever is published, received, edited, blocked, left or taken away: who gets a row in the timeline, a
// notification, a live event or a delivery is among those who may see the post.
func TestNobodyIsGivenWhatTheyMayNotSee(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		rapid.Check(t, func(rt *rapid.T) {
			g := newGame(w, rt)
			for i := range rapid.IntRange(5, 15).Draw(rt, "moves") {
				name := rapid.SampledFrom(moveNames).Draw(rt, "move")
				err := moves[name](g)
				if err != nil && !expected(err) {
					rt.Fatalf("move %d, %s: %v", i, name, err)
				}
				g.check(fmt.Sprintf("after move %d, %s", i, name))
			}
		})
	})
}

// expected tells whether err is a refusal.
func expected(err error) bool {
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, ErrForbidden) || errors.Is(err, &Invalid{})
}

// game is a small world in which anything may happen.
type game struct {
	w       *world
	rt      *rapid.T
	here    []*store.Account
	there   []*store.Account
	circles []*store.Account // one whose hub is here and one whose hub is not
	seats   map[store.ID]store.ID
	posts   []store.ID
	checked map[store.ID]bool    // notifications and deliveries
	given   map[[2]store.ID]bool // rows of timelines: account and post
	live    map[store.ID]*Subscription
	public  *Subscription
	n       int
}

func newGame(w *world, rt *rapid.T) *game {
	g := &game{w: w, rt: rt, seats: map[store.ID]store.ID{}, checked: map[store.ID]bool{}, given: map[[2]store.ID]bool{}, live: map[store.ID]*Subscription{}}
	tag := strings.ToLower(w.db.NewID().String())
	for i := range 4 {
		g.here = append(g.here, w.person(fmt.Sprintf("h%d_%s", i, tag)))
	}
	for i := range 4 {
		g.there = append(g.there, w.remote(fmt.Sprintf("t%d_%s", i, tag), fmt.Sprintf("r%d.example", i/2)))
	}
	class := w.class("c" + tag)
	g.circles = append(g.circles, class.Account, g.elsewhere(tag))
	for _, a := range []*store.Account{g.here[0], g.here[1], g.there[0]} {
		g.seats[a.ID] = w.seat(a, class).ID
	}
	w.ok(w.s.ReceiveFollow(w.t.Context(), g.there[0], class.Account, g.uri(g.there[0])))
	for _, a := range g.here[1:3] {
		w.ok(g.askElsewhere(a))
	}
	for _, pair := range [][2]*store.Account{{g.here[1], g.here[0]}, {g.here[3], g.here[0]}, {g.there[1], g.here[0]}, {g.here[0], g.there[0]}, {g.here[2], g.there[1]}} {
		w.follows(pair[0], pair[1])
	}
	g.listen()
	return g
}

// elsewhere is a circle whose hub is another server.
func (g *game) elsewhere(tag string) *store.Account {
	uri := "https://hub.example/circles/" + tag
	c := &store.Account{
		Kind: store.KindCircle, Handle: "far" + tag, Host: "hub.example", Domain: "hub.example", URI: uri, Inbox: uri + "/inbox",
		SharedInbox: "https://hub.example/inbox", FollowersURI: uri + "/followers",
	}
	g.w.tx(func(ctx ctx, tx *store.Tx) error { return tx.InsertAccount(ctx, c) })
	return c
}

// askElsewhere asks the circle elsewhere for a place and is taken in.
func (g *game) askElsewhere(a *store.Account) error {
	c := g.circles[1]
	if err := g.w.s.Follow(g.w.t.Context(), a, c.ID, FollowOptions{}); err != nil {
		return err
	}
	m, err := g.w.db.Membership(g.w.t.Context(), c.ID, a.ID)
	if err != nil {
		return err
	}
	return g.w.s.ReceiveAccept(g.w.t.Context(), c, m.FollowURI, "")
}

func (g *game) listen() {
	for _, a := range g.here {
		if s := g.live[a.ID]; s == nil || s.closed {
			g.live[a.ID] = g.w.s.Hub.Subscribe(a.ID, false)
		}
	}
	if g.public == nil || g.public.closed {
		g.public = g.w.s.Hub.Subscribe(0, true)
	}
}

func (g *game) uri(a *store.Account) string {
	g.n++
	return fmt.Sprintf("%s/things/%d", a.URI, g.n)
}

// one draws one of a list, by its place, so that a failure reads well.
func one[T any](g *game, what string, all []T) T {
	return all[rapid.IntRange(0, len(all)-1).Draw(g.rt, what)]
}

// some draws up to two.
func some[T any](g *game, what string, all []T) (out []T) {
	for range rapid.IntRange(0, 2).Draw(g.rt, what) {
		out = append(out, one(g, what, all))
	}
	return out
}

func (g *game) local() *store.Account  { return one(g, "here", g.here) }
func (g *game) remote() *store.Account { return one(g, "there", g.there) }
func (g *game) anyone() *store.Account { return one(g, "anyone", slices.Concat(g.here, g.there)) }
func (g *game) circle() *store.Account { return one(g, "circle", g.circles) }

// post is one of the posts there are, or 0.
func (g *game) post() store.ID { return one(g, "post", append([]store.ID{0}, g.posts...)) }

func (g *game) postURI() string {
	id := g.post()
	var uri string
	if id != 0 {
		g.w.ok(g.w.raw.QueryRow(`SELECT uri FROM posts WHERE id = $1`, int64(id)).Scan(&uri))
	}
	return uri
}

func (g *game) draft() Draft {
	d := Draft{
		Text: "words", Visibility: rapid.SampledFrom([]string{"", store.Public, store.Unlisted, store.Followers, store.Direct}).Draw(g.rt, "visibility"),
		ReplyTo: g.post(),
	}
	for _, a := range some(g, "mentions", slices.Concat(g.here, g.there, g.circles)) {
		d.Text = strings.TrimSuffix("@"+a.Handle+"@"+a.Domain, "@") + " " + d.Text
	}
	if rapid.IntRange(0, 3).Draw(g.rt, "in a circle") == 0 {
		d.Circle = g.circle().ID
	}
	return d
}

func (g *game) note(by *store.Account) IncomingPost {
	in := g.w.incoming(by, "<p>words</p>")
	in.Visibility = rapid.SampledFrom([]string{store.Public, store.Unlisted, store.Followers, store.Direct, store.Limited}).Draw(g.rt, "visibility")
	in.ReplyTo = g.postURI()
	for _, a := range some(g, "mentions", slices.Concat(g.here, g.there)) {
		in.Mentions = append(in.Mentions, a.URI)
	}
	for _, a := range some(g, "recipients", slices.Concat(g.here, g.circles)) {
		in.Recipients = append(in.Recipients, a.URI)
	}
	if rapid.IntRange(0, 2).Draw(g.rt, "in a circle") == 0 {
		in.Circle = g.circle()
	}
	return in
}

// kept remembers a post that came of a move.
func (g *game) kept(p *store.Post, err error) error {
	if err == nil && p != nil && !slices.Contains(g.posts, p.ID) {
		g.posts = append(g.posts, p.ID)
	}
	return err
}

// author is who wrote a post.
func (g *game) author(id store.ID) *store.Account {
	var author int64
	g.w.ok(g.w.raw.QueryRow(`SELECT author_id FROM posts WHERE id = $1`, int64(id)).Scan(&author))
	return g.w.account(&store.Account{ID: store.ID(author)})
}

// check compares all that was given with who may see it now.
func (g *game) check(when string) {
	w := g.w
	for _, id := range g.posts {
		p := &store.Post{ID: id}
		for _, account := range w.homes(p) {
			if !w.sees(store.AsAccount(account), id) && !g.blocked(account, id) {
				g.rt.Fatalf("%s: post %d is in the timeline of %d, who may not see it", when, id, account)
			}
			g.given[[2]store.ID{account, id}] = true
		}
		for _, n := range w.ids(`SELECT id FROM notifications WHERE post_id = $1`, id) {
			if g.checked[n] {
				continue // it was right when it was given; reading asks again
			}
			g.checked[n] = true
			account := w.ids(`SELECT account_id FROM notifications WHERE id = $1`, n)[0]
			if !w.sees(store.AsAccount(account), id) {
				g.rt.Fatalf("%s: %d is told of post %d and may not see it", when, account, id)
			}
			if !slices.ContainsFunc(g.here, func(a *store.Account) bool { return a.ID == account }) {
				g.rt.Fatalf("%s: somebody elsewhere, %d, is told", when, account)
			}
		}
		g.checkDeliveries(when, id)
	}
	g.checkEvents(when)
}

// blocked tells whether a row in a timeline is one from before a block: of a post of a circle both sit in, or of a boost
// of what the blocker wrote. Such rows stay, unread, and are read again when the block ends.
func (g *game) blocked(account, post store.ID) bool {
	const circle = `SELECT COUNT(*) FROM posts p JOIN memberships m ON m.circle_id = p.circle_id JOIN blocks b ON b.account_id = p.author_id AND b.target_id = m.account_id
 WHERE p.id = $1 AND m.account_id = $2 AND m.ended_at IS NULL`
	const boost = `SELECT COUNT(*) FROM posts p JOIN posts o ON o.id = p.boost_of_id JOIN blocks b ON b.account_id = o.author_id WHERE p.id = $1 AND b.target_id = $2`
	return g.given[[2]store.ID{account, post}] && g.w.count(circle, post, account)+g.w.count(boost, post, account) > 0
}

// checkDeliveries looks at the new deliveries of a post.
func (g *game) checkDeliveries(when string, id store.ID) {
	for _, job := range g.w.ids(`SELECT id FROM jobs WHERE object_id = $1 AND kind = 'create'`, id) {
		if g.checked[job] {
			continue // whoever sends it asks again
		}
		g.checked[job] = true
		var inbox string
		g.w.ok(g.w.raw.QueryRow(`SELECT target FROM jobs WHERE id = $1`, int64(job)).Scan(&inbox))
		sees := slices.ContainsFunc(slices.Concat(g.there, g.circles[1:]), func(a *store.Account) bool {
			return a.DeliveryInbox() == inbox && g.w.sees(store.AsSigner(a.ID), id)
		})
		if !sees {
			g.rt.Fatalf("%s: post %d is sent to %s, where nobody may see it", when, id, inbox)
		}
	}
}

func (g *game) checkEvents(when string) {
	for account, s := range g.live {
		for len(s.c) > 0 {
			if e := <-s.c; e.Post != 0 && e.Kind != EventDelete && !g.w.sees(store.AsAccount(account), e.Post) {
				g.rt.Fatalf("%s: %d hears %s of %d", when, account, e.Kind, e.Post)
			}
		}
	}
	for len(g.public.c) > 0 {
		if e := <-g.public.c; e.Public && e.Kind != EventDelete && !g.w.sees(store.Anonymous, e.Post) {
			g.rt.Fatalf("%s: the public hears %s of %d", when, e.Kind, e.Post)
		}
	}
	g.listen()
}

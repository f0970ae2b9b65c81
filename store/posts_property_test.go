package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"cohort/store"
	"cohort/store/storetest"
)

// TestEveryReadIsThePlainCondition makes up communities and compares every way of reading posts with the rule in the model.
func TestEveryReadIsThePlainCondition(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		rapid.Check(t, func(rt *rapid.T) {
			w := drawWorld(rt, db.Now())
			w.build(newStage(t, db))
			c := &comparison{t: rt, db: db, w: w}
			for range 4 {
				c.viewer(rapid.IntRange(0, len(w.people)+len(w.people)+len(domains)).Draw(rt, "viewer"))
			}
		})
	})
}

type comparison struct {
	t  *rapid.T
	db *store.DB
	w  *world
	// the viewer of the moment, in both languages
	v    store.Viewer
	eyes eyes
	name string
}

// viewer compares all reads for the n-th viewer: nobody, accounts, the same through their servers, servers.
func (c *comparison) viewer(n int) {
	switch count := len(c.w.people); {
	case n == 0:
		c.v, c.eyes = store.Anonymous, eyes{}
	case n <= count:
		id := c.w.people[n-1].id
		c.v, c.eyes = store.AsAccount(id), eyes{account: id}
	case n <= 2*count:
		id := c.w.people[n-count-1].id
		c.v, c.eyes = store.AsSigner(id), eyes{account: id, wire: true}
	default:
		v, err := c.db.AsServer(context.Background(), domains[n-2*count-1])
		if err != nil {
			c.t.Fatal(err)
		}
		c.v, c.eyes = v, eyes{host: domains[n-2*count-1]}
	}
	c.name = fmt.Sprintf("%+v", c.eyes)
	c.single()
	c.public()
	c.accounts()
	c.circles()
	c.threads()
	if c.eyes.account != 0 && !c.eyes.wire {
		c.pages("home", func(p store.Page) (store.Posts, error) { return c.db.Home(context.Background(), c.eyes.account, p) },
			func(p *note) bool { return c.w.home(c.eyes.account, p) })
	}
}

func (c *comparison) single() {
	for _, p := range c.w.posts {
		for what, err := range map[string]error{
			"post":        second(c.db.Post(context.Background(), c.v, p.id)),
			"post by uri": second(c.db.PostByURI(context.Background(), c.v, "uri"+p.id.String())),
		} {
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				c.t.Fatal(err)
			}
			if got, want := err == nil, c.w.shown(c.eyes, p); got != want {
				c.t.Fatalf("%s %d: seen by %s: %v, want %v", what, p.id, c.name, got, want)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

// pages walks a list down and up in small pages, and compares what it finds.
func (c *comparison) pages(name string, read func(p store.Page) (store.Posts, error), holds func(p *note) bool) {
	var want []store.ID
	for _, p := range c.w.posts {
		if holds(p) {
			want = append([]store.ID{p.id}, want...)
		}
	}
	var down []store.ID
	for page := (store.Page{Limit: 3}); ; {
		posts, err := read(page)
		if err != nil {
			c.t.Fatal(name, err)
		}
		down = append(down, c.views(name, posts.Items)...)
		if posts.Next == 0 {
			break
		}
		page.MaxID = posts.Next
	}
	if !slices.Equal(down, want) {
		c.t.Fatalf("%s for %s: %v, want %v", name, c.name, down, want)
	}
	var up []store.ID
	for page := (store.Page{Limit: 3, MinID: 1}); ; {
		posts, err := read(page)
		if err != nil {
			c.t.Fatal(name, err)
		}
		if len(posts.Items) == 0 {
			break
		}
		page.MinID = posts.Prev
		up = append(idsOf(posts.Items), up...)
	}
	if !slices.Equal(up, want) {
		c.t.Fatalf("%s for %s, upwards: %v, want %v", name, c.name, up, want)
	}
}

func idsOf(posts []*store.Post) []store.ID {
	ids := make([]store.ID, len(posts))
	for i, p := range posts {
		ids[i] = p.ID
	}
	return ids
}

// views checks what is shown around the posts of a page, and returns their ids.
func (c *comparison) views(name string, posts []*store.Post) []store.ID {
	views, err := c.db.Views(context.Background(), c.v, posts)
	if err != nil {
		c.t.Fatal(err)
	}
	if len(views) != len(posts) {
		c.t.Fatalf("%s for %s: %d views of %d posts", name, c.name, len(views), len(posts))
	}
	for i, view := range views {
		if view.Post.ID != posts[i].ID {
			c.t.Fatalf("%s: the views are in another order", name)
		}
		p := c.w.post(view.Post.ID)
		if p.boostOf != nil {
			if view.Boost == nil || view.Boost.Post.ID != p.boostOf.id {
				c.t.Fatalf("%s: boost %d without its original", name, p.id)
			}
			view, p = view.Boost, p.boostOf
		}
		if told, may := view.Post.ReplyToID != 0, p.replyTo != nil && c.w.sees(c.eyes, p.replyTo); told != may {
			c.t.Fatalf("%s for %s: %d tells what it answers: %v, want %v", name, c.name, p.id, told, may)
		}
		if want := c.eyes.host == "" && c.w.liked[pair{c.eyes.account, p.id}]; view.Liked != want {
			c.t.Fatalf("%s for %s: %d liked: %v, want %v", name, c.name, p.id, view.Liked, want)
		}
	}
	return idsOf(posts)
}

func (w *world) post(id store.ID) *note {
	return w.posts[slices.IndexFunc(w.posts, func(p *note) bool { return p.id == id })]
}

func (c *comparison) public() {
	ctx := context.Background()
	for _, f := range []store.PublicFilter{{}, {Local: true}, {Remote: true}, {OnlyMedia: true}, {Local: true, Remote: true}} {
		fits := func(p *note) bool {
			here := c.w.actor(p.author).host == ""
			return (!f.Local || here) && (!f.Remote || !here) && (!f.OnlyMedia || p.media)
		}
		c.pages(fmt.Sprintf("public %+v", f), func(p store.Page) (store.Posts, error) { return c.db.Public(ctx, c.v, p, f) },
			func(p *note) bool { return fits(p) && !toOthers(p) && c.w.public(c.eyes, p) })
		c.pages(fmt.Sprintf("tag %+v", f), func(p store.Page) (store.Posts, error) { return c.db.Tag(ctx, c.v, "tag", p, f) },
			func(p *note) bool { return fits(p) && p.tag && c.w.public(c.eyes, p) })
	}
}

func (c *comparison) accounts() {
	ctx := context.Background()
	a := rapid.SampledFrom(c.w.persons()).Draw(c.t, "account").id
	for _, f := range []store.AccountFilter{{}, {ExcludeReplies: true}, {ExcludeBoosts: true}, {OnlyMedia: true}, {Tag: "tag"}, {Tag: "nosuch"}} {
		c.pages(fmt.Sprintf("account %d %+v", a, f), func(p store.Page) (store.Posts, error) { return c.db.AccountPosts(ctx, c.v, a, p, f) },
			func(p *note) bool {
				return p.author == a && (!f.ExcludeReplies || !toOthers(p)) && (!f.ExcludeBoosts || p.boostOf == nil) &&
					(!f.OnlyMedia || p.media) && (f.Tag == "" || f.Tag == "tag" && p.tag) && c.w.listed(c.eyes, p)
			})
	}
	pinned, err := c.db.AccountPosts(ctx, c.v, a, store.Page{}, store.AccountFilter{Pinned: true})
	if err != nil {
		c.t.Fatal(err)
	}
	var want []store.ID
	for _, p := range slices.Backward(c.w.posts) {
		if c.w.pinned[pair{a, p.id}] && p.author == a && c.w.shown(c.eyes, p) {
			want = append(want, p.id)
		}
	}
	if got := idsOf(pinned.Items); !slices.Equal(got, want) && len(got)+len(want) > 0 {
		c.t.Fatalf("pins of %d for %s: %v, want %v", a, c.name, got, want)
	}
}

func (c *comparison) circles() {
	for _, circle := range c.w.circles() {
		c.pages(fmt.Sprint("circle ", circle.id), func(p store.Page) (store.Posts, error) {
			return c.db.CirclePosts(context.Background(), c.v, circle.id, p)
		},
			func(p *note) bool {
				return p.circle == circle.id && c.w.sits(c.eyes, circle.id) && c.w.listed(c.eyes, p)
			})
	}
}

func (c *comparison) threads() {
	ctx := context.Background()
	for _, p := range c.w.posts {
		post, err := c.db.Post(ctx, c.v, p.id)
		if err != nil {
			continue
		}
		above, below, err := c.db.Thread(ctx, c.v, post)
		if err != nil {
			c.t.Fatal(err)
		}
		got := idsOf(below)
		slices.Sort(got)
		if want := c.w.below(c.eyes, p); !slices.Equal(got, want) && len(got)+len(want) > 0 {
			c.t.Fatalf("below %d for %s: %v, want %v", p.id, c.name, got, want)
		}
		if got, want := idsOf(above), c.w.above(c.eyes, p); !slices.Equal(got, want) && len(got)+len(want) > 0 {
			c.t.Fatalf("above %d for %s: %v, want %v", p.id, c.name, got, want)
		}
		boosters, _, err := c.db.Boosters(ctx, c.v, p.id, store.Page{Limit: 40})
		if err != nil {
			c.t.Fatal(err)
		}
		var want int
		for _, q := range c.w.posts {
			if q.boostOf == p && c.w.listed(c.eyes, q) {
				want++
			}
		}
		if len(boosters) != want {
			c.t.Fatalf("%d boosters of %d for %s, want %d", len(boosters), p.id, c.name, want)
		}
	}
}

// TestFanOutIsThePlainCondition compares where posts go, timelines here and inboxes elsewhere, with the model.
func TestFanOutIsThePlainCondition(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		rapid.Check(t, func(rt *rapid.T) {
			w := drawWorld(rt, db.Now())
			clear(w.wide)
			clear(w.timeline)
			s := newStage(t, db)
			w.build(s)
			for _, p := range w.posts {
				var got []store.ID
				s.tx(func(tx *store.Tx) error {
					var err error
					got, err = tx.FanOut(context.Background(), w.asPost(p))
					return err
				})
				var want []store.ID
				for _, a := range w.people {
					if w.fansOut(a, p) {
						want = append(want, a.id)
					}
				}
				slices.Sort(got)
				if !slices.Equal(got, want) && len(got)+len(want) > 0 {
					rt.Fatalf("%s post %d of %d goes to %v, want %v", p.visibility, p.id, p.author, got, want)
				}
				if n, err := db.Count(context.Background(), `SELECT COUNT(*) FROM timeline WHERE post_id = $1`, int64(p.id)); err != nil || n != len(want) {
					rt.Fatalf("post %d is in %d timelines, want %d (%v)", p.id, n, len(want), err)
				}
			}
		})
	})
}

func (w *world) asPost(p *note) *store.Post {
	post := &store.Post{ID: p.id, AuthorID: p.author, Host: w.actor(p.author).host, Visibility: p.visibility, CircleID: p.circle}
	if p.boostOf != nil {
		post.BoostOfID = p.boostOf.id
	}
	return post
}

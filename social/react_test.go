package social

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"cohort/store"
)

// verbs are what one can do to a post of somebody else.
func (w *world) verbs(by *store.Account) map[string]func(store.ID) error {
	ctx := w.t.Context()
	return map[string]func(store.ID) error{
		"like":       func(id store.ID) error { return w.s.Like(ctx, by, id) },
		"unlike":     func(id store.ID) error { return w.s.Unlike(ctx, by, id) },
		"boost":      func(id store.ID) error { _, err := w.s.Boost(ctx, by, id, ""); return err },
		"unboost":    func(id store.ID) error { return w.s.Unboost(ctx, by, id) },
		"bookmark":   func(id store.ID) error { return w.s.Bookmark(ctx, by, id) },
		"unbookmark": func(id store.ID) error { return w.s.Unbookmark(ctx, by, id) },
		"pin":        func(id store.ID) error { return w.s.Pin(ctx, by, id) },
		"unpin":      func(id store.ID) error { return w.s.Unpin(ctx, by, id) },
		"mute":       func(id store.ID) error { return w.s.MuteThread(ctx, by, id, true) },
		"unmute":     func(id store.ID) error { return w.s.MuteThread(ctx, by, id, false) },
	}
}

// What one may not see is as if it were not there, whatever one does to it.
func TestNothingIsDoneToUnseenPosts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, eve := w.person("ada"), w.person("eve")
		class := w.class("2012-3")
		w.seat(ada, class)
		gone := w.post(ada, Draft{Text: "gone"})
		_, err := w.s.DeletePost(t.Context(), ada, gone.ID)
		w.ok(err)
		blocked := w.post(ada, Draft{Text: "open"})
		posts := map[string]*store.Post{
			"of followers": w.post(ada, Draft{Text: "x", Visibility: store.Followers}), "letter": w.post(ada, Draft{Text: "x", Visibility: store.Direct}),
			"of a circle": w.post(ada, Draft{Text: "x", Circle: class.ID}), "gone": gone, "of a blocker": blocked, "none": {ID: 12345},
		}
		w.ok(w.s.Block(t.Context(), ada, eve.ID))
		before := len(w.said(eve))
		for verb, do := range w.verbs(eve) {
			for name, p := range posts {
				w.refused(verb+" "+name, do(p.ID), store.ErrNotFound)
			}
		}
		for _, table := range []string{"likes", "bookmarks", "pins", "thread_mutes", "notifications"} {
			if n := w.count(`SELECT COUNT(*) FROM ` + table); n != 0 {
				t.Errorf("%d rows in %s", n, table)
			}
		}
		if len(w.said(eve)) != before {
			t.Error("others were told")
		}
	})
}

func TestNotBoostable(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob := w.person("ada"), w.person("bob")
		w.follows(bob, ada)
		class := w.class("2012-3")
		w.seat(ada, class)
		w.seat(bob, class)
		open := w.post(ada, Draft{Text: "open"})
		no := &Invalid{Key: "invalid.not_boostable"}
		for name, p := range map[string]*store.Post{
			"for followers": w.post(ada, Draft{Text: "x", Visibility: store.Followers}), "a letter": w.post(ada, Draft{Text: "@bob x", Visibility: store.Direct}),
			"in a circle": w.post(ada, Draft{Text: "x", Circle: class.ID}),
		} {
			_, err := w.s.Boost(t.Context(), bob, p.ID, store.Public)
			w.refused("another's "+name, err, no)
			if name != "for followers" {
				_, err = w.s.Boost(t.Context(), ada, p.ID, store.Followers)
				w.refused("one's own "+name, err, no)
			}
			if bob := w.account(bob); bob.PostsCount != 0 {
				t.Errorf("%s: it counts", name)
			}
		}
		for _, v := range []string{store.Direct, store.InCircle, store.Limited, "everyone"} {
			_, err := w.s.Boost(t.Context(), bob, open.ID, v)
			w.refused("with visibility "+v, err, &Invalid{Key: "invalid.visibility"})
		}
		quiet := w.post(ada, Draft{Text: "quiet", Visibility: store.Followers})
		own, err := w.s.Boost(t.Context(), ada, quiet.ID, store.Public)
		w.ok(err)
		if own.Visibility != store.Followers {
			t.Errorf("one's own words for followers are boosted to %s", own.Visibility)
		}
		for asked, want := range map[string]string{"": store.Public, store.Unlisted: store.Unlisted, store.Followers: store.Followers} {
			b, err := w.s.Boost(t.Context(), bob, w.post(ada, Draft{Text: "x"}).ID, asked)
			w.ok(err)
			if b.Visibility != want {
				t.Errorf("boost %q is %s", asked, b.Visibility)
			}
		}
	})
}

// Doing it five times, or twenty times at once, is doing it once.
func TestReactionsCountOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob := w.person("ada"), w.person("bob")
		p := w.post(ada, Draft{Text: "open"})
		verbs := w.verbs(bob)
		for verb, want := range map[string][2]int{"like": {1, 0}, "boost": {0, 1}, "bookmark": {0, 0}, "mute": {0, 0}} {
			for range 5 {
				w.ok(verbs[verb](p.ID))
			}
			w.ok(errors.Join(together(20, func(int) error { return verbs[verb](p.ID) })...))
			if got := w.reload(p); got.LikesCount != int64(want[0]) || got.BoostsCount != int64(want[1]) {
				t.Errorf("%s: %d likes, %d boosts", verb, got.LikesCount, got.BoostsCount)
			}
			w.ok(errors.Join(together(20, func(int) error { return verbs["un"+verb](p.ID) })...))
			if got := w.reload(p); got.LikesCount != 0 || got.BoostsCount != 0 {
				t.Errorf("un%s: %d likes, %d boosts", verb, got.LikesCount, got.BoostsCount)
			}
		}
		if a := w.account(bob); a.PostsCount != 0 {
			t.Errorf("bob's posts: %d", a.PostsCount)
		}
		if n := w.count(`SELECT COUNT(*) FROM notifications WHERE account_id = $1 AND kind = 'favourite'`, ada.ID); n > 1 {
			t.Errorf("ada is told of one like %d times", n)
		}
		// What came of the last round is one boost, and everybody was given that one.
		boosts := make([]*store.Post, 20)
		w.ok(errors.Join(together(20, func(i int) (err error) {
			boosts[i], err = w.s.Boost(t.Context(), bob, p.ID, "")
			return err
		})...))
		for _, b := range boosts {
			if b.ID != boosts[0].ID || !w.sees(store.Anonymous, b.ID) {
				t.Errorf("boost %d and %d", b.ID, boosts[0].ID)
			}
		}
	})
}

// Notifications are for people here.
func TestReactionsToPostsElsewhere(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, rem := w.person("ada"), w.remote("rem", "r.example")
		w.follows(ada, rem)
		p := w.receive(rem, w.incoming(rem, "<p>hello</p>"))
		w.ok(w.s.Like(t.Context(), ada, p.ID))
		boost, err := w.s.Boost(t.Context(), ada, p.ID, "")
		w.ok(err)
		if n := w.count(`SELECT COUNT(*) FROM notifications WHERE account_id = $1`, rem.ID); n != 0 {
			t.Errorf("%d notifications for somebody elsewhere", n)
		}
		if got := w.said(ada); !slices.Equal(got, []string{"like https://r.example/inbox"}) {
			t.Errorf("said %q", got)
		}
		if got := w.sending(boost.ID); !slices.Equal(got, []string{"create https://r.example/inbox"}) {
			t.Errorf("the boost goes to %q", got)
		}
		w.attempted(boost, rem)
		w.ok(w.s.Unlike(t.Context(), ada, p.ID))
		w.ok(w.s.Unboost(t.Context(), ada, p.ID))
		if got := w.said(ada); !slices.Contains(got, "undo_like https://r.example/inbox") {
			t.Errorf("said %q", got)
		}
		if got := w.sending(boost.ID); !slices.Contains(got, "delete https://r.example/inbox") {
			t.Errorf("the boost goes to %q", got)
		}
	})
}

// A reaction in a circle is told to its hub alone, never to the author's server: that hears of it from the hub.
func TestReactionsInACircle(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		lin, rem := w.person("lin"), w.remote("rem", "r.example")
		c := w.hubElsewhere(lin)
		in := w.incoming(rem, "<p>inside</p>")
		in.Circle = c
		w.ok(w.s.ReceiveHubPost(t.Context(), rem, in))
		p, err := w.db.PostByURI(t.Context(), store.AsAccount(lin.ID), in.URI)
		w.ok(err)
		w.ok(w.s.Like(t.Context(), lin, p.ID))
		w.ok(w.s.Unlike(t.Context(), lin, p.ID))
		got := slices.DeleteFunc(w.said(lin), func(s string) bool { return strings.HasPrefix(s, "follow") })
		if want := []string{"like " + c.Inbox, "undo_like " + c.Inbox}; !slices.Equal(got, want) {
			t.Errorf("said %q, want %q", got, want)
		}
	})
}

func TestPins(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob := w.person("ada"), w.person("bob")
		class := w.class("2012-3")
		w.seat(ada, class)
		open := w.post(ada, Draft{Text: "open"})
		boost, err := w.s.Boost(t.Context(), ada, w.post(bob, Draft{Text: "bob's"}).ID, "")
		w.ok(err)
		no := &Invalid{Key: "invalid.not_pinnable"}
		for name, c := range map[string]struct {
			by   *store.Account
			p    *store.Post
			want error
		}{
			"another's": {bob, open, store.ErrNotFound}, "a boost": {ada, boost, no},
			"for followers": {ada, w.post(ada, Draft{Text: "x", Visibility: store.Followers}), no},
			"a letter":      {ada, w.post(ada, Draft{Text: "x", Visibility: store.Direct}), no},
			"in a circle":   {ada, w.post(ada, Draft{Text: "x", Circle: class.ID}), no},
		} {
			w.refused(name, w.s.Pin(t.Context(), c.by, c.p.ID), c.want)
		}
		pinned := []*store.Post{open}
		for range MaxPins - 1 {
			pinned = append(pinned, w.post(ada, Draft{Text: "x"}))
		}
		for _, p := range append(pinned, pinned...) {
			w.ok(w.s.Pin(t.Context(), ada, p.ID))
		}
		more := w.post(ada, Draft{Text: "one more"})
		w.refused("one too many", w.s.Pin(t.Context(), ada, more.ID), &Invalid{Key: "invalid.pins_full"})
		w.ok(w.s.Unpin(t.Context(), ada, open.ID))
		w.ok(w.s.Unpin(t.Context(), ada, open.ID))
		w.ok(w.s.Pin(t.Context(), ada, more.ID))
		if n := w.count(`SELECT COUNT(*) FROM pins`); n != MaxPins {
			t.Errorf("%d pins", n)
		}
	})
}

// A muted thread is silent wherever in it somebody speaks.
func TestMutedThreads(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob, rem := w.person("ada"), w.person("bob"), w.remote("rem", "r.example")
		root := w.post(bob, Draft{Text: "root"})
		mine := w.post(ada, Draft{Text: "reply", ReplyTo: root.ID})
		w.ok(w.s.MuteThread(t.Context(), ada, mine.ID, true))
		reply := w.post(bob, Draft{Text: "@ada again", ReplyTo: mine.ID})
		in := w.incoming(rem, "<p>@ada</p>")
		in.ReplyTo, in.Mentions = reply.URI, []string{ada.URI}
		w.same("told", append(w.told(reply), w.told(w.receive(rem, in))...))
		w.ok(w.s.Like(t.Context(), bob, mine.ID))
		w.same("told of a like", w.told(mine))
		w.ok(w.s.MuteThread(t.Context(), ada, root.ID, false))
		w.same("told afterwards", w.told(w.post(bob, Draft{Text: "@ada and again", ReplyTo: reply.ID})), ada)
	})
}

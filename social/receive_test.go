package social

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cohort/store"
	"cohort/store/storetest"
)

func TestReceiveRefuses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, rem, eve := w.person("ada"), w.remote("rem", "r.example"), w.remote("eve", "r.example")
		w.follows(ada, rem)
		w.follows(ada, eve)
		p := w.receive(rem, w.incoming(rem, "<p>mine</p>"))
		local := w.post(ada, Draft{Text: "here"})
		newer := func(uri string) IncomingPost {
			return IncomingPost{URI: uri, HTML: "<p>forged</p>", Visibility: store.Public, Published: p.CreatedAt, Updated: w.db.Now().Add(time.Hour)}
		}
		takeOver := func(uri string) error {
			_, err := w.s.ReceivePost(ctx, eve, newer(uri))
			return err
		}
		for name, c := range map[string]struct {
			err  error
			want error
		}{
			"another's post again":       {takeOver(p.URI), store.ErrNotFound},
			"a local post's id":          {takeOver(local.URI), store.ErrNotFound},
			"an update of another's":     {w.s.ReceiveUpdate(ctx, eve, newer(p.URI)), ErrForbidden},
			"an update of a local post":  {w.s.ReceiveUpdate(ctx, eve, newer(local.URI)), ErrForbidden},
			"a delete of another's":      {w.s.ReceiveDelete(ctx, eve, p.URI, ""), ErrForbidden},
			"a delete of a local post":   {w.s.ReceiveDelete(ctx, eve, local.URI, ""), ErrForbidden},
			"a boost under its id":       {w.s.ReceiveBoost(ctx, eve, IncomingBoost{URI: p.URI, PostURI: local.URI}), ErrForbidden},
			"a boost of nothing":         {w.s.ReceiveBoost(ctx, eve, IncomingBoost{URI: eve.URI + "/b", PostURI: "https://x.example/1"}), store.ErrNotFound},
			"a like of nothing":          {w.s.ReceiveLike(ctx, eve, "https://x.example/1", eve.URI+"/l", Said{}), store.ErrNotFound},
			"an update of what is not":   {w.s.ReceiveUpdate(ctx, eve, newer(eve.URI+"/posts/0")), nil},
			"a delete of a future local": {w.s.ReceiveDelete(ctx, eve, storetest.Base+"/posts/1", ""), nil},
		} {
			if !errors.Is(c.err, c.want) {
				t.Errorf("%s: %v, want %v", name, c.err, c.want)
			}
		}
		if got := w.reload(p); got.HTML != "<p>mine</p>" || !got.EditedAt.IsZero() {
			t.Errorf("the post is now %+v", got)
		}
		if got := w.reload(local); got.Source != "here" {
			t.Errorf("the local post is now %+v", got)
		}
		if n := w.count(`SELECT COUNT(*) FROM tombstones`); n != 0 {
			t.Errorf("%d tombstones of what is ours to delete", n)
		}
	})
}

func TestReceiveOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, rem := w.person("ada"), w.remote("rem", "r.example")
		w.follows(ada, rem)
		mine := w.post(ada, Draft{Text: "open"})
		in := w.incoming(rem, "<p>@ada</p>")
		in.Mentions, in.ReplyTo = []string{ada.URI, ada.URI}, mine.URI
		got := make([]*store.Post, 20)
		w.ok(errors.Join(together(20, func(i int) (err error) {
			got[i], err = w.s.ReceivePost(ctx, rem, in)
			return err
		})...))
		for _, p := range got {
			if p == nil || p.ID != got[0].ID {
				t.Fatalf("%+v", p)
			}
		}
		for i := range 5 {
			n := store.ID(i).String()
			w.ok(w.s.ReceiveLike(ctx, rem, mine.URI, rem.URI+"/likes/1", Said{}))
			w.ok(w.s.ReceiveLike(ctx, rem, mine.URI, rem.URI+"/likes/"+n, Said{}))
			w.ok(w.s.ReceiveBoost(ctx, rem, IncomingBoost{URI: rem.URI + "/boosts/1", PostURI: mine.URI, Published: w.db.Now()}))
			w.ok(w.s.ReceiveBoost(ctx, rem, IncomingBoost{URI: rem.URI + "/boosts/" + n, PostURI: mine.URI}))
		}
		p := w.reload(mine)
		if p.RepliesCount != 1 || p.LikesCount != 1 || p.BoostsCount != 1 {
			t.Errorf("%d replies, %d likes, %d boosts", p.RepliesCount, p.LikesCount, p.BoostsCount)
		}
		w.same("told of the reply", w.told(got[0]), ada)
		w.same("told of the rest", w.told(mine), ada, ada)
		for range 5 {
			w.ok(w.s.ReceiveUndoLike(ctx, rem, rem.URI+"/likes/1", "", Said{}))
			w.ok(w.s.ReceiveUndoLike(ctx, rem, "", mine.URI, Said{}))
			w.ok(w.s.ReceiveDelete(ctx, rem, rem.URI+"/boosts/1", ""))
			w.ok(w.s.ReceiveDelete(ctx, rem, in.URI, ""))
		}
		p = w.reload(mine)
		if p.RepliesCount != 0 || p.LikesCount != 0 || p.BoostsCount != 0 {
			t.Errorf("afterwards %d replies, %d likes, %d boosts", p.RepliesCount, p.LikesCount, p.BoostsCount)
		}
		// A Create that comes again after its Delete brings nothing back.
		_, err := w.s.ReceivePost(ctx, rem, in)
		w.refused("back from the dead", err, store.ErrNotFound)
		if w.sees(store.Anonymous, got[0].ID) {
			t.Error("it is there again")
		}
	})
}

func TestDeleteBeforeCreate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, rem := w.person("ada"), w.remote("rem", "r.example")
		w.follows(ada, rem)
		in := w.incoming(rem, "<p>late</p>")
		w.ok(w.s.ReceiveDelete(t.Context(), rem, in.URI, ""))
		_, err := w.s.ReceivePost(t.Context(), rem, in)
		w.refused("a post that was deleted before it came", err, store.ErrNotFound)
		if n := w.count(`SELECT COUNT(*) FROM posts`); n != 0 {
			t.Errorf("%d posts", n)
		}
	})
}

// An update counts if it is newer than what is known, and changes words only.
func TestReceiveUpdate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, bob, rem := w.person("ada"), w.person("bob"), w.remote("rem", "r.example")
		w.follows(ada, rem)
		in := w.incoming(rem, "<p>one</p>")
		in.Published = w.db.Now().Add(-time.Hour)
		in.Language = "en"
		in.Media = []IncomingMedia{{URL: "https://r.example/1.png", MIME: "image/png"}, {URL: "https://r.example/2.png", MIME: "image/png"}}
		p := w.receive(rem, in)
		w.ok(w.s.Like(ctx, ada, p.ID))
		say := func(html string, at time.Time, visibility string, mentions ...string) {
			t.Helper()
			up := in
			up.HTML, up.Updated, up.Visibility, up.Mentions, up.Media, up.Language = html, at, visibility, mentions, nil, "fr"
			w.ok(w.s.ReceiveUpdate(ctx, rem, up))
		}
		at := in.Published
		say("<p>no time</p>", time.Time{}, store.Public)
		say("<p>as old</p>", at, store.Public)
		if got := w.reload(p); got.HTML != "<p>one</p>" || got.MediaCount != 2 {
			t.Fatalf("a stale update: %+v", got)
		}
		say("<p>two</p>", at.Add(2*time.Minute), store.Public)
		say("<p>late</p>", at.Add(time.Minute), store.Public)
		say("<p>again</p>", at.Add(2*time.Minute), store.Public)
		got := w.reload(p)
		if got.HTML != "<p>two</p>" || got.MediaCount != 0 || got.Language != "fr" || got.LikesCount != 1 {
			t.Errorf("after the update: %+v", got)
		}
		if n := w.count(`SELECT COUNT(*) FROM media`); n != 0 {
			t.Errorf("%d pictures are left", n)
		}
		say("<p>3000</p>", time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC), store.Public)
		if got = w.reload(p); got.EditedAt.After(w.db.Now()) {
			t.Errorf("edited at %v", got.EditedAt)
		}

		quiet := w.incoming(rem, "<p>quiet</p>")
		quiet.Visibility = store.Followers
		q := w.receive(rem, quiet)
		letter := w.incoming(rem, "<p>letter</p>")
		letter.Visibility, letter.Mentions = store.Direct, []string{ada.URI}
		l := w.receive(rem, letter)
		for _, x := range []IncomingPost{quiet, letter} {
			x.Visibility, x.Mentions, x.Recipients, x.Updated = store.Public, []string{bob.URI}, []string{bob.URI}, w.db.Now().Add(time.Minute)
			w.ok(w.s.ReceiveUpdate(ctx, rem, x))
		}
		for name, x := range map[string]*store.Post{store.Followers: q, store.Direct: l} {
			if got := w.reload(x); got.Visibility != name || w.sees(store.AsAccount(bob.ID), x.ID) || w.sees(store.Anonymous, x.ID) {
				t.Errorf("a post for %s was widened to %s", name, got.Visibility)
			}
			if slices.Contains(w.told(x), bob.ID) || slices.Contains(w.homes(x), bob.ID) {
				t.Errorf("a post for %s reached others", name)
			}
		}
	})
}

// The time others give decides the place of a post, but neither makes it stay on top nor brings old
// ones back as news.
func TestTimesOfOthers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, rem := w.person("ada"), w.remote("rem", "r.example")
		w.follows(ada, rem)
		yes := true
		w.ok(w.s.Follow(ctx, ada, rem.ID, FollowOptions{Notify: &yes}))
		now := w.db.Now()
		for name, at := range map[string]time.Time{
			"the year 3000": time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC), "none": {}, "the year 0": time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
			"the year 1970": time.UnixMilli(1), "tomorrow": now.Add(24 * time.Hour),
		} {
			in := w.incoming(rem, "<p>x</p>")
			in.Published = at
			p := w.receive(rem, in)
			if p.CreatedAt.Before(now.Add(-time.Minute)) || p.CreatedAt.After(now.Add(time.Minute)) || p.ID.Time().After(now.Add(time.Minute)) {
				t.Errorf("%s: it is of %v, its id of %v", name, p.CreatedAt, p.ID.Time())
			}
			w.same(name, w.homes(p), ada)
			w.ok(w.s.ReceiveBoost(ctx, rem, IncomingBoost{URI: in.URI + "/boost", PostURI: p.URI, Published: at}))
			if b, err := w.db.PostByURI(ctx, store.Anonymous, in.URI+"/boost"); err != nil || b.CreatedAt.Before(now.Add(-time.Minute)) {
				t.Errorf("%s: the boost %+v, %v", name, b, err)
			}
		}
		listening := w.s.Hub.Subscribe(0, true)
		for days, home := range map[int]bool{1: true, 6: true, 8: false, 4000: false} {
			for len(listening.C) > 0 {
				<-listening.C
			}
			in := w.incoming(rem, "<p>old</p>")
			in.Published = now.Add(-time.Duration(days) * 24 * time.Hour)
			p := w.receive(rem, in)
			if got := slices.Contains(w.homes(p), ada.ID); got != home {
				t.Errorf("%d days late: in the home %v", days, got)
			}
			if got := len(w.told(p)) > 0; got != home {
				t.Errorf("%d days late: told %v", days, got)
			}
			if got := len(listening.C) > 0; got != home {
				t.Errorf("%d days late: heard live %v", days, got)
			}
			if p.ID.Time().Sub(in.Published).Abs() > 2*time.Second {
				t.Errorf("%d days late: the id is of %v", days, p.ID.Time())
			}
			in = w.incoming(rem, "<p>@ada</p>")
			in.Published, in.Mentions, in.Asked = now.Add(-time.Duration(days)*24*time.Hour), []string{ada.URI}, true
			w.same("somebody looks at an old mention", w.told(w.receive(rem, in)), map[bool][]*store.Account{true: {ada}}[home]...)
		}
	})
}

// Two posts of the same moment are two posts.
func TestIDsOfOthersMeet(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, rem := w.person("ada"), w.remote("rem", "r.example")
		w.follows(ada, rem)
		at := w.db.Now().Add(-time.Hour).Truncate(time.Second).Add(7 * time.Millisecond)
		next := w.db.IDAt(at) + 1
		storetest.Post(t, w.db, ada, store.Public, 0, &store.Post{ID: next})
		in := w.incoming(rem, "<p>x</p>")
		in.Published = at
		if p := w.receive(rem, in); p == nil || p.ID == next || !w.sees(store.Anonymous, p.ID) {
			t.Errorf("the second post of a moment is lost: %+v", p)
		}
	})
}

// Replies that come before what they answer are joined to it when it comes.
func TestUnknownParents(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, rem, far := w.person("ada"), w.remote("rem", "r.example"), w.remote("far", "f.example")
		w.follows(ada, rem)
		w.follows(ada, far)
		parent := w.incoming(rem, "<p>parent</p>")
		child, grandchild := w.incoming(far, "<p>child</p>"), w.incoming(far, "<p>grandchild</p>")
		child.ReplyTo, grandchild.ReplyTo = parent.URI, child.URI
		g, c := w.receive(far, grandchild), w.receive(far, child)
		own := w.post(ada, Draft{Text: "mine", ReplyTo: c.ID})
		p := w.receive(rem, parent)
		for name, x := range map[string]*store.Post{"child": c, "grandchild": g, "mine": own} {
			if got := w.reload(x); got.RootID != p.ID {
				t.Errorf("%s: root %d", name, got.RootID)
			}
		}
		if got := w.reload(c); got.ReplyToID != p.ID || got.ReplyToAccountID != rem.ID {
			t.Errorf("the child answers %d", got.ReplyToID)
		}
		if got := w.reload(p); got.RepliesCount != 1 {
			t.Errorf("%d replies", got.RepliesCount)
		}
	})
}

// A reply, a favourite or a boost of what its sender may not see has no effect.
func TestReactionsToUnseenPosts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada, rem, eve := w.person("ada"), w.remote("rem", "r.example"), w.remote("eve", "e.example")
		class := w.class("2012-3")
		w.seat(ada, class)
		w.seat(rem, class)
		w.ok(w.s.ReceiveFollow(ctx, rem, class.Account, rem.URI+"/follows/1"))
		blocked := w.post(ada, Draft{Text: "not for eve"})
		w.ok(w.s.Block(ctx, ada, eve.ID))
		for name, p := range map[string]*store.Post{
			"for followers": w.post(ada, Draft{Text: "x", Visibility: store.Followers}), "a letter": w.post(ada, Draft{Text: "x", Visibility: store.Direct}),
			"in a circle": w.post(ada, Draft{Text: "x", Circle: class.ID}), "by a blocker": blocked,
		} {
			w.refused(name+": like", w.s.ReceiveLike(ctx, eve, p.URI, eve.URI+"/likes/"+p.ID.String(), Said{}), store.ErrNotFound)
			w.refused(name+": boost", w.s.ReceiveBoost(ctx, eve, IncomingBoost{URI: eve.URI + "/boosts/" + p.ID.String(), PostURI: p.URI}), store.ErrNotFound)
			in := w.incoming(eve, "<p>@ada reply</p>")
			in.ReplyTo = p.URI
			for _, asked := range []bool{false, true} {
				in.Asked = asked
				if r, err := w.s.ReceivePost(ctx, eve, in); err != nil || r != nil && r.ReplyToID != 0 {
					t.Errorf("%s: the reply is %+v, %v", name, r, err)
				}
			}
			got := w.reload(p)
			if got.LikesCount+got.BoostsCount+got.RepliesCount != 0 {
				t.Errorf("%s: %d likes, %d boosts, %d replies", name, got.LikesCount, got.BoostsCount, got.RepliesCount)
			}
			_, descendants, err := w.db.Thread(ctx, store.AsAccount(ada.ID), got)
			if err != nil || len(descendants) != 0 {
				t.Errorf("%s: the thread shows %d replies, %v", name, len(descendants), err)
			}
			w.same(name, w.told(p))
		}
		if n := w.count(`SELECT COUNT(*) FROM notifications`); n != 0 {
			t.Errorf("%d notifications", n)
		}
		inside := w.post(ada, Draft{Text: "x", Circle: class.ID})
		out := w.incoming(rem, "<p>outside</p>")
		out.ReplyTo = inside.URI
		_, err := w.s.ReceivePost(ctx, rem, out)
		w.refused("a member who carries the circle's words out", err, ErrForbidden)
		w.refused("a member's boost", w.s.ReceiveBoost(ctx, rem, IncomingBoost{URI: rem.URI + "/b", PostURI: inside.URI}), store.ErrNotFound)
		w.ok(w.s.ReceiveLike(ctx, rem, inside.URI, rem.URI+"/l", Said{}))
		if got := w.reload(inside); got.LikesCount != 1 {
			t.Error("a member's favourite does not count")
		}
	})
}

// Strangers' posts are not collected.
func TestPostsThatConcernNobody(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, rem, far := w.person("ada"), w.remote("rem", "r.example"), w.remote("far", "f.example")
		w.follows(far, rem)
		if p := w.receive(rem, w.incoming(rem, "<p>x</p>")); p != nil {
			t.Errorf("stored %+v", p)
		}
		in := w.incoming(rem, "<p>@far</p>")
		in.Mentions = []string{far.URI, "https://nobody.example/1"}
		if p := w.receive(rem, in); p != nil {
			t.Errorf("stored %+v", p)
		}
		in.Recipients = []string{ada.URI}
		in.Visibility = store.Limited
		p := w.receive(rem, in)
		if p == nil || !w.sees(store.AsAccount(ada.ID), p.ID) || len(w.told(p)) != 0 {
			t.Errorf("a letter that names ada without a mention: %+v", p)
		}
	})
}

// Whatever is sent can be stored, on both databases, and is not markup.
func TestReceiveOddText(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, rem := w.person("ada"), w.remote("rem", "r.example")
		w.follows(ada, rem)
		for _, odd := range []string{"a\x00b", "a\xffb", "<script>x</script>", `"><img src=x onerror=y>`, strings.Repeat("<b>", 2000), "\u202eabc"} {
			in := w.incoming(rem, odd)
			in.Summary, in.Title, in.Language, in.Tags = odd, odd, odd, []string{odd}
			in.Media = []IncomingMedia{{URL: "https://r.example/" + odd, MIME: odd, Alt: odd, Blurhash: odd, FocalX: 9e99, Width: -1}}
			p, err := w.s.ReceivePost(t.Context(), rem, in)
			if err != nil {
				t.Errorf("%q: %v", odd, err)
				continue
			}
			if strings.Contains(p.HTML, "<script") || strings.Contains(p.HTML, "onerror=y>") && strings.Contains(p.HTML, "<img") {
				t.Errorf("%q is stored as %q", odd, p.HTML)
			}
		}
	})
}

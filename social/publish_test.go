package social

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cohort/store"
	"cohort/store/storetest"
)

func TestPublishRefuses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob := w.person("ada"), w.person("bob")
		class := w.class("2012-3")
		w.seat(bob, class)
		hidden := w.post(bob, Draft{Text: "for followers", Visibility: store.Followers})
		inside := w.post(bob, Draft{Text: "inside", Circle: class.ID})
		direct := w.post(bob, Draft{Text: "to nobody", Visibility: store.Direct})
		gone := w.post(bob, Draft{Text: "gone"})
		if _, err := w.s.DeletePost(t.Context(), bob, gone.ID); err != nil {
			t.Fatal(err)
		}
		blocked := w.post(bob, Draft{Text: "not for ada"})
		w.ok(w.s.Block(t.Context(), bob, ada.ID))
		pic := w.picture(bob)
		for name, c := range map[string]struct {
			d    Draft
			want error
		}{
			"empty":                       {Draft{}, &Invalid{Key: "invalid.post_empty"}},
			"white space":                 {Draft{Text: " \r\n\t "}, &Invalid{Key: "invalid.post_empty"}},
			"nothing to see":              {Draft{Text: "\u200b\u200e\x00"}, &Invalid{Key: "invalid.post_empty"}},
			"one too long":                {Draft{Text: strings.Repeat("字", MaxCharacters+1)}, &Invalid{Key: "invalid.post_long"}},
			"too long with its summary":   {Draft{Text: strings.Repeat("a", MaxCharacters), Summary: "b"}, &Invalid{Key: "invalid.post_long"}},
			"a visibility there is not":   {Draft{Text: "x", Visibility: "everyone"}, &Invalid{Key: "invalid.visibility"}},
			"an answer for all, unseen":   {Draft{Text: "x", ReplyTo: hidden.ID, Visibility: store.Direct}, store.ErrNotFound},
			"an answer into a circle":     {Draft{Text: "x", ReplyTo: inside.ID, Visibility: store.Direct}, store.ErrNotFound},
			"an answer to others' letter": {Draft{Text: "x", ReplyTo: direct.ID}, store.ErrNotFound},
			"an answer to what is gone":   {Draft{Text: "x", ReplyTo: gone.ID}, store.ErrNotFound},
			"an answer to a blocker":      {Draft{Text: "x", ReplyTo: blocked.ID}, store.ErrNotFound},
			"an answer to nothing":        {Draft{Text: "x", ReplyTo: 12345}, store.ErrNotFound},
			"another's circle":            {Draft{Text: "x", Circle: class.ID}, store.ErrNotFound},
			"a person as circle":          {Draft{Text: "x", Circle: bob.ID}, store.ErrNotFound},
			"no circle at all":            {Draft{Text: "x", Circle: 12345}, store.ErrNotFound},
			"another's picture":           {Draft{Text: "x", Media: []store.ID{pic}}, &Invalid{Field: "media_ids", Key: "invalid.picture_gone"}},
			"no picture at all":           {Draft{Text: "x", Media: []store.ID{12345}}, &Invalid{Field: "media_ids", Key: "invalid.picture_gone"}},
			"no language":                 {Draft{Text: "x", Language: "xxxxxxxxxxxx"}, &Invalid{Field: "language"}},
			"five pictures":               {Draft{Text: "x", Media: []store.ID{1, 2, 3, 4, 5}}, &Invalid{Key: "invalid.media_many"}},
		} {
			p, err := w.s.Publish(t.Context(), ada, c.d)
			w.refused(name, err, c.want)
			if p != nil {
				t.Errorf("%s: a post came of it", name)
			}
		}
		if n := w.count(`SELECT COUNT(*) FROM posts WHERE author_id = $1`, ada.ID); n != 0 {
			t.Errorf("%d rows of refused posts", n)
		}
	})
}

// picture is a loose picture of an account.
func (w *world) picture(of *store.Account) store.ID {
	w.t.Helper()
	m, err := w.s.Upload(w.t.Context(), of, strings.NewReader(string(asPNG(w.t, corners(8, 8)))), "a view", Focus{})
	w.ok(err)
	return m.ID
}

func TestPublishWithPictures(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person("ada")
		pic := w.picture(ada)
		for name, d := range map[string]Draft{
			"twice the same": {Media: []store.ID{pic, pic}},
			"in a circle":    {Media: []store.ID{pic}, Circle: func() store.ID { c := w.class("2012-3"); w.seat(ada, c); return c.ID }()},
		} {
			if _, err := w.s.Publish(t.Context(), ada, d); err == nil {
				t.Errorf("%s: published", name)
			}
		}
		p := w.post(ada, Draft{Media: []store.ID{pic}})
		if p.MediaCount != 1 || w.reload(p).MediaCount != 1 {
			t.Errorf("%d pictures", p.MediaCount)
		}
		if _, err := w.s.Publish(t.Context(), ada, Draft{Media: []store.ID{pic}}); !errors.Is(err, &Invalid{Field: "media_ids", Key: "invalid.picture_gone"}) {
			t.Errorf("a picture in two posts: %v", err)
		}
		edited, err := w.s.Edit(t.Context(), ada, p.ID, Draft{Text: "without"})
		w.ok(err)
		if edited.MediaCount != 0 {
			t.Errorf("%d pictures after the edit", edited.MediaCount)
		}
		if again := w.post(ada, Draft{Media: []store.ID{pic}}); again.MediaCount != 1 {
			t.Error("a picture that was taken out cannot be used again")
		}
	})
}

// Whatever is typed can be stored, on both databases.
func TestPublishOddText(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.person("ada")
		for _, odd := range []string{"a\x00b", "a\xffb", "a\xed\xa0\x80b", "\u202eabc", "a\r\nb", "𝒳\U0010ffff"} {
			p, err := w.s.Publish(t.Context(), ada, Draft{Text: odd, Summary: odd, IdempotencyKey: odd + strings.Repeat("k", 9000)})
			if err != nil {
				t.Errorf("%q: %v", odd, err)
				continue
			}
			if strings.Contains(p.Source+p.HTML, "\x00") || strings.ContainsAny(p.Summary+p.Language, "\x00\u202e") {
				t.Errorf("%q is stored as %q", odd, p.Source)
			}
			if _, err := w.s.Edit(t.Context(), ada, p.ID, Draft{Text: odd + "!", Summary: odd}); err != nil {
				t.Errorf("edit to %q: %v", odd, err)
			}
		}
		if p := w.post(ada, Draft{Text: "x", Language: "zh-Hant-TW"}); p.Language != "zh-Hant-TW" {
			t.Errorf("language %q", p.Language)
		}
	})
}

func TestPublishOnceForAKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob := w.person("ada"), w.person("bob")
		w.follows(bob, ada)
		pic := w.picture(ada)
		posts := make([]*store.Post, 20)
		errs := together(20, func(i int) (err error) {
			posts[i], err = w.s.Publish(t.Context(), ada, Draft{Text: "once @bob", IdempotencyKey: "key", Media: []store.ID{pic}})
			return err
		})
		for i, err := range errs {
			if err != nil || posts[i].ID != posts[0].ID {
				t.Fatalf("%d: %+v, %v", i, posts[i], err)
			}
		}
		if n := w.count(`SELECT COUNT(*) FROM posts`); n != 1 {
			t.Errorf("%d posts", n)
		}
		w.same("homes", w.homes(posts[0]), ada, bob)
		w.same("told", w.told(posts[0]), bob)
		if a := w.account(ada); a.PostsCount != 1 {
			t.Errorf("posts are counted as %d", a.PostsCount)
		}
		if other := w.post(bob, Draft{Text: "another's key", IdempotencyKey: "key"}); other.ID == posts[0].ID {
			t.Error("bob was given ada's post for the same key")
		}
		w.later(25 * 60 * 60 * 1e9)
		w.ok(w.db.Sweep(t.Context(), w.s.Files))
		if p := w.post(ada, Draft{Text: "a day later", IdempotencyKey: "key"}); p.ID == posts[0].ID {
			t.Error("the key still counts a day later")
		}
	})
}

// A reply is never for more people than what it answers.
func TestRepliesDoNotWiden(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob, eve := w.person("ada"), w.person("bob"), w.person("eve")
		w.follows(bob, ada)
		w.follows(eve, bob)
		class, other := w.class("2012-3"), w.class("2012-4")
		w.seat(ada, class)
		w.seat(bob, class)
		w.seat(bob, other)
		open := w.post(ada, Draft{Text: "open"})
		quiet := w.post(ada, Draft{Text: "quiet", Visibility: store.Followers})
		letter := w.post(ada, Draft{Text: "@bob a letter", Visibility: store.Direct})
		inside := w.post(ada, Draft{Text: "inside", Circle: class.ID})
		limited := storetest.Post(t, w.db, w.remote("rem", "r.example"), store.Limited, 0, nil, bob)
		for _, c := range []struct {
			parent      *store.Post
			asked, want string
		}{
			{open, "", store.Public},
			{open, store.Unlisted, store.Unlisted},
			{open, store.Direct, store.Direct},
			{quiet, "", store.Followers},
			{quiet, store.Public, store.Followers},
			{quiet, store.Unlisted, store.Followers},
			{quiet, store.Direct, store.Direct},
			{letter, "", store.Direct},
			{letter, store.Public, store.Direct},
			{letter, store.Followers, store.Direct},
			{limited, store.Public, store.Direct},
			{inside, "", store.InCircle},
			{inside, store.Public, store.InCircle},
			{inside, store.Followers, store.InCircle},
			{inside, store.Direct, store.InCircle},
		} {
			p := w.post(bob, Draft{Text: "reply", ReplyTo: c.parent.ID, Visibility: c.asked})
			if p.Visibility != c.want || (p.CircleID == class.ID) != (c.want == store.InCircle) || p.ReplyToID != c.parent.ID || p.RootID != c.parent.ID {
				t.Errorf("a %q reply to a %s post is %+v", c.asked, c.parent.Visibility, p)
			}
			if c.parent.Visibility != store.Public && c.parent.Visibility != store.Followers && slices.Contains(w.homes(p), eve.ID) {
				t.Errorf("a %q reply to a %s post is in the home of the author's follower", c.asked, c.parent.Visibility)
			}
		}
		for name, d := range map[string]Draft{
			"from one circle into another": {Text: "x", ReplyTo: inside.ID, Circle: other.ID},
			"into a circle from outside":   {Text: "x", ReplyTo: open.ID, Circle: class.ID},
			"by a mention, from outside":   {Text: "@2012-3 x", ReplyTo: open.ID, Visibility: store.Followers},
			"by a mention, from a letter":  {Text: "@2012-3 x", ReplyTo: letter.ID, Visibility: store.Direct},
		} {
			_, err := w.s.Publish(t.Context(), bob, d)
			w.refused(name, err, &Invalid{Key: "invalid.reply_other_circle"})
		}
		if p := w.post(bob, Draft{Text: "x", ReplyTo: inside.ID, Circle: class.ID}); p.CircleID != class.ID {
			t.Error("naming the circle of the parent is refused")
		}
	})
}

// A reply to a boost answers what was boosted.
// An open reply goes to the server of whom it answers, mentioned or not; one that is not open goes
// only to those it names.
func TestRepliesReachTheAuthorElsewhere(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, rem := w.person("ada"), w.remote("rem", "r.example")
		parent := storetest.Post(t, w.db, rem, store.Public, 0, nil)
		for visibility, want := range map[string][]string{
			store.Public: {rem.DeliveryInbox()}, store.Unlisted: {rem.DeliveryInbox()}, store.Followers: nil, store.Direct: nil,
		} {
			p := w.post(ada, Draft{Text: "a reply to nobody by name", ReplyTo: parent.ID, Visibility: visibility})
			got := w.sending(p.ID)
			if len(got) != len(want) || len(got) == 1 && !strings.Contains(got[0], want[0]) {
				t.Errorf("a %s reply is sent to %q, want %q", visibility, got, want)
			}
		}
	})
}

func TestReplyToABoost(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob := w.person("ada"), w.person("bob")
		p := w.post(ada, Draft{Text: "original"})
		boost, err := w.s.Boost(t.Context(), bob, p.ID, "")
		w.ok(err)
		if r := w.post(bob, Draft{Text: "reply", ReplyTo: boost.ID}); r.ReplyToID != p.ID || r.ReplyToAccountID != ada.ID {
			t.Errorf("the reply is to %d", r.ReplyToID)
		}
	})
}

func TestPublishIntoACircle(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob, eve := w.person("ada"), w.person("bob"), w.person("eve")
		rem, far := w.remote("rem", "r.example"), w.remote("far", "f.example")
		class := w.class("2012-3")
		for _, a := range []*store.Account{ada, bob, rem} {
			w.seat(a, class)
		}
		w.ok(w.s.ReceiveFollow(t.Context(), rem, class.Account, rem.URI+"/follows/1"))
		w.follows(eve, ada)
		w.follows(far, ada)
		for name, d := range map[string]Draft{
			"by id":                   {Text: "hello @eve @far@f.example", Circle: class.ID},
			"by id, said to be open":  {Text: "hello @eve", Circle: class.ID, Visibility: store.Public},
			"by a mention, private":   {Text: "@2012-3 hello @eve @far@f.example", Visibility: store.Followers},
			"by a mention, direct":    {Text: "@2012-3@here.example hello @eve", Visibility: store.Direct},
			"by a mention, later on":  {Text: "hello @2012-3 and @eve", Visibility: store.Direct},
			"by a mention, case fold": {Text: "@2012-3@HERE.example hello @eve", Visibility: store.Direct},
		} {
			p := w.post(ada, d)
			if p.Visibility != store.InCircle || p.CircleID != class.ID {
				t.Errorf("%s: %s in %d", name, p.Visibility, p.CircleID)
			}
			w.same(name+": homes", w.homes(p), ada, bob)
			w.same(name+": told", w.told(p))
			if got := w.sending(p.ID); !slices.Equal(got, []string{"create https://r.example/inbox"}) {
				t.Errorf("%s: sent to %q", name, got)
			}
			for who, v := range map[string]store.Viewer{"eve": store.AsAccount(eve.ID), "far": store.AsSigner(far.ID), "a visitor": store.Anonymous} {
				if w.sees(v, p.ID) {
					t.Errorf("%s: %s sees it", name, who)
				}
			}
		}
		if a := w.account(ada); a.PostsCount != 0 {
			t.Errorf("circle posts are counted in public: %d", a.PostsCount)
		}
		for _, v := range []string{store.Public, store.Unlisted, ""} {
			_, err := w.s.Publish(t.Context(), ada, Draft{Text: "@2012-3 hello", Visibility: v})
			w.refused("in public, "+v, err, &Invalid{Key: "invalid.circle_in_public"})
		}
		if p := w.post(eve, Draft{Text: "@2012-3 let me in", Visibility: store.Direct}); p.Visibility != store.Direct || len(w.told(p)) != 0 || len(w.sending(p.ID)) != 0 {
			t.Errorf("a stranger's letter to a circle: %+v", p)
		}
		mention := w.post(ada, Draft{Text: "@bob look", Circle: class.ID})
		w.same("a member who is mentioned", w.told(mention), bob)
	})
}

// Who has left, was removed or reads as a guest does not write; nor does anyone in a circle that is suspended.
func TestPublishNeedsASeat(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada, bob, cid := w.person("ada"), w.person("bob"), w.person("cid")
		class := w.class("2012-3")
		seat := w.seat(ada, class)
		w.seat(bob, class)
		guest := w.seat(cid, class)
		m, err := w.db.Membership(t.Context(), class.ID, cid.ID)
		w.ok(err)
		m.Via, m.SeatID = "web", guest.ID
		w.tx(saved(m))
		_, err = w.s.Publish(t.Context(), cid, Draft{Text: "x", Circle: class.ID})
		w.refused("a guest", err, ErrForbidden)

		mine := w.post(ada, Draft{Text: "while I sat here", Circle: class.ID})
		w.ok(w.s.RevokeSeat(t.Context(), seat.ID, "mistake", 0))
		_, err = w.s.Publish(t.Context(), ada, Draft{Text: "x", Circle: class.ID})
		w.refused("without a seat", err, store.ErrNotFound)
		_, err = w.s.Publish(t.Context(), ada, Draft{Text: "x", ReplyTo: mine.ID})
		w.refused("a reply to one's own, without a seat", err, store.ErrNotFound)
		_, err = w.s.Edit(t.Context(), ada, mine.ID, Draft{Text: "changed from outside"})
		w.refused("an edit without a seat", err, ErrForbidden)
		if _, err = w.s.DeletePost(t.Context(), ada, mine.ID); err != nil {
			t.Errorf("taking one's own words back: %v", err)
		}

		w.ok(w.s.Unfollow(t.Context(), bob, class.ID))
		_, err = w.s.Publish(t.Context(), bob, Draft{Text: "x", Circle: class.ID})
		w.refused("after leaving", err, store.ErrNotFound)
		w.ok(w.s.Follow(t.Context(), bob, class.ID, FollowOptions{}))
		w.post(bob, Draft{Text: "back", Circle: class.ID})
		w.ok(w.s.Suspend(t.Context(), class.Account, 0, "closed"))
		_, err = w.s.Publish(t.Context(), bob, Draft{Text: "x", Circle: class.ID})
		w.refused("a suspended circle", err, store.ErrNotFound)
	})
}

// What members type as text stays as they typed it; it is escaped where it is shown.
func TestTypedTextIsKept(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		for _, text := range []string{"a < b > c", "<b>bold</b>", "&lt;3 &amp; <3", "<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`} {
			ada := w.person("ada" + strconv.Itoa(len(text)))
			p, err := w.s.Publish(ctx, ada, Draft{Text: "x", Summary: text, Visibility: store.Public})
			if err != nil || p.Summary != text {
				t.Errorf("%q became %+v, %v", text, p, err)
				continue
			}
			if p, err = w.s.Edit(ctx, ada, p.ID, Draft{Text: "y", Summary: text + "!", Visibility: store.Public}); err != nil || p.Summary != text+"!" {
				t.Errorf("%q, edited, became %+v, %v", text, p, err)
			}
			if a, err := w.s.UpdateProfile(ctx, ada, ProfileChange{Name: &text}); err != nil || a.Name != text {
				t.Errorf("the name %q became %+v, %v", text, a, err)
			}
			c, err := w.s.CreateCircle(ctx, CircleDraft{Slug: "c" + strconv.Itoa(len(text)), Name: text, Unit: text})
			if err != nil || c.Name != text || c.Unit != text {
				t.Errorf("the circle %q became %+v, %v", text, c, err)
			}
		}
	})
}

package social

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cohort/store"
)

// hidden is somebody's server that tries to find out what there is here: eve's, with a follower here.
type hidden struct {
	*world
	ada, bob, eve *store.Account
	n             int
}

// answered is everything that can be seen of a reply by eve: how it was answered, what is stored, and what eve's
// profile and the people it names show of it. joined: who sees both, as ada does, may find them in one thread.
func (h *hidden) answered(uri, visibility string, mention, asked, joined bool) string {
	h.t.Helper()
	h.n++
	ctx, before := h.t.Context(), h.count(`SELECT COUNT(*) FROM notifications`)
	in := h.incoming(h.eve, "<p>@ada so it is</p>")
	in.ReplyTo, in.Visibility, in.Asked = uri, visibility, asked
	if mention {
		in.Mentions = []string{h.ada.URI}
	}
	p, err := h.s.ReceivePost(ctx, h.eve, in)
	out := fmt.Sprintf("stored %v, %v; %d notifications", p != nil, err, h.count(`SELECT COUNT(*) FROM notifications`)-before)
	if p == nil {
		return out
	}
	viewers := []store.Viewer{store.Anonymous, store.AsAccount(h.bob.ID), store.AsSigner(h.eve.ID)}
	out += fmt.Sprintf("; in %d homes", len(h.homes(p)))
	if row := h.reload(p); !joined {
		viewers = append(viewers, store.AsAccount(h.ada.ID))
		out += fmt.Sprintf("; row: %d %d %v", row.ReplyToID, row.ReplyToAccountID, row.RootID == row.ID)
	}
	for _, v := range viewers {
		for _, only := range []bool{false, true} {
			posts, err := h.db.AccountPosts(ctx, v, h.eve.ID, store.Page{Limit: 40}, store.AccountFilter{ExcludeReplies: only})
			h.ok(err)
			listed := 0
			for _, q := range posts.Items {
				if q.ID == p.ID {
					listed++
				}
			}
			out += fmt.Sprintf("; listed %d", listed)
		}
		if !h.sees(v, p.ID) {
			continue
		}
		view := h.shown(v, p.ID).Post
		above, below, err := h.db.Thread(ctx, v, view)
		h.ok(err)
		out += fmt.Sprintf(" shown %d %q %d thread %d %d", view.ReplyToID, view.ReplyToURI, view.ReplyToAccountID, len(above), len(below))
	}
	return out
}

// reacted is what comes of everything else that eve can say about an id.
func (h *hidden) reacted(uri string) string {
	h.t.Helper()
	h.n++
	ctx, mine := h.t.Context(), fmt.Sprintf("%s/x/%d/", h.eve.URI, h.n)
	rows := func() string {
		return fmt.Sprint(h.count(`SELECT COUNT(*) FROM posts`), h.count(`SELECT COUNT(*) FROM likes`), h.count(`SELECT COUNT(*) FROM notifications`),
			h.count(`SELECT COUNT(*) FROM jobs`), h.count(`SELECT COUNT(*) FROM activities`), h.count(`SELECT COUNT(*) FROM tombstones`))
	}
	before := rows()
	reply := h.incoming(h.eve, "<p>again</p>")
	reply.ReplyTo, reply.Updated = uri, h.db.Now().Add(time.Hour)
	out := fmt.Sprint(
		h.s.ReceiveLike(ctx, h.eve, uri, mine+"like", Said{}), h.s.ReceiveUndoLike(ctx, h.eve, mine+"like", uri, Said{}),
		h.s.ReceiveUndoLike(ctx, h.eve, "", uri, Said{}), h.s.ReceiveBoost(ctx, h.eve, IncomingBoost{URI: mine + "boost", PostURI: uri, Visibility: store.Public}),
		h.s.ReceiveUpdate(ctx, h.eve, reply))
	return strings.ReplaceAll(out, uri, "it") + fmt.Sprint("; changed ", rows() != before)
}

// Whoever may not see a post cannot find out whether it exists: what they say about it, and what comes of that, is as if
// its id were one that never was.
func TestHiddenIsAsIfAbsent(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := &hidden{world: w, ada: w.person("ada"), bob: w.person("bob"), eve: w.remote("eve", "e.example")}
		rem, far := w.remote("rem", "r.example"), w.remote("far", "f.example")
		class := w.class("2012-3")
		w.seat(h.ada, class)
		w.seat(rem, class)
		w.ok(w.s.ReceiveFollow(t.Context(), rem, class.Account, rem.URI+"/follows/1"))
		w.follows(h.ada, far)
		gone := func(p *store.Post) *store.Post {
			_, err := w.s.DeletePost(t.Context(), h.ada, p.ID)
			w.ok(err)
			return p
		}
		elsewhere := func(author *store.Account, change func(*IncomingPost)) *store.Post {
			in := w.incoming(author, "<p>x</p>")
			change(&in)
			return w.receive(author, in)
		}
		ours := map[string]*store.Post{
			"for followers": w.post(h.ada, Draft{Text: "x", Visibility: store.Followers}), "a letter": w.post(h.ada, Draft{Text: "x", Visibility: store.Direct}),
			"in a circle":           w.post(h.ada, Draft{Text: "x", Circle: class.ID}),
			"a deleted letter":      gone(w.post(h.ada, Draft{Text: "x", Visibility: store.Direct})),
			"deleted in a circle":   gone(w.post(h.ada, Draft{Text: "x", Circle: class.ID})),
			"deleted for followers": gone(w.post(h.ada, Draft{Text: "x", Visibility: store.Followers})),
		}
		theirs := map[string]*store.Post{
			"a member's elsewhere": elsewhere(rem, func(in *IncomingPost) { in.Circle = class.Account }),
			"for followers there":  elsewhere(far, func(in *IncomingPost) { in.Visibility = store.Followers }),
			"a letter from there":  elsewhere(far, func(in *IncomingPost) { in.Visibility, in.Mentions = store.Direct, []string{h.ada.URI} }),
		}
		absent := map[string]string{}
		for name, p := range ours {
			absent[name] = w.s.PostURI(w.db.NewID())
			theirs[name] = p
		}
		compare := func(when string) {
			t.Helper()
			for name, p := range theirs {
				none := absent[name]
				if none == "" {
					none = p.URI + "0"
				}
				for _, visibility := range []string{store.Public, store.Unlisted, store.Followers, store.Direct} {
					for i := range 4 {
						mention, asked := i&1 != 0, i&2 != 0
						joined := p.Host != "" && p.CircleID == 0
						got, want := h.answered(p.URI, visibility, mention, asked, joined), h.answered(none, visibility, mention, asked, joined)
						if got != want {
							t.Errorf("%s%s, %s, naming %v, asked %v:\n%s\n%s", name, when, visibility, mention, asked, got, want)
						}
					}
				}
				if got, want := h.reacted(p.URI), h.reacted(none); got != want {
					t.Errorf("%s%s: what else is said: %s, of what is absent: %s", name, when, got, want)
				}
			}
		}
		compare("")
		w.follows(h.bob, h.eve)
		compare(" and somebody follows")
		for name, p := range ours {
			if n := w.count(`SELECT COUNT(*) FROM posts WHERE reply_to_id = $1 OR reply_to_uri = $2`, int64(p.ID), p.URI); n != 0 {
				t.Errorf("%s: %d replies were joined to it", name, n)
			}
		}
	})
}

package social

import (
	"context"
	"slices"
	"time"

	"cohort/store"
)

type ctx = context.Context

// moves are what can happen in a game. Those that make or change posts come up more often.
var moves = map[string]func(g *game) error{
	"publish":  func(g *game) error { return g.kept(g.w.s.Publish(g.w.t.Context(), g.local(), g.draft())) },
	"publish2": func(g *game) error { return g.kept(g.w.s.Publish(g.w.t.Context(), g.local(), g.draft())) },
	"receive": func(g *game) error {
		by := g.remote()
		return g.kept(g.w.s.ReceivePost(g.w.t.Context(), by, g.note(by)))
	},
	"pass on": func(g *game) error {
		id := g.post()
		if id == 0 {
			return nil
		}
		a := g.author(id)
		in := IncomingPost{URI: g.w.s.PostURI(id), Circle: g.circles[1]}
		if !a.Local() {
			return nil
		}
		return g.w.s.ReceiveHubPost(g.w.t.Context(), a, in)
	},
	"boost": func(g *game) error {
		return g.kept(g.w.s.Boost(g.w.t.Context(), g.local(), g.post(), one(g, "boost", []string{"", store.Unlisted, store.Followers})))
	},
	"receive boost": func(g *game) error {
		by := g.remote()
		in := IncomingBoost{URI: g.uri(by), PostURI: g.postURI(), Visibility: store.Public, Published: g.w.db.Now()}
		if err := g.w.s.ReceiveBoost(g.w.t.Context(), by, in); err != nil {
			return err
		}
		g.posts = append(g.posts, g.w.ids(`SELECT id FROM posts WHERE uri = $1`, in.URI)...)
		return nil
	},
	"edit": func(g *game) error {
		id := g.post()
		if id == 0 {
			return nil
		}
		_, err := g.w.s.Edit(g.w.t.Context(), g.author(id), id, g.draft())
		return err
	},
	"update": func(g *game) error {
		uri := g.postURI()
		by := g.remote()
		if ids := g.w.ids(`SELECT id FROM posts WHERE uri = $1`, uri); len(ids) > 0 {
			by = g.author(ids[0])
		}
		in := g.note(by)
		in.URI, in.Updated = uri, g.w.db.Now().Add(time.Minute)
		return g.w.s.ReceiveUpdate(g.w.t.Context(), by, in)
	},
	"like": func(g *game) error { return g.w.s.Like(g.w.t.Context(), g.local(), g.post()) },
	"receive like": func(g *game) error {
		by := g.remote()
		return g.w.s.ReceiveLike(g.w.t.Context(), by, g.postURI(), g.uri(by), Said{})
	},
	"delete": func(g *game) error {
		id := g.post()
		if id == 0 {
			return nil
		}
		if a := g.author(id); !a.Local() {
			return g.w.s.ReceiveDelete(g.w.t.Context(), a, g.postURI(), "")
		}
		_, err := g.w.s.DeletePost(g.w.t.Context(), g.author(id), id)
		return err
	},
	"follow": func(g *game) error {
		yes := true
		return g.w.s.Follow(g.w.t.Context(), g.local(), g.anyone().ID, FollowOptions{Notify: &yes})
	},
	"unfollow": func(g *game) error { return g.w.s.Unfollow(g.w.t.Context(), g.local(), g.anyone().ID) },
	"receive follow": func(g *game) error {
		by := g.remote()
		return g.w.s.ReceiveFollow(g.w.t.Context(), by, g.local(), g.uri(by))
	},
	"block":   func(g *game) error { return g.w.s.Block(g.w.t.Context(), g.local(), g.anyone().ID) },
	"unblock": func(g *game) error { return g.w.s.Unblock(g.w.t.Context(), g.local(), g.anyone().ID) },
	"receive block": func(g *game) error {
		by := g.remote()
		return g.w.s.ReceiveBlock(g.w.t.Context(), by, g.local(), g.uri(by))
	},
	"mute": func(g *game) error {
		return g.w.s.Mute(g.w.t.Context(), g.local(), g.anyone().ID, MuteOptions{Notifications: true})
	},
	"join here":  func(g *game) error { return g.w.s.Follow(g.w.t.Context(), g.local(), g.circles[0].ID, FollowOptions{}) },
	"join there": func(g *game) error { return g.askElsewhere(g.local()) },
	"leave": func(g *game) error {
		return g.w.s.Unfollow(g.w.t.Context(), g.local(), g.circle().ID)
	},
	"receive leave": func(g *game) error { return g.w.s.ReceiveUndoFollow(g.w.t.Context(), g.remote(), "", g.circles[0]) },
	"revoke": func(g *game) error {
		return g.w.s.RevokeSeat(g.w.t.Context(), g.seats[g.anyone().ID], "mistake", 0)
	},
	"expel": func(g *game) error {
		return g.w.db.Tx(g.w.t.Context(), func(tx *store.Tx) error { return tx.EndMembership(g.w.t.Context(), g.circles[0].ID, g.anyone().ID) })
	},
	"shut a server out": func(g *game) error {
		return g.w.db.Tx(g.w.t.Context(), func(tx *store.Tx) error { return tx.EndHost(g.w.t.Context(), g.circles[0].ID, g.remote().Host) })
	},
}

// moveNames are in one order, so that a failure can be played again.
var moveNames = func() []string {
	var names []string
	for name := range moves {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}()

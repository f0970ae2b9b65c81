package pages

import (
	"context"

	"cohort/social"
	"cohort/store"
)

// react does to a post what the last part of the path says, and leads back to where the button was.
func (p *Pages) react(v *visit) error {
	id, err := v.id()
	if err != nil {
		return err
	}
	ctx := v.Request().Context()
	do, known := p.reactions(ctx, v.me, id)[v.param("do")]
	if !known {
		return store.ErrNotFound
	}
	if err := v.spend(social.LimitAPI); err != nil {
		return err
	}
	if err := do(); err != nil && !v.tellError(err) {
		return err
	}
	return v.back("/posts/" + id.String())
}

// reactions are what can be done to a post, by the word in the path.
func (p *Pages) reactions(ctx context.Context, me *store.Account, id store.ID) map[string]func() error {
	one := func(f func(context.Context, *store.Account, store.ID) error) func() error {
		return func() error { return f(ctx, me, id) }
	}
	return map[string]func() error{
		"favourite": one(p.s.Like), "unfavourite": one(p.s.Unlike),
		"bookmark": one(p.s.Bookmark), "unbookmark": one(p.s.Unbookmark),
		"pin": one(p.s.Pin), "unpin": one(p.s.Unpin),
		"boost": func() error {
			_, err := p.s.Boost(ctx, me, id, "")
			return err
		},
		"unboost": one(p.s.Unboost),
		"mute":    func() error { return p.s.MuteThread(ctx, me, id, true) },
		"unmute":  func() error { return p.s.MuteThread(ctx, me, id, false) },
	}
}

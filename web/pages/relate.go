package pages

import (
	"context"
	"net/http"

	"cohort/social"
	"cohort/store"
)

// relate changes how the member stands to an account, as the last part of the path says.
func (p *Pages) relate(v *visit) error {
	ctx := v.Request().Context()
	id, err := v.id()
	if err != nil {
		return err
	}
	account, err := p.db.Account(ctx, id)
	if err != nil {
		return err
	}
	if ok, err := v.visible(ctx, account); err != nil || !ok {
		return orNotFound(err)
	}
	do, known := p.relating(ctx, v.me, id)[v.param("do")]
	if !known {
		return store.ErrNotFound
	}
	if err := v.spend(social.LimitFollow); err != nil {
		return err
	}
	if err := do(); err != nil && !v.tellError(err) {
		return err
	}
	return v.back(accountURL(account))
}

// relating is what can be done about an account, by the word in the path.
func (p *Pages) relating(ctx context.Context, me *store.Account, id store.ID) map[string]func() error {
	one := func(f func(context.Context, *store.Account, store.ID) error) func() error {
		return func() error { return f(ctx, me, id) }
	}
	return map[string]func() error{
		"follow":   func() error { return p.s.Follow(ctx, me, id, social.FollowOptions{}) },
		"unfollow": one(p.s.Unfollow),
		"block":    one(p.s.Block), "unblock": one(p.s.Unblock),
		"mute":   func() error { return p.s.Mute(ctx, me, id, social.MuteOptions{Notifications: true}) },
		"unmute": one(p.s.Unmute),
		"remove": one(p.s.RemoveFollower),
	}
}

// requests lists who asks to follow the member.
func (p *Pages) requests(v *visit) error {
	ctx := v.Request().Context()
	at, err := v.page()
	if err != nil {
		return err
	}
	waiting, next, err := p.db.FollowRequests(ctx, v.me.ID, at)
	if err != nil {
		return err
	}
	people, err := v.people(ctx, waiting)
	if err != nil {
		return err
	}
	view := &RequestsPage{Next: v.turn("max_id", next)}
	for _, by := range people {
		view.Waiting = append(view.Waiting, FollowRequest{ID: by.ID, By: by})
	}
	return v.show(http.StatusOK, "requests", view)
}

// answerRequest accepts or rejects one of them. One that was withdrawn meanwhile is no error.
func (p *Pages) answerRequest(v *visit) error {
	id, err := v.id()
	if err != nil {
		return err
	}
	answer := map[string]func(context.Context, *store.Account, store.ID) error{"accept": p.s.AcceptRequest, "reject": p.s.RejectRequest}[v.param("do")]
	if answer == nil {
		return store.ErrNotFound
	}
	if err := v.spend(social.LimitFollow); err != nil {
		return err
	}
	if err := answer(v.Request().Context(), v.me, id); err != nil && !isNotFound(err) {
		return err
	}
	return v.to("/requests")
}

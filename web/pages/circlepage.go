package pages

import (
	"context"
	"html/template"
	"net/http"

	"cohort/social"
	"cohort/store"
)

// circle is /c/slug: everything for its members, name and About for everyone else.
func (p *Pages) circle(v *visit) error {
	ctx := v.Request().Context()
	account, err := v.readCircle(ctx, v.param("slug"))
	if err != nil {
		return err
	}
	if to := accountURL(account); to != "/c/"+v.param("slug") {
		return v.to(to)
	}
	view := &CirclePage{Tab: "about"}
	view.NoIndex = true
	if view.Circle, err = v.circleView(ctx, account); err != nil {
		return err
	}
	if !view.Circle.Standing.Inside() {
		return v.show(http.StatusOK, "circle", view)
	}
	switch tab := v.QueryParam("tab"); tab {
	case "people":
		view.Tab = tab
		err = v.circlePeople(ctx, account, view)
	case "about":
	default:
		view.Tab = "posts"
		ok, err := v.circlePosts(ctx, account, view)
		if err != nil {
			return err
		}
		if !ok {
			return v.top()
		}
	}
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "circle", view)
}

// circleByID is /circles/id, the permanent id: it leads to the page.
func (p *Pages) circleByID(v *visit) error {
	return v.byID(func(a *store.Account) bool { return a.Local() && a.Kind == store.KindCircle })
}

// readCircle finds a circle by its address; members may have its home asked for it.
func (v *visit) readCircle(ctx context.Context, address string) (*store.Account, error) {
	account, err := v.named(ctx, address)
	if err == nil && account.Kind != store.KindCircle {
		err = store.ErrNotFound
	}
	return account, err
}

// circleView is what this visitor may know of a circle.
func (v *visit) circleView(ctx context.Context, account *store.Account) (Circle, error) {
	c := Circle{CircleRef: circleRef(account), Host: account.Domain, Institution: account.Domain, About: template.HTML(account.Bio)} //nolint:gosec // made safe when it was stored
	if account.Local() {
		ours, err := v.p.db.Circle(ctx, account.ID)
		if err != nil {
			return c, err
		}
		c.Host, c.Institution = v.p.s.Config.Domain, v.p.s.Config.Name
		c.Unit, c.From, c.To = ours.Unit, ours.YearFrom, ours.YearTo
	} else {
		c.Unit, c.From, c.To = social.CircleFacts(account)
	}
	if v.me == nil {
		return c, nil
	}
	m, err := v.p.db.Membership(ctx, account.ID, v.me.ID)
	if isNotFound(err) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	now := v.p.db.Now()
	switch {
	case m.Current(now) && m.Role == "steward":
		c.Standing = Steward
	case m.Current(now):
		c.Standing = Member
	case m.VerifiedAt.IsZero() && m.EndedAt.IsZero():
		c.Standing = Waiting
	}
	if c.Standing.Inside() {
		a, err := v.p.s.AudienceOf(ctx, v.me, "", account.ID)
		if err != nil {
			return c, err
		}
		if a.Known {
			c.Members, c.Servers = a.People, a.Servers
		}
	}
	return c, nil
}

func (v *visit) circlePosts(ctx context.Context, account *store.Account, view *CirclePage) (ok bool, err error) {
	at, err := v.page()
	if err != nil {
		return false, err
	}
	posts, err := v.p.db.CirclePosts(ctx, v.viewer, account.ID, at)
	if err != nil {
		return false, err
	}
	view.Timeline, ok, err = v.timeline(ctx, posts, at, liveURL(feedCircle, account.ID))
	return ok, err
}

// circlePeople lists who sits in a circle of ours. Of one elsewhere only its home knows.
func (v *visit) circlePeople(ctx context.Context, account *store.Account, view *CirclePage) error {
	if !account.Local() {
		return nil
	}
	at, err := v.page()
	if err != nil {
		return err
	}
	members, next, err := v.p.db.Members(ctx, v.viewer, account.ID, at)
	if err != nil {
		return err
	}
	view.PeopleNext = v.turn("max_id", next)
	view.People, err = v.people(ctx, members)
	return err
}

// joinCircle asks for a place.
func (p *Pages) joinCircle(v *visit) error {
	ctx := v.Request().Context()
	account, err := v.readCircle(ctx, v.param("slug"))
	if err != nil {
		return err
	}
	if err := v.spend(social.LimitFollow); err != nil {
		return err
	}
	if err := p.s.Follow(ctx, v.me, account.ID, social.FollowOptions{}); err != nil && !v.tellError(err) {
		return err
	}
	return v.to(accountURL(account))
}

// leaveCircle gives one's place back, or one's request.
func (p *Pages) leaveCircle(v *visit) error {
	ctx := v.Request().Context()
	account, err := v.readCircle(ctx, v.param("slug"))
	if err != nil {
		return err
	}
	if err := p.s.Unfollow(ctx, v.me, account.ID); err != nil {
		return err
	}
	v.tell("flash.left")
	return v.to(accountURL(account))
}

// circles lists the member's circles, and those here that say publicly that they exist.
func (p *Pages) circles(v *visit) error {
	ctx := v.Request().Context()
	mine, err := p.db.CirclesOf(ctx, v.me.ID)
	if err != nil {
		return err
	}
	view := &CirclesPage{}
	in := map[store.ID]bool{}
	for _, m := range mine {
		c, err := v.circleView(ctx, m.Circle)
		if err != nil {
			return err
		}
		in[m.Circle.ID] = true
		switch c.Standing {
		case Member, Steward:
			view.Mine = append(view.Mine, c)
		case Waiting:
			view.Waiting = append(view.Waiting, c)
		case Outside:
			in[m.Circle.ID] = false
		}
	}
	all, err := p.db.Circles(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.Listing != "listed" || in[c.ID] || !c.Live() {
			continue
		}
		view.Listed = append(view.Listed, Circle{
			CircleRef: circleRef(c.Account), Institution: p.s.Config.Name, Host: p.s.Config.Domain, Unit: c.Unit, From: c.YearFrom, To: c.YearTo,
		})
	}
	return v.show(http.StatusOK, "circles", view)
}

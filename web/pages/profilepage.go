package pages

import (
	"context"
	"net/http"

	"cohort/social"
	"cohort/store"
)

// profile is /@who: the public face of a person here or elsewhere.
func (p *Pages) profile(v *visit) error {
	ctx := v.Request().Context()
	account, err := v.named(ctx, v.param("who"))
	if err != nil {
		return err
	}
	if to := accountURL(account); to != "/@"+v.param("who") {
		return v.to(withQuery(to, "tab", v.QueryParam("tab")))
	}
	return v.showProfile(ctx, account)
}

// profileByID is /users/id, the permanent id: it leads to the page.
func (p *Pages) profileByID(v *visit) error {
	return v.byID(func(a *store.Account) bool { return a.Local() && a.Kind != store.KindCircle })
}

// byID leads from an account's permanent id here to its page.
func (v *visit) byID(fits func(*store.Account) bool) error {
	ctx := v.Request().Context()
	id, err := v.id()
	if err != nil {
		return err
	}
	account, err := v.p.db.Account(ctx, id)
	if err != nil {
		return err
	}
	if ok, err := v.visible(ctx, account); err != nil || !ok || !fits(account) {
		return orNotFound(err)
	}
	return v.to(accountURL(account))
}

// named finds the account with an address; members may have another server asked for it. What this
// visitor may not see is store.ErrNotFound.
func (v *visit) named(ctx context.Context, address string) (*store.Account, error) {
	handle, host, err := social.ParseAddress(address)
	if err != nil {
		return nil, store.ErrNotFound
	}
	c := v.p.s.Config
	if host == c.Domain || host == c.Host {
		host = ""
	}
	account, err := v.p.db.AccountByHandle(ctx, handle, host)
	if isNotFound(err) && host != "" && v.me != nil {
		if err := v.spend(social.LimitLookup); err != nil {
			return nil, err
		}
		account, err = v.p.fed.ResolveAccount(ctx, handle+"@"+host)
	}
	if err != nil {
		return nil, err
	}
	if ok, err := v.visible(ctx, account); err != nil || !ok {
		return nil, orNotFound(err)
	}
	return account, nil
}

// profileTabs are the parts of a profile and what each lists.
var profileTabs = map[string]store.AccountFilter{
	"posts":   {ExcludeReplies: true},
	"replies": {},
	"media":   {OnlyMedia: true, ExcludeBoosts: true},
}

// maxShared bounds the shared circles on a profile.
const maxShared = 20

func (v *visit) showProfile(ctx context.Context, account *store.Account) error {
	at, err := v.page()
	if err != nil {
		return err
	}
	view := &ProfilePage{Person: v.p.wholePerson(account), Tab: v.QueryParam("tab")}
	filter, known := profileTabs[view.Tab]
	if !known {
		view.Tab = "posts"
		filter = profileTabs["posts"]
	}
	relations, err := v.relations(ctx, []store.ID{account.ID})
	if err != nil {
		return err
	}
	view.Person.Relation = v.relation(account.ID, relations)
	view.Hidden = relations[account.ID].Blocking
	view.NoIndex = !account.Local() || !account.Indexable || view.Tab != "posts" || beyond(at)
	view.Description = plain(view.Person.Bio)
	if account.Local() {
		view.Alternate = account.URI
	}
	if !view.Hidden {
		ok, err := v.fillProfile(ctx, view, account, filter, at)
		if err != nil {
			return err
		}
		if !ok {
			return v.top()
		}
	}
	return v.show(http.StatusOK, "profile", view)
}

// fillProfile reads the posts of a profile and the circles that it shares with the member. ok is false
// when the top of the list is to be shown instead.
func (v *visit) fillProfile(ctx context.Context, view *ProfilePage, account *store.Account, filter store.AccountFilter, at store.Page) (ok bool, err error) {
	posts, err := v.p.db.AccountPosts(ctx, v.viewer, account.ID, at, filter)
	if err != nil {
		return false, err
	}
	if view.Timeline, ok, err = v.timeline(ctx, posts, at, ""); err != nil || !ok {
		return false, err
	}
	if view.Tab == "posts" && !beyond(at) {
		pinned, err := v.p.db.AccountPosts(ctx, v.viewer, account.ID, store.Page{}, store.AccountFilter{Pinned: true})
		if err != nil {
			return false, err
		}
		if view.Pinned, err = v.posts(ctx, pinned.Items); err != nil {
			return false, err
		}
	}
	view.Timeline.Posts = without(view.Timeline.Posts, view.Pinned)
	view.Shared, err = v.shared(ctx, account)
	return true, err
}

// without leaves out posts that are on the page already, so that each is there once.
func without(posts, shown []PostView) []PostView {
	seen := map[string]bool{}
	for _, p := range shown {
		seen[p.Key()] = true
	}
	var rest []PostView
	for _, p := range posts {
		if !seen[p.Key()] {
			rest = append(rest, p)
		}
	}
	return rest
}

// shared are the circles that both the member and an account sit in, as far as is known here.
func (v *visit) shared(ctx context.Context, account *store.Account) ([]CircleRef, error) {
	if v.me == nil || v.me.ID == account.ID {
		return nil, nil
	}
	mine, err := v.p.db.CirclesOf(ctx, v.me.ID)
	if err != nil {
		return nil, err
	}
	now := v.p.db.Now()
	var refs []CircleRef
	for _, c := range mine {
		if !c.Membership.Current(now) || len(refs) >= maxShared {
			continue
		}
		m, err := v.p.db.Membership(ctx, c.Circle.ID, account.ID)
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if m.Current(now) {
			refs = append(refs, circleRef(c.Circle))
		}
	}
	return refs, nil
}

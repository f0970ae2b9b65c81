package pages

import (
	"context"
	"html/template"
	"strings"

	"cohort/social"
	"cohort/store"
)

// local makes an address of ours a path, so that it works under every name we are reached by.
func (p *Pages) local(url string) string { return strings.TrimPrefix(url, p.s.Config.BaseURL) }

// accountURL is the page of an account here.
func accountURL(a *store.Account) string {
	if a.Kind == store.KindCircle {
		return "/c/" + a.Address()
	}
	return "/@" + a.Address()
}

// webAddress is an address elsewhere if it is one that a link may lead to.
func webAddress(url string) string {
	if strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://") {
		return url
	}
	return ""
}

// person is what everyone may see of an account.
func (p *Pages) person(a *store.Account) Person {
	person := Person{
		ID: a.ID.String(), Handle: a.Address(), Name: a.Name, URL: accountURL(a),
		Avatar: p.local(p.s.AvatarURL(a)), Locked: a.Locked, Robot: a.Kind == store.KindBot,
	}
	if !a.Local() {
		person.Origin = webAddress(a.URL)
	}
	return person
}

// wholePerson adds what a profile shows.
func (p *Pages) wholePerson(a *store.Account) Person {
	person := p.person(a)
	person.Header = p.local(p.s.HeaderURL(a))
	person.Bio = template.HTML(a.Bio) //nolint:gosec // made safe when it was stored
	person.Posts = int(a.PostsCount)
	if a.Local() {
		person.Joined = a.CreatedAt
	}
	for _, f := range a.Fields {
		field := ProfileField{Name: f.Name, Value: template.HTML(f.Value), Verified: f.VerifiedAt} //nolint:gosec // made safe when it was stored
		if a.Local() {
			field.Value = template.HTML(social.FieldHTML(f.Value)) //nolint:gosec // made safe by FieldHTML
		}
		person.Fields = append(person.Fields, field)
	}
	return person
}

// relation is how the member stands to an account; nil for a passer-by.
func (v *visit) relation(id store.ID, all map[store.ID]store.Relationship) *Relation {
	if v.me == nil {
		return nil
	}
	if id == v.me.ID {
		return &Relation{Self: true}
	}
	r := all[id]
	return &Relation{
		Following: r.Following, Requested: r.Requested, FollowsMe: r.FollowedBy, Blocking: r.Blocking, Muting: r.Muting,
	}
}

// relations reads how the member stands to accounts.
func (v *visit) relations(ctx context.Context, ids []store.ID) (map[store.ID]store.Relationship, error) {
	if v.me == nil || len(ids) == 0 {
		return nil, nil
	}
	return v.p.db.Relationships(ctx, v.me.ID, ids)
}

// people shows accounts with how the member stands to them.
func (v *visit) people(ctx context.Context, accounts []*store.Account) ([]Person, error) {
	ids := make([]store.ID, len(accounts))
	for i, a := range accounts {
		ids[i] = a.ID
	}
	relations, err := v.relations(ctx, ids)
	if err != nil {
		return nil, err
	}
	people := make([]Person, len(accounts))
	for i, a := range accounts {
		people[i] = v.p.person(a)
		people[i].Relation = v.relation(a.ID, relations)
	}
	return people, nil
}

// visible tells whether an account has a page here for this visitor: it lives, and whoever signs up
// has none before being let in.
func (v *visit) visible(ctx context.Context, a *store.Account) (bool, error) {
	if !a.Live() || a.Kind == store.KindServer {
		return false, nil
	}
	if a.Kind == store.KindCircle {
		return v.circleVisible(ctx, a)
	}
	if a.Local() {
		u, err := v.p.db.User(ctx, a.ID)
		if isNotFound(err) {
			return false, nil
		}
		return err == nil && u.Active(), err
	}
	if v.me != nil {
		return true, nil
	}
	// To passers-by we show no more of people elsewhere than what they said in public: that we know
	// them at all may be for another reason.
	public, err := v.p.db.AccountPosts(ctx, v.viewer, a.ID, store.Page{Limit: 1}, store.AccountFilter{})
	return len(public.Items) > 0, err
}

// circleVisible tells whether a visitor may know that a circle exists: a secret one is there for its
// members only, and one that is at home elsewhere for those who are signed in.
func (v *visit) circleVisible(ctx context.Context, a *store.Account) (bool, error) {
	if !a.Local() {
		return v.me != nil, nil
	}
	c, err := v.p.db.Circle(ctx, a.ID)
	if err != nil || c.Listing != "secret" {
		return err == nil, err
	}
	return v.p.db.MaySit(ctx, v.viewer, a.ID)
}

func circleRef(a *store.Account) CircleRef {
	ref := CircleRef{Slug: a.Address(), Name: a.Name, URL: accountURL(a)}
	if ref.Name == "" {
		ref.Name = a.Handle
	}
	return ref
}

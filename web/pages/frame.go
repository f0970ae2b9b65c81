package pages

import (
	"bytes"
	"context"
	"html/template"
	"net/http"
	"strings"
	"time"

	"cohort/social"
	"cohort/store"
)

// How old what the frame says of the institution may be, and how old the counts may be.
const (
	siteAge  = time.Second
	statsAge = 30 * time.Second
)

// site is what is the same for everyone who asks.
type site struct {
	Site
	read    time.Time
	about   social.About
	rules   []string
	stats   store.Stats
	counted time.Time
}

// site reads what the institution says of itself.
func (p *Pages) site(ctx context.Context) (site, error) {
	now := p.db.Now()
	p.mu.Lock()
	kept := p.kept
	p.mu.Unlock()
	young := func(at time.Time, limit time.Duration) bool {
		return !at.IsZero() && !now.Before(at) && now.Sub(at) < limit
	}
	if young(kept.read, siteAge) {
		return kept, nil
	}
	c := p.s.Config
	fresh := site{read: now, stats: kept.stats, counted: kept.counted, Site: Site{
		Name: c.Name, Kind: c.Kind, Host: c.Domain, Registration: c.Registration, Languages: p.languages, Version: p.fed.Config.Version,
	}}
	var err error
	if fresh.about, err = p.s.About(ctx); err != nil {
		return site{}, err
	}
	fresh.About, fresh.Contact = typed(fresh.about.Description), fresh.about.ContactEmail
	if fresh.RunBy, err = p.runBy(ctx, fresh.about.Contact); err != nil {
		return site{}, err
	}
	for _, r := range fresh.about.Rules {
		fresh.rules = append(fresh.rules, r.Text)
	}
	if !young(fresh.counted, statsAge) {
		if fresh.stats, err = p.db.Stats(ctx); err != nil {
			return site{}, err
		}
		fresh.counted = now
	}
	p.mu.Lock()
	p.kept = fresh
	p.mu.Unlock()
	return fresh, nil
}

// typed is a text that somebody in office typed, as HTML.
func typed(text string) template.HTML {
	if strings.TrimSpace(text) == "" {
		return ""
	}
	return template.HTML(social.FormatText(text, social.TextOptions{}).HTML) //nolint:gosec // made safe by FormatText
}

// runBy is who was named to answer for the instance, or else the admin who was here first.
func (p *Pages) runBy(ctx context.Context, named *store.Account) (*Person, error) {
	if named != nil {
		person := p.person(named)
		return &person, nil
	}
	staff, err := p.db.Staff(ctx)
	if err != nil {
		return nil, err
	}
	var first *store.Account
	for _, id := range staff {
		u, err := p.db.User(ctx, id)
		if err != nil {
			return nil, err
		}
		if u.Role != store.RoleAdmin || !u.Active() || first != nil && first.ID < id {
			continue
		}
		a, err := p.db.Account(ctx, id)
		if err != nil {
			return nil, err
		}
		if a.Live() {
			first = a
		}
	}
	if first == nil {
		return nil, nil //nolint:nilnil // an instance without an admin yet
	}
	person := p.person(first)
	return &person, nil
}

// sidebarCircles is how many circles the navigation lists.
const sidebarCircles = 12

// fill sets the frame of a page, leaving alone what the view has set.
func (v *visit) fill(name string, f *Page) error {
	ctx := v.Request().Context()
	s, err := v.p.site(ctx)
	if err != nil {
		return err
	}
	f.Site = s.Site
	if f.Path == "" {
		f.Path = v.path()
	}
	f.Theme = v.theme()
	if v.me != nil || pageTable[name].shape == "door" {
		f.CSRF = v.p.auth.FormToken(v)
	}
	if f.Flash == nil {
		f.Flash = v.takeFlash()
	}
	if v.me == nil {
		return nil
	}
	f.NoIndex, f.NoShortcuts = true, v.user.ShortcutsOff
	me := v.p.person(v.me)
	me.Relation = &Relation{Self: true}
	f.Me = &me
	if f.Circles, err = v.myCircles(ctx); err != nil {
		return err
	}
	return v.count(ctx, f)
}

// count fills in how much is unread.
func (v *visit) count(ctx context.Context, f *Page) error {
	markers, err := v.p.db.Markers(ctx, v.me.ID)
	if err != nil {
		return err
	}
	f.Unread, err = v.p.db.UnreadNotifications(ctx, v.me.ID, markers[markerInbox].LastReadID)
	return err
}

// myCircles are those the member sits in.
func (v *visit) myCircles(ctx context.Context) ([]CircleRef, error) {
	all, err := v.p.db.CirclesOf(ctx, v.me.ID)
	if err != nil {
		return nil, err
	}
	var refs []CircleRef
	for _, c := range all {
		if c.Membership.Current(v.p.db.Now()) && len(refs) < sidebarCircles {
			refs = append(refs, circleRef(c.Circle))
		}
	}
	return refs, nil
}

func (v *visit) theme() string {
	switch t := v.cookie(cookieTheme); t {
	case "light", "dark":
		return t
	}
	return ""
}

// show writes a page.
func (v *visit) show(status int, name string, view View) error {
	if err := v.fill(name, view.page()); err != nil {
		return err
	}
	return v.write(status, name, view)
}

// write writes a page whose frame is filled.
func (v *visit) write(status int, name string, view View) error {
	var b bytes.Buffer
	if err := v.p.templates.Execute(&b, name, v.lang, view); err != nil {
		return err
	}
	h := v.Response().Header()
	h.Add("Vary", "Accept-Language, Cookie")
	h.Set("Cache-Control", "private, no-store")
	if view.page().NoIndex {
		h.Set("X-Robots-Tag", "noindex")
	}
	return v.HTMLBlob(status, b.Bytes())
}

// showForm writes a page with a form that could not be taken: what was typed is in view, what is wrong
// in err. Errors that are not about the form are returned as they are.
func (v *visit) showForm(name string, view View, err error, fields ...string) error {
	if wrong, ok := FieldErrors(err, fields...); ok {
		view.page().Errors = wrong
		return v.show(http.StatusUnprocessableEntity, name, view)
	}
	if isLimited(err) {
		view.page().Errors = []FieldError{{Key: "invalid.limited"}}
		return v.show(http.StatusTooManyRequests, name, view)
	}
	return err
}

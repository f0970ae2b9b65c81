package pages

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"

	"cohort/social"
	"cohort/store"
	"cohort/web/i18n"
)

// newKey makes sending a form twice the same as sending it once.
func newKey() string { return rand.Text() }

// composer is an empty form for a new post.
func (v *visit) composer(ctx context.Context) (*Composer, error) {
	c := &Composer{
		Action: "/compose", Chosen: v.user.DefaultVisibility, Sensitive: false,
		Language: v.writesIn(), Languages: v.writtenLanguages(),
		MaxMedia: social.MaxAttachments, MaxChars: social.MaxCharacters, Key: newKey(),
	}
	if c.Chosen == "" {
		c.Chosen = Public
	}
	c.Audiences = visibilities()
	circles, err := v.p.db.CirclesOf(ctx, v.me.ID)
	if err != nil {
		return nil, err
	}
	for _, m := range circles {
		if !m.Membership.Current(v.p.db.Now()) || len(c.Audiences) >= sidebarCircles+len(visibilities()) {
			continue
		}
		a, err := v.circleAudience(ctx, m.Circle)
		if err != nil {
			return nil, err
		}
		c.Audiences = append(c.Audiences, a)
	}
	return c, nil
}

// circleAudience is the audience of a circle the member sits in. store.ErrNotFound for others.
func (v *visit) circleAudience(ctx context.Context, circle *store.Account) (Audience, error) {
	known, err := v.p.s.AudienceOf(ctx, v.me, "", circle.ID)
	if err != nil {
		return Audience{}, err
	}
	ref := circleRef(circle)
	a := Audience{Kind: InCircle, Circle: &ref}
	if known.Known {
		a.People, a.Servers = known.People, known.Servers
	}
	return a, nil
}

// writesIn is the language that a new post is marked with unless another is chosen.
func (v *visit) writesIn() string {
	if v.user.DefaultLanguage != "" {
		return v.user.DefaultLanguage
	}
	return v.lang
}

// writtenLanguages are the languages to choose from: those usual here first.
func (v *visit) writtenLanguages() []string {
	all := append([]string{v.writesIn()}, v.p.languages...)
	all = append(all, i18n.WrittenLanguages()...)
	var once []string
	for _, code := range all {
		if !slices.Contains(once, code) {
			once = append(once, code)
		}
	}
	return once
}

// replyComposer is the form for an answer to a post. Its audiences are never wider than what the post
// allows, as social decides.
func (v *visit) replyComposer(ctx context.Context, post *store.Post, shown PostView) (*Composer, error) {
	c := &Composer{
		Action: "/compose", Language: v.writesIn(), Languages: v.writtenLanguages(), Summary: post.Summary,
		MaxMedia: social.MaxAttachments, MaxChars: social.MaxCharacters, Key: newKey(), Reply: &shown,
	}
	all := visibilities()
	switch post.Visibility {
	case store.InCircle:
		circle, err := v.p.db.Account(ctx, post.CircleID)
		if err != nil {
			return nil, err
		}
		a, err := v.circleAudience(ctx, circle)
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil //nolint:nilnil // one's own post in a circle one has left: there is no answering
		}
		if err != nil {
			return nil, err
		}
		c.Audiences, c.MaxMedia = []Audience{a}, 0
	case store.Followers:
		c.Audiences = all[2:]
	case store.Direct, store.Limited:
		c.Audiences = all[3:]
	default:
		c.Audiences = all
	}
	c.Chosen = narrower(post.Visibility, v.user.DefaultVisibility)
	if post.Visibility == store.InCircle {
		c.Chosen = c.Audiences[0].Value()
	}
	var err error
	c.Text, err = v.mentionsFor(ctx, post)
	return c, err
}

// narrower is whichever of two visibilities fewer people see.
func narrower(a, b string) string {
	order := []string{Public, Unlisted, Followers, Direct}
	i, j := slices.Index(order, a), slices.Index(order, b)
	if a == store.Limited {
		return Direct
	}
	return order[max(i, j, 0)]
}

// mentionsFor begins an answer with the names of those it is for.
func (v *visit) mentionsFor(ctx context.Context, post *store.Post) (string, error) {
	author, err := v.p.db.Account(ctx, post.AuthorID)
	if err != nil {
		return "", err
	}
	mentioned, err := v.p.db.MentionsOf(ctx, post.ID)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, a := range append([]*store.Account{author}, mentioned...) {
		name := "@" + a.Address() + " "
		if a.ID != v.me.ID && a.Kind != store.KindCircle && a.Live() && !strings.Contains(b.String(), name) {
			b.WriteString(name)
		}
	}
	return b.String(), nil
}

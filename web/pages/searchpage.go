package pages

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cohort/federation"
	"cohort/social"
	"cohort/store"
)

const (
	// maxQuery bounds what is searched for, in bytes.
	maxQuery = 1000
	// searchTime is how long another server may let a search wait.
	searchTime = 8 * time.Second
	// foundMost is how many people or tags a search shows.
	foundMost = 20
)

// search finds people, tags, circles and posts. Members may look up what other servers have, by its full
// address.
func (p *Pages) search(v *visit) error {
	query := strings.TrimSpace(storable(v.QueryParam("q")))
	view := &SearchPage{Query: query, Asked: query != ""}
	view.NoIndex = true
	if query == "" || len(query) > maxQuery {
		return v.show(http.StatusOK, "search", view)
	}
	ctx := v.Request().Context()
	var err error
	switch {
	case strings.HasPrefix(query, "#") || strings.HasPrefix(query, "＃"):
		err = v.findTags(ctx, query, view)
	case strings.HasPrefix(query, "https://") || strings.HasPrefix(query, "http://"):
		err = v.findURL(ctx, query, view)
	case strings.Contains(strings.TrimLeft(query, "@＠"), "@"):
		err = v.findAddress(ctx, query, view)
	default:
		if err = v.findPeople(ctx, query, view); err == nil {
			err = v.findTags(ctx, query, view)
		}
	}
	if isLimited(err) {
		view.Flash = &Flash{Key: "invalid.limited", Bad: true}
		return v.show(http.StatusTooManyRequests, "search", view)
	}
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "search", view)
}

func (v *visit) findPeople(ctx context.Context, query string, view *SearchPage) error {
	found, err := v.p.db.SearchAccounts(ctx, v.viewer, query, store.PageOffset{Limit: foundMost})
	if err != nil {
		return err
	}
	return v.add(ctx, view, found...)
}

// add puts accounts on the page of a search, circles apart from people.
func (v *visit) add(ctx context.Context, view *SearchPage, accounts ...*store.Account) error {
	var people []*store.Account
	for _, a := range accounts {
		ok, err := v.visible(ctx, a)
		if err != nil {
			return err
		}
		switch {
		case !ok:
		case a.Kind == store.KindCircle:
			c, err := v.circleView(ctx, a)
			if err != nil {
				return err
			}
			view.FoundCircles = append(view.FoundCircles, c)
		default:
			people = append(people, a)
		}
	}
	shown, err := v.people(ctx, people)
	view.People = append(view.People, shown...)
	return err
}

func (v *visit) findTags(ctx context.Context, query string, view *SearchPage) error {
	query = strings.ReplaceAll(query, "＃", "#")
	names, err := v.p.db.SearchTags(ctx, query, store.PageOffset{Limit: foundMost})
	for _, name := range names {
		u := url.URL{Path: "/tags/" + name}
		view.Tags = append(view.Tags, TagView{Name: name, URL: u.String()})
	}
	return err
}

// findAddress finds whoever has an address; if it is not known here, its server is asked.
func (v *visit) findAddress(ctx context.Context, query string, view *SearchPage) error {
	_, host, err := social.ParseAddress(query)
	if err != nil {
		return nil //nolint:nilerr // nobody has such an address
	}
	if v.me == nil {
		return v.findPeople(ctx, query, view)
	}
	if err := v.spend(social.LimitLookup); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	account, err := v.p.fed.ResolveAccount(ctx, query)
	if err != nil {
		return v.notReached(ctx, err, host, view)
	}
	return v.add(ctx, view, account)
}

// findURL finds the post or account behind an address. Passers-by cannot make us ask other servers.
func (v *visit) findURL(ctx context.Context, query string, view *SearchPage) error {
	u, err := url.Parse(query)
	if err != nil || u.Host == "" {
		return nil //nolint:nilerr // nothing is there
	}
	if v.me == nil {
		return v.findKnownPost(ctx, query, view)
	}
	if err := v.spend(social.LimitLookup); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	found, err := v.p.fed.ResolveURL(ctx, query, v.viewer)
	switch {
	case err != nil:
		return v.notReached(ctx, err, u.Host, view)
	case found.Post != nil:
		return v.addPost(ctx, found.Post, view)
	case found.Account != nil:
		return v.add(ctx, view, found.Account)
	}
	return nil
}

func (v *visit) findKnownPost(ctx context.Context, uri string, view *SearchPage) error {
	post, err := v.p.db.PostByURI(ctx, v.viewer, uri)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return v.addPost(ctx, post, view)
}

func (v *visit) addPost(ctx context.Context, post *store.Post, view *SearchPage) (err error) {
	view.Posts, err = v.posts(ctx, []*store.Post{post})
	return err
}

// notReached tells what became of asking another server: nothing found is an empty page, no answer is said.
func (v *visit) notReached(ctx context.Context, err error, host string, view *SearchPage) error {
	switch {
	case errors.Is(err, federation.ErrTemporary), errors.Is(ctx.Err(), context.DeadlineExceeded):
		view.Unreachable = host
		return nil
	case isNotFound(err), isInvalid(err), errors.Is(err, federation.ErrNotFound), errors.Is(err, federation.ErrGone),
		errors.Is(err, federation.ErrRefused), errors.Is(err, federation.ErrForbiddenAddress), errors.Is(err, federation.ErrBlocked):
		return nil
	}
	return err
}

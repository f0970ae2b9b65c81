package federation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"cohort/social"
	"cohort/store"
)

// staleAfter is how old what we know of an account may be when someone asks for it by name.
const staleAfter = 24 * time.Hour

// ResolveAccount finds the account behind an address such as ada, ada@b.example or @ada@b.example:
// here, known from elsewhere, or by asking its server. store.ErrNotFound when there is none, or none is
// found; the error is then also ErrTemporary if the server could not be asked, and ErrUnwanted, ErrBlocked
// or ErrForbiddenAddress if it is not to be.
func (f *Server) ResolveAccount(ctx context.Context, address string) (*store.Account, error) {
	handle, host, err := social.ParseAddress(address)
	if err != nil {
		return nil, err
	}
	c := f.social.Config
	if host == "" || host == c.Domain || host == c.Host {
		return f.localNamed(ctx, handle)
	}
	a, err := f.db.AccountByHandle(ctx, handle, host)
	if err == nil && f.db.Now().Sub(a.FetchedAt) < staleAfter {
		return a, nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	fresh, fetchErr := f.lookUp(ctx, handle, host)
	if fetchErr != nil && err == nil {
		return a, nil // what we know is better than nothing
	}
	return fresh, fetchErr
}

// lookUp asks a server for one of its accounts.
func (f *Server) lookUp(ctx context.Context, handle, host string) (*store.Account, error) {
	key := "acct " + handle + "@" + host
	if f.refused.within(key, refuseFor/10) {
		return nil, store.ErrNotFound
	}
	found, err := f.finger(ctx, handle, host)
	if err == nil {
		var a *store.Account
		if a, err = f.fetchNamed(ctx, found.uri, found); err == nil {
			return a, nil
		}
	}
	f.refused.note(key)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	f.log.Info("account not found elsewhere", "host", host, "error", err)
	return nil, fmt.Errorf("%w: %w", store.ErrNotFound, err)
}

// Resolved is what a URL or address stands for: one of the two.
type Resolved struct {
	Account *store.Account
	Post    *store.Post
}

// ResolveURL finds the account or post behind a URL that someone pasted: ours at once, another's by
// fetching it. What viewer may not see is store.ErrNotFound.
func (f *Server) ResolveURL(ctx context.Context, raw string, viewer store.Viewer) (Resolved, error) {
	host, err := authority(raw)
	if err != nil {
		return Resolved{}, store.ErrNotFound
	}
	if host == f.social.Config.Host {
		return f.resolveOwn(ctx, raw, viewer)
	}
	if p, err := f.db.PostByURI(ctx, viewer, raw); err == nil {
		return Resolved{Post: p}, nil
	}
	if a, err := f.db.AccountByURI(ctx, raw); err == nil && a.Live() {
		return Resolved{Account: a}, nil
	}
	if f.refused.within("url "+raw, refuseFor/10) {
		return Resolved{}, store.ErrNotFound
	}
	if p, err := f.FetchPost(ctx, raw); err == nil && p != nil {
		p, err = f.db.Post(ctx, viewer, p.ID)
		return Resolved{Post: p}, err
	}
	a, err := f.FetchActor(ctx, raw)
	if err == nil {
		return Resolved{Account: a}, nil
	}
	f.refused.note("url " + raw)
	return Resolved{}, store.ErrNotFound
}

func (f *Server) resolveOwn(ctx context.Context, raw string, viewer store.Viewer) (Resolved, error) {
	rest := strings.TrimSuffix(strings.TrimPrefix(raw, f.social.Config.BaseURL), "/")
	parts := strings.Split(strings.TrimPrefix(rest, "/"), "/")
	last := parts[len(parts)-1]
	if id, err := store.ParseID(last); err == nil && (len(parts) == 3 && parts[0] == "c" || len(parts) == 2 && (parts[0] == "posts" || strings.HasPrefix(parts[0], "@"))) {
		p, err := f.db.Post(ctx, viewer, id)
		return Resolved{Post: p}, err
	}
	a, err := f.resourceAccount(ctx, raw)
	if err == nil && !a.Live() {
		err = store.ErrNotFound
	}
	return Resolved{Account: a}, err
}

// mentioned does a social.MentionsJob.
func (f *Server) mentioned(ctx context.Context, job store.Job) error {
	return f.social.RunMentions(ctx, job, f.lookUpAll)
}

// lookUpAll is lookUp for the people whom a text names, all at the same time.
func (f *Server) lookUpAll(ctx context.Context, names []social.MentionRef) map[social.MentionRef]*store.Account {
	accounts := make([]*store.Account, len(names))
	var wg sync.WaitGroup
	for i, m := range names {
		wg.Go(func() {
			a, err := f.lookUp(ctx, m.Handle, m.Host)
			if err != nil {
				f.log.Debug("mention not found", "host", m.Host, "error", err)
				return
			}
			accounts[i] = a
		})
	}
	wg.Wait()
	found := make(map[social.MentionRef]*store.Account, len(names))
	for i, a := range accounts {
		if a != nil {
			found[names[i]] = a
		}
	}
	return found
}

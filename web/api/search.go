package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"cohort/federation"
	"cohort/social"
	"cohort/store"
	"cohort/web/auth"
)

// Bounds of a search.
const (
	searchDefault = 20
	searchMost    = 40
	searchOffset  = 1000
	searchQuery   = 500 // characters
)

// found is what a search finds, as clients see it.
type found struct {
	Accounts []*Account `json:"accounts"`
	Statuses []*Status  `json:"statuses"`
	Hashtags []any      `json:"hashtags"`
}

// Search finds accounts, posts by their address, and tags.
func (a *API) Search(c echo.Context) error {
	result, tags, err := a.search(c)
	if err != nil {
		return err
	}
	for _, t := range tags {
		result.Hashtags = append(result.Hashtags, a.foundTag(t))
	}
	return c.JSON(http.StatusOK, result)
}

// SearchV1 is Search as old clients know it, with tags as plain texts.
func (a *API) SearchV1(c echo.Context) error {
	result, tags, err := a.search(c)
	if err != nil {
		return err
	}
	for _, t := range tags {
		result.Hashtags = append(result.Hashtags, t)
	}
	return c.JSON(http.StatusOK, result)
}

// foundTag is a tag without a history: what is used how often is not counted here.
func (a *API) foundTag(name string) Tag {
	return Tag{ID: name, Name: name, URL: a.tagURL(name), History: []TagUses{}}
}

// quest is one search.
type quest struct {
	who             *auth.Who
	text, kind      string
	resolve, follow bool
	page            store.PageOffset
}

func (a *API) search(c echo.Context) (*found, []string, error) {
	result := &found{Accounts: []*Account{}, Statuses: []*Status{}, Hashtags: []any{}}
	p, err := params(c)
	if err != nil {
		return nil, nil, err
	}
	q := quest{
		who: auth.From(c), text: strings.TrimSpace(p.Text("q")), kind: p.Text("type"), resolve: p.Flag("resolve"), follow: p.Flag("following"),
		page: store.PageOffset{Limit: clamp(p.Int(searchDefault, "limit"), 1, searchMost), Offset: clamp(p.Int(0, "offset"), 0, searchOffset)},
	}
	if q.text == "" || len([]rune(q.text)) > searchQuery {
		return result, nil, nil
	}
	if q.who.Account == nil {
		// Looking things up elsewhere, and turning pages, is for people who are known here.
		if q.page.Offset > 0 {
			return nil, nil, echo.NewHTTPError(http.StatusUnauthorized, "Search queries pagination is not supported without authentication")
		}
		q.resolve = false
	}
	if isAddress(q.text) {
		return result, nil, a.searchURL(c, q, result)
	}
	if q.wants("accounts") {
		if err := a.searchAccounts(c, q, result); err != nil {
			return nil, nil, err
		}
	}
	if !q.wants("hashtags") || strings.HasPrefix(q.text, "@") {
		return result, nil, nil
	}
	tags, err := a.db.SearchTags(c.Request().Context(), q.text, q.page)
	return result, tags, err
}

func (q quest) wants(kind string) bool { return q.kind == "" || q.kind == kind }

func isAddress(s string) bool {
	return (strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")) && !strings.ContainsAny(s, " \t\n")
}

func clamp(n, low, high int) int { return max(low, min(n, high)) }

// searchURL finds what a URL that someone pasted stands for.
func (a *API) searchURL(c echo.Context, q quest, result *found) error {
	ctx := c.Request().Context()
	if q.page.Offset > 0 {
		return nil
	}
	got, err := a.known(ctx, q)
	if errors.Is(err, store.ErrNotFound) && q.resolve {
		if err := a.spendLookup(q.who); err != nil {
			return err
		}
		got, err = a.fed.ResolveURL(ctx, q.text, q.who.Viewer())
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if got.Account != nil && q.wants("accounts") {
		shown, err := a.db.ShownAccounts(ctx, q.who.Viewer(), []store.ID{got.Account.ID})
		if err != nil {
			return err
		}
		result.Accounts = append(result.Accounts, a.accounts(shown)...)
	}
	if got.Post == nil || !q.wants("statuses") {
		return nil
	}
	result.Statuses, err = a.viewsOf(ctx, q.who.Viewer(), []*store.Post{got.Post})
	return err
}

// known finds a URL without asking anybody else: ours, or what we stored under it.
func (a *API) known(ctx context.Context, q quest) (federation.Resolved, error) {
	if strings.HasPrefix(q.text, a.base+"/") {
		return a.fed.ResolveURL(ctx, q.text, q.who.Viewer())
	}
	p, err := a.db.PostByURI(ctx, q.who.Viewer(), q.text)
	if err == nil {
		return federation.Resolved{Post: p}, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return federation.Resolved{}, err
	}
	account, err := a.db.AccountByURI(ctx, q.text)
	if err == nil && (!account.Live() || account.Kind == store.KindCircle && q.who.Account == nil) {
		err = store.ErrNotFound
	}
	return federation.Resolved{Account: account}, err
}

// searchAccounts finds accounts by name, and with resolve also the one behind a full address.
func (a *API) searchAccounts(c echo.Context, q quest, result *found) error {
	ctx := c.Request().Context()
	accounts, err := a.db.SearchAccounts(ctx, q.who.Viewer(), q.text, q.page)
	if err != nil {
		return err
	}
	if q.resolve && q.page.Offset == 0 {
		if accounts, err = a.lookUp(c, q, accounts); err != nil {
			return err
		}
	}
	if q.follow {
		if accounts, err = a.followed(ctx, q.who, accounts); err != nil {
			return err
		}
	}
	for _, account := range accounts {
		result.Accounts = append(result.Accounts, a.account(account))
	}
	return nil
}

// lookUp puts the account of a full address first, asking its server where it is not known yet.
func (a *API) lookUp(c echo.Context, q quest, known []*store.Account) ([]*store.Account, error) {
	handle, host, err := social.ParseAddress(q.text)
	if err != nil || host == "" || slices.ContainsFunc(known, func(x *store.Account) bool {
		return strings.EqualFold(x.Handle, handle) && (x.Domain == host || x.Local() && host == a.s.Config.Domain)
	}) {
		return known, nil
	}
	if err := a.spendLookup(q.who); err != nil {
		return nil, err
	}
	account, err := a.fed.ResolveAccount(c.Request().Context(), q.text)
	var invalid *social.Invalid
	if errors.Is(err, store.ErrNotFound) || errors.As(err, &invalid) || err == nil && !account.Live() {
		return known, nil
	}
	if err != nil {
		return nil, err
	}
	return append([]*store.Account{account}, known...), nil
}

// spendLookup counts a question that we put to another server for somebody.
func (a *API) spendLookup(who *auth.Who) error {
	if _, ok := a.s.Limits.Take(social.LimitLookup, "account "+who.ID().String()); !ok {
		return social.ErrLimited
	}
	return nil
}

// followed leaves those whom the asker follows.
func (a *API) followed(ctx context.Context, who *auth.Who, accounts []*store.Account) ([]*store.Account, error) {
	if who.Account == nil {
		return nil, nil
	}
	ids := make([]store.ID, len(accounts))
	for i, account := range accounts {
		ids[i] = account.ID
	}
	relations, err := a.db.Relationships(ctx, who.Account.ID, ids)
	if err != nil {
		return nil, err
	}
	var out []*store.Account
	for _, account := range accounts {
		if relations[account.ID].Following {
			out = append(out, account)
		}
	}
	return out, nil
}

package api

import (
	"context"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"cohort/store"
	"cohort/web/auth"
)

// maker makes the entities of one answer: an account that stands in it more than once is made once.
type maker struct {
	a        *API
	me       store.ID // 0: nobody is signed in
	accounts map[store.ID]*Account
}

func (a *API) maker(me store.ID) *maker {
	return &maker{a: a, me: me, accounts: make(map[store.ID]*Account, 24)}
}

func (m *maker) account(x *store.Account) *Account {
	made := m.accounts[x.ID]
	if made == nil {
		made = m.a.account(x)
		m.accounts[x.ID] = made
	}
	return made
}

// status makes the entity of a post as its viewer sees it.
func (m *maker) status(v *store.PostView) *Status {
	p := v.Post
	s := &Status{
		ID: ID(p.ID), URI: p.URI, CreatedAt: Stamp(p.CreatedAt), Account: m.account(v.Author), Content: p.HTML,
		Visibility: visibilityOf(p), CircleID: ID(p.CircleID), Sensitive: p.Sensitive, SpoilerText: p.Summary,
		ReblogsCount: p.BoostsCount, FavouritesCount: p.LikesCount, RepliesCount: p.RepliesCount, URL: Text(p.URL),
		InReplyToID: ID(p.ReplyToID), InReplyToAccountID: ID(p.ReplyToAccountID), Language: Text(p.Language), EditedAt: Stamp(p.EditedAt),
		Emojis: []struct{}{}, QuoteApproval: denied, TaggedCollections: []struct{}{},
		MediaAttachments: make([]*MediaAttachment, len(v.Media)), Mentions: make([]Mention, len(v.Mentions)), Tags: make([]StatusTag, len(v.Tags)),
	}
	for i := range v.Media {
		s.MediaAttachments[i] = m.a.attachment(&v.Media[i])
	}
	for i, x := range v.Mentions {
		s.Mentions[i] = Mention{ID: ID(x.ID), Username: x.Handle, URL: x.URL, Acct: x.Address()}
	}
	for i, t := range v.Tags {
		s.Tags[i] = StatusTag{Name: t, URL: m.a.tagURL(t)}
	}
	if m.me != 0 {
		s.Marks = &Marks{Favourited: v.Liked, Reblogged: v.Boosted, Muted: v.ThreadMuted, Bookmarked: v.Bookmarked, Pinned: v.Pinned, Filtered: []struct{}{}}
		if v.App != nil && m.me == p.AuthorID {
			s.Application = &Application{Name: v.App.Name, Website: Text(v.App.Website)}
		}
	}
	if v.Boost != nil {
		o := m.status(v.Boost)
		s.Reblog, s.Sensitive, s.SpoilerText, s.Language = o, o.Sensitive, o.SpoilerText, o.Language
		s.ReblogsCount, s.FavouritesCount, s.RepliesCount = o.ReblogsCount, o.FavouritesCount, o.RepliesCount
	}
	return s
}

func (m *maker) statuses(views []*store.PostView) []*Status {
	out := make([]*Status, len(views))
	for i, v := range views {
		out[i] = m.status(v)
	}
	return out
}

// tagURL is the page of a tag.
func (a *API) tagURL(name string) string { return a.base + "/tags/" + url.PathEscape(name) }

// attachment makes the entity of a picture. Other kinds of files stay where they are: clients get the
// address only.
func (a *API) attachment(m *store.Media) *MediaAttachment {
	made := &MediaAttachment{
		ID: ID(m.ID), Type: "image", RemoteURL: Text(m.RemoteURL), Description: Text(m.Alt), Blurhash: Text(m.Blurhash),
		Meta: MediaMeta{
			Focus:    &Focus{X: m.FocusX, Y: m.FocusY},
			Original: sizeOf(m.Width, m.Height), Small: sizeOf(m.PreviewWidth, m.PreviewHeight),
		},
	}
	if m.File == "" && !strings.HasPrefix(m.MIME, "image/") {
		made.Type = "unknown"
		return made
	}
	// One elsewhere is fetched through us when somebody looks, by its id and never by an address that a
	// client names.
	made.URL, made.PreviewURL = Text(a.s.MediaURL(m, false)), Text(a.s.MediaURL(m, true))
	return made
}

// viewsOf reads what belongs to posts and makes their entities, in a few queries for all of them.
func (a *API) viewsOf(ctx context.Context, v store.Viewer, posts []*store.Post) ([]*Status, error) {
	views, err := a.db.Views(ctx, v, posts)
	if err != nil {
		return nil, err
	}
	return a.maker(v.AccountID()).statuses(views), nil
}

// statusOf reads one post as v sees it. store.ErrNotFound if v does not.
func (a *API) statusOf(ctx context.Context, v store.Viewer, id store.ID) (*Status, error) {
	p, err := a.db.Post(ctx, v, id)
	if err != nil {
		return nil, err
	}
	made, err := a.viewsOf(ctx, v, []*store.Post{p})
	if err != nil {
		return nil, err
	}
	if len(made) == 0 {
		return nil, store.ErrNotFound
	}
	return made[0], nil
}

// status makes the entity of one post as who sees it.
func (a *API) status(who *auth.Who, v *store.PostView) *Status { return a.maker(who.ID()).status(v) }

// replyStatus answers with one post.
func replyStatus(c echo.Context, s *Status) error {
	return writeJSON(c, func(b []byte) []byte { return appendStatus(b, s) })
}

// replyStatuses answers with posts.
func replyStatuses(c echo.Context, statuses []*Status) error {
	return writeJSON(c, func(b []byte) []byte { return list(b, statuses, appendStatus) })
}

// replyAccounts answers with accounts.
func replyAccounts(c echo.Context, accounts []*Account) error {
	return writeJSON(c, func(b []byte) []byte { return list(b, accounts, appendAccount) })
}

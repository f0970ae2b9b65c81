package api

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"cohort/social"
	"cohort/store"
)

// Pictures for accounts that have none. Clients expect one in any case.
const (
	defaultAvatar = "/static/0/avatar.png"
	defaultHeader = "/static/0/header.png"
)

// avatarURL is where an account's picture is: ours, or one elsewhere that is fetched through us when
// somebody looks, by the account's id and never by an address that a client names.
func (a *API) avatarURL(x *store.Account) string {
	return cmp.Or(a.s.AvatarURL(x), a.base+defaultAvatar)
}

// headerURL is avatarURL for the wide picture.
func (a *API) headerURL(x *store.Account) string {
	return cmp.Or(a.s.HeaderURL(x), a.base+defaultHeader)
}

// account makes the entity of an account.
func (a *API) account(x *store.Account) *Account {
	avatar, header := a.avatarURL(x), a.headerURL(x)
	circle := x.Kind == store.KindCircle
	return &Account{
		ID: ID(x.ID), Username: x.Handle, Acct: x.Address(), URL: Text(x.URL), URI: x.URI, DisplayName: x.Name, Note: x.Bio,
		Avatar: avatar, AvatarStatic: avatar, AvatarDescription: x.AvatarAlt,
		Header: header, HeaderStatic: header, HeaderDescription: x.HeaderAlt,
		Locked: x.Locked || circle, Fields: makeFields(x), Emojis: []struct{}{},
		Bot: x.Kind == store.KindBot || x.Kind == store.KindServer, Group: circle || x.Kind == store.KindGroup,
		Discoverable: x.Discoverable, Indexable: x.Indexable, Limited: !x.SilencedAt.IsZero(),
		CreatedAt: Stamp(x.CreatedAt), LastStatusAt: Day(x.LastPostAt),
		StatusesCount: x.PostsCount, FollowersCount: x.FollowersCount, FollowingCount: x.FollowingCount,
		ShowMedia: true, ShowMediaReplies: true, ShowFeatured: true, Roles: []struct{}{}, FeatureApproval: denied,
	}
}

// makeFields makes a profile's lines. Those of members are kept as they typed them.
func makeFields(x *store.Account) []Field {
	fields := make([]Field, len(x.Fields))
	for i, f := range x.Fields {
		value := f.Value
		if x.Local() && strings.ContainsAny(value, "<>&\"'@#＠＃:./\r\n") {
			value = social.FieldHTML(value)
		}
		fields[i] = Field{Name: f.Name, Value: value, VerifiedAt: Stamp(f.VerifiedAt)}
	}
	return fields
}

// accounts makes the entities of a list.
func (a *API) accounts(xs []*store.Account) []*Account {
	out := make([]*Account, len(xs))
	for i, x := range xs {
		out[i] = a.account(x)
	}
	return out
}

// maxRequestsCounted bounds how far waiting followers are counted.
const maxRequestsCounted = 80

// ownAccount makes the entity of the account that asks.
func (a *API) ownAccount(ctx context.Context, x *store.Account, u *store.User) (*CredentialAccount, error) {
	requests, _, err := a.db.FollowRequests(ctx, x.ID, store.Page{Limit: maxRequestsCounted})
	if err != nil {
		return nil, err
	}
	own := &CredentialAccount{Account: a.account(x), Role: roleOf(u)}
	own.HideCollections = &u.HideCollections
	own.Source = Source{
		AttributionDomains: []string{}, Note: x.BioSource, Fields: make([]Field, len(x.Fields)),
		Privacy: visibilityOf(&store.Post{Visibility: u.DefaultVisibility}), Sensitive: u.DefaultSensitive, Language: u.DefaultLanguage,
		FollowRequestsCount: len(requests), HideCollections: u.HideCollections, Discoverable: x.Discoverable, Indexable: x.Indexable,
		QuotePolicy: "nobody",
	}
	for i, f := range x.Fields {
		own.Source.Fields[i] = Field{Name: f.Name, Value: f.Value, VerifiedAt: Stamp(f.VerifiedAt)}
	}
	return own, nil
}

// roleOf tells a client which buttons to show. Its permissions are none of Mastodon's: administration
// is on our pages.
func roleOf(u *store.User) Role {
	for i, r := range social.Roles {
		if r == u.Role && i > 0 {
			return Role{ID: strconv.Itoa(i), Name: r, Permissions: "0", Highlighted: true}
		}
	}
	return Role{ID: "-99", Permissions: "0"}
}

// relationship makes the entity of what somebody has to do with an account.
func relationship(id store.ID, r store.Relationship) *Relationship {
	return &Relationship{
		ID: ID(id), Following: r.Following, ShowingReblogs: r.Following && r.ShowingBoosts, Notifying: r.Notifying,
		FollowedBy: r.FollowedBy, Blocking: r.Blocking, BlockedBy: r.BlockedBy, Muting: r.Muting, MutingNotifications: r.MutingNotifications,
		Requested: r.Requested, RequestedBy: r.RequestedBy, DomainBlocking: r.DomainMuted, Note: r.Note,
	}
}

package federation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"cohort/federation/vocab"
	"cohort/social"
	"cohort/store"
)

// FetchActor reads the document of an actor elsewhere from its own id, finds the address that its
// server gives it, and stores both. Concurrent calls for one actor share one fetch.
func (f *Server) FetchActor(ctx context.Context, uri string) (*store.Account, error) {
	return f.fetchNamed(ctx, uri, nil)
}

// fetchNamed is FetchActor for an actor to whom WebFinger has just led, if just is not nil.
func (f *Server) fetchNamed(ctx context.Context, uri string, just *fingered) (*store.Account, error) {
	if _, err := f.allowedHost(ctx, uri); err != nil {
		return nil, err
	}
	got, err, _ := f.fetches.Do("actor "+uri, func() (any, error) { return f.fetchActor(ctx, uri, just) })
	if err != nil {
		return nil, err
	}
	a, ok := got.(*store.Account)
	if !ok {
		return nil, ErrUnverified
	}
	return a, nil
}

func (f *Server) fetchActor(ctx context.Context, uri string, just *fingered) (*store.Account, error) {
	doc, err := f.fetch(ctx, uri)
	if err != nil {
		return nil, err
	}
	actor, err := vocab.DecodeActor(doc.Raw)
	if err != nil {
		return nil, err
	}
	if actor.ID != uri && actor.ID != doc.ID {
		return nil, fmt.Errorf("%w: another id", ErrUnverified)
	}
	host, err := f.allowedHost(ctx, actor.ID) // a redirect may have led elsewhere
	if err != nil {
		return nil, err
	}
	a, err := remoteAccount(actor, host)
	if err != nil {
		return nil, err
	}
	if a.Domain, err = f.domainFor(ctx, a, just); err != nil {
		return nil, err
	}
	return f.saveActor(ctx, a, actor)
}

// saveActor stores an account and what its document says of its server.
func (f *Server) saveActor(ctx context.Context, a *store.Account, actor *vocab.Actor) (*store.Account, error) {
	saved, err := f.social.SaveRemote(ctx, a)
	if err != nil {
		return nil, err
	}
	if err := f.social.SeeHost(ctx, a.Host, actor.Declares(vocab.CapabilityCircles)); err != nil {
		return nil, err
	}
	return saved, nil
}

// domainFor is the domain that stands in an actor's address. It is the host of its id, unless that
// host's WebFinger names another one, whose WebFinger then must point back to the same id.
//
// spec: RFC7033 §4
func (f *Server) domainFor(ctx context.Context, a *store.Account, just *fingered) (string, error) {
	own, err := f.fingerOf(ctx, just, a.Handle, a.Host, a.URI)
	if err != nil || own.of == a.Host && strings.EqualFold(own.subject, a.Handle) {
		return a.Host, nil //nolint:nilerr // without WebFinger the host itself names its people
	}
	back, err := f.fingerOf(ctx, just, own.subject, own.of, a.URI)
	if err != nil || back.subject != own.subject || back.of != own.of {
		return a.Host, nil //nolint:nilerr // the other domain does not confirm it
	}
	a.Handle = own.subject
	return own.of, nil
}

// kinds of actor, in our words.
var kinds = map[string]string{
	"Person": store.KindPerson, "Service": store.KindBot, "Application": store.KindBot,
	"Group": store.KindGroup, "Organization": store.KindOrganization,
}

// remoteAccount puts an actor of host into our words. Everything it names as its own must be on its own
// server.
func remoteAccount(actor *vocab.Actor, host string) (*store.Account, error) {
	kind := kinds[actor.Type]
	if kind == "" || actor.Inbox == "" {
		return nil, fmt.Errorf("%w: not an actor that can be spoken to", ErrUnverified)
	}
	if kind == store.KindGroup && actor.Declares(vocab.CapabilityCircles) {
		kind = store.KindCircle
	}
	if actor.Type == "Application" && namesHost(actor.PreferredUsername, host) {
		kind = store.KindServer
	}
	if !sameAuthority(actor.ID, actor.Inbox, actor.SharedInbox, actor.Outbox, actor.Followers, actor.Following) {
		return nil, fmt.Errorf("%w: parts on another server", ErrUnverified)
	}
	handle, _, err := social.ParseAddress(actor.PreferredUsername)
	if err != nil {
		return nil, fmt.Errorf("%w: name", ErrUnverified)
	}
	a := &store.Account{
		Kind: kind, Handle: handle, Host: host, Domain: host, URI: actor.ID, URL: actor.URL, Name: actor.Name, Bio: actor.Summary,
		Inbox: actor.Inbox, SharedInbox: actor.SharedInbox, Outbox: actor.Outbox, FollowersURI: actor.Followers, FollowingURI: actor.Following,
		Locked: actor.ManuallyApproves, Discoverable: actor.Discoverable, Indexable: actor.Indexable,
		AvatarRemote: actor.Icon.URL, AvatarAlt: social.PlainText(actor.Icon.Alt, 1500), HeaderRemote: actor.Image.URL, HeaderAlt: social.PlainText(actor.Image.Alt, 1500),
		AlsoKnownAs: actor.AlsoKnownAs, MovedTo: actor.MovedTo, CreatedAt: actor.Published,
	}
	if a.URL == "" {
		a.URL = a.URI
	}
	if sameAuthority(actor.ID, actor.Featured) {
		a.FeaturedURI = actor.Featured
	}
	for _, field := range actor.Fields {
		a.Fields = append(a.Fields, store.Field{Name: social.PlainText(field.Name, 500), Value: social.SanitizeHTML(field.Value)})
	}
	ownKeys(a, actor)
	return a, nil
}

// namesHost tells whether an actor bears the name of its host, as the actors do that speak for a server.
func namesHost(name, host string) bool {
	bare, _, _ := strings.Cut(host, ":")
	return strings.EqualFold(name, host) || strings.EqualFold(name, bare)
}

// ownKeys keeps the keys that an actor lists as its own, on its own server.
func ownKeys(a *store.Account, actor *vocab.Actor) {
	for _, k := range actor.PublicKeys {
		if a.KeyID == "" && k.Owner == actor.ID && sameAuthority(actor.ID, k.ID) {
			a.KeyID, a.KeyPEM = k.ID, k.PEM
		}
	}
	for _, k := range actor.AssertionMethods {
		if k.Controller == actor.ID && sameAuthority(actor.ID, k.ID) {
			a.ProofKeys = append(a.ProofKeys, store.ProofKey{ID: k.ID, Multibase: k.PublicKeyMultibase})
		}
	}
}

// fetchNote reads a post elsewhere from its own id.
func (f *Server) fetchNote(ctx context.Context, uri string) (*vocab.Note, error) {
	if _, err := f.allowedHost(ctx, uri); err != nil {
		return nil, err
	}
	doc, err := f.fetch(ctx, uri)
	if err != nil {
		return nil, err
	}
	note, err := vocab.DecodeNote(doc.Raw)
	if err != nil {
		return nil, err
	}
	if note.ID != doc.ID || !sameAuthority(doc.ID, note.AttributedTo) {
		return nil, fmt.Errorf("%w: not its own", ErrUnverified)
	}
	return note, nil
}

// FetchPost reads a post elsewhere that someone here asked for, and its author if need be. Posts of
// circles are never taken so: only their hub's Announce brings them.
func (f *Server) FetchPost(ctx context.Context, uri string) (*store.Post, error) {
	note, err := f.fetchNote(ctx, uri)
	if err != nil {
		return nil, err
	}
	if !isPublic(note.To) && !isPublic(note.Cc) {
		return nil, store.ErrNotFound
	}
	if _, err := f.circleOf(ctx, &vocab.Activity{}, note); err != nil {
		return nil, err
	}
	author, err := f.db.AccountByURI(ctx, note.AttributedTo)
	if errors.Is(err, store.ErrNotFound) {
		author, err = f.FetchActor(ctx, note.AttributedTo)
	}
	if err != nil {
		return nil, err
	}
	if !author.Live() || author.Local() {
		return nil, store.ErrNotFound
	}
	in := incomingPost(note, author)
	in.Asked = true
	return f.social.ReceivePost(ctx, author, in)
}

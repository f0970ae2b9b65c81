package vocab

import (
	"net/url"

	"github.com/go-fed/activity/streams"
	asvocab "github.com/go-fed/activity/streams/vocab"
)

// asActor is what go-fed's five kinds of actors have in common.
type asActor interface {
	asObject
	SetActivityStreamsInbox(asvocab.ActivityStreamsInboxProperty)
	SetActivityStreamsOutbox(asvocab.ActivityStreamsOutboxProperty)
	SetActivityStreamsFollowers(asvocab.ActivityStreamsFollowersProperty)
	SetActivityStreamsFollowing(asvocab.ActivityStreamsFollowingProperty)
	SetActivityStreamsPreferredUsername(asvocab.ActivityStreamsPreferredUsernameProperty)
	SetTootDiscoverable(asvocab.TootDiscoverableProperty)
	SetTootFeatured(asvocab.TootFeaturedProperty)
	SetW3IDSecurityV1PublicKey(asvocab.W3IDSecurityV1PublicKeyProperty)
}

func newActor(typ string) asActor {
	switch typ {
	case "Person":
		return streams.NewActivityStreamsPerson()
	case "Service":
		return streams.NewActivityStreamsService()
	case "Application":
		return streams.NewActivityStreamsApplication()
	case "Group":
		return streams.NewActivityStreamsGroup()
	case "Organization":
		return streams.NewActivityStreamsOrganization()
	}
	return nil
}

// capabilityNames are what people may read beside the id of a capability.
var capabilityNames = map[string]string{
	CapabilityCircles: "Private circles",
	"https://datatracker.ietf.org/doc/html/rfc9421": "RFC-9421: HTTP Message Signatures",
}

// EncodeActor writes an actor as a document of its own. Of the public keys the
// first is written, because many peers do not read a list.
//
// Errors: ErrUnfit when it has no id, an id that is no absolute URI, or an
// unknown type.
func EncodeActor(a *Actor) ([]byte, error) {
	m, err := buildActor(a)
	if err != nil {
		return nil, err
	}
	return encode(m, false)
}

func buildActor(a *Actor) (map[string]any, error) {
	if a == nil {
		return nil, unfit("no actor")
	}
	t := newActor(a.Type)
	if t == nil {
		return nil, unfit("an actor of type " + a.Type)
	}
	d := newDraft(t)
	d.id(a.ID)
	d.url(a.URL)
	d.name(a.Name)
	d.summary(a.Summary)
	d.attributedTo(a.AttributedTo)
	d.published(a.Published)
	d.updated(a.Updated)
	if a.PreferredUsername != "" {
		p := streams.NewActivityStreamsPreferredUsernameProperty()
		p.SetXMLSchemaString(a.PreferredUsername)
		t.SetActivityStreamsPreferredUsername(p)
	}
	d.collections(t, a)
	d.key(t, a.PublicKeys)
	d.multikeys(a.AssertionMethods)
	d.flags(t, a)
	if a.Icon.URL != "" {
		d.extra["icon"] = d.image(a.Icon)
	}
	if a.Image.URL != "" {
		d.extra["image"] = d.image(a.Image)
	}
	d.list("attachment", fieldList(a.Fields))
	d.list("tag", d.tags(&Note{Emojis: a.Emojis}))
	d.ids("alsoKnownAs", a.AlsoKnownAs)
	if len(a.AttributionDomains) > 0 {
		d.extra["attributionDomains"] = a.AttributionDomains
	}
	if a.Webfinger != "" {
		d.extra["webfinger"] = a.Webfinger
	}
	if g := generator(a); g != nil {
		d.extra["generator"] = g
	}
	return d.done()
}

// collections sets the ids of the inboxes and collections.
func (d *draft) collections(t asActor, a *Actor) {
	d.iri("inbox", a.Inbox, func(u *url.URL) {
		p := streams.NewActivityStreamsInboxProperty()
		p.SetIRI(u)
		t.SetActivityStreamsInbox(p)
	})
	d.iri("outbox", a.Outbox, func(u *url.URL) {
		p := streams.NewActivityStreamsOutboxProperty()
		p.SetIRI(u)
		t.SetActivityStreamsOutbox(p)
	})
	d.iri("followers", a.Followers, func(u *url.URL) {
		p := streams.NewActivityStreamsFollowersProperty()
		p.SetIRI(u)
		t.SetActivityStreamsFollowers(p)
	})
	d.iri("following", a.Following, func(u *url.URL) {
		p := streams.NewActivityStreamsFollowingProperty()
		p.SetIRI(u)
		t.SetActivityStreamsFollowing(p)
	})
	d.iri("featured", a.Featured, func(u *url.URL) {
		p := streams.NewTootFeaturedProperty()
		p.SetIRI(u)
		t.SetTootFeatured(p)
	})
	d.plainID("members", a.Members)
	d.plainID("movedTo", a.MovedTo)
	if a.SharedInbox != "" {
		if !isURI(a.SharedInbox) {
			d.fail("sharedInbox is no absolute URI")
		}
		d.extra["endpoints"] = map[string]any{"sharedInbox": a.SharedInbox}
	}
}

// plainID sets a property that go-fed does not know to one id.
func (d *draft) plainID(name, id string) {
	if id == "" {
		return
	}
	if !isURI(id) {
		d.fail("%s is no absolute URI", name)
	}
	d.extra[name] = id
}

func (d *draft) key(t asActor, keys []PublicKey) {
	if len(keys) == 0 {
		return
	}
	k := keys[0]
	id, err := url.Parse(k.ID)
	owner, err2 := url.Parse(k.Owner)
	if err != nil || err2 != nil || id.Scheme == "" || owner.Scheme == "" {
		d.fail("a key whose id or owner is no absolute URI")
		return
	}
	if id.String() != k.ID || owner.String() != k.Owner {
		d.extra["publicKey"] = map[string]any{"id": k.ID, "owner": k.Owner, "publicKeyPem": k.PEM}
		return
	}
	key := streams.NewW3IDSecurityV1PublicKey()
	idProperty := streams.NewJSONLDIdProperty()
	idProperty.Set(id)
	key.SetJSONLDId(idProperty)
	ownerProperty := streams.NewW3IDSecurityV1OwnerProperty()
	ownerProperty.SetIRI(owner)
	key.SetW3IDSecurityV1Owner(ownerProperty)
	pem := streams.NewW3IDSecurityV1PublicKeyPemProperty()
	pem.Set(k.PEM)
	key.SetW3IDSecurityV1PublicKeyPem(pem)
	p := streams.NewW3IDSecurityV1PublicKeyProperty()
	p.AppendW3IDSecurityV1PublicKey(key)
	t.SetW3IDSecurityV1PublicKey(p)
}

func (d *draft) multikeys(keys []Multikey) {
	list := make([]any, 0, len(keys))
	for _, k := range keys {
		if !isURI(k.ID) || !isURI(k.Controller) {
			d.fail("a key whose id or controller is no absolute URI")
		}
		list = append(list, map[string]any{
			"id": k.ID, "type": "Multikey", "controller": k.Controller, "publicKeyMultibase": k.PublicKeyMultibase,
		})
	}
	d.list("assertionMethod", list)
}

// flags are always written where silence would be read as a refusal, the rest
// only when set.
func (d *draft) flags(t asActor, a *Actor) {
	p := streams.NewTootDiscoverableProperty()
	p.Set(a.Discoverable)
	t.SetTootDiscoverable(p)
	d.extra["manuallyApprovesFollowers"] = a.ManuallyApproves
	d.extra["indexable"] = a.Indexable
	if a.Suspended {
		d.extra["suspended"] = true
	}
	if a.Memorial {
		d.extra["memorial"] = true
	}
}

func fieldList(fields []Field) []any {
	list := make([]any, 0, len(fields))
	for _, f := range fields {
		list = append(list, map[string]any{"type": "PropertyValue", "name": f.Name, "value": f.Value})
	}
	return list
}

func generator(a *Actor) map[string]any {
	if a.Generator == "" && len(a.Implements) == 0 {
		return nil
	}
	g := map[string]any{"type": "Application"}
	if a.Generator != "" {
		g["name"] = a.Generator
	}
	list := make([]any, 0, len(a.Implements))
	for _, id := range a.Implements {
		capability := map[string]any{"href": id}
		if name := capabilityNames[id]; name != "" {
			capability["name"] = name
		}
		list = append(list, capability)
	}
	if len(list) > 0 {
		g["implements"] = list
	}
	return g
}

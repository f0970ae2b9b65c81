package vocab

import (
	"encoding/json"
	"time"
)

// Actor is an account, a circle or a server as its document describes it.
type Actor struct {
	ID, Type          string // Person, Service, Application, Group or Organization
	PreferredUsername string // as sent; callers check its characters
	Name              string // as sent, not sanitised
	Summary           string // HTML as sent, not sanitised
	URL               string // the page for people; http or https, else empty
	Webfinger         string // "user@domain", without proof (FEP-2c59)

	Inbox       string // empty in a key-only stub
	SharedInbox string // endpoints.sharedInbox, else a top-level sharedInbox
	Outbox, Followers, Following,
	Featured, Members string
	AttributedTo string // the moderators of a Group

	PublicKeys       []PublicKey // 8 at most; see Key
	AssertionMethods []Multikey  // 8 at most

	Icon, Image Image   // zero when absent
	Fields      []Field // 16 at most, in the order sent
	Emojis      []Emoji // 50 at most

	ManuallyApproves, Discoverable, Indexable,
	Suspended, Memorial bool

	AlsoKnownAs        []string // 20 at most
	MovedTo            string
	AttributionDomains []string // 20 at most

	Generator  string   // name of the software, for display only
	Implements []string // ids of the capabilities that the generator or the actor declares (FEP-844e), 50 at most each

	Published, Updated time.Time // zero when absent or unreadable

	Raw json.RawMessage // incoming only: the exact text of the document
}

// PublicKey is a key for HTTP signatures. PEM is not parsed here.
type PublicKey struct {
	ID, Owner, PEM string
}

// Multikey is a key for proofs inside documents (FEP-521a). Only ID is set when
// the document merely names the key.
type Multikey struct {
	ID, Controller, PublicKeyMultibase string
}

// Image is an avatar or a header.
type Image struct {
	URL       string // http or https
	MediaType string // as sent, may be empty
	Alt       string // as sent: from summary, else name
}

// Field is a row of a profile. Value is HTML as sent.
type Field struct {
	Name, Value string
}

// CapabilityCircles is what a server declares under generator.implements when
// it takes part in circles.
const CapabilityCircles = Namespace + "circles-1"

// Namespace is what our own terms begin with; its prefix in documents is "co".
const Namespace = "https://w3id.org/cohort#"

const (
	maxKeys         = 8
	maxFields       = 16
	maxAliases      = 20
	maxCapabilities = 50
)

// DecodeActor checks a fetched document (see Check) and reads it as an actor.
// That its id is the one that was asked for is the caller's question, and an
// actor without inbox is no more than a stub with its key.
//
// Errors: those of Check; ErrWrongKind; ErrMalformed also when it has several
// known types or no id.
func DecodeActor(raw []byte) (*Actor, error) {
	if err := Check(raw); err != nil {
		return nil, err
	}
	return readActor(trim(raw))
}

// Key answers the public key with that id.
func (a *Actor) Key(id string) (PublicKey, bool) {
	for _, k := range a.PublicKeys {
		if k.ID == id {
			return k, true
		}
	}
	return PublicKey{}, false
}

// Declares reports whether the actor's generator declares a capability.
func (a *Actor) Declares(capability string) bool { return contains(a.Implements, capability) }

func readActor(doc value) (*Actor, error) {
	if err := doc.mustBeObject(); err != nil {
		return nil, err
	}
	a := &Actor{Raw: json.RawMessage(doc)}
	var name, summary bilingual
	var topShared string
	var err error
	for key, v := range doc.members() {
		switch string(key) {
		case "type":
			a.Type, err = oneType(v)
		case "name":
			name.plain = v
		case "nameMap":
			name.byLanguage = v
		case "summary":
			summary.plain = v
		case "summaryMap":
			summary.byLanguage = v
		case "sharedInbox":
			topShared = v.oneID()
		case "endpoints":
			a.SharedInbox = v.first().member("sharedInbox").oneID()
		default:
			if !a.readID(key, v) && !a.readFlag(key, v) {
				a.readPart(key, v)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if kinds[a.Type] != kindActor {
		return nil, wrongKind("an actor", a.Type)
	}
	if a.ID == "" {
		return nil, malformed("an actor without id")
	}
	if a.SharedInbox == "" {
		a.SharedInbox = topShared
	}
	a.Name, _ = name.read()
	a.Summary, _ = summary.read()
	return a, nil
}

// readID reads the members that are one id.
func (a *Actor) readID(key []byte, v value) bool {
	var field *string
	switch string(key) {
	case "id":
		a.ID = v.oneID()
		return true
	case "inbox":
		field = &a.Inbox
	case "outbox":
		field = &a.Outbox
	case "followers":
		field = &a.Followers
	case "following":
		field = &a.Following
	case "featured":
		field = &a.Featured
	case "members":
		field = &a.Members
	case "attributedTo":
		field = &a.AttributedTo
	case "movedTo":
		field = &a.MovedTo
	default:
		return false
	}
	*field = v.firstID()
	return true
}

func (a *Actor) readFlag(key []byte, v value) bool {
	var field *bool
	switch string(key) {
	case "manuallyApprovesFollowers":
		field = &a.ManuallyApproves
	case "discoverable":
		field = &a.Discoverable
	case "indexable":
		field = &a.Indexable
	case "suspended":
		field = &a.Suspended
	case "memorial":
		field = &a.Memorial
	default:
		return false
	}
	*field = v.isTrue()
	return true
}

// readPart reads the members that have a shape of their own.
func (a *Actor) readPart(key []byte, v value) {
	switch string(key) {
	case "preferredUsername":
		a.PreferredUsername = v.text()
	case "webfinger":
		a.Webfinger = v.text()
	case "url":
		a.URL = v.address()
	case "publicKey":
		a.PublicKeys = readKeys(v)
	case "assertionMethod":
		a.AssertionMethods = readMultikeys(v)
	case "icon":
		a.Icon = readImage(v)
	case "image":
		a.Image = readImage(v)
	case "attachment":
		a.Fields = readFields(v)
	case "tag":
		var n Note
		n.readTags(v)
		a.Emojis = n.Emojis
	case "alsoKnownAs":
		a.AlsoKnownAs = v.ids(maxAliases)
	case "attributionDomains":
		a.AttributionDomains = v.ids(maxAliases)
	case "generator":
		generator := v.first()
		a.Generator = generator.member("name").text()
		a.Implements = append(a.Implements, generator.member("implements").ids(maxCapabilities)...)
	case "implements":
		a.Implements = append(a.Implements, v.ids(maxCapabilities)...)
	case "published":
		a.Published = v.date()
	case "updated":
		a.Updated = v.date()
	}
}

func readKeys(v value) []PublicKey {
	var keys []PublicKey
	for x := range v.elements() {
		if k := readKey(x); k.ID != "" && k.PEM != "" {
			keys = append(keys, k)
		}
		if len(keys) == maxKeys {
			break
		}
	}
	return keys
}

// readKey reads a key; its owner may be called controller.
func readKey(v value) PublicKey {
	var k PublicKey
	var controller string
	for key, x := range v.members() {
		switch string(key) {
		case "id":
			k.ID = x.oneID()
		case "owner":
			k.Owner = x.firstID()
		case "controller":
			controller = x.firstID()
		case "publicKeyPem":
			k.PEM = x.text()
		}
	}
	if k.Owner == "" {
		k.Owner = controller
	}
	return k
}

func readMultikeys(v value) []Multikey {
	var keys []Multikey
	for x := range v.elements() {
		if id := x.oneID(); id != "" {
			keys = append(keys, Multikey{
				ID:                 id,
				Controller:         x.member("controller").firstID(),
				PublicKeyMultibase: x.member("publicKeyMultibase").text(),
			})
		}
		if len(keys) == maxKeys {
			break
		}
	}
	return keys
}

// readImage reads the first picture with an address.
func readImage(v value) Image {
	for x := range v.elements() {
		if a, ok := readAttachment(x); ok {
			return Image{URL: a.URL, MediaType: a.MediaType, Alt: a.Name}
		}
	}
	return Image{}
}

func readFields(v value) []Field {
	var fields []Field
	for x := range v.upTo(maxTags) {
		if typ, _ := x.member("type").typeOf(); typ != "PropertyValue" && typ != "schema:PropertyValue" {
			continue
		}
		fields = append(fields, Field{Name: x.member("name").text(), Value: x.member("value").text()})
		if len(fields) == maxFields {
			break
		}
	}
	return fields
}

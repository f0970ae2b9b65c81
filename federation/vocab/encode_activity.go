package vocab

import (
	"encoding/json"
	"net/url"
	"time"

	"github.com/go-fed/activity/streams"
	asvocab "github.com/go-fed/activity/streams/vocab"
)

// ActivityOut is an activity to be sent.
type ActivityOut struct {
	ID, Actor string // both needed
	Type      string // one of those in newActivity

	To, Cc, Audience   []string
	Published, Updated time.Time // left out when zero
	Summary            string    // a reason, in Reject and Block

	Object         ObjectOut // needed
	Result         ObjectOut // what an Accept brought about; may be nil
	Target, Origin string    // ids; may be empty

	// Proof declares the terms of a proof in @context, so that one can be added
	// to the document afterwards.
	Proof bool
}

// ObjectOut is what an activity may be about: an IRI, a Raw, a *Note, an
// *Actor, a *Tombstone, a *Membership or another *ActivityOut.
type ObjectOut interface {
	// embed answers what encode writes in the object's place.
	embed() (any, error)
}

// IRI names an object by its id alone.
type IRI string

// Raw is a document that is embedded byte for byte, such as the signed activity
// of a member that a circle announces.
type Raw json.RawMessage

// Tombstone stands where a note was.
type Tombstone struct {
	ID         string
	FormerType string    // may be empty
	Deleted    time.Time // left out when zero
}

func (id IRI) embed() (any, error) {
	if !isURI(string(id)) {
		return nil, unfit("an object that is no absolute URI")
	}
	return string(id), nil
}

func (r Raw) embed() (any, error) {
	if err := Check(r); err != nil {
		return nil, err
	}
	if trim(r).kind() != '{' {
		return nil, unfit("an embedded document that is no object")
	}
	return json.RawMessage(r), nil
}

func (n *Note) embed() (any, error)        { return buildNote(n) }
func (a *Actor) embed() (any, error)       { return buildActor(a) }
func (t *Tombstone) embed() (any, error)   { return buildTombstone(t) }
func (a *ActivityOut) embed() (any, error) { return buildActivity(a) }

// asActivity is what go-fed's activities have in common.
type asActivity interface {
	asObject
	SetActivityStreamsActor(asvocab.ActivityStreamsActorProperty)
	SetActivityStreamsObject(asvocab.ActivityStreamsObjectProperty)
	SetActivityStreamsOrigin(asvocab.ActivityStreamsOriginProperty)
	SetActivityStreamsTarget(asvocab.ActivityStreamsTargetProperty)
}

func newActivity(typ string) asActivity {
	switch typ {
	case "Create":
		return streams.NewActivityStreamsCreate()
	case "Update":
		return streams.NewActivityStreamsUpdate()
	case "Delete":
		return streams.NewActivityStreamsDelete()
	case "Follow":
		return streams.NewActivityStreamsFollow()
	case "Accept":
		return streams.NewActivityStreamsAccept()
	case "Reject":
		return streams.NewActivityStreamsReject()
	case "Undo":
		return streams.NewActivityStreamsUndo()
	case "Like":
		return streams.NewActivityStreamsLike()
	case "Announce":
		return streams.NewActivityStreamsAnnounce()
	case "Block":
		return streams.NewActivityStreamsBlock()
	case "Add":
		return streams.NewActivityStreamsAdd()
	case "Remove":
		return streams.NewActivityStreamsRemove()
	}
	return nil
}

// EncodeActivity writes an activity. The same input gives the same bytes.
//
// Errors: ErrUnfit when id, actor or object is missing, something is no
// absolute URI, or the type is not one we send; those of Check for a Raw.
func EncodeActivity(a ActivityOut) ([]byte, error) {
	m, err := buildActivity(&a)
	if err != nil {
		return nil, err
	}
	return encode(m, a.Proof)
}

func buildActivity(a *ActivityOut) (map[string]any, error) {
	if a == nil || a.Object == nil {
		return nil, unfit("an activity without object")
	}
	t := newActivity(a.Type)
	if t == nil {
		return nil, unfit("an activity of type " + a.Type)
	}
	d := newDraft(t)
	d.id(a.ID)
	d.summary(a.Summary)
	d.published(a.Published)
	d.updated(a.Updated)
	d.recipients(a.To, a.Cc, a.Audience)
	if a.Actor == "" {
		d.fail("no actor")
	}
	d.iri("actor", a.Actor, func(u *url.URL) {
		p := streams.NewActivityStreamsActorProperty()
		p.AppendIRI(u)
		t.SetActivityStreamsActor(p)
	})
	d.iri("target", a.Target, func(u *url.URL) {
		p := streams.NewActivityStreamsTargetProperty()
		p.AppendIRI(u)
		t.SetActivityStreamsTarget(p)
	})
	d.iri("origin", a.Origin, func(u *url.URL) {
		p := streams.NewActivityStreamsOriginProperty()
		p.AppendIRI(u)
		t.SetActivityStreamsOrigin(p)
	})
	if id, ok := a.Object.(IRI); ok && id != "" {
		d.iri("object", string(id), func(u *url.URL) {
			p := streams.NewActivityStreamsObjectProperty()
			p.AppendIRI(u)
			t.SetActivityStreamsObject(p)
		})
	} else {
		d.embed("object", a.Object)
	}
	if a.Result != nil {
		d.embed("result", a.Result)
	}
	return d.done()
}

func (d *draft) embed(name string, o ObjectOut) {
	v, err := o.embed()
	if err != nil {
		if d.err == nil {
			d.err = err
		}
		return
	}
	d.extra[name] = v
}

// EncodeTombstone writes what is served where a note was.
//
// Errors: ErrUnfit when id is no absolute URI.
func EncodeTombstone(id, formerType string, deleted time.Time) ([]byte, error) {
	m, err := buildTombstone(&Tombstone{ID: id, FormerType: formerType, Deleted: deleted})
	if err != nil {
		return nil, err
	}
	return encode(m, false)
}

func buildTombstone(tomb *Tombstone) (map[string]any, error) {
	if tomb == nil {
		return nil, unfit("no tombstone")
	}
	t := streams.NewActivityStreamsTombstone()
	d := newDraft(t)
	d.id(tomb.ID)
	if tomb.FormerType != "" {
		p := streams.NewActivityStreamsFormerTypeProperty()
		p.AppendXMLSchemaString(tomb.FormerType)
		t.SetActivityStreamsFormerType(p)
	}
	d.date("deleted", tomb.Deleted, func(at time.Time) {
		p := streams.NewActivityStreamsDeletedProperty()
		p.Set(at)
		t.SetActivityStreamsDeleted(p)
	})
	return d.done()
}

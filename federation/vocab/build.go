package vocab

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/go-fed/activity/streams"
	asvocab "github.com/go-fed/activity/streams/vocab"
)

// ErrUnfit is answered when something cannot be written into a document: an id
// that is no absolute URI, a type we do not send, a missing object.
var ErrUnfit = errors.New("value does not fit into a document")

// asObject is what every go-fed object that we send has in common.
type asObject interface {
	Serialize() (map[string]any, error)
	GetUnknownProperties() map[string]any
	SetJSONLDId(asvocab.JSONLDIdProperty)
	SetActivityStreamsAttributedTo(asvocab.ActivityStreamsAttributedToProperty)
	SetActivityStreamsContent(asvocab.ActivityStreamsContentProperty)
	SetActivityStreamsContext(asvocab.ActivityStreamsContextProperty)
	SetActivityStreamsInReplyTo(asvocab.ActivityStreamsInReplyToProperty)
	SetActivityStreamsMediaType(asvocab.ActivityStreamsMediaTypeProperty)
	SetActivityStreamsName(asvocab.ActivityStreamsNameProperty)
	SetActivityStreamsPublished(asvocab.ActivityStreamsPublishedProperty)
	SetActivityStreamsReplies(asvocab.ActivityStreamsRepliesProperty)
	SetActivityStreamsSummary(asvocab.ActivityStreamsSummaryProperty)
	SetActivityStreamsUpdated(asvocab.ActivityStreamsUpdatedProperty)
	SetActivityStreamsUrl(asvocab.ActivityStreamsUrlProperty)
}

// draft builds one object with go-fed's types. What go-fed has no type for, or
// would change on the way out (lists of one, ids that it re-encodes, fractions
// of seconds), goes through the unknown properties, which it passes on as they
// are. The first error sticks.
type draft struct {
	t     asObject
	extra map[string]any
	err   error
}

func newDraft(t asObject) *draft { return &draft{t: t, extra: t.GetUnknownProperties()} }

func (d *draft) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: "+format, append([]any{ErrUnfit}, args...)...)
	}
}

// done answers the object as a map, ready for encode.
func (d *draft) done() (map[string]any, error) {
	if d.err != nil {
		return nil, d.err
	}
	return d.t.Serialize()
}

// iri sets a property to one id, byte for byte; an empty id leaves it out.
func (d *draft) iri(name, id string, set func(*url.URL)) {
	if id == "" {
		return
	}
	u, err := url.Parse(id)
	switch {
	case err != nil || u.Scheme == "":
		d.fail("%s is no absolute URI", name)
	case u.String() == id:
		set(u)
	default:
		d.extra[name] = id
	}
}

// ids sets a property to a list of ids, which stays a list even when short.
func (d *draft) ids(name string, ids []string) {
	if len(ids) == 0 {
		return
	}
	for _, id := range ids {
		if !isURI(id) {
			d.fail("%s contains what is no absolute URI", name)
			return
		}
	}
	d.extra[name] = ids
}

// list sets a property to a list of anything that encode can write.
func (d *draft) list(name string, items []any) {
	if len(items) > 0 {
		d.extra[name] = items
	}
}

func (d *draft) date(name string, at time.Time, set func(time.Time)) {
	switch {
	case at.IsZero():
	case at.Nanosecond() < int(time.Millisecond):
		set(at.UTC())
	default:
		d.extra[name] = at.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	}
}

// text sets a property of go-fed or leaves it out when s is empty.
func text[P interface{ AppendXMLSchemaString(string) }](s string, p P, set func(P)) {
	if s != "" {
		p.AppendXMLSchemaString(s)
		set(p)
	}
}

func (d *draft) id(id string) {
	if id == "" {
		d.fail("no id")
		return
	}
	d.iri("id", id, func(u *url.URL) {
		p := streams.NewJSONLDIdProperty()
		p.Set(u)
		d.t.SetJSONLDId(p)
	})
}

func (d *draft) attributedTo(id string) {
	d.iri("attributedTo", id, func(u *url.URL) {
		p := streams.NewActivityStreamsAttributedToProperty()
		p.AppendIRI(u)
		d.t.SetActivityStreamsAttributedTo(p)
	})
}

func (d *draft) url(address string) {
	d.iri("url", address, func(u *url.URL) {
		p := streams.NewActivityStreamsUrlProperty()
		p.AppendIRI(u)
		d.t.SetActivityStreamsUrl(p)
	})
}

func (d *draft) name(s string) {
	text(s, streams.NewActivityStreamsNameProperty(), d.t.SetActivityStreamsName)
}

func (d *draft) summary(s string) {
	text(s, streams.NewActivityStreamsSummaryProperty(), d.t.SetActivityStreamsSummary)
}

func (d *draft) content(s string) {
	text(s, streams.NewActivityStreamsContentProperty(), d.t.SetActivityStreamsContent)
}

func (d *draft) mediaType(s string) {
	if s != "" {
		p := streams.NewActivityStreamsMediaTypeProperty()
		p.Set(s)
		d.t.SetActivityStreamsMediaType(p)
	}
}

func (d *draft) published(at time.Time) {
	d.date("published", at, func(at time.Time) {
		p := streams.NewActivityStreamsPublishedProperty()
		p.Set(at)
		d.t.SetActivityStreamsPublished(p)
	})
}

func (d *draft) updated(at time.Time) {
	d.date("updated", at, func(at time.Time) {
		p := streams.NewActivityStreamsUpdatedProperty()
		p.Set(at)
		d.t.SetActivityStreamsUpdated(p)
	})
}

func (d *draft) recipients(to, cc, audience []string) {
	d.ids("to", to)
	d.ids("cc", cc)
	// One audience is what peers send and read; several must be a list.
	if len(audience) == 1 && isURI(audience[0]) {
		d.extra["audience"] = audience[0]
		return
	}
	d.ids("audience", audience)
}

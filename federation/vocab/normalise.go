package vocab

import "net/url"

// withoutID stands for the id of an activity that was sent without one, because
// go-fed's inbox refuses such an activity before anybody may look at it.
const withoutID = "urn:activity:without-id"

// Normalise answers a skeleton of the activity: the plain ActivityStreams
// context, its one type (followed by "Activity" when go-fed does not know it),
// its id, and actor, object, target, result, instrument, origin and recipients
// by id alone.
//
// go-fed spends some 50 µs on every embedded document and panics on some
// durations, and what it would make of embedded documents is not used: they are
// read by Object.Note, Object.Actor and Object.Activity. So it never sees them.
//
// Errors: ErrWrongKind when the type is known not to be an activity;
// ErrMalformed when its id or actor is no absolute URI.
func (a *Activity) Normalise() ([]byte, error) {
	switch kinds[a.Type] {
	case kindUnknown, kindGeneric, kindActivity:
	default:
		return nil, wrongKind("an activity", a.Type)
	}
	if a.ID != "" && !isURI(a.ID) {
		return nil, malformed("the id is no URI")
	}
	if a.Actor != "" && !isURI(a.Actor) {
		return nil, malformed("the actor is no URI")
	}
	b := make([]byte, 0, 512)
	b = append(b, `{"@context":"`+activityStreams+`","id":`...)
	if a.ID != "" {
		b = appendString(b, a.ID)
	} else {
		b = append(b, `"`+withoutID+`"`...)
	}
	b = append(b, `,"type":[`...)
	b = appendString(b, a.Type)
	if kinds[a.Type] == kindUnknown {
		b = append(b, `,"Activity"`...)
	}
	b = append(b, ']')
	if a.Actor != "" {
		b = appendIDs(b, "actor", []string{a.Actor})
	}
	b = appendObjects(b, "object", a.Objects...)
	b = appendObjects(b, "target", a.Target)
	b = appendObjects(b, "result", a.Result)
	b = appendObjects(b, "instrument", a.Instrument)
	b = appendObjects(b, "origin", a.Origin)
	b = appendIDs(b, "to", a.To)
	b = appendIDs(b, "cc", a.Cc)
	b = appendIDs(b, "audience", a.Audience)
	return append(b, '}'), nil
}

func appendObjects(b []byte, name string, objects ...*Object) []byte {
	var ids []string
	for _, o := range objects {
		if o != nil && o.ID != "" {
			ids = append(ids, o.ID)
		}
	}
	return appendIDs(b, name, ids)
}

// appendIDs appends a member with those of the ids that go-fed understands.
func appendIDs(b []byte, name string, ids []string) []byte {
	n := 0
	for _, id := range ids {
		if !isURI(id) {
			continue
		}
		if n == 0 {
			b = append(b, `,"`+name+`":[`...)
		} else {
			b = append(b, ',')
		}
		b = appendString(b, id)
		n++
	}
	if n > 0 {
		b = append(b, ']')
	}
	return b
}

func isURI(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != ""
}

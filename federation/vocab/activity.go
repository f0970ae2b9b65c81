package vocab

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const maxObjects = 100 // objects of one activity that are looked at; more are dropped

// ErrWrongKind is answered when a document is not of the kind that was asked
// for, such as an actor where a note should be, or when only an id was sent.
var ErrWrongKind = errors.New("document is of another kind")

func wrongKind(want, typ string) error {
	return fmt.Errorf("%w: %s asked for, type is %q", ErrWrongKind, want, typ)
}

// Activity is an activity as it was received.
type Activity struct {
	ID    string // empty when none was sent: some peers leave it out of Undo and Add
	Type  string // without prefix; a type we do not know is kept as it is
	Actor string // one id, also when it was sent as an object; empty when absent

	To, Cc, Audience []string // Public in its full spelling; 200 addresses together at most

	Published time.Time // zero when absent or unreadable
	Summary   string    // plain text or HTML as sent: a reason, in moderation
	Content   string    // as sent: the comment of a Flag, the emoji of a reaction

	Object  *Object   // the first of Objects, nil when there is none
	Objects []*Object // 100 at most
	Target, Result, Instrument,
	Origin *Object // nil when absent

	Proof bool            // the document carries a proof; whether it holds is another question
	Raw   json.RawMessage // the bytes that were decoded, which it shares with the caller
}

// Object is what an activity is about: an id, or an embedded document.
type Object struct {
	ID   string // empty when an embedded document has none
	Type string // empty when IsID
	IsID bool   // only the id was sent
	// Raw is the exact text of the value inside the activity's bytes, so that
	// it can be passed on unchanged and its own proof can be checked.
	Raw json.RawMessage
}

// Decode checks raw (see Check) and reads it as an activity. Which activity it
// is and whether its actor may perform it is not looked at. The result refers
// to raw, which must not change afterwards.
//
// Errors: those of Check; ErrMalformed also when the document is no object, has
// no type or several known ones, or names several actors.
func Decode(raw []byte) (*Activity, error) {
	if err := Check(raw); err != nil {
		return nil, err
	}
	return readActivity(trim(raw))
}

func readActivity(doc value) (*Activity, error) {
	if err := doc.mustBeObject(); err != nil {
		return nil, err
	}
	a := &Activity{Raw: json.RawMessage(doc)}
	var sentTo addressing
	var err error
	for key, v := range doc.members() {
		switch string(key) {
		case "id":
			a.ID = v.oneID()
		case "type":
			a.Type, err = oneType(v)
		case "actor":
			a.Actor, err = oneOf(v, "actor")
		case "to", "cc", "audience":
			sentTo.take(key, v)
		case "published":
			a.Published = v.date()
		case "summary":
			a.Summary = v.text()
		case "content":
			a.Content = v.text()
		case "object":
			err = a.readObjects(v)
		case "target":
			a.Target, err = readObject(v)
		case "result":
			a.Result, err = readObject(v)
		case "instrument":
			a.Instrument, err = readObject(v)
		case "origin":
			a.Origin, err = readObject(v)
		case "proof":
			a.Proof = !v.missing()
		}
		if err != nil {
			return nil, err
		}
	}
	if a.Type == "" {
		return nil, malformed("no type")
	}
	a.To, a.Cc, a.Audience = sentTo.read()
	return a, nil
}

func oneType(v value) (string, error) {
	typ, ok := v.typeOf()
	if !ok {
		return "", malformed("several known types")
	}
	return typ, nil
}

func oneOf(v value, name string) (string, error) {
	id, ok := v.soleID()
	if !ok {
		return "", malformed(name + " is not exactly one id")
	}
	return id, nil
}

func (a *Activity) readObjects(v value) error {
	for x := range v.elements() {
		o, err := readObject(x)
		if err != nil {
			return err
		}
		if o != nil {
			a.Objects = append(a.Objects, o)
		}
		if len(a.Objects) == maxObjects {
			break
		}
	}
	if len(a.Objects) > 0 {
		a.Object = a.Objects[0]
	}
	return nil
}

// readObject reads an id or an embedded document, the first one of an array.
// It is nil when v is neither.
func readObject(v value) (*Object, error) {
	v = v.first()
	switch v.kind() {
	case '"':
		if id := v.oneID(); id != "" {
			return &Object{ID: id, IsID: true, Raw: json.RawMessage(v)}, nil
		}
	case '{':
		o := &Object{Raw: json.RawMessage(v)}
		var err error
		for key, x := range v.members() {
			switch string(key) {
			case "id":
				o.ID = x.oneID()
			case "type":
				o.Type, err = oneType(x)
			}
			if err != nil {
				break
			}
		}
		// {"id": …} alone says no more than the id does.
		o.IsID = o.Type == "" && o.ID != ""
		return o, err
	}
	return nil, nil
}

func (o *Object) document() value {
	if o == nil || o.IsID {
		return nil
	}
	return trim(o.Raw)
}

// Activity reads an embedded activity, whose Raw is its exact text.
//
// Errors: ErrWrongKind when o is nil, only an id or a thing that is known to be
// no activity; ErrMalformed as Decode.
func (o *Object) Activity() (*Activity, error) {
	doc := o.document()
	if doc == nil {
		return nil, wrongKind("an activity", "")
	}
	switch kinds[o.Type] {
	case kindUnknown, kindGeneric, kindActivity:
		return readActivity(doc)
	}
	return nil, wrongKind("an activity", o.Type)
}

// Note reads an embedded note; see the type Note for which types count.
//
// Errors: ErrWrongKind when o is nil, only an id or no note; ErrMalformed.
func (o *Object) Note() (*Note, error) {
	doc := o.document()
	if doc == nil {
		return nil, wrongKind("a note", "")
	}
	return readNote(doc)
}

// Actor reads an embedded actor.
//
// Errors: ErrWrongKind when o is nil, only an id or no actor; ErrMalformed.
func (o *Object) Actor() (*Actor, error) {
	doc := o.document()
	if doc == nil {
		return nil, wrongKind("an actor", "")
	}
	return readActor(doc)
}

// Note reads the first object of a Create or Update as a note. Where the note
// itself names no recipients, those of the activity count for it.
//
// Errors: as Object.Note.
// spec: AP §6.2
func (a *Activity) Note() (*Note, error) {
	n, err := a.Object.Note()
	if err != nil {
		return nil, err
	}
	if len(n.To)+len(n.Cc)+len(n.Audience) == 0 {
		n.To, n.Cc, n.Audience = a.To, a.Cc, a.Audience
	}
	return n, nil
}

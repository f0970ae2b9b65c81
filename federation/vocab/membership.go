package vocab

import "time"

// Membership is what the circle's server attaches to an Accept: the record of
// who belongs to the circle from now on.
type Membership struct {
	ID      string
	Role    string    // "member" or "steward"
	Dialect string    // how the circle's posts will come: "native" or "mirror"
	Expires time.Time // zero when it does not
}

const membershipType = "co:Membership"

func (m *Membership) embed() (any, error) {
	if m == nil || !isURI(m.ID) {
		return nil, unfit("a membership without an absolute URI")
	}
	doc := map[string]any{"id": m.ID, "type": membershipType}
	if m.Role != "" {
		doc["role"] = m.Role
	}
	if m.Dialect != "" {
		doc["co:dialect"] = m.Dialect
	}
	if !m.Expires.IsZero() {
		doc["co:expires"] = m.Expires.UTC().Format(time.RFC3339)
	}
	return doc, nil
}

// Membership reads the result of an Accept.
//
// Errors: ErrWrongKind when o is nil, only an id or no membership.
func (o *Object) Membership() (*Membership, error) {
	doc := o.document()
	if doc == nil {
		return nil, wrongKind("a membership", "")
	}
	if o.Type != membershipType && o.Type != Namespace+"Membership" {
		return nil, wrongKind("a membership", o.Type)
	}
	r := &Membership{ID: o.ID}
	for key, v := range doc.members() {
		switch string(key) {
		case "role", "co:role":
			r.Role = v.text()
		case "co:dialect":
			r.Dialect = v.text()
		case "co:expires":
			r.Expires = v.date()
		}
	}
	return r, nil
}

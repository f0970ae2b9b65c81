package federation

import (
	"encoding/json"
	"net/http"

	"cohort/federation/vocab"
	"cohort/store"
)

// ServeCreate serves the activity by which a post written here was said: its Create, or a boost's
// Announce, to whoever may see the post. Of a circle's post it is the one its author signed.
func (f *Server) ServeCreate(w http.ResponseWriter, r *http.Request, id string) {
	doc, public, err := f.createDocument(r, id)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	serveDoc(w, doc, public && !f.Config.AuthorizedFetch)
}

func (f *Server) createDocument(r *http.Request, id string) ([]byte, bool, error) {
	ctx := r.Context()
	n, err := store.ParseID(id)
	if err != nil {
		return nil, false, store.ErrNotFound
	}
	viewer, err := f.viewer(ctx, r)
	if err != nil {
		return nil, false, err
	}
	p, err := f.db.Post(ctx, viewer, n)
	if err != nil || p.Host != "" {
		return nil, false, firstOf(err, store.ErrNotFound)
	}
	if p.CircleID != 0 {
		signed, err := f.db.SignedOf(ctx, p.ID)
		if err == nil && signed == "" {
			err = store.ErrNotFound
		}
		return []byte(signed), false, err
	}
	view, err := f.view(ctx, viewer, p)
	if err != nil {
		return nil, false, err
	}
	doc, err := f.renderPost("Create", view)
	return doc, p.Visibility == store.Public || p.Visibility == store.Unlisted, err
}

// ServeServerCollection serves one of the collections of the server's own actor, which has nothing in
// any of them.
func (f *Server) ServeServerCollection(w http.ResponseWriter, r *http.Request, name string) {
	switch name {
	case "outbox", "followers", "following":
	default:
		f.fail(w, r, store.ErrNotFound)
		return
	}
	a, err := f.ServerActor(r.Context())
	if err != nil {
		f.fail(w, r, err)
		return
	}
	doc, err := vocab.EncodeCollection(vocab.OrderedCollection{ID: a.URI + "/" + name, Items: []vocab.ObjectOut{}})
	if err != nil {
		f.fail(w, r, err)
		return
	}
	serveDoc(w, doc, true)
}

// namespaceTerm explains a name of ours.
type namespaceTerm struct {
	ID      string `json:"@id"`
	Type    string `json:"@type,omitempty"`
	Comment string `json:"rdfs:comment,omitempty"`
}

// ServeNamespace explains our own names to people and programs. Documents define inline what they use, so
// nobody needs to fetch this.
func (f *Server) ServeNamespace(w http.ResponseWriter, _ *http.Request) {
	const ns = vocab.Namespace
	explain := func(name, comment string) namespaceTerm { return namespaceTerm{ID: ns + name, Comment: comment} }
	doc := map[string]any{
		"@context": map[string]any{
			"co": ns, "rdfs": "http://www.w3.org/2000/01/rdf-schema#", "Membership": ns + "Membership",
			"members": namespaceTerm{ID: ns + "members", Type: "@id"}, "role": ns + "role", "dialect": ns + "dialect",
			"expires": namespaceTerm{ID: ns + "expires", Type: "http://www.w3.org/2001/XMLSchema#dateTime"},
		},
		"@id": ns,
		"@graph": []namespaceTerm{
			explain("circles-1", "A capability: the server takes part in circles, and keeps what is said there to their members."),
			explain("Membership", "An account's place in a circle, given by the circle's server in the result of its Accept."),
			explain("members", "The collection of a circle's members, which only members may read."),
			explain("role", "Of a membership: member or steward."),
			explain("dialect", "Of a membership: native, where posts come as their authors signed them, or mirror, where the circle says them again."),
			explain("expires", "Of a membership: when it ends unless it is renewed."),
		},
	}
	body, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/ld+json")
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("Access-Control-Allow-Origin", "*")
	write(w, body)
}

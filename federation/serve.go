package federation

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"cohort/federation/vocab"
	"cohort/store"
)

// WantsActivity tells whether a request asks for an ActivityStreams document rather than a page.
func WantsActivity(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, activityType) || strings.Contains(accept, "application/ld+json")
}

const (
	pageSize   = 20
	maxReplies = 40
)

// write sends a body; a reader who went away is no fault of ours.
func write(w http.ResponseWriter, b []byte) { _, _ = w.Write(b) }

func writeJSON(w http.ResponseWriter, kind string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	write(w, b)
}

// serveDoc answers with a document. Private ones must not be kept by caches; all depend on who asks.
func serveDoc(w http.ResponseWriter, doc []byte, public bool) {
	h := w.Header()
	h.Set("Content-Type", activityType+"; charset=utf-8")
	h.Add("Vary", "Accept, Signature, Signature-Input")
	if public {
		h.Set("Cache-Control", "public, max-age=60")
	} else {
		h.Set("Cache-Control", "private, no-store")
	}
	write(w, doc)
}

// fail answers a request that could not be served. What may not be seen is answered exactly like what
// does not exist.
func (f *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := statusOf(err)
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, ErrUnwanted):
		status = http.StatusNotFound
	case status >= 500:
		f.log.Error("document not served", "error", err, "request_id", r.Header.Get("X-Request-Id"))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "private, no-store")
	w.WriteHeader(status)
	write(w, []byte(`{"error":"`+strings.ToLower(http.StatusText(status))+`"}`))
}

// viewer finds with whose eyes a request reads: those of its signer, of the signer's server if the
// server itself asks, or nobody's.
func (f *Server) viewer(ctx context.Context, r *http.Request) (store.Viewer, error) {
	sender, err := f.authenticateGet(ctx, r)
	if err != nil {
		return store.Viewer{}, err
	}
	a := sender.account
	if a == nil {
		if f.Config.AuthorizedFetch {
			return store.Viewer{}, ErrUnverified
		}
		return store.Anonymous, nil
	}
	if a.Kind == store.KindServer {
		return f.db.AsServer(ctx, a.Host)
	}
	return store.AsSigner(a.ID), nil
}

// ServeServerActor serves the server's own actor, to anyone: without its key nobody could check our
// signatures.
func (f *Server) ServeServerActor(w http.ResponseWriter, r *http.Request) {
	a, err := f.ServerActor(r.Context())
	if err != nil {
		f.fail(w, r, err)
		return
	}
	f.serveActor(w, r, a)
}

// ServeActor serves a person's actor.
func (f *Server) ServeActor(w http.ResponseWriter, r *http.Request, id string) {
	f.withActor(w, r, id, false, func(a *store.Account, _ store.Viewer) { f.serveActor(w, r, a) })
}

// ServeCircle serves a circle's actor: name and address, never who sits in it.
func (f *Server) ServeCircle(w http.ResponseWriter, r *http.Request, id string) {
	f.withActor(w, r, id, true, func(a *store.Account, _ store.Viewer) { f.serveActor(w, r, a) })
}

// withActor finds a live local actor and who asks.
func (f *Server) withActor(w http.ResponseWriter, r *http.Request, id string, circle bool, serve func(*store.Account, store.Viewer)) {
	a, err := f.localActor(r.Context(), id, circle)
	var v store.Viewer
	if err == nil {
		v, err = f.viewer(r.Context(), r)
	}
	if err != nil {
		f.fail(w, r, err)
		return
	}
	if !a.DeletedAt.IsZero() {
		w.WriteHeader(http.StatusGone)
		return
	}
	serve(a, v)
}

func (f *Server) localActor(ctx context.Context, id string, circle bool) (*store.Account, error) {
	n, err := store.ParseID(id)
	if err != nil {
		return nil, store.ErrNotFound
	}
	a, err := f.db.Account(ctx, n)
	if err != nil {
		return nil, err
	}
	if !a.Local() || a.Kind == store.KindServer || (a.Kind == store.KindCircle) != circle {
		return nil, store.ErrNotFound
	}
	return a, f.hidden(ctx, a)
}

func (f *Server) serveActor(w http.ResponseWriter, r *http.Request, a *store.Account) {
	key := "actor " + a.ID.String() + " " + millis(a.UpdatedAt) + " " + millis(a.SuspendedAt)
	doc, err := f.rendered.get(key, func() ([]byte, error) { return f.renderActor(r.Context(), a) })
	if err != nil {
		f.fail(w, r, err)
		return
	}
	serveDoc(w, doc, !f.Config.AuthorizedFetch)
}

// ServePost serves a post written here to whoever may see it; for everyone else it is not there. A
// deleted post that was public leaves a Tombstone.
func (f *Server) ServePost(w http.ResponseWriter, r *http.Request, id string) {
	doc, public, err := f.postDocument(r, id)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	if doc.gone {
		w.Header().Set("Content-Type", activityType)
		w.WriteHeader(http.StatusGone)
		write(w, doc.body)
		return
	}
	serveDoc(w, doc.body, public && !f.Config.AuthorizedFetch)
}

type served struct {
	body []byte
	gone bool
}

func (f *Server) postDocument(r *http.Request, id string) (served, bool, error) {
	ctx := r.Context()
	n, err := store.ParseID(id)
	if err != nil {
		return served{}, false, store.ErrNotFound
	}
	viewer, err := f.viewer(ctx, r)
	if err != nil {
		return served{}, false, err
	}
	p, err := f.db.Post(ctx, viewer, n)
	if errors.Is(err, store.ErrNotFound) {
		return f.tombstone(ctx, n)
	}
	if err != nil {
		return served{}, false, err
	}
	if p.Host != "" {
		return served{}, false, store.ErrNotFound
	}
	view, err := f.view(ctx, viewer, p)
	if err != nil {
		return served{}, false, err
	}
	public := p.Visibility == store.Public || p.Visibility == store.Unlisted
	if p.BoostOfID != 0 {
		body, err := f.renderPost("Create", view)
		return served{body: body}, public, err
	}
	body, err := vocab.EncodeNote(f.noteOf(view))
	return served{body: body}, public, err
}

// tombstone is what is left of a public post. Whether anything else ever existed is not told.
func (f *Server) tombstone(ctx context.Context, id store.ID) (served, bool, error) {
	facts, err := f.db.PostFactsByID(ctx, id)
	if err != nil {
		return served{}, false, err
	}
	if facts.DeletedAt.IsZero() || facts.Host != "" || facts.Visibility != store.Public && facts.Visibility != store.Unlisted {
		return served{}, false, store.ErrNotFound
	}
	body, err := vocab.EncodeTombstone(facts.URI, "Note", facts.DeletedAt)
	return served{body: body, gone: true}, false, err
}

// ServeCollection serves one of an actor's collections: outbox, followers, following or featured of a
// person; of a circle only stubs, because who sits there and what they say is not for strangers.
func (f *Server) ServeCollection(w http.ResponseWriter, r *http.Request, id, name string, circle bool) {
	f.withActor(w, r, id, circle, func(a *store.Account, v store.Viewer) {
		doc, err := f.collection(r, a, v, name)
		if err != nil {
			f.fail(w, r, err)
			return
		}
		serveDoc(w, doc, false)
	})
}

func (f *Server) collection(r *http.Request, a *store.Account, v store.Viewer, name string) ([]byte, error) {
	uri := a.URI + "/" + name
	if a.Kind == store.KindCircle {
		// Whether there are posts or members at all is for members and their servers.
		sits, err := f.db.MaySit(r.Context(), v, a.ID)
		if err != nil || !sits || name == "following" || name == "featured" {
			return nil, firstOf(err, store.ErrNotFound)
		}
		return vocab.EncodeCollection(vocab.OrderedCollection{ID: uri, TotalItems: -1})
	}
	if !a.Live() {
		return nil, store.ErrNotFound
	}
	switch name {
	case "followers", "following":
		return f.countOnly(r.Context(), a, uri, name)
	case "featured":
		return f.featured(r.Context(), a, v, uri)
	case "outbox":
		return f.outbox(r, a, uri)
	}
	return nil, store.ErrNotFound
}

// countOnly gives how many, not who; nor how many if the member hides that.
func (f *Server) countOnly(ctx context.Context, a *store.Account, uri, name string) ([]byte, error) {
	u, err := f.db.User(ctx, a.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	n := int(a.FollowersCount)
	if name == "following" {
		n = int(a.FollowingCount)
	}
	if u != nil && u.HideCollections {
		n = -1
	}
	return vocab.EncodeCollection(vocab.OrderedCollection{ID: uri, TotalItems: n})
}

func (f *Server) featured(ctx context.Context, a *store.Account, v store.Viewer, uri string) ([]byte, error) {
	posts, err := f.db.AccountPosts(ctx, v, a.ID, store.Page{Limit: pageSize}, store.AccountFilter{Pinned: true})
	if err != nil {
		return nil, err
	}
	items := []vocab.ObjectOut{}
	for _, p := range posts.Items {
		items = append(items, vocab.IRI(p.URI))
	}
	return vocab.EncodeCollection(vocab.OrderedCollection{ID: uri, TotalItems: len(items), Items: items})
}

// outbox lists what an account said to everyone, newest first.
func (f *Server) outbox(r *http.Request, a *store.Account, uri string) ([]byte, error) {
	q := r.URL.Query()
	if q.Get("page") == "" {
		return vocab.EncodeCollection(vocab.OrderedCollection{ID: uri, TotalItems: int(a.PostsCount), First: uri + "?page=true"})
	}
	page := store.Page{Limit: pageSize}
	if m := q.Get("max_id"); m != "" {
		id, err := store.ParseID(m)
		if err != nil {
			return nil, store.ErrNotFound
		}
		page.MaxID = id
	}
	posts, err := f.db.OutboxPosts(r.Context(), a.ID, page)
	if err != nil {
		return nil, err
	}
	views, err := f.db.Views(r.Context(), store.Anonymous, posts.Items)
	if err != nil {
		return nil, err
	}
	items := []vocab.ObjectOut{}
	for _, view := range views {
		out := f.postActivity("Create", view)
		items = append(items, &out)
	}
	self := uri + "?page=true"
	if page.MaxID != 0 {
		self += "&max_id=" + page.MaxID.String()
	}
	next := ""
	if posts.Next != 0 {
		next = uri + "?page=true&max_id=" + posts.Next.String()
	}
	return vocab.EncodeCollectionPage(vocab.CollectionPage{ID: self, PartOf: uri, Next: next, TotalItems: int(a.PostsCount), Items: items})
}

// ServeReplies lists the public replies to a post written here that may be seen by whoever asks.
func (f *Server) ServeReplies(w http.ResponseWriter, r *http.Request, id string) {
	doc, err := f.replies(r, id)
	if err != nil {
		f.fail(w, r, err)
		return
	}
	serveDoc(w, doc, false)
}

func (f *Server) replies(r *http.Request, id string) ([]byte, error) {
	n, err := store.ParseID(id)
	if err != nil {
		return nil, store.ErrNotFound
	}
	viewer, err := f.viewer(r.Context(), r)
	if err != nil {
		return nil, err
	}
	p, err := f.db.Post(r.Context(), viewer, n)
	if err != nil || p.Host != "" || p.CircleID != 0 {
		return nil, firstOf(err, store.ErrNotFound)
	}
	replies, err := f.db.Replies(r.Context(), p.ID, store.Page{Limit: maxReplies})
	if err != nil {
		return nil, err
	}
	items := []vocab.ObjectOut{}
	for _, reply := range replies.Items {
		items = append(items, vocab.IRI(reply.URI))
	}
	return vocab.EncodeCollection(vocab.OrderedCollection{ID: p.URI + "/replies", TotalItems: len(items), Items: items})
}

package federation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cohort/federation/vocab"
	"cohort/social"
	"cohort/store"
)

var errUnknownKind = errors.New("a job of unknown kind")

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// Handlers are the kinds of job that need other servers.
func (f *Server) Handlers() map[string]store.Handler {
	return map[string]store.Handler{
		store.JobCreate: f.deliver(f.postLetter), store.JobUpdate: f.deliver(f.postLetter), store.JobDelete: f.deliver(f.deleteLetter),
		social.ActivityJob: f.deliver(f.activityLetter), social.EndMembershipJob: f.deliver(f.activityLetter),
		store.JobFetch: f.fetchBoosted, social.MentionsJob: f.mentioned,
	}
}

// Permanent tells which kinds of delivery are never given up: the end of a membership holds back
// everything else of the circle for that server until it is acknowledged.
func Permanent(kind string) bool { return kind == social.EndMembershipJob }

// letter makes what a job sends, and says which actor signs the request. store.ErrNotFound or ErrDrop when
// there is nothing to send any more.
type letter func(ctx context.Context, job store.Job) (*store.Account, []byte, error)

// deliver sends letters, and asks again before each whether we speak with the server.
func (f *Server) deliver(write letter) store.Handler {
	return func(ctx context.Context, job store.Job) error {
		ok, err := f.allowed(ctx, job.Host)
		if err != nil || !ok {
			return firstOf(err, store.ErrDrop)
		}
		signer, doc, err := write(ctx, job)
		if err != nil {
			return dropMissing(err)
		}
		return f.post(ctx, job, signer, doc)
	}
}

// postLetter is a new or changed post, read again as the server that will get it: what was deleted
// meanwhile or may no longer be seen there is not sent, and where a change may not be seen a Delete goes
// instead.
func (f *Server) postLetter(ctx context.Context, job store.Job) (*store.Account, []byte, error) {
	viewer, err := f.db.AsServer(ctx, job.Host)
	if err != nil {
		return nil, nil, err
	}
	p, err := f.db.Post(ctx, viewer, job.ObjectID)
	if errors.Is(err, store.ErrNotFound) && f.ownPending(ctx, job) {
		p, err = f.pendingPost(ctx, job.ObjectID)
	}
	if errors.Is(err, store.ErrNotFound) && job.Kind == store.JobUpdate {
		return f.deleteLetter(ctx, job)
	}
	if err != nil {
		return nil, nil, err
	}
	if job.Kind == store.JobUpdate && !p.HeldAt.IsZero() {
		return nil, nil, store.ErrDrop // what it says now is not ready yet; then everyone gets it
	}
	return f.documentFor(ctx, job, viewer, p)
}

// ownPending tells whether a job sends a member's own post to the hub of its circle, which alone may see
// it before it is taken in.
func (f *Server) ownPending(ctx context.Context, job store.Job) bool {
	facts, err := f.db.PostFactsByID(ctx, job.ObjectID)
	if err != nil || facts.CircleID == 0 || facts.Host != "" || !facts.DeletedAt.IsZero() {
		return false
	}
	circle, err := f.db.Account(ctx, facts.CircleID)
	return err == nil && circle.Host == job.Host
}

func (f *Server) pendingPost(ctx context.Context, id store.ID) (*store.Post, error) {
	facts, err := f.db.PostFactsByID(ctx, id)
	if err != nil {
		return nil, err
	}
	return f.db.Post(ctx, store.AsAccount(facts.AuthorID), id)
}

// documentFor makes what is sent of a post and says which actor signs the request.
func (f *Server) documentFor(ctx context.Context, job store.Job, viewer store.Viewer, p *store.Post) (*store.Account, []byte, error) {
	if !p.PendingAt.IsZero() || p.CircleID != 0 {
		viewer = store.AsAccount(p.AuthorID)
	}
	verb := "Create"
	if job.Kind == store.JobUpdate {
		verb = "Update"
	}
	author, err := f.db.Account(ctx, p.AuthorID)
	if err != nil {
		return nil, nil, err
	}
	if p.CircleID != 0 {
		return f.circleDocument(ctx, job, verb, author, viewer, p)
	}
	key := renderKey(job, p)
	if p.ReplyToURI != "" {
		key += " " + job.Host // what it answers is named only to those who may see that
	}
	doc, err := f.rendered.get(key, func() ([]byte, error) {
		view, err := f.view(ctx, viewer, p)
		if err != nil {
			return nil, err
		}
		return f.renderPost(verb, view)
	})
	return author, doc, err
}

// renderKey changes with what a job sends of a post.
func renderKey(job store.Job, p *store.Post) string {
	return fmt.Sprint(job.Kind, " ", p.ID, " ", p.EditedAt.UnixMilli(), " ", p.HeldAt.UnixMilli())
}

// circleDocument is what is sent of a circle post: at the hub the Announce of the member's signed
// activity, elsewhere that activity itself, to the hub.
func (f *Server) circleDocument(ctx context.Context, job store.Job, verb string, author *store.Account, viewer store.Viewer, p *store.Post) (*store.Account, []byte, error) {
	circle, err := f.db.Account(ctx, p.CircleID)
	if err != nil {
		return nil, nil, err
	}
	if circle.Local() {
		speaks, err := f.db.SpeaksCircles(ctx, job.Host)
		if err != nil || !speaks {
			return nil, nil, firstOf(err, store.ErrDrop) // no server is sent what it would not keep
		}
	}
	key := "circle " + renderKey(job, p)
	doc, err := f.rendered.get(key, func() ([]byte, error) {
		inner := []byte(p.Signed)
		if author.Local() {
			view, err := f.view(ctx, viewer, p)
			if err != nil {
				return nil, err
			}
			out := f.postActivity(verb, view)
			out.Proof = true
			plain, err := vocab.EncodeActivity(out)
			if err != nil {
				return nil, err
			}
			if inner, err = f.signed(ctx, author, plain, p); err != nil {
				return nil, err
			}
		}
		if !circle.Local() {
			return inner, nil
		}
		if len(inner) == 0 {
			return nil, store.ErrDrop
		}
		return renderAnnounced(circle, strings.ToLower(verb)+"-"+p.ID.String()+"-"+millis(p.EditedAt), inner)
	})
	if circle.Local() {
		return circle, doc, err
	}
	return author, doc, err
}

func (f *Server) view(ctx context.Context, viewer store.Viewer, p *store.Post) (*store.PostView, error) {
	views, err := f.db.Views(ctx, viewer, []*store.Post{p})
	if err != nil {
		return nil, err
	}
	if len(views) != 1 {
		return nil, store.ErrNotFound
	}
	return views[0], nil
}

// deleteLetter tells a server that had a post that it is gone.
func (f *Server) deleteLetter(ctx context.Context, job store.Job) (*store.Account, []byte, error) {
	facts, err := f.db.PostFactsByID(ctx, job.ObjectID)
	if err != nil {
		return nil, nil, err
	}
	author, err := f.db.Account(ctx, facts.AuthorID)
	if err != nil {
		return nil, nil, err
	}
	return f.deleteDocument(ctx, facts, author)
}

func (f *Server) deleteDocument(ctx context.Context, facts *store.PostFacts, author *store.Account) (*store.Account, []byte, error) {
	if facts.CircleID == 0 {
		original := ""
		if facts.BoostOfID != 0 {
			var err error
			if original, err = f.postURI(ctx, facts.BoostOfID); err != nil {
				return nil, nil, err
			}
		}
		doc, err := renderDelete(facts, author, nil, original)
		return author, doc, err
	}
	circle, err := f.db.Account(ctx, facts.CircleID)
	if err != nil {
		return nil, nil, err
	}
	inner, err := f.innerDelete(ctx, facts, author, circle)
	if err != nil || !circle.Local() {
		return author, inner, err
	}
	doc, err := renderAnnounced(circle, "delete-"+facts.ID.String(), inner)
	return circle, doc, err
}

// innerDelete is the author's own signed Delete of a circle post: made here, or as it came.
func (f *Server) innerDelete(ctx context.Context, facts *store.PostFacts, author, circle *store.Account) ([]byte, error) {
	if !author.Local() {
		signed, err := f.db.SignedOf(ctx, facts.ID)
		if err == nil && !strings.Contains(signed, `"Delete"`) {
			err = store.ErrDrop
		}
		return []byte(signed), err
	}
	plain, err := renderDelete(facts, author, circle, "")
	if err != nil {
		return nil, err
	}
	at := facts.DeletedAt
	if at.IsZero() {
		at = facts.CreatedAt
	}
	return f.signed(ctx, author, plain, &store.Post{CreatedAt: at})
}

// activityLetter is what was recorded as an activity.
func (f *Server) activityLetter(ctx context.Context, job store.Job) (*store.Account, []byte, error) {
	a, err := f.db.Activity(ctx, job.ObjectID)
	if err != nil {
		return nil, nil, err
	}
	actor, err := f.db.Account(ctx, a.ActorID)
	if err != nil {
		return nil, nil, err
	}
	if a.PostID != 0 {
		facts, err := f.db.PostFactsByID(ctx, a.PostID)
		if err != nil {
			return nil, nil, err
		}
		if facts.CircleID != 0 {
			return f.reactionDocument(ctx, job, a, actor, facts)
		}
	}
	target, err := f.db.Account(ctx, a.TargetID)
	if err != nil {
		return nil, nil, err
	}
	doc, err := f.renderActivity(ctx, a, actor, target)
	return actor, doc, err
}

// post sends a document to a job's inbox, signed by a local actor.
func (f *Server) post(ctx context.Context, job store.Job, by *store.Account, doc []byte) error {
	signer, err := f.signer(ctx, by)
	if err != nil {
		return err
	}
	err = f.client.Post(ctx, job.Target, doc, func(r *http.Request) error { return signer.Sign(r, doc, f.db.Now()) })
	return deliveryError(err)
}

// deliveryError tells the worker which failures pass: no answer, 5xx, and the 4xx that say "not now".
func deliveryError(err error) error {
	var status *StatusError
	if errors.As(err, &status) {
		switch {
		case status.Code >= 500, status.Code == http.StatusUnauthorized, status.Code == http.StatusRequestTimeout, status.Code == http.StatusTooManyRequests:
			return &store.RetryError{After: status.RetryAfter, Err: err}
		}
		return err
	}
	if errors.Is(err, ErrTemporary) {
		return &store.RetryError{Err: err}
	}
	return err
}

// dropMissing ends a job whose fact is no more.
func dropMissing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return store.ErrDrop
	}
	return err
}

// fetchBoosted fetches a post that was boosted by someone followed here and then stores the boost.
func (f *Server) fetchBoosted(ctx context.Context, job store.Job) error {
	a, err := f.db.Activity(ctx, job.ObjectID)
	if err != nil {
		return dropMissing(err)
	}
	from, err := f.db.Account(ctx, a.ActorID)
	if err != nil {
		return dropMissing(err)
	}
	visibility, uri, _ := strings.Cut(a.Detail, " ")
	if _, err := f.FetchPost(ctx, uri); err != nil {
		if errors.Is(err, ErrTemporary) {
			return &store.RetryError{Err: err}
		}
		return store.ErrDrop
	}
	err = f.social.ReceiveBoost(ctx, from, social.IncomingBoost{URI: a.InnerURI, PostURI: uri, Visibility: visibility, Published: a.Created})
	return dropMissing(err)
}

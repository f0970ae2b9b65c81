package federation

import (
	"context"
	"errors"
	"fmt"

	"cohort/federation/vocab"
	"cohort/social"
	"cohort/store"
)

// Favourites in circles. They go to the hub with the proof of whose they are; the hub counts them and passes them on
// as it does posts, so that every member's server counts the same.

// maxSaid is how long an activity may be that is kept for passing on, in bytes: a Like or its Undo is short.
const maxSaid = 8 << 10

// said is what the hub of a circle here may pass on of a Like or Undo: one that names that circle and nobody else, and
// that the sender proved. Anything else is counted all the same, and told to nobody.
func (f *Server) said(ctx context.Context, sender Sender, act *vocab.Activity) (social.Said, error) {
	if !act.Proof || len(act.Raw) > maxSaid || len(act.Audience) != 1 {
		return social.Said{}, nil
	}
	circle, err := f.db.AccountByURI(ctx, act.Audience[0])
	switch {
	case errors.Is(err, store.ErrNotFound):
		return social.Said{}, nil
	case err != nil:
		return social.Said{}, err
	case !circle.Local(), circle.Kind != store.KindCircle, !onlyCircle(circle, act.To, act.Cc), f.proves(ctx, act, sender.account) != nil:
		return social.Said{}, nil
	}
	return social.Said{Circle: circle.ID, Signed: string(act.Raw)}, nil
}

// hubReaction is a favourite, or its end, that the hub of a circle elsewhere passes on.
func (f *Server) hubReaction(ctx context.Context, author Sender, circle *store.Account, inner *vocab.Activity) error {
	if inner.ID == "" || inner.Object == nil || inner.Object.ID == "" {
		return fmt.Errorf("%w: object", vocab.ErrMalformed)
	}
	if !onlyCircle(circle, inner.To, inner.Cc) {
		return social.ErrForbidden
	}
	if author.account.Local() {
		return nil // it began here
	}
	if inner.Type == "Like" {
		return f.social.ReceiveHubLike(ctx, author.account, circle, inner.Object.ID, inner.ID)
	}
	if !sameAuthority(author.account.URI, inner.Object.ID) {
		return social.ErrForbidden
	}
	return f.social.ReceiveHubUnlike(ctx, author.account, circle, inner.Object.ID)
}

// reactionDocument is what is sent of a favourite in a circle, or of its end, and who signs the request: at the hub the
// Announce of what the member said, elsewhere that itself, to the hub. store.ErrNotFound where the server may not see the post any more.
func (f *Server) reactionDocument(ctx context.Context, job store.Job, a *store.Activity, actor *store.Account, facts *store.PostFacts) (*store.Account, []byte, error) {
	circle, err := f.db.Account(ctx, facts.CircleID)
	if err == nil && circle.Local() {
		err = f.maySendReaction(ctx, job, facts)
	}
	if err != nil {
		return nil, nil, err
	}
	inner := []byte(a.Detail)
	if actor.Local() {
		if inner, err = f.signedReaction(ctx, a, actor, circle); err != nil {
			return nil, nil, err
		}
	}
	if !circle.Local() {
		return actor, inner, nil
	}
	doc, err := renderAnnounced(circle, a.Kind+"-"+a.ID.String(), inner)
	return circle, doc, err
}

// maySendReaction asks again, when it is sent, whether a server has a member who may see the post, and understands
// circles.
func (f *Server) maySendReaction(ctx context.Context, job store.Job, facts *store.PostFacts) error {
	speaks, err := f.db.SpeaksCircles(ctx, job.Host)
	if err != nil || !speaks {
		return firstOf(err, store.ErrNotFound)
	}
	viewer, err := f.db.AsServer(ctx, job.Host)
	if err == nil {
		_, err = f.db.Post(ctx, viewer, facts.ID)
	}
	return err
}

// signedReaction makes what a member here says, with her proof. The same fact always gives the same bytes.
func (f *Server) signedReaction(ctx context.Context, a *store.Activity, actor, circle *store.Account) ([]byte, error) {
	out, err := f.activityOf(ctx, a, actor, nil)
	if err != nil {
		return nil, err
	}
	out.To, out.Audience, out.Proof = []string{circle.URI, circle.FollowersURI}, []string{circle.URI}, true
	plain, err := vocab.EncodeActivity(out)
	if err != nil {
		return nil, err
	}
	return f.signed(ctx, actor, plain, &store.Post{CreatedAt: a.Created})
}

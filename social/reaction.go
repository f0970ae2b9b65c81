package social

import (
	"context"
	"errors"

	"cohort/store"
)

// Said is what a member elsewhere said in a circle, with her own proof in it, so that the circle's hub can pass
// it on unchanged. The zero value is passed on to nobody.
type Said struct {
	Circle store.ID
	Signed string
}

// sayReaction records a favourite, or its end, and queues it for the authority of the post: its author's server or
// the hub of its circle. Where the hub is here, it tells the members' servers at once.
func (s *Service) sayReaction(ctx context.Context, tx *store.Tx, a *store.Activity, p *store.Post) error {
	to, err := authority(ctx, tx, p)
	if err != nil {
		return err
	}
	if p.CircleID == 0 || !to.Local() {
		return s.say(ctx, tx, a, to)
	}
	return s.passOn(ctx, tx, a, p)
}

// passOn queues a reaction to a post in a circle here for every server with a member who may see the post.
func (s *Service) passOn(ctx context.Context, tx *store.Tx, a *store.Activity, p *store.Post) error {
	if a.ID == 0 {
		a.ID = tx.NewID()
	}
	n, err := tx.EnqueueReaction(ctx, ActivityJob, a.ID, p)
	if err != nil || n == 0 {
		return err
	}
	tx.AfterCommit(s.Wake)
	return tx.InsertActivity(ctx, a)
}

// passOnSaid is passOn for what a member elsewhere said to this hub.
func (s *Service) passOnSaid(ctx context.Context, tx *store.Tx, kind string, from *store.Account, uri string, p *store.Post, said Said) error {
	if said.Signed == "" || p.CircleID == 0 || said.Circle != p.CircleID {
		return nil
	}
	return s.passOn(ctx, tx, &store.Activity{Kind: kind, ActorID: from.ID, TargetID: p.AuthorID, PostID: p.ID, InnerURI: uri, Detail: said.Signed}, p)
}

// ReceiveHubLike is a favourite by from, a member elsewhere, that the hub of a circle elsewhere passes on: the hub has
// found that she may. One of a post that is not here has no effect; of a post that is not in the circle, it is ErrForbidden.
func (s *Service) ReceiveHubLike(ctx context.Context, from, circle *store.Account, postURI, uri string) error {
	return s.once(ctx, "receive hub like", uri, func(tx *store.Tx) error {
		facts, err := tx.PostFacts(ctx, postURI)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil
		case err != nil:
			return err
		case facts.CircleID != circle.ID:
			return ErrForbidden
		case !facts.DeletedAt.IsZero():
			return nil
		}
		p, err := tx.Post(ctx, store.AsAccount(facts.AuthorID), facts.ID)
		if errors.Is(err, store.ErrNotFound) {
			return nil // its author is seen by nobody
		}
		if err != nil {
			return err
		}
		created, err := tx.InsertLike(ctx, from.ID, p, uri)
		if err != nil || !created || p.Host != "" {
			return err
		}
		return s.notify(ctx, tx, store.Notification{AccountID: p.AuthorID, Kind: store.NotifyLike, FromID: from.ID, PostID: p.ID}, p.RootID)
	})
}

// ReceiveHubUnlike takes back a favourite that ReceiveHubLike brought, found by its own id.
func (s *Service) ReceiveHubUnlike(ctx context.Context, from, circle *store.Account, likeURI string) error {
	return s.tx(ctx, "receive hub unlike", func(tx *store.Tx) error {
		like, err := tx.LikeByURI(ctx, likeURI)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		facts, err := tx.PostFactsByID(ctx, like.PostID)
		if err != nil {
			return err
		}
		if like.AccountID != from.ID || facts.CircleID != circle.ID {
			return ErrForbidden
		}
		_, err = tx.DeleteLike(ctx, from.ID, like.PostID)
		return err
	})
}

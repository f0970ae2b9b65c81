package social

import (
	"context"
	"errors"
	"time"

	"cohort/store"
)

// once runs f unless the activity uri was handled before: a repeat changes nothing.
func (s *Service) once(ctx context.Context, name, uri string, f func(tx *store.Tx) error) error {
	return s.tx(ctx, name, func(tx *store.Tx) error {
		fresh, err := tx.SeeActivity(ctx, uri)
		if err != nil || !fresh {
			return err
		}
		return f(tx)
	})
}

// ReceiveFollow is from, on another server, asking to follow target here, a circle included.
func (s *Service) ReceiveFollow(ctx context.Context, from, target *store.Account, uri string) error {
	return s.once(ctx, "receive follow", uri, func(tx *store.Tx) error {
		if !target.Local() || !target.Live() || target.Kind == store.KindServer {
			return store.ErrNotFound
		}
		if target.Kind == store.KindCircle {
			return s.join(ctx, tx, from, target, uri)
		}
		rel, err := tx.Relationship(ctx, target.ID, from.ID)
		if err != nil {
			return err
		}
		if rel.Blocking {
			return s.say(ctx, tx, &store.Activity{Kind: "reject", ActorID: target.ID, TargetID: from.ID, InnerURI: uri}, from)
		}
		// The follow may be known from before its server lost it: then the new id counts.
		f, err := tx.DeleteFollow(ctx, from.ID, target.ID)
		known := err == nil
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if !known {
			f = &store.Follow{AccountID: from.ID, TargetID: target.ID, Boosts: true, RequestedAt: tx.Now}
			if !target.Locked {
				f.AcceptedAt = tx.Now
			}
		}
		f.ID, f.URI = tx.NewID(), uri
		if _, err := tx.InsertFollow(ctx, f); err != nil {
			return err
		}
		if !known {
			if err := s.notifyFollow(ctx, tx, f); err != nil {
				return err
			}
		}
		if f.AcceptedAt.IsZero() {
			return nil
		}
		return s.say(ctx, tx, &store.Activity{Kind: "accept", ActorID: target.ID, TargetID: from.ID, InnerURI: uri}, from)
	})
}

// ReceiveUndoFollow ends a follow by from, found by its id or else by whom it followed.
func (s *Service) ReceiveUndoFollow(ctx context.Context, from *store.Account, followURI string, target *store.Account) error {
	return s.tx(ctx, "receive unfollow", func(tx *store.Tx) error {
		if target == nil {
			var err error
			if target, err = followed(ctx, tx, from, followURI); err != nil || target == nil {
				return err
			}
		}
		if target.Kind == store.KindCircle {
			if !target.Local() {
				return nil
			}
			err := tx.EndMembership(ctx, target.ID, from.ID)
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			return err
		}
		_, err := tx.DeleteFollow(ctx, from.ID, target.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return tx.DeleteNotifications(ctx, target.ID, from.ID, store.NotifyFollowRequest)
	})
}

// followed finds whom, a circle included, from follows with the activity uri; nil if nobody.
func followed(ctx context.Context, tx *store.Tx, from *store.Account, uri string) (*store.Account, error) {
	var who, whom store.ID
	f, err := tx.FollowByURI(ctx, uri)
	if err == nil {
		who, whom = f.AccountID, f.TargetID
	}
	if errors.Is(err, store.ErrNotFound) {
		var m *store.Membership
		if m, err = tx.MembershipByFollow(ctx, 0, uri); err == nil {
			who, whom = m.AccountID, m.CircleID
		}
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil //nolint:nilnil // there is nothing to undo
	case err != nil:
		return nil, err
	case who != from.ID:
		return nil, ErrForbidden
	}
	return tx.Account(ctx, whom)
}

// ReceiveAccept is the followed account, or a circle's hub, saying yes to a Follow of ours; membership
// is the id the hub gave it. Only an answer by the account that was asked counts.
func (s *Service) ReceiveAccept(ctx context.Context, by *store.Account, followURI, membership string) error {
	return s.tx(ctx, "receive accept", func(tx *store.Tx) error {
		if by.Kind == store.KindCircle {
			m, err := tx.MembershipByFollow(ctx, by.ID, followURI)
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			if err != nil || !m.EndedAt.IsZero() || !m.VerifiedAt.IsZero() {
				return err
			}
			m.VerifiedAt, m.URI, m.Via = tx.Now, membership, "native"
			return tx.SaveMembership(ctx, m)
		}
		f, err := askedOf(ctx, tx, by, followURI)
		if err != nil || f == nil {
			return err
		}
		_, err = tx.AcceptFollow(ctx, f.AccountID, f.TargetID)
		return err
	})
}

// ReceiveReject is the account that was asked saying no, or ending what it had accepted; from a
// circle's hub it ends the membership.
func (s *Service) ReceiveReject(ctx context.Context, by *store.Account, followURI string) error {
	return s.tx(ctx, "receive reject", func(tx *store.Tx) error {
		if by.Kind == store.KindCircle {
			m, err := tx.MembershipByFollow(ctx, by.ID, followURI)
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			if err != nil || !m.EndedAt.IsZero() {
				return err
			}
			account := m.AccountID
			tx.AfterCommit(func() { s.Hub.Drop(account) })
			return tx.EndMembership(ctx, m.CircleID, m.AccountID)
		}
		f, err := askedOf(ctx, tx, by, followURI)
		if err != nil || f == nil {
			return err
		}
		_, err = tx.DeleteFollow(ctx, f.AccountID, f.TargetID)
		return err
	})
}

// askedOf is the follow with the activity uri, which by was asked for; nil if there is none.
func askedOf(ctx context.Context, tx *store.Tx, by *store.Account, uri string) (*store.Follow, error) {
	f, err := tx.FollowByURI(ctx, uri)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil //nolint:nilnil // there is nothing to answer
	case err != nil:
		return nil, err
	case f.TargetID != by.ID:
		return nil, ErrForbidden
	}
	return f, nil
}

// ReceiveBlock is from blocking an account here: relations end, and from's posts are hidden from it.
// Nobody is told.
func (s *Service) ReceiveBlock(ctx context.Context, from, target *store.Account, uri string) error {
	return s.once(ctx, "receive block", uri, func(tx *store.Tx) error {
		if !target.Local() || target.Kind == store.KindCircle || target.Kind == store.KindServer {
			return nil
		}
		_, err := tx.InsertBlock(ctx, from.ID, target.ID, uri)
		return err
	})
}

// ReceiveUndoBlock takes a block back.
func (s *Service) ReceiveUndoBlock(ctx context.Context, from, target *store.Account) error {
	return s.tx(ctx, "receive unblock", func(tx *store.Tx) error {
		_, err := tx.DeleteBlock(ctx, from.ID, target.ID)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
}

// ReceiveLike is from favouring a post that it may see. What it may not see is as if it were not
// there: store.ErrNotFound. In a circle here, the members' servers are told what was said.
func (s *Service) ReceiveLike(ctx context.Context, from *store.Account, postURI, uri string, said Said) error {
	return s.once(ctx, "receive like", uri, func(tx *store.Tx) error {
		p, err := tx.PostByURI(ctx, store.AsSigner(from.ID), postURI)
		if err == nil && p.BoostOfID != 0 {
			p, err = tx.Post(ctx, store.AsSigner(from.ID), p.BoostOfID)
		}
		if err != nil {
			return err
		}
		created, err := tx.InsertLike(ctx, from.ID, p, uri)
		if err != nil || !created {
			return err
		}
		if p.Host == "" {
			err = s.notify(ctx, tx, store.Notification{AccountID: p.AuthorID, Kind: store.NotifyLike, FromID: from.ID, PostID: p.ID}, p.RootID)
		}
		if err != nil {
			return err
		}
		return s.passOnSaid(ctx, tx, "like", from, uri, p, said)
	})
}

// ReceiveUndoLike takes a favourite back, found by its own id or by the post. What was said is passed on as by
// ReceiveLike.
func (s *Service) ReceiveUndoLike(ctx context.Context, from *store.Account, likeURI, postURI string, said Said) error {
	return s.tx(ctx, "receive unlike", func(tx *store.Tx) error {
		post := store.ID(0)
		like, err := tx.LikeByURI(ctx, likeURI)
		switch {
		case err == nil:
			if like.AccountID != from.ID {
				return ErrForbidden
			}
			post = like.PostID
		case !errors.Is(err, store.ErrNotFound):
			return err
		default:
			facts, err := tx.PostFacts(ctx, postURI)
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			post = facts.ID
		}
		like, err = tx.DeleteLike(ctx, from.ID, post)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil || said.Signed == "" {
			return err
		}
		facts, err := tx.PostFactsByID(ctx, post)
		if err != nil {
			return err
		}
		p := &store.Post{ID: post, AuthorID: facts.AuthorID, CircleID: facts.CircleID}
		return s.passOnSaid(ctx, tx, "undo_like", from, like.URI, p, said)
	})
}

// IncomingBoost is someone elsewhere passing on a post.
type IncomingBoost struct {
	URI        string
	PostURI    string
	Visibility string // public, unlisted or followers
	Published  time.Time
}

// ReceiveBoost stores a boost of a post known here. store.ErrNotFound if it is not known, or may not
// be boosted by from.
func (s *Service) ReceiveBoost(ctx context.Context, from *store.Account, in IncomingBoost) error {
	return s.tx(ctx, "receive boost", func(tx *store.Tx) error {
		if facts, err := tx.PostFacts(ctx, in.URI); err == nil {
			if facts.AuthorID != from.ID {
				return ErrForbidden
			}
			return nil
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		p, err := tx.PostByURI(ctx, store.AsSigner(from.ID), in.PostURI)
		if err != nil {
			return err
		}
		own := p.AuthorID == from.ID && p.Visibility == store.Followers
		if p.BoostOfID != 0 || p.Visibility != store.Public && p.Visibility != store.Unlisted && !own {
			return store.ErrNotFound
		}
		at := saidAt(in.Published, tx.Now)
		if _, err := tx.BoostBy(ctx, from.ID, p.ID); err == nil {
			return nil
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		boost := &store.Post{
			ID: s.DB.IDAt(at), URI: in.URI, URL: in.URI, AuthorID: from.ID, Host: from.Host, BoostOfID: p.ID,
			Visibility: boostVisibility(in.Visibility, p), CreatedAt: at, Language: p.Language,
		}
		_, err = s.commitBoost(ctx, tx, boost, p)
		return err
	})
}

// RememberBoost keeps a boost of a post that is not known here and queues the fetching of the post.
// Only boosts by accounts that someone here follows are worth it.
func (s *Service) RememberBoost(ctx context.Context, from *store.Account, in IncomingBoost) error {
	followed, err := s.DB.HasLocalFollowers(ctx, from.ID)
	if err != nil || !followed {
		return err
	}
	return s.once(ctx, "remember boost", in.URI, func(tx *store.Tx) error {
		a := &store.Activity{Kind: "fetch_boost", ActorID: from.ID, InnerURI: in.URI, Detail: in.Visibility + " " + in.PostURI}
		if err := tx.InsertActivity(ctx, a); err != nil {
			return err
		}
		tx.AfterCommit(s.Wake)
		return tx.Enqueue(ctx, store.JobFetch, a.ID, in.PostURI, "fetch#"+from.Host, tx.Now)
	})
}

// SaveRemote stores what an account on another server says of itself, new or changed. The id, the
// server and the kind of a stored account never change.
func (s *Service) SaveRemote(ctx context.Context, a *store.Account) (*store.Account, error) {
	if a.Host == "" || a.Host == s.Config.Host || s.Owns(a.URI) {
		return nil, ErrForbidden
	}
	a.Name, a.Bio = CleanName(a.Name), SanitizeHTML(a.Bio)
	err := s.tx(ctx, "save remote account", func(tx *store.Tx) error { return saveRemote(ctx, tx, a) })
	if errors.Is(err, store.ErrConflict) { // perhaps by the same account, at the same moment
		err = s.tx(ctx, "save remote account", func(tx *store.Tx) error { return saveRemote(ctx, tx, a) })
	}
	if err != nil {
		return nil, err
	}
	return s.DB.Account(ctx, a.ID)
}

// saveRemote is the transaction of SaveRemote.
func saveRemote(ctx context.Context, tx *store.Tx, a *store.Account) error {
	old, err := tx.AccountByURI(ctx, a.URI)
	if errors.Is(err, store.ErrNotFound) {
		a.ID, a.UpdatedAt, a.FetchedAt = tx.NewID(), tx.Now, tx.Now
		if a.CreatedAt.IsZero() || a.CreatedAt.After(tx.Now) {
			a.CreatedAt = tx.Now
		}
		return tx.InsertAccount(ctx, a)
	}
	if err != nil {
		return err
	}
	if !old.DeletedAt.IsZero() || old.Kind != a.Kind && (old.Kind == store.KindCircle || a.Kind == store.KindCircle) {
		return ErrForbidden
	}
	a.ID, a.Kind, a.CreatedAt, a.FetchedAt, a.UpdatedAt = old.ID, old.Kind, old.CreatedAt, tx.Now, tx.Now
	return tx.UpdateAccount(ctx, a)
}

package social

import (
	"context"
	"errors"
	"time"

	"cohort/store"
)

// FollowOptions are how one follows. Nil keeps what was set before, or the default.
type FollowOptions struct {
	Boosts *bool
	Notify *bool
}

func (o FollowOptions) apply(f *store.Follow) {
	if o.Boosts != nil {
		f.Boosts = *o.Boosts
	}
	if o.Notify != nil {
		f.Notify = *o.Notify
	}
}

// MuteOptions are how one mutes; For 0 is for good.
type MuteOptions struct {
	Notifications bool
	For           time.Duration
}

// other returns the account a relation is with; it must be live and somebody else.
func other(ctx context.Context, tx *store.Tx, by *store.Account, id store.ID) (*store.Account, error) {
	a, err := tx.Account(ctx, id)
	if err != nil {
		return nil, err
	}
	if !a.Live() || a.Kind == store.KindServer {
		return nil, store.ErrNotFound
	}
	if a.ID == by.ID {
		return nil, &Invalid{Field: "id", Key: "invalid.self"}
	}
	return a, nil
}

// Follow makes by follow target, or ask to where target approves its followers. Following a circle is
// asking for a place in it. Repeating it changes the options only.
func (s *Service) Follow(ctx context.Context, by *store.Account, target store.ID, o FollowOptions) error {
	return s.tx(ctx, "follow", func(tx *store.Tx) error {
		a, err := other(ctx, tx, by, target)
		if err != nil {
			return err
		}
		if a.Kind == store.KindCircle {
			return s.askToJoin(ctx, tx, by, a)
		}
		rel, err := tx.Relationship(ctx, by.ID, a.ID)
		if err != nil {
			return err
		}
		if rel.BlockedBy || rel.Blocking {
			return ErrForbidden
		}
		f := &store.Follow{AccountID: by.ID, TargetID: a.ID, Boosts: true}
		if old, err := tx.Follow(ctx, by.ID, a.ID); err == nil {
			f = old
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		o.apply(f)
		if f.ID != 0 {
			return tx.UpdateFollow(ctx, f)
		}
		return s.startFollow(ctx, tx, by, a, f)
	})
}

// startFollow records a new follow. Here it is decided at once; elsewhere the answer will come.
func (s *Service) startFollow(ctx context.Context, tx *store.Tx, by, a *store.Account, f *store.Follow) error {
	act := &store.Activity{ID: tx.NewID(), Kind: "follow", ActorID: by.ID, TargetID: a.ID}
	f.ID, f.URI, f.RequestedAt = act.ID, s.ActivityURI(act.ID), tx.Now
	if a.Local() && !a.Locked {
		f.AcceptedAt = tx.Now
	}
	created, err := tx.InsertFollow(ctx, f)
	if err != nil || !created {
		return err
	}
	if err := s.notifyFollow(ctx, tx, f); err != nil {
		return err
	}
	return s.say(ctx, tx, act, a)
}

func (s *Service) notifyFollow(ctx context.Context, tx *store.Tx, f *store.Follow) error {
	kind := store.NotifyFollow
	if f.AcceptedAt.IsZero() {
		kind = store.NotifyFollowRequest
	}
	target, err := tx.Account(ctx, f.TargetID)
	if err != nil || !target.Local() {
		return err
	}
	return s.notify(ctx, tx, store.Notification{AccountID: f.TargetID, Kind: kind, FromID: f.AccountID}, 0)
}

// Unfollow ends a follow or a request; with a circle it means leaving it.
func (s *Service) Unfollow(ctx context.Context, by *store.Account, target store.ID) error {
	return s.tx(ctx, "unfollow", func(tx *store.Tx) error {
		a, err := tx.Account(ctx, target)
		if err != nil {
			return err
		}
		if a.Kind == store.KindCircle {
			return s.leave(ctx, tx, by, a)
		}
		return s.endFollow(ctx, tx, by, a)
	})
}

// endFollow removes the follow of a by by and says so. No follow is no error.
func (s *Service) endFollow(ctx context.Context, tx *store.Tx, by, a *store.Account) error {
	f, err := tx.DeleteFollow(ctx, by.ID, a.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := tx.DeleteNotifications(ctx, a.ID, by.ID, store.NotifyFollowRequest); err != nil {
		return err
	}
	return s.say(ctx, tx, &store.Activity{Kind: "undo_follow", ActorID: by.ID, TargetID: a.ID, InnerURI: f.URI}, a)
}

// AcceptRequest lets from follow by. store.ErrNotFound if it did not ask.
func (s *Service) AcceptRequest(ctx context.Context, by *store.Account, from store.ID) error {
	return s.tx(ctx, "accept request", func(tx *store.Tx) error {
		f, err := tx.Follow(ctx, from, by.ID)
		if err != nil {
			return err
		}
		changed, err := tx.AcceptFollow(ctx, from, by.ID)
		if err != nil || !changed {
			return err
		}
		if err := tx.DeleteNotifications(ctx, by.ID, from, store.NotifyFollowRequest); err != nil {
			return err
		}
		f.AcceptedAt = tx.Now
		if err := s.notifyFollow(ctx, tx, f); err != nil {
			return err
		}
		return s.answerFollow(ctx, tx, "accept", by, from, f.URI)
	})
}

// RejectRequest refuses a request to follow by.
func (s *Service) RejectRequest(ctx context.Context, by *store.Account, from store.ID) error {
	return s.RemoveFollower(ctx, by, from)
}

// RemoveFollower ends somebody's follow of by, or their request, and tells their server.
// store.ErrNotFound if there is neither.
func (s *Service) RemoveFollower(ctx context.Context, by *store.Account, from store.ID) error {
	return s.tx(ctx, "remove follower", func(tx *store.Tx) error {
		f, err := tx.DeleteFollow(ctx, from, by.ID)
		if err != nil {
			return err
		}
		if err := tx.DeleteNotifications(ctx, by.ID, from, store.NotifyFollowRequest); err != nil {
			return err
		}
		return s.answerFollow(ctx, tx, "reject", by, from, f.URI)
	})
}

// answerFollow says accept or reject to the server of whoever asked.
func (s *Service) answerFollow(ctx context.Context, tx *store.Tx, kind string, by *store.Account, from store.ID, uri string) error {
	asker, err := tx.Account(ctx, from)
	if err != nil {
		return err
	}
	return s.say(ctx, tx, &store.Activity{Kind: kind, ActorID: by.ID, TargetID: from, InnerURI: uri}, asker)
}

// Block ends all relations with target and hides by's posts from it.
func (s *Service) Block(ctx context.Context, by *store.Account, target store.ID) error {
	return s.tx(ctx, "block", func(tx *store.Tx) error {
		a, err := other(ctx, tx, by, target)
		if err != nil {
			return err
		}
		if a.Kind == store.KindCircle {
			return &Invalid{Field: "id", Key: "invalid.block_circle"}
		}
		act := &store.Activity{ID: tx.NewID(), Kind: "block", ActorID: by.ID, TargetID: a.ID}
		created, err := tx.InsertBlock(ctx, by.ID, a.ID, s.ActivityURI(act.ID))
		if err != nil || !created {
			return err
		}
		return s.say(ctx, tx, act, a)
	})
}

// Unblock undoes Block; follows do not come back.
func (s *Service) Unblock(ctx context.Context, by *store.Account, target store.ID) error {
	return s.tx(ctx, "unblock", func(tx *store.Tx) error {
		b, err := tx.DeleteBlock(ctx, by.ID, target)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		a, err := tx.Account(ctx, target)
		if err != nil {
			return err
		}
		return s.say(ctx, tx, &store.Activity{Kind: "undo_block", ActorID: by.ID, TargetID: target, InnerURI: b.URI}, a)
	})
}

// Mute hides target from by's timelines, and its notifications if those are set, for good or for a
// while. Nobody else learns of it.
func (s *Service) Mute(ctx context.Context, by *store.Account, target store.ID, o MuteOptions) error {
	return s.tx(ctx, "mute", func(tx *store.Tx) error {
		a, err := other(ctx, tx, by, target)
		if err != nil {
			return err
		}
		m := &store.Mute{AccountID: by.ID, TargetID: a.ID, Notifications: o.Notifications}
		if o.For > 0 {
			m.ExpiresAt = tx.Now.Add(o.For)
		}
		return tx.InsertMute(ctx, m)
	})
}

// Unmute undoes Mute.
func (s *Service) Unmute(ctx context.Context, by *store.Account, target store.ID) error {
	return s.tx(ctx, "unmute", func(tx *store.Tx) error { return tx.DeleteMute(ctx, by.ID, target) })
}

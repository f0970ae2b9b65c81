package social

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"cohort/store"
)

// seen returns a post that by may see, the original if id names a boost.
func seen(ctx context.Context, tx *store.Tx, by *store.Account, id store.ID) (*store.Post, error) {
	p, err := tx.Post(ctx, store.AsAccount(by.ID), id)
	if err == nil && p.BoostOfID != 0 {
		p, err = tx.Post(ctx, store.AsAccount(by.ID), p.BoostOfID)
	}
	return p, err
}

// authority is the account that must hear of reactions to p: the hub of its circle, or its author.
func authority(ctx context.Context, tx *store.Tx, p *store.Post) (*store.Account, error) {
	if p.CircleID != 0 {
		return tx.Account(ctx, p.CircleID)
	}
	return tx.Account(ctx, p.AuthorID)
}

// Like marks a post as a favourite of by. Doing it twice changes nothing. store.ErrNotFound for what
// by may not see.
func (s *Service) Like(ctx context.Context, by *store.Account, id store.ID) error {
	return s.tx(ctx, "like", func(tx *store.Tx) error {
		p, err := seen(ctx, tx, by, id)
		if err != nil {
			return err
		}
		a := &store.Activity{ID: tx.NewID(), Kind: "like", ActorID: by.ID, TargetID: p.AuthorID, PostID: p.ID}
		created, err := tx.InsertLike(ctx, by.ID, p, s.ActivityURI(a.ID))
		if err != nil || !created {
			return err
		}
		if p.Host == "" {
			err = s.notify(ctx, tx, store.Notification{AccountID: p.AuthorID, Kind: store.NotifyLike, FromID: by.ID, PostID: p.ID}, p.RootID)
		}
		if err != nil {
			return err
		}
		return s.sayReaction(ctx, tx, a, p)
	})
}

// Unlike takes a favourite back.
func (s *Service) Unlike(ctx context.Context, by *store.Account, id store.ID) error {
	return s.tx(ctx, "unlike", func(tx *store.Tx) error {
		p, err := seen(ctx, tx, by, id)
		if err != nil {
			return err
		}
		like, err := tx.DeleteLike(ctx, by.ID, p.ID)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.sayReaction(ctx, tx, &store.Activity{Kind: "undo_like", ActorID: by.ID, TargetID: p.AuthorID, PostID: p.ID, InnerURI: like.URI}, p)
	})
}

// Boost passes a public or unlisted post on to by's followers; visibility may be public, unlisted or
// followers and defaults to public. Doing it twice gives the first boost. Posts of a circle, and
// others meant for some, are *Invalid: they cannot be boosted by anyone.
func (s *Service) Boost(ctx context.Context, by *store.Account, id store.ID, visibility string) (*store.Post, error) {
	if !slices.Contains([]string{"", store.Public, store.Unlisted, store.Followers}, visibility) {
		return nil, &Invalid{Field: "visibility", Key: "invalid.visibility"}
	}
	var boost *store.Post
	err := s.tx(ctx, "boost", func(tx *store.Tx) error {
		p, err := seen(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if boost, err = tx.BoostBy(ctx, by.ID, p.ID); err == nil || !errors.Is(err, store.ErrNotFound) {
			return err
		}
		own := p.AuthorID == by.ID && p.Visibility == store.Followers
		if p.Visibility != store.Public && p.Visibility != store.Unlisted && !own {
			return &Invalid{Field: "status", Key: "invalid.not_boostable"}
		}
		boost = &store.Post{ID: tx.NewID(), AuthorID: by.ID, BoostOfID: p.ID, Visibility: boostVisibility(visibility, p), CreatedAt: tx.Now, Language: p.Language}
		boost.URI = s.PostURI(boost.ID)
		boost.URL = s.ProfileURL(by.Handle) + "/" + boost.ID.String()
		created, err := s.commitBoost(ctx, tx, boost, p)
		if err == nil && !created { // by the same account, at the same moment
			boost, err = tx.BoostBy(ctx, by.ID, p.ID)
		}
		return err
	})
	return boost, err
}

func boostVisibility(asked string, p *store.Post) string {
	if p.Visibility == store.Followers || asked == store.Followers {
		return store.Followers
	}
	if asked == store.Unlisted {
		return store.Unlisted
	}
	return store.Public
}

// commitBoost stores a boost of p, whoever made it, and spreads it. It reports false, and does nothing,
// if there is one already.
func (s *Service) commitBoost(ctx context.Context, tx *store.Tx, boost, p *store.Post) (bool, error) {
	author, err := tx.Account(ctx, p.AuthorID)
	if err != nil {
		return false, err
	}
	var parts store.PostParts
	if !author.Local() && boost.Host == "" {
		// The author's server is told, though the author need not follow the booster.
		parts.Recipients = []store.Recipient{{AccountID: author.ID}}
	}
	created, err := tx.InsertPost(ctx, boost, parts)
	if err != nil || !created {
		return false, err
	}
	if author.Local() {
		n := store.Notification{AccountID: p.AuthorID, Kind: store.NotifyBoost, FromID: boost.AuthorID, PostID: p.ID}
		if err := s.notify(ctx, tx, n, p.RootID); err != nil {
			return false, err
		}
	}
	return true, s.spread(ctx, tx, boost, EventUpdate, nil, nil)
}

// Unboost takes a boost back.
func (s *Service) Unboost(ctx context.Context, by *store.Account, id store.ID) error {
	return s.tx(ctx, "unboost", func(tx *store.Tx) error {
		p, err := seen(ctx, tx, by, id)
		if err != nil {
			return err
		}
		boost, err := tx.BoostBy(ctx, by.ID, p.ID)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err = s.removePost(ctx, tx, boost); errors.Is(err, store.ErrNotFound) {
			return nil // taken back at the same moment
		}
		return err
	})
}

// Bookmark keeps a post in by's private list.
func (s *Service) Bookmark(ctx context.Context, by *store.Account, id store.ID) error {
	return s.tx(ctx, "bookmark", func(tx *store.Tx) error {
		p, err := seen(ctx, tx, by, id)
		if err != nil {
			return err
		}
		return tx.InsertBookmark(ctx, by.ID, p.ID)
	})
}

// Unbookmark removes a post from by's private list.
func (s *Service) Unbookmark(ctx context.Context, by *store.Account, id store.ID) error {
	return s.tx(ctx, "unbookmark", func(tx *store.Tx) error {
		p, err := seen(ctx, tx, by, id)
		if err != nil {
			return err
		}
		return tx.DeleteBookmark(ctx, by.ID, p.ID)
	})
}

// MaxPins is how many posts a profile can show first.
const MaxPins = 5

// Pin shows one's own public or unlisted post first on one's profile.
func (s *Service) Pin(ctx context.Context, by *store.Account, id store.ID) error {
	return s.tx(ctx, "pin", func(tx *store.Tx) error {
		p, err := tx.PostAuthored(ctx, by.ID, id)
		if err != nil {
			return err
		}
		if p.BoostOfID != 0 || p.Visibility != store.Public && p.Visibility != store.Unlisted {
			return &Invalid{Field: "status", Key: "invalid.not_pinnable"}
		}
		// First the row, which changes nothing if it is there already; one too many takes it back.
		if err := tx.InsertPin(ctx, by.ID, p.ID); err != nil {
			return err
		}
		n, err := tx.PinCount(ctx, by.ID)
		if err == nil && n > MaxPins {
			err = &Invalid{Field: "status", Key: "invalid.pins_full", Args: map[string]any{"Max": MaxPins}}
		}
		return err
	})
}

// Unpin undoes Pin.
func (s *Service) Unpin(ctx context.Context, by *store.Account, id store.ID) error {
	return s.tx(ctx, "unpin", func(tx *store.Tx) error {
		p, err := tx.PostAuthored(ctx, by.ID, id)
		if err != nil {
			return err
		}
		return tx.DeletePin(ctx, by.ID, p.ID)
	})
}

// MuteThread stops (or, with mute false, resumes) notifications of the conversation a post is in.
func (s *Service) MuteThread(ctx context.Context, by *store.Account, id store.ID, mute bool) error {
	return s.tx(ctx, "mute thread", func(tx *store.Tx) error {
		p, err := seen(ctx, tx, by, id)
		if err != nil {
			return err
		}
		if mute {
			return tx.InsertThreadMute(ctx, by.ID, p.RootID)
		}
		return tx.DeleteThreadMute(ctx, by.ID, p.RootID)
	})
}

// tx runs one use-case and names it in errors that are not answers.
func (s *Service) tx(ctx context.Context, name string, f func(tx *store.Tx) error) error {
	if err := s.DB.Tx(ctx, f); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

package social

import (
	"context"
	"errors"
	"slices"

	"cohort/store"
)

// notify keeps a notification for a local account unless it does not want to hear from the sender,
// and tells its listeners after the commit. root is the thread it belongs to, or 0.
func (s *Service) notify(ctx context.Context, tx *store.Tx, n store.Notification, root store.ID) error {
	if n.AccountID == n.FromID {
		return nil
	}
	wants, err := tx.WantsNotification(ctx, n.AccountID, n.FromID, root)
	if err != nil || !wants {
		return err
	}
	n.ID, n.CreatedAt = tx.NewID(), tx.Now
	created, err := tx.Notify(ctx, n)
	if err != nil || !created {
		return err
	}
	tx.AfterCommit(func() {
		s.Hub.Publish(Event{Kind: EventNotification, Notification: n.ID, Post: n.PostID, Accounts: []store.ID{n.AccountID}})
	})
	return nil
}

// maySee tells whether an account may see a post now.
func maySee(ctx context.Context, tx *store.Tx, account, post store.ID) (bool, error) {
	_, err := tx.Post(ctx, store.AsAccount(account), post)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// notifyMentions tells local accounts that a post mentions, and gives who they are. Whoever may not see the post is
// not told.
func (s *Service) notifyMentions(ctx context.Context, tx *store.Tx, p *store.Post, mentions []*store.Account) (told map[store.ID]bool, err error) {
	told = map[store.ID]bool{}
	for _, a := range mentions {
		if !a.Local() || told[a.ID] || a.Kind == store.KindCircle || a.ID == p.AuthorID {
			continue
		}
		told[a.ID] = true
		if sees, err := maySee(ctx, tx, a.ID, p.ID); err != nil {
			return told, err
		} else if !sees {
			continue
		}
		n := store.Notification{AccountID: a.ID, Kind: store.NotifyMention, FromID: p.AuthorID, PostID: p.ID}
		if err := s.notify(ctx, tx, n, p.RootID); err != nil {
			return told, err
		}
	}
	return told, nil
}

// newlyNamed are those of mentions whom the post, as it is stored before an edit, does not mention yet.
func newlyNamed(ctx context.Context, tx *store.Tx, post store.ID, mentions []*store.Account) ([]*store.Account, error) {
	if len(mentions) == 0 {
		return nil, nil
	}
	old, err := tx.MentionsOf(ctx, post)
	return slices.DeleteFunc(slices.Clone(mentions), func(a *store.Account) bool {
		return slices.ContainsFunc(old, func(b *store.Account) bool { return b.ID == a.ID })
	}), err
}

// notifyPost tells local accounts that a post mentions, and those who asked to hear of every post of
// its author. Whoever may not see the post is not told.
func (s *Service) notifyPost(ctx context.Context, tx *store.Tx, p *store.Post, mentions []*store.Account) error {
	told, err := s.notifyMentions(ctx, tx, p, mentions)
	if err != nil {
		return err
	}
	if p.BoostOfID != 0 || p.ReplyToID != 0 || p.CircleID != 0 || late(p, tx.Now) {
		return nil
	}
	watchers, err := tx.Watchers(ctx, p.AuthorID)
	if err != nil {
		return err
	}
	for _, id := range watchers {
		if told[id] {
			continue
		}
		if sees, err := maySee(ctx, tx, id, p.ID); err != nil {
			return err
		} else if !sees {
			continue
		}
		if err := s.notify(ctx, tx, store.Notification{AccountID: id, Kind: store.NotifyPost, FromID: p.AuthorID, PostID: p.ID}, 0); err != nil {
			return err
		}
	}
	return nil
}

// maxEditNotices bounds how many people one edit tells.
const maxEditNotices = 200

// notifyEdit tells local accounts that boosted a post that it has changed, and those whom it newly names of that.
func (s *Service) notifyEdit(ctx context.Context, tx *store.Tx, p *store.Post, named []*store.Account) error {
	if _, err := s.notifyMentions(ctx, tx, p, named); err != nil {
		return err
	}
	if p.Visibility != store.Public && p.Visibility != store.Unlisted {
		return nil
	}
	boosters, err := tx.LocalBoosters(ctx, p.ID, maxEditNotices)
	if err != nil {
		return err
	}
	for _, id := range boosters {
		if sees, err := maySee(ctx, tx, id, p.ID); err != nil {
			return err
		} else if !sees {
			continue
		}
		if err := s.notify(ctx, tx, store.Notification{AccountID: id, Kind: store.NotifyEdit, FromID: p.AuthorID, PostID: p.ID}, p.RootID); err != nil {
			return err
		}
	}
	return nil
}

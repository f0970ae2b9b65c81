package federation

import (
	"context"
	"errors"
	"fmt"

	"cohort/federation/vocab"
	"cohort/social"
	"cohort/store"
)

// fresh runs a handler unless the activity was performed before: a recorded Undo must not end what was
// begun again since. It is remembered once it has been performed; activities without an id cannot be.
func (f *Server) fresh(handle func(context.Context, Sender, *vocab.Activity) error) func(context.Context, Sender, *vocab.Activity) error {
	return func(ctx context.Context, sender Sender, act *vocab.Activity) error {
		if act.ID == "" {
			return handle(ctx, sender, act)
		}
		seen, err := f.db.ActivitySeen(ctx, act.ID)
		if err != nil || seen {
			return err
		}
		if err := handle(ctx, sender, act); err != nil {
			return err
		}
		return f.db.Tx(ctx, func(tx *store.Tx) error {
			_, err := tx.SeeActivity(ctx, act.ID)
			return err
		})
	}
}

// localTarget finds the local account that an activity is about. Anyone who is not here is
// store.ErrNotFound.
func (f *Server) localTarget(ctx context.Context, o *vocab.Object) (*store.Account, error) {
	if o == nil || o.ID == "" {
		return nil, fmt.Errorf("%w: object", vocab.ErrMalformed)
	}
	a, err := f.db.AccountByURI(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	if !a.Local() || !a.Live() {
		return nil, store.ErrNotFound
	}
	return a, nil
}

// follow is the sender asking to follow a person here, or for a place in a circle here.
//
// spec: AP §7.5 Follow
func (f *Server) follow(ctx context.Context, sender Sender, act *vocab.Activity) error {
	if act.ID == "" {
		return fmt.Errorf("%w: id", vocab.ErrMalformed)
	}
	target, err := f.localTarget(ctx, act.Object)
	if err != nil {
		return err
	}
	return f.social.ReceiveFollow(ctx, sender.account, target, act.ID)
}

// followAnswered gives the id of our Follow that an Accept or Reject is about. Some peers give it a
// different id, but say who asked: then the follow is found by that.
func (f *Server) followAnswered(ctx context.Context, sender Sender, act *vocab.Activity) (string, error) {
	o := act.Object
	if o == nil {
		return "", fmt.Errorf("%w: object", vocab.ErrMalformed)
	}
	if o.IsID || f.social.Owns(o.ID) {
		return o.ID, nil
	}
	inner, err := o.Activity()
	if err != nil || inner.Type != "Follow" {
		return "", store.ErrNotFound
	}
	asker, err := f.db.AccountByURI(ctx, inner.Actor)
	if err != nil || !asker.Local() {
		return "", firstOf(err, store.ErrNotFound)
	}
	if sender.account.Kind == store.KindCircle {
		m, err := f.db.Membership(ctx, sender.account.ID, asker.ID)
		if err != nil {
			return "", err
		}
		return m.FollowURI, nil
	}
	follow, err := f.db.Follow(ctx, asker.ID, sender.account.ID)
	if err != nil {
		return "", err
	}
	return follow.URI, nil
}

// accept is the sender letting someone here follow it, or a circle taking a member in.
//
// spec: AP §7.6 Accept
func (f *Server) accept(ctx context.Context, sender Sender, act *vocab.Activity) error {
	uri, err := f.followAnswered(ctx, sender, act)
	if err != nil {
		return err
	}
	membership := ""
	if m, err := act.Result.Membership(); err == nil && sameAuthority(sender.account.URI, m.ID) {
		membership = m.ID
	}
	return f.social.ReceiveAccept(ctx, sender.account, uri, membership)
}

// reject is the sender refusing a follow, or ending it; from a circle it ends a membership.
//
// spec: AP §7.7 Reject
func (f *Server) reject(ctx context.Context, sender Sender, act *vocab.Activity) error {
	uri, err := f.followAnswered(ctx, sender, act)
	if err != nil {
		return err
	}
	return f.social.ReceiveReject(ctx, sender.account, uri)
}

// block is the sender shutting someone here out.
//
// spec: AP §7.9 Block
func (f *Server) block(ctx context.Context, sender Sender, act *vocab.Activity) error {
	if act.ID == "" {
		return fmt.Errorf("%w: id", vocab.ErrMalformed)
	}
	target, err := f.localTarget(ctx, act.Object)
	if err != nil {
		return err
	}
	return f.social.ReceiveBlock(ctx, sender.account, target, act.ID)
}

// undo takes back something that the sender did before, found by its id, or else by what it was.
//
// spec: AP §7.8 Undo
func (f *Server) undo(ctx context.Context, sender Sender, act *vocab.Activity) error {
	o := act.Object
	if o == nil {
		return fmt.Errorf("%w: object", vocab.ErrMalformed)
	}
	if o.ID != "" && !sameAuthority(sender.account.URI, o.ID) {
		return fmt.Errorf("%w: object of another server", ErrUnverified)
	}
	if o.IsID {
		return f.undoByID(ctx, sender, o.ID)
	}
	inner, err := o.Activity()
	if errors.Is(err, vocab.ErrWrongKind) {
		return nil
	}
	if err != nil {
		return err
	}
	if inner.Actor != sender.account.URI {
		return fmt.Errorf("%w: not the actor of what is undone", ErrUnverified)
	}
	switch inner.Type {
	case "Follow":
		target, err := f.localTarget(ctx, inner.Object)
		if err != nil {
			return err
		}
		return f.social.ReceiveUndoFollow(ctx, sender.account, inner.ID, target)
	case "Block":
		target, err := f.localTarget(ctx, inner.Object)
		if err != nil {
			return err
		}
		return f.social.ReceiveUndoBlock(ctx, sender.account, target)
	case "Like":
		if inner.Object == nil {
			return fmt.Errorf("%w: object", vocab.ErrMalformed)
		}
		said, err := f.said(ctx, sender, act)
		if err != nil {
			return err
		}
		return f.social.ReceiveUndoLike(ctx, sender.account, inner.ID, inner.Object.ID, said)
	case "Announce":
		return f.social.ReceiveDelete(ctx, sender.account, inner.ID, "")
	}
	return nil
}

// undoByID takes back whatever is known here under an id.
func (f *Server) undoByID(ctx context.Context, sender Sender, id string) error {
	if _, err := f.db.PostFacts(ctx, id); err == nil {
		return f.social.ReceiveDelete(ctx, sender.account, id, "")
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if _, err := f.db.LikeByURI(ctx, id); err == nil {
		return f.social.ReceiveUndoLike(ctx, sender.account, id, "", social.Said{})
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return f.social.ReceiveUndoFollow(ctx, sender.account, id, nil)
}

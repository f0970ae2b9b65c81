package federation

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"cohort/federation/proof"
	"cohort/federation/vocab"
	"cohort/social"
	"cohort/store"
)

// The native dialect of circles. A member's server sends the member's activity, with her own proof in
// it, to the hub alone. The hub checks that she sits there and passes it on, unchanged, inside an
// Announce of the circle. Nobody else's word for a circle post counts.

// proves checks the proof inside an activity: it is by one of the keys that author lists as its own, and holds
// now. It may be old: what a hub passes on was said before.
//
// spec: FEP-8b32 verification
func (f *Server) proves(ctx context.Context, act *vocab.Activity, author *store.Account) error {
	p, err := proof.Verify(act.Raw, func(method string) (ed25519.PublicKey, error) {
		if author.Local() {
			keys, err := f.social.KeysFor(ctx, author.ID)
			if err != nil {
				return nil, err
			}
			if method != proofKeyID(author) {
				return nil, ErrUnverified
			}
			return keys.PublicEd25, nil
		}
		for _, k := range author.ProofKeys {
			if k.ID == method {
				return proof.DecodeMultikey(k.Multibase)
			}
		}
		return nil, ErrUnverified
	})
	if err != nil {
		return err
	}
	now := f.db.Now()
	switch {
	case p.Purpose != proof.AssertionMethod:
		return ErrUnverified
	case !p.Expires.IsZero() && !now.Before(p.Expires):
		return fmt.Errorf("%w: the proof has expired", ErrUnverified)
	case p.Created.After(now.Add(proofAhead)):
		return fmt.Errorf("%w: the proof is of a time to come", ErrUnverified)
	}
	return nil
}

// proofAhead is how far another server's clock may be ahead of ours.
const proofAhead = time.Hour

// hubAnnounced is what a circle elsewhere passes on. It counts only if someone here sits in the circle,
// the inner activity is for that circle and nobody else, and its author proved it.
func (f *Server) hubAnnounced(ctx context.Context, hub Sender, act *vocab.Activity) error {
	if act.Object.IsID {
		return nil // a bare boost by a circle says nothing
	}
	inner, err := act.Object.Activity()
	if err != nil {
		return err
	}
	circle := hub.account
	if !onlyThis(circle.URI, inner.Audience) || !sameAuthority(inner.Actor, inner.ID) {
		return social.ErrForbidden
	}
	heard, err := f.hearsHub(ctx, circle, inner)
	if err != nil || !heard {
		return firstOf(err, social.ErrForbidden)
	}
	author, err := f.senderByProof(ctx, inner)
	if err != nil {
		return err
	}
	switch inner.Type {
	case "Create", "Update":
		return f.hubPost(ctx, author, circle, inner)
	case "Delete":
		if inner.Object == nil || !sameAuthority(author.account.URI, inner.Object.ID) {
			return social.ErrForbidden
		}
		if author.account.Local() {
			return nil // it began here
		}
		return f.social.ReceiveDelete(ctx, author.account, inner.Object.ID, string(inner.Raw))
	case "Like", "Undo":
		return f.hubReaction(ctx, author, circle, inner)
	}
	return nil
}

// hearsHub tells whether what a hub passes on is for us: while somebody here sits in the circle, and afterwards the Delete of
// what we have of it.
func (f *Server) hearsHub(ctx context.Context, circle *store.Account, inner *vocab.Activity) (bool, error) {
	sits, err := f.db.HasLocalMembers(ctx, circle.ID)
	if err != nil || sits || inner.Type != "Delete" || inner.Object == nil {
		return sits, err
	}
	facts, err := f.db.PostFacts(ctx, inner.Object.ID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil && facts.CircleID == circle.ID && facts.DeletedAt.IsZero(), err
}

func (f *Server) hubPost(ctx context.Context, author Sender, circle *store.Account, inner *vocab.Activity) error {
	if inner.Object == nil || inner.Object.IsID {
		return fmt.Errorf("%w: object", vocab.ErrMalformed)
	}
	note, err := inner.Object.Note()
	if errors.Is(err, vocab.ErrWrongKind) {
		return social.ErrForbidden // a hub passes on posts, never profiles or anything else
	}
	if err != nil {
		return err
	}
	if note.AttributedTo != author.account.URI || !sameAuthority(author.account.URI, note.ID) || !onlyThis(circle.URI, note.Audience) ||
		!onlyCircle(circle, inner.To, inner.Cc, note.To, note.Cc) {
		return social.ErrForbidden
	}
	in := incomingPost(note, author.account)
	in.Circle, in.Signed = circle, string(inner.Raw)
	if inner.Type == "Update" {
		if author.account.Local() {
			return nil
		}
		return f.social.ReceiveUpdate(ctx, author.account, in)
	}
	return f.social.ReceiveHubPost(ctx, author.account, in)
}

// onlyThis tells whether list names uri and nothing else.
func onlyThis(uri string, list []string) bool {
	for _, l := range list {
		if l != uri {
			return false
		}
	}
	return len(list) > 0
}

// signed adds a local author's own proof to a document. The time is that of the fact, so that the same
// fact always gives the same bytes.
func (f *Server) signed(ctx context.Context, author *store.Account, doc []byte, p *store.Post) ([]byte, error) {
	keys, err := f.social.KeysFor(ctx, author.ID)
	if err != nil {
		return nil, err
	}
	at := p.CreatedAt
	if !p.EditedAt.IsZero() {
		at = p.EditedAt
	}
	if !p.DeletedAt.IsZero() {
		at = p.DeletedAt
	}
	return proof.Sign(doc, keys.Ed25519, proofKeyID(author), "assertionMethod", at)
}

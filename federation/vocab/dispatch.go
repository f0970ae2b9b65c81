package vocab

import (
	"context"
	"errors"

	"github.com/go-fed/activity/streams"
	asvocab "github.com/go-fed/activity/streams/vocab"
)

// Handler performs one activity.
type Handler func(ctx context.Context, a *Activity) error

// Handlers names who performs which activity. What has no handler of its own
// goes to Other, which must not be nil.
type Handlers struct {
	Create, Update, Delete, Follow, Accept, Reject, Undo, Like, Announce,
	Block, Add, Remove, Move, Flag Handler
	Other Handler
}

// Resolver finds the handler of an activity by the type that go-fed gave it.
type Resolver struct {
	types *streams.TypeResolver
	other Handler
}

type activityKey struct{}

// errUnset travels from a callback without handler back to Resolve.
var errUnset = errors.New("no handler of its own")

// NewResolver makes a Resolver. It fails only when Other is nil or go-fed does
// not know one of the callbacks, which a test would show.
func NewResolver(h Handlers) (*Resolver, error) {
	if h.Other == nil {
		return nil, errors.New("vocab: a resolver needs Handlers.Other")
	}
	types, err := streams.NewTypeResolver(
		func(ctx context.Context, _ asvocab.ActivityStreamsCreate) error { return run(ctx, h.Create) },
		func(ctx context.Context, _ asvocab.ActivityStreamsAnnounce) error { return run(ctx, h.Announce) },
		func(ctx context.Context, _ asvocab.ActivityStreamsLike) error { return run(ctx, h.Like) },
		func(ctx context.Context, _ asvocab.ActivityStreamsDelete) error { return run(ctx, h.Delete) },
		func(ctx context.Context, _ asvocab.ActivityStreamsUpdate) error { return run(ctx, h.Update) },
		func(ctx context.Context, _ asvocab.ActivityStreamsUndo) error { return run(ctx, h.Undo) },
		func(ctx context.Context, _ asvocab.ActivityStreamsFollow) error { return run(ctx, h.Follow) },
		func(ctx context.Context, _ asvocab.ActivityStreamsAccept) error { return run(ctx, h.Accept) },
		func(ctx context.Context, _ asvocab.ActivityStreamsReject) error { return run(ctx, h.Reject) },
		func(ctx context.Context, _ asvocab.ActivityStreamsBlock) error { return run(ctx, h.Block) },
		func(ctx context.Context, _ asvocab.ActivityStreamsAdd) error { return run(ctx, h.Add) },
		func(ctx context.Context, _ asvocab.ActivityStreamsRemove) error { return run(ctx, h.Remove) },
		func(ctx context.Context, _ asvocab.ActivityStreamsMove) error { return run(ctx, h.Move) },
		func(ctx context.Context, _ asvocab.ActivityStreamsFlag) error { return run(ctx, h.Flag) },
	)
	if err != nil {
		return nil, err
	}
	return &Resolver{types: types, other: h.Other}, nil
}

func run(ctx context.Context, h Handler) error {
	if h == nil {
		return errUnset
	}
	a, _ := ctx.Value(activityKey{}).(*Activity)
	return h(ctx, a)
}

// Resolve calls the handler for t, which go-fed made from the skeleton of a
// (see Activity.Normalise), and gives it a, from which alone the handler reads. The error
// is the handler's.
func (r *Resolver) Resolve(ctx context.Context, t asvocab.Type, a *Activity) error {
	err := r.types.Resolve(context.WithValue(ctx, activityKey{}, a), t)
	if err == errUnset || streams.IsUnmatchedErr(err) {
		return r.other(ctx, a)
	}
	return err
}

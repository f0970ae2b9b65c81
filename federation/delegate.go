package federation

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/go-fed/activity/pub"
	asvocab "github.com/go-fed/activity/streams/vocab"

	"cohort/federation/vocab"
	"cohort/store"
)

// clock is the store's, for go-fed.
type clock struct{ db *store.DB }

func (c clock) Now() time.Time { return c.db.Now() }

// delegate is our half of go-fed's actor. Authentication is done before it runs.
type delegate struct{ f *Server }

var errNoOutbox = errors.New("outboxes are read, not written")

func (d *delegate) AuthenticatePostInbox(ctx context.Context, _ http.ResponseWriter, _ *http.Request) (context.Context, bool, error) {
	sender, ok := ctx.Value(senderKey{}).(Sender)
	return ctx, ok && sender.account != nil, nil
}

func (d *delegate) AuthorizePostInbox(context.Context, http.ResponseWriter, pub.Activity) (bool, error) {
	return true, nil
}

func (d *delegate) PostInboxRequestBodyHook(ctx context.Context, _ *http.Request, _ pub.Activity) (context.Context, error) {
	return ctx, nil
}

func (d *delegate) PostInbox(ctx context.Context, _ *url.URL, t pub.Activity) error {
	act, ok := ctx.Value(activityKey{}).(*vocab.Activity)
	if !ok {
		return vocab.ErrMalformed
	}
	return d.f.resolver.Resolve(ctx, t, act)
}

// InboxForwarding does nothing: everything that needs another server is a job.
func (d *delegate) InboxForwarding(context.Context, *url.URL, pub.Activity) error { return nil }

func (d *delegate) AuthenticateGetInbox(ctx context.Context, _ http.ResponseWriter, _ *http.Request) (context.Context, bool, error) {
	return ctx, false, nil
}

func (d *delegate) AuthenticatePostOutbox(ctx context.Context, _ http.ResponseWriter, _ *http.Request) (context.Context, bool, error) {
	return ctx, false, nil
}

func (d *delegate) AuthenticateGetOutbox(ctx context.Context, _ http.ResponseWriter, _ *http.Request) (context.Context, bool, error) {
	return ctx, false, nil
}

func (d *delegate) PostOutboxRequestBodyHook(ctx context.Context, _ *http.Request, _ asvocab.Type) (context.Context, error) {
	return ctx, errNoOutbox
}

func (d *delegate) PostOutbox(context.Context, pub.Activity, *url.URL, map[string]interface{}) (bool, error) {
	return false, errNoOutbox
}

func (d *delegate) AddNewIDs(context.Context, pub.Activity) error { return errNoOutbox }

func (d *delegate) Deliver(context.Context, *url.URL, pub.Activity) error { return errNoOutbox }

func (d *delegate) WrapInCreate(context.Context, asvocab.Type, *url.URL) (asvocab.ActivityStreamsCreate, error) {
	return nil, errNoOutbox
}

func (d *delegate) GetOutbox(context.Context, *http.Request) (asvocab.ActivityStreamsOrderedCollectionPage, error) {
	return nil, errNoOutbox
}

func (d *delegate) GetInbox(context.Context, *http.Request) (asvocab.ActivityStreamsOrderedCollectionPage, error) {
	return nil, errNoOutbox
}

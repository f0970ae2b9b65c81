package federation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"cohort/federation/httpsig"
	"cohort/federation/vocab"
	"cohort/social"
	"cohort/store"
)

// MaxActivity bounds the bytes of one incoming activity.
const MaxActivity = 1 << 20

// PostInbox takes an activity, for one actor or for all: whom it is for is in the activity itself. What
// it answers with 202 is stored.
//
// spec: AP §5.2 inbox
func (f *Server) PostInbox(w http.ResponseWriter, r *http.Request) {
	status, err := f.receive(w, r)
	if err != nil {
		f.logRefusal(r, status, err)
	}
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "60")
	}
	w.WriteHeader(status)
}

func (f *Server) logRefusal(r *http.Request, status int, err error) {
	level := f.log.Debug
	if status >= 500 {
		level = f.log.Error
	}
	level("activity refused", "status", status, "error", err, "request_id", r.Header.Get("X-Request-Id"))
}

// receive does what PostInbox promises and gives the status of the answer.
func (f *Server) receive(w http.ResponseWriter, r *http.Request) (int, error) {
	if f.Config.Mode == ModeOff {
		return http.StatusNotFound, nil
	}
	if !takesActivity(r.Header.Get("Content-Type")) {
		return http.StatusUnsupportedMediaType, nil
	}
	body, err := readBody(w, r)
	if err != nil {
		return statusOf(err), err
	}
	if !strings.EqualFold(r.Host, f.social.Config.Host) {
		return http.StatusMisdirectedRequest, httpsig.ErrWrongHost // signed for somebody else and passed on
	}
	act, err := vocab.Decode(body)
	if err != nil {
		return statusOf(err), err
	}
	if act.Actor == "" {
		return http.StatusBadRequest, fmt.Errorf("%w: actor", vocab.ErrMalformed)
	}
	if act.ID != "" && !sameAuthority(act.Actor, act.ID) {
		return http.StatusForbidden, fmt.Errorf("%w: activity and actor are of different servers", ErrUnverified)
	}
	sender, err := f.authenticate(r.Context(), r, body, act)
	if errors.Is(err, errDropped) {
		return http.StatusAccepted, nil
	}
	if err != nil {
		return statusOf(err), err
	}
	f.heardFrom(sender.account.Host)
	err = f.perform(r.Context(), sender, act)
	return statusOf(err), err
}

// readBody reads a request's body, which may not be longer than MaxActivity.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Header.Get("Content-Encoding") != "" {
		return nil, errEncoded
	}
	var buf bytes.Buffer
	if n := r.ContentLength; n > 0 && n <= MaxActivity {
		buf.Grow(int(n) + bytes.MinRead)
	}
	_, err := io.Copy(&buf, http.MaxBytesReader(w, r.Body, MaxActivity))
	return buf.Bytes(), err
}

var errEncoded = errors.New("encoded bodies are not taken")

// takesActivity tells whether a Content-Type is one of the two that carry activities.
func takesActivity(header string) bool {
	kind, params, err := mime.ParseMediaType(header)
	if err != nil {
		return false
	}
	return kind == activityType || kind == linkedType && strings.Contains(params["profile"], activityVocab)
}

// statusOf is the one place that turns what went wrong with an activity into a status. What the sender
// may not know of is answered like what does not exist: it was taken and had no effect.
func statusOf(err error) int {
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil, errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrConflict):
		return http.StatusAccepted
	case errors.As(err, &tooLarge), errors.Is(err, vocab.ErrTooBig):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, httpsig.ErrWrongHost):
		return http.StatusMisdirectedRequest
	case errors.Is(err, errEncoded):
		return http.StatusUnsupportedMediaType
	case errors.Is(err, ErrUnwanted), errors.Is(err, social.ErrForbidden):
		return http.StatusForbidden
	case errors.Is(err, httpsig.ErrUnsigned), errors.Is(err, httpsig.ErrMalformed), errors.Is(err, httpsig.ErrStale),
		errors.Is(err, httpsig.ErrDigest), errors.Is(err, httpsig.ErrBadSignature), errors.Is(err, httpsig.ErrWeakKey),
		errors.Is(err, ErrUnverified):
		return http.StatusUnauthorized
	case errors.Is(err, vocab.ErrMalformed), errors.Is(err, vocab.ErrTooDeep), errors.Is(err, vocab.ErrWrongKind), isReadError(err):
		return http.StatusBadRequest
	case errors.Is(err, ErrTemporary), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled),
		errors.Is(err, store.ErrFull), errors.Is(err, store.ErrBusy), errors.Is(err, store.ErrUnreachable), errors.Is(err, store.ErrReadOnly):
		return http.StatusServiceUnavailable
	case errors.Is(err, social.ErrLimited):
		return http.StatusTooManyRequests
	}
	return http.StatusInternalServerError
}

// isReadError tells whether a body broke off.
func isReadError(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, http.ErrBodyReadAfterClose)
}

// heardFrom notes that a server lives: what waits for it is due now.
func (f *Server) heardFrom(host string) {
	if f.refused.within("heard "+host, refreshEvery/5) {
		return
	}
	f.refused.note("heard " + host)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), keyFetchTime)
		defer cancel()
		if err := f.db.Tx(ctx, func(tx *store.Tx) error { return tx.WakeHost(ctx, host) }); err != nil {
			f.log.Warn("could not wake deliveries", "host", host, "error", err)
			return
		}
		f.social.Wake()
	}()
}

type senderKey struct{}

type activityKey struct{}

// perform lets go-fed's actor validate the activity and run our delegate, which dispatches it. The
// request it sees is rebuilt from the guarded form of the document; handlers read the raw one.
func (f *Server) perform(ctx context.Context, sender Sender, act *vocab.Activity) (err error) {
	plain, err := act.Normalise()
	if err != nil {
		return err
	}
	ctx = context.WithValue(context.WithValue(ctx, senderKey{}, sender), activityKey{}, act)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.social.Config.BaseURL+"/inbox", bytes.NewReader(plain))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", activityType)
	defer func() {
		if p := recover(); p != nil {
			f.log.Error("activity made the reader panic", "panic", fmt.Sprint(p), "type", act.Type, "actor", act.Actor)
			err = fmt.Errorf("%w: unreadable", vocab.ErrMalformed)
		}
	}()
	var answer discard
	handled, err := f.inbox.PostInbox(ctx, &answer, r)
	if err != nil {
		return err
	}
	if !handled || answer.status >= 400 {
		return fmt.Errorf("%w: not an activity (%s)", vocab.ErrMalformed, strconv.Itoa(answer.status))
	}
	return nil
}

// discard is the response that go-fed's actor writes to; PostInbox answers instead.
type discard struct{ status int }

func (d *discard) Header() http.Header         { return http.Header{} }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

// newResolver is the switch over what can arrive: one handler for each verb.
func (f *Server) newResolver() (*vocab.Resolver, error) {
	with := func(h func(context.Context, Sender, *vocab.Activity) error) vocab.Handler {
		return func(ctx context.Context, act *vocab.Activity) error {
			sender, ok := ctx.Value(senderKey{}).(Sender)
			if !ok || sender.account == nil {
				return ErrUnverified
			}
			return h(ctx, sender, act)
		}
	}
	return vocab.NewResolver(vocab.Handlers{
		Create:   with(f.create),
		Update:   with(f.update),
		Delete:   with(f.delete),
		Follow:   with(f.follow),
		Accept:   with(f.fresh(f.accept)),
		Reject:   with(f.fresh(f.reject)),
		Undo:     with(f.fresh(f.undo)),
		Like:     with(f.like),
		Announce: with(f.announce),
		Block:    with(f.block),
		Other:    func(context.Context, *vocab.Activity) error { return nil }, // taken and ignored
	})
}

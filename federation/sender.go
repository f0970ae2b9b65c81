package federation

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cohort/federation/httpsig"
	"cohort/federation/vocab"
	"cohort/store"
)

var (
	// ErrUnverified says that whoever sent a request did not prove who they are.
	ErrUnverified = errors.New("sender is not verified")
	// ErrUnwanted says that we do not speak with the sender's server.
	ErrUnwanted = errors.New("sender's server is not welcome")
)

// Sender is the proof that an account said something. Its field is set in this file only: from a signed
// request, or from a document's own proof. Every handler of an activity takes one.
type Sender struct {
	account *store.Account
}

// Account is who was proved to speak.
func (s Sender) Account() *store.Account { return s.account }

// How often an actor is asked for again because a signature did not fit, and how long a failed fetch
// counts.
const (
	refreshEvery = 5 * time.Minute
	refuseFor    = 10 * time.Minute
	keyFetchTime = 5 * time.Second
)

// errDropped says that an activity can be ignored without checking it.
var errDropped = errors.New("nothing to do")

// authenticate proves who sent an activity: the request is signed over its body, and the key is the one
// that the activity's own actor lists. The actor's document, fetched from its own id, is the only
// witness.
func (f *Server) authenticate(ctx context.Context, r *http.Request, body []byte, act *vocab.Activity) (Sender, error) {
	sig, err := httpsig.Parse(r, body, f.db.Now(), f.social.Config.Host)
	if err != nil {
		return Sender{}, err
	}
	host, err := authority(act.Actor)
	if err != nil {
		return Sender{}, fmt.Errorf("%w: actor", vocab.ErrMalformed)
	}
	account, err := f.db.KnownActor(ctx, act.Actor)
	switch {
	case err == nil:
		err = f.welcome(ctx, account)
	case errors.Is(err, store.ErrNotFound):
		if err := f.mustAllow(ctx, host); err != nil {
			return Sender{}, err
		}
		if act.Type == "Delete" {
			return Sender{}, errDropped // of someone we never knew
		}
		account, err = f.fetchSender(ctx, act.Actor)
	}
	if err != nil {
		return Sender{}, err
	}
	account, err = f.verify(ctx, sig, account)
	if err != nil {
		return Sender{}, err
	}
	return Sender{account: account}, nil
}

// welcome tells whether we listen to an account that we know. A suspended server's accounts are marked
// as such in their rows, so that only an allow-list has to be asked for.
func (f *Server) welcome(ctx context.Context, account *store.Account) error {
	if account.Local() || !account.Live() {
		return ErrUnwanted
	}
	if f.Config.Mode != ModePartners {
		return nil
	}
	return f.mustAllow(ctx, account.Host)
}

// fetchSender learns of an actor whose signature has to be checked now.
func (f *Server) fetchSender(ctx context.Context, uri string) (*store.Account, error) {
	if f.refused.within(uri, refuseFor) {
		return nil, ErrUnverified
	}
	ctx, cancel := context.WithTimeout(ctx, keyFetchTime)
	defer cancel()
	a, err := f.FetchActor(ctx, uri)
	if err != nil {
		f.refused.note(uri)
		return nil, fmt.Errorf("%w: %w", ErrUnverified, err)
	}
	return a, nil
}

// verify checks sig against the key of account. If it does not fit, the actor may have a new key: its
// document is read again, once in a few minutes.
func (f *Server) verify(ctx context.Context, sig *httpsig.Signature, account *store.Account) (*store.Account, error) {
	err := f.fits(sig, account)
	if err == nil {
		return account, nil
	}
	if account.Local() || f.refused.within("key "+account.URI, refreshEvery) {
		return nil, fmt.Errorf("%w: %w", ErrUnverified, err)
	}
	f.refused.note("key " + account.URI)
	fetchCtx, cancel := context.WithTimeout(ctx, keyFetchTime)
	defer cancel()
	fresh, fetchErr := f.FetchActor(fetchCtx, account.URI)
	if fetchErr != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnverified, err)
	}
	if err := f.fits(sig, fresh); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnverified, err)
	}
	return fresh, nil
}

func (f *Server) fits(sig *httpsig.Signature, account *store.Account) error {
	if account.KeyID == "" || sig.KeyID != account.KeyID {
		return httpsig.ErrBadSignature
	}
	key, err := f.keys.get(account.KeyPEM, func() (crypto.PublicKey, error) { return httpsig.ParsePublicKey(account.KeyPEM) })
	if err != nil {
		return err
	}
	return sig.Verify(key)
}

// authenticateGet proves who asks for a document, if anyone: the zero Sender without error is an
// unsigned request. A signed request that does not hold is refused.
func (f *Server) authenticateGet(ctx context.Context, r *http.Request) (Sender, error) {
	sig, err := httpsig.Parse(r, nil, f.db.Now(), f.social.Config.Host)
	if errors.Is(err, httpsig.ErrUnsigned) {
		return Sender{}, nil
	}
	if err != nil {
		return Sender{}, err
	}
	uri := actorOfKey(sig.KeyID)
	host, err := authority(uri)
	if err != nil {
		return Sender{}, ErrUnverified
	}
	if err := f.mustAllow(ctx, host); err != nil {
		return Sender{}, err
	}
	account, err := f.db.KnownActor(ctx, uri)
	if errors.Is(err, store.ErrNotFound) {
		account, err = f.db.AccountByKey(ctx, sig.KeyID)
		if err == nil && account.Host != host {
			err = store.ErrNotFound
		}
	}
	if errors.Is(err, store.ErrNotFound) {
		account, err = f.fetchSender(ctx, uri)
	}
	if err != nil {
		return Sender{}, err
	}
	if account, err = f.verify(ctx, sig, account); err != nil {
		return Sender{}, err
	}
	if !account.Live() {
		return Sender{}, ErrUnwanted
	}
	return Sender{account: account}, nil
}

// senderByProof proves who made the activity that a hub passes on: the proof inside it, by a key that
// its actor lists. uri is the actor, whose document is fetched if we do not know it.
func (f *Server) senderByProof(ctx context.Context, inner *vocab.Activity) (Sender, error) {
	host, err := authority(inner.Actor)
	if err != nil {
		return Sender{}, ErrUnverified
	}
	author, err := f.db.KnownActor(ctx, inner.Actor)
	if errors.Is(err, store.ErrNotFound) {
		if err := f.mustAllow(ctx, host); err != nil {
			return Sender{}, err
		}
		author, err = f.fetchSender(ctx, inner.Actor)
	}
	if err != nil {
		return Sender{}, err
	}
	if !author.Live() {
		return Sender{}, ErrUnwanted
	}
	err = f.proves(ctx, inner, author)
	if err != nil && !author.Local() && !f.refused.within("key "+author.URI, refreshEvery) {
		f.refused.note("key " + author.URI)
		if author, err = f.FetchActor(ctx, inner.Actor); err == nil {
			err = f.proves(ctx, inner, author)
		}
	}
	if err != nil {
		return Sender{}, fmt.Errorf("%w: %w", ErrUnverified, err)
	}
	return Sender{account: author}, nil
}

// actorOfKey guesses the actor from a key id: the id without its fragment, or without the last path
// segment where peers name the key so.
func actorOfKey(id string) string {
	if actor, _, found := strings.Cut(id, "#"); found {
		return actor
	}
	return strings.TrimSuffix(strings.TrimSuffix(id, "/main-key"), "/publickey")
}

// authority is the host, with its port if it is not the scheme's own, that an id belongs to, in lower
// case. Ids with user information, without a host, or of another scheme than http and https are refused.
func authority(id string) (string, error) {
	u, err := url.Parse(id)
	if err != nil {
		return "", err
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Hostname() == "" {
		return "", fmt.Errorf("%w: id", vocab.ErrMalformed)
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	usual := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	if p := u.Port(); p != "" && p != usual {
		host += ":" + p
	}
	return host, nil
}

// sameAuthority tells whether all ids belong to one server; empty ones are left out.
func sameAuthority(first string, others ...string) bool {
	want, err := authority(first)
	if err != nil {
		return false
	}
	for _, o := range others {
		if o == "" {
			continue
		}
		if got, err := authority(o); err != nil || got != want {
			return false
		}
	}
	return true
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

package federation

import (
	"context"
	"crypto"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/go-fed/activity/pub"
	"golang.org/x/sync/singleflight"

	"cohort/federation/httpsig"
	"cohort/federation/vocab"
	"cohort/social"
	"cohort/store"
)

// The modes of federation.
const (
	ModeOpen     = "open"     // with everyone who is not blocked
	ModePartners = "partners" // only with servers that were allowed one by one
	ModeOff      = "off"      // with nobody
)

// Config is what the instance wants of federation.
type Config struct {
	Mode            string
	AuthorizedFetch bool   // public objects too are given to signed requests only
	Version         string // of this software, for NodeInfo
}

// Server is this instance as other servers see it. Use New; it may be used concurrently.
type Server struct {
	Config Config
	social *social.Service
	db     *store.DB
	client *Client
	log    *slog.Logger

	inbox    pub.FederatingActor
	resolver *vocab.Resolver
	fetches  singleflight.Group
	refused  *recent                         // what was tried in vain lately, so that strangers cannot make us try again
	keys     *kept[string, crypto.PublicKey] // by their PEM
	rendered *kept[string, []byte]
	signers  *kept[store.ID, *httpsig.Signer] // of local actors

	mu    sync.Mutex
	actor *store.Account // who signs our fetches
}

// New makes the server's federating side. The client asks it, from then on, whom it may contact.
func New(c Config, s *social.Service, client *Client, log *slog.Logger) (*Server, error) {
	f := &Server{
		Config: c, social: s, db: s.DB, client: client, log: log,
		refused: newRecent(10_000, func() time.Time { return s.DB.Now() }), keys: newKept[string, crypto.PublicKey](10_000),
		rendered: newKept[string, []byte](256), signers: newKept[store.ID, *httpsig.Signer](1024),
	}
	f.inbox = pub.NewCustomActor(&delegate{f}, false, true, clock{s.DB})
	var err error
	f.resolver, err = f.newResolver()
	if err != nil {
		return nil, fmt.Errorf("federation: %w", err)
	}
	if client.cfg.Blocked == nil {
		client.cfg.Blocked = f.blocked
	}
	return f, nil
}

// signer returns what signs requests for a local actor, making its keys if it has none yet.
func (f *Server) signer(ctx context.Context, a *store.Account) (*httpsig.Signer, error) {
	return f.signers.get(a.ID, func() (*httpsig.Signer, error) {
		keys, err := f.social.KeysFor(ctx, a.ID)
		if err != nil {
			return nil, err
		}
		return httpsig.NewSigner(keyID(a), keys.RSA), nil
	})
}

// keyID is the id of the key that signs a local actor's requests, proofKeyID of the one that signs
// its documents.
func keyID(a *store.Account) string      { return a.URI + "#main-key" }
func proofKeyID(a *store.Account) string { return a.URI + "#ed25519-key" }

// fetch reads a document elsewhere. The server itself asks for it: it signs the request.
func (f *Server) fetch(ctx context.Context, uri string) (*Document, error) {
	a, err := f.ServerActor(ctx)
	if err != nil {
		return nil, err
	}
	s, err := f.signer(ctx, a)
	if err != nil {
		return nil, err
	}
	return f.client.Fetch(ctx, uri, func(r *http.Request) error { return s.Sign(r, nil, f.db.Now()) })
}

// ServerActor is the account that speaks for this server.
func (f *Server) ServerActor(ctx context.Context) (*store.Account, error) {
	f.mu.Lock()
	a := f.actor
	f.mu.Unlock()
	if a != nil {
		return a, nil
	}
	a, err := f.social.EnsureServerActor(ctx)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.actor = a
	f.mu.Unlock()
	return a, nil
}

// allowed tells whether we speak with a host at all. It is asked before any network.
func (f *Server) allowed(ctx context.Context, host string) (bool, error) {
	if f.Config.Mode == ModeOff || host == "" || host == f.social.Config.Host {
		return false, nil
	}
	severity, found, err := f.db.DomainPolicy(ctx, host)
	if err != nil {
		return false, err
	}
	if f.Config.Mode == ModePartners {
		return found && severity == store.Allow, nil
	}
	return severity != store.Suspend, nil
}

// mustAllow answers ErrUnwanted for a host that we do not speak with.
func (f *Server) mustAllow(ctx context.Context, host string) error {
	ok, err := f.allowed(ctx, host)
	if err == nil && !ok {
		err = ErrUnwanted
	}
	return err
}

// allowedHost is the authority of a URI; see mustAllow.
func (f *Server) allowedHost(ctx context.Context, uri string) (string, error) {
	host, err := authority(uri)
	if err != nil {
		return "", err
	}
	return host, f.mustAllow(ctx, host)
}

// blocked tells whether a host is not to be contacted, by whatever way the request came there: a redirect,
// or the address of a picture. Who may be spoken with is asked beforehand, by allowed; in an instance of
// partners, their pictures may lie elsewhere.
func (f *Server) blocked(ctx context.Context, host string) (bool, error) {
	if f.Config.Mode == ModeOff {
		return true, nil
	}
	severity, _, err := f.db.DomainPolicy(ctx, host)
	return severity == store.Suspend, err
}

package social

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"cohort/store"
)

// Config is what the rules need to know of the instance.
type Config struct {
	BaseURL      string   // scheme://host[:port] of ids and pages, without a final slash
	Host         string   // authority of ids, in lower case
	Domain       string   // what stands after the @ of our addresses
	Name         string   // what the instance is called
	Kind         string   // school, employer or association
	Languages    []string // languages of the pages, the first being the default
	Registration string   // open, approval, invite or closed
	Secret       []byte   // 32 random bytes that seal keys and make codes
	Limits       bool     // whether rate limits apply
}

// Service is the door to the rules. Use New; its methods may be called concurrently.
type Service struct {
	DB     *store.DB
	Files  *store.Files
	Images *Imager
	Hub    *Hub
	Limits *Limits
	Config Config
	Log    *slog.Logger

	// Wake tells the worker that jobs were committed; it must not block. New sets one that does
	// nothing.
	Wake func()
	// LookUpTime is how long a new post waits for the people it names to be looked up elsewhere; then it
	// leaves with those that were found. New sets a few seconds.
	LookUpTime time.Duration

	keys  *keyring
	relay *relay
}

// New makes the service over an open, migrated database.
func New(c Config, db *store.DB, files *store.Files, log *slog.Logger) (*Service, error) {
	if len(c.Secret) < 32 {
		return nil, errors.New("social: the instance secret must have at least 32 bytes")
	}
	keys, err := newKeyring(db, c.Secret)
	if err != nil {
		return nil, err
	}
	hub := NewHub()
	return &Service{
		DB: db, Files: files, Images: NewImager(2), Hub: hub, relay: newRelay(db, hub, log), Limits: NewLimits(c.Limits, func() time.Time { return db.Now() }),
		Config: c, Log: log, Wake: func() {}, LookUpTime: lookUpTime, keys: keys,
	}, nil
}

// The permanent ids of what is here. An id tells nothing but its time and grants nothing.

// AccountURI is the id of a local person.
func (s *Service) AccountURI(id store.ID) string { return s.Config.BaseURL + "/users/" + id.String() }

// CircleURI is the id of a circle whose hub is here.
func (s *Service) CircleURI(id store.ID) string { return s.Config.BaseURL + "/circles/" + id.String() }

// PostURI is the id of a post written here.
func (s *Service) PostURI(id store.ID) string { return s.Config.BaseURL + "/posts/" + id.String() }

// ActivityURI is the id of an activity said here.
func (s *Service) ActivityURI(id store.ID) string {
	return s.Config.BaseURL + "/activities/" + id.String()
}

// ProfileURL is where people see a local account.
func (s *Service) ProfileURL(handle string) string { return s.Config.BaseURL + "/@" + handle }

// Owns reports whether uri is an id that this instance would have made.
func (s *Service) Owns(uri string) bool { return strings.HasPrefix(uri, s.Config.BaseURL+"/") }

// localActor fills in what every actor here has beside its own facts.
func (s *Service) localActor(a *store.Account) {
	base := s.AccountURI(a.ID)
	if a.Kind == store.KindCircle {
		base = s.CircleURI(a.ID)
		a.URL = s.Config.BaseURL + "/c/" + a.Handle
	} else {
		a.URL = s.ProfileURL(a.Handle)
	}
	a.URI, a.Inbox, a.Outbox = base, base+"/inbox", base+"/outbox"
	a.FollowersURI, a.FollowingURI, a.FeaturedURI = base+"/followers", base+"/following", base+"/featured"
	a.SharedInbox = s.Config.BaseURL + "/inbox"
}

// EnsureServerActor returns the account that speaks for this server, making it at first start. It
// signs our fetches and is readable by anyone.
func (s *Service) EnsureServerActor(ctx context.Context) (*store.Account, error) {
	uri := s.Config.BaseURL + "/actor"
	if a, err := s.DB.AccountByURI(ctx, uri); err == nil || !errors.Is(err, store.ErrNotFound) {
		return a, err
	}
	host, _, _ := strings.Cut(s.Config.Domain, ":")
	a := &store.Account{
		Kind: store.KindServer, Handle: host, URI: uri, URL: s.Config.BaseURL + "/about",
		Name: s.Config.Name, Inbox: uri + "/inbox", Outbox: uri + "/outbox", SharedInbox: s.Config.BaseURL + "/inbox",
		FollowersURI: uri + "/followers", FollowingURI: uri + "/following", Locked: true,
	}
	err := s.DB.Tx(ctx, func(tx *store.Tx) error {
		a.ID = tx.NewID()
		a.CreatedAt, a.UpdatedAt = tx.Now, tx.Now
		return tx.InsertAccount(ctx, a)
	})
	if errors.Is(err, store.ErrConflict) {
		return s.DB.AccountByURI(ctx, uri)
	}
	if err != nil {
		return nil, fmt.Errorf("server actor: %w", err)
	}
	return a, nil
}

// inboxOf is where an account on another server takes deliveries.
func inboxOf(a *store.Account) []store.Inbox {
	if a.Local() || a.DeliveryInbox() == "" {
		return nil
	}
	return []store.Inbox{{Host: a.Host, URL: a.DeliveryInbox()}}
}

// say records an activity by actor and queues it for to, which may be local: then nothing is sent.
func (s *Service) say(ctx context.Context, tx *store.Tx, a *store.Activity, to *store.Account) error {
	inboxes := inboxOf(to)
	if len(inboxes) == 0 {
		return nil
	}
	if err := tx.InsertActivity(ctx, a); err != nil {
		return err
	}
	tx.AfterCommit(s.Wake)
	return tx.EnqueueTo(ctx, ActivityJob, a.ID, a.ActorID, inboxes)
}

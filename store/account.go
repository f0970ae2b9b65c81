package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Account is anyone who can act: a person, a bot, a group, a circle or a
// server's own actor, here or elsewhere.
type Account struct {
	ID     ID
	Kind   string // one of the Kind words
	Handle string // what stands before the @, as its owner writes it
	Host   string // authority of the actor's id; empty here
	Domain string // what stands after the @; empty here
	URI    string // the actor's id
	URL    string // where people read about it

	Name      string
	Bio       string // HTML, made safe
	BioSource string // as typed, for accounts here
	Fields    []Field

	Avatar, AvatarRemote, AvatarAlt string // a file of ours, an address elsewhere, a description
	Header, HeaderRemote, HeaderAlt string

	Inbox, SharedInbox, Outbox, FollowersURI, FollowingURI, FeaturedURI string

	AlsoKnownAs []string
	MovedTo     string
	KeyID       string // of the key that signs its requests
	KeyPEM      string
	ProofKeys   []ProofKey // keys that sign documents

	Locked       bool // decides about each follower
	Discoverable bool // wants to be found
	Indexable    bool // wants its public posts to be found

	// PostsCount counts public and unlisted posts known here, the others
	// accepted follows known here; circles are left out of both.
	PostsCount, FollowersCount, FollowingCount int64

	LastPostAt, CreatedAt, UpdatedAt time.Time
	FetchedAt                        time.Time // when its document was last read
	SuspendedAt                      time.Time // by a moderator here
	HostSuspendedAt                  time.Time // together with its whole server
	SilencedAt                       time.Time
	DeletedAt                        time.Time
}

// Field is one line of a profile's table.
type Field struct {
	Name       string    `json:"name"`
	Value      string    `json:"value"` // HTML, made safe
	VerifiedAt time.Time `json:"verified_at,omitzero"`
}

// ProofKey is a public key with which an account signs documents.
type ProofKey struct {
	ID        string `json:"id"`
	Multibase string `json:"multibase"`
}

// Local reports whether the account is one of ours.
func (a *Account) Local() bool { return a.Host == "" }

// Address is the handle, with @ and domain for an account elsewhere.
func (a *Account) Address() string {
	if a.Domain == "" {
		return a.Handle
	}
	return a.Handle + "@" + a.Domain
}

// Live reports whether the account is neither deleted nor suspended, alone or
// with its server.
func (a *Account) Live() bool {
	return a.DeletedAt.IsZero() && a.SuspendedAt.IsZero() && a.HostSuspendedAt.IsZero()
}

// DeliveryInbox is where activities for the account go: its server's shared
// inbox if there is one.
func (a *Account) DeliveryInbox() string {
	if a.SharedInbox != "" {
		return a.SharedInbox
	}
	return a.Inbox
}

// accountColumns are the columns of accounts, always under the alias a, in the
// order of Account.dest.
const accountColumns = `a.id, a.kind, a.handle, a.host, a.domain, a.uri, a.url, a.name, a.bio, a.bio_source, a.fields,
 a.avatar, a.avatar_remote, a.avatar_alt, a.header, a.header_remote, a.header_alt,
 a.inbox, a.shared_inbox, a.outbox, a.followers_uri, a.following_uri, a.featured_uri,
 a.also_known_as, a.moved_to, a.key_id, a.key_pem, a.proof_keys, a.locked_at, a.discoverable_at, a.indexable_at,
 a.posts_count, a.followers_count, a.following_count, a.last_post_at, a.created_at, a.updated_at, a.fetched_at,
 a.suspended_at, a.host_suspended_at, a.silenced_at, a.deleted_at`

// dest are the destinations of accountColumns.
func (a *Account) dest() []any {
	return []any{
		scanID(&a.ID), &a.Kind, &a.Handle, &a.Host, &a.Domain, &a.URI, &a.URL, &a.Name, &a.Bio, &a.BioSource, scanJSON(&a.Fields),
		&a.Avatar, &a.AvatarRemote, &a.AvatarAlt, &a.Header, &a.HeaderRemote, &a.HeaderAlt,
		&a.Inbox, &a.SharedInbox, &a.Outbox, &a.FollowersURI, &a.FollowingURI, &a.FeaturedURI,
		scanJSON(&a.AlsoKnownAs), &a.MovedTo, &a.KeyID, &a.KeyPEM, scanJSON(&a.ProofKeys),
		scanBool(&a.Locked), scanBool(&a.Discoverable), scanBool(&a.Indexable),
		scanInt64(&a.PostsCount), scanInt64(&a.FollowersCount), scanInt64(&a.FollowingCount),
		scanMS(&a.LastPostAt), scanMS(&a.CreatedAt), scanMS(&a.UpdatedAt), scanMS(&a.FetchedAt),
		scanMS(&a.SuspendedAt), scanMS(&a.HostSuspendedAt), scanMS(&a.SilencedAt), scanMS(&a.DeletedAt),
	}
}

func scanAccount(rows *sql.Rows) (*Account, error) {
	a := new(Account)
	return a, rows.Scan(a.dest()...)
}

// jsonColumn reads a list that is kept as JSON in a TEXT column; empty text is
// the empty list.
type jsonColumn[T any] struct{ list *[]T }

func scanJSON[T any](list *[]T) sql.Scanner { return jsonColumn[T]{list} }

func (c jsonColumn[T]) Scan(src any) error {
	*c.list = nil
	var text []byte
	switch v := src.(type) {
	case nil:
		return nil
	case string:
		text = []byte(v)
	case []byte:
		text = v
	default:
		return fmt.Errorf("scan a list from %T", src)
	}
	if len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, c.list)
}

// jsonArg is a list as the text that scanJSON reads.
func jsonArg[T any](list []T) (string, error) {
	if len(list) == 0 {
		return "", nil
	}
	text, err := json.Marshal(list)
	return string(text), err
}

// SQL for accounts.
const (
	accountByID     = `SELECT ` + accountColumns + ` FROM accounts a WHERE a.id = $1`
	accountByURI    = `SELECT ` + accountColumns + ` FROM accounts a WHERE a.uri = $1`
	accountByHandle = `SELECT ` + accountColumns + ` FROM accounts a WHERE a.handle_key = $1 AND a.domain = $2`
	accountByKey    = `SELECT ` + accountColumns + ` FROM accounts a WHERE a.key_id = $1 ORDER BY a.id LIMIT 1`

	suspendAccount = `UPDATE accounts SET suspended_at = $2, updated_at = $3 WHERE id = $1 AND deleted_at IS NULL`
	silenceAccount = `UPDATE accounts SET silenced_at = $2, updated_at = $3 WHERE id = $1 AND deleted_at IS NULL`
)

var (
	accountsByID  = newInText(`SELECT `+accountColumns+` FROM accounts a WHERE a.id IN (IN)`, 1)
	accountsByURI = newInText(`SELECT `+accountColumns+` FROM accounts a WHERE a.uri IN (IN)`, 1)
)

func (r reader) oneAccount(ctx context.Context, text string, args ...any) (*Account, error) {
	a := new(Account)
	if err := r.queryRow(ctx, text, args...).Scan(a.dest()...); err != nil {
		return nil, err
	}
	return a, nil
}

// Account returns an account by id, whether live or not; the caller decides
// what a suspended or deleted one may still be used for. What another process
// changed may be seen a quarter of a second later.
func (r reader) Account(ctx context.Context, id ID) (*Account, error) {
	if r.recent == nil {
		return r.oneAccount(ctx, accountByID, int64(id))
	}
	a, err := r.recent.byID.or(id, func() (*Account, error) { return r.oneAccount(ctx, accountByID, int64(id)) })
	return copied(a), err
}

// AccountByURI returns the account with this actor id, live or not.
func (r reader) AccountByURI(ctx context.Context, uri string) (*Account, error) {
	return r.oneAccount(ctx, accountByURI, uri)
}

// KnownActor is AccountByURI for judging what an actor sends: its counts may be a moment old, and so may be what another
// process changed.
func (r reader) KnownActor(ctx context.Context, uri string) (*Account, error) {
	if r.recent == nil {
		return r.AccountByURI(ctx, uri)
	}
	a, err := r.recent.actors.or(uri, func() (*Account, error) { return r.AccountByURI(ctx, uri) })
	return copied(a), err
}

// copied is for a caller who may change what it gets.
func copied(a *Account) *Account {
	if a == nil {
		return nil
	}
	c := *a
	return &c
}

// AccountByHandle returns the account handle@domain, live or not; an empty
// domain means here. Case does not matter.
func (r reader) AccountByHandle(ctx context.Context, handle, domain string) (*Account, error) {
	return r.oneAccount(ctx, accountByHandle, handleKey(handle), strings.ToLower(domain))
}

// AccountByKey returns the account that names keyID as its key. Whether the
// key may speak for the account is for the caller to judge.
func (r reader) AccountByKey(ctx context.Context, keyID string) (*Account, error) {
	if keyID == "" {
		return nil, ErrNotFound
	}
	return r.oneAccount(ctx, accountByKey, keyID)
}

// Accounts returns those of ids that exist, live or not.
func (r reader) Accounts(ctx context.Context, ids []ID) (map[ID]*Account, error) {
	found := make(map[ID]*Account, len(ids))
	err := accountsByID.each(ids, nil, func(text string, args []any) error {
		rows, err := r.query(ctx, text, args...)
		list, err := collect(rows, err, scanAccount)
		for _, a := range list {
			found[a.ID] = a
		}
		return err
	})
	return found, err
}

// AccountsByURI returns those of the actor ids that are known here, live or not.
func (r reader) AccountsByURI(ctx context.Context, uris []string) (map[string]*Account, error) {
	found := make(map[string]*Account, len(uris))
	err := eachPart(accountsByURI, uris, nil, func(text string, args []any) error {
		rows, err := r.query(ctx, text, args...)
		list, err := collect(rows, err, scanAccount)
		for _, a := range list {
			found[a.URI] = a
		}
		return err
	})
	return found, err
}

// handleKey is the form of a handle that is unique within a domain.
func handleKey(handle string) string { return strings.ToLower(handle) }

const insertAccount = `INSERT INTO accounts (id, kind, handle, handle_key, host, domain, uri, url, name, bio, bio_source, fields,
 avatar, avatar_remote, avatar_alt, header, header_remote, header_alt, inbox, shared_inbox, outbox, followers_uri, following_uri, featured_uri,
 also_known_as, moved_to, key_id, key_pem, proof_keys, locked_at, discoverable_at, indexable_at,
 created_at, updated_at, fetched_at, suspended_at, host_suspended_at, silenced_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
 $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38) ON CONFLICT DO NOTHING`

// InsertAccount adds a new account and fills in a zero ID and zero times. An
// account of a server that a domain policy covers is suspended or silenced
// from the start. ErrConflict if the uri or the address is taken.
func (tx *Tx) InsertAccount(ctx context.Context, a *Account) error {
	if a.ID == 0 {
		a.ID = tx.NewID()
	}
	if a.CreatedAt.IsZero() {
		a.CreatedAt = tx.Now
	}
	if a.UpdatedAt.IsZero() {
		a.UpdatedAt = tx.Now
	}
	a.Host, a.Domain = strings.ToLower(a.Host), strings.ToLower(a.Domain)
	if err := tx.applyPolicy(ctx, a); err != nil {
		return err
	}
	profile, err := profileArgs(a, tx.Now)
	if err != nil {
		return err
	}
	args := []any{int64(a.ID), a.Kind, a.Handle, handleKey(a.Handle), a.Host, a.Domain, a.URI}
	args = append(args, profile...)
	args = append(args, a.CreatedAt.UnixMilli(), a.UpdatedAt.UnixMilli(), msArg(a.FetchedAt), msArg(a.SuspendedAt), msArg(a.HostSuspendedAt), msArg(a.SilencedAt))
	n, err := tx.exec(ctx, insertAccount, args...)
	if err == nil && n == 0 {
		err = ErrConflict
	}
	if err != nil {
		return err
	}
	return tx.indexAccount(ctx, a, nil)
}

// applyPolicy marks a new account as its server's policy says.
func (tx *Tx) applyPolicy(ctx context.Context, a *Account) error {
	if a.Host == "" {
		return nil
	}
	for _, name := range []string{a.Host, a.Domain} {
		p, err := tx.policyFor(ctx, name)
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return err
		case p.Severity == Suspend && a.HostSuspendedAt.IsZero():
			a.HostSuspendedAt = tx.Now
		case p.Severity == Silence && a.SilencedAt.IsZero():
			a.SilencedAt = p.CreatedAt
		}
	}
	return nil
}

// profileArgs are the columns that an account may change, in the order in which
// insertAccount and updateAccount name them.
func profileArgs(a *Account, now time.Time) ([]any, error) {
	fields, err := jsonArg(a.Fields)
	if err != nil {
		return nil, err
	}
	known, err := jsonArg(a.AlsoKnownAs)
	if err != nil {
		return nil, err
	}
	keys, err := jsonArg(a.ProofKeys)
	if err != nil {
		return nil, err
	}
	return []any{
		a.URL, a.Name, a.Bio, a.BioSource, fields,
		a.Avatar, a.AvatarRemote, a.AvatarAlt, a.Header, a.HeaderRemote, a.HeaderAlt,
		a.Inbox, a.SharedInbox, a.Outbox, a.FollowersURI, a.FollowingURI, a.FeaturedURI,
		known, a.MovedTo, a.KeyID, a.KeyPEM, keys,
		flagArg(a.Locked, now), flagArg(a.Discoverable, now), flagArg(a.Indexable, now),
	}, nil
}

const updateAccount = `UPDATE accounts SET url = $2, name = $3, bio = $4, bio_source = $5, fields = $6,
 avatar = $7, avatar_remote = $8, avatar_alt = $9, header = $10, header_remote = $11, header_alt = $12,
 inbox = $13, shared_inbox = $14, outbox = $15, followers_uri = $16, following_uri = $17, featured_uri = $18,
 also_known_as = $19, moved_to = $20, key_id = $21, key_pem = $22, proof_keys = $23,
 locked_at = $24, discoverable_at = $25, indexable_at = $26, updated_at = $27, fetched_at = $28, kind = $29
WHERE id = $1 AND deleted_at IS NULL`

// UpdateAccount writes what an account says about itself. Its id, uri and
// address never change, nor its kind, except that a person may become a bot and
// back; neither do counters and moderation. ErrNotFound if it was deleted.
func (tx *Tx) UpdateAccount(ctx context.Context, a *Account) error {
	old, err := tx.Account(ctx, a.ID)
	if err != nil {
		return err
	}
	profile, err := profileArgs(a, tx.Now)
	if err != nil {
		return err
	}
	if !movable(old.Kind) || !movable(a.Kind) {
		a.Kind = old.Kind
	}
	a.Handle, a.Host, a.Domain, a.URI, a.UpdatedAt = old.Handle, old.Host, old.Domain, old.URI, tx.Now
	args := append([]any{int64(a.ID)}, profile...)
	n, err := tx.exec(ctx, updateAccount, append(args, a.UpdatedAt.UnixMilli(), msArg(a.FetchedAt), a.Kind)...)
	if err := mustChange(n, err); err != nil {
		return err
	}
	return tx.indexAccount(ctx, a, old)
}

// movable kinds are those between which an account may change.
func movable(kind string) bool { return kind == KindPerson || kind == KindBot }

// SetSuspended suspends an account or lifts that. A suspended account sees
// and is seen by nobody; its sessions and tokens are refused meanwhile.
func (tx *Tx) SetSuspended(ctx context.Context, id ID, suspended bool) error {
	n, err := tx.exec(ctx, suspendAccount, int64(id), flagArg(suspended, tx.Now), tx.Now.UnixMilli())
	return mustChange(n, err)
}

// SetSilenced keeps an account out of public timelines or lifts that.
func (tx *Tx) SetSilenced(ctx context.Context, id ID, silenced bool) error {
	n, err := tx.exec(ctx, silenceAccount, int64(id), flagArg(silenced, tx.Now), tx.Now.UnixMilli())
	return mustChange(n, err)
}

// mustChange turns "no row was changed" into ErrNotFound.
func mustChange(n int64, err error) error {
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

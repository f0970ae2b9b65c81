package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// App is a client program that was registered here.
type App struct {
	ID           ID
	Name         string
	Website      string
	ClientID     string
	SecretHash   string // HashSecret of the client secret
	RedirectURIs []string
	Scopes       string // separated by spaces
	CreatedAt    time.Time
}

// Token lets an app act for an account, or for itself where AccountID is 0.
// It does not expire, for clients do not ask for a new one; it is revoked.
type Token struct {
	ID        ID
	TokenHash string
	AppID     ID
	AccountID ID
	Scopes    string
	CreatedAt time.Time
	UsedDay   int64 // see Day
	RevokedAt time.Time
}

// Code is what an app exchanges for a token. It is good for one use.
// spec: OAUTH §4.1.2
type Code struct {
	CodeHash    string
	AppID       ID
	AccountID   ID
	RedirectURI string
	Scopes      string
	Challenge   string // PKCE, S256
	ExpiresAt   time.Time
	UsedAt      time.Time
	TokenID     ID // the token that was made from it
}

// Column lists under the aliases ap, t and c.
const (
	appColumns   = `ap.id, ap.name, ap.website, ap.client_id, ap.secret_hash, ap.redirect_uris, ap.scopes, ap.created_at`
	tokenColumns = `t.id, t.token_hash, t.app_id, t.account_id, t.scopes, t.created_at, t.used_day, t.revoked_at`
	codeColumns  = `code_hash, app_id, account_id, redirect_uri, scopes, challenge, expires_at, used_at, token_id`
)

func (a *App) dest() []any {
	return []any{scanID(&a.ID), &a.Name, &a.Website, &a.ClientID, &a.SecretHash, scanJSON(&a.RedirectURIs), &a.Scopes, scanMS(&a.CreatedAt)}
}

func (t *Token) dest() []any {
	return []any{scanID(&t.ID), &t.TokenHash, scanID(&t.AppID), scanID(&t.AccountID), &t.Scopes, scanMS(&t.CreatedAt), scanInt64(&t.UsedDay), scanMS(&t.RevokedAt)}
}

func (c *Code) dest() []any {
	return []any{&c.CodeHash, scanID(&c.AppID), scanID(&c.AccountID), &c.RedirectURI, &c.Scopes, &c.Challenge, scanMS(&c.ExpiresAt), scanMS(&c.UsedAt), scanID(&c.TokenID)}
}

func scanApp(rows *sql.Rows) (*App, error) {
	a := new(App)
	return a, rows.Scan(a.dest()...)
}

// SQL for apps, tokens and codes.
const (
	appByID       = `SELECT ` + appColumns + ` FROM apps ap WHERE ap.id = $1`
	appByClientID = `SELECT ` + appColumns + ` FROM apps ap WHERE ap.client_id = $1`
	insertApp     = `INSERT INTO apps (id, name, website, client_id, secret_hash, redirect_uris, scopes, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

	tokenByValue = `SELECT ` + tokenColumns + `, ` + userColumns + `, ` + accountColumns + `
FROM tokens t JOIN users u ON u.account_id = t.account_id JOIN accounts a ON a.id = t.account_id
WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND a.suspended_at IS NULL AND a.deleted_at IS NULL`
	appTokenByValue = `SELECT ` + tokenColumns + ` FROM tokens t WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND t.account_id = 0`
	tokensOf        = `SELECT ` + tokenColumns + `, ` + appColumns + ` FROM tokens t JOIN apps ap ON ap.id = t.app_id
WHERE t.account_id = $1 AND t.revoked_at IS NULL ORDER BY t.id DESC LIMIT 200`
	insertToken        = `INSERT INTO tokens (id, token_hash, app_id, account_id, scopes, created_at, used_day) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	touchToken         = `UPDATE tokens SET used_day = $2 WHERE id = $1 AND used_day < $2`
	revokeToken        = `UPDATE tokens SET revoked_at = $3 WHERE id = $1 AND account_id = $2 AND revoked_at IS NULL`
	revokeTokenByValue = `UPDATE tokens SET revoked_at = $3 WHERE token_hash = $1 AND app_id = $2 AND revoked_at IS NULL RETURNING account_id`
	revokeTokens       = `UPDATE tokens SET revoked_at = $2 WHERE account_id = $1 AND account_id <> 0 AND revoked_at IS NULL`
	revokeTokenByID    = `UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL`

	insertCode = `INSERT INTO oauth_codes (code_hash, app_id, account_id, redirect_uri, scopes, challenge, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	useCode    = `UPDATE oauth_codes SET used_at = $3 WHERE code_hash = $1 AND app_id = $2 AND used_at IS NULL AND expires_at > $3 RETURNING ` + codeColumns
	codeByHash = `SELECT ` + codeColumns + ` FROM oauth_codes WHERE code_hash = $1`
	linkCode   = `UPDATE oauth_codes SET token_id = $2 WHERE code_hash = $1 AND used_at IS NOT NULL AND token_id IS NULL`
	burnCodes  = `UPDATE oauth_codes SET used_at = $2 WHERE account_id = $1 AND used_at IS NULL AND expires_at > $2`
)

var appsByID = newInText(`SELECT `+appColumns+` FROM apps ap WHERE ap.id IN (IN)`, 1)

// App returns an app by id.
func (r reader) App(ctx context.Context, id ID) (*App, error) {
	return r.oneApp(ctx, appByID, int64(id))
}

// AppByClientID returns the app that calls itself by this client id.
func (r reader) AppByClientID(ctx context.Context, clientID string) (*App, error) {
	return r.oneApp(ctx, appByClientID, clientID)
}

func (r reader) oneApp(ctx context.Context, text string, arg any) (*App, error) {
	a := new(App)
	if err := r.queryRow(ctx, text, arg).Scan(a.dest()...); err != nil {
		return nil, err
	}
	return a, nil
}

// Apps returns those of ids that exist. They are shared, and not to be written to.
func (r reader) Apps(ctx context.Context, ids []ID) (map[ID]*App, error) {
	if r.recent == nil {
		return r.readApps(ctx, ids)
	}
	return r.recent.apps.all(ids, func(ids []ID) (map[ID]*App, error) { return r.readApps(ctx, ids) })
}

func (r reader) readApps(ctx context.Context, ids []ID) (map[ID]*App, error) {
	found := map[ID]*App{}
	err := appsByID.each(ids, nil, func(text string, args []any) error {
		rows, err := r.query(ctx, text, args...)
		list, err := collect(rows, err, scanApp)
		for _, a := range list {
			found[a.ID] = a
		}
		return err
	})
	return found, err
}

// tokenOwner is a token with whom it speaks for.
type tokenOwner struct {
	token   *Token
	user    *User
	account *Account
}

// TokenByValue tells who a token speaks for; User and Account of an app's own token are nil. ErrNotFound for a value
// that is unknown or revoked, and while the account is suspended. Whether the user is Active is for the
// caller to ask. What another process changed may be seen a quarter of a second later.
func (r reader) TokenByValue(ctx context.Context, raw string) (*Token, *User, *Account, error) {
	hash := HashSecret(raw)
	read := func() (tokenOwner, error) { return r.tokenOwner(ctx, hash) }
	if r.recent != nil {
		read = func() (tokenOwner, error) {
			return r.recent.owners.or(hash, func() (tokenOwner, error) { return r.tokenOwner(ctx, hash) })
		}
	}
	o, err := read()
	if err != nil {
		return nil, nil, nil, err
	}
	t := *o.token // the caller may change what it gets
	if o.account == nil {
		return &t, nil, nil, nil
	}
	u := *o.user
	return &t, &u, copied(o.account), nil
}

// tokenOwner reads in one query without a write for a person's token, in a second one for an app's own.
func (r reader) tokenOwner(ctx context.Context, hash string) (tokenOwner, error) {
	o := tokenOwner{token: new(Token), user: new(User), account: new(Account)}
	dest := append(append(o.token.dest(), o.user.dest()...), o.account.dest()...)
	err := r.queryRow(ctx, tokenByValue, hash).Scan(dest...)
	if err == nil {
		return o, nil
	}
	if !errors.Is(err, ErrNotFound) {
		return tokenOwner{}, err
	}
	o.user, o.account = nil, nil
	if err := r.queryRow(ctx, appTokenByValue, hash).Scan(o.token.dest()...); err != nil {
		return tokenOwner{}, err
	}
	return o, nil
}

// TokenApp is a token with the app that holds it.
type TokenApp struct {
	*Token
	App *App
}

// Tokens lists what may act for an account, newest first, at most 200.
func (r reader) Tokens(ctx context.Context, account ID) ([]TokenApp, error) {
	if account == 0 {
		return nil, nil
	}
	rows, err := r.query(ctx, tokensOf, int64(account))
	return collect(rows, err, func(rows *sql.Rows) (TokenApp, error) {
		t := TokenApp{Token: new(Token), App: new(App)}
		return t, rows.Scan(append(t.dest(), t.App.dest()...)...)
	})
}

// InsertApp registers an app.
func (tx *Tx) InsertApp(ctx context.Context, a *App) error {
	if a.ID == 0 {
		a.ID = tx.NewID()
	}
	if a.CreatedAt.IsZero() {
		a.CreatedAt = tx.Now
	}
	uris, err := jsonArg(a.RedirectURIs)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, insertApp, int64(a.ID), a.Name, a.Website, a.ClientID, a.SecretHash, uris, a.Scopes, a.CreatedAt.UnixMilli())
	return err
}

// InsertToken issues a token.
func (tx *Tx) InsertToken(ctx context.Context, t *Token) error {
	if t.ID == 0 {
		t.ID = tx.NewID()
	}
	if t.CreatedAt.IsZero() {
		t.CreatedAt = tx.Now
	}
	_, err := tx.exec(ctx, insertToken, int64(t.ID), t.TokenHash, int64(t.AppID), int64(t.AccountID), t.Scopes, t.CreatedAt.UnixMilli(), t.UsedDay)
	return err
}

// TouchToken notes that a token was used today. Call it when UsedDay is not
// today, not with every request.
func (tx *Tx) TouchToken(ctx context.Context, id ID) error {
	_, err := tx.exec(ctx, touchToken, int64(id), Day(tx.Now))
	return err
}

// RevokeToken ends one token of an account; ErrNotFound if it is not the
// account's or ended already.
func (tx *Tx) RevokeToken(ctx context.Context, account, id ID) error {
	n, err := tx.exec(ctx, revokeToken, int64(id), int64(account), tx.Now.UnixMilli())
	return mustChange(n, err)
}

// RevokeTokenByValue ends a token for the app that holds it, and tells whose it
// was (0: the app's own). ErrNotFound if there is none of that app.
// spec: RFC7009 §2.1
func (tx *Tx) RevokeTokenByValue(ctx context.Context, raw string, app ID) (account ID, err error) {
	err = tx.queryRow(ctx, revokeTokenByValue, HashSecret(raw), int64(app), tx.Now.UnixMilli()).Scan(scanID(&account))
	return account, err
}

// RevokeTokens ends every token of an account, and every code that was not
// exchanged yet.
func (tx *Tx) RevokeTokens(ctx context.Context, account ID) error {
	if _, err := tx.exec(ctx, burnCodes, int64(account), tx.Now.UnixMilli()); err != nil {
		return err
	}
	_, err := tx.exec(ctx, revokeTokens, int64(account), tx.Now.UnixMilli())
	return err
}

// InsertCode stores a code that an app may exchange until ExpiresAt.
func (tx *Tx) InsertCode(ctx context.Context, c *Code) error {
	_, err := tx.exec(ctx, insertCode, c.CodeHash, int64(c.AppID), int64(c.AccountID), c.RedirectURI, c.Scopes, c.Challenge, c.ExpiresAt.UnixMilli())
	return err
}

// UseCode uses a code up for the app it was made for. ok is false, without an
// error, if it is unknown, another app's, expired or used before: the caller
// must commit all the same, because a code that comes back may be stolen, and
// the token that was made from it is revoked here. Redirect address and PKCE
// verifier are compared by the caller, afterwards: a code has one try.
// spec: OAUTH §4.1.2
func (tx *Tx) UseCode(ctx context.Context, raw string, app ID) (c *Code, ok bool, err error) {
	hash := HashSecret(raw)
	c = new(Code)
	err = tx.queryRow(ctx, useCode, hash, int64(app), tx.Now.UnixMilli()).Scan(c.dest()...)
	if err == nil {
		return c, true, nil
	}
	if !errors.Is(err, ErrNotFound) {
		return nil, false, err
	}
	err = tx.queryRow(ctx, codeByHash, hash).Scan(c.dest()...)
	if errors.Is(err, ErrNotFound) {
		return nil, false, nil
	}
	if err != nil || c.UsedAt.IsZero() || c.TokenID == 0 {
		return nil, false, err
	}
	_, err = tx.exec(ctx, revokeTokenByID, int64(c.TokenID), tx.Now.UnixMilli())
	return nil, false, err
}

// LinkCode notes which token was made from a used code.
func (tx *Tx) LinkCode(ctx context.Context, codeHash string, token ID) error {
	n, err := tx.exec(ctx, linkCode, codeHash, int64(token))
	return mustChange(n, err)
}

package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"cohort/social"
	"cohort/store"
)

// OutOfBand is the redirect address of clients that let the person copy the code.
const OutOfBand = "urn:ietf:wg:oauth:2.0:oob"

// How long a code can be exchanged: one that a browser carries to the client, and one that a person copies.
//
// spec: OAUTH §4.1.2
const (
	codeLife       = time.Minute
	copiedCodeLife = 10 * time.Minute
)

const (
	maxRedirects = 10
	maxURL       = 2000
)

// Problem is what is wrong with a request to the OAuth server, in the words of RFC 6749.
type Problem struct {
	Code        string // error
	Description string // error_description
	Status      int
}

func (p *Problem) Error() string { return p.Code + ": " + p.Description }

// Problems that are always the same.
var (
	errClient = &Problem{"invalid_client", "Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.", http.StatusUnauthorized}
	errGrant  = &Problem{"invalid_grant", "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.", http.StatusBadRequest}
	errScope  = &Problem{"invalid_scope", "The requested scope is invalid, unknown, or malformed.", http.StatusBadRequest}
)

// AppForm is what a client says of itself.
type AppForm struct {
	Name, Website string
	Redirects     []string
	Scopes        string
}

// RegisterApp registers a client and returns it with its secret, which is told once. *social.Invalid for
// what cannot be one: redirect addresses that run scripts or read files, among others.
func (a *Auth) RegisterApp(ctx context.Context, f AppForm) (*store.App, string, error) {
	name := social.CleanText(strings.TrimSpace(f.Name), 100)
	if name == "" {
		return nil, "", &social.Invalid{Field: "client_name", Key: "invalid.app_name"}
	}
	if f.Website != "" && !isWeb(f.Website) {
		return nil, "", &social.Invalid{Field: "website", Key: "invalid.app_website"}
	}
	if len(f.Redirects) == 0 || len(f.Redirects) > maxRedirects || slices.ContainsFunc(f.Redirects, func(u string) bool { return !validRedirect(u) }) {
		return nil, "", &social.Invalid{Field: "redirect_uris", Key: "invalid.app_redirect"}
	}
	scopes, ok := cleanScopes(f.Scopes)
	if !ok {
		return nil, "", &social.Invalid{Field: "scopes", Key: "invalid.app_scopes"}
	}
	secret, hash := store.NewSecret()
	id, _ := store.NewSecret()
	app := &store.App{Name: name, Website: f.Website, ClientID: id, SecretHash: hash, RedirectURIs: f.Redirects, Scopes: scopes}
	err := a.db.Tx(ctx, func(tx *store.Tx) error { return tx.InsertApp(ctx, app) })
	return app, secret, err
}

func isWeb(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && len(raw) <= maxURL && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// validRedirect takes https and http addresses and apps' own schemes, but none that a browser would run
// or open itself.
func validRedirect(raw string) bool {
	if raw == OutOfBand {
		return true
	}
	u, err := url.Parse(raw)
	if err != nil || len(raw) > maxURL || u.Scheme == "" || u.Fragment != "" || u.User != nil {
		return false
	}
	switch strings.ToLower(u.Scheme) {
	case "javascript", "data", "vbscript", "blob", "file", "about", "view-source", "filesystem", "urn":
		return false
	case "http", "https":
		return u.Host != ""
	}
	return true
}

// Request is a client asking a person for leave.
type Request struct {
	App       *store.App
	Redirect  string
	Scopes    string
	State     string
	Challenge string
}

// ParseRequest checks the parameters of /oauth/authorize. A Problem must be shown to the person: an
// address that is not registered is never redirected to.
func (a *Auth) ParseRequest(ctx context.Context, q url.Values) (*Request, error) {
	app, err := a.db.AppByClientID(ctx, q.Get("client_id"))
	if errors.Is(err, store.ErrNotFound) {
		return nil, errClient
	}
	if err != nil {
		return nil, err
	}
	r := &Request{App: app, Redirect: q.Get("redirect_uri"), State: q.Get("state"), Challenge: q.Get("code_challenge")}
	if !slices.Contains(app.RedirectURIs, r.Redirect) {
		return nil, &Problem{"invalid_request", "The redirect uri included is not valid.", http.StatusBadRequest}
	}
	if q.Get("response_type") != "code" {
		return nil, &Problem{"unsupported_response_type", "The authorization server does not support this response type.", http.StatusBadRequest}
	}
	if m := q.Get("code_challenge_method"); r.Challenge != "" && m != "S256" || r.Challenge == "" && m != "" {
		return nil, &Problem{"invalid_request", "The code challenge method must be S256.", http.StatusBadRequest}
	}
	if r.Challenge != "" && len(r.Challenge) != 43 {
		return nil, &Problem{"invalid_request", "The code challenge is malformed.", http.StatusBadRequest}
	}
	scopes, ok := cleanScopes(q.Get("scope"))
	if !ok || !within(scopes, app.Scopes) {
		return nil, errScope
	}
	r.Scopes = scopes
	return r, nil
}

// Grant makes the code that the client will exchange, for an account that agreed.
func (a *Auth) Grant(ctx context.Context, r *Request, account store.ID) (string, error) {
	raw, hash := store.NewSecret()
	life := codeLife
	if r.Redirect == OutOfBand {
		life = copiedCodeLife
	}
	err := a.db.Tx(ctx, func(tx *store.Tx) error {
		return tx.InsertCode(ctx, &store.Code{
			CodeHash: hash, AppID: r.App.ID, AccountID: account, RedirectURI: r.Redirect, Scopes: r.Scopes,
			Challenge: r.Challenge, ExpiresAt: tx.Now.Add(life),
		})
	})
	return raw, err
}

// Back is the address to which the browser returns with the given parameters; what the client had in
// its address stays.
func (r *Request) Back(params map[string]string) string {
	u, err := url.Parse(r.Redirect)
	if err != nil {
		return ""
	}
	q := u.Query()
	for k, v := range params {
		q.Set(k, v)
	}
	if r.State != "" {
		q.Set("state", r.State)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// TokenForm is a request to /oauth/token.
type TokenForm struct {
	GrantType, ClientID, ClientSecret, Code, Redirect, Verifier, Scopes string
}

// Exchange gives a token for a code, or to an app for itself. Every other kind of grant, passwords
// included, is refused.
//
// spec: OAUTH §4.1.3, §4.4
func (a *Auth) Exchange(ctx context.Context, f TokenForm) (string, *store.Token, error) {
	app, err := a.client(ctx, f.ClientID, f.ClientSecret)
	if err != nil {
		return "", nil, err
	}
	switch f.GrantType {
	case "authorization_code":
		return a.exchangeCode(ctx, app, f)
	case "client_credentials":
		scopes, ok := cleanScopes(f.Scopes)
		if !ok || !within(scopes, app.Scopes) {
			return "", nil, errScope
		}
		raw, hash := store.NewSecret()
		t := &store.Token{TokenHash: hash, AppID: app.ID, Scopes: scopes}
		err := a.db.Tx(ctx, func(tx *store.Tx) error { return tx.InsertToken(ctx, t) })
		return raw, t, err
	}
	return "", nil, &Problem{"unsupported_grant_type", "The authorization grant type is not supported by the authorization server.", http.StatusBadRequest}
}

// client proves which app asks. Public clients that hold no secret cannot register here: every app was
// given one.
func (a *Auth) client(ctx context.Context, id, secret string) (*store.App, error) {
	app, err := a.db.AppByClientID(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errClient
	}
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(app.SecretHash), []byte(store.HashSecret(secret))) != 1 {
		return nil, errClient
	}
	return app, nil
}

func (a *Auth) exchangeCode(ctx context.Context, app *store.App, f TokenForm) (string, *store.Token, error) {
	raw, hash := store.NewSecret()
	var t *store.Token
	err := a.db.Tx(ctx, func(tx *store.Tx) error {
		t = nil
		c, ok, err := tx.UseCode(ctx, f.Code, app.ID)
		if err != nil || !ok {
			return err // committed all the same: the code is used up
		}
		if c.RedirectURI != f.Redirect || !verifies(f.Verifier, c.Challenge) {
			return nil
		}
		t = &store.Token{TokenHash: hash, AppID: app.ID, AccountID: c.AccountID, Scopes: c.Scopes}
		if err := tx.InsertToken(ctx, t); err != nil {
			return err
		}
		return tx.LinkCode(ctx, c.CodeHash, t.ID)
	})
	if err == nil && t == nil {
		err = errGrant
	}
	return raw, t, err
}

// verifies checks the secret behind a code challenge. A code that was asked for without a challenge is
// exchanged without a verifier.
//
// spec: OAUTH RFC 7636 §4.6
func verifies(verifier, challenge string) bool {
	if challenge == "" {
		return verifier == ""
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

// Revoke ends a token of the app that asks. One that is not its own, or unknown, changes nothing and is
// no error.
//
// spec: OAUTH RFC 7009 §2
func (a *Auth) Revoke(ctx context.Context, clientID, secret, raw string) error {
	app, err := a.client(ctx, clientID, secret)
	if err != nil {
		return err
	}
	var account store.ID
	err = a.db.Tx(ctx, func(tx *store.Tx) (err error) {
		account, err = tx.RevokeTokenByValue(ctx, raw, app.ID)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil && account != 0 {
		a.s.Hub.Drop(account)
	}
	return err
}

// RevokeToken ends one of an account's own tokens by its id.
func (a *Auth) RevokeToken(ctx context.Context, account, id store.ID) error {
	err := a.db.Tx(ctx, func(tx *store.Tx) error { return tx.RevokeToken(ctx, account, id) })
	if err == nil {
		a.s.Hub.Drop(account)
	}
	return err
}

// NewToken gives an account a token for the operator's own use, under an app of that name.
func (a *Auth) NewToken(ctx context.Context, account store.ID, scopes string) (string, error) {
	scopes, ok := cleanScopes(scopes)
	if !ok {
		return "", &social.Invalid{Field: "scopes", Key: "invalid.app_scopes"}
	}
	app, _, err := a.RegisterApp(ctx, AppForm{Name: "cohort token", Redirects: []string{OutOfBand}, Scopes: scopes})
	if err != nil {
		return "", err
	}
	raw, hash := store.NewSecret()
	err = a.db.Tx(ctx, func(tx *store.Tx) error {
		return tx.InsertToken(ctx, &store.Token{TokenHash: hash, AppID: app.ID, AccountID: account, Scopes: scopes})
	})
	return raw, err
}

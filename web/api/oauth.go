package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"cohort/store"
	"cohort/web/auth"
)

// program is a client program as it sees itself.
type program struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Website      Text     `json:"website"`
	Scopes       []string `json:"scopes"`
	RedirectURIs []string `json:"redirect_uris"`
	RedirectURI  string   `json:"redirect_uri"`
	VapidKey     string   `json:"vapid_key"`
}

// newProgram is what a client program learns when it registers, and never again.
type newProgram struct {
	program

	ClientID        string `json:"client_id"`
	ClientSecret    string `json:"client_secret"`
	SecretExpiresAt int    `json:"client_secret_expires_at"` // 0: never
}

func programOf(app *store.App) program {
	return program{
		ID: app.ID.String(), Name: app.Name, Website: Text(app.Website), Scopes: strings.Fields(app.Scopes),
		RedirectURIs: app.RedirectURIs, RedirectURI: strings.Join(app.RedirectURIs, "\n"),
	}
}

// CreateApp registers a client program.
func (a *API) CreateApp(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	// A list, or one text with an address on each line.
	redirects := strings.Fields(strings.Join(p.List("redirect_uris"), "\n"))
	app, secret, err := a.auth.RegisterApp(c.Request().Context(), auth.AppForm{
		Name: p.Text("client_name"), Website: p.Text("website"), Redirects: redirects, Scopes: strings.Join(p.List("scopes"), " "),
	})
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, newProgram{program: programOf(app), ClientID: app.ClientID, ClientSecret: secret})
}

// VerifyApp tells a client program about itself.
func (a *API) VerifyApp(c echo.Context) error {
	app, err := a.db.App(c.Request().Context(), auth.From(c).Token.AppID)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, programOf(app))
}

// oauthProblem answers what is wrong in the words of RFC 6749; other errors are passed on.
func oauthProblem(c echo.Context, err error) error {
	var p *auth.Problem
	if !errors.As(err, &p) {
		return err
	}
	if p.Status == http.StatusUnauthorized {
		c.Response().Header().Set("WWW-Authenticate", `Basic realm="cohort"`)
	}
	return c.JSON(p.Status, map[string]string{"error": p.Code, "error_description": p.Description})
}

// clientOf is how a program says which one it is: by Basic authentication or in the body, not by both in
// different ways.
//
// spec: OAUTH §2.3.1
func clientOf(c echo.Context, p *Params) (id, secret string, err error) {
	id, secret = p.Text("client_id"), p.Text("client_secret")
	user, pass, basic := c.Request().BasicAuth()
	if !basic {
		return id, secret, nil
	}
	user, errUser := url.QueryUnescape(user)
	pass, errPass := url.QueryUnescape(pass)
	if errUser != nil || errPass != nil || id != "" && id != user || secret != "" && secret != pass {
		return "", "", &auth.Problem{Code: "invalid_request", Description: "The client is authenticated in more than one way.", Status: http.StatusBadRequest}
	}
	return user, pass, nil
}

// GiveToken gives a client program a token.
func (a *API) GiveToken(c echo.Context) error {
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	p, err := params(c)
	if err != nil {
		return err
	}
	id, secret, err := clientOf(c, p)
	if err != nil {
		return oauthProblem(c, err)
	}
	raw, t, err := a.auth.Exchange(c.Request().Context(), auth.TokenForm{
		GrantType: p.Text("grant_type"), ClientID: id, ClientSecret: secret, Code: p.Text("code"),
		Redirect: p.Text("redirect_uri"), Verifier: p.Text("code_verifier"), Scopes: strings.Join(p.List("scope"), " "),
	})
	if err != nil {
		return oauthProblem(c, err)
	}
	return c.JSON(http.StatusOK, Token{raw, "Bearer", t.Scopes, t.CreatedAt.Unix()})
}

// RevokeToken ends a token.
func (a *API) RevokeToken(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	id, secret, err := clientOf(c, p)
	if err == nil {
		err = a.auth.Revoke(c.Request().Context(), id, secret, p.Text("token"))
	}
	if err != nil {
		return oauthProblem(c, err)
	}
	return empty(c)
}

// UserInfo tells a client program whose token it holds, in the words of OpenID Connect.
func (a *API) UserInfo(c echo.Context) error {
	me := auth.From(c).Account
	name := me.Name
	if name == "" {
		name = me.Handle
	}
	return c.JSON(http.StatusOK, map[string]string{
		"iss": a.base, "sub": me.URI, "name": name, "preferred_username": me.Handle, "profile": me.URL, "picture": a.avatarURL(me),
	})
}

// OAuthMetadata says how to get a token here.
//
// spec: OAUTH RFC 8414 §3.2
func (a *API) OAuthMetadata(c echo.Context) error {
	body, err := json.Marshal(map[string]any{
		"issuer":                                a.base,
		"authorization_endpoint":                a.base + "/oauth/authorize",
		"token_endpoint":                        a.base + "/oauth/token",
		"revocation_endpoint":                   a.base + "/oauth/revoke",
		"userinfo_endpoint":                     a.base + "/oauth/userinfo",
		"app_registration_endpoint":             a.base + "/api/v1/apps",
		"scopes_supported":                      auth.AllScopes(),
		"response_types_supported":              []string{"code"},
		"response_modes_supported":              []string{"query"},
		"grant_types_supported":                 []string{"authorization_code", "client_credentials"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
		"code_challenge_methods_supported":      []string{"S256"},
	})
	if err != nil {
		return err
	}
	return c.JSONBlob(http.StatusOK, body)
}

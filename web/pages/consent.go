package pages

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"cohort/store"
	"cohort/web/auth"
)

// consentParams are the parameters of a request for leave that the form sends along.
var consentParams = []string{"client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method"}

// dayStart is the beginning of a day counted from 1970.
func dayStart(day int64) time.Time { return time.Unix(day*24*60*60, 0).UTC() }

func appView(a *store.App, scopes string) AppView {
	return AppView{ID: a.ID.String(), Name: a.Name, Website: webAddress(a.Website), Scopes: strings.Fields(scopes)}
}

// authorize asks whether an app may act for the member. What is wrong with the app's request is shown,
// and leads nowhere.
func (p *Pages) authorize(v *visit) error {
	params := v.QueryParams()
	request, err := p.auth.ParseRequest(v.Request().Context(), params)
	if err != nil {
		return v.refuse(err)
	}
	if v.me == nil {
		return v.toSignIn()
	}
	view := &ConsentPage{App: appView(request.App, request.Scopes), Target: target(request)}
	view.NoIndex = true
	for _, name := range consentParams {
		if params.Has(name) {
			view.Hidden = append(view.Hidden, HiddenField{Name: name, Value: params.Get(name)})
		}
	}
	return v.show(http.StatusOK, "authorize", view)
}

// decide takes the answer. The request is checked anew: the form is only what the browser sent.
func (p *Pages) decide(v *visit) error {
	ctx := v.Request().Context()
	params := url.Values{}
	for _, name := range consentParams {
		if values := v.Request().PostForm[name]; len(values) > 0 {
			params.Set(name, values[0])
		}
	}
	request, err := p.auth.ParseRequest(ctx, params)
	if err != nil {
		return v.refuse(err)
	}
	if v.me == nil {
		return v.to(withQuery("/sign-in", "next", withParams("/oauth/authorize", params)))
	}
	if v.form("decision") != "allow" {
		if request.Redirect == auth.OutOfBand {
			v.tell("flash.denied")
			return v.to("/")
		}
		return v.to(request.Back(map[string]string{"error": "access_denied", "error_description": "The resource owner or authorization server denied the request."}))
	}
	code, err := p.auth.Grant(ctx, request, v.me.ID)
	if err != nil {
		return err
	}
	if request.Redirect == auth.OutOfBand {
		return v.show(http.StatusOK, "granted", &GrantedPage{App: appView(request.App, request.Scopes), Code: code})
	}
	return v.to(request.Back(map[string]string{"code": code}))
}

func withParams(path string, params url.Values) string {
	u := url.URL{Path: path, RawQuery: params.Encode()}
	return u.String()
}

// target is where the answer goes, for people: a host, or the scheme of an app on this device.
func target(r *auth.Request) string {
	if r.Redirect == auth.OutOfBand {
		return ""
	}
	u, err := url.Parse(r.Redirect)
	if err != nil {
		return r.Redirect
	}
	if slices.Contains([]string{"http", "https"}, u.Scheme) {
		return u.Host
	}
	return u.Scheme + "://"
}

// refuse shows what is wrong with an app's request.
func (v *visit) refuse(err error) error {
	var problem *auth.Problem
	if !errors.As(err, &problem) {
		return err
	}
	view := &ErrorPage{Status: http.StatusBadRequest, Detail: problem.Code + ": " + problem.Description}
	return v.show(problem.Status, "error", view)
}

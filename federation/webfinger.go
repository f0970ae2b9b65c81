package federation

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"cohort/federation/vocab"
	"cohort/social"
	"cohort/store"
)

// jrd is a WebFinger answer.
type jrd struct {
	Subject string    `json:"subject"`
	Aliases []string  `json:"aliases,omitempty"`
	Links   []jrdLink `json:"links"`
}

type jrdLink struct {
	Rel      string `json:"rel"`
	Type     string `json:"type,omitempty"`
	Href     string `json:"href,omitempty"`
	Template string `json:"template,omitempty"`
}

const (
	relSelf      = "self"
	relProfile   = "http://webfinger.net/rel/profile-page"
	relSubscribe = "http://ostatus.org/schema/1.0/subscribe"
)

// WebFinger answers who stands behind an address or a URL of ours.
//
// spec: RFC7033 §4.2
func (f *Server) WebFinger(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	resource := r.URL.Query().Get("resource")
	if resource == "" {
		http.Error(w, "resource is missing", http.StatusBadRequest)
		return
	}
	a, err := f.resourceAccount(r.Context(), resource)
	if err == nil && !a.Live() {
		w.WriteHeader(http.StatusGone)
		return
	}
	if errors.Is(err, store.ErrNotFound) {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if err != nil {
		f.fail(w, r, err)
		return
	}
	answer := jrd{
		Subject: "acct:" + a.Handle + "@" + f.social.Config.Domain, Aliases: []string{a.URL, a.URI},
		Links: []jrdLink{
			{Rel: relProfile, Type: "text/html", Href: a.URL},
			{Rel: relSelf, Type: activityType, Href: a.URI},
			{Rel: relSubscribe, Template: f.social.Config.BaseURL + "/search?q={uri}"},
		},
	}
	writeJSON(w, "application/jrd+json; charset=utf-8", answer)
}

// resourceAccount finds the local account that an acct: address, an actor id or a profile URL names.
func (f *Server) resourceAccount(ctx context.Context, resource string) (*store.Account, error) {
	c := f.social.Config
	if strings.HasPrefix(resource, "https://") || strings.HasPrefix(resource, "http://") {
		if !f.social.Owns(resource + "/") {
			return nil, store.ErrNotFound
		}
		rest := strings.TrimSuffix(strings.TrimPrefix(resource, c.BaseURL), "/")
		if rest == "" {
			return f.ServerActor(ctx)
		}
		for _, prefix := range []string{"/@", "/c/"} {
			if handle, ok := strings.CutPrefix(rest, prefix); ok && !strings.Contains(handle, "/") {
				return f.localNamed(ctx, strings.ToLower(handle))
			}
		}
		a, err := f.db.AccountByURI(ctx, resource)
		if err == nil && !a.Local() {
			err = store.ErrNotFound
		}
		return a, err
	}
	name, ok := strings.CutPrefix(resource, "acct:")
	if !ok {
		name = resource
	}
	handle, domain, found := strings.Cut(strings.TrimPrefix(name, "@"), "@")
	if !found || !strings.EqualFold(domain, c.Domain) && !strings.EqualFold(domain, c.Host) {
		return nil, store.ErrNotFound
	}
	return f.localNamed(ctx, strings.ToLower(handle))
}

// localNamed finds a local account by its handle. A secret circle is not found.
func (f *Server) localNamed(ctx context.Context, handle string) (*store.Account, error) {
	server, err := f.ServerActor(ctx)
	if err != nil {
		return nil, err
	}
	if handle == server.Handle {
		return server, nil
	}
	a, err := f.db.AccountByHandle(ctx, handle, "")
	if err != nil {
		return nil, err
	}
	return a, f.hidden(ctx, a)
}

// hidden is store.ErrNotFound for a circle that may not be known of.
func (f *Server) hidden(ctx context.Context, a *store.Account) error {
	if a.Kind != store.KindCircle {
		return nil
	}
	c, err := f.db.Circle(ctx, a.ID)
	if err == nil && c.Listing == "secret" {
		err = store.ErrNotFound
	}
	return err
}

// HostMeta points older servers to WebFinger.
func (f *Server) HostMeta(w http.ResponseWriter, _ *http.Request) {
	type link struct {
		Rel      string `xml:"rel,attr"`
		Template string `xml:"template,attr"`
	}
	doc := struct {
		XMLName xml.Name `xml:"http://docs.oasis-open.org/ns/xri/xrd-1.0 XRD"`
		Link    link     `xml:"Link"`
	}{Link: link{"lrdd", f.social.Config.BaseURL + "/.well-known/webfinger?resource={uri}"}}
	out, err := xml.Marshal(doc)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Content-Type", "application/xrd+xml; charset=utf-8")
	write(w, append([]byte(xml.Header), out...))
}

// fingered is a domain's answer to who stands behind an address of its own.
type fingered struct {
	asked, domain string // the address asked for
	subject, of   string // handle and domain of the address that it gave
	uri           string // the id of the actor
}

// finger asks a domain who stands behind an address of its own.
func (f *Server) finger(ctx context.Context, handle, domain string) (*fingered, error) {
	if err := f.mustAllow(ctx, domain); err != nil {
		return nil, err
	}
	q := url.Values{"resource": {"acct:" + handle + "@" + domain}}
	raw, _, err := f.client.FetchJSON(ctx, f.scheme(domain)+"://"+domain+"/.well-known/webfinger?"+q.Encode(), "application/jrd+json, application/json")
	if err != nil {
		return nil, err
	}
	if err := vocab.Check(raw); err != nil {
		return nil, err
	}
	var answer jrd
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, fmt.Errorf("%w: webfinger", vocab.ErrMalformed)
	}
	got := &fingered{asked: handle, domain: domain}
	got.subject, got.of, err = social.ParseAddress(answer.Subject)
	if err != nil || got.of == "" {
		got.subject, got.of = handle, domain
	}
	for _, l := range answer.Links {
		if l.Rel == relSelf && (l.Type == activityType || strings.HasPrefix(l.Type, "application/ld+json")) {
			got.uri = l.Href
			return got, nil
		}
	}
	return nil, store.ErrNotFound
}

// fingerOf is finger for an actor that is known already: another actor's address is no answer. just, if
// not nil, is an answer that led to the actor: nobody is asked the same again.
func (f *Server) fingerOf(ctx context.Context, just *fingered, handle, domain, uri string) (*fingered, error) {
	got, err := just, error(nil)
	if just == nil || just.asked != handle || just.domain != domain {
		got, err = f.finger(ctx, handle, domain)
	}
	if err == nil && got.uri != uri {
		err = store.ErrNotFound
	}
	return got, err
}

func bareHost(host string) string {
	bare, _, _ := strings.Cut(host, ":")
	return bare
}

// scheme by which a host is asked: https, but http between servers on this machine when we are such a
// one ourselves.
func (f *Server) scheme(host string) string {
	if strings.HasPrefix(f.social.Config.BaseURL, "http://") && isLocalhost(bareHost(host)) {
		return "http"
	}
	return "https"
}

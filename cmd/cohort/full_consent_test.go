//go:build full

package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// visitor uses the pages as a browser without scripts does: it follows
// redirects, keeps cookies and sends forms.
type visitor struct {
	client *http.Client
	at     *url.URL
	page   *html.Node
}

// errLeft says that the instance has sent the visitor elsewhere.
var errLeft = errors.New("sent away")

// newVisitor starts with empty hands. It stops where it is sent to another
// server, and at is then that address.
func (r *running) newVisitor() *visitor {
	v := &visitor{client: localClient()}
	v.client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if next.URL.Host != r.Host {
			v.at = next.URL
			return errLeft
		}
		if len(via) > 8 {
			return errors.New("too many redirects")
		}
		return nil
	}
	return v
}

func (v *visitor) open(address string) error {
	return v.take(v.client.Get(address))
}

func (v *visitor) take(response *http.Response, err error) error {
	if errors.Is(err, errLeft) {
		return errLeft
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	v.at = response.Request.URL
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: %s", v.at, response.Status, tail(string(text), 600))
	}
	v.page, err = html.Parse(strings.NewReader(string(text)))
	return err
}

// attribute is the value of one attribute, or "".
func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// element finds the first element that fits.
func (v *visitor) element(tag string, fits func(*html.Node) bool) *html.Node {
	if v.page == nil {
		return nil
	}
	for node := range v.page.Descendants() {
		if node.Type == html.ElementNode && node.Data == tag && fits(node) {
			return node
		}
	}
	return nil
}

// form finds the form that goes to a path.
func (v *visitor) form(path string) *html.Node {
	return v.element("form", func(node *html.Node) bool {
		target, err := v.at.Parse(attribute(node, "action"))
		return err == nil && target.Path == path
	})
}

// send fills in a form and sends it: what is given, what is hidden, and what is
// there already.
func (v *visitor) send(form *html.Node, given url.Values) error {
	values := url.Values{}
	for node := range form.Descendants() {
		name := attribute(node, "name")
		if node.Type != html.ElementNode || node.Data != "input" || name == "" {
			continue
		}
		if !slices.Contains([]string{"submit", "checkbox", "radio", "file"}, attribute(node, "type")) {
			values.Add(name, attribute(node, "value"))
		}
	}
	for name, list := range given {
		values[name] = list
	}
	target, err := v.at.Parse(attribute(form, "action"))
	if err != nil {
		return err
	}
	return v.take(v.client.PostForm(target.String(), values))
}

// allow goes through signing in and consent as a person would whom a client
// program sends to address. It returns the code the program gets and where the
// person is then: on a page that shows the code, or on the way back.
func (r *running) allow(address, handle string) (code string, at *url.URL, err error) {
	v := r.newVisitor()
	err = v.open(address)
	for range 4 {
		if errors.Is(err, errLeft) {
			if code = v.at.Query().Get("code"); code == "" {
				return "", nil, fmt.Errorf("sent to %s without a code", v.at)
			}
			return code, v.at, nil
		}
		if err != nil {
			return "", nil, err
		}
		if field := v.element("input", func(n *html.Node) bool { return attribute(n, "id") == "f-code" }); field != nil {
			return attribute(field, "value"), v.at, nil
		}
		if form := v.form("/sign-in"); form != nil {
			err = v.send(form, url.Values{"login": {handle}, "password": {password}})
		} else if form := v.form("/oauth/authorize"); form != nil {
			err = v.send(form, url.Values{"decision": {"allow"}})
		} else {
			return "", nil, fmt.Errorf("%s has neither a form to sign in nor one to agree", v.at)
		}
	}
	return "", nil, fmt.Errorf("there is no code at %s after signing in and agreeing", v.at)
}

package main

import (
	"net/http"
	"strings"
)

// hosts are the names under which an instance answers. A page, a client's token
// and the signature of another server are each meant for one host; what was
// sent to another name was misled, as by a name server that lies to a browser.
type hosts struct {
	url     string
	own     string // of instance.url, as it stands in Host
	account string // of handles; only /.well-known/ is asked for there
	port    string // that need not be named: 443 for https
	local   bool   // the instance is for this machine alone, under any name of it
}

func newHosts(config Config) hosts {
	h := hosts{url: config.Instance.URL, own: config.BaseURL().Host, account: config.AccountDomain(), port: ":443", local: config.Local()}
	if h.local {
		h.port = ":80"
	}
	return h
}

// answers tells whether a request for path at host is for this instance.
func (h hosts) answers(host, path string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), h.port)
	if host == strings.TrimSuffix(h.own, h.port) {
		return true
	}
	if strings.HasPrefix(path, "/.well-known/") && host == strings.TrimSuffix(h.account, h.port) {
		return true
	}
	if !h.local {
		return false
	}
	// Another name under .localhost may be another instance of this machine.
	name, _ := splitHost(host)
	return name == "localhost" || loopbackName(name) && !strings.HasSuffix(name, ".localhost")
}

// only refuses what is for another host: with 421, which also tells a browser
// that shares a connection among hosts to open another one.
func (h hosts) only(app http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.answers(r.Host, r.URL.Path) {
			answer(w, http.StatusMisdirectedRequest, "This is "+h.url+", and was asked for another host.")
			return
		}
		app.ServeHTTP(w, r)
	})
}

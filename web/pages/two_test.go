package pages

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cohort/federation"
	"cohort/social"
	"cohort/store"
	"cohort/store/storetest"
	"cohort/web/i18n"
)

// newHouseAt is a house that other houses can reach, at http://name.localhost:port.
func newHouseAt(t testing.TB, name, kind string) (*house, *store.Worker) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	host := name + ".localhost:" + port
	h := buildHouse(t, func(c *social.Config) {
		c.BaseURL, c.Host, c.Domain, c.Name, c.Kind = "http://"+host, host, host, name, kind
	})
	server := httptest.NewUnstartedServer(h.withFederation(h.handler()))
	if err := server.Listener.Close(); err != nil {
		t.Fatal(err)
	}
	server.Listener = listener
	server.Start()
	t.Cleanup(func() { h.s.Hub.Close(); server.Close() })
	h.url = "http://127.0.0.1:" + port
	return h, store.NewWorker(h.db, store.WorkerConfig{Handlers: h.fed.Handlers(), Log: h.s.Log, Permanent: federation.Permanent})
}

// withFederation gives other servers what they ask for, and people the pages.
func (h *house) withFederation(pages http.Handler) http.Handler {
	f, mux := h.fed, http.NewServeMux()
	for _, path := range []string{"/inbox", "/users/{id}/inbox", "/circles/{id}/inbox"} {
		mux.HandleFunc("POST "+path, f.PostInbox)
	}
	mux.HandleFunc("GET /actor", f.ServeServerActor)
	mux.HandleFunc("GET /.well-known/webfinger", f.WebFinger)
	mux.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, r *http.Request) { f.ServeActor(w, r, r.PathValue("id")) })
	mux.HandleFunc("GET /circles/{id}", func(w http.ResponseWriter, r *http.Request) { f.ServeCircle(w, r, r.PathValue("id")) })
	mux.HandleFunc("GET /posts/{id}", func(w http.ResponseWriter, r *http.Request) { f.ServePost(w, r, r.PathValue("id")) })
	mux.HandleFunc("GET /posts/{id}/replies", func(w http.ResponseWriter, r *http.Request) { f.ServeReplies(w, r, r.PathValue("id")) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		program := federation.WantsActivity(r) || strings.HasPrefix(r.URL.Path, "/.well-known/") || strings.HasSuffix(r.URL.Path, "/inbox") && r.Method == http.MethodPost
		if program {
			mux.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})
}

// A former pupil whose account is at her employer follows a teacher at the school, and comes back to her
// class: all in the pages of both instances. Her colleague sees nothing of it.
func TestJourneyAcrossInstances(t *testing.T) {
	school, schoolWork := newHouseAt(t, "yizhong", "school")
	employer, employerWork := newHouseAt(t, "aurora", "employer")
	zhao, chen := school.person("zhao"), school.person("chenmo")
	lin, qq := employer.person("linwei"), employer.person("qq")
	school.circle(chen)
	host := school.s.Config.Domain
	linThere, err := school.fed.ResolveAccount(t.Context(), "linwei@"+employer.s.Config.Domain)
	if err != nil {
		t.Fatal(err)
	}
	school.seat(linThere)
	b, teacher, pupil, colleague := employer.as(lin), school.as(zhao), school.as(chen), employer.as(qq)
	run := func() { storetest.Settle(t, schoolWork, employerWork) }

	b.open(withQuery("/search", "q", "@zhao@"+host)).shows("zhao@" + host)
	zhaoHere, err := employer.db.AccountByHandle(t.Context(), "zhao", host)
	if err != nil {
		t.Fatal(err)
	}
	b.send("/accounts/"+zhaoHere.ID.String()+"/follow", nil).must(http.StatusOK)
	run()
	teacher.open("/inbox").shows("linwei", i18n.T("en", "notice.follow", nil))
	teacher.open("/compose")
	post := teacher.send("/compose", map[string]any{"text": "明天开学"}).must(http.StatusOK)
	run()
	b.open("/").shows("明天开学")
	b.open("/@zhao@" + host).shows("明天开学")

	page := b.open("/c/2012-3@"+host).shows("2012(3)", "高三 3 班", "2009–2012", i18n.T("en", "circle.closed", nil))
	if page.header.Get("Cache-Control") != "private, no-store" {
		t.Errorf("Cache-Control %q", page.header.Get("Cache-Control"))
	}
	b.send("/c/2012-3@"+host+"/join", nil).must(http.StatusOK).shows(i18n.T("en", "circle.waiting", nil))
	run()
	b.open("/c/2012-3@" + host).shows(i18n.T("en", "circle.first", nil))
	colleague.open("/c/2012-3@" + host).shows(i18n.T("en", "circle.closed", nil))
	colleague.send("/c/2012-3@"+host+"/join", nil).must(http.StatusOK)
	run()

	pupil.open("/compose?to=c/2012-3")
	said := pupil.send("/compose", map[string]any{"text": "香樟树还在"}).must(http.StatusOK).shows("2 people in 2012(3) on 2 servers can read this.")
	run()
	b.open("/").shows("香樟树还在")
	b.open("/c/2012-3@" + host).shows("香樟树还在")
	copied, err := employer.db.PostByURI(t.Context(), store.AsAccount(lin.ID), "http://"+host+"/posts/"+mustID(t, said.path).String())
	if err != nil {
		t.Fatal(err)
	}
	b.open("/@chenmo@" + host + "/" + copied.ID.String()).shows("香樟树还在")
	if got := b.last.value("visibility"); got != "c/2012-3@"+host {
		t.Errorf("her reply goes to %q", got)
	}
	b.send("/compose", map[string]any{"text": "想回去看看"}).must(http.StatusOK).shows("想回去看看", i18n.T("en", "post.pending", nil))
	reply := b.last.path
	run()
	b.open(reply).shows("想回去看看").hides(i18n.T("en", "post.pending", nil))
	pupil.open("/c/2012-3").shows("想回去看看")
	pupil.open("/c/2012-3?tab=people").shows("linwei@")
	for _, outside := range []*browser{colleague, employer.browser(), teacher, school.browser()} {
		for path, a := range crawl(outside, "/", "/local", "/public", "/c/2012-3", "/c/2012-3@"+host, "/@linwei", "/@linwei?tab=replies", "/@chenmo@"+host, "/@chenmo", reply, withQuery("/search", "q", "香樟")) {
			if a.has("香樟树还在") || a.has("想回去看看") {
				t.Errorf("the circle leaks at %s", path)
			}
		}
	}
	teacher.open("/posts/" + mustID(t, post.path).String() + "/delete")
	teacher.send("/posts/"+mustID(t, post.path).String()+"/delete", nil).must(http.StatusOK)
	run()
	b.open("/").hides("明天开学").shows("香樟树还在")
}

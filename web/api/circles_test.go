package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cohort/social"
	"cohort/store"
	"cohort/store/storetest"
)

// class is a circle in which two sit and to which a third does not belong.
type class struct {
	*house
	circle                 *store.Account
	ada, bob, eve          *store.Account
	adas, bobs, eves       string
	post, answer, outsider *store.Post
}

func newClass(t testing.TB) *class {
	t.Helper()
	c := &class{house: newHouse(t)}
	c.ada, c.bob, c.eve = c.person("ada"), c.person("bob"), c.person("eve")
	c.adas, c.bobs, c.eves = c.token(c.ada, everything), c.token(c.bob, everything), c.token(c.eve, everything)
	made, err := c.s.CreateCircle(t.Context(), social.CircleDraft{Slug: "2012-3", Name: "Class 2012 (3)", Unit: "class-3", From: 2012, To: 2015})
	if err != nil {
		t.Fatal(err)
	}
	c.circle = made.Account
	storetest.Join(t, c.db, c.circle, c.ada)
	storetest.Join(t, c.db, c.circle, c.bob)
	// Following each other opens no circle.
	storetest.Follow(t, c.db, c.eve, c.ada)
	storetest.Follow(t, c.db, c.ada, c.eve)
	created := c.json(http.MethodPost, "/api/v1/statuses", c.adas, map[string]any{"status": "classified @eve #reunion", "circle_id": c.circle.ID.String()}).one(t, 200)
	c.post = c.load(created["id"])
	c.answer = c.load(c.form("/api/v1/statuses", c.bobs, url.Values{"status": {"classified answer"}, "in_reply_to_id": {c.post.ID.String()}, "visibility": {"public"}}).one(t, 200)["id"])
	c.outsider = c.publish(c.eve, "a word for all", store.Public)
	return c
}

func (c *class) load(id any) *store.Post {
	c.t.Helper()
	s, _ := id.(string)
	n, err := store.ParseID(s)
	c.must(err)
	p, err := c.db.Post(c.t.Context(), store.AsAccount(c.ada.ID), n)
	c.must(err)
	return p
}

func TestMembersOfACircle(t *testing.T) {
	c := newClass(t)
	id := c.circle.ID.String()
	got := c.get("/api/v1/statuses/"+c.answer.ID.String(), c.adas).one(t, 200)
	if got["visibility"] != "private" || got["circle_id"] != id || got["in_reply_to_id"] != c.post.ID.String() {
		t.Errorf("an answer in a circle %v", got)
	}
	lists := c.get("/api/v1/lists", c.bobs).many(t)
	if len(lists) != 1 || lists[0]["id"] != id || lists[0]["title"] != "Class 2012 (3)" || lists[0]["replies_policy"] == nil || lists[0]["exclusive"] != false {
		t.Errorf("lists %v", lists)
	}
	both := c.answer.ID.String() + " " + c.post.ID.String()
	for _, path := range []string{"/api/v1/timelines/list/" + id, "/api/v1/accounts/" + id + "/statuses"} {
		if got := idsOf(c.get(path, c.bobs).many(t)); got != both {
			t.Errorf("%s: %s, want %s", path, got, both)
		}
	}
	if got := idsOf(c.get("/api/v1/accounts/"+id+"/statuses?exclude_replies=1", c.bobs).many(t)); got != c.post.ID.String() {
		t.Errorf("without answers: %s", got)
	}
	if got := idsOf(c.get("/api/v1/timelines/home", c.bobs).many(t)); got != both {
		t.Errorf("home: %s", got)
	}
	for _, path := range []string{"/api/v1/lists/" + id + "/accounts", "/api/v1/accounts/" + id + "/followers"} {
		if got := c.get(path, c.bobs).many(t); len(got) != 2 {
			t.Errorf("%s: %v", path, got)
		}
	}
	if r := c.get("/api/v1/accounts/relationships?id[]="+id, c.bobs).many(t); r[0]["following"] != true {
		t.Errorf("relationship %v", r)
	}
	if a := c.get("/api/v1/lists/"+id, c.adas).one(t, 200); a["title"] != "Class 2012 (3)" {
		t.Errorf("list %v", a)
	}
	// Nobody carries it out, and nobody changes the list.
	c.form("/api/v1/statuses/"+c.post.ID.String()+"/reblog", c.bobs, nil).want(t, 422)
	c.form("/api/v1/statuses/"+c.post.ID.String()+"/reblog", c.adas, nil).want(t, 422)
	c.form("/api/v1/statuses/"+c.post.ID.String()+"/pin", c.adas, nil).want(t, 422)
	c.form("/api/v1/lists", c.bobs, url.Values{"title": {"x"}}).want(t, 422)
	c.json(http.MethodPut, "/api/v1/lists/"+id, c.bobs, map[string]any{"title": "x"}).want(t, 422)
	c.do(http.MethodDelete, "/api/v1/lists/"+id, c.bobs, nil).want(t, 422)
	c.form("/api/v1/lists/"+id+"/accounts", c.bobs, url.Values{"account_ids[]": {c.eve.ID.String()}}).want(t, 422)
	c.do(http.MethodDelete, "/api/v1/lists/"+id+"/accounts", c.bobs, nil).want(t, 422)
	// By mention, as clients without our parameter do it; never in public.
	byMention := c.form("/api/v1/statuses", c.adas, url.Values{"status": {"@2012-3 by mention"}, "visibility": {"private"}}).one(t, 200)
	if byMention["circle_id"] != id {
		t.Errorf("by mention %v", byMention)
	}
	c.form("/api/v1/statuses", c.adas, url.Values{"status": {"@2012-3 by mention"}, "visibility": {"public"}}).want(t, 422)
}

func TestOutsidersFindNoTraceOfACircle(t *testing.T) {
	c := newClass(t)
	id, post, answer := c.circle.ID.String(), c.post.ID.String(), c.answer.ID.String()
	if a := c.get("/api/v1/accounts/"+id, c.eves).one(t, 200); a["group"] != true || a["followers_count"] != 0.0 || a["statuses_count"] != 0.0 || a["last_status_at"] != nil || a["locked"] != true {
		t.Errorf("the circle %v", a)
	}
	c.form("/api/v1/statuses/"+answer+"/favourite", c.adas, nil).want(t, 200)
	for _, who := range []string{"", c.eves} {
		for _, path := range []string{"", "/context", "/history", "/card", "/favourited_by", "/reblogged_by", "/source"} {
			for _, p := range []string{post, answer} {
				got := c.get("/api/v1/statuses/"+p+path, who)
				if who == "" && path == "/source" {
					continue
				}
				absent := c.get("/api/v1/statuses/5"+path, who)
				if got.code != http.StatusNotFound || string(got.body) != string(absent.body) {
					t.Errorf("%s%s: %d %s", p, path, got.code, got.body)
				}
			}
		}
		for _, path := range []string{
			"/api/v1/statuses?id[]=" + post, "/api/v1/timelines/public", "/api/v1/timelines/public?local=true", "/api/v1/timelines/tag/reunion",
			"/api/v1/accounts/" + id + "/statuses", "/api/v1/accounts/" + id + "/followers", "/api/v1/accounts/" + id + "/following",
			"/api/v1/accounts/" + c.ada.ID.String() + "/statuses", "/api/v1/accounts/" + c.bob.ID.String() + "/statuses", "/api/v1/accounts/" + c.ada.ID.String() + "/following",
			"/api/v2/search?q=classified", "/api/v2/search?q=reunion", "/api/v2/search?q=" + url.QueryEscape(c.post.URI), "/api/v2/search?q=" + url.QueryEscape(c.post.URL),
		} {
			c.mustNotTell(path, c.get(path, who))
		}
	}
	for _, path := range []string{
		"/api/v1/timelines/home", "/api/v1/notifications", "/api/v2/notifications", "/api/v1/lists", "/api/v1/favourites", "/api/v1/bookmarks", "/api/v1/accounts/verify_credentials",
		"/api/v1/notifications/unread_count", "/api/v2/search?resolve=true&q=" + url.QueryEscape(c.post.URI),
	} {
		c.mustNotTell(path, c.get(path, c.eves))
	}
	if got := c.get("/api/v1/notifications/unread_count", c.eves).one(t, 200); got["count"] != 0.0 {
		t.Errorf("a mention in a circle is told to an outsider: %v", got)
	}
	for _, path := range []string{"/api/v1/timelines/list/" + id, "/api/v1/lists/" + id, "/api/v1/lists/" + id + "/accounts"} {
		if got := c.get(path, c.eves); got.code != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, got.code, got.body)
		}
	}
	for _, do := range []string{"favourite", "reblog", "bookmark", "mute", "pin", "unfavourite", "unreblog"} {
		c.form("/api/v1/statuses/"+post+"/"+do, c.eves, nil).want(t, 404)
	}
	c.form("/api/v1/statuses", c.eves, url.Values{"status": {"let me in"}, "in_reply_to_id": {post}}).want(t, 404)
	c.form("/api/v1/statuses", c.eves, url.Values{"status": {"let me in"}, "circle_id": {id}}).want(t, 404)
	c.json(http.MethodPut, "/api/v1/lists/"+id, c.eves, map[string]any{"title": "x"}).want(t, 404)
	// Numbers tell, too.
	for name, want := range map[*store.Account]float64{c.ada: 0, c.bob: 0, c.eve: 1} {
		a := c.get("/api/v1/accounts/"+name.ID.String(), c.eves).one(t, 200)
		if a["statuses_count"] != want || want == 0 && a["last_status_at"] != nil {
			t.Errorf("%s: %v posts, last %v", name.Handle, a["statuses_count"], a["last_status_at"])
		}
	}
	// Whoever asks without a seat waits.
	if r := c.form("/api/v1/accounts/"+id+"/follow", c.eves, nil).one(t, 200); r["following"] != false || r["requested"] != true {
		t.Errorf("asking to join %v", r)
	}
	c.mustNotTell("home while waiting", c.get("/api/v1/timelines/home", c.eves))
	c.get("/api/v1/timelines/list/"+id, c.eves).want(t, 404)
}

// mustNotTell fails if an answer has anything of the circle's posts in it.
func (c *class) mustNotTell(path string, got answer) {
	c.t.Helper()
	if got.code != http.StatusOK {
		c.t.Errorf("%s: %d %s", path, got.code, got.body)
	}
	for _, trace := range []string{"classified", "reunion", c.post.ID.String(), c.answer.ID.String()} {
		if strings.Contains(string(got.body), trace) || strings.Contains(got.header.Get("Link"), trace) {
			c.t.Errorf("%s tells %q: %s", path, trace, got.body)
		}
	}
}

func TestASecretCircleIsNotThere(t *testing.T) {
	c := newClass(t)
	id := c.circle.ID.String()
	if err := c.db.Tx(t.Context(), func(tx *store.Tx) error { return tx.SetListing(t.Context(), c.circle.ID, "secret") }); err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{"", c.eves} {
		for _, path := range []string{"", "/statuses", "/followers", "/following", "/featured_tags"} {
			c.get("/api/v1/accounts/"+id+path, who).want(t, 404)
		}
		c.get("/api/v1/accounts/lookup?acct=2012-3", who).want(t, 404)
		if got := c.get("/api/v1/accounts?id[]="+id, who).many(t); len(got) != 0 {
			t.Errorf("shown %v", got)
		}
	}
	for _, q := range []string{c.circle.URI, c.circle.URL, "2012-3", "@2012-3@school.example", "Class"} {
		for _, path := range []string{"/api/v2/search?resolve=true&q=", "/api/v1/accounts/search?resolve=true&q="} {
			if got := c.get(path+url.QueryEscape(q), c.eves); got.code != http.StatusOK || strings.Contains(string(got.body), id) {
				t.Errorf("search for %s: %d %s", q, got.code, got.body)
			}
		}
	}
	if got := c.get("/api/v1/accounts/relationships?id[]="+id, c.eves).many(t); len(got) != 0 {
		t.Errorf("relationship %v", got)
	}
	c.form("/api/v1/accounts/"+id+"/follow", c.eves, nil).want(t, 404)
	c.get("/api/v1/accounts/"+id, c.bobs).want(t, 200)
}

// Who leaves, or loses the seat, reads nothing more at once.
func TestWhoLeavesACircle(t *testing.T) {
	c := newClass(t)
	id := c.circle.ID.String()
	if r := c.form("/api/v1/accounts/"+id+"/unfollow", c.bobs, nil).one(t, 200); r["following"] != false {
		t.Errorf("left %v", r)
	}
	c.get("/api/v1/statuses/"+c.post.ID.String(), c.bobs).want(t, 404)
	c.get("/api/v1/timelines/list/"+id, c.bobs).want(t, 404)
	if got := c.get("/api/v1/lists", c.bobs).many(t); len(got) != 0 {
		t.Errorf("lists %v", got)
	}
	if got := string(c.get("/api/v1/timelines/home", c.bobs).body); strings.Contains(got, c.post.ID.String()) {
		t.Errorf("home %s", got)
	}
}

package web

import (
	"bytes"
	"image"
	"image/png"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"cohort/social"
	"cohort/store"
	"cohort/web/api"
)

// mark stands in every text that an outsider may not read.
const mark = "zxmark"

// world is an instance in which much is said that is not for everyone.
type world struct {
	*house
	ada, bob, dan *store.Account // dan has nothing to do with the others
	circle        *store.Circle
	open          *store.Post
	hidden        []*store.Post
	media         store.ID
}

func newWorld(t *testing.T) *world {
	h := newHouse(t)
	w := &world{house: h, ada: h.person("ada"), bob: h.person("bob"), dan: h.person("dan")}
	w.circle = h.circle("2012-3", "3", w.ada, w.bob)
	h.circle("2013-1", "1", w.dan)
	h.must(h.s.Follow(t.Context(), w.bob, w.ada.ID, social.FollowOptions{}))
	w.open = h.publish(w.ada, social.Draft{Text: "good morning", Visibility: store.Public})
	return w
}

// talk says what outsiders may not hear.
func (w *world) talk() {
	w.t.Helper()
	say := func(by *store.Account, d social.Draft) *store.Post {
		p := w.publish(by, d)
		w.hidden = append(w.hidden, p)
		return p
	}
	var b bytes.Buffer
	w.must(png.Encode(&b, image.NewGray(image.Rect(0, 0, 30, 30))))
	pic, err := w.s.Upload(w.t.Context(), w.ada, &b, mark+" picture", social.Focus{})
	w.must(err)
	w.media = pic.ID
	first := say(w.ada, social.Draft{Text: mark + " class #plaintag #" + mark + "tag", Summary: mark, Circle: w.circle.ID})
	say(w.bob, social.Draft{Text: mark + " answer", ReplyTo: first.ID})
	say(w.ada, social.Draft{Text: mark + " followers #plaintag", Visibility: store.Followers, Media: []store.ID{pic.ID}})
	say(w.ada, social.Draft{Text: "@bob " + mark + " direct", Visibility: store.Direct})
	say(w.bob, social.Draft{Text: "@ada " + mark + " aside", Visibility: store.Direct, ReplyTo: w.open.ID})
	w.must(w.s.Like(w.t.Context(), w.bob, first.ID))
	w.must(w.s.Bookmark(w.t.Context(), w.bob, first.ID))
}

// ways are the values tried for the names in addresses.
func (w *world) ways() []map[string]string {
	base := map[string]string{
		"who": "ada", "slug": "2012-3", "hashtag": "plaintag", "tag": "plaintag", "version": "2.0", "topic": "visibility", "name": "outbox", "do": "favourite",
		"token": "x", "key": "x", "owner": w.ada.ID.String(),
	}
	var all []map[string]string
	ids := []store.ID{w.open.ID, w.ada.ID, w.bob.ID, w.circle.ID}
	for _, p := range w.hidden {
		ids = append(ids, p.ID)
	}
	if w.media != 0 {
		ids = append(ids, w.media)
	}
	for _, id := range ids {
		v := maps.Clone(base)
		v["id"], v["key"] = id.String(), "ungrouped-"+id.String()
		all = append(all, v)
	}
	for _, who := range []string{"bob", "2012-3"} {
		v := maps.Clone(base)
		v["who"], v["id"] = who, w.circle.ID.String()
		all = append(all, v)
	}
	return all
}

// questions are what addresses are asked with.
func (w *world) questions(path string) []string {
	switch {
	case strings.HasSuffix(path, "/search"):
		out := []string{"?q=zx", "?q=%23zx&type=hashtags", "?q=2012"}
		for _, p := range w.hidden {
			out = append(out, "?resolve=true&q="+p.URI, "?resolve=true&q="+p.URL)
		}
		return out
	case strings.HasSuffix(path, "/webfinger"):
		return []string{"?resource=acct:ada@school.example", "?resource=acct:2012-3@school.example", "?resource=" + w.circle.URI}
	case path == "/api/v1/statuses":
		var ids []string
		for _, p := range w.hidden {
			ids = append(ids, "id[]="+p.ID.String())
		}
		return []string{"?" + strings.Join(ids, "&")}
	case strings.HasSuffix(path, "/statuses"):
		return []string{"", "?pinned=true", "?only_media=true", "?tagged=plaintag", "?exclude_replies=true"}
	case strings.HasSuffix(path, "/outbox"):
		return []string{"", "?page=true"}
	}
	return []string{""}
}

// each visits every address as whoever the headers say.
func (w *world) each(method string, visit func(r route, path string)) {
	for _, r := range routes(w.deps) {
		if (r.method == http.MethodGet) != (method == http.MethodGet) {
			continue
		}
		seen := map[string]bool{}
		for _, v := range w.ways() {
			path := filled(r.path, v)
			if seen[path] {
				continue
			}
			seen[path] = true
			for _, q := range w.questions(path) {
				visit(r, path+q)
			}
		}
	}
}

func (w *world) quiet(name string, got answer) {
	w.t.Helper()
	if at := strings.Index(strings.ToLower(got.body), mark); at >= 0 {
		w.t.Errorf("%s (%d) tells: …%s…", name, got.code, got.body[max(0, at-200):min(len(got.body), at+100)])
	}
	for k, values := range got.header {
		if strings.Contains(strings.ToLower(strings.Join(values, " ")), mark) {
			w.t.Errorf("%s: header %s tells: %q", name, k, values)
		}
	}
	if got.code >= 500 {
		w.t.Errorf("%s: %d %.200s", name, got.code, got.body)
	}
}

var accepts = []string{"text/html", activityType, "application/json"}

func TestOutsidersFindNoTrace(t *testing.T) {
	w := newWorld(t)
	w.talk()
	session, err := w.s.StartSession(t.Context(), w.dan.ID, "test")
	w.must(err)
	token := "Bearer " + w.token(w.dan)
	visits := 0
	w.each(http.MethodGet, func(r route, path string) {
		kinds := accepts
		if strings.HasPrefix(path, "/api/") {
			kinds = accepts[2:]
		}
		for _, accept := range kinds {
			w.quiet("nobody: "+path, w.get(path, "Accept", accept))
			visits++
			if r.access == string(api.Listen) || strings.HasPrefix(path, "/live") {
				continue
			}
			if strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/oauth/") {
				w.quiet("dan: "+path, w.get(path, "Accept", accept, "Authorization", token))
			} else {
				w.quiet("dan: "+path, w.get(path, "Accept", accept, "Cookie", "__Host-cohort-session="+session))
			}
		}
	})
	if visits < 500 {
		t.Errorf("only %d visits", visits)
	}
	// The mark is found where it may be, or the test would show nothing.
	got := w.get("/api/v1/timelines/home", "Authorization", "Bearer "+w.token(w.bob))
	if n := strings.Count(got.body, mark); n < 4 {
		t.Errorf("bob hears %d times: %s", n, got.body)
	}
}

func TestOutsidersActInVain(t *testing.T) {
	w := newWorld(t)
	w.talk()
	token := "Bearer " + w.token(w.dan)
	w.each(http.MethodPost, func(r route, path string) {
		if strings.HasSuffix(r.path, "/follow") { // who follows may read what is for followers
			return
		}
		for _, who := range [][]string{nil, {"Authorization", token}} {
			w.quiet(r.method+" "+path, w.do(r.method, path, nil, who...))
		}
	})
	for _, p := range w.hidden {
		got, err := w.db.Post(t.Context(), store.AsAccount(w.bob.ID), p.ID)
		if err != nil || got.LikesCount > 1 || got.BoostsCount > 0 {
			t.Errorf("post %d was changed: %+v %v", p.ID, got, err)
		}
	}
}

// What is said in private changes nothing that an outsider can see: no count, no date, no order.
func TestPrivateTalkLeavesNoMark(t *testing.T) {
	w := newWorld(t)
	token := "Bearer " + w.token(w.dan)
	look := func() map[string]string {
		out := map[string]string{}
		for _, v := range w.ways()[:4] {
			for _, r := range routes(w.deps) {
				path := filled(r.path, v)
				if r.method != http.MethodGet || r.access == string(api.Listen) || r.access == "asset" || strings.HasPrefix(path, "/live") {
					continue
				}
				if got := w.get(path, "Accept", activityType, "Authorization", token); !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
					out["dan "+path] = got.body
				}
				if got := w.get(path, "Accept", activityType); !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
					out["nobody "+path] = got.body
				}
			}
		}
		return out
	}
	before := look()
	hidden := w.hidden
	w.talk()
	w.hidden, w.media = hidden, 0
	for path, body := range look() {
		if before[path] != body {
			t.Errorf("%s differs:\n%.600s\n%.600s", path, before[path], body)
		}
	}
	if len(before) < 200 {
		t.Errorf("only %d answers", len(before))
	}
}

var fresh = regexp.MustCompile(`(name="csrf" value=")[^"]*|\d{10,}|request_id":"\w+`)

// A post that may not be seen is answered like one that does not exist.
func TestUnseenIsAbsent(t *testing.T) {
	w := newWorld(t)
	w.talk()
	token := "Bearer " + w.token(w.dan)
	absent := store.ID(int64(w.hidden[0].ID) + 1).String()
	for _, r := range routes(w.deps) {
		if !strings.Contains(r.path, ":id") || r.access == "asset" {
			continue
		}
		for _, accept := range accepts {
			ask := func(id string, header ...string) (int, string) {
				got := w.do(r.method, filled(r.path, map[string]string{"id": id, "slug": "2012-3", "who": "ada", "do": "favourite"}), nil, append(header, "Accept", accept)...)
				return got.code, fresh.ReplaceAllString(got.body, "")
			}
			for _, p := range w.hidden {
				for _, who := range [][]string{nil, {"Authorization", token}} {
					code, body := ask(p.ID.String(), who...)
					wantCode, wantBody := ask(absent, who...)
					if code != wantCode || body != wantBody {
						t.Errorf("%s %s as %s: %d, absent %d\n%.300s\n%.300s", r.method, r.path, accept, code, wantCode, body, wantBody)
					}
				}
			}
		}
	}
}

package api

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cohort/social"
	"cohort/store"
	"cohort/store/storetest"
)

// links are the addresses of a Link header by their relation, without the base.
func (a answer) links(t testing.TB) map[string]string {
	t.Helper()
	out := map[string]string{}
	header := a.header.Get("Link")
	if header == "" {
		return out
	}
	for i, part := range strings.Split(header, ", ") {
		target, rel, ok := strings.Cut(part, ">; rel=")
		target, absolute := strings.CutPrefix(target, "<"+houseURL)
		if !ok || !absolute {
			t.Fatalf("Link %s", header)
		}
		rel = strings.Trim(rel, `"`)
		if rel == "next" && i != 0 {
			t.Errorf("next is not first: %s", header)
		}
		out[rel] = target
	}
	return out
}

// walk follows next from path to the end and gives all ids in their order; pages of a list never
// repeat and end.
func (h *house) walk(path, token string) []string {
	h.t.Helper()
	var ids []string
	for range 50 {
		got := h.get(path, token)
		for _, m := range got.many(h.t) {
			ids = append(ids, fmt.Sprint(m["id"]))
		}
		if path = got.links(h.t)["next"]; path == "" {
			return ids
		}
	}
	h.t.Fatalf("pages without end: %s", path)
	return nil
}

func TestPagesOfATimeline(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.person("ada"), h.person("bob")
	token := h.token(ada, everything)
	storetest.Follow(t, h.db, ada, bob)
	var want []string
	for i := range 25 {
		want = append([]string{h.publish(bob, fmt.Sprintf("number %d #count", i), store.Public).ID.String()}, want...)
	}
	for _, path := range []string{
		"/api/v1/timelines/home?limit=7", "/api/v1/timelines/public?local=true&limit=7", "/api/v1/timelines/tag/Count?limit=7", "/api/v1/timelines/tag/count?limit=7&any[]=other",
		"/api/v1/timelines/tag/other?limit=7&any[]=count&all[]=count", "/api/v1/accounts/" + bob.ID.String() + "/statuses?limit=7", "/api/v1/timelines/home", "/api/v1/timelines/home?limit=9999",
	} {
		if got := h.walk(path, token); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: %d posts, want %d", path, len(got), len(want))
		}
	}
	first := h.get("/api/v1/timelines/public?local=true&limit=5&access_token=x", token)
	next, err := url.Parse(first.links(t)["next"])
	if err != nil || next.Query().Get("local") != "true" || next.Query().Get("limit") != "5" || next.Query().Get("max_id") != want[4] || next.Query().Has("access_token") {
		t.Errorf("next %v %v", next, err)
	}
	// since_id: the newest above; min_id: those next to it, still newest first.
	at := func(q string) string { return idsOf(h.get("/api/v1/timelines/home?limit=3&"+q, token).many(t)) }
	if got := at("since_id=" + want[10]); got != strings.Join(want[:3], " ") {
		t.Errorf("since_id %s", got)
	}
	if got := at("min_id=" + want[10]); got != strings.Join(want[7:10], " ") {
		t.Errorf("min_id %s", got)
	}
	empty := h.get("/api/v1/timelines/home?max_id="+want[24], token)
	if len(empty.many(t)) != 0 || empty.header.Get("Link") != "" {
		t.Errorf("an empty page: %s %s", empty.body, empty.header.Get("Link"))
	}
	if got := h.get("/api/v1/timelines/home?max_id=x", token); got.code != http.StatusBadRequest {
		t.Errorf("no cursor: %d", got.code)
	}
	if got := h.get("/api/v1/timelines/tag/count?none[]=count", token).many(t); len(got) != 0 {
		t.Errorf("none: %v", got)
	}
	if got := h.get("/api/v1/timelines/tag/%20", token).many(t); len(got) != 0 {
		t.Errorf("no tag: %v", got)
	}
	h.get("/api/v1/timelines/tag/a?any[]=b&any[]=c&any[]=d&any[]=e", token).want(t, 422)
}

// Lists of other things are paged by cursors of their own.
func TestPagesOfOtherLists(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.person("ada"), h.person("bob")
	token := h.token(ada, everything)
	var posts, people []string
	p := h.publish(bob, "liked by all", store.Public)
	for i := range 7 {
		x := h.person(fmt.Sprintf("person%d", i))
		theirs := h.publish(x, "x", store.Public)
		posts, people = append([]string{theirs.ID.String()}, posts...), append([]string{x.ID.String()}, people...)
		storetest.Follow(t, h.db, x, bob)
		storetest.Follow(t, h.db, bob, x)
		h.must(h.s.Like(t.Context(), x, p.ID))
		_, err := h.s.Boost(t.Context(), x, p.ID, "")
		h.must(err)
		for _, do := range []func() error{
			func() error { return h.s.Like(t.Context(), ada, theirs.ID) }, func() error { return h.s.Bookmark(t.Context(), ada, theirs.ID) },
			func() error { return h.s.Mute(t.Context(), ada, x.ID, social.MuteOptions{}) },
		} {
			h.must(do())
		}
	}
	for path, want := range map[string][]string{
		"/api/v1/favourites?limit=3": posts, "/api/v1/bookmarks?limit=3": posts, "/api/v1/mutes?limit=3": people,
		"/api/v1/accounts/" + bob.ID.String() + "/followers?limit=3": people, "/api/v1/accounts/" + bob.ID.String() + "/following?limit=3": people,
		"/api/v1/statuses/" + p.ID.String() + "/favourited_by?limit=3": people,
	} {
		if got := h.walk(path, token); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	if got := h.walk("/api/v1/statuses/"+p.ID.String()+"/reblogged_by?limit=3", ""); strings.Join(got, " ") != strings.Join(people, " ") {
		t.Errorf("reblogged by %v", got)
	}
	for _, x := range people {
		id, err := store.ParseID(x)
		h.must(err)
		h.must(h.s.Block(t.Context(), ada, id))
	}
	if got := h.walk("/api/v1/blocks?limit=3", token); len(got) != 7 {
		t.Errorf("blocks %v", got)
	}
}

func TestPublicTimelines(t *testing.T) {
	h := newHouse(t)
	ada := h.person("ada")
	bob := storetest.Remote(t, h.db, "bob", "b.example")
	here := h.publish(ada, "here", store.Public)
	there := storetest.Post(t, h.db, bob, store.Public, 0, nil)
	h.publish(ada, "unlisted", store.Unlisted)
	h.publish(ada, "followers", store.Followers)
	for query, want := range map[string]string{
		"": there.ID.String() + " " + here.ID.String(), "?local=true": here.ID.String(), "?remote=1": there.ID.String(), "?only_media=true": "", "?local=true&remote=true": "",
	} {
		if got := idsOf(h.get("/api/v1/timelines/public"+query, "").many(t)); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
	if s := h.get("/api/v1/timelines/public?remote=1", "").many(t)[0]; s["account"].(map[string]any)["acct"] != "bob@b.example" {
		t.Errorf("account %v", s["account"])
	} else if _, marked := s["favourited"]; marked {
		t.Error("marks for nobody")
	}
}

func TestTag(t *testing.T) {
	h := newHouse(t)
	if got := h.get("/api/v1/tags/GoLang", "").one(t, 200); got["name"] != "golang" || got["url"] != houseURL+"/tags/golang" || got["history"] == nil {
		t.Errorf("tag %v", got)
	}
	if got := h.get("/api/v1/tags/x", h.token(h.person("ada"), everything)).one(t, 200); got["following"] != false {
		t.Errorf("tag %v", got)
	}
	h.get("/api/v1/tags/%20", "").want(t, 404)
}

func TestNotifications(t *testing.T) {
	h := newHouse(t)
	ada, bob, eve := h.person("ada"), h.person("bob"), h.person("eve")
	token, eves := h.token(ada, everything), h.token(eve, everything)
	p := h.publish(ada, "hello", store.Public)
	for _, x := range []*store.Account{bob, eve} {
		h.must(h.s.Follow(t.Context(), x, ada.ID, social.FollowOptions{}))
		h.must(h.s.Like(t.Context(), x, p.ID))
	}
	_, err := h.s.Boost(t.Context(), bob, p.ID, "")
	h.must(err)
	mention := h.publish(eve, "@ada a secret", store.Direct)
	all := h.get("/api/v1/notifications", token)
	list := all.many(t)
	var kinds []string
	for _, n := range list {
		complete(t, "notification", any(n))
		complete(t, "account", n["account"])
		kinds = append(kinds, fmt.Sprint(n["type"]))
		if s, ok := n["status"]; ok {
			complete(t, "status", s)
		} else if n["type"] != "follow" {
			t.Errorf("no status in %v", n)
		}
	}
	if got := strings.Join(kinds, " "); got != "mention reblog favourite follow favourite follow" {
		t.Fatalf("notifications %s", got)
	}
	if got := h.walk("/api/v1/notifications?limit=4", token); len(got) != 6 {
		t.Errorf("pages %v", got)
	}
	for query, want := range map[string]int{
		"types[]=favourite": 2, "types[]=favourite&types[]=reblog": 3, "exclude_types[]=follow&exclude_types[]=favourite": 2, "types[]=no_such": 0,
		"account_id=" + bob.ID.String(): 3, "account_id=" + bob.ID.String() + "&types[]=follow": 1, "account_id=5": 0,
	} {
		if got := h.get("/api/v1/notifications?"+query, token).many(t); len(got) != want {
			t.Errorf("%s: %d, want %d", query, len(got), want)
		}
	}
	h.get("/api/v1/notifications?account_id=x", token).want(t, 404)
	if got := h.get("/api/v1/notifications/unread_count", token).one(t, 200); got["count"] != 6.0 {
		t.Errorf("unread %v", got)
	}
	// They are the asker's alone.
	first := fmt.Sprint(list[0]["id"])
	if got := h.get("/api/v1/notifications/"+first, token).one(t, 200); got["status"].(map[string]any)["id"] != mention.ID.String() {
		t.Errorf("one %v", got)
	}
	h.get("/api/v1/notifications/"+first, eves).want(t, 404)
	h.form("/api/v1/notifications/"+first+"/dismiss", eves, nil).want(t, 404)
	h.form("/api/v1/notifications/dismiss", eves, url.Values{"id": {first}}).want(t, 404)
	h.form("/api/v1/notifications/clear", eves, nil).want(t, 200)
	h.form("/api/v1/notifications/dismiss", token, url.Values{"id": {first}}).want(t, 200)
	h.form("/api/v1/notifications/"+fmt.Sprint(list[1]["id"])+"/dismiss", token, nil).want(t, 200)
	if got := h.get("/api/v1/notifications", token).many(t); len(got) != 4 {
		t.Errorf("left %v", got)
	}
	h.form("/api/v1/notifications/clear", token, nil).want(t, 200)
	if got := h.get("/api/v1/notifications", token); len(got.many(t)) != 0 || got.header.Get("Link") != "" {
		t.Errorf("left %s", got.body)
	}
}

func TestGroupedNotifications(t *testing.T) {
	h := newHouse(t)
	began, middle := time.Now(), time.Now().Truncate(groupSpan).Add(groupSpan/2)
	h.db.Now = func() time.Time { return middle.Add(time.Since(began)) } // no group ends meanwhile
	ada := h.person("ada")
	token := h.token(ada, everything)
	p, q := h.publish(ada, "one", store.Public), h.publish(ada, "two", store.Public)
	for i := range 3 {
		x := h.person(fmt.Sprintf("person%d", i))
		h.must(h.s.Like(t.Context(), x, p.ID))
		h.must(h.s.Like(t.Context(), x, q.ID))
	}
	got := h.get("/api/v2/notifications", token).one(t, 200)
	groups := got["notification_groups"].([]any)
	if len(groups) != 2 || len(got["accounts"].([]any)) != 3 || len(got["statuses"].([]any)) != 2 {
		t.Fatalf("%d groups, %d accounts, %d statuses", len(groups), len(got["accounts"].([]any)), len(got["statuses"].([]any)))
	}
	g := complete(t, "group", groups[0])
	if g["notifications_count"] != 3.0 || g["type"] != "favourite" || g["status_id"] != q.ID.String() || len(g["sample_account_ids"].([]any)) != 3 {
		t.Errorf("group %v", g)
	}
	key := g["group_key"].(string)
	path := "/api/v2/notifications/" + key
	if one := h.get(path, token).one(t, 200); len(one["notification_groups"].([]any)) != 1 {
		t.Errorf("one group %v", one)
	}
	if l := h.get(path+"/accounts", token).many(t); len(l) != 3 {
		t.Errorf("accounts %v", l)
	}
	other := h.token(h.person("eve"), everything)
	h.get(path, other).want(t, 404)
	h.form(path+"/dismiss", other, nil).want(t, 404)
	if l := h.get("/api/v2/notifications?grouped_types[]=reblog", token).one(t, 200)["notification_groups"].([]any); len(l) != 6 {
		t.Errorf("ungrouped: %d", len(l))
	} else {
		alone := l[0].(map[string]any)["group_key"].(string)
		if one := h.get("/api/v2/notifications/"+alone, token).one(t, 200); len(one["notification_groups"].([]any)) != 1 {
			t.Errorf("alone %v", one)
		}
	}
	h.form(path+"/dismiss", token, nil).want(t, 200)
	h.get(path, token).want(t, 404)
	if l := h.get("/api/v2/notifications", token).one(t, 200)["notification_groups"].([]any); len(l) != 1 {
		t.Errorf("after dismissing: %v", l)
	}
	if p := h.get("/api/v2/notifications/policy", token).one(t, 200); p["for_not_following"] != "accept" || p["summary"] == nil {
		t.Errorf("policy %v", p)
	}
}

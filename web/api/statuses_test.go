package api

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"cohort/social"
	"cohort/store"
)

// want fails unless the answer has that status, and gives its JSON.
func (a answer) want(t testing.TB, code int) any {
	t.Helper()
	if a.code != code {
		t.Fatalf("status %d, want %d: %.400s", a.code, code, a.body)
	}
	return decoded(t, a.body)
}

// one is want for an object.
func (a answer) one(t testing.TB, code int) map[string]any {
	t.Helper()
	m, ok := a.want(t, code).(map[string]any)
	if !ok {
		t.Fatalf("no object: %.400s", a.body)
	}
	return m
}

// many is want for a list of objects with status 200.
func (a answer) many(t testing.TB) []map[string]any {
	t.Helper()
	l, ok := a.want(t, http.StatusOK).([]any)
	if !ok {
		t.Fatalf("no list: %.400s", a.body)
	}
	out := make([]map[string]any, len(l))
	for i, v := range l {
		out[i], _ = v.(map[string]any)
	}
	return out
}

// ids are the ids of a list.
func idsOf(l []map[string]any) string {
	var out []string
	for _, m := range l {
		out = append(out, fmt.Sprint(m["id"]))
	}
	return strings.Join(out, " ")
}

const everything = "read write follow profile"

// sendFiles sends a multipart form with files and values.
func (h *house) sendFiles(method, path, token string, files map[string][]byte, values map[string]string) answer {
	h.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, content := range files {
		f, err := w.CreateFormFile(name, name+".png")
		if err != nil {
			h.t.Fatal(err)
		}
		if _, err := f.Write(content); err != nil {
			h.t.Fatal(err)
		}
	}
	for name, v := range values {
		if err := w.WriteField(name, v); err != nil {
			h.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		h.t.Fatal(err)
	}
	return h.do(method, path, token, &b, "Content-Type", w.FormDataContentType())
}

func TestPostEditDelete(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.person("ada"), h.token(h.person("bob"), everything)
	token := h.token(ada, everything)
	pic := h.sendFiles(http.MethodPost, "/api/v2/media", token, map[string][]byte{"file": pngOf(t, 16, 9)}, map[string]string{"description": "a dot"}).one(t, 200)
	got := complete(t, "status", h.json(http.MethodPost, "/api/v1/statuses", token, map[string]any{
		"status": "Hello #World, <b>", "spoiler_text": "warning", "visibility": "unlisted", "language": "en", "media_ids": []any{pic["id"]},
	}).one(t, 200))
	id := got["id"].(string)
	complete(t, "marks", got)
	for field, want := range map[string]any{
		"visibility": "unlisted", "spoiler_text": "warning", "sensitive": true, "language": "en", "edited_at": nil, "text": nil, "reblog": nil, "poll": nil, "card": nil, "quote": nil,
		"in_reply_to_id": nil, "circle_id": nil, "url": houseURL + "/@ada/" + id, "uri": houseURL + "/posts/" + id, "favourites_count": 0.0, "pinned": false,
	} {
		if got[field] != want {
			t.Errorf("%s is %v, want %v", field, got[field], want)
		}
	}
	if c := got["content"].(string); !strings.Contains(c, `class="mention hashtag"`) || strings.Contains(c, "<b>") {
		t.Errorf("content %s", c)
	}
	if tag := got["tags"].([]any)[0].(map[string]any); tag["name"] != "world" || tag["url"] != houseURL+"/tags/world" {
		t.Errorf("tag %v", tag)
	}
	media := complete(t, "media", got["media_attachments"].([]any)[0])
	if media["description"] != "a dot" || media["type"] != "image" || !strings.HasPrefix(media["url"].(string), houseURL+"/media/") {
		t.Errorf("media %v", media)
	}
	// Its source is its author's alone; so are changing and deleting it.
	if src := h.get("/api/v1/statuses/"+id+"/source", token).one(t, 200); src["text"] != "Hello #World, <b>" || src["spoiler_text"] != "warning" {
		t.Errorf("source %v", src)
	}
	h.get("/api/v1/statuses/"+id+"/source", bob).want(t, 404)
	h.json(http.MethodPut, "/api/v1/statuses/"+id, bob, map[string]any{"status": "mine"}).want(t, 404)
	h.do(http.MethodDelete, "/api/v1/statuses/"+id, bob, nil).want(t, 404)
	h.json(http.MethodPut, "/api/v1/statuses/"+id, token, map[string]any{"poll": map[string]any{"options": []string{"a", "b"}}}).want(t, 422)

	edited := h.json(http.MethodPut, "/api/v1/statuses/"+id, token, map[string]any{
		"status": "Bye", "media_ids": []any{pic["id"]}, "media_attributes": []any{map[string]any{"id": pic["id"], "description": "a red dot", "focus": "0.5,-0.5"}},
	}).one(t, 200)
	if edited["edited_at"] == nil || !strings.Contains(edited["content"].(string), "Bye") || edited["spoiler_text"] != "warning" {
		t.Errorf("edited %v", edited)
	}
	if m := edited["media_attachments"].([]any)[0].(map[string]any); m["description"] != "a red dot" || m["meta"].(map[string]any)["focus"].(map[string]any)["x"] != 0.5 {
		t.Errorf("media %v", m)
	}
	history := h.get("/api/v1/statuses/"+id+"/history", "").many(t)
	if len(history) != 2 || !strings.Contains(history[0]["content"].(string), "Hello") || !strings.Contains(history[1]["content"].(string), "Bye") {
		t.Errorf("history %v", history)
	}
	complete(t, "edit", any(history[0]))
	h.json(http.MethodPut, "/api/v1/statuses/"+id, token, map[string]any{"media_attributes": []any{map[string]any{"id": "1", "description": "no"}}}).want(t, 422)

	deleted := h.do(http.MethodDelete, "/api/v1/statuses/"+id, token, nil).one(t, 200)
	if deleted["text"] != "Bye" || deleted["spoiler_text"] != "warning" || len(deleted["media_attachments"].([]any)) != 1 {
		t.Errorf("for a redraft: %v", deleted)
	}
	h.get("/api/v1/statuses/"+id, token).want(t, 404)
	h.json(http.MethodPost, "/api/v1/statuses", token, map[string]any{"status": "again", "media_ids": []any{pic["id"]}}).want(t, 200)
}

func TestPostsRefused(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.person("ada"), h.person("bob")
	token := h.token(ada, everything)
	private := h.publish(bob, "for nobody else", store.Direct).ID.String()
	bobs := h.sendFiles(http.MethodPost, "/api/v1/media", h.token(bob, everything), map[string][]byte{"file": pngOf(t, 16, 9)}, nil).one(t, 200)["id"].(string)
	for name, test := range map[string]struct {
		body map[string]any
		code int
	}{
		"nothing":               {map[string]any{}, 422},
		"blank":                 {map[string]any{"status": " \n "}, 422},
		"too long":              {map[string]any{"status": strings.Repeat("x", 5001)}, 422},
		"scheduled":             {map[string]any{"status": "x", "scheduled_at": "2030-01-01T00:00:00Z"}, 422},
		"poll":                  {map[string]any{"status": "x", "poll": map[string]any{"options": []string{"a", "b"}, "expires_in": 300}}, 422},
		"quote":                 {map[string]any{"status": "x", "quoted_status_id": "1"}, 422},
		"unknown visibility":    {map[string]any{"status": "x", "visibility": "local"}, 422},
		"answer to nothing":     {map[string]any{"status": "x", "in_reply_to_id": "1"}, 404},
		"answer to no id":       {map[string]any{"status": "x", "in_reply_to_id": "x"}, 404},
		"answer to the unseen":  {map[string]any{"status": "x", "in_reply_to_id": private}, 404},
		"somebody's picture":    {map[string]any{"status": "x", "media_ids": []string{bobs}}, 422},
		"no picture":            {map[string]any{"status": "x", "media_ids": []string{"x"}}, 422},
		"a circle that is none": {map[string]any{"status": "x", "circle_id": ada.ID.String()}, 404},
		"too many pictures":     {map[string]any{"status": "x", "media_ids": []string{"1", "2", "3", "4", "5"}}, 422},
	} {
		t.Run(name, func(t *testing.T) {
			got := h.json(http.MethodPost, "/api/v1/statuses", token, test.body)
			if text, _ := got.one(t, test.code)["error"].(string); text == "" {
				t.Error("no reason given")
			}
		})
	}
	if mine := h.get("/api/v1/accounts/"+ada.ID.String()+"/statuses", token).many(t); len(mine) != 0 {
		t.Errorf("a refused post is there: %v", mine)
	}
}

// The same key gives the same post, also when the requests come at once.
func TestIdempotencyKey(t *testing.T) {
	h := newHouse(t)
	ada := h.person("ada")
	token := h.token(ada, everything)
	var ids sync.Map
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got := h.do(http.MethodPost, "/api/v1/statuses", token, strings.NewReader("status=once"), "Content-Type", formType, "Idempotency-Key", "k 1")
			if got.code == http.StatusOK {
				ids.Store(got.field(t, "id"), true)
			} else {
				t.Errorf("%d %s", got.code, got.body)
			}
		})
	}
	wg.Wait()
	n := 0
	ids.Range(func(any, any) bool { n++; return true })
	if posts := h.get("/api/v1/accounts/"+ada.ID.String()+"/statuses", token).many(t); n != 1 || len(posts) != 1 {
		t.Errorf("%d ids, %d posts", n, len(posts))
	}
	other := h.do(http.MethodPost, "/api/v1/statuses", h.token(h.person("bob"), everything), strings.NewReader("status=other"), "Content-Type", formType, "Idempotency-Key", "k 1")
	if c := other.one(t, 200)["content"].(string); !strings.Contains(c, "other") {
		t.Errorf("somebody else's key gave %s", c)
	}
}

func TestDefaultsOfAPost(t *testing.T) {
	h := newHouse(t)
	token := h.token(h.person("ada"), everything)
	h.json(http.MethodPatch, "/api/v1/accounts/update_credentials", token, map[string]any{"source": map[string]any{"privacy": "private", "sensitive": true, "language": "zh"}}).want(t, 200)
	got := h.form("/api/v1/statuses", token, url.Values{"status": {"x"}}).one(t, 200)
	if got["visibility"] != "private" || got["sensitive"] != true || got["language"] != "zh" {
		t.Errorf("%v %v %v", got["visibility"], got["sensitive"], got["language"])
	}
	got = h.form("/api/v1/statuses", token, url.Values{"status": {"x"}, "visibility": {"public"}, "sensitive": {"false"}, "language": {""}}).one(t, 200)
	if got["visibility"] != "public" || got["sensitive"] != false || got["language"] != "zh" {
		t.Errorf("%v %v %v", got["visibility"], got["sensitive"], got["language"])
	}
}

// A language is one that there is, in its usual form; whatever else is sent is refused with its name.
func TestLanguageOfAPost(t *testing.T) {
	h := newHouse(t)
	token := h.token(h.person("ada"), everything)
	var id string
	for sent, want := range map[string]any{"zh-CN": "zh-CN", "zh_TW": "zh-TW", "pt-BR": "pt-BR", "und": nil, "": nil} {
		got := h.form("/api/v1/statuses", token, url.Values{"status": {"x " + sent}, "language": {sent}}).one(t, 200)
		if got["language"] != want {
			t.Errorf("%q is shown as %v", sent, got["language"])
		}
		id, _ = got["id"].(string)
	}
	for _, sent := range []string{"xxxxxxxxxxxx", "xx", "not a language"} {
		for what, got := range map[string]answer{
			"a post":     h.form("/api/v1/statuses", token, url.Values{"status": {"x"}, "language": {sent}}),
			"an edit":    h.json(http.MethodPut, "/api/v1/statuses/"+id, token, map[string]any{"status": "y", "language": sent}),
			"a profile":  h.json(http.MethodPatch, "/api/v1/accounts/update_credentials", token, map[string]any{"source": map[string]any{"language": sent}}),
			"a file too": h.form("/api/v1/statuses", token, url.Values{"status": {"x"}, "language": {sent}, "media_ids[]": {"1"}}),
		} {
			if got.code != http.StatusUnprocessableEntity || !strings.Contains(string(got.body), `"language"`) {
				t.Errorf("%s in %q: %d %s", what, sent, got.code, got.body)
			}
		}
	}
}

// Pictures that are not there, somebody else's or part of another post make a post invalid, not absent.
func TestPicturesThatCannotBeUsed(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.person("ada"), h.person("bob")
	token := h.token(ada, everything)
	upload := func(token string) string {
		t.Helper()
		id, _ := h.sendFiles(http.MethodPost, "/api/v2/media", token, map[string][]byte{"file": pngOf(t, 8, 8)}, nil).one(t, 200)["id"].(string)
		return id
	}
	his, used := upload(h.token(bob, everything)), upload(token)
	post := h.json(http.MethodPost, "/api/v1/statuses", token, map[string]any{"status": "x", "media_ids": []string{used}}).one(t, 200)
	for name, id := range map[string]string{"none": "12345", "no id": "abc", "somebody else's": his, "another post's": used} {
		for what, got := range map[string]answer{
			"a post": h.json(http.MethodPost, "/api/v1/statuses", token, map[string]any{"status": "y", "media_ids": []string{id}}),
			"an edit": h.json(http.MethodPut, "/api/v1/statuses/"+h.publish(ada, "mine", store.Public).ID.String(), token,
				map[string]any{"status": "y", "media_ids": []string{id}}),
			"a description": h.json(http.MethodPut, "/api/v1/statuses/"+h.publish(ada, "mine", store.Public).ID.String(), token,
				map[string]any{"status": "y", "media_attributes": []map[string]any{{"id": id, "description": "z"}}}),
		} {
			if got.code != http.StatusUnprocessableEntity || !strings.Contains(string(got.body), `"error":"Validation failed: `) {
				t.Errorf("%s with %s: %d %s", what, name, got.code, got.body)
			}
		}
	}
	if got := h.get("/api/v1/statuses/"+post["id"].(string), token).one(t, 200); len(got["media_attachments"].([]any)) != 1 {
		t.Errorf("the post has %v", got["media_attachments"])
	}
}

func TestReactions(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.person("ada"), h.person("bob")
	token, bobs := h.token(ada, everything), h.token(bob, everything)
	id := h.publish(bob, "hello", store.Public).ID.String()
	act := func(name string) map[string]any {
		return h.form("/api/v1/statuses/"+id+"/"+name, token, nil).one(t, 200)
	}
	for _, test := range []struct {
		do, undo, mark, count string
	}{{"favourite", "unfavourite", "favourited", "favourites_count"}, {"bookmark", "unbookmark", "bookmarked", ""}, {"mute", "unmute", "muted", ""}} {
		for range 2 { // doing it twice is doing it once
			got := act(test.do)
			if got[test.mark] != true || test.count != "" && got[test.count] != 1.0 {
				t.Errorf("%s: %v %v", test.do, got[test.mark], got[test.count])
			}
		}
		for range 2 {
			got := act(test.undo)
			if got[test.mark] != false || test.count != "" && got[test.count] != 0.0 {
				t.Errorf("%s: %v %v", test.undo, got[test.mark], got[test.count])
			}
		}
	}
	h.form("/api/v1/statuses/"+id+"/reblog", token, url.Values{"visibility": {"direct"}}).want(t, 422)
	boost := act("reblog")
	original := boost["reblog"].(map[string]any)
	if boost["id"] == id || original["id"] != id || boost["reblogged"] != true || original["reblogged"] != true || original["reblogs_count"] != 1.0 || boost["reblogs_count"] != 1.0 {
		t.Errorf("reblog %v of %v", boost, original)
	}
	if again := act("reblog"); again["id"] != boost["id"] {
		t.Error("boosted twice")
	}
	if by := idsOf(h.get("/api/v1/statuses/"+id+"/reblogged_by", "").many(t)); by != ada.ID.String() {
		t.Errorf("reblogged by %s", by)
	}
	// What is done to the boost is done to the original.
	liked := h.form("/api/v1/statuses/"+boost["id"].(string)+"/favourite", token, nil).one(t, 200)
	if liked["id"] != id || liked["favourited"] != true {
		t.Errorf("favourite of a boost %v", liked)
	}
	if by := idsOf(h.get("/api/v1/statuses/"+id+"/favourited_by", bobs).many(t)); by != ada.ID.String() {
		t.Errorf("favourited by %s", by)
	}
	if l := idsOf(h.get("/api/v1/favourites", token).many(t)); l != id {
		t.Errorf("favourites %s", l)
	}
	got := act("unreblog")
	if got["id"] != id || got["reblogged"] != false || got["reblogs_count"] != 0.0 {
		t.Errorf("unreblog %v", got)
	}
	h.form("/api/v1/statuses/"+id+"/pin", token, nil).want(t, 404)
	if got := h.form("/api/v1/statuses/"+id+"/pin", bobs, nil).one(t, 200); got["pinned"] != true {
		t.Error("not pinned")
	}
	if l := idsOf(h.get("/api/v1/accounts/"+bob.ID.String()+"/statuses?pinned=true", "").many(t)); l != id {
		t.Errorf("pinned %s", l)
	}
	if got := h.form("/api/v1/statuses/"+id+"/unpin", bobs, nil).one(t, 200); got["pinned"] != false {
		t.Error("still pinned")
	}
	for name, visibility := range map[string]string{"private": store.Followers, "direct": store.Direct} {
		secret := h.publish(bob, "not for boosting", visibility).ID.String()
		for _, do := range []string{"favourite", "reblog", "bookmark", "mute", "pin", "unfavourite", "unreblog", "unbookmark", "unmute", "unpin"} {
			if got := h.form("/api/v1/statuses/"+secret+"/"+do, token, nil); got.code != http.StatusNotFound {
				t.Errorf("%s of a %s post of somebody else: %d", do, name, got.code)
			}
		}
	}
	mine := h.publish(ada, "for those who follow me", store.Followers).ID.String()
	if got := h.form("/api/v1/statuses/"+mine+"/reblog", token, url.Values{"visibility": {"public"}}).one(t, 200); got["visibility"] != "private" {
		t.Errorf("a boost that widens: %v", got["visibility"])
	}
	own := h.publish(ada, "mine alone", store.Direct).ID.String()
	h.form("/api/v1/statuses/"+own+"/reblog", token, nil).want(t, 422)
	h.form("/api/v1/statuses/"+own+"/pin", token, nil).want(t, 422)
}

func TestContextAndMany(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.person("ada"), h.person("bob")
	token := h.token(ada, everything)
	first := h.publish(bob, "first", store.Public)
	reply := func(by *store.Account, to *store.Post, text, visibility string) *store.Post {
		p, err := h.s.Publish(t.Context(), by, social.Draft{Text: text, Visibility: visibility, ReplyTo: to.ID})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	second := reply(ada, first, "second", store.Public)
	third := reply(bob, second, "third", store.Public)
	hidden := reply(bob, second, "to myself", store.Direct)
	thread := h.get("/api/v1/statuses/"+second.ID.String()+"/context", "").one(t, 200)
	up, down := thread["ancestors"].([]any), thread["descendants"].([]any)
	if len(up) != 1 || len(down) != 1 || up[0].(map[string]any)["id"] != first.ID.String() || down[0].(map[string]any)["id"] != third.ID.String() {
		t.Errorf("context %v", thread)
	}
	if got := down[0].(map[string]any); got["in_reply_to_id"] != second.ID.String() || got["in_reply_to_account_id"] != ada.ID.String() {
		t.Errorf("reply %v", got)
	}
	if got := h.get("/api/v1/statuses?id[]="+third.ID.String()+"&id[]="+hidden.ID.String()+"&id[]=5&id[]="+first.ID.String(), token).many(t); idsOf(got) != third.ID.String()+" "+first.ID.String() {
		t.Errorf("many: %s", idsOf(got))
	}
	if got := h.get("/api/v1/statuses/"+first.ID.String()+"/card", ""); got.code != 200 || string(got.body) != "null" {
		t.Errorf("card %d %s", got.code, got.body)
	}
	h.get("/api/v1/statuses/"+hidden.ID.String()+"/card", token).want(t, 404)
	h.get("/api/v1/statuses/"+hidden.ID.String()+"/context", token).want(t, 404)
}

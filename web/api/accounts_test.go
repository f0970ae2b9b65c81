package api

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cohort/social"
	"cohort/store"
	"cohort/store/storetest"
)

func TestOwnProfile(t *testing.T) {
	h := newHouse(t)
	ada := h.person("ada")
	token := h.token(ada, everything)
	me := complete(t, "account", h.get("/api/v1/accounts/verify_credentials", token).one(t, 200))
	complete(t, "source", me["source"])
	complete(t, "role", me["role"])
	if me["acct"] != "ada" || me["locked"] != false || me["source"].(map[string]any)["privacy"] != "public" || me["id"] != ada.ID.String() || me["avatar"] != houseURL+defaultAvatar {
		t.Errorf("new account %v", me)
	}
	got := h.sendFiles(http.MethodPatch, "/api/v1/accounts/update_credentials", token, map[string][]byte{"avatar": pngOf(t, 16, 9), "header": pngOf(t, 30, 10)}, map[string]string{
		"display_name": "Ada L.", "note": "hi #math", "locked": "true", "bot": "true", "discoverable": "1", "source[privacy]": "unlisted", "source[sensitive]": "on",
		"fields_attributes[0][name]": "site", "fields_attributes[0][value]": "https://ada.example", "fields_attributes[1][name]": "likes", "fields_attributes[1][value]": "engines",
	}).one(t, 200)
	src := got["source"].(map[string]any)
	if got["display_name"] != "Ada L." || got["locked"] != true || got["bot"] != true || got["discoverable"] != true || src["note"] != "hi #math" || src["privacy"] != "unlisted" || src["sensitive"] != true {
		t.Errorf("changed %v", got)
	}
	fields := got["fields"].([]any)
	if len(fields) != 2 || !strings.Contains(fields[0].(map[string]any)["value"].(string), `<a href="https://ada.example"`) || src["fields"].([]any)[0].(map[string]any)["value"] != "https://ada.example" {
		t.Errorf("fields %v", fields)
	}
	if avatar := got["avatar"].(string); !strings.HasPrefix(avatar, houseURL+"/media/") || avatar != got["avatar_static"] {
		t.Errorf("avatar %s", avatar)
	}
	// What is left out stays; lines of the table go with an empty list; pictures when told.
	got = h.json(http.MethodPatch, "/api/v1/accounts/update_credentials", token, map[string]any{"note": "", "fields_attributes": []any{}}).one(t, 200)
	if got["display_name"] != "Ada L." || len(got["fields"].([]any)) != 0 || got["source"].(map[string]any)["note"] != "" || !strings.HasPrefix(got["avatar"].(string), houseURL+"/media/") {
		t.Errorf("changed again %v", got)
	}
	got = h.do(http.MethodDelete, "/api/v1/profile/avatar", token, nil).one(t, 200)
	if got["avatar"] != houseURL+defaultAvatar || got["header"] == houseURL+defaultHeader {
		t.Errorf("pictures %v %v", got["avatar"], got["header"])
	}
	got = h.do(http.MethodDelete, "/api/v1/profile/header", token, nil).one(t, 200)
	if got["header"] != houseURL+defaultHeader {
		t.Errorf("header %v", got["header"])
	}
	for name, body := range map[string]map[string]any{
		"long name":          {"display_name": strings.Repeat("x", social.MaxName+1)},
		"long bio":           {"note": strings.Repeat("x", social.MaxBio+1)},
		"unknown visibility": {"source": map[string]any{"privacy": "circle"}},
	} {
		if got := h.json(http.MethodPatch, "/api/v1/accounts/update_credentials", token, body); got.code != 422 {
			t.Errorf("%s: %d", name, got.code)
		}
	}
	h.sendFiles(http.MethodPatch, "/api/v1/accounts/update_credentials", token, map[string][]byte{"avatar": []byte("<svg onload=x>")}, nil).want(t, 422)
}

func TestFindingAccounts(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.person("ada"), storetest.Remote(t, h.db, "bob", "b.example")
	gone := h.person("gone")
	if err := h.s.Suspend(t.Context(), gone, 0, "test"); err != nil {
		t.Fatal(err)
	}
	token := h.token(ada, everything)
	for acct, want := range map[string]store.ID{"ada": ada.ID, "@ada": ada.ID, "ADA": ada.ID, "ada@school.example": ada.ID, "@bob@b.example": bob.ID, "bob@b.example": bob.ID} {
		if got := h.get("/api/v1/accounts/lookup?acct="+url.QueryEscape(acct), "").one(t, 200); got["id"] != want.String() {
			t.Errorf("%s is %v", acct, got["id"])
		}
	}
	for _, acct := range []string{"", "bob", "nobody", "gone", "ada@b.example", "a b", "ada@school.example@x"} {
		h.get("/api/v1/accounts/lookup?acct="+url.QueryEscape(acct), token).want(t, 404)
	}
	h.get("/api/v1/accounts/"+gone.ID.String(), token).want(t, 404)
	if a := complete(t, "account", h.get("/api/v1/accounts/"+bob.ID.String(), "").one(t, 200)); a["acct"] != "bob@b.example" || a["username"] != "bob" {
		t.Errorf("remote %v", a)
	}
	if got := idsOf(h.get("/api/v1/accounts?id[]="+bob.ID.String()+"&id[]=1&id[]="+gone.ID.String()+"&id[]="+ada.ID.String(), token).many(t)); got != bob.ID.String()+" "+ada.ID.String() {
		t.Errorf("many: %s", got)
	}
	if got := idsOf(h.get("/api/v1/accounts/search?q=ad&resolve=true", token).many(t)); got != ada.ID.String() {
		t.Errorf("search: %s", got)
	}
	if got := h.get("/api/v1/accounts/search?q=", token).many(t); len(got) != 0 {
		t.Errorf("search for nothing: %v", got)
	}
	for _, path := range []string{"lists", "featured_tags", "endorsements", "identity_proofs"} {
		if got := h.get("/api/v1/accounts/"+bob.ID.String()+"/"+path, token).many(t); len(got) != 0 {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestRelations(t *testing.T) {
	h := newHouse(t)
	ada, bob, eve := h.person("ada"), h.person("bob"), h.person("eve")
	token, bobs := h.token(ada, everything), h.token(bob, everything)
	act := func(token, name string, who *store.Account, v url.Values) map[string]any {
		return complete(t, "relationship", h.form("/api/v1/accounts/"+who.ID.String()+"/"+name, token, v).one(t, 200))
	}
	if r := act(token, "follow", bob, nil); r["following"] != true || r["showing_reblogs"] != true || r["notifying"] != false {
		t.Errorf("follow %v", r)
	}
	if r := act(token, "follow", bob, url.Values{"reblogs": {"false"}, "notify": {"true"}}); r["showing_reblogs"] != false || r["notifying"] != true {
		t.Errorf("follow again %v", r)
	}
	if got := idsOf(h.get("/api/v1/accounts/"+bob.ID.String()+"/followers", "").many(t)); got != ada.ID.String() {
		t.Errorf("followers %s", got)
	}
	if got := idsOf(h.get("/api/v1/accounts/"+ada.ID.String()+"/following", "").many(t)); got != bob.ID.String() {
		t.Errorf("following %s", got)
	}
	// Who hides it shows it to nobody else.
	h.json(http.MethodPatch, "/api/v1/accounts/update_credentials", bobs, map[string]any{"hide_collections": true}).want(t, 200)
	if got := h.get("/api/v1/accounts/"+bob.ID.String()+"/followers", token).many(t); len(got) != 0 {
		t.Errorf("hidden followers %v", got)
	}
	if got := h.get("/api/v1/accounts/"+bob.ID.String()+"/followers", bobs).many(t); len(got) != 1 {
		t.Errorf("own followers %v", got)
	}
	rels := h.get("/api/v1/accounts/relationships?id[]="+eve.ID.String()+"&id[]=3&id[]="+bob.ID.String(), token).many(t)
	if idsOf(rels) != eve.ID.String()+" "+bob.ID.String() || rels[1]["following"] != true {
		t.Errorf("relationships %v", rels)
	}
	if one := h.get("/api/v1/accounts/relationships?id="+bob.ID.String(), token).many(t); len(one) != 1 {
		t.Errorf("relationship %v", one)
	}
	if r := act(bobs, "remove_from_followers", ada, nil); r["followed_by"] != false {
		t.Errorf("removed %v", r)
	}
	if r := act(token, "note", bob, url.Values{"comment": {"met <i>once</i>"}}); r["note"] != "met <i>once</i>" {
		t.Errorf("note %v", r)
	}
	if r := act(token, "mute", bob, url.Values{"notifications": {"false"}, "duration": {"3600"}}); r["muting"] != true || r["muting_notifications"] != false {
		t.Errorf("mute %v", r)
	}
	if l := h.get("/api/v1/mutes", token).many(t); len(l) != 1 || l[0]["mute_expires_at"] == nil {
		t.Errorf("mutes %v", l)
	}
	if r := act(token, "unmute", bob, nil); r["muting"] != false {
		t.Errorf("unmute %v", r)
	}
	if r := act(token, "block", bob, nil); r["blocking"] != true {
		t.Errorf("block %v", r)
	}
	if l := idsOf(h.get("/api/v1/blocks", token).many(t)); l != bob.ID.String() {
		t.Errorf("blocks %s", l)
	}
	h.form("/api/v1/accounts/"+ada.ID.String()+"/follow", bobs, nil).want(t, 403)
	if got := idsOf(h.get("/api/v1/accounts/search?q=bob", token).many(t)); got != bob.ID.String() {
		t.Errorf("whom one blocks has to be found: %s", got)
	}
	if r := act(token, "unblock", bob, nil); r["blocking"] != false {
		t.Errorf("unblock %v", r)
	}
	for _, name := range []string{"follow", "block", "mute", "note"} {
		h.form("/api/v1/accounts/"+ada.ID.String()+"/"+name, token, nil).want(t, 422)
	}
	h.form("/api/v1/accounts/"+bob.ID.String()+"/mute", token, url.Values{"duration": {"-5"}}).want(t, 422)
	h.form("/api/v1/accounts/"+bob.ID.String()+"/note", token, url.Values{"comment": {strings.Repeat("x", 3000)}}).want(t, 422)
	// A block of somebody who was suspended since can still be lifted.
	act(token, "block", eve, nil)
	if err := h.s.Suspend(t.Context(), eve, 0, "test"); err != nil {
		t.Fatal(err)
	}
	act(token, "unblock", eve, nil)
	h.form("/api/v1/accounts/"+eve.ID.String()+"/unblock", token, nil).want(t, 404)
}

func TestFollowRequests(t *testing.T) {
	h := newHouse(t)
	ada, bob, eve := h.person("ada"), h.person("bob"), h.person("eve")
	token, bobs := h.token(ada, everything), h.token(bob, everything)
	h.json(http.MethodPatch, "/api/v1/accounts/update_credentials", token, map[string]any{"locked": true}).want(t, 200)
	if r := h.form("/api/v1/accounts/"+ada.ID.String()+"/follow", bobs, nil).one(t, 200); r["requested"] != true || r["following"] != false {
		t.Errorf("follow %v", r)
	}
	h.form("/api/v1/accounts/"+ada.ID.String()+"/follow", h.token(eve, everything), nil).want(t, 200)
	if got := idsOf(h.get("/api/v1/follow_requests", token).many(t)); got != eve.ID.String()+" "+bob.ID.String() {
		t.Errorf("requests %s", got)
	}
	if me := h.get("/api/v1/accounts/verify_credentials", token).one(t, 200); me["source"].(map[string]any)["follow_requests_count"] != 2.0 {
		t.Errorf("count %v", me["source"])
	}
	if r := h.form("/api/v1/follow_requests/"+bob.ID.String()+"/authorize", token, nil).one(t, 200); r["followed_by"] != true {
		t.Errorf("authorized %v", r)
	}
	if r := h.form("/api/v1/follow_requests/"+eve.ID.String()+"/reject", token, nil).one(t, 200); r["followed_by"] != false || r["requested_by"] != false {
		t.Errorf("rejected %v", r)
	}
	h.form("/api/v1/follow_requests/"+eve.ID.String()+"/authorize", token, nil).want(t, 404)
	h.form("/api/v1/follow_requests/"+eve.ID.String()+"/reject", token, nil).want(t, 404)
}

func TestDomainBlocks(t *testing.T) {
	h := newHouse(t)
	ada := h.person("ada")
	bob := storetest.Remote(t, h.db, "bob", "b.example")
	token := h.token(ada, everything)
	h.form("/api/v1/domain_blocks", token, url.Values{"domain": {"B.example"}}).want(t, 200)
	if got := string(h.get("/api/v1/domain_blocks", token).body); got != "[\"b.example\"]\n" {
		t.Errorf("domain blocks %s", got)
	}
	if r := h.get("/api/v1/accounts/relationships?id[]="+bob.ID.String(), token).many(t); r[0]["domain_blocking"] != true {
		t.Errorf("relationship %v", r)
	}
	for _, bad := range []string{"", "school.example", "a b", "https://b.example/"} {
		h.form("/api/v1/domain_blocks", token, url.Values{"domain": {bad}}).want(t, 422)
	}
	h.do(http.MethodDelete, "/api/v1/domain_blocks?domain=b.example", token, nil).want(t, 200)
	if got := h.get("/api/v1/domain_blocks", token); strings.TrimSpace(string(got.body)) != "[]" {
		t.Errorf("domain blocks %s", got.body)
	}
}

func TestSignUp(t *testing.T) {
	h := newHouse(t)
	app := h.token(&store.Account{}, "read write")
	form := url.Values{"username": {"New_1"}, "email": {"new@mail.example"}, "password": {"a long enough passphrase"}, "agreement": {"true"}, "locale": {"zh"}, "reason": {"I teach here"}}
	for name, change := range map[string][2]string{
		"no name": {"username", ""}, "bad name": {"username", "a b"}, "reserved": {"username", "admin"}, "no mailbox": {"email", "x"}, "short password": {"password", "x"},
		"does not agree": {"agreement", "false"}, "no reason": {"reason", " "},
	} {
		bad := url.Values{}
		for k, v := range form {
			bad[k] = v
		}
		bad.Set(change[0], change[1])
		got := h.form("/api/v1/accounts", app, bad).one(t, 422)
		if details, ok := got["details"].(map[string]any); !ok || len(details) == 0 || got["error"] == "" {
			t.Errorf("%s: %v", name, got)
		}
	}
	got := h.form("/api/v1/accounts", app, form).one(t, 200)
	token, _ := got["access_token"].(string)
	if got["token_type"] != "Bearer" || got["scope"] != "read write" || token == "" {
		t.Errorf("token %v", got)
	}
	if _, seconds := got["created_at"].(float64); !seconds {
		t.Errorf("created_at %v", got["created_at"])
	}
	h.get("/api/v1/accounts/verify_credentials", token).want(t, 403)
	h.form("/api/v1/accounts", app, form).want(t, 422)
	h.form("/api/v1/accounts", h.token(h.person("ada"), everything), form).want(t, 403)
	a, err := h.db.AccountByHandle(t.Context(), "new_1", "")
	if err != nil {
		t.Fatal(err)
	}
	if u, err := h.db.User(t.Context(), a.ID); err != nil || u.Language != "zh" || u.Active() {
		t.Errorf("user %+v %v", u, err)
	}
}

// Nothing that a member typed is lost or doubled by what clients send besides.
func TestUpdateKeepsTheRest(t *testing.T) {
	h := newHouse(t)
	token := h.token(h.person("ada"), everything)
	before := h.get("/api/v1/accounts/verify_credentials", token).body
	after := h.json(http.MethodPatch, "/api/v1/accounts/update_credentials", token, map[string]any{}).body
	if !bytes.Equal(before, after) {
		t.Errorf("changed by nothing:\n%s\n%s", before, after)
	}
}

// Following by an address, as very old clients do it.
func TestFollowByName(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.person("ada"), h.person("bob")
	token := h.token(ada, everything)
	for _, uri := range []string{"", "nobody", "not an address", "@nobody@nowhere.invalid"} {
		h.form("/api/v1/follows", token, url.Values{"uri": {uri}}).want(t, 404)
	}
	got := h.form("/api/v1/follows", token, url.Values{"uri": {"bob@school.example"}}).one(t, 200)
	if r, err := h.db.Relationship(t.Context(), ada.ID, bob.ID); err != nil || !r.Following || got["acct"] != "bob" {
		t.Errorf("%v, %+v, %v", got["acct"], r, err)
	}
}

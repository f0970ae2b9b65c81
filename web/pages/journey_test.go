package pages

import (
	"net/http"
	"strings"
	"testing"

	"cohort/social"
	"cohort/store"
	"cohort/web/i18n"
)

// A person joins, confirms, says who she is, and writes; all with a browser that has no scripts.
func TestJourneyOfANewMember(t *testing.T) {
	for _, lang := range i18n.Languages() {
		t.Run(lang, func(t *testing.T) {
			h := newHouse(t)
			zhao := h.person("zhao")
			b := h.browser()
			b.lang = lang
			b.open("/").shows("湘南一中")
			b.open("/join")
			wrong := b.send("/join", map[string]any{"handle": "Chen Mo", "email": "chenmo@mail.example", "password": passphrase, "agree": "1"}).must(http.StatusUnprocessableEntity)
			if wrong.errorOf("handle") != i18n.T(lang, "invalid.handle", nil) || wrong.value("handle") != "Chen Mo" || wrong.value("email") != "chenmo@mail.example" || wrong.has(passphrase) {
				t.Errorf("error %q, handle %q, e-mail %q", wrong.errorOf("handle"), wrong.value("handle"), wrong.value("email"))
			}
			page := b.send("/join", map[string]any{"handle": "chenmo", "password": passphrase, "agree": "1"}).must(http.StatusOK)
			if page.path != "/confirm" {
				t.Fatalf("after joining at %s: %s", page.path, page.text())
			}
			page.shows("chenmo@mail.example")
			b.send("/confirm", map[string]any{"code": "0000 0000"}).must(http.StatusUnprocessableEntity).shows(i18n.T(lang, "invalid.code", nil))
			code := h.code("chenmo@mail.example", "confirm")
			page = b.send("/confirm", map[string]any{"code": " " + code[:4] + " " + code[4:]}).must(http.StatusOK)
			if page.path != "/" || !page.has("@chenmo") {
				t.Fatalf("after confirming at %s: %s", page.path, page.text())
			}
			page.shows(i18n.T(lang, "flash.welcome", nil), i18n.T(lang, "home.empty", nil))
			b.open("/").hides(i18n.T(lang, "flash.welcome", nil))
			journeyProfile(t, h, b)
			journeyPosts(t, h, b, zhao)
		})
	}
}

func journeyProfile(t *testing.T, h *house, b *browser) {
	t.Helper()
	b.open("/settings/profile")
	page := b.send("/settings/profile", map[string]any{
		"name": "陈默", "bio": "读书\n#围棋 https://example.org/", "field_name_1": "班级", "field_value_1": "2027(2)",
		"avatar": file(pngOf(t, 300, 200)), "locked": "1",
	}).must(http.StatusOK)
	page.shows(i18n.T(b.lang, "flash.saved", nil))
	if page.value("name") != "陈默" || page.value("field_value_1") != "2027(2)" || page.value("locked") != "1" {
		t.Errorf("the form does not show what was saved: %q %q", page.value("name"), page.value("field_value_1"))
	}
	me, err := h.db.AccountByHandle(t.Context(), "chenmo", "")
	if err != nil || me.Avatar == "" || !me.Locked {
		t.Fatalf("%+v, %v", me, err)
	}
	profile := b.open("/@chenmo").shows("陈默", "读书", "班级", "2027(2)")
	src := "/media/" + me.Avatar
	if !profile.has(`src="` + src + `"`) {
		t.Errorf("the avatar is not on the profile")
	}
	picture := h.browser().get(src).must(http.StatusOK)
	if !strings.HasPrefix(picture.header.Get("Content-Type"), "image/") || !strings.Contains(picture.header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("the avatar is served as %v", picture.header)
	}
	b.open("/settings/profile")
	bad := b.send("/settings/profile", map[string]any{"name": "新名字", "avatar": file("no picture")}).must(http.StatusUnprocessableEntity)
	if bad.errorOf("avatar") == "" || bad.value("name") != "新名字" {
		t.Errorf("a broken picture: error %q, name %q", bad.errorOf("avatar"), bad.value("name"))
	}
	b.open("/settings/profile")
	b.send("/settings/profile", map[string]any{"avatar_drop": "1"}).must(http.StatusOK)
	if h.account(me.ID).Avatar != "" {
		t.Error("the avatar was not removed")
	}
}

func journeyPosts(t *testing.T, h *house, b *browser, zhao *store.Account) {
	t.Helper()
	b.open("/compose")
	empty := b.send("/compose", map[string]any{"text": "  ", "summary": "注意"}).must(http.StatusUnprocessableEntity)
	if empty.errorOf("text") != i18n.T(b.lang, "invalid.post_empty", nil) || empty.value("summary") != "注意" {
		t.Errorf("error %q, summary %q", empty.errorOf("text"), empty.value("summary"))
	}
	post := b.send("/compose", map[string]any{"text": "老师好 @zhao #围棋", "summary": nil, "file1": file(pngOf(t, 40, 30)), "alt1": "棋盘", "focus1": "0,1"}).must(http.StatusOK)
	post.shows("老师好", "#围棋", i18n.T(b.lang, "audience.public", nil))
	if !post.has(`alt="棋盘"`) {
		t.Error("the picture's description is missing")
	}
	id := strings.TrimPrefix(post.path, "/@chenmo/")
	h.browser().open(post.path).shows("老师好")
	h.browser().open("/tags/围棋").shows("老师好")
	h.browser().open("/local").shows("老师好")

	teacher := h.as(zhao)
	teacher.lang = b.lang
	teacher.open("/inbox").shows("老师好", i18n.T(b.lang, "notice.mention", nil))
	reply := teacher.open("/@chenmo/" + id)
	if got := reply.value("text"); got != "@chenmo " {
		t.Errorf("the reply begins with %q", got)
	}
	teacher.send("/compose", map[string]any{"text": "@chenmo 周末来下"}).must(http.StatusOK).shows("周末来下", "老师好")
	b.open("/@chenmo/"+id).shows("周末来下", i18n.T(b.lang, "post.replies", nil))

	b.open("/posts/" + id + "/edit").shows(i18n.T(b.lang, "compose.edit_text", nil))
	if b.last.value("text") != "老师好 @zhao #围棋" || b.last.value("alt1") != "棋盘" {
		t.Errorf("the form to edit has %q, %q", b.last.value("text"), b.last.value("alt1"))
	}
	edited := b.send("/posts/"+id+"/edit", map[string]any{"text": "赵老师好 @zhao", "alt1": "一盘棋"}).must(http.StatusOK)
	edited.shows("赵老师好", i18n.T(b.lang, "post.edited", nil))
	if edited.path != "/@chenmo/"+id || !edited.has(`alt="一盘棋"`) {
		t.Errorf("after editing at %s", edited.path)
	}
	b.open("/posts/"+id+"/delete").shows("赵老师好", i18n.T(b.lang, "delete.text", nil))
	b.send("/posts/"+id+"/delete", nil).must(http.StatusOK).shows(i18n.T(b.lang, "flash.deleted", nil))
	b.get("/@chenmo/" + id).must(http.StatusNotFound)
	teacher.open("/inbox").hides("赵老师好")
}

// What is done to posts and people, and where it leads back to.
func TestReactions(t *testing.T) {
	h := newHouse(t)
	zhao, chen := h.person("zhao"), h.person("chenmo")
	post := h.publish(zhao, social.Draft{Text: "开学了", Visibility: store.Public})
	id := post.ID.String()
	b := h.as(chen)
	path := "/@zhao/" + id
	pressed := func(verb string) bool {
		form := b.open(path).form("/posts/"+id+"/"+verb, nil)
		return form != nil
	}
	for _, verb := range []string{"favourite", "boost", "bookmark"} {
		b.open(path)
		page := b.send("/posts/"+id+"/"+verb, nil).must(http.StatusOK)
		if page.path != path || !pressed("un"+verb) || pressed(verb) {
			t.Errorf("%s leads to %s", verb, page.path)
		}
	}
	b.open("/favourites").shows("开学了")
	b.open("/bookmarks").shows("开学了")
	h.as(zhao).open("/inbox").shows("chenmo")
	for _, verb := range []string{"favourite", "boost", "bookmark"} {
		b.open(path)
		b.send("/posts/"+id+"/un"+verb, nil).must(http.StatusOK)
		if !pressed(verb) {
			t.Errorf("%s cannot be taken back", verb)
		}
	}
	b.open("/favourites").hides("开学了")

	b.open("/@zhao")
	profile := b.send("/accounts/"+zhao.ID.String()+"/follow", nil).must(http.StatusOK)
	if profile.path != "/@zhao" || profile.form("/accounts/"+zhao.ID.String()+"/unfollow", nil) == nil {
		t.Errorf("following leads to %s", profile.path)
	}
	h.publish(zhao, social.Draft{Text: "第一课", Visibility: store.Followers})
	b.open("/").shows("第一课")
	b.open("/@zhao")
	b.send("/accounts/"+zhao.ID.String()+"/mute", nil).must(http.StatusOK).shows(i18n.T("en", "profile.muting", nil))
	b.send("/accounts/"+zhao.ID.String()+"/unmute", nil).must(http.StatusOK).hides(i18n.T("en", "profile.muting", nil))
	b.send("/accounts/"+zhao.ID.String()+"/block", nil).must(http.StatusOK).shows(i18n.T("en", "profile.hidden", nil)).hides("开学了")
	b.send("/accounts/"+zhao.ID.String()+"/unblock", nil).must(http.StatusOK).shows("开学了")
	own := h.publish(chen, social.Draft{Text: "置顶的话", Visibility: store.Public}).ID.String()
	b.open("/@chenmo").hides(i18n.T("en", "profile.pinned", nil))
	b.send("/posts/"+own+"/pin", nil).must(http.StatusOK).shows(i18n.T("en", "profile.pinned", nil), "置顶的话")
	b.send("/posts/"+own+"/unpin", nil).must(http.StatusOK).hides(i18n.T("en", "profile.pinned", nil))
	b.post("/accounts/"+zhao.ID.String()+"/bless", formWith(b.last.token())).must(http.StatusNotFound)
	b.post("/accounts/"+chen.ID.String()+"/follow", formWith(b.last.token())).must(http.StatusOK).shows(i18n.T("en", "invalid.self", nil))
}

func TestFollowRequests(t *testing.T) {
	h := newHouse(t)
	zhao, chen, lin := h.person("zhao"), h.person("chenmo"), h.person("linwei")
	locked := true
	if _, err := h.s.UpdateProfile(t.Context(), zhao, social.ProfileChange{Locked: &locked}); err != nil {
		t.Fatal(err)
	}
	for _, a := range []*store.Account{chen, lin} {
		b := h.as(a)
		b.open("/@zhao")
		b.send("/accounts/"+zhao.ID.String()+"/follow", nil).must(http.StatusOK)
	}
	b := h.as(zhao)
	b.open("/inbox").shows("chenmo", i18n.T("en", "inbox.requests", map[string]any{"count": 2}))
	b.open("/requests").shows("chenmo", "linwei")
	b.send("/requests/"+chen.ID.String()+"/accept", nil).must(http.StatusOK).shows("linwei")
	b.send("/requests/"+lin.ID.String()+"/reject", nil).must(http.StatusOK).shows(i18n.T("en", "requests.none", nil))
	for a, want := range map[*store.Account]bool{chen: true, lin: false} {
		r, err := h.db.Relationship(t.Context(), a.ID, zhao.ID)
		if err != nil || r.Following != want || r.Requested {
			t.Errorf("%s: %+v, %v", a.Handle, r, err)
		}
	}
}

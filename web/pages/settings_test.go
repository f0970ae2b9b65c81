package pages

import (
	"net/http"
	"strings"
	"testing"

	"cohort/social"
	"cohort/store"
	"cohort/web/i18n"
)

func TestAccountSettings(t *testing.T) {
	h := newHouse(t)
	chen := h.person("chenmo")
	b, phone := h.as(chen), h.as(chen)
	b.open("/settings/account").shows("Look and controls")
	page := b.send("/settings/account", map[string]any{"do": "look", "language": "zh", "theme": "dark", "shortcuts": nil}).must(http.StatusOK)
	if !page.has(`lang="zh-Hans" data-theme="dark"`) || !page.has("data-nokeys") {
		t.Errorf("the look did not change: %.300s", page.body)
	}
	page.shows(i18n.T("zh", "flash.saved", nil))
	b.open("/local?lang=en").shows(i18n.T("en", "feed.quiet", nil))
	if b.last.path != "/local" {
		t.Errorf("a language link leads to %s", b.last.path)
	}
	b.open("/settings/account")
	b.send("/settings/account", map[string]any{"do": "posting", "visibility": "followers", "post_language": "de", "sensitive": "1"}).must(http.StatusOK)
	b.open("/compose")
	if b.last.value("visibility") != "followers" || b.last.value("sensitive") != "1" {
		t.Errorf("the composer has %q", b.last.value("visibility"))
	}
	b.open("/settings/account")
	b.send("/settings/account", map[string]any{"do": "posting", "visibility": "everyone"}).must(http.StatusUnprocessableEntity)
	b.open("/settings/account")
	page = b.send("/settings/account", map[string]any{"do": "password", "old": "wrong", "password": "another passphrase"}).must(http.StatusUnprocessableEntity)
	if page.errorOf("old") == "" || page.has("another passphrase") {
		t.Errorf("error %q", page.errorOf("old"))
	}
	if page = b.send("/settings/account", map[string]any{"do": "password", "old": passphrase, "password": "password"}).must(http.StatusUnprocessableEntity); page.errorOf("password") == "" {
		t.Error("a common password is taken")
	}
	phone.open("/inbox")
	b.send("/settings/account", map[string]any{"do": "password", "old": passphrase, "password": "another passphrase"}).must(http.StatusOK).shows(i18n.T("en", "flash.password", nil))
	b.open("/inbox")
	if a := phone.stay().get("/inbox"); a.status != http.StatusSeeOther {
		t.Errorf("another browser is still signed in: %d", a.status)
	}
	b.open("/settings/account")
	fields := formWith(b.last.token())
	fields.Set("do", "nothing")
	b.post("/settings/account", fields).must(http.StatusNotFound)
}

func TestSessionsPage(t *testing.T) {
	h := newHouse(t)
	chen := h.person("chenmo")
	b, phone, tablet, old := h.as(chen), h.as(chen), h.as(chen), h.as(chen)
	sessions, err := h.db.Sessions(t.Context(), chen.ID)
	if err != nil || len(sessions) != 4 {
		t.Fatalf("%d sessions, %v", len(sessions), err)
	}
	b.open("/settings/sessions").shows("Firefox · Linux", "This one")
	b.send("/settings/sessions", map[string]any{"end": sessions[0].ID.String()}).must(http.StatusOK)
	if old.stay().get("/inbox").status != http.StatusSeeOther || phone.stay().get("/inbox").status != http.StatusOK {
		t.Error("the wrong browser was signed out")
	}
	b.send("/settings/sessions", map[string]any{"end": "others"}).must(http.StatusOK).hides("everywhere else")
	if phone.stay().get("/inbox").status != http.StatusSeeOther || tablet.stay().get("/inbox").status != http.StatusSeeOther {
		t.Error("others are still signed in")
	}
	b.open("/inbox")
	b.open("/settings/account")
	fields := formWith(b.last.token())
	fields.Set("end", "x")
	b.post("/settings/sessions", fields).must(http.StatusNotFound)
}

func TestAgentNames(t *testing.T) {
	for header, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                  "Firefox · Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0":               "Edge · Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1": "Safari · iPhone",
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36 MicroMessenger/8.0.50":          "WeChat · Android",
		"curl/8.1": "curl", "": "?", "\x1b[31m<b>x</b>": "[31m<b>x<",
	} {
		if got := agentName(header); got != want {
			t.Errorf("%q is %q, want %q", header, got, want)
		}
	}
}

// Every page in every language, with and without anything on it.
func TestEveryPageInEveryLanguage(t *testing.T) {
	w := newWorld(t)
	for _, lang := range i18n.Languages() {
		for who, b := range map[string]*browser{"visitor": w.browser(), "new member": w.as(w.qq), "member": w.as(w.chen)} {
			b.lang = lang
			for _, r := range w.pages.Routes() {
				if r.Method != http.MethodGet || strings.Contains(r.Path, ":") || r.Access == accessAsset || r.Path == "/live" {
					continue
				}
				if r.Access == accessMember && who == "visitor" || r.Access == accessVisitor && who != "visitor" || r.Path == "/oauth/authorize" {
					continue
				}
				b.open(r.Path)
			}
			for _, path := range []string{"/@chenmo", "/@chenmo?tab=replies", "/@chenmo?tab=media", "/@zhao", "/tags/nothing", "/help/circles", "/help/admins", "/help/apps", "/help/keyboard", "/help/visibility", "/search?q=chen", "/search?q=zzzz", "/search?q=@chenmo@school.example", "/search?q=https%3A%2F%2Fschool.example%2F%40chenmo", "/c/2012-3"} {
				b.open(path)
			}
			for _, path := range []string{"/@nobody", "/help/nothing", "/@nobody/1", "/posts/x", "/c/nothing", "/nothing", "/tags/!!", "/users/1", "/circles/1", "/live?feed=x"} {
				if path == "/live?feed=x" && who == "visitor" {
					continue
				}
				b.get(path).must(http.StatusNotFound).shows(i18n.T(lang, "errorpage.404.title", nil))
			}
		}
	}
	if strings.Contains(w.log.String(), "level=ERROR") {
		t.Error(w.log.String())
	}
}

// A language that no form offered is refused beside its field, in the reader's language, and nothing that
// was typed is lost.
func TestUnknownLanguagesOfPosts(t *testing.T) {
	h := newHouse(t)
	ada := h.person("ada")
	b := h.as(ada)
	for _, code := range i18n.WrittenLanguages() {
		if got, err := social.ParseLanguage(code); err != nil || got != code {
			t.Errorf("%s is offered and is %q, %v", code, got, err)
		}
	}
	post := h.publish(ada, social.Draft{Text: "one", Visibility: store.Public})
	for _, lang := range []string{"en", "zh"} {
		b.lang = lang
		want := i18n.T(lang, "invalid.language", nil)
		for path, fields := range map[string]map[string]any{
			"/compose":                             {"text": "what I typed", "visibility": "public", "language": "xxxxxxxxxxxx"},
			"/posts/" + post.ID.String() + "/edit": {"text": "what I typed", "language": "xxxxxxxxxxxx"},
		} {
			b.open(path)
			page := b.send(path, fields).must(http.StatusUnprocessableEntity)
			if page.errorOf("language") != want || page.value("text") != "what I typed" {
				t.Errorf("%s: %q, %q", path, page.errorOf("language"), page.value("text"))
			}
		}
		b.open("/settings/account")
		page := b.send("/settings/account", map[string]any{"do": "posting", "visibility": "public", "post_language": "xxxxxxxxxxxx"}).must(http.StatusUnprocessableEntity)
		if page.errorOf("post_language") != want {
			t.Errorf("the settings say %q", page.errorOf("post_language"))
		}
	}
}

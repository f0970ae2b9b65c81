package pages

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cohort/social"
	"cohort/store"
)

// elsewhere are ways to write an address that a browser would follow to another site, or run.
var elsewhere = []string{
	"//", "https://evil.example/", "http://evil.example", "//evil.example", "///evil.example", "////evil.example/x", "/\\evil.example", "\\\\evil.example",
	"\\/evil.example", "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", " https://evil.example", "javascript:alert(1)", "JaVaScRiPt:alert(1)",
	"data:text/html,x", "https:evil.example", "https:/evil.example", "evil.example", "@evil.example", "/%2f/evil.example", "/%5cevil.example", "/%09/evil.example",
	"/a/..//evil.example", "/./%2fevil.example", "/..//evil.example", "//user@evil.example", "/x\r\nSet-Cookie: a=b", "/x\x00", "?next=//evil.example", "#x", "/%zz", "/ok/../..//evil.example", "mailto:a@evil.example",
}

func TestLocalPathRefuses(t *testing.T) {
	for _, raw := range append(elsewhere, "", "/"+strings.Repeat("x", maxPath)) {
		if got := localPath(raw, "/fallback"); got != "/fallback" {
			t.Errorf("%q becomes %q", raw, got)
		}
	}
	for raw, want := range map[string]string{
		"/": "/", "/@linwei@aurora.localhost:8081": "/@linwei@aurora.localhost:8081", "/@zhao/12#p-12": "/@zhao/12#p-12",
		"/search?q=https%3A%2F%2Fx.example%2F": "/search?q=https%3A%2F%2Fx.example%2F", "/tags/围棋": "/tags/%E5%9B%B4%E6%A3%8B", "/tags/%E5%9B%B4": "/tags/%E5%9B%B4",
		"/oauth/authorize?client_id=x&redirect_uri=https://app.example/cb&scope=read+write": "/oauth/authorize?client_id=x&redirect_uri=https://app.example/cb&scope=read+write",
	} {
		if got := localPath(raw, "/fallback"); got != want {
			t.Errorf("%q becomes %q, want %q", raw, got, want)
		}
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, raw := range elsewhere {
		f.Add(raw)
	}
	base, err := url.Parse("https://school.example/posts/1/favourite")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got := localPath(raw, "/")
		if !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n\t\x00 ") {
			t.Fatalf("%q becomes %q", raw, got)
		}
		u, err := base.Parse(got)
		if err != nil || u.Host != "school.example" || u.Scheme != "https" {
			t.Fatalf("%q leads to %v (%v)", raw, u, err)
		}
		if again := localPath(got, "/fallback"); again != got {
			t.Fatalf("%q becomes %q and then %q", raw, got, again)
		}
	})
}

// Neither signing in nor any button leads away from here.
func TestNoFormLeadsElsewhere(t *testing.T) {
	h := newHouse(t)
	chen, zhao := h.person("chenmo"), h.person("zhao")
	post := h.publish(zhao, social.Draft{Text: "开学了", Visibility: store.Public})
	member := h.as(chen)
	for _, raw := range elsewhere {
		visitor := h.browser()
		if next := visitor.open("/sign-in?" + url.Values{"next": {raw}}.Encode()).value("next"); next != "" {
			t.Errorf("%q is kept as %q", raw, next)
		}
		member.open("/@zhao")
		for path, want := range map[string]string{
			"/posts/" + post.ID.String() + "/bookmark": "/posts/" + post.ID.String(), "/accounts/" + zhao.ID.String() + "/follow": "/@zhao",
		} {
			fields := formWith(member.last.token())
			fields.Set("return", raw)
			if a := member.stay().post(path, fields); a.status != http.StatusSeeOther || a.header.Get("Location") != want {
				t.Errorf("%q leads to %d %q", raw, a.status, a.header.Get("Location"))
			}
		}
		if a := member.stay().get("/sign-in?" + url.Values{"next": {raw}}.Encode()); a.header.Get("Location") != "/" {
			t.Errorf("%q leads a member to %q", raw, a.header.Get("Location"))
		}
	}
	visitor := h.browser()
	visitor.open("/sign-in")
	a := visitor.stay()
	a.last = visitor.last
	if got := a.send("/sign-in", map[string]any{"login": "chenmo", "password": passphrase, "next": "//evil.example"}); got.header.Get("Location") != "/" {
		t.Errorf("signing in leads to %q", got.header.Get("Location"))
	}
	for _, path := range []string{"//evil.example/..?lang=en", "/local?lang=en&x=//evil.example"} {
		got := h.browser().stay().get(path)
		if to := got.header.Get("Location"); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//")) {
			t.Errorf("%s leads to %s", path, to)
		}
	}
}

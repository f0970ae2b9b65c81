package pages

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cohort/social"
	"cohort/store"
)

func formWith(token string) url.Values { return url.Values{"csrf": {token}} }

// concrete puts ids into the path of a route.
func concrete(path string, post *store.Post, account *store.Account) string {
	if strings.HasPrefix(path, "/posts/") {
		path = strings.ReplaceAll(path, ":id", post.ID.String())
	}
	r := strings.NewReplacer(":id", account.ID.String(), ":do", "favourite", ":slug", "2012-3", ":token", "x")
	return r.Replace(path)
}

// Every form is refused without the token of a page, with another browser's, and from another site; and
// nothing has happened.
func TestForgedFormsAreRefused(t *testing.T) {
	h := newHouse(t)
	zhao, chen := h.person("zhao"), h.person("chenmo")
	h.circle(chen)
	post := h.publish(chen, social.Draft{Text: "开学了", Visibility: store.Public})
	stranger := h.as(zhao)
	stranger.open("/settings/account")
	foreign := stranger.last.token()
	visitor := h.browser()
	visitor.open("/sign-in")
	visitorToken := visitor.last.token()
	n := 0
	for _, r := range h.pages.Routes() {
		if r.Method != http.MethodPost {
			continue
		}
		n++
		path := concrete(r.Path, post, zhao)
		own := h.as(chen)
		good := foreign
		if r.Access != accessMember {
			own = h.browser()
			own.open("/sign-in")
			good = own.last.token()
		} else {
			own.open("/settings/account")
			good = own.last.token()
		}
		cases := map[string]struct {
			token  string
			header map[string]string
		}{
			"no token":      {"", nil},
			"wrong token":   {good[:len(good)-2] + "AA", nil},
			"other browser": {map[bool]string{true: foreign, false: visitorToken}[r.Access == accessMember], nil},
			"other site":    {good, map[string]string{"Sec-Fetch-Site": "cross-site"}},
			"same site":     {good, map[string]string{"Sec-Fetch-Site": "same-site"}},
			"other origin":  {good, map[string]string{"Origin": "https://evil.example"}},
			"null origin":   {good, map[string]string{"Origin": "null"}},
		}
		for name, c := range cases {
			own.header = c.header
			if own.header == nil {
				own.header = map[string]string{}
			}
			if a := own.stay().post(path, formWith(c.token)); a.status != http.StatusForbidden {
				t.Errorf("%s with %s: %d", path, name, a.status)
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d forms", n)
	}
	if h.gone(chen, post.ID) {
		t.Error("a forged form deleted a post")
	}
	if u, err := h.db.Sessions(t.Context(), chen.ID); err != nil || len(u) == 0 {
		t.Errorf("a forged form ended the sessions: %v", err)
	}
}

// Whoever is not signed in is led to sign in, and back to a page afterwards.
func TestMembersOnly(t *testing.T) {
	h := newHouse(t)
	chen := h.person("chenmo")
	post := h.publish(chen, social.Draft{Text: "开学了", Visibility: store.Public})
	b := h.browser().stay()
	for _, r := range h.pages.Routes() {
		if r.Access != accessMember {
			continue
		}
		path := concrete(r.Path, post, chen)
		a := b.do(r.Method, path, "application/x-www-form-urlencoded", strings.NewReader("return=%2Flocal"))
		to, err := url.Parse(a.header.Get("Location"))
		if err != nil || a.status != http.StatusSeeOther || to.Path != "/sign-in" || to.Host != "" {
			t.Errorf("%s %s: %d to %s", r.Method, path, a.status, a.header.Get("Location"))
			continue
		}
		want := path
		if r.Method == http.MethodPost {
			want = "/local"
		}
		if got := to.Query().Get("next"); got != want {
			t.Errorf("%s %s leads back to %q", r.Method, path, got)
		}
	}
	signed := h.as(chen).stay()
	for _, path := range []string{"/join", "/sign-in", "/confirm", "/forgot", "/reset"} {
		if a := signed.get(path); a.status != http.StatusSeeOther || a.header.Get("Location") != "/" {
			t.Errorf("%s for a member: %d", path, a.status)
		}
	}
}

// What belongs to someone else is not there: not to change, not to end, not to answer.
func TestOthersThingsAreNotThere(t *testing.T) {
	h := newHouse(t)
	zhao, chen, lin := h.person("zhao"), h.person("chenmo"), h.person("linwei")
	post := h.publish(zhao, social.Draft{Text: "开学了", Visibility: store.Public})
	secret := h.publish(zhao, social.Draft{Text: "只给 @linwei 看", Visibility: store.Direct})
	media, err := h.s.Upload(t.Context(), zhao, strings.NewReader(string(pngOf(t, 10, 10))), "", social.Focus{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.s.StartSession(t.Context(), zhao.ID, "x"); err != nil {
		t.Fatal(err)
	}
	sessions, err := h.db.Sessions(t.Context(), zhao.ID)
	if err != nil || len(sessions) != 1 {
		t.Fatal(err)
	}
	if _, err := h.auth.NewToken(t.Context(), zhao.ID, "read"); err != nil {
		t.Fatal(err)
	}
	tokens, err := h.db.Tokens(t.Context(), zhao.ID)
	if err != nil || len(tokens) != 1 {
		t.Fatal(err)
	}
	b := h.as(chen)
	form := func(pairs ...string) url.Values {
		b.open("/settings/account")
		v := formWith(b.last.token())
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v
	}
	id, hidden := post.ID.String(), secret.ID.String()
	for _, path := range []string{"/posts/" + id + "/edit", "/posts/" + id + "/delete", "/@zhao/" + hidden, "/posts/" + hidden, "/compose?reply=" + hidden, "/posts/" + hidden + "/edit"} {
		b.get(path).must(http.StatusNotFound)
	}
	b.post("/posts/"+id+"/edit", form("text", "x")).must(http.StatusNotFound)
	b.post("/posts/"+id+"/delete", form()).must(http.StatusNotFound)
	b.post("/posts/"+id+"/pin", form()).must(http.StatusNotFound)
	for _, verb := range []string{"favourite", "boost", "bookmark", "mute", "unfavourite"} {
		b.post("/posts/"+hidden+"/"+verb, form()).must(http.StatusNotFound)
	}
	b.post("/settings/sessions", form("end", sessions[0].ID.String())).must(http.StatusNotFound)
	b.post("/settings/apps", form("revoke", tokens[0].Token.ID.String())).must(http.StatusOK)
	b.post("/requests/"+lin.ID.String()+"/accept", form()).must(http.StatusOK)
	page := b.post("/compose", form("text", "x", "visibility", "public", "keep1", media.ID.String())).must(http.StatusUnprocessableEntity)
	if page.errorOf("media") == "" {
		t.Error("another one's picture was taken")
	}
	page = b.post("/compose", form("text", "x", "visibility", "public", "reply", hidden)).must(http.StatusUnprocessableEntity)
	if page.errorOf("text") == "" || page.value("text") != "x" {
		t.Errorf("the answer to a post that is not there: %s", page.text())
	}
	if h.gone(zhao, post.ID) {
		t.Error("deleted")
	}
	if again, err := h.db.Sessions(t.Context(), zhao.ID); err != nil || len(again) != 1 {
		t.Errorf("sessions %v, %v", again, err)
	}
	if again, err := h.db.Tokens(t.Context(), zhao.ID); err != nil || len(again) != 1 {
		t.Errorf("tokens %v, %v", again, err)
	}
}

// A body past its bound is refused, and a form that cannot be read is the sender's fault.
func TestBodiesAreBounded(t *testing.T) {
	h := newHouse(t)
	b := h.as(h.person("chenmo"))
	b.open("/settings/account")
	big := formWith(b.last.token())
	big.Set("old", strings.Repeat("x", maxForm))
	b.post("/settings/account", big).must(http.StatusRequestEntityTooLarge)
	b.do(http.MethodPost, "/settings/account", "application/x-www-form-urlencoded", strings.NewReader("%zz")).must(http.StatusBadRequest)
	b.do(http.MethodPost, "/compose", "multipart/form-data; boundary=x", strings.NewReader("nothing")).must(http.StatusBadRequest)
}

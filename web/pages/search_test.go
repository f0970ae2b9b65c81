package pages

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"cohort/federation/fedtest"
	"cohort/social"
	"cohort/store"
	"cohort/web/i18n"
)

func TestSearchHere(t *testing.T) {
	h := newHouse(t)
	zhao, chen := h.person("zhao"), h.person("chenmo")
	name := "陈默"
	if _, err := h.s.UpdateProfile(t.Context(), chen, social.ProfileChange{Name: &name}); err != nil {
		t.Fatal(err)
	}
	post := h.publish(chen, social.Draft{Text: "下棋 #围棋", Visibility: store.Public})
	b := h.as(zhao)
	b.open("/search").shows(i18n.T("en", "search.how", nil))
	for query, want := range map[string]string{
		"陈": "陈默", "默": "陈默", "chen": "陈默", "@chenmo": "陈默", "@chenmo@school.example": "陈默", "chenmo@school.example": "陈默", "＠chenmo": "陈默",
		"#围棋": "#围棋", "围": "#围棋", "＃围": "#围棋", "http://school.example/@chenmo": "陈默", post.URI: "下棋", post.URL: "下棋", "　chenmo": "陈默",
	} {
		b.open(withQuery("/search", "q", query)).shows(want)
	}
	for _, query := range []string{"zzz", "@zzz", "@zzz@school.example", "#zzz", "http://school.example/posts/1", "http://school.example/x", "@", "#", "http://", "https://[::1", "@a@b@c", strings.Repeat("x", 999), "%", "_", "'"} {
		b.open(withQuery("/search", "q", query)).shows(i18n.T("en", "search.nothing", map[string]any{"query": strings.Join(strings.Fields(query), " ")}))
	}
	for _, query := range []string{strings.Repeat("x", maxQuery+1), "a\x00b", "\xff\xfe", "#\xff"} {
		b.open(withQuery("/search", "q", query)).hides("陈默")
	}
}

// Members find people and posts on other servers by their full address, and follow and mention them.
// Passers-by make us ask nobody.
func TestSearchElsewhere(t *testing.T) {
	h := newHouse(t)
	peer := fedtest.NewPeer(t, "fedi")
	bob := peer.Actor("bob")
	peer.Serve("/notes/1", map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "id": peer.Base + "/notes/1", "type": "Note", "attributedTo": bob.ID,
		"content": "<p>Hallo aus der Ferne<script>x</script></p>", "published": "2026-01-02T03:04:05Z",
		"to": []string{"https://www.w3.org/ns/activitystreams#Public"}, "cc": []string{bob.ID + "/followers"},
	})
	address := "@bob@" + peer.Host
	visitor := h.browser()
	for _, query := range []string{address, bob.ID, peer.Base + "/notes/1"} {
		visitor.open(withQuery("/search", "q", query)).hides("Ferne")
	}
	visitor.get("/" + address).must(http.StatusNotFound)
	if n := peer.Gets("/.well-known/webfinger") + peer.Gets("/users/bob") + peer.Gets("/notes/1"); n != 0 {
		t.Errorf("a passer-by made us ask %d times", n)
	}
	chen := h.person("chenmo")
	b := h.as(chen)
	b.open(withQuery("/search", "q", address)).shows("bob@" + peer.Host)
	account, err := h.db.AccountByHandle(t.Context(), "bob", peer.Host)
	if err != nil {
		t.Fatal(err)
	}
	page := b.send("/accounts/"+account.ID.String()+"/follow", nil).must(http.StatusOK)
	if !strings.HasPrefix(page.path, "/search?q=") {
		t.Errorf("following leads to %s", page.path)
	}
	if r, err := h.db.Relationship(t.Context(), chen.ID, account.ID); err != nil || !r.Requested {
		t.Errorf("%+v, %v", r, err)
	}
	b.open(withQuery("/search", "q", peer.Base+"/notes/1")).shows("Hallo aus der Ferne").hides("<script>x")
	b.open("/"+address).shows("bob@"+peer.Host, "Hallo aus der Ferne")
	b.open(withQuery("/search", "q", "@nobody@"+peer.Host)).shows(i18n.T("en", "search.nothing", map[string]any{"query": "@nobody@" + peer.Host}))
	// Now that he said something in public, everyone may know that we know him.
	visitor.open("/" + address).shows("Hallo aus der Ferne")
	if !visitor.last.has(`name="robots" content="noindex"`) {
		t.Error("somebody else's posts may be indexed here")
	}

	ann := peer.Actor("ann")
	b.open("/compose?to=@ann@" + peer.Host)
	if b.last.value("text") != "@ann@"+peer.Host+" " || b.last.value("visibility") != "direct" {
		t.Errorf("text %q, visibility %q", b.last.value("text"), b.last.value("visibility"))
	}
	b.send("/compose", map[string]any{"text": "@ann@" + peer.Host + " guten Tag"}).must(http.StatusOK).shows("guten Tag")
	if _, err := h.db.AccountByURI(t.Context(), ann.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("she was looked up before the answer: %v", err)
	}
	worker := store.NewWorker(h.db, store.WorkerConfig{Handlers: h.fed.Handlers(), Log: h.s.Log})
	if _, err := worker.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.open(b.last.path).shows("guten Tag")
	if !b.last.has("<a href=\"" + peer.Base + "/@ann\"") {
		t.Error("her name leads nowhere")
	}
	known, err := h.db.AccountByURI(t.Context(), ann.ID)
	if err != nil {
		t.Fatal(err)
	}
	mentioned, err := h.db.MentionsOf(t.Context(), mustID(t, b.last.path))
	if err != nil || len(mentioned) != 1 || mentioned[0].ID != known.ID {
		t.Errorf("%v, %v", mentioned, err)
	}
}

// Looking up is limited for each member.
func TestLookingUpIsLimited(t *testing.T) {
	h := newHouse(t, func(c *social.Config) { c.Limits = true })
	b := h.as(h.person("chenmo"))
	var page *answer
	for range social.LimitLookup.Burst + 1 {
		page = b.get("/search?q=@zzz@school.example")
	}
	page.must(http.StatusTooManyRequests).shows(i18n.T("en", "invalid.limited", nil))
}

package pages

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"cohort/social"
	"cohort/store"
	"cohort/store/storetest"
)

// world has a class with two members, one of them on another server, and two people who are not in it.
type world struct {
	*house
	circle              *store.Circle
	chen, lin, zhao, qq *store.Account
	post, reply         *store.Post
}

// The words that nobody outside may come across.
var secretWords = []string{"香樟树", "阿香", "毕业照"}

func newWorld(t testing.TB) *world {
	t.Helper()
	h := newHouse(t)
	w := &world{house: h, chen: h.person("chenmo"), zhao: h.person("zhao"), qq: h.person("qq")}
	w.lin = storetest.Remote(t, h.db, "linwei", "aurora.example")
	w.circle = h.circle(w.chen, w.lin)
	storetest.Join(t, h.db, w.circle.Account, w.lin)
	w.post = h.publish(w.chen, social.Draft{Text: "那棵香樟树还在吗 #毕业照", Circle: w.circle.ID})
	in, err := h.s.ReceivePost(t.Context(), w.lin, social.IncomingPost{
		URI: "https://aurora.example/posts/1", URL: "https://aurora.example/@linwei/1", HTML: "<p>还在，阿香上周去看过</p>", Visibility: store.InCircle,
		Circle: w.circle.Account, ReplyTo: w.post.URI, Published: h.db.Now(), Signed: "{}",
	})
	if err != nil || in == nil {
		t.Fatalf("%+v, %v", in, err)
	}
	w.reply = in
	if err := h.s.Like(t.Context(), w.chen, w.reply.ID); err != nil {
		t.Fatal(err)
	}
	if err := h.s.Follow(t.Context(), w.zhao, w.chen.ID, social.FollowOptions{}); err != nil {
		t.Fatal(err)
	}
	h.publish(w.chen, social.Draft{Text: "公开的一句", Visibility: store.Public})
	return w
}

// crawl visits every page that can be reached by links from some beginnings, and lists them.
func crawl(b *browser, from ...string) map[string]*answer {
	found := map[string]*answer{}
	queue := from
	for len(queue) > 0 && len(found) < 400 {
		next := queue[0]
		queue = queue[1:]
		path, _, _ := strings.Cut(next, "#")
		if found[path] != nil || strings.HasPrefix(path, "/static/") || strings.Contains(path, "lang=") || strings.HasPrefix(path, "/live") {
			continue
		}
		a := b.get(path)
		found[path] = a
		queue = append(queue, a.links()...)
	}
	return found
}

// Nobody outside a circle finds a trace of what is said there or of who sits there: not by following every
// link, not by guessing addresses.
func TestCirclesLeaveNoTrace(t *testing.T) {
	w := newWorld(t)
	guesses := []string{"/", "/local", "/public", "/about", "/help/", "/c/2012-3", "/c/2012-3?tab=people", "/c/2012-3?tab=posts", "/circles/" + w.circle.ID.String(), "/@chenmo", "/@chenmo?tab=replies", "/@chenmo?tab=media", "/@linwei@aurora.example", "/tags/毕业照"}
	for _, q := range []string{"香樟", "毕业照", "#毕业照", "linwei", "@linwei@aurora.example", "林", w.post.URI, w.reply.URI, "2012", "chenmo", "https://aurora.example/@linwei/1"} {
		guesses = append(guesses, withQuery("/search", "q", q))
	}
	for _, p := range []*store.Post{w.post, w.reply} {
		id := p.ID.String()
		guesses = append(guesses, "/posts/"+id, "/@chenmo/"+id, "/@linwei@aurora.example/"+id, "/c/2012-3/"+id)
	}
	memberGuesses := append([]string{"/inbox", "/bookmarks", "/favourites", "/circles", "/requests", "/compose", "/compose?to=c/2012-3"}, guesses...)
	for _, p := range []*store.Post{w.post, w.reply} {
		id := p.ID.String()
		memberGuesses = append(memberGuesses, "/compose?reply="+id, "/posts/"+id+"/edit", "/posts/"+id+"/delete")
	}
	for who, b := range map[string]*browser{"visitor": w.browser(), "follower": w.as(w.zhao), "colleague": w.as(w.qq)} {
		from := guesses
		if who != "visitor" {
			from = memberGuesses
		}
		pages := crawl(b, from...)
		if len(pages) < 25 {
			t.Errorf("%s found only %d pages", who, len(pages))
		}
		for path, a := range pages {
			text := string(a.body)
			if a.root != nil {
				text = strings.ReplaceAll(text, url.QueryEscape("香樟"), "")
			}
			for _, word := range secretWords {
				asked, _ := url.QueryUnescape(path) // what was searched for stands on the page
				if strings.Contains(text, word) && !strings.Contains(asked, word) {
					t.Errorf("%s finds %s on %s", who, word, path)
				}
			}
			if who == "visitor" && strings.Contains(text, "linwei") && !strings.Contains(path, "linwei") {
				t.Errorf("%s finds a member on %s", who, path)
			}
		}
		for _, p := range []*store.Post{w.post, w.reply} {
			for _, path := range []string{"/posts/" + p.ID.String(), "/@chenmo/" + p.ID.String(), "/c/2012-3/" + p.ID.String()} {
				sameAsMissing(t, b, path)
			}
		}
		b.open("/c/2012-3").shows("2012(3)", "高三 3 班").hides("linwei", "chenmo")
		if who != "visitor" {
			b.get("/compose?to=c/2012-3").must(http.StatusNotFound)
		}
	}
	if n, err := w.db.UnreadNotifications(t.Context(), w.zhao.ID, 0); err != nil || n != 0 {
		t.Errorf("%d notifications, %v", n, err)
	}
}

var ids = regexp.MustCompile(`\d{10,}|value="[A-Za-z0-9_-]{40,}"`)

// sameAsMissing compares a page with that of an id that never was.
func sameAsMissing(t *testing.T, b *browser, path string) {
	t.Helper()
	missing := regexp.MustCompile(`\d+$`).ReplaceAllString(path, "113000000000000001")
	a, m := b.get(path), b.get(missing)
	if a.status != http.StatusNotFound || m.status != http.StatusNotFound {
		t.Errorf("%s: %d, missing: %d", path, a.status, m.status)
	}
	if ids.ReplaceAllString(string(a.body), "") != ids.ReplaceAllString(string(m.body), "") {
		t.Errorf("%s does not look like what is missing", path)
	}
	for _, name := range []string{"Cache-Control", "Content-Type", "Vary", "X-Robots-Tag"} {
		if a.header.Get(name) != m.header.Get(name) {
			t.Errorf("%s: %s is %q, of what is missing %q", path, name, a.header.Get(name), m.header.Get(name))
		}
	}
}

// Members see all of it, on pages that no cache keeps.
func TestCirclesForMembers(t *testing.T) {
	w := newWorld(t)
	b := w.as(w.chen)
	page := b.open("/c/2012-3").shows("香樟树", "阿香", "2 people in 2012(3) on 2 servers can read this.")
	if page.header.Get("Cache-Control") != "private, no-store" {
		t.Errorf("Cache-Control %q", page.header.Get("Cache-Control"))
	}
	b.open("/c/2012-3?tab=people").shows("chenmo", "linwei")
	b.open("/c/2012-3?tab=about").shows("高三 3 班", "2009–2012")
	b.open("/circles").shows("2012(3)")
	b.open("/").shows("香樟树")
	post := b.open("/c/2012-3/"+w.post.ID.String()).shows("香樟树", "阿香")
	if post.path != "/@chenmo/"+w.post.ID.String() || post.header.Get("Cache-Control") != "private, no-store" || !post.has(`name="robots" content="noindex"`) {
		t.Errorf("%s: %q", post.path, post.header.Get("Cache-Control"))
	}
	if post.form("/posts/"+w.post.ID.String()+"/boost", nil) != nil {
		t.Error("a circle's post can be boosted")
	}
	b.open("/@linwei@aurora.example").shows("2012(3)")
	b.open("/compose?to=c/2012-3")
	page = b.send("/compose", map[string]any{"text": "明天见", "file1": file(pngOf(t, 5, 5)), "alt1": "照片"}).must(http.StatusUnprocessableEntity)
	if page.errorOf("media") == "" || page.value("text") != "明天见" || page.value("alt1") != "照片" || page.value("visibility") != "c/2012-3" {
		t.Errorf("error %q, text %q, alt %q, audience %q", page.errorOf("media"), page.value("text"), page.value("alt1"), page.value("visibility"))
	}
	b.send("/compose", map[string]any{"drop1": "1"}).must(http.StatusOK).shows("明天见", "2 people in 2012(3) on 2 servers can read this.")
	b.open("/@linwei@aurora.example/" + w.reply.ID.String())
	if got := b.last.value("visibility"); got != "c/2012-3" {
		t.Errorf("a reply goes to %q", got)
	}
	b.send("/compose", map[string]any{"text": "@linwei@aurora.example 好"}).must(http.StatusOK).shows("好", "2 people in 2012(3) on 2 servers can read this.")
	if p, err := w.db.Post(t.Context(), store.AsAccount(w.chen.ID), mustID(t, b.last.path)); err != nil || p.CircleID != w.circle.ID {
		t.Errorf("%+v, %v", p, err)
	}
}

func mustID(t testing.TB, path string) store.ID {
	t.Helper()
	id, err := store.ParseID(path[strings.LastIndexByte(path, '/')+1:])
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestAskingForAPlace(t *testing.T) {
	w := newWorld(t)
	b := w.as(w.zhao)
	b.open("/c/2012-3").shows("What is inside is for members")
	b.send("/c/2012-3/join", nil).must(http.StatusOK).shows("Your request is waiting").hides("香樟树")
	b.open("/circles").shows("Waiting", "2012(3)")
	b.open("/c/2012-3")
	b.send("/c/2012-3/leave", nil).must(http.StatusOK).shows("What is inside is for members")
	b.send("/c/2012-3/join", nil).must(http.StatusOK)
	w.seat(w.zhao)
	b.open("/c/2012-3").shows("香樟树")
	b.send("/c/2012-3/leave", nil).must(http.StatusOK).hides("香樟树")
	b.get("/@chenmo/" + w.post.ID.String()).must(http.StatusNotFound)
}

// A secret circle is there for its members only; one at home elsewhere for those who are signed in.
func TestCirclesThatAreNotListed(t *testing.T) {
	w := newWorld(t)
	away := &store.Account{Kind: store.KindCircle, Handle: "platform", Host: "aurora.example", Domain: "aurora.example", Name: "平台组", URI: "https://aurora.example/circles/1", Inbox: "https://aurora.example/circles/1/inbox"}
	err := w.db.Tx(t.Context(), func(tx *store.Tx) error {
		away.FetchedAt = tx.Now
		if err := tx.InsertAccount(t.Context(), away); err != nil {
			return err
		}
		return tx.SetListing(t.Context(), w.circle.ID, "secret")
	})
	if err != nil {
		t.Fatal(err)
	}
	visitor, outside, member := w.browser(), w.as(w.qq), w.as(w.chen)
	for _, path := range []string{"/c/2012-3", "/@2012-3", "/circles/" + w.circle.ID.String(), "/search?q=2012"} {
		for _, b := range []*browser{visitor, outside} {
			if a := b.get(path); a.status != http.StatusNotFound && !strings.HasPrefix(path, "/search") || a.has("2012(3)") {
				t.Errorf("%s: %d", path, a.status)
			}
		}
	}
	outside.open("/settings/account")
	outside.post("/c/2012-3/join", formWith(outside.last.token())).must(http.StatusNotFound)
	outside.post("/accounts/"+w.circle.ID.String()+"/follow", formWith(outside.last.token())).must(http.StatusNotFound)
	member.open("/c/2012-3").shows("香樟树")
	member.open("/@2012-3").shows("2012(3)")
	for _, path := range []string{"/c/platform@aurora.example", "/@platform@aurora.example"} {
		visitor.get(path).must(http.StatusNotFound)
		outside.open(path).shows("平台组").hides("aurora.example · aurora.example")
	}
	outside.send("/c/platform@aurora.example/join", nil).must(http.StatusOK).shows("Your request is waiting")
	if m, err := w.db.Membership(t.Context(), away.ID, w.qq.ID); err != nil || !m.VerifiedAt.IsZero() {
		t.Errorf("%+v, %v", m, err)
	}
}

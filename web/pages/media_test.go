package pages

import (
	"net/http"
	"strings"
	"testing"

	"cohort/social"
	"cohort/store"
	"cohort/store/storetest"
)

// Pictures are served to whoever has their address, and to nobody who guesses.
func TestPicturesByAddress(t *testing.T) {
	h := newHouse(t)
	chen := h.person("chenmo")
	m, err := h.s.Upload(t.Context(), chen, strings.NewReader(string(pngOf(t, 30, 30))), "", social.Focus{})
	if err != nil {
		t.Fatal(err)
	}
	b := h.browser()
	for _, name := range []string{m.File, m.Preview} {
		a := b.get("/media/" + name).must(http.StatusOK)
		for header, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox"} {
			if got := a.header.Get(header); got != want {
				t.Errorf("%s: %q", header, got)
			}
		}
		if !strings.HasPrefix(a.header.Get("Content-Type"), "image/") || !strings.Contains(a.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%v", a.header)
		}
		b.header["If-None-Match"] = a.header.Get("ETag")
		b.get("/media/" + name).must(http.StatusNotModified)
		delete(b.header, "If-None-Match")
	}
	remote := storetest.Remote(t, h.db, "linwei", "aurora.example")
	remote.AvatarRemote = "https://aurora.example/avatar.png"
	if err := h.db.Tx(t.Context(), func(tx *store.Tx) error { return tx.UpdateAccount(t.Context(), remote) }); err != nil {
		t.Fatal(err)
	}
	key := strings.TrimPrefix(h.pages.local(h.s.AvatarURL(remote)), "/media/avatar/"+remote.ID.String()+"/")
	if len(key) < 20 || strings.Contains(key, "/") {
		t.Fatalf("key %q", key)
	}
	for _, path := range []string{
		"/media/x", "/media/..", "/media/%2e%2e%2fetc%2fpasswd", "/media/cohort.db", "/media/" + m.File + ".html", "/media/" + strings.Repeat("a", 32) + ".png",
		"/media/avatar/" + remote.ID.String() + "/" + key[1:] + "A", "/media/header/" + remote.ID.String() + "/" + key, "/media/avatar/" + chen.ID.String() + "/" + key,
		"/media/avatar/x/" + key, "/media/full/" + remote.ID.String() + "/1/" + key, "/media/preview/x/1/" + key,
		// The address is right, and the other server is not there.
		"/media/avatar/" + remote.ID.String() + "/" + key,
	} {
		if a := b.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

func TestSmallFiles(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	if a := b.get("/manifest.webmanifest").must(http.StatusOK); !a.has(`"start_url":"/"`) {
		t.Errorf("%s", a.body)
	}
	if a := b.get("/robots.txt").must(http.StatusOK); !a.has("Disallow: /c/") {
		t.Errorf("%s", a.body)
	}
	b.get("/favicon.ico").must(http.StatusOK)
	b.get("/static/0/avatar.png").must(http.StatusOK)
	b.get("/static/0/../../pages.go").must(http.StatusNotFound)
}

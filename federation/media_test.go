package federation_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	_ "image/jpeg"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cohort/federation"
	"cohort/store"
)

// gallery is another server's pictures.
type gallery struct {
	*httptest.Server
	hits atomic.Int64
}

func newGallery(t *testing.T) *gallery {
	g := &gallery{}
	img := image.NewRGBA(image.Rect(0, 0, 900, 600))
	for i := range 900 * 600 {
		img.Set(i%900, i/900, color.RGBA{uint8(i), uint8(i >> 8), 90, 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	good := append(b.Bytes(), "a comment after the end"...)
	serve := func(kind string, body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			g.hits.Add(1)
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write(body)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/good.png", serve("image/png", good))
	mux.HandleFunc("/untyped", serve("application/octet-stream", good))
	mux.HandleFunc("/liar.html", serve("text/html", good))
	mux.HandleFunc("/page.png", serve("image/png", []byte("<html><script>alert(1)</script>")))
	mux.HandleFunc("/drawing.svg", serve("image/svg+xml", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)))
	mux.HandleFunc("/half.png", serve("image/png", good[:300]))
	mux.HandleFunc("/inside", func(w http.ResponseWriter, r *http.Request) {
		g.hits.Add(1)
		http.Redirect(w, r, "http://192.168.0.1/good.png", http.StatusFound)
	})
	mux.HandleFunc("/endless.png", func(w http.ResponseWriter, _ *http.Request) {
		g.hits.Add(1)
		w.Header().Set("Content-Type", "image/png")
		for range 40 {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	})
	g.Server = httptest.NewServer(mux)
	t.Cleanup(g.Close)
	return g
}

// stranger is an account of another server with that avatar.
func (in *instance) stranger(avatar string) *store.Account {
	in.t.Helper()
	a := &store.Account{Kind: store.KindPerson, Handle: "bob" + in.db.NewID().String(), Host: "b.example", Domain: "b.example", AvatarRemote: avatar, HeaderRemote: avatar}
	a.URI = "https://b.example/" + a.Handle
	if err := in.db.Tx(in.t.Context(), func(tx *store.Tx) error { return tx.InsertAccount(in.t.Context(), a) }); err != nil {
		in.t.Fatal(err)
	}
	return a
}

func bytesOf(t *testing.T, p *federation.Picture) []byte {
	t.Helper()
	defer p.Content.Close()
	b, err := io.ReadAll(p.Content)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func widthOf(t *testing.T, b []byte) int {
	t.Helper()
	c, _, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return c.Width
}

func TestPicturesAreCopiedOnce(t *testing.T) {
	in, g := newInstance(t, "a"), newGallery(t)
	pics := federation.NewPictures(in.fed, 1<<30)
	a := in.stranger(g.URL + "/good.png")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			p, err := pics.Avatar(t.Context(), a)
			if err != nil {
				t.Error(err)
				return
			}
			p.Content.Close()
		})
	}
	wg.Wait()
	p, err := pics.Avatar(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	b := bytesOf(t, p)
	if bytes.Contains(b, []byte("comment")) || !strings.HasPrefix(p.MIME, "image/") {
		t.Errorf("%s of %d bytes is not made anew", p.MIME, len(b))
	}
	if n := g.hits.Load(); n != 1 {
		t.Errorf("fetched %d times", n)
	}
	m := &store.Media{AccountID: a.ID, MIME: "image/png", RemoteURL: g.URL + "/good.png"}
	small, err := pics.Attachment(t.Context(), m, true)
	if err != nil {
		t.Fatal(err)
	}
	full, err := pics.Attachment(t.Context(), m, false)
	if err != nil {
		t.Fatal(err)
	}
	if s, f := widthOf(t, bytesOf(t, small)), widthOf(t, bytesOf(t, full)); s >= f || f != 900 || full.Name == small.Name {
		t.Errorf("preview %d wide, picture %d", s, f)
	}
	if _, err := pics.Attachment(t.Context(), &store.Media{AccountID: a.ID, MIME: "image/png", RemoteURL: g.URL + "/untyped"}, false); err != nil {
		t.Errorf("untyped: %v", err)
	}
	if n := g.hits.Load(); n != 3 {
		t.Errorf("fetched %d times", n)
	}
}

func TestPicturesAreRefused(t *testing.T) {
	in, g := newInstance(t, "a"), newGallery(t)
	pics := federation.NewPictures(in.fed, 1<<30)
	gone := in.stranger(g.URL + "/good.png")
	if err := in.db.Tx(t.Context(), func(tx *store.Tx) error { return tx.SetSuspended(t.Context(), gone.ID, true) }); err != nil {
		t.Fatal(err)
	}
	gone.SuspendedAt = in.db.Now()
	local := in.person("ada")
	local.AvatarRemote = g.URL + "/good.png"
	for name, x := range map[string]struct {
		account *store.Account
		fetches int64
	}{
		"html by type":   {in.stranger(g.URL + "/liar.html"), 1},
		"html by bytes":  {in.stranger(g.URL + "/page.png"), 1},
		"svg":            {in.stranger(g.URL + "/drawing.svg"), 1},
		"broken":         {in.stranger(g.URL + "/half.png"), 1},
		"too large":      {in.stranger(g.URL + "/endless.png"), 1},
		"missing":        {in.stranger(g.URL + "/missing.png"), 0},
		"private":        {in.stranger("http://10.0.0.1/x.png"), 0},
		"metadata":       {in.stranger("http://169.254.169.254/latest/x.png"), 0},
		"led inside":     {in.stranger(g.URL + "/inside"), 1},
		"a file":         {in.stranger("file:///etc/passwd"), 0},
		"script":         {in.stranger("javascript:alert(1)"), 0},
		"nothing":        {in.stranger(""), 0},
		"ourselves":      {in.stranger("http://" + in.host + "/users/1"), 0},
		"suspended":      {gone, 0},
		"account of us":  {local, 0},
		"with a user":    {in.stranger("http://user:pw@" + strings.TrimPrefix(g.URL, "http://") + "/good.png"), 0},
		"control letter": {in.stranger(g.URL + "/good.png\r\nX: y"), 0},
	} {
		before := g.hits.Load()
		for range 3 {
			if p, err := pics.Avatar(t.Context(), x.account); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: %v %v", name, p, err)
			}
		}
		if n := g.hits.Load() - before; n != x.fetches {
			t.Errorf("%s: fetched %d times, want %d", name, n, x.fetches)
		}
	}
	if _, err := pics.Attachment(t.Context(), &store.Media{AccountID: in.stranger("").ID, MIME: "video/mp4", RemoteURL: g.URL + "/good.png"}, false); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a film: %v", err)
	}
	// A server that is suspended is not asked, wherever the account lives.
	if err := in.db.Tx(t.Context(), func(tx *store.Tx) error {
		return tx.SetDomainPolicy(t.Context(), store.DomainPolicy{Domain: "127.0.0.1", Severity: store.Suspend})
	}); err != nil {
		t.Fatal(err)
	}
	before := g.hits.Load()
	if _, err := pics.Avatar(t.Context(), in.stranger(g.URL+"/good.png")); !errors.Is(err, store.ErrNotFound) || g.hits.Load() != before {
		t.Errorf("a suspended server: %v", err)
	}
}

func TestPicturesMakeRoom(t *testing.T) {
	in, g := newInstance(t, "a"), newGallery(t)
	now := time.Now()
	in.db.Now = func() time.Time { return now }
	pics := federation.NewPictures(in.fed, 1)
	a := in.stranger(g.URL + "/good.png?1")
	first, err := pics.Avatar(t.Context(), a)
	if !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("a picture larger than all the room is kept: %v %v", first, err)
	}
	files := 0
	if err := in.social.Files.Walk(t.Context(), func(store.StoredFile) error { files++; return nil }); err != nil || files != 0 {
		t.Errorf("%d files are left: %v", files, err)
	}
	pics = federation.NewPictures(in.fed, 200_000)
	kept := func() (n int) {
		if err := in.social.Files.Walk(t.Context(), func(store.StoredFile) error { n++; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var names []string
	for i := range 30 {
		now = now.Add(time.Minute)
		p, err := pics.Avatar(t.Context(), in.stranger(g.URL+"/good.png?n="+strings.Repeat("x", i+1)))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, p.Name)
		p.Content.Close()
	}
	if n := kept(); n == 0 || n == 30 {
		t.Errorf("%d of 30 files are kept", n)
	}
	if _, _, _, err := in.social.Files.Open(names[0]); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the oldest is still there: %v", err)
	}
	if c, _, _, err := in.social.Files.Open(names[29]); err != nil {
		t.Errorf("the newest is gone: %v", err)
	} else {
		c.Close()
	}
}

func TestPicturesEndWithWhoWaits(t *testing.T) {
	in, g := newInstance(t, "a"), newGallery(t)
	pics := federation.NewPictures(in.fed, 1<<30)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pics.Avatar(ctx, in.stranger(g.URL+"/good.png")); err == nil {
		t.Error("an answer for nobody")
	}
}

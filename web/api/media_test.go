package api

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"cohort/social"
	"cohort/store"
	"cohort/web/auth"
)

func pngOf(t testing.TB, w, h int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		img.Set(i%w, i/w, color.RGBA{uint8(i), uint8(i >> 4), 200, 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// upload sends a file with other fields.
func (h *house) upload(path, token, name string, content []byte, fields ...string) answer {
	h.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+1 < len(fields); i += 2 {
		h.must(w.WriteField(fields[i], fields[i+1]))
	}
	part, err := w.CreateFormFile("file", name)
	h.must(err)
	_, err = part.Write(content)
	h.must(err)
	h.must(w.Close())
	return h.do(http.MethodPost, path, token, &b, "Content-Type", w.FormDataContentType())
}

func TestUpload(t *testing.T) {
	h := newHouse(t)
	ada := h.person("ada")
	token := h.token(ada, "read write")
	for _, path := range []string{"/api/v1/media", "/api/v2/media"} {
		got := h.upload(path, token, "../../etc/passwd.svg", pngOf(t, 40, 20), "description", "A field", "focus", "0.5,-0.25")
		if got.code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, got.code, got.body)
		}
		id, _ := got.field(t, "id").(string)
		url, _ := got.field(t, "url").(string)
		if !strings.HasPrefix(url, houseURL+"/media/") || strings.Contains(url, "passwd") {
			t.Errorf("url %q", url)
		}
		if got.field(t, "type") != "image" || got.field(t, "description") != "A field" || got.field(t, "blurhash") == nil {
			t.Errorf("%s", got.body)
		}
		if got.field(t, "meta", "focus", "x") != 0.5 || got.field(t, "meta", "original", "width") != 40.0 {
			t.Errorf("meta %v", got.field(t, "meta"))
		}
		got = h.do(http.MethodPut, "/api/v1/media/"+id, token, strings.NewReader("description=Other"), "Content-Type", "application/x-www-form-urlencoded")
		if got.code != http.StatusOK || got.field(t, "description") != "Other" || got.field(t, "meta", "focus", "y") != -0.25 {
			t.Errorf("update: %d %s", got.code, got.body)
		}
		if got := h.get("/api/v1/media/"+id, token); got.code != http.StatusOK || got.field(t, "description") != "Other" {
			t.Errorf("get: %d %s", got.code, got.body)
		}
		name := url[strings.LastIndex(url, "/")+1:]
		if got := h.do(http.MethodDelete, "/api/v1/media/"+id, token, nil); got.code != http.StatusOK {
			t.Errorf("delete: %d %s", got.code, got.body)
		}
		if _, _, _, err := h.s.Files.Open(name); err == nil {
			t.Error("the file is still there")
		}
		if got := h.get("/api/v1/media/"+id, token); got.code != http.StatusNotFound {
			t.Errorf("after deletion: %d", got.code)
		}
	}
}

func TestUploadIsRefused(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.person("ada"), h.person("bob")
	token := h.token(ada, "read write")
	for name, content := range map[string][]byte{
		"svg": []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), "html": []byte("<html><script>x</script>"),
		"text": []byte("hello"), "empty": nil, "half": pngOf(t, 40, 40)[:60], "gif start": []byte("GIF89a/*<script>*/"), "pdf": []byte("%PDF-1.4"),
	} {
		if got := h.upload("/api/v2/media", token, "a.png", content); got.code != http.StatusUnprocessableEntity || got.field(t, "error") == "" {
			t.Errorf("%s: %d %s", name, got.code, got.body)
		}
	}
	if got := h.upload("/api/v2/media", token, "a.png", bytes.Repeat([]byte{0}, social.MaxUpload+2)); got.code != http.StatusUnprocessableEntity && got.code != http.StatusRequestEntityTooLarge {
		t.Errorf("too large: %d", got.code)
	}
	for _, focus := range []string{"x", "1", "NaN,0", "1;1"} {
		if got := h.upload("/api/v2/media", token, "a.png", pngOf(t, 4, 4), "focus", focus); got.code != http.StatusUnprocessableEntity {
			t.Errorf("focus %q: %d %s", focus, got.code, got.body)
		}
	}
	if got := h.upload("/api/v2/media", token, "a.png", pngOf(t, 4, 4), "description", strings.Repeat("x", 1501)); got.code != http.StatusUnprocessableEntity {
		t.Errorf("long description: %d", got.code)
	}
	if got := h.form("/api/v2/media", token, nil); got.code != http.StatusUnprocessableEntity {
		t.Errorf("no file: %d %s", got.code, got.body)
	}
	if got := h.upload("/api/v2/media", "", "a.png", pngOf(t, 4, 4)); got.code != http.StatusUnauthorized {
		t.Errorf("nobody: %d", got.code)
	}
	// Another's picture does not exist, whatever is tried.
	id, _ := h.upload("/api/v2/media", token, "a.png", pngOf(t, 4, 4)).field(t, "id").(string)
	other := h.token(bob, "read write")
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		var body io.Reader
		if method == http.MethodPut {
			body = strings.NewReader("description=mine")
		}
		if got := h.do(method, "/api/v1/media/"+id, other, body, "Content-Type", "application/x-www-form-urlencoded"); got.code != http.StatusNotFound {
			t.Errorf("%s: %d %s", method, got.code, got.body)
		}
	}
	// What belongs to a post goes with the post.
	n, err := store.ParseID(id)
	h.must(err)
	_, err = h.s.Publish(t.Context(), ada, social.Draft{Text: "x", Visibility: store.Public, Media: []store.ID{n}})
	h.must(err)
	if got := h.do(http.MethodDelete, "/api/v1/media/"+id, token, nil); got.code != http.StatusUnprocessableEntity {
		t.Errorf("attached: %d %s", got.code, got.body)
	}
}

func FuzzFocus(f *testing.F) {
	for _, seed := range []string{"", "0,0", "-1,1", "0.5, -0.25", "NaN,NaN", "Inf,-Inf", "1e309,0", "1", ",", "0x1p-2,0", "1,2,3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := focusOf(text); err == nil && (p.X != p.X || p.Y != p.Y) {
			t.Errorf("%q is %v", text, p)
		}
	})
}

func FuzzStreamNames(f *testing.F) {
	for _, seed := range []string{"user", "public:local", "hashtag", "list", "", "user\x00", "public:media:media", "hashtag:local"} {
		f.Add(seed, "Tag", "12")
	}
	who := &auth.Who{Token: &store.Token{Scopes: "read"}}
	f.Fuzz(func(t *testing.T, name, tag, list string) {
		s, err := streamFor(who, streamQuery{withMedia(name, "true"), tag, list})
		if err != nil {
			return
		}
		if s.tagged && social.NormalizeTag(s.what) == "" || s.listed && s.circle == 0 || len(s.label()) == 0 || s.name == "" {
			t.Errorf("%q %q %q is %+v", name, tag, list, s)
		}
	})
}

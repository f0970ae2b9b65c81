package pages

import (
	"bytes"
	"compress/gzip"
	"image"
	_ "image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func ask(a *Assets, path string, header ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w.Result()
}

func TestAssetsThatAreNotThere(t *testing.T) {
	_, a := newTemplates(t)
	for _, path := range []string{"/static/", "/static/app.css", "/static/0/none.css", "/static/0/../assets.go", "/static/0/", "/static//app.css/", "/other/0/app.css", a.URL("none.js")} {
		if r := ask(a, path); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s answers %d, want 404", path, r.StatusCode)
		}
	}
}

func TestAssetsAreKeptForEver(t *testing.T) {
	_, a := newTemplates(t)
	r := ask(a, a.URL("app.css"), "Accept-Encoding", "br, gzip;q=1.0")
	if r.StatusCode != http.StatusOK || !strings.Contains(r.Header.Get("Cache-Control"), "immutable") || r.Header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Fatalf("app.css: %d %v", r.StatusCode, r.Header)
	}
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	unzipped, err := io.ReadAll(z)
	if err != nil || !bytes.Equal(unzipped, a.files["app.css"].plain) {
		t.Errorf("what is sent compressed is not the file: %v", err)
	}
	for _, header := range []string{"", "identity", "gzip;q=0", "gzip; q=0"} {
		r := ask(a, a.URL("app.css"), "Accept-Encoding", header)
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Content-Encoding") != "" || !bytes.Equal(body, a.files["app.css"].plain) {
			t.Errorf("Accept-Encoding %q is not answered with the plain file: %v", header, r.Header)
		}
	}
	etag := r.Header.Get("ETag")
	if r := ask(a, a.URL("app.css"), "Accept-Encoding", "gzip", "If-None-Match", etag); r.StatusCode != http.StatusNotModified || r.Header.Get("Content-Encoding") != "" {
		t.Errorf("a file that is known is sent again: %d", r.StatusCode)
	}
	if r := ask(a, "/static/0/app.css"); r.StatusCode != http.StatusOK || strings.Contains(r.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("an old address: %d %v", r.StatusCode, r.Header)
	}
}

func TestAssetsChangeWithTheInstitution(t *testing.T) {
	a, err := NewAssets("A", "#1f6f5c")
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewAssets("B", "#3f55b5")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"app.css", "favicon.svg", "manifest.webmanifest"} {
		if a.URL(name) == b.URL(name) {
			t.Errorf("%s is the same for institutions of other name and colour", name)
		}
	}
	if a.URL("app.js") != b.URL("app.js") {
		t.Error("app.js differs between institutions")
	}
}

func TestDefaultImagesAreImages(t *testing.T) {
	_, a := newTemplates(t)
	for _, name := range []string{"avatar.png", "header.png", "icon.png"} {
		if _, _, err := image.Decode(bytes.NewReader(a.files[name].plain)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every drawing that a template names is in the sprite.
func TestIconsAreDrawn(t *testing.T) {
	templates, a := newTemplates(t)
	sprite := string(a.files["icons.svg"].plain)
	named := regexp.MustCompile(`icons\.svg#([a-z-]+)`)
	for _, s := range samples() {
		for _, m := range named.FindAllStringSubmatch(string(render(t, templates, s, "en")), -1) {
			if !strings.Contains(sprite, `id="`+m[1]+`"`) {
				t.Errorf("%s names the icon %s, which is not drawn", s.name(), m[1])
			}
		}
	}
}

// The script and the stylesheet load nothing from anywhere.
func TestNothingFromThirdParties(t *testing.T) {
	_, a := newTemplates(t)
	for _, name := range []string{"app.css", "app.js", "icons.svg", "favicon.svg"} {
		text := strings.ReplaceAll(string(a.files[name].plain), "http://www.w3.org/2000/svg", "")
		if m := regexp.MustCompile(`@import|url\(|(https?:)?//[a-z]+\.`).FindString(text); m != "" {
			t.Errorf("%s mentions %q", name, m)
		}
	}
}

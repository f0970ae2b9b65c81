package pages

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed static
var static embed.FS

// StaticPath is where assets are served: StaticPath + hash + "/" + file.
const StaticPath = "/static/"

var assetTypes = map[string]string{
	".css":         "text/css; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".svg":         "image/svg+xml",
	".png":         "image/png",
	".webmanifest": "application/manifest+json",
}

// Assets are the static files, each under a URL that changes with its content,
// so that a browser never asks twice for the same and never keeps an old one.
type Assets struct {
	files map[string]asset
}

type asset struct {
	kind, hash string
	plain      []byte
	// zipped is empty where it saves nothing.
	zipped []byte
}

// NewAssets prepares the static files for an institution's name and colour
// (#rrggbb); both are in some of them.
func NewAssets(name, color string) (*Assets, error) {
	brand, err := brandCSS(color)
	if err != nil {
		return nil, err
	}
	entries, err := static.ReadDir("static")
	if err != nil {
		return nil, fmt.Errorf("pages: assets: %w", err)
	}
	a := &Assets{files: map[string]asset{}}
	for _, e := range entries {
		data, err := static.ReadFile("static/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("pages: assets: %w", err)
		}
		switch e.Name() {
		case "app.css":
			data = append([]byte(brand), data...)
		case "favicon.svg":
			data = bytes.ReplaceAll(data, []byte("#1f6f5c"), []byte(color))
		}
		if err := a.add(e.Name(), data); err != nil {
			return nil, err
		}
	}
	manifest, err := a.manifest(name, color)
	if err != nil {
		return nil, err
	}
	return a, a.add("manifest.webmanifest", manifest)
}

func (a *Assets) add(name string, data []byte) error {
	kind, ok := assetTypes[path.Ext(name)]
	if !ok {
		return fmt.Errorf("pages: assets: %s is of no known kind", name)
	}
	sum := sha256.Sum256(data)
	f := asset{kind: kind, hash: hex.EncodeToString(sum[:8]), plain: data}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return fmt.Errorf("pages: assets: %w", err)
	}
	if _, err := z.Write(data); err != nil {
		return fmt.Errorf("pages: assets: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("pages: assets: %w", err)
	}
	if b.Len() < len(data)*9/10 {
		f.zipped = b.Bytes()
	}
	a.files[name] = f
	return nil
}

// manifest lets a phone keep the app on its first screen.
func (a *Assets) manifest(name, color string) ([]byte, error) {
	type icon struct {
		Src   string `json:"src"`
		Sizes string `json:"sizes"`
		Type  string `json:"type"`
	}
	return json.Marshal(struct {
		ID         string `json:"id"`
		Name       string `json:"name"`
		ShortName  string `json:"short_name"`
		StartURL   string `json:"start_url"`
		Scope      string `json:"scope"`
		Display    string `json:"display"`
		Theme      string `json:"theme_color"`
		Background string `json:"background_color"`
		Icons      []icon `json:"icons"`
	}{
		ID: "/", Name: name, ShortName: name, StartURL: "/", Scope: "/", Display: "standalone",
		Theme: color, Background: lightGround.String(),
		Icons: []icon{
			{a.URL("favicon.svg"), "any", "image/svg+xml"},
			{a.URL("icon.png"), "512x512", "image/png"},
		},
	})
}

// URL is the path of a static file; of one that does not exist, a path that
// answers 404.
func (a *Assets) URL(name string) string {
	f, ok := a.files[name]
	if !ok {
		return StaticPath + "0/" + name
	}
	return StaticPath + f.hash + "/" + name
}

// ServeHTTP answers GET /static/{hash}/{file}. A file under another hash than
// its own, as an old page may ask for, is served too but not for keeping.
func (a *Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	hash, name, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, StaticPath), "/")
	f, exists := a.files[name]
	if !ok || !exists {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("ETag", `"`+f.hash+`"`)
	if hash == f.hash {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "public, max-age=300")
	}
	body := f.plain
	if f.zipped != nil {
		h.Add("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			h.Set("ETag", `"`+f.hash+`-gzip"`)
			body = f.zipped
		}
	}
	if r.Header.Get("If-None-Match") == h.Get("ETag") {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	// An error here is the visitor's going away.
	_, _ = w.Write(body)
}

func acceptsGzip(header string) bool {
	for _, part := range strings.Split(header, ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			return strings.ReplaceAll(params, " ", "") != "q=0"
		}
	}
	return false
}

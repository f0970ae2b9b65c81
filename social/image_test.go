package social

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/webp"
)

type badImage struct {
	name string
	data []byte
	key  string
}

func badImages(t *testing.T) []badImage {
	jpg, pngFile, gifFile, webpFile := asJPEG(t, corners(64, 64)), asPNG(t, corners(64, 64)), asGIF(t, 3, 64, 64), asWebP(corners(64, 64), 0)
	bigGIF := slices.Clone(gifFile)
	copy(bigGIF[6:], []byte{0xff, 0xff, 0xff, 0xff})
	moving := asWebP(corners(8, 8), 1)
	moving[20] |= 2
	lying := asWebP(corners(64, 64), 1)
	copy(lying[24:], []byte{7, 0, 0, 7, 0, 0}) // the canvas is smaller than the picture in it
	tests := []badImage{
		{"nothing", nil, "invalid.image_type"},
		{"text", []byte("hello"), "invalid.image_type"},
		{"svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), "invalid.image_type"},
		{"svg with declaration", []byte(`<?xml version="1.0"?><svg onload="alert(1)"/>`), "invalid.image_type"},
		{"html", []byte("<!DOCTYPE html><script>alert(1)</script>"), "invalid.image_type"},
		{"pdf", []byte("%PDF-1.7"), "invalid.image_type"},
		{"zip", []byte("PK\x03\x04"), "invalid.image_type"},
		{"bmp", []byte("BM\x00\x00\x00\x00"), "invalid.image_type"},
		{"tiff", exif(1, binary.LittleEndian), "invalid.image_type"},
		{"playlist", []byte("#EXTM3U\nfile:///etc/passwd"), "invalid.image_type"},
		{"avi", []byte("RIFF\x00\x00\x00\x00AVI LIST"), "invalid.image_type"},
		{"moving webp", moving, "invalid.image_type"},
		{"html before a picture", append([]byte("<html>"), pngFile...), "invalid.image_type"},
		{"too many bytes", append(slices.Clone(pngFile), make([]byte, 16<<20)...), "invalid.image_large"},
		{"png bomb", hugeHeader(50_000, 50_000), "invalid.image_pixels"},
		{"wide png", hugeHeader(40_000, 1), "invalid.image_pixels"},
		{"high png", hugeHeader(1, 40_000), "invalid.image_pixels"},
		{"png just too large", hugeHeader(8001, 5000), "invalid.image_pixels"},
		{"png of no size", hugeHeader(0, 5), "invalid.image_broken"},
		{"png of negative size", hugeHeader(1<<31, 1<<31), "invalid.image_broken"},
		{"progressive jpeg that needs too much memory", progressiveHeader(8000, 5000), "invalid.image_pixels"},
		{"jpeg bomb", progressiveHeader(65_000, 65_000), "invalid.image_pixels"},
		{"gif bomb", bigGIF, "invalid.image_pixels"},
		{"gif with many frames", asGIF(t, 501, 1, 1), "invalid.image_frames"},
		{"gif with many pixels", manyLargeFrames(t), "invalid.image_pixels"},
		{"gif without frames", slices.Concat(gifFile[:13], []byte{0x3b}), "invalid.image_broken"},
		{"gif with junk", slices.Concat(gifFile[:13], []byte("<script>alert(1)</script>")), "invalid.image_broken"},
		{"webp that lies about its size", lying, "invalid.image_broken"},
		{"jpeg header alone", jpg[:3], "invalid.image_broken"},
		{"jpeg header, then html", append(slices.Clone(jpg[:20]), "<script>alert(1)</script>"...), "invalid.image_broken"},
	}
	for _, file := range [][]byte{jpg, pngFile, gifFile, webpFile} {
		for _, part := range []int{20, 50, 90} {
			tests = append(tests, badImage{"cut off", file[:len(file)*part/100], "invalid.image_broken"})
		}
	}
	return tests
}

func TestImagesRefused(t *testing.T) {
	im := NewImager(2)
	for _, tt := range badImages(t) {
		for field, process := range map[string]func(context.Context, []byte) (*Processed, error){"file": im.Process, "avatar": im.Avatar, "header": im.Header} {
			if field != "file" && strings.HasPrefix(tt.name, "cut off") {
				continue // what is left of a GIF may hold its first frame
			}
			out, err := process(t.Context(), tt.data)
			if !errors.Is(err, &Invalid{Field: field, Key: tt.key}) || out != nil {
				t.Errorf("%s as %s: %v", tt.name, field, err)
			}
		}
	}
}

func decodeOut(t *testing.T, mime string, data []byte) image.Image {
	t.Helper()
	decode := map[string]func(*bytes.Reader) (image.Image, error){
		"image/jpeg": func(r *bytes.Reader) (image.Image, error) { return jpeg.Decode(r) },
		"image/png":  func(r *bytes.Reader) (image.Image, error) { return png.Decode(r) },
		"image/gif":  func(r *bytes.Reader) (image.Image, error) { return gif.Decode(r) },
	}[mime]
	if decode == nil {
		t.Fatalf("type %q", mime)
	}
	img, err := decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", mime, err)
	}
	return img
}

// nearest names the corner color at a place.
func nearest(img image.Image, x, y int) string {
	r, g, b, _ := img.At(img.Bounds().Min.X+x, img.Bounds().Min.Y+y).RGBA()
	name := ""
	for i, v := range []uint32{r, g, b} {
		if v > 0x7fff {
			name += string("rgb"[i])
		}
	}
	return name
}

func look(img image.Image) string {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	return strings.Join([]string{nearest(img, w/4, h/4), nearest(img, w*3/4, h/4), nearest(img, w/4, h*3/4), nearest(img, w*3/4, h*3/4)}, " ")
}

func TestImagesAreTurnedUpright(t *testing.T) {
	want := []string{"", "r g b rgb", "g r rgb b", "rgb b g r", "b rgb r g", "r b g rgb", "b r rgb g", "rgb g b r", "g rgb r b"}
	im := NewImager(2)
	for o := 1; o <= 8; o++ {
		files := map[string][]byte{
			"jpeg, little":     withEXIF(asJPEG(t, corners(64, 32)), exif(o, binary.LittleEndian)),
			"jpeg, big":        withEXIF(asJPEG(t, corners(64, 32)), exif(o, binary.BigEndian)),
			"jpeg, late block": withComment(withEXIF(asJPEG(t, corners(64, 32)), exif(o, binary.BigEndian)), "comment"),
			"png":              withPNGChunk(asPNG(t, corners(64, 32)), "eXIf", exif(o, binary.BigEndian)),
			"webp":             asWebP(corners(64, 32), o),
		}
		for name, data := range files {
			out, err := im.Process(t.Context(), data)
			if err != nil {
				t.Errorf("%s, %d: %v", name, o, err)
				continue
			}
			w, h := 64, 32
			if o >= 5 {
				w, h = h, w
			}
			full, preview := decodeOut(t, out.MIME, out.Full), decodeOut(t, out.PreviewMIME, out.Preview)
			if out.Width != w || out.Height != h || full.Bounds().Dx() != w || full.Bounds().Dy() != h {
				t.Errorf("%s, %d: %d×%d", name, o, out.Width, out.Height)
			}
			if look(full) != want[o] || look(preview) != want[o] {
				t.Errorf("%s, %d: looks %s, preview %s, want %s", name, o, look(full), look(preview), want[o])
			}
		}
	}
	// Larger than what is kept, so that cutting, scaling and turning meet.
	big := withEXIF(asJPEG(t, corners(2000, 1000)), exif(6, binary.LittleEndian))
	for name, process := range map[string]func(context.Context, []byte) (*Processed, error){"avatar": im.Avatar, "header": im.Header} {
		out, err := process(t.Context(), big)
		if err != nil {
			t.Fatal(err)
		}
		if got := look(decodeOut(t, out.MIME, out.Full)); got != want[6] {
			t.Errorf("%s: looks %s, want %s", name, got, want[6])
		}
	}
}

func TestOddEXIFIsIgnored(t *testing.T) {
	good := exif(6, binary.LittleEndian)
	for name, tiff := range map[string][]byte{
		"empty": nil, "short": good[:7], "cut": good[:20], "offset": slices.Concat([]byte("II*\x00\xff\xff\xff\x7f"), good[8:]),
		"count": slices.Concat(good[:8], []byte{0xff, 0xff}, good[10:24]), "value": exif(9, binary.LittleEndian), "zero": exif(0, binary.BigEndian),
		"loop": slices.Concat([]byte("II*\x00\x00\x00\x00\x00"), good[8:]),
	} {
		if o := exifOrientation(tiff); o != 1 {
			t.Errorf("%s: orientation %d", name, o)
		}
	}
}

func TestImagesLoseWhatIsNotThePicture(t *testing.T) {
	const secret = "secret-place"
	jpg := withComment(withEXIF(asJPEG(t, corners(64, 64)), exif(1, binary.LittleEndian)), secret)
	anim := asGIF(t, 3, 16, 16)
	extension := slices.Concat([]byte{0x21, 0xfe, byte(len(secret))}, []byte(secret), []byte{0}, []byte{0x21, 0xff, 11}, []byte("XMP DataXMP"), []byte{byte(len(secret))}, []byte(secret), []byte{0})
	at := 13 + colorTable(anim[10])
	files := map[string][]byte{
		"jpeg":         jpg,
		"jpeg trailer": append(asJPEG(t, corners(64, 64)), "<script>secret-place</script>PK\x03\x04"...),
		"png text":     withPNGChunk(withPNGChunk(asPNG(t, corners(64, 64)), "tEXt", []byte("Comment\x00"+secret)), "eXIf", exif(1, binary.BigEndian)),
		"png trailer":  append(asPNG(t, corners(64, 64)), secret...),
		"gif":          slices.Concat(anim[:at], extension, anim[at:], []byte(secret)),
		"gif still":    append(asGIF(t, 1, 16, 16), secret...),
		"webp":         asWebP(corners(64, 64), 1),
	}
	im := NewImager(2)
	for name, data := range files {
		if !bytes.Contains(data, []byte(secret)) {
			t.Fatalf("%s: no secret in the test", name)
		}
		for _, process := range []func(context.Context, []byte) (*Processed, error){im.Process, im.Avatar, im.Header} {
			out, err := process(t.Context(), data)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			for _, bad := range []string{secret, "Exif", "eXIf", "GPS", "ACME", "tEXt", "XMP", "<script", "PK\x03\x04"} {
				if bytes.Contains(out.Full, []byte(bad)) || bytes.Contains(out.Preview, []byte(bad)) {
					t.Errorf("%s: %q is left", name, bad)
				}
			}
		}
	}
}

func TestImageSizesAndTypes(t *testing.T) {
	clear := corners(64, 64)
	clear.SetNRGBA(0, 0, color.NRGBA{})
	gray := image.NewGray(image.Rect(0, 0, 50, 40))
	cmyk := image.NewCMYK(image.Rect(0, 0, 30, 30))
	deep := image.NewNRGBA64(image.Rect(0, 0, 30, 30))
	shifted := image.NewRGBA(image.Rect(10, 10, 40, 30))
	tests := []struct {
		name       string
		data       []byte
		mime, ext  string
		w, h       int
		pmime      string
		pw, ph     int
		moreFrames bool
	}{
		{"jpeg", asJPEG(t, corners(1000, 500)), "image/jpeg", "jpg", 1000, 500, "image/jpeg", 678, 339, false},
		{"small jpeg", asJPEG(t, corners(3, 2)), "image/jpeg", "jpg", 3, 2, "image/jpeg", 3, 2, false},
		{"large jpeg", asJPEG(t, corners(5000, 2500)), "image/jpeg", "jpg", 4072, 2036, "image/jpeg", 678, 339, false},
		{"strip", asPNG(t, image.NewGray(image.Rect(0, 0, 20_000, 2))), "image/png", "png", 20_000, 2, "image/jpeg", 20_000, 2, false},
		{"gray jpeg", asJPEG(t, gray), "image/jpeg", "jpg", 50, 40, "image/jpeg", 50, 40, false},
		{"cmyk as rgb", asPNG(t, cmyk), "image/png", "png", 30, 30, "image/jpeg", 30, 30, false},
		{"deep png", asPNG(t, deep), "image/png", "png", 30, 30, "image/png", 30, 30, false},
		{"shifted", asPNG(t, shifted), "image/png", "png", 30, 20, "image/png", 30, 20, false},
		{"png", asPNG(t, corners(64, 64)), "image/png", "png", 64, 64, "image/jpeg", 64, 64, false},
		{"clear png", asPNG(t, clear), "image/png", "png", 64, 64, "image/png", 64, 64, false},
		{"webp", asWebP(corners(64, 48), 0), "image/jpeg", "jpg", 64, 48, "image/jpeg", 64, 48, false},
		{"still gif", asGIF(t, 1, 20, 10), "image/png", "png", 20, 10, "image/jpeg", 20, 10, false},
		{"moving gif", asGIF(t, 4, 800, 600), "image/gif", "gif", 800, 600, "image/jpeg", 554, 415, true},
	}
	im := NewImager(2)
	for _, tt := range tests {
		out, err := im.Process(t.Context(), tt.data)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if out.MIME != tt.mime || out.Ext != tt.ext || out.Width != tt.w || out.Height != tt.h ||
			out.PreviewMIME != tt.pmime || out.PreviewWidth != tt.pw || out.PreviewHeight != tt.ph {
			t.Errorf("%s: %s %s %d×%d, preview %s %d×%d", tt.name, out.MIME, out.Ext, out.Width, out.Height, out.PreviewMIME, out.PreviewWidth, out.PreviewHeight)
		}
		full, preview := decodeOut(t, out.MIME, out.Full).Bounds(), decodeOut(t, out.PreviewMIME, out.Preview).Bounds()
		if full.Dx() != tt.w || full.Dy() != tt.h || preview.Dx() != tt.pw || preview.Dy() != tt.ph {
			t.Errorf("%s: the bytes are %v and %v", tt.name, full, preview)
		}
		if len(out.Blurhash) < 6 {
			t.Errorf("%s: blurhash %q", tt.name, out.Blurhash)
		}
		if tt.moreFrames {
			g, err := gif.DecodeAll(bytes.NewReader(out.Full))
			if err != nil || len(g.Image) != 4 || g.LoopCount != 3 || g.Delay[0] != 10 {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
	}
}

func TestAvatarAndHeader(t *testing.T) {
	im := NewImager(2)
	for _, size := range []image.Point{{1000, 500}, {500, 1000}, {40, 30}, {1, 1}, {3000, 1000}, {3001, 7}} {
		data := asJPEG(t, corners(size.X, size.Y))
		avatar, err := im.Avatar(t.Context(), data)
		if err != nil || avatar.Width != 400 || avatar.Height != 400 || avatar.Preview != nil || avatar.Ext != "jpg" {
			t.Errorf("avatar of %v: %+v, %v", size, avatar, err)
			continue
		}
		if size.X > 2 && size.X != 3001 && look(decodeOut(t, avatar.MIME, avatar.Full)) != "r g b rgb" {
			t.Errorf("avatar of %v is not the middle", size)
		}
		header, err := im.Header(t.Context(), data)
		if err != nil || header.Width > 1500 || header.Height > 500 || header.Width > 3*header.Height+3 {
			t.Errorf("header of %v: %v", size, err)
		}
	}
	still, err := im.Avatar(t.Context(), asGIF(t, 5, 50, 50))
	if err != nil || still.MIME != "image/png" {
		t.Errorf("moving avatar: %v", err)
	}
}

func TestScale(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		w, h := 1+r.IntN(40), 1+r.IntN(40)
		dw, dh := 1+r.IntN(w), 1+r.IntN(h)
		src := image.NewRGBA(image.Rect(0, 0, w, h))
		for i := range src.Pix {
			src.Pix[i] = 200
		}
		out := image.NewRGBA(image.Rect(0, 0, dw, dh))
		shrink(out, src, src.Rect)
		for i, v := range out.Pix {
			if v < 199 || v > 201 {
				t.Fatalf("%d×%d to %d×%d: byte %d is %d: an even area does not stay even", w, h, dw, dh, i, v)
			}
		}
	}
	for _, size := range [][2]int{{1, 40_000_000}, {40_000_000, 1}, {8000, 5000}, {1, 1}} {
		for _, area := range []int{fullArea, previewArea, 32 * 32} {
			if p := fitArea(size[0], size[1], area); p.X < 1 || p.Y < 1 || p.X*p.Y > area {
				t.Errorf("%v into %d: %v", size, area, p)
			}
		}
	}
}

func TestImagerWaitsAndGivesUp(t *testing.T) {
	im := NewImager(2)
	if err := im.slots.Acquire(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := im.Process(ctx, asPNG(t, corners(8, 8))); !errors.Is(err, context.Canceled) {
		t.Errorf("while others work: %v", err)
	}
	if _, err := im.Process(ctx, []byte("text")); !errors.Is(err, &Invalid{Key: "invalid.image_type"}) {
		t.Errorf("nonsense waits: %v", err)
	}
	im.slots.Release(2)
	if _, err := im.Process(t.Context(), asPNG(t, corners(8, 8))); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func FuzzImager(f *testing.F) {
	f.Add(withEXIF(asJPEG(f, corners(16, 8)), exif(6, binary.LittleEndian)))
	f.Add(asPNG(f, corners(8, 8)))
	f.Add(asGIF(f, 2, 8, 8))
	f.Add(asWebP(corners(8, 8), 6))
	f.Add(progressiveHeader(8, 8))
	im := NewImager(2)
	f.Fuzz(func(t *testing.T, data []byte) {
		if info, err := inspect(data); err != nil || info.width*info.height > 1<<16 {
			return // large ones only cost time here
		}
		out, err := im.Process(t.Context(), data)
		if err != nil {
			if !errors.Is(err, &Invalid{Field: "file"}) {
				t.Errorf("error of the wrong kind: %v", err)
			}
			return
		}
		decodeOut(t, out.MIME, out.Full)
		decodeOut(t, out.PreviewMIME, out.Preview)
	})
}

func TestHandmadeWebP(t *testing.T) {
	img, err := webp.Decode(bytes.NewReader(asWebP(corners(20, 10), 0)))
	if err != nil || look(img) != "r g b rgb" {
		t.Fatalf("the test's own file: %v", err)
	}
}

func BenchmarkImager(b *testing.B) {
	photo := asJPEG(b, corners(4000, 3000))
	im := NewImager(2)
	for name, process := range map[string]func(context.Context, []byte) (*Processed, error){"post": im.Process, "avatar": im.Avatar} {
		b.Run(name+" 12 MP", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := process(b.Context(), photo); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package social

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"

	"github.com/bbrks/go-blurhash"
	"golang.org/x/sync/semaphore"
)

// What is taken in.
const (
	maxImageBytes   = 16 << 20
	maxImagePixels  = 40_000_000
	maxImageSide    = 32_768
	maxDecodeBytes  = 512 << 20  // memory that one decoding may need
	maxGIFFrames    = 500        // of an animation
	maxGIFPixels    = 80_000_000 // of all frames of an animation
	exclusiveDecode = 64 << 20   // from this need on, an image is decoded alone
)

// What is put out.
const (
	fullArea     = 3840 * 2160 // pixels
	previewArea  = 640 * 360   // pixels
	avatarSide   = 400
	headerWidth  = 1500
	headerHeight = 500
	jpegQuality  = 85
	bigPNG       = 2_000_000 // pixels from which speed counts more than size
)

// Imager turns the pictures that people and servers send into pictures that we
// show: decoded within fixed bounds, upright, small enough, and written anew,
// so that of the file sent nothing but the pixels remains. It is safe for
// concurrent use; the number of pictures in work is limited, because one can
// need hundreds of megabytes.
type Imager struct {
	slots *semaphore.Weighted
	size  int64
}

// NewImager makes an Imager that works on this many pictures at a time; the
// largest ones are worked on alone.
func NewImager(concurrency int) *Imager {
	size := int64(max(1, concurrency))
	return &Imager{slots: semaphore.NewWeighted(size), size: size}
}

// Processed is a picture as it is stored. Ext is the extension for
// store.NewFileName. Preview is a smaller still of it; avatars and headers have
// none. Sizes are in pixels.
type Processed struct {
	Full, Preview               []byte
	MIME, Ext                   string
	PreviewMIME, PreviewExt     string
	Width, Height               int
	PreviewWidth, PreviewHeight int
	Blurhash                    string
}

// Process takes a picture of a post: JPEG, PNG, GIF (animations stay) or WebP.
// The result fits the area of 3840×2160, its preview that of 640×360, each in
// the proportions of the original. What is not such a picture, is broken or
// too large is an *Invalid on the field "file".
func (im *Imager) Process(ctx context.Context, data []byte) (*Processed, error) {
	return im.run(ctx, "file", data, func(p *picture) (*Processed, error) {
		if p.animation != nil {
			return p.animated()
		}
		w, h := p.size()
		full := p.render(image.Rect(0, 0, w, h), fitArea(w, h, fullArea))
		return p.finish(full, true)
	})
}

// Avatar takes a profile picture and gives the square in its middle at 400×400.
func (im *Imager) Avatar(ctx context.Context, data []byte) (*Processed, error) {
	return im.run(ctx, "avatar", data, func(p *picture) (*Processed, error) {
		w, h := p.size()
		return p.finish(p.render(middle(w, h, 1, 1), image.Pt(avatarSide, avatarSide)), false)
	})
}

// Header takes the wide picture of a profile and gives the 3:1 strip in its
// middle, at most 1500×500.
func (im *Imager) Header(ctx context.Context, data []byte) (*Processed, error) {
	return im.run(ctx, "header", data, func(p *picture) (*Processed, error) {
		w, h := p.size()
		strip := middle(w, h, headerWidth, headerHeight)
		size := strip.Size()
		if size.X > headerWidth {
			size = image.Pt(headerWidth, headerHeight)
		}
		return p.finish(p.render(strip, size), false)
	})
}

// run looks at the header, waits for its turn, decodes and works.
func (im *Imager) run(ctx context.Context, field string, data []byte, work func(*picture) (*Processed, error)) (*Processed, error) {
	info, err := inspect(data)
	if err != nil {
		return nil, onField(err, field)
	}
	slots := int64(1)
	if info.memory >= exclusiveDecode {
		slots = im.size
	}
	if err := im.slots.Acquire(ctx, slots); err != nil {
		return nil, fmt.Errorf("image: wait for a turn: %w", err)
	}
	defer im.slots.Release(slots)
	pic, err := decodePicture(data, info, field == "file")
	if err != nil {
		return nil, onField(err, field)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	out, err := work(pic)
	if err != nil {
		return nil, onField(err, field)
	}
	return out, nil
}

// onField names the field in which the picture came.
func onField(err error, field string) error {
	var invalid *Invalid
	if errors.As(err, &invalid) {
		return &Invalid{Field: field, Key: invalid.Key, Args: invalid.Args}
	}
	return fmt.Errorf("image: %w", err)
}

// finish encodes a still.
func (p *picture) finish(full image.Image, preview bool) (*Processed, error) {
	size := full.Bounds().Size()
	out := &Processed{Width: size.X, Height: size.Y}
	var err error
	if out.Full, out.MIME, out.Ext, err = encodeStill(full, p.format == formatPNG || p.format == formatGIF); err != nil {
		return nil, err
	}
	return out, out.describe(full, preview)
}

// animated writes an animation anew and takes its first frame for the preview.
func (p *picture) animated() (*Processed, error) {
	a := p.animation
	out := &Processed{MIME: "image/gif", Ext: "gif", Width: a.Config.Width, Height: a.Config.Height}
	if out.Width*out.Height > fullArea {
		return nil, invalidImage("invalid.image_pixels", fullArea/1_000_000)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, a); err != nil {
		return nil, invalidImage("invalid.image_broken", 0)
	}
	if b.Len() > maxImageBytes {
		return nil, invalidImage("invalid.image_large", maxImageBytes>>20)
	}
	out.Full = b.Bytes()
	return out, out.describe(p.img, true)
}

// describe adds the preview and the blurhash of a picture.
func (out *Processed) describe(full image.Image, preview bool) error {
	var err error
	size := full.Bounds().Size()
	small := full
	if preview {
		small = scale(full, full.Bounds(), fitArea(size.X, size.Y, previewArea))
		size = small.Bounds().Size()
		out.PreviewWidth, out.PreviewHeight = size.X, size.Y
		if out.Preview, out.PreviewMIME, out.PreviewExt, err = encodeStill(small, false); err != nil {
			return err
		}
	}
	thumb := scale(small, small.Bounds(), fitArea(size.X, size.Y, 32*32))
	x, y := 4, 3
	if size.Y > size.X {
		x, y = 3, 4
	}
	if out.Blurhash, err = blurhash.Encode(x, y, thumb); err != nil {
		return fmt.Errorf("blurhash: %w", err)
	}
	return nil
}

// encodeStill writes JPEG, or PNG if asked for or if something shows through.
func encodeStill(img image.Image, wantPNG bool) (data []byte, mime, ext string, err error) {
	var b bytes.Buffer
	if !wantPNG && isOpaque(img) {
		if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: jpegQuality}); err != nil {
			return nil, "", "", fmt.Errorf("encode: %w", err)
		}
		return b.Bytes(), "image/jpeg", "jpg", nil
	}
	encoder := png.Encoder{}
	if size := img.Bounds().Size(); size.X*size.Y > bigPNG {
		encoder.CompressionLevel = png.BestSpeed
	}
	if err := encoder.Encode(&b, img); err != nil {
		return nil, "", "", fmt.Errorf("encode: %w", err)
	}
	return b.Bytes(), "image/png", "png", nil
}

func isOpaque(img image.Image) bool {
	o, ok := img.(interface{ Opaque() bool })
	return ok && o.Opaque()
}

func invalidImage(key string, limit int) *Invalid {
	return &Invalid{Field: "file", Key: key, Args: map[string]any{"Max": limit}}
}

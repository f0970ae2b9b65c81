package social

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/webp"
)

type imageFormat int

const (
	formatJPEG imageFormat = iota + 1
	formatPNG
	formatGIF
	formatWebP
)

// imageInfo is what the header of a picture tells before anything is decoded.
type imageInfo struct {
	format        imageFormat
	width, height int
	memory        int64 // bytes that decoding needs, an upper estimate
	orientation   int   // EXIF: 1 to 8
	frames        int   // of a GIF
}

// picture is a decoded picture, not yet turned upright.
type picture struct {
	img         image.Image // of an animation: its first frame on the whole canvas
	format      imageFormat
	orientation int
	animation   *gif.GIF
}

// inspect judges a picture by its first bytes and its header; file names and
// declared types play no part. The error is an *Invalid.
func inspect(data []byte) (imageInfo, error) {
	if len(data) > maxImageBytes {
		return imageInfo{}, invalidImage("invalid.image_large", maxImageBytes>>20)
	}
	info := imageInfo{format: sniff(data), orientation: 1, frames: 1}
	if info.format == 0 {
		return info, invalidImage("invalid.image_type", 0)
	}
	if info.format == formatWebP && movingWebP(data) {
		return info, invalidImage("invalid.image_type", 0)
	}
	config, err := decodeConfig(info.format, data)
	if err != nil || config.Width < 1 || config.Height < 1 {
		return info, invalidImage("invalid.image_broken", 0)
	}
	info.width, info.height = config.Width, config.Height
	pixels := int64(config.Width) * int64(config.Height)
	if config.Width > maxImageSide || config.Height > maxImageSide || pixels > maxImagePixels {
		return info, invalidImage("invalid.image_pixels", maxImagePixels/1_000_000)
	}
	switch info.format {
	case formatJPEG:
		header := readJPEGHeader(data)
		info.memory, info.orientation = int64(float64(pixels)*header.bytesPerPixel), header.orientation
	case formatGIF:
		if err := info.countFrames(data); err != nil {
			return info, err
		}
	case formatPNG:
		info.memory, info.orientation = 2*pixels*bytesPerPixel(config.ColorModel), pngOrientation(data)
	case formatWebP:
		info.memory, info.orientation = 10*pixels, webpOrientation(data)
	}
	if info.memory > maxDecodeBytes {
		return info, invalidImage("invalid.image_pixels", maxImagePixels/1_000_000)
	}
	return info, nil
}

func sniff(data []byte) imageFormat {
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xd8, 0xff}):
		return formatJPEG
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return formatPNG
	case bytes.HasPrefix(data, []byte("GIF87a")), bytes.HasPrefix(data, []byte("GIF89a")):
		return formatGIF
	case len(data) >= 16 && string(data[:4]) == "RIFF" && string(data[8:15]) == "WEBPVP8":
		return formatWebP
	}
	return 0
}

// movingWebP: animations in WebP are not read.
func movingWebP(data []byte) bool {
	return len(data) > 20 && string(data[12:16]) == "VP8X" && data[20]&2 != 0
}

func decodeConfig(format imageFormat, data []byte) (config image.Config, err error) {
	defer recovered(&err)
	r := bytes.NewReader(data)
	switch format {
	case formatJPEG:
		return jpeg.DecodeConfig(r)
	case formatPNG:
		return png.DecodeConfig(r)
	case formatGIF:
		return gif.DecodeConfig(r)
	default:
		return webp.DecodeConfig(r)
	}
}

// recovered turns a panic of a decoder into an error: they read what strangers
// made, and a fault in one of them must not end the program.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("decoder failed: %v", r)
	}
}

func bytesPerPixel(model color.Model) int64 {
	switch model {
	case color.RGBA64Model, color.NRGBA64Model:
		return 8
	case color.RGBAModel, color.NRGBAModel:
		return 4
	case color.Gray16Model:
		return 2
	}
	return 1
}

// countFrames walks the blocks of a GIF without decoding them.
func (info *imageInfo) countFrames(data []byte) error {
	frames, pixels, ok := walkGIF(data)
	if !ok {
		return invalidImage("invalid.image_broken", 0)
	}
	if frames > maxGIFFrames {
		return invalidImage("invalid.image_frames", maxGIFFrames)
	}
	if pixels > maxGIFPixels {
		return invalidImage("invalid.image_pixels", maxGIFPixels/1_000_000)
	}
	info.frames = frames
	info.memory = pixels + 4*int64(info.width)*int64(info.height)
	return nil
}

// decodePicture decodes what inspect let pass. The error is an *Invalid.
func decodePicture(data []byte, info imageInfo, animations bool) (*picture, error) {
	pic := &picture{format: info.format, orientation: info.orientation}
	var err error
	if info.format == formatGIF {
		err = pic.decodeGIF(data, info, animations)
	} else {
		pic.img, err = decodeStill(info.format, data)
	}
	if err != nil {
		return nil, invalidImage("invalid.image_broken", 0)
	}
	if size := pic.img.Bounds().Size(); size != image.Pt(info.width, info.height) {
		return nil, invalidImage("invalid.image_broken", 0)
	}
	return pic, nil
}

func decodeStill(format imageFormat, data []byte) (img image.Image, err error) {
	defer recovered(&err)
	r := bytes.NewReader(data)
	switch format {
	case formatJPEG:
		return jpeg.Decode(r)
	case formatPNG:
		return png.Decode(r)
	default:
		return webp.Decode(r)
	}
}

func (p *picture) decodeGIF(data []byte, info imageInfo, animations bool) (err error) {
	defer recovered(&err)
	if info.frames > 1 && animations {
		if p.animation, err = gif.DecodeAll(bytes.NewReader(data)); err != nil {
			return err
		}
		if len(p.animation.Image) == 1 {
			p.img, p.animation = onCanvas(p.animation.Image[0], info), nil
			return nil
		}
		p.img = onCanvas(p.animation.Image[0], info)
		return nil
	}
	first, err := gif.Decode(bytes.NewReader(data))
	if err != nil {
		return err
	}
	p.img = onCanvas(first, info)
	return nil
}

// onCanvas puts a frame in its place on the whole of a GIF.
func onCanvas(frame image.Image, info imageInfo) image.Image {
	canvas := image.Rect(0, 0, info.width, info.height)
	if frame.Bounds() == canvas {
		return frame
	}
	whole := image.NewRGBA(canvas)
	draw.Draw(whole, frame.Bounds(), frame, frame.Bounds().Min, draw.Src)
	return whole
}

// size is that of the upright picture.
func (p *picture) size() (w, h int) {
	size := p.img.Bounds().Size()
	if p.orientation >= 5 {
		return size.Y, size.X
	}
	return size.X, size.Y
}

// render cuts a rectangle out of the upright picture and brings it to a size.
func (p *picture) render(cut image.Rectangle, size image.Point) image.Image {
	b := p.img.Bounds()
	if p.orientation >= 5 { // rows are columns: what is cut from the middle stays in the middle
		cut = image.Rect(cut.Min.Y, cut.Min.X, cut.Max.Y, cut.Max.X)
		size = image.Pt(size.Y, size.X)
	}
	return upright(scale(p.img, cut.Add(b.Min), size), p.orientation)
}

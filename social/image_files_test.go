package social

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"slices"
	"testing"
)

var (
	red   = color.NRGBA{255, 0, 0, 255}
	green = color.NRGBA{0, 255, 0, 255}
	blue  = color.NRGBA{0, 0, 255, 255}
	white = color.NRGBA{255, 255, 255, 255}
)

// corners is a picture with red, green, blue and white in its quarters, read
// from the upper left.
func corners(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := [2][2]color.NRGBA{{red, green}, {blue, white}}[min(1, 2*y/h)][min(1, 2*x/w)]
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

func asJPEG(t testing.TB, img image.Image) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(t testing.TB, img image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asGIF(t testing.TB, frames int, w, h int) []byte {
	g := gif.GIF{LoopCount: 3}
	for i := range frames {
		frame := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{red, green, blue, white})
		for j := range frame.Pix {
			frame.Pix[j] = byte((i + j/w) % 4)
		}
		g.Image, g.Delay = append(g.Image, frame), append(g.Delay, 10)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// asWebP writes a lossless WebP by hand: one bit per color and pixel.
func asWebP(img *image.NRGBA, orientation int) []byte {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	var out []byte
	var acc uint64
	var n uint
	bits := func(v uint64, count uint) {
		acc |= v << n
		for n += count; n >= 8; n -= 8 {
			out = append(out, byte(acc))
			acc >>= 8
		}
	}
	bits(0x2f, 8)
	bits(uint64(w-1), 14)
	bits(uint64(h-1), 14)
	bits(0, 1+3+1+1+1) // alpha, version, no transform, no cache, one set of codes
	for range 3 {      // green, red, blue: 0 or 255
		bits(0b111, 3)
		bits(0, 8)
		bits(255, 8)
	}
	bits(0b101, 3) // alpha: always 255
	bits(255, 8)
	bits(0b0001, 4) // distance: always 0
	for y := range h {
		for x := range w {
			c := img.NRGBAAt(x, y)
			bits(uint64(c.G&1), 1)
			bits(uint64(c.R&1), 1)
			bits(uint64(c.B&1), 1)
		}
	}
	bits(0, 8)
	var chunks []byte
	chunk := func(name string, data []byte) {
		chunks = append(chunks, name...)
		chunks = binary.LittleEndian.AppendUint32(chunks, uint32(len(data)))
		chunks = append(chunks, data...)
		if len(data)%2 == 1 {
			chunks = append(chunks, 0)
		}
	}
	if orientation > 0 {
		x := []byte{8, 0, 0, 0, byte(w - 1), byte((w - 1) >> 8), 0, byte(h - 1), byte((h - 1) >> 8), 0}
		chunk("VP8X", x)
	}
	chunk("VP8L", out)
	if orientation > 0 {
		chunk("EXIF", exif(orientation, binary.LittleEndian))
	}
	file := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(chunks)+4))
	return append(append(file, "WEBP"...), chunks...)
}

// exif is a TIFF block with a place, a maker and an orientation.
func exif(orientation int, order binary.AppendByteOrder) []byte {
	b := []byte("II*\x00")
	if order.String() == "BigEndian" {
		b = []byte("MM\x00*")
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 3)
	entry := func(tag, kind uint16, count uint32, value []byte) {
		b = order.AppendUint16(b, tag)
		b = order.AppendUint16(b, kind)
		b = order.AppendUint32(b, count)
		b = append(b, value...)
	}
	entry(0x010f, 2, 4, []byte("ACME"))
	entry(0x0112, 3, 1, order.AppendUint16(order.AppendUint16(nil, uint16(orientation)), 0))
	entry(0x8825, 4, 1, order.AppendUint32(nil, 100))
	return append(b, "GPS 31.2304N 121.4737E secret-place"...)
}

func withEXIF(jpg []byte, tiff []byte) []byte {
	body := append([]byte("Exif\x00\x00"), tiff...)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(body)+2))
	return slices.Concat(jpg[:2], segment, body, jpg[2:])
}

func withComment(jpg []byte, text string) []byte {
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xfe}, uint16(len(text)+2))
	return slices.Concat(jpg[:2], segment, []byte(text), jpg[2:])
}

func pngChunk(name string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, name...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

func withPNGChunk(p []byte, name string, data []byte) []byte {
	return slices.Concat(p[:33], pngChunk(name, data), p[33:])
}

// hugeHeader gives a PNG that says it is that large and holds nothing.
func hugeHeader(w, h int) []byte {
	ihdr := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(w)), uint32(h))
	return slices.Concat([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", append(ihdr, 8, 2, 0, 0, 0)), pngChunk("IEND", nil))
}

func progressiveHeader(w, h int) []byte {
	frame := []byte{0xff, 0xd8, 0xff, 0xc2, 0, 17, 8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0}
	return append(frame, 0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 0, 0)
}

func manyLargeFrames(t *testing.T) []byte {
	one := asGIF(t, 2, 2000, 2000)
	at := bytes.IndexByte(one[13:], 0x2c) + 13
	if i := bytes.Index(one, []byte{0x2c, 0, 0, 0, 0}); i > 0 {
		at = i
	}
	end := skipBlocks(one, at+10+colorTable(one[at+9])+1)
	out := slices.Clone(one[:end])
	for range 30 {
		out = append(out, one[at:end]...)
	}
	return append(out, 0x3b)
}

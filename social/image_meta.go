package social

import (
	"bytes"
	"encoding/binary"
)

// jpegHeader is what a JPEG's markers tell.
type jpegHeader struct {
	orientation   int
	bytesPerPixel float64 // that decoding needs
}

// readJPEGHeader walks the markers up to the picture itself. A progressive
// picture is kept as coefficients of 4 bytes until its last byte was read.
func readJPEGHeader(data []byte) jpegHeader {
	h := jpegHeader{orientation: 1, bytesPerPixel: 20}
	for at := 2; at+4 <= len(data); {
		if data[at] != 0xff {
			break
		}
		marker := data[at+1]
		if marker == 0xff { // fill
			at++
			continue
		}
		if marker == 0x01 || marker >= 0xd0 && marker <= 0xd7 { // without length
			at += 2
			continue
		}
		size := int(binary.BigEndian.Uint16(data[at+2:]))
		if marker == 0xda || marker == 0xd9 || size < 2 || at+2+size > len(data) {
			break
		}
		body := data[at+4 : at+2+size]
		switch marker {
		case 0xc0, 0xc1, 0xc2:
			h.bytesPerPixel = jpegBytes(body, marker == 0xc2)
		case 0xe1:
			if exif, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); ok {
				h.orientation = exifOrientation(exif)
			}
		}
		at += 2 + size
	}
	return h
}

// jpegBytes computes the need of a frame from the sampling of its components.
func jpegBytes(frame []byte, progressive bool) float64 {
	each := 1.0
	if progressive {
		each = 5
	}
	if len(frame) < 6 || len(frame) < 6+3*int(frame[5]) {
		return 4 * each
	}
	largest, sum := 1, 0
	for i := range int(frame[5]) {
		sampling := frame[6+3*i+1]
		n := int(sampling>>4) * int(sampling&15)
		largest, sum = max(largest, n), sum+n
	}
	return min(4, float64(sum)/float64(largest)) * each
}

// exifOrientation reads the orientation out of a TIFF block: 1 to 8, 1 if it
// is not there or makes no sense.
func exifOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 1
		}
		const orientation, short = 0x0112, 3
		if order.Uint16(entries) == orientation {
			value := int(order.Uint16(entries[8:]))
			if order.Uint16(entries[2:]) == short && value >= 1 && value <= 8 {
				return value
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}

// pngOrientation finds the eXIf chunk of a PNG.
func pngOrientation(data []byte) int {
	for at := 8; at+12 <= len(data); {
		size := int64(binary.BigEndian.Uint32(data[at:]))
		end := int64(at) + 12 + size
		if end > int64(len(data)) {
			break
		}
		switch string(data[at+4 : at+8]) {
		case "eXIf":
			return exifOrientation(data[at+8 : end-4])
		case "IEND":
			return 1
		}
		at = int(end)
	}
	return 1
}

// webpOrientation finds the EXIF chunk of a WebP.
func webpOrientation(data []byte) int {
	for at := 12; at+8 <= len(data); {
		size := int64(binary.LittleEndian.Uint32(data[at+4:]))
		end := int64(at) + 8 + size
		if end > int64(len(data)) {
			break
		}
		if string(data[at:at+4]) == "EXIF" {
			return exifOrientation(bytes.TrimPrefix(data[at+8:end], []byte("Exif\x00\x00")))
		}
		at = int(end + size&1)
	}
	return 1
}

// walkGIF counts the frames of a GIF and the pixels in them by its blocks. It
// stops counting frames shortly after there are too many. A file without an
// end is read as far as it goes, as browsers do; the decoder judges it.
func walkGIF(data []byte) (frames int, pixels int64, ok bool) {
	if len(data) < 13 {
		return 0, 0, false
	}
	at := 13 + colorTable(data[10])
	for at < len(data) && frames <= maxGIFFrames {
		switch data[at] {
		case 0x21: // extension
			at = skipBlocks(data, at+2)
		case 0x2c: // frame
			if at+10 > len(data) {
				return frames, pixels, frames > 0
			}
			w := int64(binary.LittleEndian.Uint16(data[at+5:]))
			h := int64(binary.LittleEndian.Uint16(data[at+7:]))
			frames++
			pixels += w * h
			at = skipBlocks(data, at+10+colorTable(data[at+9])+1)
		case 0x3b: // end
			return frames, pixels, frames > 0
		default:
			return frames, pixels, false
		}
	}
	return frames, pixels, frames > 0
}

// colorTable gives the bytes of the color table that a packed field announces.
func colorTable(packed byte) int {
	if packed&0x80 == 0 {
		return 0
	}
	return 3 << (1 + packed&7)
}

func skipBlocks(data []byte, at int) int {
	for at < len(data) && data[at] != 0 {
		at += 1 + int(data[at])
	}
	return at + 1
}

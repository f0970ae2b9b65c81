package social

import (
	"image"
	"image/draw"
	"math"

	xdraw "golang.org/x/image/draw"
)

// fitArea gives the largest size of the same proportions within an area of
// this many pixels, or the size itself if it fits.
func fitArea(w, h, area int) image.Point {
	if w*h <= area {
		return image.Pt(w, h)
	}
	f := math.Sqrt(float64(area) / (float64(w) * float64(h)))
	nw, nh := int(float64(w)*f), int(float64(h)*f)
	if nw < 1 {
		return image.Pt(1, min(h, area))
	}
	if nh < 1 {
		return image.Pt(min(w, area), 1)
	}
	return image.Pt(nw, nh)
}

// middle gives the largest rectangle of the proportions x:y in the middle.
func middle(w, h, x, y int) image.Rectangle {
	cw, ch := w, w*y/x
	if ch > h {
		cw, ch = h*x/y, h
	}
	cw, ch = max(1, cw), max(1, ch)
	left, top := (w-cw)/2, (h-ch)/2
	return image.Rect(left, top, left+cw, top+ch)
}

// scale brings a part of a picture to a size. A picture that keeps its size is
// given back as it is.
func scale(src image.Image, cut image.Rectangle, size image.Point) image.Image {
	if cut == src.Bounds() && cut.Size() == size {
		return src
	}
	dst := image.NewRGBA(image.Rectangle{Max: size})
	switch {
	case cut.Size() == size:
		draw.Draw(dst, dst.Rect, src, cut.Min, draw.Src)
	case size.X <= cut.Dx() && size.Y <= cut.Dy():
		shrink(dst, src, cut)
	default:
		xdraw.CatmullRom.Scale(dst, dst.Rect, src, cut, draw.Src, nil)
	}
	return dst
}

// shrink gives each pixel of dst the mean of the pixels of src that it covers.
// It reads src once, row by row, so that it needs no memory to speak of: the
// general scalers keep 32 bytes per pixel in between.
func shrink(dst *image.RGBA, src image.Image, cut image.Rectangle) {
	w, h := dst.Rect.Dx(), dst.Rect.Dy()
	columns := shares(cut.Dx(), w)
	rows := shares(cut.Dy(), h)
	line := image.NewRGBA(image.Rect(0, 0, cut.Dx(), 1))
	sum := make([]float32, 4*w)  // of the row of dst in work
	next := make([]float32, 4*w) // of the one after it
	across := make([]float32, 4*w)
	for y := range cut.Dy() {
		draw.Draw(line, line.Rect, src, image.Pt(cut.Min.X, cut.Min.Y+y), draw.Src)
		sumAcross(across, line.Pix, columns)
		r := rows[y]
		for i, v := range across {
			sum[i] += v * r.here
		}
		if r.after > 0 {
			for i, v := range across {
				next[i] += v * r.after
			}
		}
		if y+1 == len(rows) || rows[y+1].to != r.to {
			put(dst.Pix[r.to*dst.Stride:], sum)
			sum, next = next, sum
			clear(next)
		}
	}
}

// share says to which column of the smaller picture a column of the larger one
// belongs: with which weight to this one and to the one after it.
type share struct {
	to          int
	here, after float32
}

func shares(from, to int) []share {
	out := make([]share, from)
	step := float64(to) / float64(from) // at most 1
	for i := range out {
		begin, end := float64(i)*step, float64(i+1)*step
		at := min(int(begin), to-1)
		border := float64(at + 1)
		if end <= border || at == to-1 {
			out[i] = share{to: at, here: float32(step)}
		} else {
			out[i] = share{to: at, here: float32(border - begin), after: float32(end - border)}
		}
	}
	return out
}

func sumAcross(across []float32, pix []byte, columns []share) {
	clear(across)
	for i, c := range columns {
		p := pix[4*i : 4*i+4 : 4*i+4]
		r, g, b, a := float32(p[0]), float32(p[1]), float32(p[2]), float32(p[3])
		s := across[4*c.to:]
		s[0] += r * c.here
		s[1] += g * c.here
		s[2] += b * c.here
		s[3] += a * c.here
		if c.after > 0 {
			s[4] += r * c.after
			s[5] += g * c.after
			s[6] += b * c.after
			s[7] += a * c.after
		}
	}
}

func put(pix []byte, sum []float32) {
	for i, v := range sum {
		pix[i] = byte(min(v+0.5, 255))
	}
}

// upright applies an EXIF orientation.
func upright(img image.Image, orientation int) image.Image {
	if orientation < 2 || orientation > 8 {
		return img
	}
	src, ok := img.(*image.RGBA)
	if !ok {
		src = image.NewRGBA(image.Rectangle{Max: img.Bounds().Size()})
		draw.Draw(src, src.Rect, img, img.Bounds().Min, draw.Src)
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	turned := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		turned = image.Rect(0, 0, h, w)
	}
	dst := image.NewRGBA(turned)
	for y := range h {
		for x := range w {
			to := oriented(x, y, w, h, orientation)
			copy(dst.Pix[dst.PixOffset(to.X, to.Y):][:4], src.Pix[src.PixOffset(x, y):][:4])
		}
	}
	return dst
}

// oriented tells where the pixel at x, y of a stored picture is seen.
func oriented(x, y, w, h, orientation int) image.Point {
	switch orientation {
	case 2: // mirrored
		return image.Pt(w-1-x, y)
	case 3: // upside down
		return image.Pt(w-1-x, h-1-y)
	case 4:
		return image.Pt(x, h-1-y)
	case 5:
		return image.Pt(y, x)
	case 6: // a quarter clockwise
		return image.Pt(h-1-y, x)
	case 7:
		return image.Pt(h-1-y, w-1-x)
	default: // 8: a quarter counter-clockwise
		return image.Pt(y, w-1-x)
	}
}

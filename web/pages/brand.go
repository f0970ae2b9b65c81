package pages

import (
	"fmt"
	"math"
	"strconv"
)

// Grounds that text in the brand colour stands on, as in app.css.
var (
	lightGround = rgb{0xf4, 0xf4, 0xf1}
	darkGround  = rgb{0x22, 0x26, 0x29}
	white       = rgb{0xff, 0xff, 0xff}
	nearBlack   = rgb{0x10, 0x13, 0x14}
)

// readable is the contrast that small text needs.
// spec: WCAG22 1.4.3
const readable = 4.5

// DefaultColor is an institution's colour when it has chosen none.
func DefaultColor(kind string) string {
	switch kind {
	case "school":
		return "#1f6f5c"
	case "employer":
		return "#3f55b5"
	}
	return "#7d3c74"
}

type rgb struct{ r, g, b uint8 }

func (c rgb) String() string { return fmt.Sprintf("#%02x%02x%02x", c.r, c.g, c.b) }

// parseColor reads #rrggbb.
func parseColor(s string) (rgb, error) {
	if len(s) != 7 || s[0] != '#' {
		return rgb{}, fmt.Errorf("pages: colour %q is not of the form #rrggbb", s)
	}
	n, err := strconv.ParseUint(s[1:], 16, 32)
	if err != nil {
		return rgb{}, fmt.Errorf("pages: colour %q is not of the form #rrggbb", s)
	}
	return rgb{uint8(n >> 16), uint8(n >> 8), uint8(n)}, nil
}

// luminance is the relative luminance, 0 to 1.
// spec: WCAG22 relative luminance
func (c rgb) luminance() float64 {
	channel := func(v uint8) float64 {
		x := float64(v) / 255
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(c.r) + 0.7152*channel(c.g) + 0.0722*channel(c.b)
}

// contrast is the ratio between two colours, 1 to 21.
func contrast(a, b rgb) float64 {
	x, y := a.luminance(), b.luminance()
	if x < y {
		x, y = y, x
	}
	return (x + 0.05) / (y + 0.05)
}

// hsl gives hue in sixths of the circle, saturation and lightness.
func (c rgb) hsl() (h, s, l float64) {
	r, g, b := float64(c.r)/255, float64(c.g)/255, float64(c.b)/255
	high, low := max(r, g, b), min(r, g, b)
	l = (high + low) / 2
	spread := high - low
	if spread == 0 {
		return 0, 0, l
	}
	s = spread / (1 - math.Abs(2*l-1))
	switch high {
	case r:
		h = math.Mod((g-b)/spread+6, 6)
	case g:
		h = (b-r)/spread + 2
	default:
		h = (r-g)/spread + 4
	}
	return h, s, l
}

// tinted is c as a ground, with as much of a colour in it as app.css puts there
// at most.
func (c rgb) tinted(with rgb) rgb {
	const share = 0.12
	m := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + (float64(b)-float64(a))*share)) }
	return rgb{m(c.r, with.r), m(c.g, with.g), m(c.b, with.b)}
}

func fromHSL(h, s, l float64) rgb {
	spread := (1 - math.Abs(2*l-1)) * s
	x := spread * (1 - math.Abs(math.Mod(h, 2)-1))
	var r, g, b float64
	switch int(h) {
	case 0:
		r, g = spread, x
	case 1:
		r, g = x, spread
	case 2:
		g, b = spread, x
	case 3:
		g, b = x, spread
	case 4:
		r, b = x, spread
	default:
		r, b = spread, x
	}
	m := l - spread/2
	part := func(v float64) uint8 { return uint8(math.Round(max(0, min(1, v+m)) * 255)) }
	return rgb{part(r), part(g), part(b)}
}

// shifted makes c darker (by < 0) or lighter, in its own hue, just as far as it
// takes to be readable on the ground; at worst black or white.
func (c rgb) shifted(ground rgb, by float64) rgb {
	h, s, l := c.hsl()
	for ; l >= 0 && l <= 1; l += by {
		// The current entry of the navigation stands on a tint of its own colour.
		if m := fromHSL(h, s, l); contrast(m, ground.tinted(m)) >= readable {
			return m
		}
	}
	if by < 0 {
		return rgb{}
	}
	return white
}

// brandCSS is the part of the stylesheet that depends on the institution: its
// colour made readable on the light and on the dark ground, and the colour of
// text upon it.
func brandCSS(color string) (string, error) {
	c, err := parseColor(color)
	if err != nil {
		return "", err
	}
	light, dark := c.shifted(lightGround, -0.01), c.shifted(darkGround, 0.01)
	l := fmt.Sprintf("--brand:%s;--on-brand:%s", light, white)
	d := fmt.Sprintf("--brand:%s;--on-brand:%s", dark, nearBlack)
	return fmt.Sprintf(":root{%s}@media(prefers-color-scheme:dark){:root:not([data-theme=light]){%s}}:root[data-theme=dark]{%s}\n",
		l, d, d), nil
}

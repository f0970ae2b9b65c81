package pages

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestColoursThatAreNone(t *testing.T) {
	for _, s := range []string{"", "red", "#12345", "#1234567", "#12345g", "1f6f5c#", "#+12345", "#};x{y"} {
		if _, err := NewAssets("x", s); err == nil {
			t.Errorf("%q was taken for a colour", s)
		}
	}
}

// Whatever colour an institution chooses, text in it and on it can be read.
func TestBrandIsReadable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := rgb{rapid.Byte().Draw(t, "r"), rapid.Byte().Draw(t, "g"), rapid.Byte().Draw(t, "b")}
		light, dark := c.shifted(lightGround, -0.01), c.shifted(darkGround, 0.01)
		for name, ratio := range map[string]float64{
			"brand on light": contrast(light, lightGround), "brand on its tint": contrast(light, lightGround.tinted(light)), "white on brand": contrast(white, light),
			"brand on dark": contrast(dark, darkGround), "brand on its dark tint": contrast(dark, darkGround.tinted(dark)), "black on brand": contrast(nearBlack, dark),
		} {
			if ratio < readable {
				t.Fatalf("%s of %s: %.2f", name, c, ratio)
			}
		}
	})
}

func TestBrandKeepsAColourThatReads(t *testing.T) {
	css, err := brandCSS(DefaultColor("school"))
	if err != nil || !strings.Contains(css, "--brand:"+DefaultColor("school")) {
		t.Errorf("the school's colour was changed: %s %v", css, err)
	}
	if contrast(rgb{0, 0, 0}, white) < 20.9 {
		t.Error("black on white has too little contrast")
	}
}

var paletteBlock = regexp.MustCompile(`color-scheme:(light|dark);([^}]*)`)

// Every colour of text in the stylesheet can be read on every ground, by day
// and by night, and every edge of a control can be made out.
func TestPaletteIsReadable(t *testing.T) {
	css, err := static.ReadFile("static/app.css")
	if err != nil {
		t.Fatal(err)
	}
	blocks := paletteBlock.FindAllStringSubmatch(string(css), -1)
	if len(blocks) != 3 || blocks[1][2] != blocks[2][2] {
		t.Fatalf("%d palettes, or the dark ones differ", len(blocks))
	}
	for _, block := range blocks {
		color := func(name string) rgb {
			_, rest, ok := strings.Cut(block[2], "--"+name+":")
			value, _, _ := strings.Cut(rest, ";")
			if len(value) == 4 {
				value = "#" + strings.Repeat(value[1:2], 2) + strings.Repeat(value[2:3], 2) + strings.Repeat(value[3:4], 2)
			}
			c, err := parseColor(strings.TrimSpace(value))
			if !ok || err != nil {
				t.Fatalf("--%s in %s: %v", name, block[1], err)
			}
			return c
		}
		for _, ground := range []string{"ground", "paper", "raised"} {
			for name, want := range map[string]float64{"ink": 7, "soft": readable, "bad": readable, "like": readable, "boost": readable, "edge": 3} {
				if got := contrast(color(name), color(ground)); got < want {
					t.Errorf("%s: %s on %s has a contrast of %.2f, want %.1f", block[1], name, ground, got, want)
				}
			}
		}
		if got := contrast(color("bad"), color("bad-ground")); got < readable {
			t.Errorf("%s: an error on its ground has a contrast of %.2f", block[1], got)
		}
		for n := range 6 {
			if got := contrast(color("ink"), color("tint"+strconv.Itoa(n))); got < readable {
				t.Errorf("%s: a glyph on tint %d has a contrast of %.2f", block[1], n, got)
			}
		}
	}
}

package pages

import (
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
			"brand on light": contrast(light, lightGround), "white on brand": contrast(white, light),
			"brand on dark": contrast(dark, darkGround), "black on brand": contrast(nearBlack, dark),
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

package social

import (
	"strings"
	"testing"

	"cohort/store"
)

// What the profile of a circle elsewhere says of its unit and years is read, and nothing that is none.
func TestCircleFacts(t *testing.T) {
	field := func(name, value string) store.Field { return store.Field{Name: name, Value: value} }
	for name, c := range map[string]struct {
		fields   []store.Field
		unit     string
		from, to int
	}{
		"ours":         {circleFields("高三 3 班", 2009, 2012), "高三 3 班", 2009, 2012},
		"a whole unit": {circleFields("R&D", 0, 0), "R&D", 0, 0},
		"as HTML":      {[]store.Field{field("unit", "<p>R&amp;D <b>1</b></p>"), field("years", "<p>2009–2012</p>")}, "R&D 1", 2009, 2012},
		"others":       {[]store.Field{field("Web", "https://x.example"), field("Unit", "x")}, "", 0, 0},
		"no years":     {[]store.Field{field("years", "2012–2009"), field("years", "x–y"), field("years", "2009"), field("years", "1–99999")}, "", 0, 0},
		"too long":     {[]store.Field{field("unit", strings.Repeat("a", 9999))}, strings.Repeat("a", maxUnit), 0, 0},
		"none":         {nil, "", 0, 0},
	} {
		if unit, from, to := CircleFacts(&store.Account{Fields: c.fields}); unit != c.unit || from != c.from || to != c.to {
			t.Errorf("%s: %q, %d, %d", name, unit, from, to)
		}
	}
}

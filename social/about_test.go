package social

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"cohort/store"
)

func TestSetAbout(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		ada := w.person("ada")
		for name, c := range map[string]AboutChange{
			"description":     {Description: new(strings.Repeat("a", MaxDescription+1))},
			"about":           {About: new(strings.Repeat("a", MaxAbout+1))},
			"terms":           {Terms: new(strings.Repeat("a", MaxAbout+1))},
			"contact_email":   {ContactEmail: new("nobody")},
			"contact_account": {Contact: new("ada@other.example")},
			"rules":           {Rules: &[]string{strings.Repeat("a", MaxRule+1)}},
		} {
			if err := w.s.SetAbout(ctx, c, 0); !errors.Is(err, &Invalid{Field: name}) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := w.s.SetAbout(ctx, AboutChange{Rules: new(slices.Repeat([]string{"a"}, MaxRules+1))}, 0); !errors.Is(err, &Invalid{Key: "invalid.rules_many"}) {
			t.Errorf("too many rules: %v", err)
		}
		if err := w.s.SetAbout(ctx, AboutChange{Description: new("x"), Contact: new("nobody")}, 0); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}
		if got, err := w.s.About(ctx); err != nil || got.Description != "" || len(got.Rules) > 0 {
			t.Errorf("what was refused left %+v, %v", got, err)
		}
		change := AboutChange{Description: new(" 1 < 2\u202e "), ContactEmail: new("Desk@School.Example"), Contact: new("@ada@here.example"), Rules: &[]string{"b", " ", "a\nc"}}
		if err := w.s.SetAbout(ctx, change, ada.ID); err != nil {
			t.Fatal(err)
		}
		got, err := w.s.About(ctx)
		if err != nil || got.Description != "1 < 2" || got.ContactEmail != "desk@school.example" || got.Contact == nil || got.Contact.ID != ada.ID ||
			len(got.Rules) != 2 || got.Rules[0].Text != "b" || got.Rules[1].Text != "a c" {
			t.Errorf("%+v, %v", got, err)
		}
		if err := w.s.SetAbout(ctx, AboutChange{Contact: new("")}, 0); err != nil {
			t.Fatal(err)
		}
		if got, err := w.s.About(ctx); err != nil || got.Contact != nil || got.Description != "1 < 2" || len(got.Rules) != 2 {
			t.Errorf("one thing less: %+v, %v", got, err)
		}
	})
}

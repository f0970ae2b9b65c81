package pages

import (
	"errors"
	"fmt"
	"testing"

	"cohort/social"
)

func TestFieldErrors(t *testing.T) {
	if _, ok := FieldErrors(errors.New("disk full"), "handle"); ok {
		t.Error("an error of the machine was blamed on the form")
	}
	taken := fmt.Errorf("register: %w", &social.Invalid{Field: "username", Key: "invalid.handle_taken"})
	for _, c := range []struct {
		has  []string
		want string
	}{
		{[]string{"handle", "email"}, "handle"}, {[]string{"email"}, ""}, {nil, ""},
	} {
		got, ok := FieldErrors(taken, c.has...)
		if !ok || len(got) != 1 || got[0].Field != c.want || got[0].Key != "invalid.handle_taken" {
			t.Errorf("a form with %v gets %+v", c.has, got)
		}
	}
}

package pages

import (
	"errors"

	"cohort/social"
)

// formNames are the names that fields have in the forms here, by the names
// that social has for them.
var formNames = map[string]string{
	"username":         "handle",
	"agreement":        "agree",
	"status":           "text",
	"media_ids":        "media",
	"file":             "media",
	"description":      "media",
	"display_name":     "name",
	"note":             "bio",
	"current_password": "old",
	"spoiler_text":     "summary",
}

// FieldErrors lists what an error says about a form, for Page.Errors. has
// names the fields that the form has: anything else is said about the form as
// a whole, because a link to it would lead nowhere. False means that the error
// is of another sort and needs an error page.
func FieldErrors(err error, has ...string) ([]FieldError, bool) {
	var invalid *social.Invalid
	if !errors.As(err, &invalid) {
		return nil, false
	}
	e := FieldError{Key: invalid.Key, Args: invalid.Args}
	name := invalid.Field
	if n, ok := formNames[name]; ok {
		name = n
	}
	for _, field := range has {
		if field == name {
			e.Field = name
		}
	}
	return []FieldError{e}, true
}

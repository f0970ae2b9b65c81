package social

import "errors"

// ErrForbidden says that the account asking is known and may not do this.
// What an account may not even see is store.ErrNotFound instead.
var ErrForbidden = errors.New("forbidden")

// ErrLimited says that a limit on attempts or amounts was reached and the same
// request may succeed later.
var ErrLimited = errors.New("too many attempts")

// Invalid says which field of a request is wrong and why. Key is an i18n key,
// Args are the values that its text mentions (limits, lengths). It never
// carries what was typed, because that may be a password.
type Invalid struct {
	Field string
	Key   string
	Args  map[string]any
}

// Error names the field and the key, for logs; people read the text of Key.
func (e *Invalid) Error() string {
	return "invalid " + e.Field + ": " + e.Key
}

// Is makes errors.Is(err, &Invalid{Field: …, Key: …}) compare field and key;
// an empty one matches any.
func (e *Invalid) Is(target error) bool {
	t, ok := target.(*Invalid)
	return ok && (t.Field == "" || t.Field == e.Field) && (t.Key == "" || t.Key == e.Key)
}

package pages

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"cohort/social"
	"cohort/web/i18n"
)

// flashLife is how long a message waits for the page that shows it.
const flashLife = time.Minute

// flashCookie is a message on its way to the next page. It travels with the browser, so nothing of it
// is believed but that the person may read it.
type flashCookie struct {
	Key  string         `json:"k"`
	Args map[string]int `json:"a,omitempty"`
	Bad  bool           `json:"b,omitempty"`
}

// tell leaves a message for the next page.
func (v *visit) tell(key string) { v.keepFlash(flashCookie{Key: key}) }

// tellError leaves a message about an error that is somebody's to know, and reports whether it was one.
func (v *visit) tellError(err error) bool {
	var invalid *social.Invalid
	f := flashCookie{Bad: true, Args: map[string]int{}}
	switch {
	case errors.As(err, &invalid):
		f.Key = invalid.Key
		for name, value := range invalid.Args {
			if n, ok := value.(int); ok {
				f.Args[name] = n
			}
		}
	case errors.Is(err, social.ErrForbidden):
		f.Key = "flash.not_allowed"
	default:
		return false
	}
	v.keepFlash(f)
	return true
}

func (v *visit) keepFlash(f flashCookie) {
	b, err := json.Marshal(f)
	if err != nil {
		return // a message less
	}
	v.keepCookie(cookieFlash, base64.RawURLEncoding.EncodeToString(b), flashLife)
}

// takeFlash is the message that waits for this page; it is shown once.
func (v *visit) takeFlash() *Flash {
	raw := v.cookie(cookieFlash)
	if raw == "" {
		return nil
	}
	v.keepCookie(cookieFlash, "", 0)
	b, err := base64.RawURLEncoding.DecodeString(raw)
	if err != nil || len(b) > 500 {
		return nil
	}
	var f flashCookie
	if json.Unmarshal(b, &f) != nil || !i18n.Has(f.Key) {
		return nil
	}
	if !strings.HasPrefix(f.Key, "flash.") && !strings.HasPrefix(f.Key, "invalid.") {
		return nil
	}
	args := map[string]any{}
	for name, n := range f.Args {
		args[name] = n
	}
	return &Flash{Key: f.Key, Args: args, Bad: f.Bad}
}

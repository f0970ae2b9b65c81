package social

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"

	"cohort/store"
)

// The forms of a picture from another server, as its address here names them.
const (
	FormAvatar  = "avatar"
	FormHeader  = "header"
	FormFull    = "full"
	FormPreview = "preview"
)

// AvatarURL is where an account's avatar is served here, of another server's accounts through us; ""
// if it has none. Whoever has the address was given it.
func (s *Service) AvatarURL(a *store.Account) string {
	if a.Local() {
		return s.FileURL(a.Avatar)
	}
	return s.copyURL(FormAvatar, a.ID.String(), a.AvatarRemote)
}

// HeaderURL is the same for the wide picture of a profile.
func (s *Service) HeaderURL(a *store.Account) string {
	if a.Local() {
		return s.FileURL(a.Header)
	}
	return s.copyURL(FormHeader, a.ID.String(), a.HeaderRemote)
}

// MediaURL is where a picture of a post is served here, or the small version of it.
func (s *Service) MediaURL(m *store.Media, preview bool) string {
	switch {
	case m.File == "" && preview:
		return s.copyURL(FormPreview, m.AccountID.String()+"/"+m.ID.String(), m.RemoteURL)
	case m.File == "":
		return s.copyURL(FormFull, m.AccountID.String()+"/"+m.ID.String(), m.RemoteURL)
	case preview && m.Preview != "":
		return s.FileURL(m.Preview)
	}
	return s.FileURL(m.File)
}

// copyURL is the address of our copy of what lies at remote: /media/{form}/{ids}/{key}.
func (s *Service) copyURL(form, ids, remote string) string {
	if remote == "" {
		return ""
	}
	return s.Config.BaseURL + "/media/" + form + "/" + ids + "/" + s.copyKey(form, remote)
}

// copyKey makes such an address unguessable, and another one whenever the picture is.
func (s *Service) copyKey(form, remote string) string {
	mac := hmac.New(sha256.New, s.Config.Secret)
	mac.Write([]byte("copy\x00" + form + "\x00" + remote))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:18])
}

// IsCopyKey tells whether key is that of our copy of remote in this form.
func (s *Service) IsCopyKey(form, remote, key string) bool {
	return remote != "" && subtle.ConstantTimeCompare([]byte(s.copyKey(form, remote)), []byte(key)) == 1
}

package pages

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"

	"cohort/social"
	"cohort/store"
)

func (v *visit) profileSettingsPage() *ProfileSettingsPage {
	view := &ProfileSettingsPage{
		Name: v.me.Name, Bio: v.me.BioSource, Locked: v.me.Locked, Robot: v.me.Kind == store.KindBot,
		MaxFields: social.MaxFields, MaxName: social.MaxName, MaxBio: social.MaxBio,
	}
	for _, f := range v.me.Fields {
		view.Fields = append(view.Fields, PlainField{Name: f.Name, Value: f.Value})
	}
	return view
}

// showProfileSettings shows the page; its frame has the header too, which other pages do without.
func (v *visit) showProfileSettings(status int, view *ProfileSettingsPage) error {
	if err := v.fill("settings_profile", &view.Page); err != nil {
		return err
	}
	view.Me.Header = v.p.local(v.p.s.HeaderURL(v.me))
	return v.write(status, "settings_profile", view)
}

func (p *Pages) profileSettings(v *visit) error {
	return v.showProfileSettings(http.StatusOK, v.profileSettingsPage())
}

func (p *Pages) saveProfile(v *visit) error {
	view := v.profileSettingsPage()
	change := v.profileChange(view)
	closeAll, err := v.profilePictures(&change)
	defer closeAll()
	if err != nil {
		return err
	}
	if err := v.changeProfile(v.Request().Context(), change); err != nil {
		wrong, ok := FieldErrors(err, "name", "bio", "fields", "avatar", "header")
		switch {
		case ok:
			view.Errors = wrong
			return v.showProfileSettings(http.StatusUnprocessableEntity, view)
		case isLimited(err):
			view.Errors = []FieldError{{Key: "invalid.limited"}}
			return v.showProfileSettings(http.StatusTooManyRequests, view)
		}
		return err
	}
	v.tell("flash.saved")
	return v.to("/settings/profile")
}

// changeProfile applies a change; pictures count against the limit of uploads.
func (v *visit) changeProfile(ctx context.Context, change social.ProfileChange) error {
	for _, r := range []io.Reader{change.Avatar, change.Header} {
		if r == nil {
			continue
		}
		if err := v.spend(social.LimitMedia); err != nil {
			return err
		}
	}
	_, err := v.p.s.UpdateProfile(ctx, v.me, change)
	return err
}

// profileChange reads the form, and keeps what was typed in view.
func (v *visit) profileChange(view *ProfileSettingsPage) social.ProfileChange {
	view.Name, view.Bio = v.form("name"), strings.ReplaceAll(v.form("bio"), "\r\n", "\n")
	view.Locked, view.Robot = v.ticked("locked"), v.ticked("robot")
	view.Fields = nil
	var fields []store.Field
	for n := 1; n <= social.MaxFields; n++ {
		name, value := v.form("field_name_"+strconv.Itoa(n)), v.form("field_value_"+strconv.Itoa(n))
		if name != "" || value != "" {
			view.Fields = append(view.Fields, PlainField{Name: name, Value: value})
			fields = append(fields, store.Field{Name: name, Value: value})
		}
	}
	return social.ProfileChange{
		Name: &view.Name, Bio: &view.Bio, Locked: &view.Locked, Bot: &view.Robot, Fields: &fields,
		RemoveAvatar: v.ticked("avatar_drop"), RemoveHeader: v.ticked("header_drop"),
	}
}

// profilePictures opens the pictures of the form. What it returns closes them.
func (v *visit) profilePictures(change *social.ProfileChange) (closeAll func(), err error) {
	var open []io.Closer
	closeAll = func() {
		for _, f := range open {
			if err := f.Close(); err != nil {
				v.p.log.Debug("uploaded file not closed", "error", err)
			}
		}
	}
	for name, to := range map[string]*io.Reader{"avatar": &change.Avatar, "header": &change.Header} {
		file, err := v.upload(name)
		if err != nil {
			return closeAll, err
		}
		if file != nil {
			open = append(open, file)
			*to = file
		}
	}
	return closeAll, nil
}

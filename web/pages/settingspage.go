package pages

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"cohort/social"
	"cohort/store"
)

func (p *Pages) settings(v *visit) error { return v.to("/settings/profile") }

// accountSettingsPage is the page as things are.
func (v *visit) accountSettingsPage() *AccountSettingsPage {
	visibility := v.user.DefaultVisibility
	if visibility == "" {
		visibility = Public
	}
	return &AccountSettingsPage{
		Email: v.user.Email, LanguageChoice: v.user.Language, ThemeChoice: v.theme(), Shortcuts: !v.user.ShortcutsOff,
		Visibility: visibility, PostLanguage: v.writesIn(), PostLanguages: v.writtenLanguages(),
		Sensitive: v.user.DefaultSensitive, MinPassword: minPassword,
	}
}

func (p *Pages) accountSettings(v *visit) error {
	return v.show(http.StatusOK, "settings_account", v.accountSettingsPage())
}

// saveAccount takes one of the three forms of the page.
func (p *Pages) saveAccount(v *visit) error {
	switch v.form("do") {
	case "look":
		return p.saveLook(v)
	case "posting":
		return p.savePosting(v)
	case "password":
		return p.savePassword(v)
	}
	return store.ErrNotFound
}

func (p *Pages) saveLook(v *visit) error {
	language, theme, shortcuts := v.form("language"), v.form("theme"), v.ticked("shortcuts")
	if language != "" && !slices.Contains(p.languages, language) {
		language = v.user.Language
	}
	if _, err := p.s.UpdateProfile(v.Request().Context(), v.me, social.ProfileChange{Language: &language, Shortcuts: &shortcuts}); err != nil {
		return err
	}
	if v.cookie(cookieLanguage) != "" {
		v.keepCookie(cookieLanguage, "", 0)
	}
	switch theme {
	case "light", "dark":
		v.keepCookie(cookieTheme, theme, yearLong)
	default:
		v.keepCookie(cookieTheme, "", 0)
	}
	v.tell("flash.saved")
	return v.to("/settings/account")
}

func (p *Pages) savePosting(v *visit) error {
	visibility, language, sensitive := v.form("visibility"), v.form("post_language"), v.ticked("sensitive")
	view := v.accountSettingsPage()
	if language == "" {
		language = view.PostLanguage
	}
	if !knownLanguage(view.PostLanguages, language) {
		return v.showForm("settings_account", view, &social.Invalid{Field: "post_language", Key: "invalid.language"}, "visibility", "post_language")
	}
	change := social.ProfileChange{DefaultVisibility: &visibility, DefaultLanguage: &language, DefaultSensitive: &sensitive}
	if _, err := p.s.UpdateProfile(v.Request().Context(), v.me, change); err != nil {
		view.PostLanguage, view.Sensitive = language, sensitive
		return v.showForm("settings_account", view, err, "visibility", "post_language")
	}
	v.tell("flash.saved")
	return v.to("/settings/account")
}

// savePassword ends every other session and every app's leave.
func (p *Pages) savePassword(v *visit) error {
	view := v.accountSettingsPage()
	err := p.auth.Spend(v, social.LimitSignIn, "password "+v.me.ID.String())
	if err == nil {
		var keep store.ID
		if v.session != nil {
			keep = v.session.ID
		}
		err = p.s.ChangePassword(v.Request().Context(), v.me, keep, v.raw("old"), v.raw("password"))
	}
	if err != nil {
		return v.showForm("settings_account", view, err, "old", "password")
	}
	v.tell("flash.password")
	return v.to("/settings/account")
}

// sessions lists where the member is signed in.
func (p *Pages) sessions(v *visit) error {
	all, err := p.db.Sessions(v.Request().Context(), v.me.ID)
	if err != nil {
		return err
	}
	view := &SessionsPage{}
	for _, s := range all {
		view.Sessions = append(view.Sessions, SessionView{
			ID: s.ID.String(), Agent: agentName(s.UserAgent), Created: s.CreatedAt, Seen: s.UsedAt, Current: v.session != nil && s.ID == v.session.ID,
		})
	}
	return v.show(http.StatusOK, "settings_sessions", view)
}

// endSession signs one browser out, or all others.
func (p *Pages) endSession(v *visit) error {
	ctx := v.Request().Context()
	which := v.form("end")
	var ids []store.ID
	if which == "others" {
		all, err := p.db.Sessions(ctx, v.me.ID)
		if err != nil {
			return err
		}
		for _, s := range all {
			if v.session == nil || s.ID != v.session.ID {
				ids = append(ids, s.ID)
			}
		}
	} else {
		id, err := store.ParseID(which)
		if err != nil {
			return store.ErrNotFound
		}
		ids = append(ids, id)
	}
	for _, id := range ids {
		// One that has ended by itself meanwhile is what was wanted.
		if err := p.s.EndSession(ctx, v.me.ID, id); err != nil && (which != "others" || !isNotFound(err)) {
			return err
		}
	}
	v.tell("flash.session_ended")
	return v.to("/settings/sessions")
}

// agents and systems are recognised in this order: most browsers also claim to be others.
var (
	agents = []struct{ sign, name string }{
		{"MicroMessenger/", "WeChat"},
		{"Edg/", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
	}
	systems = []struct{ sign, name string }{
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Android", "Android"},
		{"HarmonyOS", "HarmonyOS"},
		{"Windows", "Windows"},
		{"Mac OS X", "macOS"},
		{"CrOS", "ChromeOS"},
		{"Linux", "Linux"},
	}
)

// agentName is a short name of browser and system.
func agentName(header string) string {
	var parts []string
	for _, a := range agents {
		if strings.Contains(header, a.sign) {
			parts = append(parts, a.name)
			break
		}
	}
	for _, s := range systems {
		if strings.Contains(header, s.sign) {
			parts = append(parts, s.name)
			break
		}
	}
	if len(parts) > 0 {
		return strings.Join(parts, " · ")
	}
	name, _, _ := strings.Cut(social.CleanText(header, 60), "/")
	if name == "" {
		return "?"
	}
	return name
}

// apps lists what may act for the member.
func (p *Pages) apps(v *visit) error {
	tokens, err := p.db.Tokens(v.Request().Context(), v.me.ID)
	if err != nil {
		return err
	}
	view := &AppsPage{}
	for _, t := range tokens {
		app := appView(t.App, t.Scopes)
		app.ID, app.Created = t.ID.String(), t.CreatedAt
		if t.UsedDay > 0 {
			app.Used = dayStart(t.UsedDay)
		}
		view.Apps = append(view.Apps, app)
	}
	return v.show(http.StatusOK, "settings_apps", view)
}

// revokeApp takes an app's leave back.
func (p *Pages) revokeApp(v *visit) error {
	id, err := store.ParseID(v.form("revoke"))
	if err != nil {
		return store.ErrNotFound
	}
	if err := p.auth.RevokeToken(v.Request().Context(), v.me.ID, id); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	v.tell("flash.app_revoked")
	return v.to("/settings/apps")
}

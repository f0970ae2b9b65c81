package pages

import (
	"net/http"
	"strings"

	"cohort/social"
	"cohort/store"
)

// setupPage is the form for the first admin, while the link in the path still works.
func (v *visit) setupPage() (*SetupPage, error) {
	open, err := v.p.s.SetupOpen(v.Request().Context(), v.param("token"))
	if err != nil || !open {
		return nil, orNotFound(err)
	}
	view := &SetupPage{MinPassword: minPassword, Missing: v.p.missing()}
	view.NoIndex = true
	return view, nil
}

// missing are the texts of what a real instance needs and this one has not.
func (p *Pages) missing() []string {
	var keys []string
	if !strings.HasPrefix(p.s.Config.BaseURL, "https://") {
		keys = append(keys, "setup.no_https")
	}
	if p.config.MailToFiles {
		keys = append(keys, "setup.no_mail")
	}
	return keys
}

func (p *Pages) setup(v *visit) error {
	if err := p.auth.Spend(v, social.LimitLookup, ""); err != nil {
		return err
	}
	view, err := v.setupPage()
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "setup", view)
}

func (p *Pages) sendSetup(v *visit) error {
	ctx := v.Request().Context()
	if err := p.auth.Spend(v, social.LimitSignIn, ""); err != nil {
		return err
	}
	view, err := v.setupPage()
	if err != nil {
		return err
	}
	view.Handle, view.Email = v.form("handle"), v.form("email")
	account, err := p.s.Setup(ctx, v.param("token"), social.NewAccount{
		Handle: view.Handle, Email: view.Email, Password: v.raw("password"), Role: store.RoleAdmin,
	})
	if err != nil {
		return v.showForm("setup", view, err, "handle", "email", "password")
	}
	return v.begin(ctx, account.ID, "/", "flash.welcome")
}

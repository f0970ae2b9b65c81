package pages

import (
	"errors"
	"net/http"
	"strings"

	"cohort/social"
)

func (p *Pages) signIn(v *visit) error {
	return v.show(http.StatusOK, "signin", &SignInPage{Next: localPath(v.QueryParam("next"), "")})
}

// sendSignIn takes name and password. Whoever is not known gets the answer of a wrong password.
func (p *Pages) sendSignIn(v *visit) error {
	ctx := v.Request().Context()
	view := &SignInPage{Login: v.form("login"), Next: localPath(v.raw("next"), "")}
	target := strings.ToLower(strings.TrimSpace(view.Login))
	if err := p.auth.Spend(v, social.LimitSignIn, "sign-in "+target); err != nil {
		return v.showForm("signin", view, err)
	}
	raw, user, err := p.s.SignIn(ctx, view.Login, v.raw("password"), v.Request().UserAgent())
	if errors.Is(err, social.ErrForbidden) {
		err = &social.Invalid{Field: "login", Key: "invalid.signin"}
	}
	if err != nil {
		return v.showForm("signin", view, err, "login", "password")
	}
	if !user.Active() {
		return v.notYet(raw, user.Email, user.ConfirmedAt.IsZero())
	}
	p.auth.SignIn(v, raw)
	if view.Next == "" {
		view.Next = "/"
	}
	return v.to(view.Next)
}

// notYet leads whoever may not act yet to what is missing, and ends the session that was begun.
func (v *visit) notYet(raw, email string, unconfirmed bool) error {
	ctx := v.Request().Context()
	session, _, account, err := v.p.db.SessionByToken(ctx, raw)
	if err == nil {
		err = v.p.s.EndSession(ctx, account.ID, session.ID)
	}
	if err != nil && !isNotFound(err) {
		return err
	}
	if unconfirmed {
		v.rememberMailbox(email)
		return v.to("/confirm")
	}
	return v.show(http.StatusOK, "confirm", &CodePage{Email: email, Waiting: true})
}

func (p *Pages) signOut(v *visit) error {
	if v.session != nil {
		if err := p.s.EndSession(v.Request().Context(), v.me.ID, v.session.ID); err != nil && !isNotFound(err) {
			return err
		}
	}
	p.auth.SignOut(v)
	v.tell("flash.signed_out")
	return v.to("/")
}

func (p *Pages) forgot(v *visit) error { return v.show(http.StatusOK, "forgot", &ForgotPage{}) }

// sendForgot answers the same for every mailbox.
func (p *Pages) sendForgot(v *visit) error {
	view := &ForgotPage{Email: v.form("email")}
	key, err := social.NormalizeEmail(view.Email)
	if err == nil {
		err = p.auth.Spend(v, social.LimitMail, "mail "+key)
	}
	if err == nil {
		err = p.s.StartReset(v.Request().Context(), view.Email)
	}
	if err != nil {
		return v.showForm("forgot", view, err, "email")
	}
	v.rememberMailbox(view.Email)
	view.Sent = true
	return v.show(http.StatusOK, "forgot", view)
}

func (p *Pages) reset(v *visit) error {
	return v.show(http.StatusOK, "reset", &ResetPage{Email: v.mailbox(), MinPassword: minPassword})
}

// sendReset sets a new password by a code. A mailbox that has no account, or was never sent a code,
// gets the answer of a wrong code.
func (p *Pages) sendReset(v *visit) error {
	ctx := v.Request().Context()
	view := &ResetPage{Email: v.form("email"), MinPassword: minPassword}
	key, err := social.NormalizeEmail(view.Email)
	if err != nil {
		view.Email = ""
	} else {
		err = p.auth.Spend(v, social.LimitSignIn, "code "+key)
	}
	if err == nil {
		err = p.s.FinishReset(ctx, view.Email, v.form("code"), v.raw("password"))
	}
	if err != nil {
		return v.showForm("reset", view, err, "email", "code", "password")
	}
	v.keepCookie(cookieMailbox, "", 0)
	v.tell("flash.reset")
	return v.to("/sign-in")
}

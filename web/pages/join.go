package pages

import (
	"context"
	"encoding/base64"
	"net/http"
	"time"

	"cohort/social"
	"cohort/store"
)

// minPassword is what social.ValidatePassword asks for, in characters; it is shown beside the field.
const minPassword = 8

// mailboxLife is how long a browser remembers which mailbox it is confirming.
const mailboxLife = time.Hour

// joinPage is the empty sign-up form.
func (v *visit) joinPage(ctx context.Context) (*JoinPage, error) {
	s, err := v.p.site(ctx)
	if err != nil {
		return nil, err
	}
	return &JoinPage{Rules: s.rules, MinPassword: minPassword}, nil
}

func (p *Pages) join(v *visit) error {
	view, err := v.joinPage(v.Request().Context())
	if err != nil {
		return err
	}
	view.Invite = social.CleanText(v.QueryParam("invite"), 100)
	return v.show(http.StatusOK, "join", view)
}

// register takes the sign-up form. Whether a mailbox has an account already, social tells its owner by
// mail; here the answer is the same.
func (p *Pages) register(v *visit) error {
	ctx := v.Request().Context()
	view, err := v.joinPage(ctx)
	if err != nil {
		return err
	}
	view.Handle, view.Email, view.Reason, view.Invite = v.form("handle"), v.form("email"), v.form("reason"), v.form("invite")
	err = p.auth.Spend(v, social.LimitSignUp, "")
	if err == nil {
		_, err = p.s.Register(ctx, social.Registration{
			Handle: view.Handle, Email: view.Email, Password: v.raw("password"), Language: v.lang,
			Reason: view.Reason, Invite: view.Invite, Agreed: v.ticked("agree"),
		})
	}
	if err != nil {
		return v.showForm("join", view, err, "handle", "email", "password", "reason", "invite", "agree")
	}
	v.rememberMailbox(view.Email)
	return v.to("/confirm")
}

// rememberMailbox keeps the mailbox for the next form, in the person's own browser.
func (v *visit) rememberMailbox(email string) {
	if len(email) <= 320 {
		v.keepCookie(cookieMailbox, base64.RawURLEncoding.EncodeToString([]byte(email)), mailboxLife)
	}
}

// mailbox is the one that was remembered, "" if there is none.
func (v *visit) mailbox() string {
	b, err := base64.RawURLEncoding.DecodeString(v.cookie(cookieMailbox))
	if err != nil {
		return ""
	}
	if _, err := social.NormalizeEmail(string(b)); err != nil {
		return ""
	}
	return string(b)
}

// confirm asks for the code that was sent to the mailbox.
func (p *Pages) confirm(v *visit) error {
	return v.show(http.StatusOK, "confirm", &CodePage{Email: v.mailbox()})
}

func (p *Pages) sendConfirm(v *visit) error {
	ctx := v.Request().Context()
	email := v.form("email")
	view := &CodePage{Email: email}
	key, err := social.NormalizeEmail(email)
	if err != nil {
		view.Email = ""
		return v.showForm("confirm", view, err, "email", "code")
	}
	if v.form("again") != "" {
		return v.codeAgain(ctx, key, view)
	}
	user, err := v.codeUser(ctx, key)
	if err == nil {
		err = p.s.Confirm(ctx, user.AccountID, v.form("code"))
	}
	if err != nil {
		return v.showForm("confirm", view, err, "email", "code")
	}
	if user.ApprovedAt.IsZero() {
		v.keepCookie(cookieMailbox, "", 0)
		return v.show(http.StatusOK, "confirm", &CodePage{Email: email, Waiting: true})
	}
	return v.begin(ctx, user.AccountID, "/", "flash.welcome")
}

// codeUser finds whose mailbox it is. Whoever is not known gets the answer of a wrong code.
func (v *visit) codeUser(ctx context.Context, key string) (*store.User, error) {
	if err := v.p.auth.Spend(v, social.LimitSignIn, "code "+key); err != nil {
		return nil, err
	}
	user, err := v.p.db.UserByEmail(ctx, key)
	if isNotFound(err) {
		err = &social.Invalid{Field: "code", Key: "invalid.code"}
	}
	return user, err
}

// codeAgain sends another code, if there is somebody to send it to. The answer does not tell.
func (v *visit) codeAgain(ctx context.Context, key string, view *CodePage) error {
	if err := v.p.auth.Spend(v, social.LimitMail, "mail "+key); err != nil {
		return v.showForm("confirm", view, err)
	}
	user, err := v.p.db.UserByEmail(ctx, key)
	if err == nil {
		err = v.p.s.ResendCode(ctx, user.AccountID)
	}
	if err != nil && !isNotFound(err) {
		return err
	}
	v.rememberMailbox(view.Email)
	v.tell("flash.code_again")
	return v.to("/confirm")
}

// begin signs an account that has proved itself in, and leads on.
func (v *visit) begin(ctx context.Context, account store.ID, next, message string) error {
	raw, err := v.p.s.StartSession(ctx, account, v.Request().UserAgent())
	if err != nil {
		return err
	}
	v.p.auth.SignIn(v, raw)
	v.keepCookie(cookieMailbox, "", 0)
	if message != "" {
		v.tell(message)
	}
	return v.to(next)
}

package api

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/labstack/echo/v4"

	"cohort/social"
	"cohort/store"
	"cohort/web/auth"
)

// VerifyCredentials tells a client whose token it has.
func (a *API) VerifyCredentials(c echo.Context) error {
	who := auth.From(c)
	return a.replyOwnAccount(c, who.Account, who.User)
}

func (a *API) replyOwnAccount(c echo.Context, x *store.Account, u *store.User) error {
	own, err := a.ownAccount(c.Request().Context(), x, u)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, own)
}

// UpdateCredentials changes the asker's own profile. What a client leaves out stays.
func (a *API) UpdateCredentials(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	change := profileChange(p)
	avatar, err := openFile(p.File("avatar"))
	if err != nil {
		return err
	}
	defer closeFile(c, avatar)
	header, err := openFile(p.File("header"))
	if err != nil {
		return err
	}
	defer closeFile(c, header)
	if avatar != nil {
		change.Avatar = avatar
	}
	if header != nil {
		change.Header = header
	}
	return a.changeProfile(c, change)
}

func (a *API) changeProfile(c echo.Context, change social.ProfileChange) error {
	ctx, who := c.Request().Context(), auth.From(c)
	x, err := a.s.UpdateProfile(ctx, who.Account, change)
	if err != nil {
		return err
	}
	u, err := a.db.User(ctx, x.ID)
	if err != nil {
		return err
	}
	return a.replyOwnAccount(c, x, u)
}

// profileChange reads what of a profile shall change, pictures left out.
func profileChange(p *Params) social.ProfileChange {
	change := social.ProfileChange{
		Name: p.TextIf("display_name"), Bio: p.TextIf("note"),
		AvatarAlt: p.TextIf("avatar_description"), HeaderAlt: p.TextIf("header_description"),
		Locked: p.FlagIf("locked"), Bot: p.FlagIf("bot"), Discoverable: p.FlagIf("discoverable"), Indexable: p.FlagIf("indexable"),
		HideCollections: p.FlagIf("hide_collections"), DefaultSensitive: p.FlagIf("source", "sensitive"),
		RemoveAvatar: p.Sent("avatar") && p.File("avatar") == nil && p.Text("avatar") == "",
		RemoveHeader: p.Sent("header") && p.File("header") == nil && p.Text("header") == "",
	}
	if t := p.Text("source", "privacy"); t != "" {
		v := visibilityFrom(t)
		change.DefaultVisibility = &v
	}
	if t := p.TextIf("source", "language"); t != nil {
		change.DefaultLanguage = t
	}
	if p.Sent("fields_attributes") {
		fields := []store.Field{}
		for _, item := range p.Items("fields_attributes") {
			fields = append(fields, store.Field{Name: item.Text("name"), Value: item.Text("value")})
		}
		change.Fields = &fields
	}
	return change
}

// openFile opens an uploaded file; nil for none.
func openFile(h *multipart.FileHeader) (io.ReadCloser, error) {
	if h == nil {
		return nil, nil //nolint:nilnil // no file is the usual case
	}
	return h.Open()
}

func closeFile(c echo.Context, f io.Closer) {
	if f == nil {
		return
	}
	if err := f.Close(); err != nil {
		c.Logger().Warn(err)
	}
}

// DeleteAvatar takes the asker's picture away.
func (a *API) DeleteAvatar(c echo.Context) error {
	return a.changeProfile(c, social.ProfileChange{RemoveAvatar: true})
}

// DeleteHeader takes the wide picture away.
func (a *API) DeleteHeader(c echo.Context) error {
	return a.changeProfile(c, social.ProfileChange{RemoveHeader: true})
}

// SignUp makes an account for somebody in an app, by the app's own token, and gives the token of the
// new account, which works once the mailbox is confirmed and the account let in.
func (a *API) SignUp(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	app := auth.From(c)
	if app.Account != nil {
		return social.ErrForbidden
	}
	ctx := c.Request().Context()
	x, err := a.s.Register(ctx, social.Registration{
		Handle: p.Text("username"), Email: p.Text("email"), Password: p.Text("password"), Language: p.Text("locale"),
		Reason: p.Text("reason"), Invite: p.Text("invite"), Agreed: p.Flag("agreement"),
	})
	if err != nil {
		return err
	}
	raw, hash := store.NewSecret()
	t := &store.Token{TokenHash: hash, AppID: app.Token.AppID, AccountID: x.ID, Scopes: app.Token.Scopes, CreatedAt: a.db.Now()}
	if err := a.db.Tx(ctx, func(tx *store.Tx) error { return tx.InsertToken(ctx, t) }); err != nil {
		return errors.Join(errors.New("the account was made, its token was not"), err)
	}
	return c.JSON(http.StatusOK, Token{AccessToken: raw, TokenType: "Bearer", Scope: t.Scopes, CreatedAt: t.CreatedAt.Unix()})
}

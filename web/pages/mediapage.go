package pages

import (
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cohort/federation"
	"cohort/social"
	"cohort/store"
)

// Pictures have random names or carry a key in their address: whoever has one was given it. None ever
// changes under its address.

// serve sends a picture. Nothing of it can run, whatever it is opened as.
func serve(c echo.Context, kind, tag string, stored time.Time, content io.ReadSeeker) error {
	h := c.Response().Header()
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(c.Response(), c.Request(), "", stored, content)
	return nil
}

// file serves a picture that is kept here.
func (p *Pages) file(c echo.Context) error {
	name := c.Param("name")
	kind, ok := store.FileType(name)
	if !ok {
		return store.ErrNotFound
	}
	content, _, stored, err := p.s.Files.Open(name)
	if err != nil {
		return err
	}
	defer p.close(content)
	return serve(c, kind, name, stored, content)
}

func (p *Pages) close(content io.Closer) {
	if err := content.Close(); err != nil {
		p.log.Debug("picture not closed", "error", err)
	}
}

// copied serves our copy of a picture elsewhere.
func (p *Pages) copied(c echo.Context, picture *federation.Picture, err error) error {
	if err != nil {
		return err
	}
	defer p.close(picture.Content)
	return serve(c, picture.MIME, picture.Name, picture.Stored, picture.Content)
}

// owner reads whose picture an address is for.
func (p *Pages) owner(c echo.Context) (*store.Account, error) {
	id, err := store.ParseID(c.Param("owner"))
	if err != nil {
		return nil, store.ErrNotFound
	}
	return p.db.Account(c.Request().Context(), id)
}

func (p *Pages) avatarCopy(c echo.Context) error {
	a, err := p.owner(c)
	if err == nil && !p.s.IsCopyKey(social.FormAvatar, a.AvatarRemote, c.Param("key")) {
		err = store.ErrNotFound
	}
	if err != nil {
		return err
	}
	picture, err := p.pictures.Avatar(c.Request().Context(), a)
	return p.copied(c, picture, err)
}

func (p *Pages) headerCopy(c echo.Context) error {
	a, err := p.owner(c)
	if err == nil && !p.s.IsCopyKey(social.FormHeader, a.HeaderRemote, c.Param("key")) {
		err = store.ErrNotFound
	}
	if err != nil {
		return err
	}
	picture, err := p.pictures.Header(c.Request().Context(), a)
	return p.copied(c, picture, err)
}

func (p *Pages) fullCopy(c echo.Context) error    { return p.attachment(c, social.FormFull) }
func (p *Pages) previewCopy(c echo.Context) error { return p.attachment(c, social.FormPreview) }

func (p *Pages) attachment(c echo.Context, form string) error {
	a, err := p.owner(c)
	if err != nil {
		return err
	}
	id, err := store.ParseID(c.Param("id"))
	if err != nil {
		return store.ErrNotFound
	}
	m, err := p.db.Media(c.Request().Context(), a.ID, id)
	if err == nil && !p.s.IsCopyKey(form, m.RemoteURL, c.Param("key")) {
		err = store.ErrNotFound
	}
	if err != nil {
		return err
	}
	picture, err := p.pictures.Attachment(c.Request().Context(), m, form == social.FormPreview)
	return p.copied(c, picture, err)
}

package api

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"cohort/social"
	"cohort/store"
	"cohort/web/auth"
)

// UploadMedia takes in a picture for a post to come. It is processed and stored when it is answered, so
// the answer of both versions of the endpoint is the same.
func (a *API) UploadMedia(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	header := p.File("file")
	if header == nil {
		return &social.Invalid{Field: "file", Key: "invalid.upload_broken"}
	}
	focus, err := focusOf(p.Text("focus"))
	if err != nil {
		return err
	}
	file, err := header.Open()
	if err != nil {
		return err
	}
	m, err := a.s.Upload(c.Request().Context(), auth.From(c).Account, file, p.Text("description"), focus)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, a.attachment(m))
}

// focusOf reads "x,y", each from -1 to 1.
func focusOf(text string) (social.Focus, error) {
	if text == "" {
		return social.Focus{}, nil
	}
	first, second, _ := strings.Cut(text, ",")
	x, errX := strconv.ParseFloat(strings.TrimSpace(first), 64)
	y, errY := strconv.ParseFloat(strings.TrimSpace(second), 64)
	if errX != nil || errY != nil || x != x || y != y {
		return social.Focus{}, echo.NewHTTPError(http.StatusUnprocessableEntity, "Validation failed: focus must be two numbers from -1 to 1")
	}
	return social.Focus{X: x, Y: y}, nil
}

// GetMedia shows a picture of one's own.
func (a *API) GetMedia(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	m, err := a.db.Media(c.Request().Context(), auth.From(c).Account.ID, id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, a.attachment(m))
}

// UpdateMedia changes the description or the focal point of a picture of one's own.
func (a *API) UpdateMedia(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	p, err := params(c)
	if err != nil {
		return err
	}
	var focus *social.Focus
	if text := p.TextIf("focus"); text != nil {
		f, err := focusOf(*text)
		if err != nil {
			return err
		}
		focus = &f
	}
	m, err := a.s.UpdateMedia(c.Request().Context(), auth.From(c).Account, id, p.TextIf("description"), focus)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, a.attachment(m))
}

// DeleteMedia removes a picture of one's own that belongs to no post.
func (a *API) DeleteMedia(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	ctx, me := c.Request().Context(), auth.From(c).Account.ID
	m, err := a.db.Media(ctx, me, id)
	if err != nil {
		return err
	}
	if m.PostID != 0 {
		return echo.NewHTTPError(http.StatusUnprocessableEntity, "The picture is part of a post")
	}
	if err := a.db.Tx(ctx, func(tx *store.Tx) error { return tx.DeleteMedia(ctx, me, id) }); err != nil {
		return err
	}
	a.s.DiscardFiles(ctx, m.File, m.Preview)
	return empty(c)
}

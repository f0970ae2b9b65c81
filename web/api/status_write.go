package api

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"cohort/social"
	"cohort/store"
	"cohort/web/auth"
)

// What a client may ask for and we do not do is refused, not ignored: a post that is published at once
// although it was meant for later cannot be taken back.
var (
	errScheduled = echo.NewHTTPError(http.StatusUnprocessableEntity, "Validation failed: this instance does not schedule posts")
	errPoll      = echo.NewHTTPError(http.StatusUnprocessableEntity, "Validation failed: this instance does not offer polls")
	errQuote     = echo.NewHTTPError(http.StatusUnprocessableEntity, "Validation failed: this instance does not offer quotes")
)

// errNoPicture refuses pictures that are not there, or not the asker's to use.
var errNoPicture = &social.Invalid{Field: "media_ids", Key: "invalid.picture_gone"}

// CreateStatus publishes a post. A key in Idempotency-Key makes a repeat of the request give the post
// that the first one made.
func (a *API) CreateStatus(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	who := auth.From(c)
	d, err := draftOf(p, who)
	if err != nil {
		return err
	}
	if key := c.Request().Header.Get("Idempotency-Key"); key != "" {
		sum := sha256.Sum256([]byte(key))
		d.IdempotencyKey = hex.EncodeToString(sum[:])
	}
	ctx := c.Request().Context()
	post, err := a.s.Publish(ctx, who.Account, d)
	if err != nil {
		return err
	}
	s, err := a.statusOf(ctx, who.Viewer(), post.ID)
	if err != nil {
		return err
	}
	return replyStatus(c, s)
}

// draftOf reads a new post. What a client leaves out is as the member prefers it.
func draftOf(p *Params, who *auth.Who) (social.Draft, error) {
	switch {
	case p.Text("scheduled_at") != "":
		return social.Draft{}, errScheduled
	case p.Has("poll", "options"):
		return social.Draft{}, errPoll
	case p.Text("quoted_status_id") != "" || p.Text("quote_id") != "":
		return social.Draft{}, errQuote
	}
	d := social.Draft{
		Text: p.Text("status"), Summary: p.Text("spoiler_text"), Sensitive: p.Flag("sensitive"),
		Visibility: visibilityFrom(p.Text("visibility")), Language: p.Text("language"), AppID: who.Token.AppID,
	}
	if u := who.User; u != nil {
		if d.Visibility == "" {
			d.Visibility = u.DefaultVisibility
		}
		if p.Text("sensitive") == "" {
			d.Sensitive = u.DefaultSensitive
		}
		if d.Language == "" {
			d.Language = u.DefaultLanguage
		}
	}
	var errReply, errCircle, errMedia error
	d.ReplyTo, errReply = p.ID("in_reply_to_id")
	d.Circle, errCircle = p.ID("circle_id")
	d.Media, errMedia = mediaIDs(p)
	return d, errors.Join(errReply, errCircle, errMedia)
}

// mediaIDs reads which pictures a post has. One that is no id is no picture, rather than left out.
func mediaIDs(p *Params) ([]store.ID, error) {
	var out []store.ID
	for _, t := range p.List("media_ids") {
		if t == "" {
			continue
		}
		id, err := store.ParseID(t)
		if err != nil {
			return nil, errNoPicture
		}
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out, nil
}

// UpdateStatus changes one's own post. What a client leaves out stays as it is.
func (a *API) UpdateStatus(c echo.Context) error {
	p, err := params(c)
	if err != nil {
		return err
	}
	post, err := a.ownPost(c)
	if err != nil {
		return err
	}
	if p.Has("poll", "options") {
		return errPoll
	}
	ctx, who := c.Request().Context(), auth.From(c)
	d, err := a.changeOf(c, p, post)
	if err != nil {
		return err
	}
	if err := a.describeMedia(c, p, d.Media); err != nil {
		return err
	}
	if _, err := a.s.Edit(ctx, who.Account, post.ID, d); err != nil {
		return err
	}
	s, err := a.statusOf(ctx, who.Viewer(), post.ID)
	if err != nil {
		return err
	}
	return replyStatus(c, s)
}

// changeOf reads how a post shall read from now on.
func (a *API) changeOf(c echo.Context, p *Params, post *store.Post) (social.Draft, error) {
	d := social.Draft{Text: post.Source, Summary: post.Summary, Sensitive: post.Sensitive, Language: p.Text("language")}
	if t := p.TextIf("status"); t != nil {
		d.Text = *t
	}
	if t := p.TextIf("spoiler_text"); t != nil {
		d.Summary = *t
	}
	if f := p.FlagIf("sensitive"); f != nil {
		d.Sensitive = *f
	}
	var err error
	if p.Sent("media_ids") {
		d.Media, err = mediaIDs(p)
		return d, err
	}
	views, err := a.db.Views(c.Request().Context(), auth.From(c).Viewer(), []*store.Post{post})
	if err != nil {
		return d, err
	}
	for _, v := range views {
		for i := range v.Media {
			d.Media = append(d.Media, v.Media[i].ID)
		}
	}
	return d, nil
}

// describeMedia gives the pictures of a post new descriptions and focal points.
func (a *API) describeMedia(c echo.Context, p *Params, of []store.ID) error {
	for _, item := range p.Items("media_attributes") {
		id, err := item.ID("id")
		if err != nil || !slices.Contains(of, id) {
			return errNoPicture
		}
		var focus *social.Focus
		if t := item.Text("focus"); t != "" {
			f, err := focusOf(t)
			if err != nil {
				return err
			}
			focus = &f
		}
		if _, err := a.s.UpdateMedia(c.Request().Context(), auth.From(c).Account, id, item.TextIf("description"), focus); err != nil {
			return err
		}
	}
	return nil
}

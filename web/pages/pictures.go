package pages

import (
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"

	"cohort/social"
	"cohort/store"
)

// pictures takes in the pictures of a composer's form, new ones and those that came before, in the
// order of their places. Those taken in stand in c.Media afterwards, also when one fails, so that none
// has to be chosen again. post is the post that is edited, 0 for a new one.
func (v *visit) pictures(ctx context.Context, c *Composer, post store.ID) ([]store.ID, error) {
	c.Media = nil
	var ids []store.ID
	var failed error
	for n := 1; n <= social.MaxAttachments; n++ {
		m, err := v.picture(ctx, n, post)
		if err != nil && !isInvalid(err) && !isLimited(err) {
			return nil, err
		}
		if err != nil && failed == nil {
			failed = err
		}
		shown := MediaView{}
		if m != nil {
			ids = append(ids, m.ID)
			shown = v.p.mediaView(m)
		}
		// What was typed stays, also where there is no picture yet.
		if err != nil || m == nil {
			focus := readFocus(v.form("focus" + strconv.Itoa(n)))
			shown.Alt, shown.FocusX, shown.FocusY = v.form("alt"+strconv.Itoa(n)), focus.X, focus.Y
		}
		if m != nil || shown.Alt != "" && !v.ticked("drop"+strconv.Itoa(n)) {
			c.Media = append(c.Media, shown)
		}
	}
	return ids, failed
}

// picture is what one numbered place of the form holds, nil for nothing.
func (v *visit) picture(ctx context.Context, n int, post store.ID) (*store.Media, error) {
	name := func(field string) string { return field + strconv.Itoa(n) }
	alt, focus := v.form(name("alt")), readFocus(v.form(name("focus")))
	if kept := v.form(name("keep")); kept != "" {
		if v.ticked(name("drop")) {
			return nil, nil //nolint:nilnil // taken out
		}
		return v.keptPicture(ctx, kept, alt, focus, post)
	}
	file, err := v.upload(name("file"))
	if err != nil || file == nil {
		return nil, err
	}
	defer func() {
		if err := file.Close(); err != nil {
			v.p.log.Debug("uploaded file not closed", "error", err)
		}
	}()
	if err := v.spend(social.LimitMedia); err != nil {
		return nil, err
	}
	return v.p.s.Upload(ctx, v.me, file, alt, focus)
}

// keptPicture is one that was taken in before, if it is the member's own and free for this post.
func (v *visit) keptPicture(ctx context.Context, raw, alt string, focus social.Focus, post store.ID) (*store.Media, error) {
	id, err := store.ParseID(raw)
	if err != nil {
		return nil, &social.Invalid{Field: "media", Key: "invalid.picture_gone"}
	}
	m, err := v.p.db.Media(ctx, v.me.ID, id)
	if isNotFound(err) || err == nil && m.PostID != 0 && m.PostID != post {
		return nil, &social.Invalid{Field: "media", Key: "invalid.picture_gone"}
	}
	if err != nil {
		return nil, err
	}
	if m.Alt == alt && m.FocusX == focus.X && m.FocusY == focus.Y {
		return m, nil
	}
	changed, err := v.p.s.UpdateMedia(ctx, v.me, id, &alt, &focus)
	if err != nil {
		return m, err // the picture is there, its description is what is wrong
	}
	return changed, nil
}

// upload opens a file of the form; nil if none was chosen.
func (v *visit) upload(name string) (multipart.File, error) {
	header, err := v.FormFile(name)
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		return nil, nil //nolint:nilnil // nothing was chosen
	}
	if err != nil {
		return nil, fmt.Errorf("upload: %w", err)
	}
	if header.Size == 0 {
		return nil, nil //nolint:nilnil // what some browsers send for nothing chosen
	}
	return header.Open()
}

// readFocus reads "x,y"; what cannot be read is the middle.
func readFocus(raw string) social.Focus {
	left, right, _ := strings.Cut(raw, ",")
	x, errX := strconv.ParseFloat(left, 64)
	y, errY := strconv.ParseFloat(right, 64)
	if errX != nil || errY != nil || x != x || y != y {
		return social.Focus{}
	}
	return social.Focus{X: max(-1, min(1, x)), Y: max(-1, min(1, y))}
}

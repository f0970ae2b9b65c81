package pages

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"cohort/social"
	"cohort/store"
)

// composerFields are the fields of the composer that an error can be about.
var composerFields = []string{"text", "summary", "media", "language", "visibility"}

// compose is the form for a new post: reply=ID answers a post, to=c/slug or to=@handle sets whom it
// is for, text what it begins with.
func (p *Pages) compose(v *visit) error {
	ctx := v.Request().Context()
	if raw := v.QueryParam("reply"); raw != "" {
		c, err := v.composerFor(ctx, raw)
		if err != nil {
			return err
		}
		if c.Reply != nil {
			c.CancelURL = c.Reply.URL
		}
		return v.show(http.StatusOK, "compose", &PostFormPage{Composer: *c})
	}
	c, err := v.composer(ctx)
	if err != nil {
		return err
	}
	c.Sensitive = v.user.DefaultSensitive
	c.Text = social.CleanText(v.QueryParam("text"), social.MaxCharacters)
	to := v.QueryParam("to")
	switch {
	case strings.HasPrefix(to, "c/"):
		if !offers(c, to) {
			return store.ErrNotFound
		}
		c.Chosen, c.CancelURL = to, "/"+to
	case strings.HasPrefix(to, "@"):
		handle, host, err := social.ParseAddress(to)
		if err != nil {
			return store.ErrNotFound
		}
		name := "@" + handle
		if host != "" && host != p.s.Config.Domain {
			name += "@" + host
		}
		c.Text, c.Chosen, c.CancelURL = name+" "+c.Text, Direct, "/"+name
	}
	return v.show(http.StatusOK, "compose", &PostFormPage{Composer: *c})
}

// offers tells whether an audience is among those of a form.
func offers(c *Composer, value string) bool {
	for _, a := range c.Audiences {
		if a.Value() == value {
			return true
		}
	}
	return false
}

// composerFor is the form for an answer to the post with that id, or for a new post if raw is empty.
func (v *visit) composerFor(ctx context.Context, raw string) (*Composer, error) {
	if raw == "" {
		return v.composer(ctx)
	}
	id, err := store.ParseID(raw)
	if err != nil {
		return nil, store.ErrNotFound
	}
	post, _, err := v.readPost(ctx, id)
	if err != nil {
		return nil, err
	}
	shown, err := v.posts(ctx, []*store.Post{post})
	if err != nil {
		return nil, err
	}
	if len(shown) == 0 {
		return nil, store.ErrNotFound
	}
	c, err := v.replyComposer(ctx, post, shown[0])
	if err == nil && c == nil {
		err = store.ErrNotFound
	}
	return c, err
}

// publish takes the form of a new post. Whatever is wrong with it, the form comes back with all that
// was typed and every picture that was taken in.
func (p *Pages) publish(v *visit) error {
	ctx := v.Request().Context()
	c, err := v.composerFor(ctx, v.form("reply"))
	gone := errors.Is(err, store.ErrNotFound)
	if gone {
		c, err = v.composer(ctx)
	}
	if err != nil {
		return err
	}
	v.typed(c)
	media, err := v.pictures(ctx, c, 0)
	if err == nil && gone {
		err = &social.Invalid{Field: "text", Key: "invalid.reply_gone"}
	}
	if err != nil {
		return v.showForm("compose", &PostFormPage{Composer: *c}, err, composerFields...)
	}
	draft, err := v.draft(c, media)
	if err == nil {
		err = v.spend(social.LimitPost)
	}
	var post *store.Post
	if err == nil {
		post, err = p.s.Publish(ctx, v.me, draft)
	}
	if errors.Is(err, store.ErrNotFound) {
		err = &social.Invalid{Field: "visibility", Key: "invalid.visibility"} // no longer mine to write to
	}
	if err != nil {
		return v.showForm("compose", &PostFormPage{Composer: *c}, err, composerFields...)
	}
	return v.to(postURL(v.me, post.ID))
}

// typed fills a form with what was typed.
func (v *visit) typed(c *Composer) {
	c.Text = strings.ReplaceAll(v.form("text"), "\r\n", "\n")
	c.Summary = v.form("summary")
	c.Sensitive = v.ticked("sensitive")
	if lang := v.form("language"); knownLanguage(c.Languages, lang) {
		c.Language = lang
	}
	if key := v.form("key"); key != "" && len(key) <= 64 {
		c.Key = key
	}
	if chosen := v.form("visibility"); offers(c, chosen) {
		c.Chosen = chosen
	}
}

// checkLanguage refuses a language that the form did not offer.
func (v *visit) checkLanguage(c *Composer) error {
	if lang := v.form("language"); lang != "" && !knownLanguage(c.Languages, lang) {
		return &social.Invalid{Field: "language", Key: "invalid.language"}
	}
	return nil
}

func knownLanguage(all []string, lang string) bool {
	for _, l := range all {
		if l == lang {
			return true
		}
	}
	return false
}

// draft is what social is asked to publish. An audience that is not among those offered is refused,
// never replaced by another one.
func (v *visit) draft(c *Composer, media []store.ID) (social.Draft, error) {
	d := social.Draft{
		Text: c.Text, Summary: c.Summary, Language: c.Language, Sensitive: c.Sensitive, Media: media, IdempotencyKey: "page " + c.Key,
	}
	if err := v.checkLanguage(c); err != nil {
		return d, err
	}
	chosen := v.form("visibility")
	if !offers(c, chosen) {
		return d, &social.Invalid{Field: "visibility", Key: "invalid.visibility"}
	}
	if c.Reply != nil {
		id, err := store.ParseID(c.Reply.ID)
		if err != nil {
			return d, err
		}
		d.ReplyTo = id
	}
	slug, circle := strings.CutPrefix(chosen, "c/")
	if !circle {
		d.Visibility = chosen
		return d, nil
	}
	handle, host, err := social.ParseAddress(slug)
	if err != nil {
		return d, &social.Invalid{Field: "visibility", Key: "invalid.visibility"}
	}
	a, err := v.p.db.AccountByHandle(v.Request().Context(), handle, host)
	if err != nil {
		return d, err
	}
	d.Circle = a.ID
	return d, nil
}

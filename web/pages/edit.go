package pages

import (
	"context"
	"errors"
	"net/http"

	"cohort/social"
	"cohort/store"
)

// ownPost reads a post of the member's own. Anybody else's is not there.
func (v *visit) ownPost(ctx context.Context) (*store.Post, PostView, error) {
	id, err := v.id()
	if err != nil {
		return nil, PostView{}, err
	}
	post, err := v.p.db.PostAuthored(ctx, v.me.ID, id)
	if err != nil {
		return nil, PostView{}, err
	}
	if post.BoostOfID != 0 {
		return nil, PostView{}, store.ErrNotFound
	}
	shown, err := v.posts(ctx, []*store.Post{post})
	if err == nil && len(shown) != 1 {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, PostView{}, err
	}
	v.countAudience(ctx, post, &shown[0])
	return post, shown[0], nil
}

// editComposer is the form for a post as it is.
func (v *visit) editComposer(post *store.Post, shown PostView) *Composer {
	c := &Composer{
		Action: "/posts/" + shown.ID + "/edit", Text: post.Source, Summary: post.Summary, Sensitive: post.Sensitive && post.Summary == "",
		Audiences: []Audience{shown.Audience}, Chosen: shown.Audience.Value(), Language: post.Language, Languages: v.writtenLanguages(),
		Edit: true, Media: shown.Media, MaxMedia: social.MaxAttachments, MaxChars: social.MaxCharacters, CancelURL: shown.URL,
	}
	if post.CircleID != 0 {
		c.MaxMedia = 0
	}
	if c.Language == "" {
		c.Language = v.writesIn()
	}
	if !knownLanguage(c.Languages, c.Language) {
		c.Languages = append([]string{c.Language}, c.Languages...)
	}
	return c
}

func (p *Pages) edit(v *visit) error {
	post, shown, err := v.ownPost(v.Request().Context())
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "edit", &PostFormPage{Composer: *v.editComposer(post, shown)})
}

func (p *Pages) saveEdit(v *visit) error {
	ctx := v.Request().Context()
	post, shown, err := v.ownPost(ctx)
	if err != nil {
		return err
	}
	c := v.editComposer(post, shown)
	chosen := c.Chosen
	v.typed(c)
	c.Chosen = chosen
	media, err := v.pictures(ctx, c, post.ID)
	if err == nil {
		err = v.checkLanguage(c)
	}
	if err == nil {
		err = v.spend(social.LimitPost)
	}
	if err == nil {
		_, err = p.s.Edit(ctx, v.me, post.ID, social.Draft{
			Text: c.Text, Summary: c.Summary, Language: c.Language, Sensitive: c.Sensitive, Media: media,
		})
	}
	if err != nil {
		return v.showForm("edit", &PostFormPage{Composer: *c}, err, composerFields...)
	}
	v.tell("flash.edited")
	return v.to(shown.URL)
}

func (p *Pages) askDelete(v *visit) error {
	_, shown, err := v.ownPost(v.Request().Context())
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "delete", &DeletePage{Post: shown})
}

func (p *Pages) delete(v *visit) error {
	ctx := v.Request().Context()
	post, shown, err := v.ownPost(ctx)
	if err != nil {
		return err
	}
	if err := v.spend(social.LimitDelete); err != nil {
		return err
	}
	if _, err := p.s.DeletePost(ctx, v.me, post.ID); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	v.tell("flash.deleted")
	if c := shown.Audience.Circle; c != nil {
		return v.to(c.URL)
	}
	return v.to("/")
}

package api

import (
	"errors"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"cohort/social"
	"cohort/store"
	"cohort/web/auth"
	"cohort/web/reply"
)

// HomeTimeline is what the asker follows, and the circles she sits in.
func (a *API) HomeTimeline(c echo.Context) error {
	page, err := reply.Page(c, 20, 40)
	if err != nil {
		return err
	}
	posts, err := a.db.Home(c.Request().Context(), auth.From(c).ID(), page)
	if err != nil {
		return err
	}
	return a.replyPosts(c, posts)
}

// publicFilter reads which public posts are wanted.
func publicFilter(c echo.Context) (*Params, store.PublicFilter, error) {
	p, err := params(c)
	if err != nil {
		return nil, store.PublicFilter{}, err
	}
	return p, store.PublicFilter{Local: p.Flag("local"), Remote: p.Flag("remote"), OnlyMedia: p.Flag("only_media")}, nil
}

// PublicTimeline is what everybody may see, from here and elsewhere.
func (a *API) PublicTimeline(c echo.Context) error {
	page, err := reply.Page(c, 20, 40)
	if err != nil {
		return err
	}
	_, f, err := publicFilter(c)
	if err != nil {
		return err
	}
	posts, err := a.db.Public(c.Request().Context(), auth.From(c).Viewer(), page, f)
	if err != nil {
		return err
	}
	return a.replyPosts(c, posts)
}

// maxTags bounds the tags of one timeline.
const maxTags = 4

// TagTimeline is what is public under a tag, or under any of some; all[] and none[] narrow it.
func (a *API) TagTimeline(c echo.Context) error {
	page, err := reply.Page(c, 20, 40)
	if err != nil {
		return err
	}
	p, f, err := publicFilter(c)
	if err != nil {
		return err
	}
	names := append([]string{c.Param("hashtag")}, p.List("any")...)
	if len(names) > maxTags || len(p.List("all")) > maxTags || len(p.List("none")) > maxTags {
		return echo.NewHTTPError(http.StatusUnprocessableEntity, "Validation failed: too many tags")
	}
	all, without := normalTags(p.List("all")), normalTags(p.List("none"))
	var merged store.Posts
	for _, tag := range normalTags(names) {
		found, err := a.db.Tag(c.Request().Context(), auth.From(c).Viewer(), tag, page, f)
		if err != nil {
			return err
		}
		merged = mergePosts(merged, found, page)
	}
	if len(all)+len(without) == 0 {
		return a.replyPosts(c, merged)
	}
	statuses, err := a.viewsOf(c.Request().Context(), auth.From(c).Viewer(), merged.Items)
	if err != nil {
		return err
	}
	statuses = slices.DeleteFunc(statuses, func(s *Status) bool {
		has := func(tag string) bool {
			return slices.ContainsFunc(s.Tags, func(t StatusTag) bool { return t.Name == tag })
		}
		return slices.ContainsFunc(without, has) || slices.ContainsFunc(all, func(tag string) bool { return !has(tag) })
	})
	reply.Links(c, a.base, merged.Next, merged.Prev)
	return replyStatuses(c, statuses)
}

// GetTag gives a tag by itself. How often it is used is not counted.
func (a *API) GetTag(c echo.Context) error {
	name := social.NormalizeTag(c.Param("name"))
	if name == "" {
		return store.ErrNotFound
	}
	tag := a.foundTag(name)
	if auth.From(c).Account != nil {
		not := false
		tag.Following, tag.Featuring = &not, &not
	}
	return c.JSON(http.StatusOK, tag)
}

// normalTags are the stored forms of tags, each once; what is no tag is left out.
func normalTags(names []string) []string {
	var out []string
	for _, name := range names {
		if tag := social.NormalizeTag(name); tag != "" && !slices.Contains(out, tag) {
			out = append(out, tag)
		}
	}
	return out
}

// mergePosts puts two pages of the same bounds together into one of them. A cursor is never beyond what
// is on the page, so that nothing between is skipped.
func mergePosts(x, y store.Posts, p store.Page) store.Posts {
	if len(x.Items) == 0 && x.Next == 0 {
		return y
	}
	items := slices.Concat(x.Items, y.Items)
	slices.SortFunc(items, func(m, n *store.Post) int { return int(max(-1, min(1, n.ID-m.ID))) })
	items = slices.CompactFunc(items, func(m, n *store.Post) bool { return m.ID == n.ID })
	out := store.Posts{Items: items, Next: max(x.Next, y.Next)}
	if limit := p.Limit; len(items) > limit {
		if p.MinID != 0 {
			out.Items = items[len(items)-limit:]
		} else {
			out.Items = items[:limit]
		}
		out.Next = out.Items[len(out.Items)-1].ID
	}
	if len(out.Items) > 0 {
		out.Prev = out.Items[0].ID
	}
	return out
}

// ListTimeline is the timeline of a list, which is a circle the asker sits in.
func (a *API) ListTimeline(c echo.Context) error {
	page, err := reply.Page(c, 20, 40)
	if err != nil {
		return err
	}
	circle, err := a.ownCircle(c)
	if err != nil {
		return err
	}
	posts, err := a.db.CirclePosts(c.Request().Context(), auth.From(c).Viewer(), circle.ID, page)
	if err != nil {
		return err
	}
	return a.replyPosts(c, posts)
}

// errFixedList refuses to change lists.
var errFixedList = echo.NewHTTPError(http.StatusUnprocessableEntity, "Validation failed: lists are the circles you sit in and cannot be changed here")

// Lists lists the circles the asker sits in.
func (a *API) Lists(c echo.Context) error {
	circles, err := a.db.CirclesOf(c.Request().Context(), auth.From(c).ID())
	if err != nil {
		return err
	}
	made := []List{}
	for _, m := range circles {
		if m.Circle.Live() && m.Membership.Current(a.db.Now()) {
			made = append(made, listOf(m.Circle))
		}
	}
	return c.JSON(http.StatusOK, made)
}

func listOf(circle *store.Account) List {
	title := circle.Name
	if title == "" {
		title = circle.Handle
	}
	return List{ID: ID(circle.ID), Title: title, RepliesPolicy: "list"}
}

// ownCircle is the circle in the path, if the asker sits in it.
func (a *API) ownCircle(c echo.Context) (*store.Account, error) {
	id, err := pathID(c)
	if err != nil {
		return nil, err
	}
	ctx, v := c.Request().Context(), auth.From(c).Viewer()
	sits, err := a.db.MaySit(ctx, v, id)
	if err != nil {
		return nil, err
	}
	if !sits {
		return nil, store.ErrNotFound
	}
	circle, err := a.db.ShownAccount(ctx, v, id)
	if err == nil && circle.Kind != store.KindCircle {
		err = store.ErrNotFound
	}
	return circle, err
}

// GetList gives one of the lists.
func (a *API) GetList(c echo.Context) error {
	circle, err := a.ownCircle(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, listOf(circle))
}

// ListAccounts lists who sits in a circle of the asker's, as far as its members are known here.
func (a *API) ListAccounts(c echo.Context) error {
	page, err := reply.Page(c, 40, 80)
	if err != nil {
		return err
	}
	circle, err := a.ownCircle(c)
	if err != nil {
		return err
	}
	members, next, err := a.db.Members(c.Request().Context(), auth.From(c).Viewer(), circle.ID, page)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return a.replyPeople(c, members, next)
}

// CreateList refuses: circles are not made this way.
func (a *API) CreateList(echo.Context) error { return errFixedList }

// ChangeList refuses to change one of the asker's lists; any other is not found.
func (a *API) ChangeList(c echo.Context) error {
	if _, err := a.ownCircle(c); err != nil {
		return err
	}
	return errFixedList
}

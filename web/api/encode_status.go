package api

import "strconv"

// What no account or post here has.
const (
	emptyList  = `[]`
	jsonNull   = `null`
	deniedJSON = `{"automatic":[],"manual":[],"current_user":"denied"}`
)

func appendAccount(b []byte, a *Account) []byte {
	if a == nil {
		return append(b, jsonNull...)
	}
	o := begin(b)
	o.id("id", a.ID)
	o.str("username", a.Username)
	o.str("acct", a.Acct)
	o.text("url", a.URL)
	o.str("uri", a.URI)
	o.str("display_name", a.DisplayName)
	o.str("note", a.Note)
	o.str("avatar", a.Avatar)
	o.str("avatar_static", a.AvatarStatic)
	o.str("avatar_description", a.AvatarDescription)
	o.str("header", a.Header)
	o.str("header_static", a.HeaderStatic)
	o.str("header_description", a.HeaderDescription)
	o.flag("locked", a.Locked)
	o.key("fields")
	o.b = list(o.b, a.Fields, appendField)
	o.raw("emojis", emptyList)
	o.flag("bot", a.Bot)
	o.flag("group", a.Group)
	o.flag("discoverable", a.Discoverable)
	o.flag("indexable", a.Indexable)
	if a.Limited {
		o.flag("limited", true)
	}
	o.stamp("created_at", a.CreatedAt)
	o.key("last_status_at")
	o.b = appendDay(o.b, a.LastStatusAt)
	o.int("statuses_count", a.StatusesCount)
	o.int("followers_count", a.FollowersCount)
	o.int("following_count", a.FollowingCount)
	if a.HideCollections == nil {
		o.raw("hide_collections", jsonNull)
	} else {
		o.flag("hide_collections", *a.HideCollections)
	}
	o.flag("show_media", a.ShowMedia)
	o.flag("show_media_replies", a.ShowMediaReplies)
	o.flag("show_featured", a.ShowFeatured)
	o.raw("roles", emptyList)
	o.raw("feature_approval", deniedJSON)
	return o.end()
}

func appendField(b []byte, f Field) []byte {
	o := begin(b)
	o.str("name", f.Name)
	o.str("value", f.Value)
	o.stamp("verified_at", f.VerifiedAt)
	return o.end()
}

func appendMedia(b []byte, m *MediaAttachment) []byte {
	o := begin(b)
	o.id("id", m.ID)
	o.str("type", m.Type)
	o.text("url", m.URL)
	o.text("preview_url", m.PreviewURL)
	o.text("remote_url", m.RemoteURL)
	o.key("meta")
	meta := begin(o.b)
	if f := m.Meta.Focus; f != nil {
		meta.key("focus")
		focus := begin(meta.b)
		focus.key("x")
		focus.b = strconv.AppendFloat(focus.b, f.X, 'f', -1, 64)
		focus.key("y")
		focus.b = strconv.AppendFloat(focus.b, f.Y, 'f', -1, 64)
		meta.b = focus.end()
	}
	appendSize(&meta, "original", m.Meta.Original)
	appendSize(&meta, "small", m.Meta.Small)
	o.b = meta.end()
	o.text("description", m.Description)
	o.text("blurhash", m.Blurhash)
	return o.end()
}

func appendSize(o *object, name string, s *MediaSize) {
	if s == nil {
		return
	}
	o.key(name)
	size := begin(o.b)
	size.int("width", int64(s.Width))
	size.int("height", int64(s.Height))
	size.str("size", s.Size)
	size.key("aspect")
	size.b = strconv.AppendFloat(size.b, s.Aspect, 'f', -1, 64)
	o.b = size.end()
}

func appendMention(b []byte, m Mention) []byte {
	o := begin(b)
	o.id("id", m.ID)
	o.str("username", m.Username)
	o.str("url", m.URL)
	o.str("acct", m.Acct)
	return o.end()
}

func appendTag(b []byte, t StatusTag) []byte {
	o := begin(b)
	o.str("name", t.Name)
	o.str("url", t.URL)
	return o.end()
}

func appendStatus(b []byte, s *Status) []byte {
	if s == nil {
		return append(b, jsonNull...)
	}
	o := begin(b)
	o.id("id", s.ID)
	o.str("uri", s.URI)
	o.stamp("created_at", s.CreatedAt)
	o.key("account")
	o.b = appendAccount(o.b, s.Account)
	o.str("content", s.Content)
	o.str("visibility", s.Visibility)
	o.id("circle_id", s.CircleID)
	o.flag("sensitive", s.Sensitive)
	o.str("spoiler_text", s.SpoilerText)
	appendAround(&o, s)
	o.int("reblogs_count", s.ReblogsCount)
	o.int("favourites_count", s.FavouritesCount)
	o.int("quotes_count", s.QuotesCount)
	o.int("replies_count", s.RepliesCount)
	o.text("url", s.URL)
	o.id("in_reply_to_id", s.InReplyToID)
	o.id("in_reply_to_account_id", s.InReplyToAccountID)
	o.key("reblog")
	o.b = appendStatus(o.b, s.Reblog)
	o.raw("poll", jsonNull)
	o.raw("card", jsonNull)
	o.text("language", s.Language)
	if s.Text == nil {
		o.raw("text", jsonNull)
	} else {
		o.str("text", *s.Text)
	}
	o.stamp("edited_at", s.EditedAt)
	o.raw("quote", jsonNull)
	o.raw("quote_approval", deniedJSON)
	o.raw("tagged_collections", emptyList)
	if m := s.Marks; m != nil {
		o.flag("favourited", m.Favourited)
		o.flag("reblogged", m.Reblogged)
		o.flag("muted", m.Muted)
		o.flag("bookmarked", m.Bookmarked)
		o.flag("pinned", m.Pinned)
		o.raw("filtered", emptyList)
	}
	return o.end()
}

// appendAround writes what stands around a post's text.
func appendAround(o *object, s *Status) {
	o.key("media_attachments")
	o.b = list(o.b, s.MediaAttachments, appendMedia)
	if s.Application != nil {
		o.key("application")
		app := begin(o.b)
		app.str("name", s.Application.Name)
		app.text("website", s.Application.Website)
		o.b = app.end()
	}
	o.key("mentions")
	o.b = list(o.b, s.Mentions, appendMention)
	o.key("tags")
	o.b = list(o.b, s.Tags, appendTag)
	o.raw("emojis", emptyList)
}

func appendNotification(b []byte, n *Notification) []byte {
	o := begin(b)
	o.id("id", n.ID)
	o.str("type", n.Type)
	o.str("group_key", n.GroupKey)
	o.stamp("created_at", n.CreatedAt)
	o.key("account")
	o.b = appendAccount(o.b, n.Account)
	if n.Status != nil {
		o.key("status")
		o.b = appendStatus(o.b, n.Status)
	}
	return o.end()
}

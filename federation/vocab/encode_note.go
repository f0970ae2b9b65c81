package vocab

import (
	"net/url"
	"strings"

	"github.com/go-fed/activity/streams"
)

// EncodeNote writes a note as a document of its own.
//
// Errors: ErrUnfit when it has no id, an id that is no absolute URI, or a type
// other than Note, Article and Page.
func EncodeNote(n *Note) ([]byte, error) {
	m, err := buildNote(n)
	if err != nil {
		return nil, err
	}
	return encode(m, false)
}

func newText(typ string) asObject {
	switch typ {
	case "", "Note":
		return streams.NewActivityStreamsNote()
	case "Article":
		return streams.NewActivityStreamsArticle()
	case "Page":
		return streams.NewActivityStreamsPage()
	}
	return nil
}

func buildNote(n *Note) (map[string]any, error) {
	if n == nil {
		return nil, unfit("no note")
	}
	t := newText(n.Type)
	if t == nil {
		return nil, unfit("a note of type " + n.Type)
	}
	d := newDraft(t)
	d.id(n.ID)
	d.url(n.URL)
	d.attributedTo(n.AttributedTo)
	d.name(n.Name)
	d.summary(n.Summary)
	d.content(n.Content)
	if n.Language != "" && n.Content != "" {
		d.extra["contentMap"] = map[string]any{n.Language: n.Content}
	}
	d.extra["sensitive"] = n.Sensitive
	d.published(n.Published)
	d.updated(n.Updated)
	d.recipients(n.To, n.Cc, n.Audience)
	d.iri("inReplyTo", n.InReplyTo, func(u *url.URL) {
		p := streams.NewActivityStreamsInReplyToProperty()
		p.AppendIRI(u)
		t.SetActivityStreamsInReplyTo(p)
	})
	d.iri("context", n.Context, func(u *url.URL) {
		p := streams.NewActivityStreamsContextProperty()
		p.AppendIRI(u)
		t.SetActivityStreamsContext(p)
	})
	d.iri("replies", n.Replies, func(u *url.URL) {
		p := streams.NewActivityStreamsRepliesProperty()
		p.SetIRI(u)
		t.SetActivityStreamsReplies(p)
	})
	d.list("tag", d.tags(n))
	d.list("attachment", d.attachments(n.Attachments))
	return d.done()
}

// tags answers the mentions, hashtags and emojis of a note. go-fed drops the
// list of one and has no Hashtag, so they are built one by one.
func (d *draft) tags(n *Note) []any {
	list := make([]any, 0, len(n.Mentions)+len(n.Hashtags)+len(n.Emojis))
	for _, m := range n.Mentions {
		if !isURI(m.Href) {
			d.fail("a mention without an absolute URI")
			continue
		}
		list = append(list, map[string]any{"type": "Mention", "href": m.Href, "name": m.Name})
	}
	for _, name := range n.Hashtags {
		tag := map[string]any{"type": "Hashtag", "name": "#" + name}
		if n.HashtagBase != "" {
			tag["href"] = n.HashtagBase + url.PathEscape(name)
		}
		list = append(list, tag)
	}
	for _, e := range n.Emojis {
		if item := d.emoji(e); item != nil {
			list = append(list, item)
		}
	}
	return list
}

func (d *draft) emoji(e Emoji) map[string]any {
	t := newDraft(streams.NewTootEmoji())
	if e.ID != "" {
		t.id(e.ID)
	}
	t.name(":" + strings.Trim(e.Shortcode, ":") + ":")
	t.updated(e.Updated)
	t.extra["icon"] = d.image(Image{URL: e.URL, MediaType: e.MediaType})
	return d.part(t)
}

// part finishes an object inside d's; its error becomes d's.
func (d *draft) part(inner *draft) map[string]any {
	m, err := inner.done()
	if err != nil && d.err == nil {
		d.err = err
	}
	return m
}

// image answers an avatar, header or emoji picture.
func (d *draft) image(i Image) map[string]any {
	t := newDraft(streams.NewActivityStreamsImage())
	t.file(i.URL, i.MediaType, i.Alt)
	return d.part(t)
}

// file sets what every picture and file has. The text alternative is written
// twice, because peers look for it in different places.
func (d *draft) file(address, mediaType, alt string) {
	if address == "" {
		d.fail("a file without an address")
	}
	d.url(address)
	d.mediaType(mediaType)
	d.name(alt)
	d.summary(alt)
}

func (d *draft) attachments(files []Attachment) []any {
	list := make([]any, 0, len(files))
	for _, a := range files {
		var t asObject = streams.NewActivityStreamsDocument()
		if a.Type == "Image" {
			t = streams.NewActivityStreamsImage()
		}
		f := newDraft(t)
		f.file(a.URL, a.MediaType, a.Name)
		if a.Blurhash != "" {
			f.extra["blurhash"] = a.Blurhash
		}
		if a.Width > 0 && a.Height > 0 {
			f.extra["width"], f.extra["height"] = a.Width, a.Height
		}
		if a.FocalX != 0 || a.FocalY != 0 {
			f.extra["focalPoint"] = []any{clampUnit(a.FocalX), clampUnit(a.FocalY)}
		}
		list = append(list, d.part(f))
	}
	return list
}

package vocab

import "strings"

// readTags sorts the tags of a note into mentions, hashtags and emojis; other
// tags are passed over.
func (n *Note) readTags(v value) {
	for x := range v.upTo(maxTags) {
		var t tag
		t.read(x)
		switch {
		case t.typ == "Mention" && len(n.Mentions) < maxMentions:
			if t.href != "" || t.name != "" {
				n.Mentions = append(n.Mentions, Mention{Href: t.href, Name: t.name})
			}
		case t.typ == "Hashtag":
			if name := strings.TrimPrefix(t.name, "#"); name != "" {
				n.Hashtags = append(n.Hashtags, name)
			}
		case t.typ == "Emoji" && len(n.Emojis) < maxEmojis:
			if emoji, ok := t.emoji(); ok {
				n.Emojis = append(n.Emojis, emoji)
			}
		}
	}
}

// tag is what any kind of tag may say.
type tag struct {
	typ, name, href   string
	id, icon, updated value
}

func (t *tag) read(v value) {
	for key, x := range v.members() {
		switch string(key) {
		case "type":
			t.typ, _ = x.typeOf()
		case "name":
			t.name = x.text()
		case "href":
			t.href = x.oneID()
		case "id":
			t.id = x
		case "icon":
			t.icon = x
		case "updated":
			t.updated = x
		}
	}
}

func (t *tag) emoji() (Emoji, bool) {
	icon := readImage(t.icon)
	e := Emoji{
		ID:        t.id.oneID(),
		Shortcode: strings.Trim(t.name, ":"),
		URL:       icon.URL,
		MediaType: icon.MediaType,
		Updated:   t.updated.date(),
	}
	return e, e.Shortcode != "" && e.URL != ""
}

// readAttachments reads what has an address; a badge, a profile field and other
// things without one are passed over.
func readAttachments(v value) []Attachment {
	var list []Attachment
	for x := range v.upTo(maxTags) {
		if a, ok := readAttachment(x); ok {
			list = append(list, a)
		}
		if len(list) == maxAttachments {
			break
		}
	}
	return list
}

// readAttachment reads one file. The text alternative is in summary for some
// peers and in name for most.
func readAttachment(v value) (Attachment, bool) {
	if v.kind() == '"' {
		url := webURL(v.exact())
		return Attachment{Type: "Link", URL: url}, url != ""
	}
	var a Attachment
	var name, summary string
	var url, href value
	for key, x := range v.members() {
		switch string(key) {
		case "type":
			a.Type, _ = x.typeOf()
		case "mediaType":
			a.MediaType = x.text()
		case "url":
			url = x
		case "href":
			href = x
		case "name":
			name = x.text()
		case "summary":
			summary = x.text()
		case "blurhash":
			a.Blurhash = x.text()
		case "width":
			a.Width = x.whole()
		case "height":
			a.Height = x.whole()
		case "focalPoint":
			a.FocalX, a.FocalY = readPoint(x)
		}
	}
	if a.Name = summary; a.Name == "" {
		a.Name = name
	}
	a.URL, a.MediaType = fileURL(url, href, a.MediaType)
	return a, a.URL != ""
}

// fileURL answers the first usable address among url and href, and its type
// when the attachment itself names none.
func fileURL(url, href value, mediaType string) (string, string) {
	for _, v := range [2]value{url, href} {
		for x := range v.elements() {
			if address, typ := x.link(); address != "" {
				if mediaType == "" {
					mediaType = typ
				}
				return address, mediaType
			}
		}
	}
	return "", mediaType
}

func readPoint(v value) (x, y float64) {
	if v.kind() != '[' {
		return 0, 0
	}
	var point [2]value
	n := 0
	for e := range v.upTo(len(point)) {
		point[n] = e
		n++
	}
	if n < len(point) {
		return 0, 0
	}
	return clampUnit(point[0].number()), clampUnit(point[1].number())
}

func clampUnit(f float64) float64 { return max(-1, min(1, f)) }

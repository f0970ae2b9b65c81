package vocab

import (
	"bytes"
	"encoding/json"
	"time"
)

// Note is something people read: a Note, Article, Page, Question, Event and so
// on, with its Type kept. A document of an unknown type is taken when it has an
// author and a text.
type Note struct {
	ID, Type     string
	URL          string // the page for people; http or https, else empty
	AttributedTo string // exactly one id; empty when absent, which callers refuse
	InReplyTo    string // id of the parent

	Content   string // HTML as sent, not sanitised; from contentMap when content is absent
	Language  string // BCP 47: the language in contentMap whose text is Content; may be empty
	Source    Source // what the author typed; incoming only
	Summary   string // content warning of a Note, teaser of an Article; as sent
	Name      string // title of an Article or Page, option of a vote; as sent
	Sensitive bool

	Published, Updated time.Time // zero when absent or unreadable; not clamped

	To, Cc, Audience []string // Public in its full spelling; 200 addresses together at most
	Context          string   // id of the thread's collection
	Replies          string   // id of the collection of replies

	Mentions    []Mention    // 50 at most
	Hashtags    []string     // without "#"; of 100 tags looked at in all
	Emojis      []Emoji      // 50 at most
	Attachments []Attachment // 16 at most
	HashtagBase string       // outgoing only: URL of a tag's page up to the tag's name

	Proof bool            // the document carries a proof of its own
	Raw   json.RawMessage // incoming only: the exact text of the document
}

// Source is the text an author typed, before it became HTML.
type Source struct {
	Content, MediaType string
}

// Mention is a tag that names an account.
type Mention struct {
	Href string // actor id, sometimes the profile page
	Name string // as sent, usually "@user@host"
}

// Emoji is a picture that stands for ":Shortcode:" in texts.
type Emoji struct {
	ID        string // may be empty
	Shortcode string // without colons, as sent
	URL       string
	MediaType string
	Updated   time.Time
}

// Attachment is a file that belongs to a note. Its URL is http or https.
type Attachment struct {
	Type           string // Document, Image, Video, Audio; Link when only a link was sent
	MediaType      string
	URL            string
	Name           string // text alternative, as sent: from summary, else name
	Blurhash       string
	Width, Height  int     // pixels; 0 when unknown
	FocalX, FocalY float64 // point of interest, -1 … 1; 0, 0 is the middle
}

const (
	maxTags        = 100
	maxMentions    = 50
	maxEmojis      = 50
	maxAttachments = 16
)

// DecodeNote checks a fetched document (see Check) and reads it as a note. That
// its id is the one that was asked for is the caller's question.
//
// Errors: those of Check; ErrWrongKind; ErrMalformed also when it has several
// known types or authors.
func DecodeNote(raw []byte) (*Note, error) {
	if err := Check(raw); err != nil {
		return nil, err
	}
	return readNote(trim(raw))
}

// bilingual collects a text that peers send plain, by language or both ways.
type bilingual struct {
	plain, byLanguage value
}

// read answers the text and the language it is in. The language is the one
// whose text equals the plain text; without plain text the first one counts.
func (t bilingual) read() (text, language string) {
	text = t.plain.text()
	for key, v := range t.byLanguage.members() {
		if bytes.Equal(v, t.plain) {
			return text, languageTag(string(key))
		}
		other := v.text()
		if t.plain.missing() && other != "" || other == text && v.kind() == '"' {
			return other, languageTag(string(key))
		}
	}
	return text, ""
}

func readNote(doc value) (*Note, error) {
	if err := doc.mustBeObject(); err != nil {
		return nil, err
	}
	n := &Note{Raw: json.RawMessage(doc)}
	var sentTo addressing
	var content, summary, name bilingual
	var err error
	for key, v := range doc.members() {
		switch string(key) {
		case "type":
			n.Type, err = oneType(v)
		case "attributedTo":
			n.AttributedTo, err = oneOf(v, "attributedTo")
		case "content":
			content.plain = v
		case "contentMap":
			content.byLanguage = v
		case "summary":
			summary.plain = v
		case "summaryMap":
			summary.byLanguage = v
		case "name":
			name.plain = v
		case "nameMap":
			name.byLanguage = v
		case "to", "cc", "audience":
			sentTo.take(key, v)
		default:
			n.readSimple(key, v)
		}
		if err != nil {
			return nil, err
		}
	}
	if n.Type == "" {
		return nil, malformed("no type")
	}
	var language string
	if n.Content, language = content.read(); language != "" {
		n.Language = language
	}
	n.Summary, _ = summary.read()
	n.Name, _ = name.read()
	n.To, n.Cc, n.Audience = sentTo.read()
	if !n.readable() {
		return nil, wrongKind("a note", n.Type)
	}
	return n, nil
}

// readable reports whether the type is one that people read. An unknown type is,
// when it has an author and a text.
func (n *Note) readable() bool {
	switch kinds[n.Type] {
	case kindObject, kindGeneric:
		return true
	case kindUnknown:
		return n.AttributedTo != "" && (n.Content != "" || n.Name != "" || n.Summary != "")
	}
	return false
}

// readSimple reads the members that stand on their own.
func (n *Note) readSimple(key []byte, v value) {
	switch string(key) {
	case "id":
		n.ID = v.oneID()
	case "url":
		n.URL = v.address()
	case "inReplyTo":
		n.InReplyTo = v.firstID()
	case "context":
		n.Context = v.firstID()
	case "replies":
		n.Replies = v.firstID()
	case "language":
		n.Language = languageTag(v.member("identifier").text())
	case "sensitive":
		n.Sensitive = v.isTrue()
	case "published":
		n.Published = v.date()
	case "updated":
		n.Updated = v.date()
	case "source":
		n.Source = readSource(v)
	case "tag":
		n.readTags(v)
	case "attachment":
		n.Attachments = readAttachments(v)
	case "proof":
		n.Proof = !v.missing()
	}
}

func readSource(v value) Source {
	if v.kind() == '"' {
		return Source{Content: v.text()}
	}
	return Source{Content: v.member("content").text(), MediaType: v.member("mediaType").text()}
}

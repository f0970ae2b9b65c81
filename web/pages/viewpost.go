package pages

import (
	"html/template"
	"time"
)

// The kinds of audience. They are also the values of the radio group in the
// composer, where a circle's value is "c/" and its slug. Limited comes only
// from elsewhere: people chosen by the author and not all mentioned.
const (
	Public    = "public"
	Unlisted  = "unlisted"
	Followers = "followers"
	Direct    = "direct"
	Limited   = "limited"
	InCircle  = "circle"
)

// Audience is who can read a post. The sentence shown is made of it, and of
// nothing else, so it must be what delivery will do.
type Audience struct {
	// Kind is one of the constants above.
	Kind string
	// Circle is set when Kind is InCircle.
	Circle *CircleRef
	// People and Servers are live numbers; 0 when they cannot be known here,
	// which gives a sentence without numbers.
	People, Servers int
}

// Value is what the radio button of this audience sends.
func (a Audience) Value() string {
	if a.Kind == InCircle && a.Circle != nil {
		return "c/" + a.Circle.Slug
	}
	return a.Kind
}

// PostView is one post in a list or a thread, as the viewer may see it.
type PostView struct {
	ID string
	// Entry is the id of the entry in a list, where that is not the post's
	// own: of a boost. Lists are paged by it.
	Entry string
	// URL is the page here, Origin the one on the author's server (or empty).
	URL, Origin string
	Author      Person
	// BoostedBy is set when the entry is somebody's boost of the post.
	BoostedBy *Person
	// ReplyTo is the author of the post that this one answers, if visible.
	ReplyTo *Person
	// Lang is the post's own language, BCP 47; empty if unknown.
	Lang string
	// HTML is the sanitised text.
	HTML template.HTML
	// Summary is the content warning as plain text; the text folds behind it.
	Summary string
	// Sensitive folds the pictures.
	Sensitive bool
	Created   time.Time
	Edited    *time.Time
	Audience  Audience
	Media     []MediaView

	Replies, Boosts, Favourites            int
	Favourited, Boosted, Bookmarked        bool
	CanReply, CanBoost, CanEdit, CanDelete bool
	// Pinned posts stand first on their author's profile; CanPin is for the author.
	Pinned, CanPin bool

	// Pending: sent to the circle's home server, which has not passed it on yet.
	Pending bool
	// Refused is that server's reason for not passing it on; plain text.
	Refused string

	// Focused is the post that the page is about.
	Focused bool
	// Depth is how deep a reply sits below the focused post, from 0.
	Depth int
}

// Key is the id of the entry.
func (p PostView) Key() string {
	if p.Entry != "" {
		return p.Entry
	}
	return p.ID
}

// MediaView is one picture.
type MediaView struct {
	ID string
	// URL is the full picture, Preview a small one (empty: URL).
	URL, Preview  string
	Alt           string
	Width, Height int
	// FocusX and FocusY run from -1 (left, bottom) to 1 (right, top).
	FocusX, FocusY float64
}

// Timeline is a list of posts with its neighbours.
type Timeline struct {
	Posts []PostView
	// Next is the URL of older entries, Prev of newer ones; empty at the ends.
	Next, Prev string
	// Live is the URL of a server-sent event stream whose events update,
	// status.update and delete concern this list; empty for none. New posts
	// are then fetched from this page's own URL with min_id.
	Live string
}

// Composer is the form for a new post, a reply or an edit.
//
// Its fields: text, summary, visibility, language, sensitive, reply, key, and
// for each of MaxMedia pictures N from 1: fileN, or keepN with the id of one
// already uploaded (dropN to remove it), altN, focusN ("x,y").
type Composer struct {
	// Action is where it is posted: "/compose" or "/posts/1/edit".
	Action string
	Text   string
	// Summary is the content warning.
	Summary   string
	Sensitive bool
	// Audiences are those that may be chosen, widest first; one alone is
	// fixed. Chosen is the value of the one to preset.
	Audiences []Audience
	Chosen    string
	// Language is preset among Languages (codes).
	Language  string
	Languages []string
	// Reply is the post that this answers.
	Reply *PostView
	// Edit says that the post exists: its audience cannot change.
	Edit bool
	// Media was uploaded already; MaxMedia 0 means that none can be added.
	Media    []MediaView
	MaxMedia int
	MaxChars int
	// Key makes sending twice the same as sending once.
	Key string
	// CancelURL leads back; may be empty.
	CancelURL string
}

// Notice is one entry of the inbox.
type Notice struct {
	ID string
	// Kind is mention, follow, follow_request, favourite, reblog, status,
	// update or admin.sign_up.
	Kind string
	By   Person
	// Others counts people besides By in a grouped entry.
	Others  int
	Post    *PostView
	Created time.Time
	Unread  bool
}

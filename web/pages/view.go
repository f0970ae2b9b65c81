package pages

import (
	"html/template"
	"time"
)

// View is what Templates.Execute shows: a pointer to one of the structs of the
// view files, each of which embeds Page.
type View interface {
	page() *Page
}

// Page is the part that every page shares: the frame around the content.
// Times, counts and codes are given as values; the templates choose the words.
type Page struct {
	// Title goes into <title> and, where a page has no better one, its heading.
	// Empty: the page's own title from the page table.
	Title string
	// Description is one plain sentence for search engines and link previews.
	Description string
	// Lang is the language of the frame ("zh", "en"); Execute sets it.
	Lang string
	// Path is path and query of this request. Forms that come back here send
	// it in the field "return"; the language links add lang= to it.
	Path string
	// CSRF is the token that every form sends in the field "csrf".
	CSRF string

	Site Site
	// Me is the account that is signed in; nil for a passer-by.
	Me *Person
	// Circles are those I sit in, for the sidebar.
	Circles []CircleRef
	// Nav is the entry of the navigation to mark as current. Empty: the one
	// from the page table.
	Nav string
	// Unread counts unread notifications, Requests waiting follow requests.
	Unread   int
	Requests int

	// Flash is said once on top of the page, after something was done.
	Flash *Flash
	// Errors belong to the form of this page, in the order of its fields.
	Errors []FieldError

	// Theme is "light", "dark" or empty for what the system prefers.
	Theme string
	// NoShortcuts turns the single-key shortcuts off.
	NoShortcuts bool
	// NoIndex asks search engines to stay away: everything that is not public.
	NoIndex bool
	// Alternate is the URL of the same thing as activity+json, if it has one.
	Alternate string

	// shape comes from the page table.
	shape string
}

// Door says whether the frame is the narrow one, without navigation.
func (p *Page) Door() bool { return p.shape == "door" }

func (p *Page) page() *Page { return p }

// ErrorFor returns the error of one field, or nil.
func (p *Page) ErrorFor(field string) *FieldError {
	for i := range p.Errors {
		if p.Errors[i].Field == field {
			return &p.Errors[i]
		}
	}
	return nil
}

// Site is the institution whose instance this is.
type Site struct {
	Name string
	// Kind is "school", "employer" or "association".
	Kind string
	// Host is what people see in handles: yizhong.example.
	Host string
	// About is the institution's own introduction.
	About template.HTML
	// RunBy names the account that answers for the instance; nil hides it.
	RunBy *Person
	// Contact is a mail address for people without an account; may be empty.
	Contact string
	// Registration is "open", "approval", "invite" or "closed".
	Registration string
	// Languages lists the locales the frame can be shown in.
	Languages []string
	Version   string
}

// Flash is a message after something was done. Key is an i18n key.
type Flash struct {
	Key  string
	Args map[string]any
	Bad  bool
}

// FieldError says what is wrong with one field of a form. Field is its name
// ("" for the form as a whole), Key an i18n key such as error.handle_taken.
type FieldError struct {
	Field string
	Key   string
	Args  map[string]any
}

// Person is an account as a viewer may see it: what is not disclosed to this
// viewer is empty here.
type Person struct {
	ID string
	// Handle is without the leading @: "chenmo", "linwei@aurora.example".
	Handle string
	// Name is the name to show; empty shows the handle.
	Name string
	// URL is the page here: "/@linwei@aurora.example".
	URL string
	// Origin is the page on the account's own server; empty for our own.
	Origin string
	// Avatar and Header are image URLs; an empty Avatar shows a tile with
	// the glyph of the name, an empty Header shows none.
	Avatar, Header string
	Bio            template.HTML
	Fields         []ProfileField
	// Badges are verified facts in words, most telling first.
	Badges        []string
	Locked, Robot bool
	Joined        time.Time
	// Posts counts what the viewer may see.
	Posts int
	// Relation is how the viewer stands to this account; nil for passers-by.
	Relation *Relation
}

// ProfileField is one line of the table on a profile.
type ProfileField struct {
	Name  string
	Value template.HTML
	// Verified is when the linked page was seen to link back; zero if not.
	Verified time.Time
}

// Relation is how I stand to somebody.
type Relation struct {
	Self, Following, Requested, FollowsMe, Blocking, Muting bool
}

// CircleRef names a circle.
type CircleRef struct {
	// Slug is "2012-3", with @host for a circle at home elsewhere.
	Slug string
	Name string
	// URL is "/c/2012-3" or "/c/2012-3@yizhong.example".
	URL string
	// Mark is one to three glyphs for the filled ring; empty takes them from Name.
	Mark string
	// Unread counts posts since my last visit.
	Unread int
}

// Circle is a circle's About page, and more for its members.
type Circle struct {
	CircleRef
	// Institution is the name of where it is at home.
	Institution string
	Host        string
	// Unit and Years place it: "高三 3 班", 2009, 2012. Years may be 0.
	Unit     string
	From, To int
	About    template.HTML
	Stewards []Person
	// Members, Servers and Seats are shown to members only; 0 hides them.
	Members, Servers, Seats int
	Standing                Standing
}

// Standing is how I stand to a circle.
type Standing string

// The standings. Outside is everybody who is not one of the others, also
// somebody who was removed: the page does not tell.
const (
	Outside Standing = ""
	Waiting Standing = "waiting"
	Member  Standing = "member"
	Steward Standing = "steward"
)

// Inside says whether posts and people may be shown.
func (s Standing) Inside() bool { return s == Member || s == Steward }

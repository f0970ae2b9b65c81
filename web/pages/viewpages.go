package pages

import (
	"html/template"
	"time"
)

// FrontPage is the institution's face for people who are not signed in.
type FrontPage struct {
	Page
	// Members counts accounts, Active those seen this month; 0 hides either.
	Members, Active int
	// WeekPosts counts public posts of the last seven days; 0 hides it.
	WeekPosts int
	Rules     []string
	Timeline  Timeline
}

// TimelinePage is a list of posts: home, local, public, tag, bookmarks and
// favourites.
type TimelinePage struct {
	Page
	Timeline Timeline
	// Tag is the name without # on the tag page.
	Tag string
	// Suggested are people to follow, shown on an empty home.
	Suggested []Person
}

// PostPage is one post with what came before and after.
type PostPage struct {
	Page
	Ancestors   []PostView
	Post        PostView
	Descendants []PostView
	// Reply is the form below; nil when the viewer cannot reply.
	Reply *Composer
	// Live is a stream as in Timeline.
	Live string
}

// ProfilePage is an account's public face.
type ProfilePage struct {
	Page
	Person Person
	// Tab is "posts", "replies" or "media".
	Tab      string
	Timeline Timeline
	Pinned   []PostView
	// Shared are circles that both of us sit in.
	Shared []CircleRef
	// Blocked by me or out of reach: posts are not shown.
	Hidden bool
}

// CirclePage is a circle. For outsiders only Circle is read.
type CirclePage struct {
	Page
	Circle Circle
	// Tab is "posts", "people" or "about".
	Tab      string
	Timeline Timeline
	People   []Person
	// PeopleNext is the URL of more people.
	PeopleNext string
}

// Audience is who reads what is posted in the circle.
func (p *CirclePage) Audience() Audience {
	return Audience{Kind: InCircle, Circle: &p.Circle.CircleRef, People: p.Circle.Members, Servers: p.Circle.Servers}
}

// CirclesPage lists circles.
type CirclesPage struct {
	Page
	Mine    []Circle
	Waiting []Circle
	// Listed are circles that say publicly that they exist.
	Listed []Circle
}

// InboxPage lists notifications.
type InboxPage struct {
	Page
	Notices    []Notice
	Next, Prev string
	// Live is a stream as in Timeline; the event is notification.
	Live string
}

// RequestsPage lists people who ask to follow me.
type RequestsPage struct {
	Page
	Waiting []FollowRequest
	Next    string
}

// FollowRequest is one of them; ID goes into /requests/{id}/accept.
type FollowRequest struct {
	ID      string
	By      Person
	Created time.Time
}

// SearchPage shows what was found.
type SearchPage struct {
	Page
	Query string
	// Asked is false before the first search.
	Asked  bool
	People []Person
	// FoundCircles are circles whose address was given.
	FoundCircles []Circle
	Tags         []TagView
	Posts        []PostView
	// Unreachable names a server that was asked and did not answer.
	Unreachable string
}

// TagView is a hashtag; Name without #.
type TagView struct {
	Name, URL string
	// Posts counts public ones.
	Posts int
}

// PostFormPage is the composer on a page of its own (compose, edit).
type PostFormPage struct {
	Page
	Composer Composer
}

// DeletePage asks before a post is deleted.
type DeletePage struct {
	Page
	Post PostView
}

// JoinPage is the sign-up form: fields handle, email, password, reason,
// invite, agree.
type JoinPage struct {
	Page
	Handle, Email, Reason, Invite string
	Rules                         []string
	MinPassword                   int
}

// CodePage asks for the code sent by mail: confirm (fields email, code; the
// button "again" asks for another one).
type CodePage struct {
	Page
	Email string
	// Waiting: confirmed, and now somebody of the institution has to agree.
	Waiting bool
}

// SignInPage has the fields login, password and next.
type SignInPage struct {
	Page
	Login string
	// Next is the local path to go to afterwards.
	Next string
}

// ForgotPage has the field email. Sent shows the answer, which is the same for
// every address.
type ForgotPage struct {
	Page
	Email string
	Sent  bool
}

// ResetPage has the fields email, code and password. A Code that came with the
// link is kept in a hidden field.
type ResetPage struct {
	Page
	Email, Code string
	MinPassword int
}

// SetupPage makes the first admin: fields handle, email, password. It is
// posted to its own path.
type SetupPage struct {
	Page
	Handle, Email string
	MinPassword   int
	// Missing are i18n keys of what is not configured yet.
	Missing []string
}

// ProfileSettingsPage has the fields name, bio, avatar and header (files),
// avatar_drop, header_drop, locked, robot, and field_name_N, field_value_N.
type ProfileSettingsPage struct {
	Page
	Name, Bio     string
	Fields        []PlainField
	MaxFields     int
	Locked, Robot bool
	MaxName       int
	MaxBio        int
}

// PlainField is a profile line as typed.
type PlainField struct{ Name, Value string }

// AccountSettingsPage has three forms, told apart by the button "do":
// look (language, theme, shortcuts), posting (visibility, post_language,
// sensitive) and password (old, password).
type AccountSettingsPage struct {
	Page
	Email string
	// LanguageChoice and ThemeChoice are what was chosen; empty follows the
	// browser.
	LanguageChoice, ThemeChoice string
	Shortcuts                   bool
	Visibility                  string
	PostLanguage                string
	PostLanguages               []string
	Sensitive                   bool
	MinPassword                 int
}

// SessionsPage lists where I am signed in; the button "end" sends an id, or
// "others".
type SessionsPage struct {
	Page
	Sessions []SessionView
}

// SessionView is one signed-in browser.
type SessionView struct {
	ID string
	// Agent is a short name of browser and system; Address may be empty.
	Agent, Address string
	Created, Seen  time.Time
	Current        bool
}

// AppsPage lists apps that may act for me; the button "revoke" sends an id.
type AppsPage struct {
	Page
	Apps []AppView
}

// AppView is one of them.
type AppView struct {
	ID, Name, Website string
	Scopes            []string
	Created, Used     time.Time
}

// ConsentPage asks whether an app may act for me. The buttons send
// decision=allow or decision=deny; Hidden are the request's parameters, which
// are sent along.
type ConsentPage struct {
	Page
	App AppView
	// Target is the host or scheme that the answer goes to; empty if the code
	// is shown here.
	Target string
	Hidden []HiddenField
}

// HiddenField is sent along with a form.
type HiddenField struct{ Name, Value string }

// GrantedPage shows the code of an out-of-band authorisation.
type GrantedPage struct {
	Page
	App  AppView
	Code string
}

// ErrorPage is for every refusal that is not about a form. Status is the HTTP
// status; unknown ones are shown as 500.
type ErrorPage struct {
	Page
	Status    int
	RequestID string
	// Detail is for whoever wrote the program that led here; it is not translated.
	Detail string
	// Retry is how long to wait, for 429; 0 if unknown.
	Retry time.Duration
}

// RetrySeconds is Retry in whole seconds, rounded up.
func (p *ErrorPage) RetrySeconds() int {
	return int((p.Retry + time.Second - 1) / time.Second)
}

// HelpPage is /help/{topic}; an empty topic is the index.
type HelpPage struct {
	Page
	Topic string
}

// AboutPage says whose instance this is and what its rules are.
type AboutPage struct {
	Page
	Members, Posts int
	Rules          []string
	// More follows the introduction.
	More, Terms template.HTML
	// Federation is "open", "partners" or "off".
	Federation string
	// Partners lists servers when Federation is "partners".
	Partners []string
}

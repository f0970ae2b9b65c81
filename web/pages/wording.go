package pages

import (
	"strings"
)

// audience is the sentence that says who can read something. It stands above
// the button that sends and, the same, on what was sent.
func (w words) audience(a Audience) (string, error) {
	servers, err := w.t("audience.servers", "count", a.Servers)
	if err != nil {
		return "", err
	}
	switch {
	case a.Kind == Public:
		return w.text("audience.public"), nil
	case a.Kind == Unlisted:
		return w.text("audience.unlisted"), nil
	case a.Kind == Followers && a.People > 0 && a.Servers > 0:
		return w.t("audience.followers_count", "count", a.People, "servers", servers)
	case a.Kind == Followers:
		return w.text("audience.followers"), nil
	case a.Kind == InCircle && a.Circle != nil && a.People > 0 && a.Servers > 0:
		return w.t("audience.circle_count", "count", a.People, "circle", a.Circle.Name, "servers", servers)
	case a.Kind == InCircle && a.Circle != nil:
		return w.t("audience.circle", "circle", a.Circle.Name)
	case a.Kind == Limited:
		return w.text("audience.limited"), nil
	}
	return w.text("audience.direct"), nil
}

// audienceWord is the one word of it, for lists.
func (w words) audienceWord(a Audience) string {
	switch a.Kind {
	case Public:
		return w.text("audience.word.public")
	case Unlisted:
		return w.text("audience.word.unlisted")
	case Followers:
		return w.text("audience.word.followers")
	case InCircle:
		if a.Circle != nil {
			return a.Circle.Name
		}
		return w.text("audience.word.circle")
	case Limited:
		return w.text("audience.word.limited")
	}
	return w.text("audience.word.direct")
}

// ring is the drawing for an audience.
func ring(a Audience) string {
	switch a.Kind {
	case Public:
		return "ring-public"
	case Unlisted:
		return "ring-unlisted"
	case Followers:
		return "ring-followers"
	case InCircle:
		return "ring-circle"
	}
	return "ring-direct"
}

// preset finds the audience that is chosen in advance: the first, unless
// another one is asked for.
func preset(c Composer) Audience {
	for _, a := range c.Audiences {
		if a.Value() == c.Chosen {
			return a
		}
	}
	if len(c.Audiences) > 0 {
		return c.Audiences[0]
	}
	return Audience{Kind: Public}
}

// visibilities are the audiences that can be a default.
func visibilities() []Audience {
	return []Audience{{Kind: Public}, {Kind: Unlisted}, {Kind: Followers}, {Kind: Direct}}
}

// kind is what sort of institution this is.
func (w words) kind(code string) string {
	switch code {
	case "school":
		return w.text("site.school")
	case "employer":
		return w.text("site.employer")
	}
	return w.text("site.association")
}

// noticeKeys has, for each kind of notification, the sentence after the name
// and the icon before it.
var noticeKeys = map[string]struct{ key, icon string }{
	"mention":        {"notice.mention", "reply"},
	"follow":         {"notice.follow", "person"},
	"follow_request": {"notice.follow_request", "person"},
	"favourite":      {"notice.favourite", "heart"},
	"reblog":         {"notice.reblog", "boost"},
	"status":         {"notice.status", "bell"},
	"update":         {"notice.update", "edit"},
	"admin.sign_up":  {"notice.sign_up", "person"},
}

// noticeView is a notice with its words.
type noticeView struct {
	Notice
	Text, Icon string
}

func (w words) notice(n Notice) (noticeView, error) {
	v := noticeView{Notice: n, Icon: "bell"}
	entry, ok := noticeKeys[n.Kind]
	if !ok {
		v.Text = w.text("notice.unknown")
		return v, nil
	}
	v.Icon = entry.icon
	v.Text = w.text(entry.key)
	if n.Others > 0 {
		others, err := w.t("notice.others", "count", n.Others)
		if err != nil {
			return v, err
		}
		v.Text = others + " " + v.Text
	}
	return v, nil
}

// errorKeys has title and text of the error pages by status.
var errorKeys = map[int]struct{ title, text string }{
	400: {"errorpage.400.title", "errorpage.400.text"},
	403: {"errorpage.403.title", "errorpage.403.text"},
	404: {"errorpage.404.title", "errorpage.404.text"},
	413: {"errorpage.413.title", "errorpage.413.text"},
	429: {"errorpage.429.title", "errorpage.429.text"},
	500: {"errorpage.500.title", "errorpage.500.text"},
	503: {"errorpage.503.title", "errorpage.503.text"},
}

func (w words) errorTitle(status int) string {
	if e, ok := errorKeys[status]; ok {
		return w.text(e.title)
	}
	return w.text("errorpage.500.title")
}

func (w words) errorText(status int) string {
	if e, ok := errorKeys[status]; ok {
		return w.text(e.text)
	}
	return w.text("errorpage.500.text")
}

// scopeKeys explains what an app asks for; a narrower scope is explained by
// its group, and its name stands beside.
var scopeKeys = map[string]string{
	"read":    "scope.read",
	"write":   "scope.write",
	"follow":  "scope.follow",
	"push":    "scope.push",
	"profile": "scope.profile",
}

func (w words) scope(name string) string {
	group, _, _ := strings.Cut(name, ":")
	if key, ok := scopeKeys[group]; ok {
		return w.text(key)
	}
	return w.text("scope.unknown")
}

// helpTopic is a page of the help: pairs of heading and text.
type helpTopic struct {
	Slug, Title string
	Sections    []helpSection
}

type helpSection struct{ Title, Text string }

var helpTopics = []helpTopic{
	{"visibility", "help.visibility.title", []helpSection{
		{"help.visibility.levels", "help.visibility.levels_text"},
		{"help.visibility.replies", "help.visibility.replies_text"},
		{"help.visibility.copies", "help.visibility.copies_text"},
		{"help.visibility.delete", "help.visibility.delete_text"},
	}},
	{"circles", "help.circles.title", []helpSection{
		{"help.circles.what", "help.circles.what_text"},
		{"help.circles.who", "help.circles.who_text"},
		{"help.circles.join", "help.circles.join_text"},
		{"help.circles.elsewhere", "help.circles.elsewhere_text"},
		{"help.circles.end", "help.circles.end_text"},
	}},
	{"admins", "help.admins.title", []helpSection{
		{"help.admins.institution", "help.admins.institution_text"},
		{"help.admins.operator", "help.admins.operator_text"},
		{"help.admins.employer", "help.admins.employer_text"},
		{"help.admins.never", "help.admins.never_text"},
	}},
	{"apps", "help.apps.title", []helpSection{
		{"help.apps.which", "help.apps.which_text"},
		{"help.apps.circle", "help.apps.circle_text"},
		{"help.apps.revoke", "help.apps.revoke_text"},
	}},
	{"keyboard", "help.keyboard.title", []helpSection{
		{"help.keyboard.keys", "help.keyboard.keys_text"},
		{"help.keyboard.off", "help.keyboard.off_text"},
	}},
}

func topics() []helpTopic { return helpTopics }

// findTopic returns the topic of that name, or nil for the index.
func findTopic(slug string) *helpTopic {
	for i := range helpTopics {
		if helpTopics[i].Slug == slug {
			return &helpTopics[i]
		}
	}
	return nil
}

// HelpTopic says whether there is such a page of the help.
func HelpTopic(slug string) bool { return slug == "" || findTopic(slug) != nil }

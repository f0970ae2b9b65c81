package pages

// pageInfo is what the frame must know about a page besides its view.
type pageInfo struct {
	// title is the i18n key of the title when the view brings none.
	title string
	// nav is the entry of the navigation that is current.
	nav string
	// shape is how the frame is laid out: "" is the app with its navigation,
	// "door" a narrow page for signing in and the like.
	shape string
}

// pageTable lists every page by the name of its template.
var pageTable = map[string]pageInfo{
	"front":      {title: "front.title", nav: "home"},
	"home":       {title: "nav.home", nav: "home"},
	"local":      {title: "nav.local", nav: "local"},
	"public":     {title: "nav.public", nav: "public"},
	"tag":        {title: "tag.title", nav: "search"},
	"bookmarks":  {title: "nav.bookmarks", nav: "bookmarks"},
	"favourites": {title: "nav.favourites", nav: "favourites"},

	"post":    {title: "post.title"},
	"compose": {title: "nav.write", nav: "write"},
	"edit":    {title: "compose.edit"},
	"delete":  {title: "delete.title"},

	"profile":  {title: "profile.title"},
	"circle":   {title: "circle.title", nav: "circles"},
	"circles":  {title: "nav.circles", nav: "circles"},
	"inbox":    {title: "nav.inbox", nav: "inbox"},
	"requests": {title: "requests.title", nav: "inbox"},
	"search":   {title: "nav.search", nav: "search"},

	"join":      {title: "join.title", shape: "door"},
	"confirm":   {title: "confirm.title", shape: "door"},
	"signin":    {title: "signin.title", shape: "door"},
	"forgot":    {title: "forgot.title", shape: "door"},
	"reset":     {title: "reset.title", shape: "door"},
	"setup":     {title: "setup.title", shape: "door"},
	"authorize": {title: "consent.title", shape: "door"},
	"granted":   {title: "granted.title", shape: "door"},

	"settings_profile":  {title: "settings.profile", nav: "settings"},
	"settings_account":  {title: "settings.account", nav: "settings"},
	"settings_sessions": {title: "settings.sessions", nav: "settings"},
	"settings_apps":     {title: "settings.apps", nav: "settings"},

	"help":  {title: "help.title", nav: "help"},
	"about": {title: "about.title", nav: "about"},
	"error": {title: "errorpage.500.title"},
}

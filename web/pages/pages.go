package pages

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"cohort/federation"
	"cohort/social"
	"cohort/store"
	"cohort/web/auth"
	"cohort/web/i18n"
)

// Config is what the pages need to know besides the rules' own configuration.
type Config struct {
	// Zone is where dates are written; nil is the machine's own.
	Zone *time.Location
	// Color is the institution's colour, #rrggbb; empty picks one by its kind.
	Color string
	// MailToFiles says that no mail server is configured.
	MailToFiles bool
	// CopiesLimit bounds the copies of other servers' pictures, in bytes; 0 is 2 GiB.
	CopiesLimit int64
}

const defaultCopiesLimit = 2 << 30

// Pages answers browsers. Use New; its methods may be called concurrently.
type Pages struct {
	config    Config
	s         *social.Service
	db        *store.DB
	fed       *federation.Server
	pictures  *federation.Pictures
	auth      *auth.Auth
	log       *slog.Logger
	assets    *Assets
	templates *Templates
	languages []string

	streams *auth.Lasting
	beat    time.Duration // liveBeat; tests make it shorter

	mu   sync.Mutex
	kept site
}

// New makes the pages of an instance.
func New(c Config, s *social.Service, fed *federation.Server, a *auth.Auth, log *slog.Logger) (*Pages, error) {
	if c.Zone == nil {
		c.Zone = time.Local
	}
	if c.Color == "" {
		c.Color = DefaultColor(s.Config.Kind)
	}
	if c.CopiesLimit == 0 {
		c.CopiesLimit = defaultCopiesLimit
	}
	assets, err := NewAssets(s.Config.Name, c.Color)
	if err != nil {
		return nil, err
	}
	templates, err := NewTemplates(assets, c.Zone, func() time.Time { return s.DB.Now() })
	if err != nil {
		return nil, err
	}
	p := &Pages{
		config: c, s: s, db: s.DB, fed: fed, pictures: federation.NewPictures(fed, c.CopiesLimit), auth: a, log: log,
		assets: assets, templates: templates, streams: auth.NewLasting(streamsEach, streamsAll), beat: liveBeat,
	}
	spoken := i18n.Languages()
	for _, lang := range s.Config.Languages {
		if slices.Contains(spoken, lang) {
			p.languages = append(p.languages, lang)
		}
	}
	if len(p.languages) == 0 {
		return nil, fmt.Errorf("pages: none of the languages %v has texts", s.Config.Languages)
	}
	return p, nil
}

// The kinds of access to a page.
const (
	// Public is for anyone.
	accessPublic = "public"
	// Visitor is for those who are not signed in; others are sent home.
	accessVisitor = "visitor"
	// Member is for those who are signed in; others are sent to sign in.
	accessMember = "member"
	// Asset is for anyone, and nobody is asked who they are.
	accessAsset = "asset"
)

// Bounds of a form's body, in bytes.
const (
	maxForm   = 256 << 10
	maxUpload = social.MaxAttachments*social.MaxUpload + maxForm
)

// Route is one address of the pages.
type Route struct {
	Method, Path string
	// Handler answers once the middleware has run.
	Handler echo.HandlerFunc
	// Access is public, visitor, member or asset. The handler sees to it.
	Access string
	// Negotiated addresses are also those of documents: whoever mounts them asks
	// federation.WantsActivity first.
	Negotiated bool
	// Middleware finds out who asks, bounds the body and refuses forged forms, in
	// this order. It belongs before Handler.
	Middleware []echo.MiddlewareFunc
}

// route makes a Route of a page.
func (p *Pages) route(method, path, access string, limit int64, show func(*visit) error) Route {
	r := Route{Method: method, Path: path, Access: access, Handler: p.handler(access, show)}
	r.Middleware = []echo.MiddlewareFunc{p.auth.Session, p.bounded(access, limit), p.auth.Forms}
	return r
}

// assetRoute makes a Route that needs to know nothing of who asks.
func assetRoute(path string, handler echo.HandlerFunc) Route {
	return Route{Method: http.MethodGet, Path: path, Access: accessAsset, Handler: handler}
}

// Routes lists every address of the pages.
func (p *Pages) Routes() []Route {
	get := func(path, access string, show func(*visit) error) Route {
		return p.route(http.MethodGet, path, access, maxForm, show)
	}
	post := func(path, access string, show func(*visit) error) Route {
		return p.route(http.MethodPost, path, access, maxForm, show)
	}
	negotiated := func(r Route) Route {
		r.Negotiated = true
		return r
	}
	routes := []Route{
		get("/", accessPublic, p.front),
		get("/local", accessPublic, p.localPage),
		get("/public", accessPublic, p.public),
		get("/tags/:tag", accessPublic, p.tag),
		get("/bookmarks", accessMember, p.bookmarks),
		get("/favourites", accessMember, p.favourites),
		get("/live", accessMember, p.live),

		negotiated(get("/@:who", accessPublic, p.profile)),
		negotiated(get("/@:who/:id", accessPublic, p.post)),
		negotiated(get("/users/:id", accessPublic, p.profileByID)),
		negotiated(get("/posts/:id", accessPublic, p.postByID)),
		post("/accounts/:id/:do", accessMember, p.relate),
		get("/requests", accessMember, p.requests),
		post("/requests/:id/:do", accessMember, p.answerRequest),

		get("/circles", accessMember, p.circles),
		negotiated(get("/circles/:id", accessPublic, p.circleByID)),
		negotiated(get("/c/:slug", accessPublic, p.circle)),
		negotiated(get("/c/:slug/:id", accessPublic, p.circlePost)),
		post("/c/:slug/join", accessMember, p.joinCircle),
		post("/c/:slug/leave", accessMember, p.leaveCircle),

		get("/inbox", accessMember, p.inbox),
		get("/search", accessPublic, p.search),

		get("/help", accessPublic, p.help),
		get("/help/", accessPublic, p.help),
		get("/help/:topic", accessPublic, p.help),
		get("/about", accessPublic, p.about),

		assetRoute("/static/*", echo.WrapHandler(p.assets)),
		assetRoute("/manifest.webmanifest", p.manifest),
		assetRoute("/favicon.ico", p.favicon),
		assetRoute("/robots.txt", p.robots),
		assetRoute("/media/:name", p.file),
		assetRoute("/media/"+social.FormAvatar+"/:owner/:key", p.avatarCopy),
		assetRoute("/media/"+social.FormHeader+"/:owner/:key", p.headerCopy),
		assetRoute("/media/"+social.FormFull+"/:owner/:id/:key", p.fullCopy),
		assetRoute("/media/"+social.FormPreview+"/:owner/:id/:key", p.previewCopy),
	}
	return append(append(routes, p.writingRoutes()...), p.accountRoutes()...)
}

// writingRoutes are those of posts and what is done to them.
func (p *Pages) writingRoutes() []Route {
	return []Route{
		p.route(http.MethodGet, "/compose", accessMember, maxForm, p.compose),
		p.route(http.MethodPost, "/compose", accessMember, maxUpload, p.publish),
		p.route(http.MethodGet, "/posts/:id/edit", accessMember, maxForm, p.edit),
		p.route(http.MethodPost, "/posts/:id/edit", accessMember, maxUpload, p.saveEdit),
		p.route(http.MethodGet, "/posts/:id/delete", accessMember, maxForm, p.askDelete),
		p.route(http.MethodPost, "/posts/:id/delete", accessMember, maxForm, p.delete),
		p.route(http.MethodPost, "/posts/:id/:do", accessMember, maxForm, p.react),
	}
}

// accountRoutes are those of one's own account, from joining to leaving.
func (p *Pages) accountRoutes() []Route {
	var routes []Route
	form := func(path, access string, show, send func(*visit) error) {
		routes = append(routes, p.route(http.MethodGet, path, access, maxForm, show), p.route(http.MethodPost, path, access, maxForm, send))
	}
	form("/join", accessVisitor, p.join, p.register)
	form("/confirm", accessVisitor, p.confirm, p.sendConfirm)
	form("/sign-in", accessVisitor, p.signIn, p.sendSignIn)
	form("/forgot", accessVisitor, p.forgot, p.sendForgot)
	form("/reset", accessVisitor, p.reset, p.sendReset)
	form("/setup/:token", accessVisitor, p.setup, p.sendSetup)
	form("/settings/account", accessMember, p.accountSettings, p.saveAccount)
	form("/settings/sessions", accessMember, p.sessions, p.endSession)
	form("/settings/apps", accessMember, p.apps, p.revokeApp)
	form("/oauth/authorize", accessPublic, p.authorize, p.decide)
	return append(routes,
		p.route(http.MethodPost, "/sign-out", accessMember, maxForm, p.signOut),
		p.route(http.MethodGet, "/settings", accessMember, maxForm, p.settings),
		p.route(http.MethodGet, "/settings/profile", accessMember, maxForm, p.profileSettings),
		p.route(http.MethodPost, "/settings/profile", accessMember, maxUpload, p.saveProfile),
	)
}

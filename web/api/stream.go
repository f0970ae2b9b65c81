package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"cohort/social"
	"cohort/store"
	"cohort/web/auth"
)

// stream is one thing a client listens to.
type stream struct {
	streamKind
	name   string
	what   string   // the tag or list, as the client named it
	circle store.ID // behind a list
}

// streamKind is what the streams of one name carry. Public ones are the timelines of that filter.
type streamKind struct {
	scope                                       string
	home, notifications, public, tagged, listed bool
	filter                                      store.PublicFilter
}

const (
	scopeStatuses      = "read:statuses"
	scopeLists         = "read:lists"
	scopeNotifications = "read:notifications"
)

// streamKinds are the streams there are. A list is a circle. Conversations are not made here, so direct
// stays silent.
var streamKinds = map[string]streamKind{
	"user":                {scope: scopeStatuses, home: true, notifications: true},
	"user:notification":   {scope: scopeNotifications, notifications: true},
	"public":              {scope: scopeStatuses, public: true},
	"public:media":        {scope: scopeStatuses, public: true, filter: store.PublicFilter{OnlyMedia: true}},
	"public:local":        {scope: scopeStatuses, public: true, filter: store.PublicFilter{Local: true}},
	"public:local:media":  {scope: scopeStatuses, public: true, filter: store.PublicFilter{Local: true, OnlyMedia: true}},
	"public:remote":       {scope: scopeStatuses, public: true, filter: store.PublicFilter{Remote: true}},
	"public:remote:media": {scope: scopeStatuses, public: true, filter: store.PublicFilter{Remote: true, OnlyMedia: true}},
	"hashtag":             {scope: scopeStatuses, public: true, tagged: true},
	"hashtag:local":       {scope: scopeStatuses, public: true, tagged: true, filter: store.PublicFilter{Local: true}},
	"list":                {scope: scopeLists, listed: true},
	"direct":              {scope: scopeStatuses},
}

// streamError is what a client is told of a stream it cannot have.
type streamError struct {
	text   string
	status int
}

func (e *streamError) Error() string { return e.text }

// streamQuery is how a client names a stream.
type streamQuery struct {
	Stream string `json:"stream"`
	Tag    string `json:"tag"`
	List   string `json:"list"`
}

// streamFor finds the stream a client asks for and whether it may listen to it.
func streamFor(who *auth.Who, q streamQuery) (stream, error) {
	kind, ok := streamKinds[q.Stream]
	s := stream{streamKind: kind, name: q.Stream}
	switch {
	case !ok:
		return stream{}, &streamError{"Unknown stream type", http.StatusBadRequest}
	case !who.Has(kind.scope):
		return stream{}, &streamError{"This action is outside the authorized scopes", http.StatusForbidden}
	case kind.tagged:
		if social.NormalizeTag(q.Tag) == "" {
			return stream{}, &streamError{"Missing tag name parameter", http.StatusBadRequest}
		}
		s.what = q.Tag
	case kind.listed:
		id, err := store.ParseID(q.List)
		if err != nil {
			return stream{}, &streamError{"Record not found", http.StatusNotFound}
		}
		s.what, s.circle = q.List, id
	}
	return s, nil
}

// label is how frames name the stream.
func (s stream) label() []string {
	if s.what != "" {
		return []string{s.name, s.what}
	}
	return []string{s.name}
}

// frame is one event as it is sent.
type frame struct {
	Stream  []string `json:"stream"`
	Event   string   `json:"event"`
	Payload string   `json:"payload"`
}

// How streams are kept.
const (
	recheckEvery = 4 * time.Second // who listens, when nothing happens
	recheckEvent = time.Second     // who listens, before an event
	beatEvery    = 15 * time.Second
	sendTime     = 10 * time.Second // for one frame; slower readers are dropped
	maxStreams   = 64               // of one connection
)

var (
	errSlow  = errors.New("the reader is too slow, or the server stops")
	errEnded = errors.New("the right to listen has ended")
)

// line is where frames go: a WebSocket or a response that goes on.
type line interface {
	send(ctx context.Context, f frame) error
	beat(ctx context.Context) error
}

// listener is one connection. All of its methods run in one goroutine.
type listener struct {
	a       *API
	to      line
	who     *auth.Who
	still   auth.Still
	checked time.Time
	streams []stream
	mine    *social.Subscription
	public  *social.Subscription // while a public stream is listened to
}

func (a *API) newListener(who *auth.Who, still auth.Still, to line) *listener {
	return &listener{a: a, to: to, who: who, still: still, checked: time.Now(), mine: a.s.Hub.Subscribe(who.Account.ID, false)}
}

func (l *listener) close() {
	l.mine.Close()
	if l.public != nil {
		l.public.Close()
	}
}

func (l *listener) subscribe(s stream) error {
	if slices.Contains(l.streams, s) {
		return nil
	}
	if len(l.streams) >= maxStreams {
		return &streamError{"Too many streams", http.StatusTooManyRequests}
	}
	l.streams = append(l.streams, s)
	if s.public && l.public == nil {
		l.public = l.a.s.Hub.Subscribe(0, true)
	}
	return nil
}

func (l *listener) unsubscribe(s stream) {
	l.streams = slices.DeleteFunc(l.streams, func(other stream) bool { return other == s })
	if l.public != nil && !slices.ContainsFunc(l.streams, func(s stream) bool { return s.public }) {
		l.public.Close()
		l.public = nil
	}
}

// run passes events on until ctx ends, the reader is too slow, or its right has ended. It runs what
// comes through do in between.
func (l *listener) run(ctx context.Context, do <-chan func() error) error {
	check, beat := time.NewTicker(l.a.recheck), time.NewTicker(beatEvery)
	defer check.Stop()
	defer beat.Stop()
	for {
		var public <-chan social.Event
		if l.public != nil {
			public = l.public.C
		}
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, open := <-l.mine.C:
			err = l.hear(ctx, e, open, false)
		case e, open := <-public:
			err = l.hear(ctx, e, open, true)
		case f := <-do:
			err = f()
		case <-check.C:
			err = l.recheck(ctx)
		case <-l.mine.Check:
			err = l.recheck(ctx)
		case <-beat.C:
			err = l.to.beat(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// recheck asks anew whether the listener may still be here, and with which scopes.
func (l *listener) recheck(ctx context.Context) error {
	who, err := l.still(ctx)
	if err != nil {
		return errors.Join(errEnded, err)
	}
	if who.Account.ID != l.who.Account.ID {
		return errEnded
	}
	l.who, l.checked = who, time.Now()
	return nil
}

func (l *listener) hear(ctx context.Context, e social.Event, open, public bool) error {
	if !open {
		if err := l.recheck(ctx); err != nil {
			return err
		}
		return errSlow
	}
	if time.Since(l.checked) > recheckEvent {
		if err := l.recheck(ctx); err != nil {
			return err
		}
	}
	if e.Kind == social.EventNotification {
		return l.tellNotification(ctx, e)
	}
	return l.tellPost(ctx, e, public)
}

func (l *listener) tellNotification(ctx context.Context, e social.Event) error {
	if !l.who.Has(scopeNotifications) || !slices.ContainsFunc(l.streams, func(s stream) bool { return s.notifications }) {
		return nil
	}
	n, err := l.a.db.Notification(ctx, l.who.Account.ID, e.Notification)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	payload, err := l.a.notificationJSON(ctx, l.who, n)
	if err != nil || payload == nil {
		return err
	}
	for _, s := range l.streams {
		if s.notifications {
			if err := l.to.send(ctx, frame{s.label(), e.Kind, string(payload)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// tellPost passes an event on to every stream it belongs to. A post is sent where the listener would find
// it in the stream's timeline now.
func (l *listener) tellPost(ctx context.Context, e social.Event, public bool) error {
	var payload []byte
	for _, s := range l.streams {
		if !s.wants(e, public) {
			continue
		}
		if e.Kind == social.EventDelete {
			if err := l.to.send(ctx, frame{s.label(), e.Kind, e.Post.String()}); err != nil {
				return err
			}
			continue
		}
		p, err := l.find(ctx, s, e.Post)
		if err != nil {
			return err
		}
		if p == nil {
			continue
		}
		if payload == nil {
			if payload, err = l.a.postJSON(ctx, l.who, p); err != nil {
				return err
			}
			if payload == nil {
				return nil
			}
		}
		if err := l.to.send(ctx, frame{s.label(), e.Kind, string(payload)}); err != nil {
			return err
		}
	}
	return nil
}

// wants tells by the event alone whether it may belong to the stream.
func (s stream) wants(e social.Event, public bool) bool {
	if !public {
		return s.home || s.listed
	}
	if !s.public || s.filter.Local && !e.Local || s.filter.Remote && e.Local {
		return false
	}
	return !s.tagged || e.Kind != social.EventUpdate || slices.Contains(e.Tags, social.NormalizeTag(s.what))
}

// find reads a post as the stream's timeline shows it to the listener: nil if it does not.
func (l *listener) find(ctx context.Context, s stream, id store.ID) (*store.Post, error) {
	only := store.Page{MaxID: id + 1, SinceID: id - 1, Limit: 1}
	var page store.Posts
	var err error
	switch {
	case s.home:
		page, err = l.a.db.Home(ctx, l.who.Account.ID, only)
	case s.listed:
		page, err = l.a.db.CirclePosts(ctx, l.who.Viewer(), s.circle, only)
	case s.tagged:
		page, err = l.a.db.Tag(ctx, l.who.Viewer(), social.NormalizeTag(s.what), only, s.filter)
	default:
		page, err = l.a.db.Public(ctx, l.who.Viewer(), only, s.filter)
	}
	if err != nil || len(page.Items) == 0 {
		return nil, err
	}
	return page.Items[0], nil
}

// postJSON is a post as a client sees it, nil if it may not be seen any more.
func (a *API) postJSON(ctx context.Context, who *auth.Who, p *store.Post) ([]byte, error) {
	made, err := a.viewsOf(ctx, who.Viewer(), []*store.Post{p})
	if err != nil || len(made) == 0 {
		return nil, err
	}
	return appendStatus(nil, made[0]), nil
}

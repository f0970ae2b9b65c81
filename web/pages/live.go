package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"cohort/social"
	"cohort/store"
)

// The lists that a page can be kept up to date with.
const (
	feedHome   = "home"
	feedLocal  = "local"
	feedPublic = "public"
	feedInbox  = "inbox"
	feedCircle = "circle"
	feedThread = "thread"
)

const (
	// liveBeat is how often a silent stream shows that it is there, and asks whether it still may be.
	liveBeat = 20 * time.Second
	// liveWrite is how long a reader may take to read an event before it is dropped.
	liveWrite = 10 * time.Second
	// streamsEach and streamsAll bound how many streams one account and all together may hold open.
	streamsEach = 16
	streamsAll  = 5000
)

// liveURL is where a list's events come from.
func liveURL(feed string, id store.ID) string {
	of := ""
	if id != 0 {
		of = id.String()
	}
	return withQuery("/live", "feed", feed, "of", of)
}

// feed is what one stream is about.
type feed struct {
	v    *visit
	name string
	of   store.ID
}

// live tells a page what happened to the list it shows. Events carry ids only: the page then reads
// itself anew, with its reader's own eyes.
func (p *Pages) live(v *visit) error {
	f := feed{v: v, name: v.QueryParam("feed")}
	if !slices.Contains([]string{feedHome, feedLocal, feedPublic, feedInbox, feedCircle, feedThread}, f.name) {
		return store.ErrNotFound
	}
	if raw := v.QueryParam("of"); raw != "" {
		id, err := store.ParseID(raw)
		if err != nil {
			return store.ErrNotFound
		}
		f.of = id
	}
	if v.Request().Method != http.MethodGet {
		return v.NoContent(http.StatusOK)
	}
	_, still, err := p.auth.Stream(v)
	if err != nil {
		return err
	}
	if !p.streams.Enter(v.me.ID) {
		v.retryAfter(liveBeat)
		return social.ErrLimited
	}
	defer p.streams.Leave(v.me.ID)
	sub := p.s.Hub.Subscribe(v.me.ID, f.name == feedLocal || f.name == feedPublic || f.name == feedThread)
	defer sub.Close()
	return f.run(sub, func(ctx context.Context) error {
		_, err := still(ctx)
		return err
	})
}

// run passes events on until the reader leaves, falls behind, or may not read any more.
func (f feed) run(sub *social.Subscription, still func(context.Context) error) error {
	ctx := f.v.Request().Context()
	h := f.v.Response().Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "private, no-store")
	h.Set("X-Accel-Buffering", "no") // a proxy must not hold events back
	f.v.Response().WriteHeader(http.StatusOK)
	// A page that was away missed what happened meanwhile.
	first := "retry: 5000\n\n"
	if f.v.Request().Header.Get("Last-Event-ID") != "" && f.name != feedInbox {
		first += "event: update\ndata: 0\n\n"
	}
	if err := f.write(first); err != nil {
		return nil //nolint:nilerr // the reader has left
	}
	beat := time.NewTicker(f.v.p.beat)
	defer beat.Stop()
	for {
		text := ":\n\n"
		select {
		case <-ctx.Done():
			return nil
		case e, open := <-sub.C:
			if !open {
				return nil
			}
			var err error
			if text, err = f.event(ctx, e); err != nil {
				return nil //nolint:nilerr // the answer has begun; the page comes back by itself
			}
		case <-sub.Check:
			if still(ctx) != nil {
				return nil
			}
			continue
		case <-beat.C:
			if still(ctx) != nil {
				return nil
			}
		}
		if text == "" {
			continue
		}
		if err := f.write(text); err != nil {
			return nil //nolint:nilerr // the reader has left or fallen behind
		}
	}
}

func (f feed) write(text string) error {
	c := http.NewResponseController(f.v.Response())
	if err := c.SetWriteDeadline(time.Now().Add(liveWrite)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := f.v.Response().Write([]byte(text)); err != nil {
		return err
	}
	return c.Flush()
}

// event is what a page is told of an event, "" if it is not for it.
func (f feed) event(ctx context.Context, e social.Event) (string, error) {
	mine := slices.Contains(e.Accounts, f.v.me.ID)
	if e.Kind == social.EventNotification {
		if !mine {
			return "", nil
		}
		if _, err := f.v.p.db.Notification(ctx, f.v.me.ID, e.Notification); err != nil {
			return "", notFoundIsNone(err)
		}
		return line(e.Kind, e.Notification), nil
	}
	if f.name == feedInbox || !f.wants(e, mine) {
		return "", nil
	}
	if e.Kind == social.EventDelete {
		// Of a post that is gone nothing can be asked any more; its id alone says nothing.
		return line(e.Kind, e.Post), nil
	}
	post, err := f.v.p.db.Post(ctx, f.v.viewer, e.Post)
	if err != nil {
		return "", notFoundIsNone(err)
	}
	if f.name == feedCircle && post.CircleID != f.of || f.name == feedThread && post.RootID != f.of {
		return "", nil
	}
	return line(e.Kind, e.Post), nil
}

// wants tells whether an event can concern the list at all.
func (f feed) wants(e social.Event, mine bool) bool {
	switch f.name {
	case feedLocal:
		return e.Public && e.Local
	case feedPublic:
		return e.Public
	case feedThread:
		return mine || e.Public
	}
	return mine
}

func notFoundIsNone(err error) error {
	if isNotFound(err) {
		return nil
	}
	return err
}

// line is one server-sent event.
func line(kind string, id store.ID) string {
	var b strings.Builder
	fmt.Fprintf(&b, "id: %d\nevent: %s\ndata: %d\n\n", id, kind, id)
	return b.String()
}

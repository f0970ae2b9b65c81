package api

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cohort/web/auth"
)

// eventLine is a response of server-sent events.
type eventLine struct {
	w    http.ResponseWriter
	ctrl *http.ResponseController
}

// streamEvents answers with the events of one stream until either side ends it.
func (a *API) streamEvents(c echo.Context, who *auth.Who, still auth.Still, s stream) error {
	to := &eventLine{w: c.Response(), ctrl: http.NewResponseController(c.Response())}
	h := c.Response().Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "private, no-store")
	h.Set("X-Accel-Buffering", "no")
	l := a.newListener(who, still, to)
	defer l.close()
	if err := l.subscribe(s); err != nil {
		return err
	}
	c.Response().WriteHeader(http.StatusOK)
	// Without an empty line: some clients take one for the end of an event that has no name.
	if err := to.write(":)\n"); err != nil {
		return nil //nolint:nilerr // the reader went away
	}
	err := l.run(c.Request().Context(), nil)
	a.logStreamEnd(who, "events", err)
	return nil
}

func (e *eventLine) send(_ context.Context, f frame) error {
	return e.write("event: " + f.Event + "\ndata: " + f.Payload + "\n\n")
}

func (e *eventLine) beat(context.Context) error { return e.write(":thump\n") }

func (e *eventLine) write(text string) error {
	if err := e.ctrl.SetWriteDeadline(time.Now().Add(sendTime)); err != nil {
		return err
	}
	if _, err := e.w.Write([]byte(text)); err != nil {
		return err
	}
	return e.ctrl.Flush()
}

// logStreamEnd notes why a stream ended.
func (a *API) logStreamEnd(who *auth.Who, kind string, err error) {
	a.log.Debug("stream ended", "kind", kind, "account", who.Account.ID, "reason", err)
}

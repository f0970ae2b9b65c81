package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/labstack/echo/v4"

	"cohort/web/auth"
)

const (
	maxCommand = 4 << 10 // bytes of one message of a client
	pongTime   = 20 * time.Second
)

// socketLine is a WebSocket.
type socketLine struct {
	conn    *websocket.Conn
	cancel  context.CancelFunc
	pinging atomic.Bool
}

// command is what a client sends on its socket.
type command struct {
	streamQuery

	Type string `json:"type"` // subscribe or unsubscribe
}

// streamSocket answers with a WebSocket. Whoever opens it proved by a token that it may, so the page it
// comes from does not matter. A token given as the protocol is echoed, or browsers hang up.
func (a *API) streamSocket(c echo.Context, who *auth.Who, still auth.Still, first *stream) error {
	opts := &websocket.AcceptOptions{InsecureSkipVerify: true}
	if token := auth.SocketToken(c); token != "" {
		opts.Subprotocols = []string{token}
	}
	conn, err := websocket.Accept(c.Response(), c.Request(), opts)
	if err != nil {
		a.log.Debug("no websocket", "error", err)
		return nil // Accept has answered
	}
	conn.SetReadLimit(maxCommand)
	ctx, cancel := context.WithCancel(context.WithoutCancel(c.Request().Context()))
	defer cancel()
	to := &socketLine{conn: conn, cancel: cancel}
	l := a.newListener(who, still, to)
	defer l.close()
	if first != nil {
		err = l.subscribe(*first)
	}
	if err == nil {
		do := make(chan func() error)
		go to.listen(ctx, l, do)
		err = l.run(ctx, do)
	}
	a.logStreamEnd(who, "socket", err)
	code, reason := closing(err)
	if err := conn.Close(code, reason); err != nil {
		a.log.Debug("websocket not closed in order", "error", err)
	}
	return nil
}

// closing tells the client why it is hung up on.
func closing(err error) (websocket.StatusCode, string) {
	switch {
	case errors.Is(err, errEnded):
		return websocket.StatusPolicyViolation, "the access token is not valid any more"
	case errors.Is(err, errSlow):
		return websocket.StatusTryAgainLater, "come back"
	case errors.Is(err, context.Canceled):
		return websocket.StatusNormalClosure, ""
	}
	return websocket.StatusInternalError, ""
}

// listen reads what the client sends until it hangs up.
func (s *socketLine) listen(ctx context.Context, l *listener, do chan<- func() error) {
	defer s.cancel()
	for {
		kind, raw, err := s.conn.Read(ctx)
		if err != nil {
			return
		}
		select {
		case do <- func() error { return s.obey(ctx, l, kind, raw) }:
		case <-ctx.Done():
			return
		}
	}
}

// obey does what a client says; what it cannot do it answers with an error, not by hanging up.
func (s *socketLine) obey(ctx context.Context, l *listener, kind websocket.MessageType, raw []byte) error {
	var cmd command
	if kind != websocket.MessageText || json.Unmarshal(raw, &cmd) != nil {
		return s.refuse(ctx, &streamError{"Error parsing the message", http.StatusBadRequest})
	}
	st, err := streamFor(l.who, cmd.streamQuery)
	if err == nil {
		switch cmd.Type {
		case "subscribe":
			err = l.subscribe(st)
		case "unsubscribe":
			l.unsubscribe(st)
		default:
			err = &streamError{"Unknown type of message", http.StatusBadRequest}
		}
	}
	var refused *streamError
	if errors.As(err, &refused) {
		return s.refuse(ctx, refused)
	}
	return err
}

func (s *socketLine) refuse(ctx context.Context, e *streamError) error {
	return s.write(ctx, map[string]any{"error": e.text, "status": e.status})
}

func (s *socketLine) send(ctx context.Context, f frame) error { return s.write(ctx, f) }

func (s *socketLine) write(ctx context.Context, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	err = s.conn.Write(ctx, websocket.MessageText, text)
	if errors.Is(err, context.DeadlineExceeded) {
		return errSlow
	}
	return err
}

// beat asks whether the client is still there. It does not wait for the answer; without one the
// connection ends.
func (s *socketLine) beat(ctx context.Context) error {
	if s.pinging.Swap(true) {
		return nil
	}
	go func() {
		ctx, cancel := context.WithTimeout(ctx, pongTime)
		defer cancel()
		if s.conn.Ping(ctx) != nil {
			s.cancel()
		}
		s.pinging.Store(false)
	}()
	return nil
}

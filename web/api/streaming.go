package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"cohort/social"
)

// How many connections may be open.
const (
	streamsPerAccount = 32
	streamsInAll      = 20_000
)

// Listen is for connections that last: an account, by a token or, for server-sent events, a browser's
// session. The endpoint itself asks who it is, and goes on asking.
const Listen Access = "listen"

// StreamHealth says that streaming works.
func (a *API) StreamHealth(c echo.Context) error { return c.String(http.StatusOK, "OK") }

// Stream serves what happens while it happens: as a WebSocket, which may listen to many streams, or as
// server-sent events of one. The stream is named by the path or the parameter stream.
func (a *API) Stream(c echo.Context) error {
	who, still, err := a.auth.Stream(c)
	if err != nil {
		return err
	}
	name := streamOfPath(c.Request().URL.Path)
	if name == "" {
		name = c.QueryParam("stream")
	}
	var first *stream
	if name != "" || !c.IsWebSocket() {
		s, err := streamFor(who, streamQuery{withMedia(name, c.QueryParam("only_media")), c.QueryParam("tag"), c.QueryParam("list")})
		var refused *streamError
		if errors.As(err, &refused) {
			return c.JSON(refused.status, map[string]any{"error": refused.text})
		}
		first = &s
	}
	if !a.streams.Enter(who.Account.ID) {
		return social.ErrLimited
	}
	defer a.streams.Leave(who.Account.ID)
	if c.IsWebSocket() {
		return a.streamSocket(c, who, still, first)
	}
	return a.streamEvents(c, who, still, *first)
}

// streamOfPath is the name of the stream that a path like …/streaming/public/local means.
func streamOfPath(path string) string {
	rest, _ := strings.CutPrefix(path, "/api/v1/streaming")
	return strings.ReplaceAll(strings.Trim(rest, "/"), "/", ":")
}

// withMedia is the stream that leaves out what has no pictures, where a parameter asks for that.
func withMedia(name, onlyMedia string) string {
	first, _, _ := strings.Cut(name, ":")
	if first == "public" && !strings.HasSuffix(name, ":media") && (onlyMedia == "true" || onlyMedia == "1") {
		return name + ":media"
	}
	return name
}

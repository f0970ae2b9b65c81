package web

import (
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// What is still read of a body that was refused. Many clients look for an answer only after they have sent
// everything, and a connection that is closed with bytes unread is reset, which loses the answer.
const (
	drainMost = 16 << 20 // bytes
	drainTime = 5 * time.Second
)

// sentBody knows how far a body was read.
type sentBody struct {
	io.ReadCloser

	begun, ended bool
}

// Read is part of io.Reader.
func (b *sentBody) Read(p []byte) (int, error) {
	b.begun = true
	n, err := b.ReadCloser.Read(p)
	b.ended = b.ended || err != nil
	return n, err
}

// bounded has next answer r, of whose body at most limit bytes are read; a body that says that it is longer
// is refused at once. What a form with pictures left on the disk is removed.
func bounded(next echo.HandlerFunc, c echo.Context, r *http.Request, limit int64) error {
	sent := &sentBody{ReadCloser: r.Body}
	r.Body = http.MaxBytesReader(c.Response(), sent, limit)
	c.SetRequest(r)
	defer func() {
		if form := c.Request().MultipartForm; form != nil {
			if err := form.RemoveAll(); err != nil {
				c.Logger().Warn(err)
			}
		}
	}()
	var err error
	if r.ContentLength > limit {
		err = &http.MaxBytesError{Limit: limit}
	} else {
		err = next(c)
	}
	if err != nil || c.Response().Status >= http.StatusBadRequest {
		drain(c, sent)
	}
	return err
}

// drain reads what is left of a body that was refused, so that the client reads why. Of a larger one, or a
// slower one, the rest is left unread and the connection ends with the answer. A client that waits to be
// told to go on is answered instead.
func drain(c echo.Context, body *sentBody) {
	if body.ended || !body.begun && c.Request().Header.Get("Expect") != "" {
		return
	}
	control := http.NewResponseController(c.Response())
	if control.SetReadDeadline(time.Now().Add(drainTime)) != nil {
		return
	}
	if n, err := io.CopyN(io.Discard, body, drainMost); err == nil && n == drainMost && !c.Response().Committed && c.Request().ProtoMajor == 1 {
		c.Response().Header().Set("Connection", "close")
	}
}

package pages

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"cohort/web/reply"
)

// Error answers with an error page; it is the callback of reply.Handler. The page says nothing of err:
// what may not be seen looks exactly like what does not exist.
func (p *Pages) Error(c echo.Context, status int, _ error) error {
	v := p.newVisit(c)
	view := &ErrorPage{Status: shownStatus(status)}
	view.NoIndex = true
	if status >= http.StatusInternalServerError {
		view.RequestID = reply.RequestID(c)
	}
	if seconds, err := strconv.Atoi(v.Response().Header().Get("Retry-After")); err == nil && status == http.StatusTooManyRequests {
		view.Retry = time.Duration(seconds) * time.Second
	}
	if err := v.fill("error", &view.Page); err != nil {
		// Without a database there is still a page, with less around it.
		view.Page = Page{NoIndex: true, Path: "/", Site: Site{Name: p.s.Config.Name, Kind: p.s.Config.Kind, Host: p.s.Config.Domain, Registration: "closed", Languages: p.languages}}
	}
	return v.write(status, "error", view)
}

// shownStatus is the status whose words describe this one best.
func shownStatus(status int) int {
	switch {
	case errorKeys[status].title != "":
		return status
	case status == http.StatusMethodNotAllowed, status == http.StatusGone:
		return http.StatusNotFound
	case status == http.StatusUnauthorized:
		return http.StatusForbidden
	case status >= http.StatusBadRequest && status < http.StatusInternalServerError:
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

package federation

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// What became of a request to another server. They are told apart with
// errors.Is; errors.As finds the *StatusError behind those that the other server
// answered itself.
var (
	// ErrTemporary: no or no useful answer now; try again later. Time-outs,
	// failed connections and broken answers, 408, 425, 429 and every 5xx.
	ErrTemporary = errors.New("federation: no answer for the time being")
	// ErrGone: 410, it existed and will not return.
	ErrGone = errors.New("federation: gone")
	// ErrNotFound: 404, it may never have existed, or not for us.
	ErrNotFound = errors.New("federation: not found")
	// ErrRefused: 401 or 403, not for whoever signed.
	ErrRefused = errors.New("federation: refused by the other server")
	// ErrForbiddenAddress: an URL or network address that we do not contact.
	ErrForbiddenAddress = errors.New("federation: address is not to be contacted")
	// ErrBlocked: the configured policy excludes the host.
	ErrBlocked = errors.New("federation: host is blocked")
	// ErrRedirects: too many redirects, or one that leads nowhere.
	ErrRedirects = errors.New("federation: redirects without end")
	// ErrTooLarge: the answer passes its limit.
	ErrTooLarge = errors.New("federation: answer is too large")
	// ErrContentType: not the kind of document that was asked for.
	ErrContentType = errors.New("federation: answer is of another type")
	// ErrIDMismatch: the document is not the one that lives at its address.
	ErrIDMismatch = errors.New("federation: document has another id than its address")
)

// maxRetryAfter caps what another server may ask us to wait.
const maxRetryAfter = 7 * 24 * time.Hour

// StatusError is an answer with a status other than success. By Unwrap it is
// also ErrTemporary, ErrGone, ErrNotFound or ErrRefused where the status says
// so; the other 3xx and 4xx are final and match none of them.
type StatusError struct {
	Code int
	// RetryAfter is how long the other server asked us to wait: 0 if it did
	// not say, at most seven days.
	RetryAfter time.Duration
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("federation: answered with status %d", e.Code)
}

// Unwrap names the sentinel for the status, or nil.
func (e *StatusError) Unwrap() error {
	switch {
	case e.Code == http.StatusGone:
		return ErrGone
	case e.Code == http.StatusNotFound:
		return ErrNotFound
	case e.Code == http.StatusUnauthorized, e.Code == http.StatusForbidden:
		return ErrRefused
	case e.Code == http.StatusRequestTimeout, e.Code == http.StatusTooEarly,
		e.Code == http.StatusTooManyRequests, e.Code >= 500:
		return ErrTemporary
	}
	return nil
}

// statusError reads what an answer says about itself. A date is compared with
// the answer's own Date where it has one, so that their clock may be wrong.
func statusError(resp *http.Response) *StatusError {
	e := &StatusError{Code: resp.StatusCode}
	text := strings.TrimSpace(resp.Header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		e.RetryAfter = time.Duration(seconds) * time.Second
	} else if until, err := http.ParseTime(text); err == nil {
		sent, err := http.ParseTime(resp.Header.Get("Date"))
		if err != nil {
			sent = time.Now()
		}
		e.RetryAfter = until.Sub(sent)
	}
	e.RetryAfter = min(max(e.RetryAfter, 0), maxRetryAfter)
	return e
}

// temporary wraps what went wrong below HTTP, unless it has a name already.
func temporary(err error) error {
	for _, named := range []error{ErrForbiddenAddress, ErrTooLarge, ErrContentType} {
		if errors.Is(err, named) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", ErrTemporary, err)
}

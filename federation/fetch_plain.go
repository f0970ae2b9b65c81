package federation

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// FetchJSON gets a discovery document: WebFinger, NodeInfo or host-meta in its
// JSON form. It is not signed, redirects to other hosts are followed, and the
// answer must be typed as JRD or JSON. finalURL is where it was found.
//
// It takes at most ten seconds, three redirects and 1 MiB; errors as for Fetch
// except ErrIDMismatch.
// spec: RFC7033 §4.2
func (c *Client) FetchJSON(ctx context.Context, url, accept string) (body []byte, finalURL string, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.within)
	defer cancel()
	hops := maxRedirects
	got, err := c.get(ctx, url, accept, "gzip", nil, &hops)
	if err != nil {
		return nil, "", err
	}
	defer got.done()
	if kind, _ := contentTypeOf(got.resp.Header); kind != "application/jrd+json" && kind != "application/json" {
		return nil, "", ErrContentType
	}
	if body, err = readAll(got.resp); err != nil {
		return nil, "", err
	}
	return body, got.url.String(), nil
}

// FetchMedia copies a file of at most maxBytes to w and returns its content type
// as claimed, in lower case without parameters, "" if unreadable; the caller
// must not rely on it. On an error w may have received a part, at most maxBytes.
//
// It takes at most ten seconds and three redirects; errors as for FetchJSON, and
// those of w.
func (c *Client) FetchMedia(ctx context.Context, url string, maxBytes int64, w io.Writer) (contentType string, n int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.within)
	defer cancel()
	hops := maxRedirects
	got, err := c.get(ctx, url, "*/*", "identity", nil, &hops)
	if err != nil {
		return "", 0, err
	}
	defer got.done()
	if encoding := got.resp.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return "", 0, fmt.Errorf("%w: content encoding", ErrContentType)
	}
	if got.resp.ContentLength > maxBytes {
		return "", 0, ErrTooLarge
	}
	contentType, _ = contentTypeOf(got.resp.Header)
	body := &capped{r: got.resp.Body, left: maxBytes}
	buf := make([]byte, 32<<10)
	for {
		k, readErr := body.Read(buf)
		if k > 0 {
			written, err := w.Write(buf[:k])
			n += int64(written)
			if err != nil {
				return "", n, fmt.Errorf("federation: keeping a file: %w", err)
			}
		}
		if readErr == io.EOF {
			return contentType, n, nil
		}
		if readErr != nil {
			return "", n, temporary(readErr)
		}
	}
}

// Post delivers an activity to an inbox. nil means that the other server took it
// with a 2xx; redirects are not followed and count as any other status. Of the
// answer's body nothing is used.
//
// It takes at most ten seconds. Errors: *StatusError with ErrTemporary, ErrGone,
// ErrNotFound or ErrRefused behind it, ErrTemporary, ErrForbiddenAddress,
// ErrBlocked, and whatever sign returns.
// spec: AP §7 server to server delivery
func (c *Client) Post(ctx context.Context, url string, body []byte, sign SignFunc) error {
	ctx, cancel := context.WithTimeout(ctx, c.within)
	defer cancel()
	u, err := c.checkURL(url)
	if err != nil {
		return err
	}
	if body == nil {
		body = []byte{}
	}
	got, err := c.send(ctx, http.MethodPost, u, body, http.Header{"Content-Type": {activityType}, "Accept-Encoding": {"identity"}}, sign)
	if err != nil {
		return err
	}
	defer got.done()
	if got.resp.StatusCode >= 200 && got.resp.StatusCode <= 299 {
		return nil
	}
	return statusError(got.resp)
}

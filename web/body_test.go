package web

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// largeBodies are bodies beyond what is taken, in every form that clients send.
var largeBodies = []struct {
	name, kind, start string
	size              int
}{
	{"a form", "application/x-www-form-urlencoded", "status=", 5 << 20},
	{"a form a little too long", "application/x-www-form-urlencoded", "status=", 1<<20 + 1},
	{"JSON", "application/json", `{"status":"`, 5 << 20},
	{"pictures", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n", 40 << 20},
}

func checkTooLarge(t *testing.T, name string, code int, body []byte) {
	t.Helper()
	var said struct{ Error string }
	if err := json.Unmarshal(body, &said); err != nil || code != http.StatusRequestEntityTooLarge || said.Error == "" {
		t.Errorf("%s is answered %d %.200s", name, code, body)
	}
}

// A client that looks for an answer only after it has sent everything gets one, whether it says beforehand
// how much that is or not.
func TestLargeBodiesAreAnswered(t *testing.T) {
	h := newHouse(t)
	token := h.token(h.person("ada"))
	for _, b := range largeBodies {
		for _, chunked := range []bool{false, true} {
			name := fmt.Sprintf("%s, chunked %v", b.name, chunked)
			conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
			h.must(err)
			h.must(conn.SetDeadline(time.Now().Add(20 * time.Second)))
			head := "POST /api/v1/statuses HTTP/1.1\r\nHost: school.example\r\nAuthorization: Bearer " + token + "\r\nContent-Type: " + b.kind + "\r\n"
			body := append([]byte(b.start), bytes.Repeat([]byte("a"), b.size-len(b.start))...)
			if chunked {
				head += fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", len(body))
				body = append(body, "\r\n0\r\n\r\n"...)
			} else {
				head += fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body))
			}
			if _, err := conn.Write(append([]byte(head), body...)); err != nil {
				t.Errorf("%s cannot be sent: %v", name, err)
			} else if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
				t.Errorf("%s has no answer: %v", name, err)
			} else {
				raw, err := io.ReadAll(resp.Body)
				h.must(err)
				checkTooLarge(t, name, resp.StatusCode, raw)
			}
			h.must(conn.Close())
		}
	}
}

// The same over HTTP/2.
func TestLargeBodiesAreAnsweredOverHTTP2(t *testing.T) {
	h := newHouse(t)
	token := h.token(h.person("ada"))
	server := httptest.NewUnstartedServer(h.echo)
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}}
	defer transport.CloseIdleConnections()
	for _, b := range largeBodies {
		body := io.MultiReader(strings.NewReader(b.start), io.LimitReader(endless{}, int64(b.size)))
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/api/v1/statuses", body)
		h.must(err)
		r.Header.Set("Content-Type", b.kind)
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := transport.RoundTrip(r)
		if err != nil {
			t.Errorf("%s: %v", b.name, err)
			continue
		}
		raw, err := io.ReadAll(resp.Body)
		h.must(err)
		h.must(resp.Body.Close())
		if resp.ProtoMajor != 2 {
			t.Errorf("%s went over %s", b.name, resp.Proto)
		}
		checkTooLarge(t, b.name, resp.StatusCode, raw)
	}
}

// endless is a text without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

// Whoever waits to be told to go on is answered without being told so.
func TestLargeBodiesAreNotAskedFor(t *testing.T) {
	h := newHouse(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	h.must(err)
	defer conn.Close()
	h.must(conn.SetDeadline(time.Now().Add(20 * time.Second)))
	_, err = fmt.Fprintf(conn, "POST /api/v1/statuses HTTP/1.1\r\nHost: school.example\r\nExpect: 100-continue\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n", 5<<20)
	h.must(err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	h.must(err)
	raw, err := io.ReadAll(resp.Body)
	h.must(err)
	checkTooLarge(t, "a body that is announced", resp.StatusCode, raw)
}

// A form with a picture leaves no file behind, wherever it is sent and however it is answered.
func TestUploadsLeaveNoFiles(t *testing.T) {
	h := newHouse(t)
	token := h.token(h.person("ada"))
	session, err := h.s.StartSession(t.Context(), h.person("bob").ID, "test")
	h.must(err)
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	body := "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n" + strings.Repeat("a", 3<<20) + "\r\n--x--\r\n"
	for path, header := range map[string][]string{
		"/api/v2/media":     {"Authorization", "Bearer " + token},
		"/compose":          {"Cookie", "__Host-cohort-session=" + session},
		"/settings/profile": {"Cookie", "__Host-cohort-session=" + session},
	} {
		got := h.do(http.MethodPost, path, strings.NewReader(body), append(header, "Content-Type", "multipart/form-data; boundary=x")...)
		if got.code < 400 {
			t.Errorf("%s is answered %d", path, got.code)
		}
		left, err := os.ReadDir(folder)
		h.must(err)
		if len(left) != 0 {
			t.Errorf("%s (%d) leaves %v", path, got.code, left)
		}
	}
}

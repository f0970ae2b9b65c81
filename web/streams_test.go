package web

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"cohort/social"
	"cohort/store"
)

// Streams pass everything that stands around the addresses: nothing holds them back or cuts them off.
func TestStreamsPassTheDoor(t *testing.T) {
	h := newHouse(t)
	ada := h.person("ada")
	token := h.token(ada)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, strings.Replace(h.url, "http", "ws", 1)+"/api/v1/streaming?stream=user", &websocket.DialOptions{
		Subprotocols: []string{token}, HTTPHeader: http.Header{"Origin": {"https://client.example"}, "Accept-Encoding": {"gzip"}},
	})
	h.must(err)
	defer func() { _ = conn.CloseNow() }()
	session, err := h.s.StartSession(ctx, ada.ID, "test")
	h.must(err)
	var lines []*bufio.Reader
	for path, header := range map[string][2]string{
		"/api/v1/streaming/user": {"Authorization", "Bearer " + token}, "/api/v1/streaming/public": {"Cookie", "__Host-cohort-session=" + session},
		"/live?feed=home": {"Cookie", "__Host-cohort-session=" + session},
	} {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+path, nil)
		h.must(err)
		r.Header.Set(header[0], header[1])
		r.Header.Set("Accept-Encoding", "gzip")
		resp, err := http.DefaultTransport.RoundTrip(r)
		h.must(err)
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Encoding") != "" {
			t.Fatalf("%s: %d %v", path, resp.StatusCode, resp.Header)
		}
		b := bufio.NewReader(resp.Body)
		if _, err := b.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, b)
	}
	p := h.publish(ada, social.Draft{Text: "hello", Visibility: store.Public})
	if _, frame, err := conn.Read(ctx); err != nil || !strings.Contains(string(frame), p.ID.String()) {
		t.Errorf("frame %s %v", frame, err)
	}
	for _, b := range lines {
		for text := ""; !strings.Contains(text, p.ID.String()); {
			if text, err = b.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A session opens no WebSocket: a page of another origin could do that in its name.
func TestSessionsOpenNoSocket(t *testing.T) {
	h := newHouse(t)
	session, err := h.s.StartSession(t.Context(), h.person("ada").ID, "test")
	h.must(err)
	_, resp, err := websocket.Dial(t.Context(), strings.Replace(h.url, "http", "ws", 1)+"/api/v1/streaming?stream=user", &websocket.DialOptions{
		HTTPHeader: http.Header{"Cookie": {"__Host-cohort-session=" + session}, "Origin": {"https://evil.example"}},
	})
	if err == nil || resp == nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("%v %v", resp, err)
	}
}

package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"cohort/social"
	"cohort/store"
)

const patience = 10 * time.Second

// socket is a WebSocket of a client.
type socket struct {
	t    testing.TB
	conn *websocket.Conn
}

func (h *house) socket(query string, opts *websocket.DialOptions) *socket {
	h.t.Helper()
	conn, resp, err := websocket.Dial(h.t.Context(), strings.Replace(h.url, "http", "ws", 1)+"/api/v1/streaming"+query, opts)
	if err != nil {
		h.t.Fatalf("dial: %v (%v)", err, resp)
	}
	h.t.Cleanup(func() { _ = conn.CloseNow() })
	return &socket{h.t, conn}
}

// next is the next frame, decoded.
func (s *socket) next() map[string]any {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	kind, raw, err := s.conn.Read(ctx)
	if err != nil {
		s.t.Fatalf("read: %v", err)
	}
	var v map[string]any
	if kind != websocket.MessageText || json.Unmarshal(raw, &v) != nil {
		s.t.Fatalf("frame %v %s", kind, raw)
	}
	return v
}

// expect reads a frame of that stream and event and gives its payload.
func (s *socket) expect(event string, stream ...string) string {
	s.t.Helper()
	f := s.next()
	var names []string
	list, _ := f["stream"].([]any)
	for _, n := range list {
		names = append(names, fmt.Sprint(n))
	}
	if f["event"] != event || strings.Join(names, " ") != strings.Join(stream, " ") {
		s.t.Fatalf("got %v of %v, want %s of %v: %.200v", f["event"], names, event, stream, f)
	}
	payload, ok := f["payload"].(string)
	if !ok {
		s.t.Fatalf("the payload is no string: %v", f)
	}
	return payload
}

// expectPost reads an event and checks which post it brings.
func (s *socket) expectPost(event string, p *store.Post, stream ...string) map[string]any {
	s.t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(s.expect(event, stream...)), &v); err != nil {
		s.t.Fatal(err)
	}
	if v["id"] != p.ID.String() {
		s.t.Fatalf("post %v, want %v", v["id"], p.ID)
	}
	return v
}

func (s *socket) say(text string) {
	s.t.Helper()
	if err := s.conn.Write(s.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

// subscribed waits until what was said before has been heard, by saying something that is answered.
func (s *socket) subscribed() {
	s.t.Helper()
	s.say(`{"type":"subscribe","stream":"nonsense"}`)
	if f := s.next(); f["error"] == "" || f["status"] != 400.0 {
		s.t.Fatalf("answer to nonsense: %v", f)
	}
}

// ended reads until the server hangs up and gives its reason.
func (s *socket) ended() websocket.StatusCode {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for {
		if _, _, err := s.conn.Read(ctx); err != nil {
			if ctx.Err() != nil {
				s.t.Fatal("the server does not hang up")
			}
			return websocket.CloseStatus(err)
		}
	}
}

func TestStreamOfUser(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.person("ada"), h.person("bob")
	if err := h.s.Follow(t.Context(), ada, bob.ID, social.FollowOptions{}); err != nil {
		t.Fatal(err)
	}
	s := h.socket("?stream=user&access_token="+h.token(ada, "read"), nil)
	s.subscribed()
	p := h.publish(bob, "hello", store.Public)
	v := s.expectPost("update", p, "user")
	if v["content"] != "<p>hello</p>" || v["favourited"] != false {
		t.Errorf("post %v", v)
	}
	if _, err := h.s.Edit(t.Context(), bob, p.ID, social.Draft{Text: "hello again"}); err != nil {
		t.Fatal(err)
	}
	if v := s.expectPost("status.update", p, "user"); v["content"] != "<p>hello again</p>" || v["edited_at"] == nil {
		t.Errorf("edited post %v", v)
	}
	if _, err := h.s.DeletePost(t.Context(), bob, p.ID); err != nil {
		t.Fatal(err)
	}
	if got := s.expect("delete", "user"); got != p.ID.String() {
		t.Errorf("delete says %q", got)
	}
	mine := h.publish(ada, "mine", store.Followers)
	s.expectPost("update", mine, "user")
	if err := h.s.Like(t.Context(), bob, h.publish(ada, "like me", store.Public).ID); err != nil {
		t.Fatal(err)
	}
	s.expect("update", "user")
	var n map[string]any
	if err := json.Unmarshal([]byte(s.expect("notification", "user")), &n); err != nil || n["type"] != "favourite" {
		t.Errorf("notification %v %v", n, err)
	}
	if account, _ := n["account"].(map[string]any); account["acct"] != "bob" {
		t.Errorf("by %v", n["account"])
	}
}

// Nobody hears on a stream what the timeline would not show.
func TestStreamsKeepSecrets(t *testing.T) {
	h := newHouse(t)
	ada, bob, eve := h.person("ada"), h.person("bob"), h.person("eve")
	if err := h.s.Follow(t.Context(), ada, bob.ID, social.FollowOptions{}); err != nil {
		t.Fatal(err)
	}
	s := h.socket("?access_token="+h.token(ada, "read"), nil)
	for _, stream := range []string{"user", "public", "public:local"} {
		s.say(`{"type":"subscribe","stream":"` + stream + `"}`)
	}
	s.say(`{"type":"subscribe","stream":"hashtag","tag":"Tag"}`)
	s.subscribed()
	h.publish(eve, "@bob psst #tag", store.Direct)
	h.publish(eve, "for my followers #tag", store.Followers)
	h.publish(eve, "unlisted #tag", store.Unlisted)
	if err := h.s.Mute(t.Context(), ada, eve.ID, social.MuteOptions{}); err != nil {
		t.Fatal(err)
	}
	h.publish(eve, "muted #tag", store.Public)
	if err := h.s.Block(t.Context(), eve, ada.ID); err != nil {
		t.Fatal(err)
	}
	h.publish(eve, "blocked #tag", store.Public)
	p := h.publish(bob, "open #tag", store.Public)
	seen := map[string]bool{}
	for range 4 {
		f := s.next()
		if !strings.Contains(fmt.Sprint(f["payload"]), p.ID.String()) {
			t.Fatalf("heard %v", f)
		}
		seen[fmt.Sprint(f["stream"])] = true
	}
	for _, want := range []string{"[user]", "[public]", "[public:local]", "[hashtag Tag]"} {
		if !seen[want] {
			t.Errorf("not heard on %s: %v", want, seen)
		}
	}
}

func TestStreamOfCircle(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.person("ada"), h.person("bob")
	circle, err := h.s.CreateCircle(t.Context(), social.CircleDraft{Slug: "2012-3", Name: "2012 (3)", Unit: "3", From: 2012, To: 2015})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []*store.Account{ada, bob} {
		if _, err := h.s.GrantSeat(t.Context(), a, social.SeatGrant{Type: "alumnus", Unit: "3", From: 2012, To: 2015, Reason: "test"}); err != nil {
			t.Fatal(err)
		}
		if err := h.s.Follow(t.Context(), a, circle.ID, social.FollowOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	s := h.socket("?stream=list&list="+circle.ID.String()+"&access_token="+h.token(ada, "read"), nil)
	s.say(`{"type":"subscribe","stream":"user"}`)
	outsider := h.socket("?stream=list&list="+circle.ID.String()+"&access_token="+h.token(h.person("eve"), "read"), nil)
	outsider.say(`{"type":"subscribe","stream":"public"}`)
	s.subscribed()
	outsider.subscribed()
	say := func(text string) *store.Post {
		p, err := h.s.Publish(t.Context(), bob, social.Draft{Text: text, Circle: circle.ID})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := say("to the class")
	s.expectPost("update", p, "list", circle.ID.String())
	s.expectPost("update", p, "user")
	// Once the seat is gone the open socket ends, and a new one hears nothing of the circle.
	seats, _, err := h.db.Seats(t.Context(), store.SeatFilter{AccountID: ada.ID}, store.Page{})
	if err != nil || len(seats) != 1 {
		t.Fatal(err, len(seats))
	}
	h.must(h.s.RevokeSeat(t.Context(), seats[0].ID, "test", 0))
	s.ended()
	s = h.socket("?stream=list&list="+circle.ID.String()+"&access_token="+h.token(ada, "read"), nil)
	s.say(`{"type":"subscribe","stream":"user"}`)
	s.say(`{"type":"subscribe","stream":"public"}`)
	s.subscribed()
	say("without ada")
	open := h.publish(bob, "for all", store.Public)
	s.expectPost("update", open, "public")
	outsider.expectPost("update", open, "public")
}

func TestTokenByProtocol(t *testing.T) {
	h := newHouse(t)
	token := h.token(h.person("ada"), "read")
	s := h.socket("", &websocket.DialOptions{Subprotocols: []string{token}})
	if got := s.conn.Subprotocol(); got != token {
		t.Errorf("the protocol is not echoed: %q", got)
	}
	s.subscribed()
	s = h.socket("?access_token="+token, &websocket.DialOptions{Subprotocols: []string{token}})
	if got := s.conn.Subprotocol(); got != token {
		t.Errorf("the protocol is not echoed beside the query: %q", got)
	}
	s = h.socket("/?stream=public", &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + token}}, Host: "other.example"})
	s.subscribed()
}

func TestStreamsAreRefused(t *testing.T) {
	h := newHouse(t)
	ada := h.person("ada")
	token, narrow := h.token(ada, "read"), h.token(ada, "write")
	for query, want := range map[string]int{
		"?stream=user": 401, "?stream=user&access_token=wrong": 401, "?stream=public": 401, "": 401,
		"?stream=nonsense&access_token=" + token: 400, "?stream=hashtag&access_token=" + token: 400, "?stream=hashtag&tag=%20&access_token=" + token: 400,
		"?stream=list&list=x&access_token=" + token: 404, "?stream=user&access_token=" + narrow: 403,
		"/user?access_token=" + narrow: 403, "/hashtag?access_token=" + token: 400, "/none?access_token=" + token: 404,
	} {
		got := h.get("/api/v1/streaming"+query, "")
		if got.code != want || got.field(t, "error") == "" {
			t.Errorf("events %q: %d %s", query, got.code, got.body)
		}
		conn, resp, err := websocket.Dial(t.Context(), strings.Replace(h.url, "http", "ws", 1)+"/api/v1/streaming"+query, nil)
		if err == nil {
			_ = conn.CloseNow()
			t.Errorf("socket %q opens", query)
		} else if resp == nil || resp.StatusCode != want {
			t.Errorf("socket %q: %v", query, err)
		}
	}
	s := h.socket("?access_token="+narrow, nil)
	for _, say := range []string{`{"type":"subscribe","stream":"user"}`, `no json`, `{"type":"dance","stream":"public"}`, `[]`, `{"type":"subscribe"}`} {
		s.say(say)
		if f := s.next(); f["error"] == nil || f["status"] == nil {
			t.Errorf("%s: %v", say, f)
		}
	}
}

func TestUnsubscribe(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.person("ada"), h.person("bob")
	s := h.socket("?stream=public&access_token="+h.token(ada, "read"), nil)
	s.say(`{"type":"subscribe","stream":"public:local"}`)
	s.say(`{"type":"subscribe","stream":"public:local"}`) // twice is once
	s.say(`{"type":"unsubscribe","stream":"public"}`)
	s.subscribed()
	p := h.publish(bob, "one", store.Public)
	s.expectPost("update", p, "public:local")
	s.say(`{"type":"unsubscribe","stream":"public:local"}`)
	s.say(`{"type":"subscribe","stream":"public:remote"}`)
	s.subscribed()
	h.publish(bob, "two", store.Public)
	s.subscribed()
}

func TestManySubscriptionsAreRefused(t *testing.T) {
	h := newHouse(t)
	s := h.socket("?access_token="+h.token(h.person("ada"), "read"), nil)
	for i := range maxStreams {
		s.say(fmt.Sprintf(`{"type":"subscribe","stream":"hashtag","tag":"t%d"}`, i))
	}
	s.say(`{"type":"subscribe","stream":"hashtag","tag":"more"}`)
	if f := s.next(); f["status"] != 429.0 {
		t.Errorf("answer %v", f)
	}
}

// Whoever loses the right to listen is hung up on, whichever process takes it.
func TestRevocationEndsStreams(t *testing.T) {
	h := newHouse(t)
	for name, end := range map[string]func(a *store.Account){
		"suspended": func(a *store.Account) { h.must(h.s.Suspend(t.Context(), a, 0, "test")) },
		"password":  func(a *store.Account) { h.must(h.s.SetPassword(t.Context(), a, "another long passphrase")) },
		"deleted":   func(a *store.Account) { h.must(h.s.DeleteAccount(t.Context(), a, 0)) },
		"row changed": func(a *store.Account) {
			h.must(h.db.Tx(t.Context(), func(tx *store.Tx) error { return tx.SetSuspended(t.Context(), a.ID, true) }))
		},
	} {
		a := h.person("p" + strings.ReplaceAll(name, " ", ""))
		token := h.token(a, "read")
		s := h.socket("?stream=user&access_token="+token, nil)
		s.subscribed()
		events := h.events("/user", token)
		end(a)
		if code := s.ended(); code != websocket.StatusPolicyViolation {
			t.Errorf("%s: the socket ends with %v", name, code)
		}
		events.ended()
	}
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestSlowReaderIsDropped(t *testing.T) {
	h := newHouse(t)
	ada := h.person("ada")
	s := h.socket("?stream=user&access_token="+h.token(ada, "read"), nil)
	s.subscribed()
	p := h.publish(ada, strings.Repeat("long ", 800), store.Public)
	for range 50_000 {
		h.s.Hub.Publish(social.Event{Kind: social.EventUpdate, Post: p.ID, Accounts: []store.ID{ada.ID}})
		if h.s.Hub.Listeners() == 0 {
			break
		}
	}
	if n := h.s.Hub.Listeners(); n != 0 {
		t.Fatalf("%d listeners are left", n)
	}
	if code := s.ended(); code != websocket.StatusTryAgainLater {
		t.Errorf("ended with %v", code)
	}
}

func TestStreamsOfOneAccountAreCounted(t *testing.T) {
	h := newHouse(t)
	token := h.token(h.person("ada"), "read")
	for range streamsPerAccount {
		h.socket("?access_token="+token, nil).subscribed()
	}
	_, resp, err := websocket.Dial(t.Context(), strings.Replace(h.url, "http", "ws", 1)+"/api/v1/streaming?access_token="+token, nil)
	if err == nil || resp == nil || resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("one more: %v %v", resp, err)
	}
	bob := h.socket("?access_token="+h.token(h.person("bob"), "read"), nil)
	bob.subscribed()
}

// events is a response of server-sent events.
type events struct {
	t    testing.TB
	r    *bufio.Reader
	resp *http.Response
}

func (h *house) events(path, token string) *events {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	h.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+"/api/v1/streaming"+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		h.t.Fatalf("%s: %d %s", path, resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	e := &events{h.t, bufio.NewReader(resp.Body), resp}
	if line, err := e.r.ReadString('\n'); err != nil || line != ":)\n" {
		h.t.Fatalf("first line %q %v", line, err)
	}
	return e
}

// next is the next event with its data.
func (e *events) next() (event, data string) {
	e.t.Helper()
	for {
		line, err := e.r.ReadString('\n')
		if err != nil {
			e.t.Fatalf("events: %v", err)
		}
		line = strings.TrimSuffix(line, "\n")
		if v, ok := strings.CutPrefix(line, "event: "); ok {
			event = v
		} else if v, ok := strings.CutPrefix(line, "data: "); ok {
			return event, v
		}
	}
}

func (e *events) ended() {
	e.t.Helper()
	for {
		if _, err := e.r.ReadString('\n'); err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				e.t.Error("the events go on")
			}
			return
		}
	}
}

func TestServerSentEvents(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.person("ada"), h.person("bob")
	token := h.token(ada, "read")
	user, local, tag, remote := h.events("/user", token), h.events("/public/local?only_media=false", token), h.events("/hashtag?tag=Go", token), h.events("?stream=public:remote", token)
	notes, media := h.events("/user/notification", token), h.events("/public?only_media=true", token)
	if err := h.s.Follow(t.Context(), bob, ada.ID, social.FollowOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, e := range []*events{user, notes} {
		if event, data := e.next(); event != "notification" || !strings.Contains(data, `"follow"`) {
			t.Errorf("%s %s", event, data)
		}
	}
	p := h.publish(ada, "learning #go", store.Public)
	for name, e := range map[string]*events{"user": user, "local": local, "tag": tag} {
		if event, data := e.next(); event != "update" || !strings.Contains(data, `"id":"`+p.ID.String()+`"`) {
			t.Errorf("%s: %s %s", name, event, data)
		}
	}
	if _, err := h.s.DeletePost(t.Context(), ada, p.ID); err != nil {
		t.Fatal(err)
	}
	for name, e := range map[string]*events{"user": user, "local": local, "tag": tag, "media": media} {
		if event, data := e.next(); event != "delete" || data != p.ID.String() {
			t.Errorf("%s: %s %s", name, event, data)
		}
	}
	h.s.Hub.Close()
	for _, e := range []*events{user, local, tag, remote, notes, media} {
		e.ended()
	}
	if got := h.get("/api/v1/streaming/health", ""); got.code != http.StatusOK || string(got.body) != "OK" {
		t.Errorf("health: %d %s", got.code, got.body)
	}
}

package pages

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"cohort/social"
	"cohort/store"
)

// listener reads the events of a page.
type listener struct {
	t     testing.TB
	lines chan string // "kind id"; closed at the end
}

// listen opens a list's stream and waits until it is open.
func (b *browser) listen(path string, header ...string) *listener {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { cancel(); resp.Body.Close() })
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		b.t.Fatalf("%s: %d %s", path, resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	l := &listener{t: b.t, lines: make(chan string, 100)}
	s := bufio.NewScanner(resp.Body)
	if !s.Scan() || s.Text() != "retry: 5000" {
		b.t.Fatalf("%s begins with %q", path, s.Text())
	}
	go func() {
		defer close(l.lines)
		kind := ""
		for s.Scan() {
			if k, ok := strings.CutPrefix(s.Text(), "event: "); ok {
				kind = k
			}
			if id, ok := strings.CutPrefix(s.Text(), "data: "); ok {
				l.lines <- kind + " " + id
			}
		}
	}()
	return l
}

// want expects the next event.
func (l *listener) want(kind string, id store.ID) {
	l.t.Helper()
	select {
	case got := <-l.lines:
		if got != kind+" "+id.String() {
			l.t.Errorf("got %q, want %s %d", got, kind, id)
		}
	case <-time.After(10 * time.Second):
		l.t.Fatalf("%s %d did not come", kind, id)
	}
}

// ended expects the stream to end.
func (l *listener) ended() {
	l.t.Helper()
	for {
		select {
		case got, open := <-l.lines:
			if !open {
				return
			}
			l.t.Errorf("got %q", got)
		case <-time.After(10 * time.Second):
			l.t.Fatal("the stream did not end")
		}
	}
}

// Each list hears of what concerns it, and of nothing that its reader may not see.
func TestLiveLists(t *testing.T) {
	w := newWorld(t)
	thread := w.post.ID
	lists := map[string]*listener{}
	for name, path := range map[string]string{
		"home": liveURL(feedHome, 0), "inbox": liveURL(feedInbox, 0), "circle": liveURL(feedCircle, w.circle.ID), "thread": liveURL(feedThread, thread), "local": liveURL(feedLocal, 0),
	} {
		lists[name] = w.as(w.chen).listen(path)
	}
	outside := map[string]*listener{}
	for name, path := range map[string]string{
		"home": liveURL(feedHome, 0), "circle": liveURL(feedCircle, w.circle.ID), "thread": liveURL(feedThread, thread), "public": liveURL(feedPublic, 0),
	} {
		outside[name] = w.as(w.qq).listen(path)
	}
	reply := w.publish(w.chen, social.Draft{Text: "周末去看看", ReplyTo: w.post.ID})
	for _, name := range []string{"home", "circle", "thread"} {
		lists[name].want("update", reply.ID)
	}
	if _, err := w.s.Edit(t.Context(), w.chen, reply.ID, social.Draft{Text: "周日去看看"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"home", "circle", "thread"} {
		lists[name].want("status.update", reply.ID)
	}
	if _, err := w.s.DeletePost(t.Context(), w.chen, reply.ID); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"home", "circle", "thread"} {
		lists[name].want("delete", reply.ID)
	}
	// What comes next is public: whoever was outside has heard of nothing before it.
	open := w.publish(w.zhao, social.Draft{Text: "大家好 @chenmo", Visibility: store.Public})
	outside["public"].want("update", open.ID)
	page, err := w.db.Notifications(t.Context(), w.chen.ID, store.Page{}, store.NotificationFilter{})
	if err != nil || len(page.Items) == 0 {
		t.Fatal(err)
	}
	lists["inbox"].want("notification", page.Items[0].ID)
	lists["local"].want("notification", page.Items[0].ID)
	lists["local"].want("update", open.ID)
	w.s.Hub.Drop(w.qq.ID)
	for _, l := range outside {
		l.ended()
	}
}

// A stream ends with the session, and a page that was away is told to look again.
func TestLiveEnds(t *testing.T) {
	h := newHouse(t)
	h.pages.beat = 20 * time.Millisecond
	chen := h.person("chenmo")
	b := h.as(chen)
	l := b.listen("/live?feed=home", "Last-Event-ID", "1")
	l.want("update", 0)
	err := h.db.Tx(t.Context(), func(tx *store.Tx) error { return tx.EndSessions(t.Context(), chen.ID, 0) })
	if err != nil {
		t.Fatal(err)
	}
	l.ended()
	if a := b.stay().get("/live?feed=home"); a.status != http.StatusSeeOther {
		t.Errorf("without a session: %d", a.status)
	}
}

func TestLiveIsBounded(t *testing.T) {
	h := newHouse(t)
	chen := h.person("chenmo")
	for range streamsEach {
		h.as(chen).listen("/live?feed=home")
	}
	h.as(chen).get("/live?feed=home").must(http.StatusTooManyRequests)
	h.as(h.person("zhao")).listen("/live?feed=home")
	for _, path := range []string{"/live", "/live?feed=x", "/live?feed=circle&of=x"} {
		h.as(chen).get(path).must(http.StatusNotFound)
	}
}

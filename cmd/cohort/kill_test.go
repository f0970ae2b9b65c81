package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"cohort/federation/fedtest"
	"cohort/store"
)

const (
	// killRounds is how often the program is killed.
	killRounds = 20
	// killAuthors post at once, each in a lane of her own.
	killAuthors = 4
	killSenders = 3
)

// killStage is a served instance that is killed again and again, and another
// server that sends it posts and is sent those of its members.
type killStage struct {
	t       *testing.T
	environ []string
	base    string
	peer    *fedtest.Peer
	eve     *fedtest.Actor
	authors []killAuthor

	mu       sync.Mutex
	posts    map[string]*killPost // by idempotency key
	received map[string]bool      // by the note's id: whether it was acknowledged
	acked    int                  // since the round began
	enough   int
	goal     chan struct{}
}

type killAuthor struct {
	handle, token, uri string
	id                 store.ID
}

// killPost is a post that a client has begun to publish.
type killPost struct {
	author int
	id     string // once it was acknowledged
}

// Killed with kill -9 under load, twenty times: everything acknowledged is
// there afterwards, every delivery arrives with one activity id, repeats are
// stored once, and no row lacks what it belongs to. Then it ends in order,
// under load too.
func TestKill(t *testing.T) {
	k := newKillStage(t)
	for range killRounds {
		k.round(func(p *process) { p.kill() })
	}
	checkRows(t, k.environ) // as the last kill left them
	k.round(func(p *process) {
		if code, took := p.stop(); code != exitOK || took > 10*time.Second {
			t.Errorf("told to end under load, the program took %s and ended with %d: %s", took, code, p.out)
		}
	})
	k.settle()
	k.checkDeliveries()
	config, err := LoadConfig("", k.environ)
	if err != nil {
		t.Fatal(err)
	}
	k.checkPosts(config)
	checkRows(t, k.environ)
}

func newKillStage(t *testing.T) *killStage {
	t.Helper()
	dir, port := t.TempDir(), somePort(t)
	k := &killStage{
		t: t, base: fmt.Sprintf("http://localhost:%d", port), environ: environFor(dir, port, "COHORT_LOG_LEVEL=warn"),
		peer: fedtest.NewPeer(t, "peer"), posts: map[string]*killPost{}, received: map[string]bool{},
	}
	k.eve = k.peer.Actor("eve")
	p := serveProcess(t, k.environ, k.base)
	bob := k.peer.Actor("bob")
	for n := range killAuthors {
		a := k.makeAuthor(fmt.Sprintf("ada%d", n))
		k.authors = append(k.authors, a)
		if code := bob.Send(k.base+"/inbox", k.activity(bob, "Follow", a.uri)); code != http.StatusAccepted {
			t.Fatalf("a follow is answered %d", code)
		}
	}
	k.followEve(k.authors[0])
	waitFor(t, "the follows to be accepted", func() error {
		if n := len(k.delivered("Accept")); n < killAuthors {
			return fmt.Errorf("%d so far", n)
		}
		return nil
	})
	if code, _ := p.stop(); code != exitOK {
		t.Fatalf("ended with %d: %s", code, p.out)
	}
	return k
}

func (k *killStage) activity(by *fedtest.Actor, kind string, object any) map[string]any {
	return map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "type": kind, "id": by.ID + "/activities/" + rand.Text(), "actor": by.ID, "object": object,
	}
}

func (k *killStage) makeAuthor(handle string) killAuthor {
	k.t.Helper()
	run := func(args ...string) string {
		out, errText, code := cohort(k.t, k.environ, args...)
		if code != exitOK {
			k.t.Fatalf("cohort %q: %s", args, errText)
		}
		return strings.TrimSpace(out)
	}
	var made struct{ ID, URI string }
	if err := json.Unmarshal([]byte(run("account", "create", "--handle", handle, "--email", handle+"@mail.example", "--json")), &made); err != nil {
		k.t.Fatal(err)
	}
	id, err := store.ParseID(made.ID)
	if err != nil {
		k.t.Fatal(err)
	}
	return killAuthor{handle: handle, uri: made.URI, id: id, token: run("token", "create", "--handle", handle)}
}

// followEve has an author follow eve, without which her posts are of no interest here.
func (k *killStage) followEve(by killAuthor) {
	k.t.Helper()
	var found struct{ Accounts []struct{ ID string } }
	query := url.Values{"q": {"@eve@" + k.peer.Host}, "resolve": {"true"}, "type": {"accounts"}}
	if code, body, err := askAt(k.t.Context(), http.MethodGet, k.base+"/api/v2/search?"+query.Encode(), by.token, nil); err != nil ||
		json.Unmarshal([]byte(body), &found) != nil || len(found.Accounts) != 1 {
		k.t.Fatalf("looking for eve is answered %d %s %v", code, body, err)
	}
	if code, body, err := askAt(k.t.Context(), http.MethodPost, k.base+"/api/v1/accounts/"+found.Accounts[0].ID+"/follow", by.token, url.Values{}); code != http.StatusOK {
		k.t.Fatalf("following eve is answered %d %s %v", code, body, err)
	}
	waitFor(k.t, "the follow to arrive", func() error {
		follows := k.delivered("Follow")
		if len(follows) == 0 {
			return errors.New("not yet")
		}
		if code := k.eve.Send(k.base+"/inbox", k.activity(k.eve, "Accept", follows[0]["id"])); code != http.StatusAccepted {
			return fmt.Errorf("the accept is answered %d", code)
		}
		return nil
	})
}

// delivered are the activities of a kind that the peer was sent.
func (k *killStage) delivered(kind string) (all []map[string]any) {
	for _, d := range k.peer.Inbox() {
		if d.Body["type"] == kind {
			all = append(all, d.Body)
		}
	}
	return all
}

// round serves under load until enough was acknowledged, then has end end the
// program while the load goes on.
func (k *killStage) round(end func(*process)) {
	k.t.Helper()
	p := serveProcess(k.t, k.environ, k.base)
	k.mu.Lock()
	k.acked, k.enough, k.goal = 0, 20+mathrand.IntN(120), make(chan struct{})
	k.mu.Unlock()
	ctx, cancel := context.WithCancel(k.t.Context())
	defer cancel()
	var clients sync.WaitGroup
	for n := range killAuthors {
		clients.Go(func() { k.repeat(ctx, func() { k.publish(ctx, n, rand.Text()) }) })
	}
	for range killSenders {
		clients.Go(func() { k.repeat(ctx, func() { k.send(ctx, k.eve.ID+"/notes/"+rand.Text()) }) })
	}
	clients.Go(func() { k.again(ctx) })
	select {
	case <-k.goal:
	case <-time.After(time.Minute):
		k.t.Fatalf("nothing is acknowledged: %s", p.out)
	}
	end(p)
	cancel()
	clients.Wait()
}

func (k *killStage) repeat(ctx context.Context, do func()) {
	for ctx.Err() == nil {
		do()
	}
}

// again repeats what was not acknowledged before, as clients and servers do.
func (k *killStage) again(ctx context.Context) {
	k.mu.Lock()
	open, notes := map[string]int{}, []string{}
	for key, p := range k.posts {
		if p.id == "" {
			open[key] = p.author
		}
	}
	for note, acked := range k.received {
		if !acked {
			notes = append(notes, note)
		}
	}
	k.mu.Unlock()
	for key, author := range open {
		k.publish(ctx, author, key)
	}
	for _, note := range notes {
		k.send(ctx, note)
	}
}

// count notes that something was acknowledged; k.mu is held.
func (k *killStage) count() {
	if k.acked++; k.acked == k.enough {
		close(k.goal)
	}
}

// publish posts by the client API, with a key that makes a repeat harmless.
func (k *killStage) publish(ctx context.Context, author int, key string) {
	k.mu.Lock()
	p := k.posts[key]
	if p == nil {
		p = &killPost{author: author}
		k.posts[key] = p
	}
	k.mu.Unlock()
	form := url.Values{"status": {"post " + key + " #kill"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, k.base+"/api/v1/statuses", strings.NewReader(form.Encode()))
	if err != nil {
		k.t.Error(err)
		return
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+k.authors[author].token)
	r.Header.Set("Idempotency-Key", key)
	code, body, err := exchange(r)
	if err != nil {
		return // killed: nothing was acknowledged
	}
	var made struct{ ID string }
	if err := json.Unmarshal(body, &made); err != nil || code != http.StatusOK {
		if code < http.StatusInternalServerError { // while it ends it may say that it cannot
			k.t.Errorf("a post is answered %d %s", code, body)
		}
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if p.id != "" && p.id != made.ID {
		k.t.Errorf("the same key gave the posts %s and %s", p.id, made.ID)
	}
	p.id = made.ID
	k.count()
}

// send delivers a post of eve. A repeat has the same ids.
func (k *killStage) send(ctx context.Context, note string) {
	k.mu.Lock()
	if _, known := k.received[note]; !known {
		k.received[note] = false
	}
	k.mu.Unlock()
	public := "https://www.w3.org/ns/activitystreams#Public"
	act := k.activity(k.eve, "Create", map[string]any{
		"id": note, "type": "Note", "attributedTo": k.eve.ID, "content": "<p>" + note + "</p>",
		"published": time.Now().UTC().Format(time.RFC3339), "to": []any{public}, "cc": []any{k.eve.ID + "/followers"},
	})
	act["id"], act["to"] = note+"/create", []any{public}
	s := k.eve.Prepare(k.base+"/inbox", act, time.Now())
	s.Req.Body, s.Req.ContentLength = io.NopCloser(bytes.NewReader(s.Body)), int64(len(s.Body))
	code, body, err := exchange(s.Req.WithContext(ctx))
	if err != nil {
		return
	}
	if code != http.StatusAccepted {
		if code < http.StatusInternalServerError {
			k.t.Errorf("a delivery is answered %d %s", code, body)
		}
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.received[note] = true
	k.count()
}

func exchange(r *http.Request) (int, []byte, error) {
	response, err := fedtest.Client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return response.StatusCode, body, err
}

// settle repeats what is open, waits until nothing is left to deliver, and ends.
func (k *killStage) settle() {
	k.t.Helper()
	p := serveProcess(k.t, k.environ, k.base)
	k.mu.Lock()
	k.acked, k.enough = 0, -1
	k.mu.Unlock()
	k.again(k.t.Context())
	for deadline := time.Now().Add(2 * time.Minute); ; {
		_, figures, err := askAt(k.t.Context(), http.MethodGet, k.base+"/metrics", "", nil)
		if err == nil && strings.Contains(figures, "\ncohort_queue_waiting 0\n") {
			break
		}
		if time.Now().After(deadline) {
			k.t.Fatalf("jobs are left: %v %s", err, p.out)
		}
		<-time.After(100 * time.Millisecond)
	}
	if code, _ := p.stop(); code != exitOK {
		k.t.Errorf("ended with %d: %s", code, p.out)
	}
}

// checkDeliveries looks at what the peer was sent: everything, under one id
// each, and nothing twice but what a kill interrupted.
func (k *killStage) checkDeliveries() {
	k.t.Helper()
	ids, times := map[string]string{}, map[string]int{}
	for _, create := range k.delivered("Create") {
		object, _ := create["object"].(map[string]any)
		note, id := fmt.Sprint(object["id"]), fmt.Sprint(create["id"])
		if known, again := ids[note]; again && known != id {
			k.t.Errorf("%s was delivered as %s and as %s", note, known, id)
		}
		ids[note] = id
		times[id]++
	}
	repeats := 0
	for _, n := range times {
		repeats += n - 1
	}
	if repeats > killRounds*killAuthors {
		k.t.Errorf("%d deliveries were repeated, more than were in flight at %d kills", repeats, killRounds)
	}
	for key, p := range k.posts {
		if _, ok := ids[k.base+"/posts/"+p.id]; !ok || p.id == "" {
			k.t.Errorf("the post %s of the key %s was not delivered", p.id, key)
		}
	}
	if len(ids) != len(k.posts) || len(times) != len(k.posts) {
		k.t.Errorf("%d posts with %d ids were delivered, there are %d", len(ids), len(times), len(k.posts))
	}
	k.t.Logf("%d posts and %d deliveries in, %d kills, %d deliveries repeated", len(k.posts), len(k.received), killRounds, repeats)
}

// checkPosts looks for everything that was acknowledged.
func (k *killStage) checkPosts(config Config) {
	k.t.Helper()
	i, err := openInstance(k.t.Context(), config, quiet())
	if err != nil {
		k.t.Fatal(err)
	}
	defer func() { _ = i.close() }()
	for key, p := range k.posts {
		id, err := store.ParseID(p.id)
		if err == nil {
			_, err = i.db.Post(k.t.Context(), store.AsAccount(k.authors[p.author].id), id)
		}
		if err != nil {
			k.t.Errorf("the post %s of the key %s: %v", p.id, key, err)
		}
	}
	for note, acked := range k.received {
		if _, err := i.db.PostByURI(k.t.Context(), store.AsAccount(k.authors[0].id), note); err != nil || !acked {
			k.t.Errorf("%s, acknowledged %v: %v", note, acked, err)
		}
	}
	eve, err := i.db.AccountByURI(k.t.Context(), k.eve.ID)
	if err != nil || int(eve.PostsCount) != len(k.received) {
		k.t.Errorf("eve has %d posts here, sent %d: %v", eve.PostsCount, len(k.received), err)
	}
	if dead, err := i.db.DeadJobs(k.t.Context(), store.JobFilter{}); err != nil || len(dead) != 0 {
		k.t.Errorf("given up: %+v, %v", dead, err)
	}
}

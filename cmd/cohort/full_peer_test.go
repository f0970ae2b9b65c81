//go:build full

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// peer is a server on a library of others, in a process of its own.
type peer struct {
	t       *testing.T
	Host    string
	Actor   string // of pat, the only one there
	process *exec.Cmd
	in      io.WriteCloser
	n       int

	mu    sync.Mutex
	lines []peerLine
}

// peerLine is one line of what it says.
type peerLine struct {
	Ready, Why, Trouble string
	Done, Failed        int

	Arrived string // the path of an inbox
	Status  int
	Signed  bool
	Body    string

	Verified              string // the type of an activity
	ID, Actor, Object, Of string
	Content, Note, Name   string
	Document              map[string]any
}

func startPeer(t *testing.T) *peer {
	t.Helper()
	node, script := nodeScript(t, "peer/peer.mjs")
	port := somePort(t)
	p := &peer{t: t, Host: fmt.Sprintf("localhost:%d", port), process: exec.Command(node, script)}
	p.Actor = "http://" + p.Host + "/people/pat"
	p.process.Env = append(os.Environ(), fmt.Sprintf("PEER_PORT=%d", port), "PEER_PICTURE="+picture(t, 64, 48))
	problems := &lines{}
	p.process.Stderr = problems
	var err error
	if p.in, err = p.process.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.process.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan error, 1)
	go func() { read <- p.read(out) }()
	t.Cleanup(func() {
		p.in.Close()
		late := time.AfterFunc(endTime, func() { _ = p.process.Process.Kill() })
		err := errors.Join(<-read, p.process.Wait())
		late.Stop()
		if err != nil {
			t.Errorf("the peer ended badly: %v", err)
		}
		if t.Failed() {
			t.Logf("log of the peer:\n%s", tail(problems.String(), 8000))
		}
	})
	p.find("the peer to be ready", func(l peerLine) bool { return l.Ready != "" })
	return p
}

func (p *peer) read(out io.Reader) error {
	decoder := json.NewDecoder(bufio.NewReader(out))
	for {
		var line peerLine
		if err := decoder.Decode(&line); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		p.mu.Lock()
		p.lines = append(p.lines, line)
		p.mu.Unlock()
	}
}

// all is what fits of what it has said so far.
func (p *peer) all(fits func(peerLine) bool) []peerLine {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []peerLine
	for _, line := range p.lines {
		if fits(line) {
			found = append(found, line)
		}
	}
	return found
}

// find waits until it says something that fits.
func (p *peer) find(what string, fits func(peerLine) bool) peerLine {
	p.t.Helper()
	var found []peerLine
	waitFor(p.t, what, func() error {
		if found = p.all(fits); len(found) == 0 {
			return errors.New("the peer has not said so")
		}
		return nil
	})
	return found[0]
}

// try sends a command and waits for how it ended.
func (p *peer) try(what string, given map[string]any) (peerLine, error) {
	p.t.Helper()
	p.n++
	n, command := p.n, map[string]any{"n": p.n, "do": what}
	for key, value := range given {
		command[key] = value
	}
	text, err := json.Marshal(command)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.in.Write(append(text, '\n')); err != nil {
		p.t.Fatal(err)
	}
	line := p.find("the peer to "+what, func(l peerLine) bool { return l.Done == n || l.Failed == n })
	if line.Failed == n {
		return line, errors.New(line.Why)
	}
	return line, nil
}

// do sends a command that has to succeed.
func (p *peer) do(what string, given map[string]any) peerLine {
	p.t.Helper()
	line, err := p.try(what, given)
	if err != nil {
		p.t.Fatalf("the peer cannot %s: %v", what, err)
	}
	return line
}

// verified waits for an activity whose signature the peer has found good.
func (p *peer) verified(kind string, fits func(peerLine) bool) peerLine {
	p.t.Helper()
	return p.find(kind+" to reach the peer, signed", func(l peerLine) bool { return l.Verified == kind && fits(l) })
}

// TestPeer has an instance of ours and the peer do to each other what people
// do, and looks at both sides.
func TestPeer(t *testing.T) {
	p := startPeer(t)
	r := startInstance(t, "localhost", "Otters' School", "school", "")
	world := &peerWorld{t: t, p: p, r: r, ada: r.member("ada"), bea: r.member("bea")}
	world.adaURI = world.uriOf("ada")
	t.Run("they follow us", world.theyFollow)
	t.Run("we follow them", world.weFollow)
	t.Run("what they post", world.theyPost)
	t.Run("what we post", world.wePost)
	t.Run("reactions", world.reactions)
	t.Run("forgery", world.forgery)
	t.Run("a circle", world.circle)
	t.Run("what was delivered", world.delivered)
}

// peerWorld is what the parts of the test share.
type peerWorld struct {
	t        *testing.T
	p        *peer
	r        *running
	ada, bea string // tokens
	adaURI   string
	pat      entity // the account as we know it
	ours     entity // a post of ada's that the peer knows
}

// uriOf is the id of a local account, as WebFinger tells it.
func (w *peerWorld) uriOf(handle string) string {
	w.t.Helper()
	var jrd struct {
		Links []struct{ Rel, Type, Href string }
	}
	w.r.call("", http.MethodGet, "/.well-known/webfinger", url.Values{"resource": {"acct:" + handle + "@" + w.r.Host}}, http.StatusOK, &jrd)
	for _, link := range jrd.Links {
		if link.Rel == "self" && link.Type == "application/activity+json" {
			return link.Href
		}
	}
	w.t.Fatalf("WebFinger says of %s %v", handle, jrd)
	return ""
}

// home waits until a token's home has, or has no more, a post that fits.
func (w *peerWorld) home(t *testing.T, token, what string, there bool, fits func(entity) bool) (found entity) {
	t.Helper()
	waitFor(t, what, func() error {
		var posts []entity
		if err := w.r.ask(token, http.MethodGet, "/api/v1/timelines/home", nil, http.StatusOK, &posts); err != nil {
			return err
		}
		has := false
		for _, post := range posts {
			if fits(post) {
				found, has = post, true
			}
		}
		if has != there {
			return fmt.Errorf("home has %d posts: %s", len(posts), tail(fmt.Sprint(posts), 1500))
		}
		return nil
	})
	return found
}

// told waits until a token's account is notified.
func (w *peerWorld) told(t *testing.T, token, kind string, fits func(entity) bool) {
	t.Helper()
	waitFor(t, "a notification of "+kind, func() error {
		var notifications []entity
		if err := w.r.ask(token, http.MethodGet, "/api/v1/notifications", nil, http.StatusOK, &notifications); err != nil {
			return err
		}
		for _, n := range notifications {
			if n.text("type") == kind && n.text("account", "acct") == "pat@"+w.p.Host && fits(n) {
				return nil
			}
		}
		return fmt.Errorf("there are %s", tail(fmt.Sprint(notifications), 1500))
	})
}

func anything(entity) bool { return true }

// saying is a post whose content has a text.
func saying(text string) func(entity) bool {
	return func(e entity) bool { return strings.Contains(e.text("content"), text) }
}

func (w *peerWorld) theyFollow(t *testing.T) {
	followed := w.p.do("follow", map[string]any{"who": w.adaURI})
	if followed.Name != "ada" {
		t.Errorf("the peer reads ada's actor as %+v", followed)
	}
	w.p.verified("Accept", func(l peerLine) bool { return l.Actor == w.adaURI && l.Object == followed.ID })
	w.told(t, w.ada, "follow", anything)
	w.pat = w.r.resolve(w.ada, "@pat@"+w.p.Host, "accounts")
	if w.pat.text("display_name") != "Pat <3 fish" || w.pat.text("acct") != "pat@"+w.p.Host || w.pat.text("url") != "http://"+w.p.Host+"/@pat" {
		t.Errorf("pat is %v", w.pat)
	}
	var followers []entity
	w.r.call(w.ada, http.MethodGet, "/api/v1/accounts/"+w.r.me(w.ada).text("id")+"/followers", nil, http.StatusOK, &followers)
	if len(followers) != 1 || followers[0].text("id") != w.pat.text("id") {
		t.Errorf("ada's followers are %v", followers)
	}
}

func (w *peerWorld) weFollow(t *testing.T) {
	id := w.pat.text("id")
	w.r.call(w.bea, http.MethodPost, "/api/v1/accounts/"+id+"/follow", nil, http.StatusOK, nil)
	w.p.verified("Follow", func(l peerLine) bool { return l.Object == w.p.Actor })
	waitFor(t, "the peer to accept", func() error {
		var relations []map[string]any
		if err := w.r.ask(w.bea, http.MethodGet, "/api/v1/accounts/relationships", url.Values{"id[]": {id}}, http.StatusOK, &relations); err != nil {
			return err
		}
		if len(relations) != 1 || relations[0]["following"] != true {
			return fmt.Errorf("bea and pat stand so: %v", relations)
		}
		return nil
	})
}

func (w *peerWorld) theyPost(t *testing.T) {
	made := w.p.do("post", map[string]any{"to": "public", "content": "<p>Good <b>morning</b><script>alert(1)</script></p>", "summary": "A note", "picture": "Two otters", "mention": []string{w.adaURI}})
	post := w.home(t, w.bea, "the peer's post", true, saying("morning"))
	if strings.Contains(post.text("content"), "script") || post.text("spoiler_text") != "A note" || post.text("uri") != made.ID || post.text("visibility") != "public" {
		t.Errorf("the post arrived as %v", post)
	}
	media, _ := post["media_attachments"].([]any)
	if len(media) != 1 || entity(media[0].(map[string]any)).text("description") != "Two otters" {
		t.Errorf("its picture arrived as %v", media)
	} else {
		w.r.call("", http.MethodGet, strings.TrimPrefix(entity(media[0].(map[string]any)).text("preview_url"), w.r.URL), nil, http.StatusOK, nil)
	}
	w.told(t, w.ada, "mention", func(n entity) bool { return n.text("status", "uri") == made.ID })

	w.p.do("edit", map[string]any{"note": made.Note, "content": "<p>Good evening</p>"})
	edited := w.home(t, w.bea, "the peer's edit", true, saying("evening"))
	if edited["edited_at"] == nil || edited.text("id") != post.text("id") {
		t.Errorf("the edit arrived as %v", edited)
	}
	w.p.do("remove", map[string]any{"note": made.Note})
	w.home(t, w.bea, "the peer's post to go", false, saying("evening"))
	w.r.call(w.bea, http.MethodGet, "/api/v1/statuses/"+post.text("id"), nil, http.StatusNotFound, nil)

	w.p.do("post", map[string]any{"to": "direct", "content": "<p>Between us</p>", "mention": []string{w.adaURI}})
	w.told(t, w.ada, "mention", func(n entity) bool {
		return n.text("status", "visibility") == "direct" && strings.Contains(n.text("status", "content"), "Between us")
	})
	w.home(t, w.bea, "a direct post to stay away", false, saying("Between us"))
}

func (w *peerWorld) wePost(t *testing.T) {
	post := func(form url.Values) (made entity) {
		w.r.call(w.ada, http.MethodPost, "/api/v1/statuses", form, http.StatusOK, &made)
		return made
	}
	w.ours = post(url.Values{"status": {"Hello @pat@" + w.p.Host + " <3 #Otters"}})
	got := w.p.verified("Create", func(l peerLine) bool { return l.Object == w.ours.text("uri") })
	if got.Actor != w.adaURI || got.Of != "Note" || !strings.Contains(got.Content, "&lt;3") {
		t.Errorf("ada's post arrived as %+v", got)
	}
	quiet := post(url.Values{"status": {"Only followers"}, "visibility": {"private"}})
	w.p.verified("Create", func(l peerLine) bool { return l.Object == quiet.text("uri") })

	id := quiet.text("id")
	w.r.call(w.ada, http.MethodPut, "/api/v1/statuses/"+id, url.Values{"status": {"Only followers, changed"}}, http.StatusOK, nil)
	w.p.verified("Update", func(l peerLine) bool {
		return l.Object == quiet.text("uri") && strings.Contains(l.Content, "changed")
	})
	w.r.call(w.ada, http.MethodDelete, "/api/v1/statuses/"+id, nil, http.StatusOK, nil)
	w.p.verified("Delete", func(l peerLine) bool { return l.Object == quiet.text("uri") })

	// A reply across servers, both ways.
	answer := w.p.do("post", map[string]any{"to": "public", "content": "<p>@ada hello!</p>", "reply": w.ours.text("uri"), "mention": []string{w.adaURI}})
	w.told(t, w.ada, "mention", func(n entity) bool {
		return n.text("status", "uri") == answer.ID && n.text("status", "in_reply_to_id") == w.ours.text("id")
	})
	theirs := w.r.resolve(w.ada, answer.ID, "statuses")
	back := post(url.Values{"status": {"@pat@" + w.p.Host + " and you?"}, "in_reply_to_id": {theirs.text("id")}})
	w.p.verified("Create", func(l peerLine) bool { return l.Object == back.text("uri") })
	var context map[string][]entity
	w.r.call(w.ada, http.MethodGet, "/api/v1/statuses/"+w.ours.text("id")+"/context", nil, http.StatusOK, &context)
	if after := context["descendants"]; len(after) != 2 || after[0].text("id") != theirs.text("id") || after[1].text("id") != back.text("id") {
		t.Errorf("the conversation is %v", after)
	}
}

func (w *peerWorld) reactions(t *testing.T) {
	uri, id := w.ours.text("uri"), w.ours.text("id")
	counts := func(likes, boosts float64) {
		t.Helper()
		waitFor(t, "the counts of a post", func() error {
			var post map[string]any
			err := w.r.ask(w.ada, http.MethodGet, "/api/v1/statuses/"+id, nil, http.StatusOK, &post)
			if err == nil && (post["favourites_count"] != likes || post["reblogs_count"] != boosts) {
				err = fmt.Errorf("%v likes and %v boosts", post["favourites_count"], post["reblogs_count"])
			}
			return err
		})
	}
	like := w.p.do("like", map[string]any{"what": uri, "who": w.adaURI})
	w.told(t, w.ada, "favourite", func(n entity) bool { return n.text("status", "id") == id })
	counts(1, 0)
	w.p.do("boost", map[string]any{"what": uri, "who": w.adaURI})
	w.told(t, w.ada, "reblog", func(n entity) bool { return n.text("status", "id") == id })
	counts(1, 1)
	w.p.do("unlike", map[string]any{"what": uri, "who": w.adaURI, "id": like.ID})
	counts(0, 1)

	made := w.p.do("post", map[string]any{"to": "public", "content": "<p>Like me</p>"})
	post := w.home(t, w.bea, "a post to like", true, saying("Like me"))
	act := func(verb, kind, of string) {
		t.Helper()
		w.r.call(w.bea, http.MethodPost, "/api/v1/statuses/"+post.text("id")+"/"+verb, nil, http.StatusOK, nil)
		w.p.verified(kind, func(l peerLine) bool { return l.Object == made.ID || l.Of == of })
	}
	act("favourite", "Like", "")
	act("unfavourite", "Undo", "Like")
	act("reblog", "Announce", "")
	act("unreblog", "Undo", "Announce")

	w.r.call(w.bea, http.MethodPost, "/api/v1/accounts/"+w.pat.text("id")+"/unfollow", nil, http.StatusOK, nil)
	w.p.verified("Undo", func(l peerLine) bool { return l.Of == "Follow" })
}

// forgery: pat's server tells of a post that someone of ours, or of nowhere,
// is said to have written.
func (w *peerWorld) forgery(t *testing.T) {
	for _, as := range []string{w.adaURI, "http://localhost:9/people/nobody"} {
		if _, err := w.p.try("forge", map[string]any{"who": w.adaURI, "as": as, "content": "<p>Forged</p>"}); err == nil {
			t.Logf("the forgery of %s was taken without an error", as)
		}
	}
	var posts []entity
	w.r.call("", http.MethodGet, "/api/v1/timelines/public", nil, http.StatusOK, &posts)
	for _, post := range posts {
		if strings.Contains(post.text("content"), "Forged") {
			t.Errorf("a forged post is shown: %v", post)
		}
	}
}

// circle: pat asks to join a circle without holding a seat, and gets nothing
// of it.
func (w *peerWorld) circle(t *testing.T) {
	w.r.cli("", "circle", "create", "--slug", "2012-3", "--name", "Class 3", "--unit", "class-3", "--from", "2012", "--to", "2012")
	w.r.cli("", "seat", "grant", "--handle", "ada", "--type", "alumnus", "--unit", "class-3", "--from", "2012", "--to", "2012", "--reason", "seen")
	var circle entity
	w.r.call(w.ada, http.MethodGet, "/api/v1/accounts/lookup", url.Values{"acct": {"2012-3"}}, http.StatusOK, &circle)
	var relation map[string]any
	w.r.call(w.ada, http.MethodPost, "/api/v1/accounts/"+circle.text("id")+"/follow", nil, http.StatusOK, &relation)
	if relation["following"] != true {
		t.Fatalf("ada, who holds a seat, stands to the circle so: %v", relation)
	}
	uri := w.uriOf("2012-3")
	w.p.do("follow", map[string]any{"who": uri})

	var secret entity
	w.r.call(w.ada, http.MethodPost, "/api/v1/statuses", url.Values{"status": {"@2012-3 The class alone"}, "visibility": {"private"}}, http.StatusOK, &secret)
	w.r.call(w.bea, http.MethodGet, "/api/v1/statuses/"+secret.text("id"), nil, http.StatusNotFound, nil)
	for _, signed := range []bool{true, false} {
		for _, what := range []string{secret.text("uri"), uri + "/outbox", uri + "/members", uri + "/followers"} {
			line, err := w.p.try("read", map[string]any{"what": what, "signed": signed})
			text, _ := json.Marshal(line.Document)
			if err == nil && (what == secret.text("uri") || strings.Contains(string(text), w.adaURI) || strings.Contains(string(text), secret.text("uri"))) {
				t.Errorf("the peer, signed %t, reads %s as %s", signed, what, text)
			}
		}
	}
	// What ada then says to all arrives; the circle's post had as long.
	var public entity
	w.r.call(w.ada, http.MethodPost, "/api/v1/statuses", url.Values{"status": {"To everyone"}}, http.StatusOK, &public)
	w.p.verified("Create", func(l peerLine) bool { return l.Object == public.text("uri") })
	waitFor(t, "the queue to be empty", func() error {
		if waiting := w.r.cli("", "job", "list", "--waiting", "--json"); waiting != "[]" {
			return errors.New(waiting)
		}
		return nil
	})
	for _, line := range w.p.all(func(l peerLine) bool { return l.Arrived != "" }) {
		if strings.Contains(line.Body, "The class alone") || strings.Contains(line.Body, secret.text("uri")) || strings.Contains(line.Body, `"actor":"`+uri+`"`) {
			t.Errorf("of the circle the peer got %s", line.Body)
		}
	}
}

// delivered: everything that was ever sent to the peer was signed so that it
// believed it, and nothing was given up.
func (w *peerWorld) delivered(t *testing.T) {
	arrived := w.p.all(func(l peerLine) bool { return l.Arrived != "" })
	verified := map[string]bool{}
	for _, line := range w.p.all(func(l peerLine) bool { return l.Verified != "" }) {
		verified[line.ID] = true
	}
	for _, line := range arrived {
		var activity entity
		if err := json.Unmarshal([]byte(line.Body), &activity); err != nil {
			t.Errorf("what arrived is no JSON: %v\n%s", err, line.Body)
			continue
		}
		if line.Status != http.StatusAccepted || !line.Signed || !verified[activity.text("id")] {
			t.Errorf("the peer answered %d, believed: %t, to %s", line.Status, verified[activity.text("id")], line.Body)
		}
	}
	for _, line := range w.p.all(func(l peerLine) bool { return l.Trouble != "" }) {
		t.Errorf("the peer had trouble: %s", line.Trouble)
	}
	if dead := w.r.cli("", "job", "list", "--json"); dead != "[]" {
		t.Errorf("these deliveries were given up: %s", dead)
	}
	t.Logf("%d activities arrived, %d with different ids, and each signature was verified", len(arrived), len(verified))
	if len(verified) < 13 {
		t.Errorf("only %d activities were verified", len(verified))
	}
}

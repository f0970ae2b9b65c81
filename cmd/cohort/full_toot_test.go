//go:build full

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"strings"
	"testing"
	"time"
)

// tooter runs the client program toot with a configuration of its own.
type tooter struct {
	t       *testing.T
	program string
	environ []string
	calls   map[string]bool
}

func newTooter(t *testing.T) *tooter {
	t.Helper()
	return &tooter{
		t: t, program: tool(t, "toot", "on Debian, apt-get install toot"), calls: map[string]bool{},
		environ: append(os.Environ(), "XDG_CONFIG_HOME="+t.TempDir(), "PYTHONIOENCODING=utf-8", "PYTHONUNBUFFERED=1", "BROWSER=true"),
	}
}

// run runs one command, whose name with its options counts as a call, and
// returns what it prints.
func (o *tooter) run(args ...string) (string, error) {
	name := args[0]
	for _, arg := range args[1:] {
		if strings.HasPrefix(arg, "-") {
			name += " " + arg
		}
	}
	o.calls[name] = true
	command := exec.Command(o.program, append(args, "--no-color")...)
	command.Env = o.environ
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	late := time.AfterFunc(soonTime, func() {
		if command.Process != nil {
			_ = command.Process.Kill()
		}
	})
	defer late.Stop()
	err := command.Run()
	return out.String(), err
}

// expect runs a command and looks for every text of wants in what it prints,
// or for its absence where a text begins with !.
func (o *tooter) expect(wants []string, args ...string) string {
	o.t.Helper()
	out, err := o.run(args...)
	if err != nil {
		o.t.Fatalf("toot %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	for _, want := range wants {
		if text, absent := strings.CutPrefix(want, "!"); absent == strings.Contains(out, text) {
			o.t.Errorf("toot %s prints\n%s\nwhich is wrong about %q", strings.Join(args, " "), out, want)
		}
	}
	return out
}

// login signs in with the browser's flow: toot prints an address and takes the
// code from there.
func (o *tooter) login(r *running, handle string) error {
	o.calls["login"] = true
	command := exec.Command(o.program, "login", "--instance", r.Host, "--disable-https", "--no-color")
	command.Env = o.environ
	in, err := command.StdinPipe()
	if err != nil {
		return err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	var said, problems bytes.Buffer
	command.Stderr = &problems
	if err := command.Start(); err != nil {
		return err
	}
	late := time.AfterFunc(soonTime, func() { _ = command.Process.Kill() })
	defer late.Stop()
	scanner := bufio.NewScanner(io.TeeReader(out, &said))
	for err == nil && scanner.Scan() {
		if !strings.HasPrefix(scanner.Text(), r.URL+"/oauth/authorize") {
			continue
		}
		var code string
		if code, _, err = r.allow(scanner.Text(), handle); err == nil {
			_, err = fmt.Fprintf(in, "n\n%s\n", code)
		}
	}
	in.Close()
	if err != nil {
		_ = command.Process.Kill()
	}
	if err = errors.Join(err, command.Wait()); err == nil && !strings.Contains(said.String(), "Successfully logged in") {
		err = errors.New("not signed in")
	}
	if err != nil {
		return fmt.Errorf("%w\n%s%s", err, &said, &problems)
	}
	return nil
}

// posted is the id of the post that toot says it has made.
func posted(out string) string {
	_, address, _ := strings.Cut(out, "Toot posted: ")
	return path.Base(strings.TrimSpace(address))
}

func TestToot(t *testing.T) {
	o := newTooter(t)
	n := startNeighbours(t)
	n.home.member("tove")
	other := n.home.member("uma")
	if err := o.login(n.home, "tove"); err != nil {
		t.Fatal(err)
	}
	o.expect([]string{"Otters' School", "running Mastodon 4."}, "instance", "--disable-https")
	o.expect([]string{"@tove", "Followers: 0"}, "whoami")
	tootPosts(t, o, n, other)
	tootPeople(o, n)
	o.expect([]string{"logged out"}, "logout", "tove@"+n.home.Host)
	if out, _ := o.run("whoami"); !strings.Contains(out, "requires that you are logged in") {
		t.Errorf("after signing out toot knows who it is:\n%s", out)
	}
	t.Logf("%d different calls", len(o.calls))
	if len(o.calls) < fewestCalls {
		t.Errorf("only %d different calls were made", len(o.calls))
	}
}

// tootPosts writes, reads and reacts to posts.
func tootPosts(t *testing.T, o *tooter, n *neighbours, other string) {
	t.Helper()
	file := picture(t, 320, 200)
	first := posted(o.expect([]string{"Toot posted: " + n.home.URL + "/@tove/"}, "post", "Tove swims #Current"))
	withPicture := posted(o.expect([]string{"Toot posted"}, "post", "--media", file, "--description", "An otter", "With a picture"))
	noted := posted(o.expect(nil, "post", "--spoiler-text", "Careful", "--language", "sv", "--visibility", "unlisted", "Bakom en varning"))
	reply := posted(o.expect(nil, "post", "--reply-to", first, "And dives"))
	o.expect([]string{"Successfully uploaded media ID", "type 'image'"}, "upload", file, "--description", "Another")

	var post map[string]any
	n.home.call(other, http.MethodGet, "/api/v1/statuses/"+withPicture, nil, http.StatusOK, &post)
	media, _ := post["media_attachments"].([]any)
	if len(media) != 1 || entity(media[0].(map[string]any)).text("description") != "An otter" {
		t.Errorf("the picture arrived as %v", media)
	}
	n.home.call(other, http.MethodGet, "/api/v1/statuses/"+noted, nil, http.StatusOK, &post)
	if seen := entity(post); seen.text("spoiler_text") != "Careful" || seen.text("language") != "sv" || seen.text("visibility") != "unlisted" {
		t.Errorf("the post with a note arrived as %v", post)
	}

	o.expect([]string{"Tove swims #Current", "And dives", "In reply to " + first}, "thread", first)
	o.expect([]string{"Tove swims", "With a picture", "/media/"}, "timeline", "--once")
	o.expect([]string{"Tove swims", "!Bakom"}, "timeline", "--once", "--public")
	o.expect([]string{"Tove swims"}, "timeline", "--once", "--public", "--local", "--count", "20")
	o.expect([]string{"Tove swims", "!And dives"}, "timeline", "--once", "--tag", "current")

	var theirs entity
	n.home.call(other, http.MethodPost, "/api/v1/statuses", url.Values{"status": {"@tove Look at me"}}, http.StatusOK, &theirs)
	id := theirs.text("id")
	o.expect([]string{"favourited"}, "favourite", id)
	o.expect([]string{"unfavourited"}, "unfavourite", id)
	o.expect([]string{"reblogged"}, "reblog", id)
	o.expect([]string{"@tove"}, "reblogged_by", id)
	o.expect([]string{"unreblogged"}, "unreblog", id)
	o.expect([]string{"!@tove"}, "reblogged_by", id)
	o.expect([]string{"bookmarked"}, "bookmark", id)
	o.expect([]string{"Look at me"}, "bookmarks", "--once")
	o.expect([]string{"unbookmarked"}, "unbookmark", id)
	o.expect([]string{"pinned"}, "pin", first)
	o.expect([]string{"unpinned"}, "unpin", first)
	o.expect([]string{"uma", "mentioned you"}, "notifications")
	o.expect([]string{"mentioned you"}, "notifications", "--mentions")
	o.expect([]string{"Cleared"}, "notifications", "--clear")
	o.expect([]string{"No notification"}, "notifications")
	o.expect([]string{"deleted"}, "delete", reply)
	o.expect([]string{"!And dives"}, "thread", first)
}

// tootPeople finds, follows, mutes and blocks people, here and elsewhere.
func tootPeople(o *tooter, n *neighbours) {
	o.t.Helper()
	afar := "ren@" + n.away.Host
	o.expect([]string{"@uma", "Statuses: 1"}, "whois", "uma")
	o.expect([]string{"@uma"}, "search", "um")
	o.expect([]string{"#current"}, "search", "#current")
	o.expect([]string{"@" + afar}, "search", "--resolve", "@"+afar)
	o.expect([]string{"now following"}, "follow", "uma")
	o.expect([]string{"now following"}, "follow", "@"+afar)
	o.expect([]string{"@uma"}, "following", "tove")
	o.expect([]string{"@tove"}, "followers", "uma")
	o.expect([]string{"no longer following"}, "unfollow", "uma")
	o.expect([]string{"muted uma"}, "mute", "uma")
	o.expect([]string{"no longer muted"}, "unmute", "uma")
	o.expect([]string{"blocking uma"}, "block", "uma")
	o.expect([]string{"no longer blocked"}, "unblock", "uma")
	o.expect([]string{"not following any hashtags"}, "tags_followed")
}

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
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fewestCalls is how many different calls a client program makes at least.
const fewestCalls = 30

// sessionTime is what one client program may take for all it does.
const sessionTime = 2 * time.Minute

// neighbours are the instance a client signs in to and one beside it, on which
// ren has written a post.
type neighbours struct {
	home, away          *running
	awayToken, awayPost string
}

func startNeighbours(t *testing.T) *neighbours {
	t.Helper()
	n := &neighbours{
		home: startInstance(t, "localhost", "Otters' School", "school", ""),
		away: startInstance(t, "localhost", "The River", "association", ""),
	}
	n.awayToken = n.away.member("ren")
	var post entity
	n.away.call(n.awayToken, http.MethodPost, "/api/v1/statuses", url.Values{"status": {"Hello from afar"}}, http.StatusOK, &post)
	n.awayPost = post.text("url")
	return n
}

// environment is what a session of a client is told of the world.
func (n *neighbours) environment(t *testing.T, otherToken string) []string {
	return append(os.Environ(), "COHORT_URL="+n.home.URL, "COHORT_OTHER_TOKEN="+otherToken, "COHORT_PICTURE="+picture(t, 640, 480),
		"COHORT_REMOTE=ren@"+n.away.Host, "COHORT_REMOTE_URL="+n.away.URL, "COHORT_REMOTE_TOKEN="+n.awayToken, "COHORT_REMOTE_POST="+n.awayPost,
		"PYTHONIOENCODING=utf-8")
}

// session runs the script of a client library. When it asks for leave, handle
// signs in and agrees.
func session(t *testing.T, r *running, command *exec.Cmd, handle string, whole bool) {
	t.Helper()
	var problems lines
	command.Stderr = &problems
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(sessionTime, func() { _ = command.Process.Kill() })
	defer late.Stop()
	calls, err := converse(r, in, out, handle, whole)
	if err != nil {
		_ = command.Process.Kill()
	}
	if err := errors.Join(err, command.Wait()); err != nil {
		t.Fatalf("%v\n%s", err, &problems)
	}
	t.Logf("%d different calls: %s", len(calls), strings.Join(calls, " "))
	if len(calls) < fewestCalls {
		t.Errorf("only %d different calls were made", len(calls))
	}
}

// converse answers a script until it has listed its calls. whole says that it
// wants all of the address a person is sent back to, not only the code.
func converse(r *running, in io.WriteCloser, out io.Reader, handle string, whole bool) (calls []string, err error) {
	defer in.Close()
	scanner := bufio.NewScanner(out)
	for scanner.Scan() {
		var line struct {
			Authorize string
			Calls     []string
		}
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("the script says %q: %w", scanner.Text(), err)
		}
		if line.Authorize == "" {
			calls = line.Calls
			continue
		}
		code, back, err := r.allow(line.Authorize, handle)
		if err != nil {
			return nil, fmt.Errorf("signing in: %w", err)
		}
		answer := code
		if whole {
			answer = back.String()
		}
		if _, err := fmt.Fprintln(in, answer); err != nil {
			return nil, err
		}
	}
	return calls, scanner.Err()
}

func TestMastodonPy(t *testing.T) {
	const python = "/usr/bin/python3"
	if out, err := exec.Command(python, "-c", "import mastodon").CombinedOutput(); err != nil {
		t.Fatalf("Mastodon.py is missing: on Debian, apt-get install python3-mastodon (%v)\n%s", err, out)
	}
	n := startNeighbours(t)
	n.home.member("pia")
	command := exec.Command(python, filepath.Join("testdata", "clients", "mastodonpy.py"))
	command.Env = n.environment(t, n.home.member("quentin"))
	session(t, n.home, command, "pia", false)
}

func TestMasto(t *testing.T) {
	node, script := nodeScript(t, "masto.mjs")
	n := startNeighbours(t)
	n.home.member("mia")
	command := exec.Command(node, script)
	command.Env = n.environment(t, n.home.member("nils"))
	session(t, n.home, command, "mia", true)
}

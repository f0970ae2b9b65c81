//go:build full

package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// ownMounts has a command see mounts of its own, as root of a world of its own
// where this user is not root.
func ownMounts(cmd *exec.Cmd) {
	attributes := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		attributes.Cloneflags |= syscall.CLONE_NEWUSER
		attributes.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attributes.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	cmd.SysProcAttr = attributes
}

// A disk of a few megabytes fills up while the instance serves: what it
// acknowledged stays, what does not fit is refused with a plain answer, reading
// goes on, and when there is room again so does writing.
func TestFullDisk(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	shell := tool(t, "sh", "any POSIX shell")
	port, outside, disk := somePort(t), t.TempDir(), t.TempDir()
	base, token := fmt.Sprintf("http://localhost:%d", port), filepath.Join(outside, "token")
	cmd := exec.Command(shell, "-ec", `
		mount -t tmpfs -o size=6m none "$1"
		"$0" migrate
		"$0" account create --handle ada --email ada@mail.example
		"$0" token create --handle ada > "$2"
		head -c 2000000 /dev/zero > "$1/ballast"
		exec "$0" serve`, self, disk, token)
	ownMounts(cmd)
	p := startProcess(t, cmd, environFor(disk, port))
	p.awaitReady(base)
	secret, err := os.ReadFile(token)
	if err != nil {
		t.Fatalf("%v; mounting needs root or user namespaces: %s", err, p.out)
	}
	bearer := strings.TrimSpace(string(secret))
	post := func() (int, string) {
		code, body, err := askAt(t.Context(), http.MethodPost, base+"/api/v1/statuses", bearer, url.Values{"status": {strings.Repeat("满", 400)}})
		if err != nil {
			t.Fatalf("%v: %s", err, p.out)
		}
		return code, body
	}
	var acknowledged []string
	code, body := post()
	for ; code == http.StatusOK && len(acknowledged) < 20_000; code, body = post() {
		_, id, _ := strings.Cut(body, `"id":"`)
		id, _, _ = strings.Cut(id, `"`)
		acknowledged = append(acknowledged, id)
	}
	if code != http.StatusInsufficientStorage || strings.Contains(body, disk) {
		t.Errorf("with a full disk a post is answered %d %s", code, body)
	}
	t.Logf("%d posts fit", len(acknowledged))
	for path, want := range map[string]int{"/readyz": http.StatusServiceUnavailable, "/healthz": http.StatusOK, "/api/v1/statuses/" + acknowledged[len(acknowledged)-1]: http.StatusOK} {
		if code, body, err := askAt(t.Context(), http.MethodGet, base+path, bearer, nil); code != want {
			t.Errorf("with a full disk %s is answered %d %s %v", path, code, body, err)
		}
	}
	if _, said, err := askAt(t.Context(), http.MethodGet, base+"/readyz", "", nil); said != "the disk is full\n" {
		t.Errorf("/readyz says %q, %v", said, err)
	}
	commandsOnFullDisk(t, p, self, disk, port)
	if log := p.out.String(); !strings.Contains(log, "the disk is full") || strings.Contains(log, "panic") {
		t.Errorf("the log: %s", tail(log, 4000))
	}
	if err := os.Remove(fmt.Sprintf("/proc/%d/root%s/ballast", p.cmd.Process.Pid, disk)); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "writing to go on", func() error {
		if code, body := post(); code != http.StatusOK {
			return errors.New(body)
		}
		return nil
	})
	for _, id := range acknowledged {
		if code, body, err := askAt(t.Context(), http.MethodGet, base+"/api/v1/statuses/"+id, bearer, nil); code != http.StatusOK {
			t.Fatalf("%s is answered %d %s %v", id, code, body, err)
		}
	}
	if code, text, err := askAt(t.Context(), http.MethodGet, base+"/readyz", "", nil); code != http.StatusOK {
		t.Errorf("with room again /readyz is answered %d %s %v", code, text, err)
	}
	if code, took := p.stop(); code != exitOK || strings.Contains(p.out.String(), "process number back") {
		t.Errorf("it ended with %d after %s: %s", code, took, p.out)
	}
}

// commandsOnFullDisk runs commands beside a server, in its world of mounts:
// reading goes on, and what would write says why it cannot.
func commandsOnFullDisk(t *testing.T, p *process, self, disk string, port int) {
	t.Helper()
	enter := tool(t, "nsenter", "util-linux")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"account", "list"}, exitOK, "@ada"},
		{[]string{"job", "list"}, exitOK, "LAST ERROR"},
		{[]string{"backup", filepath.Join(t.TempDir(), "b.tar")}, exitOK, "holds"},
		{[]string{"token", "create", "--handle", "ada"}, exitFailed, "cohort: the disk is full: nothing was written\n"},
		{[]string{"account", "suspend", "ada"}, exitFailed, "cohort: the disk is full: nothing was written\n"},
	} {
		into := []string{"-t", strconv.Itoa(p.cmd.Process.Pid), "-m"}
		if os.Geteuid() != 0 {
			into = append(into, "-U", "--preserve-credentials")
		}
		command := startProcess(t, exec.Command(enter, append(append(into, self), c.args...)...), environFor(disk, port))
		<-command.ended
		out := command.out.String()
		if code := command.cmd.ProcessState.ExitCode(); code != c.code || !strings.Contains(out, c.want) || c.code != exitOK && out != c.want {
			t.Errorf("on a full disk cohort %q ends with %d: %s", c.args, code, out)
		}
	}
}

// On a disk without room the first start says so and ends.
func TestStartOnFullDisk(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	disk := t.TempDir()
	for _, size := range []string{"4k", "200k"} {
		cmd := exec.Command(tool(t, "sh", "any POSIX shell"), "-ec", `mount -t tmpfs -o size="$2" none "$1"; exec "$0" serve`, self, disk, size)
		ownMounts(cmd)
		p := startProcess(t, cmd, environFor(disk, somePort(t)))
		<-p.ended
		if code := p.cmd.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(p.out.String(), "the disk is full") {
			t.Errorf("with %s it ends with %d: %s", size, code, p.out)
		}
	}
}

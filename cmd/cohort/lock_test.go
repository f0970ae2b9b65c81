package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// One server on one SQLite database: a second one ends with a sentence, and
// neither commands beside the first nor a server after it was killed are kept
// out.
func TestOneServerOnSQLite(t *testing.T) {
	t.Parallel()
	dir, port := t.TempDir(), somePort(t)
	environ, base := environFor(dir, port), fmt.Sprintf("http://localhost:%d", port)
	first := serveProcess(t, environ, base)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(filepath.Join(dir, "cohort.db"), link); err != nil {
		t.Fatal(err)
	}
	elsewhere := fmt.Sprintf("COHORT_SERVER_LISTEN=127.0.0.1:%d", somePort(t))
	for _, more := range [][]string{nil, {elsewhere}, {elsewhere, "COHORT_DATABASE_URL=sqlite:" + link}} {
		out, errText, code := cohort(t, append(environ, more...), "serve")
		want := fmt.Sprintf("is being served already; beside it, only other commands can use it (by process %d)", first.cmd.Process.Pid)
		if code != exitFailed || out != "" || strings.Count(errText, "\n") != 1 || !strings.Contains(errText, want) {
			t.Errorf("a second server ends with %d: %s%s", code, out, errText)
		}
	}
	for _, args := range [][]string{{"migrate"}, {"account", "list"}, {"backup", filepath.Join(t.TempDir(), "b.tar")}} {
		if _, errText, code := cohort(t, environ, args...); code != exitOK {
			t.Errorf("cohort %q beside the server ends with %d: %s", args, code, errText)
		}
	}
	first.kill()
	serveProcess(t, environ, base)
}

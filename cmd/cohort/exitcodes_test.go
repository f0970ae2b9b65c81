package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// What was asked wrongly is 2, whatever state the instance is in; what went
// wrong is 1, though asked rightly.
func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	environ := environFor(dir, somePort(t))
	ok := func(args ...string) {
		t.Helper()
		if _, errText, code := cohort(t, environ, args...); code != exitOK {
			t.Fatalf("cohort %q ends with %d: %s", args, code, errText)
		}
	}
	ok("migrate")
	ok("account", "create", "--handle", "ada", "--email", "ada@mail.example")
	ok("circle", "create", "--slug", "c-1", "--name", "N", "--unit", "U")
	seat := func(handle, from, to string) []string {
		return []string{"seat", "grant", "--handle", handle, "--type", "alumnus", "--unit", "U", "--from", from, "--to", to, "--reason", "R"}
	}
	for _, c := range []struct {
		code int
		args []string
		more []string
	}{
		{exitUsage, []string{"fly"}, nil},
		{exitUsage, []string{"serve", "--pprof", "0.0.0.0:1"}, nil},
		{exitUsage, []string{"account", "create", "--handle", "bob"}, nil},
		{exitUsage, []string{"account", "create", "--handle", "a b", "--email", "bob@mail.example"}, nil},
		{exitUsage, []string{"account", "create", "--handle", "bob", "--email", "nobody"}, nil},
		{exitUsage, []string{"account", "create", "--handle", "bob", "--email", "bob@mail.example", "--role", "king"}, nil},
		{exitUsage, []string{"account", "create", "--handle", "bob", "--email", "bob@mail.example", "--password-stdin"}, nil},
		{exitFailed, []string{"account", "create", "--handle", "ada", "--email", "bob@mail.example"}, nil},
		{exitFailed, []string{"account", "create", "--handle", "bob", "--email", "ada@mail.example"}, nil},
		{exitUsage, []string{"account", "suspend", "a b"}, nil},
		{exitUsage, []string{"account", "suspend", "@ada@not a host"}, nil},
		{exitFailed, []string{"account", "suspend", "nobody"}, nil},
		{exitFailed, []string{"account", "suspend", "@ada@b.example"}, nil},
		{exitUsage, []string{"token", "create", "--handle", "ada", "--scopes", "everything"}, nil},
		{exitFailed, []string{"token", "create", "--handle", "nobody"}, nil},
		{exitUsage, []string{"domain", "block", "no domain"}, nil},
		{exitUsage, []string{"domain", "block", "localhost"}, nil},
		{exitUsage, []string{"domain", "block", "b.example", "--severity", "maim"}, nil},
		{exitFailed, []string{"domain", "unblock", "b.example"}, nil},
		{exitUsage, []string{"circle", "create", "--slug", "no slug", "--name", "N", "--unit", "U"}, nil},
		{exitUsage, []string{"circle", "create", "--slug", "c-2", "--name", "N", "--unit", "U", "--from", "2013", "--to", "2012"}, nil},
		{exitFailed, []string{"circle", "create", "--slug", "c-1", "--name", "N", "--unit", "U"}, nil},
		{exitUsage, seat("a b", "2009", "2012"), nil},
		{exitUsage, seat("ada", "2012", "2009"), nil},
		{exitUsage, seat("ada", "then", "2009"), nil},
		{exitFailed, seat("nobody", "2009", "2012"), nil},
		{exitUsage, []string{"seat", "revoke", "one"}, nil},
		{exitFailed, []string{"seat", "revoke", "1"}, nil},
		{exitUsage, []string{"job", "list", "--limit", "0"}, nil},
		{exitUsage, []string{"job", "retry"}, nil},
		{exitUsage, []string{"job", "drop", "one"}, nil},
		{exitFailed, []string{"job", "drop", "1"}, nil},
		{exitUsage, []string{"backup"}, nil},
		{exitFailed, []string{"backup", filepath.Join(dir, "cohort.db")}, nil},
		{exitFailed, []string{"restore", filepath.Join(dir, "none.tar")}, nil},
		{exitUsage, []string{"account", "list"}, []string{"COHORT_INSTANCE_KIND=circus"}},
		{exitUsage, []string{"config", "check"}, []string{"COHORT_INSTANCE_KIND=circus"}},
		{exitUsage, []string{"serve"}, []string{"COHORT_SERVER_PORT_NUMBER=80"}},
		{exitUsage, []string{"account", "list", "--config", filepath.Join(dir, "none.toml")}, nil},
		{exitUsage, []string{"account", "list", "--config", dir}, nil},
		{exitFailed, []string{"config", "check"}, []string{"COHORT_SECRETS_FILE=" + filepath.Join(dir, "cohort.db")}},
		{exitFailed, []string{"account", "list"}, []string{"COHORT_DATABASE_URL=sqlite:" + filepath.Join(dir, "none.db")}},
		{exitFailed, []string{"account", "list"}, []string{"COHORT_INSTANCE_URL=http://localhost:1"}},
	} {
		out, errText, code := cohort(t, append(environ, c.more...), c.args...)
		if code != c.code || out != "" || !strings.HasPrefix(errText, "cohort: ") {
			t.Errorf("cohort %q %q ends with %d, want %d: %s%s", c.args, c.more, code, c.code, out, errText)
		}
	}
}

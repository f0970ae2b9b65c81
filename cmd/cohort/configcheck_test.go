package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The check finds whatever serve would stop on, in the same words, and changes
// nothing.
func TestConfigCheckLooksAtTheMachine(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert, key := writeCertificate(t, dir, "school.example", time.Now().Add(time.Hour))
	other := filepath.Join(dir, "other")
	if err := os.Mkdir(other, 0o700); err != nil {
		t.Fatal(err)
	}
	_, otherKey := writeCertificate(t, other, "school.example", time.Now().Add(time.Hour))
	file := write("file", "words", 0o600)
	open := write("open", strings.Repeat("A", 43)+"=\n", 0o644)
	none := filepath.Join(dir, "none.pem")
	for name, c := range map[string]struct {
		more []string
		want string // empty: nothing is wrong
	}{
		"nothing":              {nil, ""},
		"folders to be made":   {[]string{"COHORT_MEDIA_URL=file:" + dir + "/a/b/c", "COHORT_DATABASE_URL=sqlite:" + dir + "/d/e/cohort.db"}, ""},
		"a pair":               {pair(cert, key), ""},
		"no certificate":       {pair(none, key), "server.tls_cert: cannot read " + none},
		"no key":               {pair(cert, none), "server.tls_key: cannot read " + none},
		"a folder":             {pair(cert, dir), "server.tls_key: cannot read " + dir},
		"not a certificate":    {pair(file, key), "are not a certificate and its key"},
		"another's key":        {pair(cert, otherKey), "are not a certificate and its key"},
		"data in a file":       {[]string{"COHORT_DATABASE_URL=sqlite:" + file + "/cohort.db"}, "database.url: cannot open " + file},
		"data in a folder":     {[]string{"COHORT_DATABASE_URL=sqlite:" + other}, "database.url: cannot open " + other},
		"data not to be made":  {[]string{"COHORT_DATABASE_URL=sqlite:/proc/none/cohort.db"}, "database.url: cannot write into /proc"},
		"media in a file":      {[]string{"COHORT_MEDIA_URL=file:" + file + "/media"}, "media.url: cannot use " + file},
		"media is a file":      {[]string{"COHORT_MEDIA_URL=file:" + file}, "media.url: " + file + " is not a folder"},
		"media not to be made": {[]string{"COHORT_MEDIA_URL=file:/proc/none"}, "media.url: cannot write into /proc"},
		"secrets are words":    {[]string{"COHORT_SECRETS_FILE=" + file}, "it does not hold a secret"},
		"secrets for all":      {[]string{"COHORT_SECRETS_FILE=" + open}, "chmod 600"},
		"secrets are a folder": {[]string{"COHORT_SECRETS_FILE=" + other}, "it is not a file"},
		"secrets in a file":    {[]string{"COHORT_SECRETS_FILE=" + file + "/secrets"}, "secrets.file: "},
		"secrets not to make":  {[]string{"COHORT_SECRETS_FILE=/proc/none/secrets"}, "secrets.file: cannot write into /proc"},
	} {
		before := tree(t, dir)
		environ := append([]string{
			"COHORT_INSTANCE_URL=https://school.example", "COHORT_DATABASE_URL=sqlite:" + dir + "/cohort.db",
			"COHORT_MEDIA_URL=file:" + dir + "/media", "COHORT_SECRETS_FILE=" + dir + "/secrets",
		}, c.more...)
		out, errText, code := cohort(t, environ, "config", "check", "--json")
		var said struct {
			Valid    bool
			Problems []string
		}
		if err := json.Unmarshal([]byte(out), &said); err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
		if c.want == "" {
			if code != exitOK || !said.Valid || errText != "" {
				t.Errorf("%s: exit code %d: %s%s", name, code, out, errText)
			}
		} else if code != exitFailed || said.Valid || len(said.Problems) != 1 || !strings.Contains(said.Problems[0], c.want) || !strings.Contains(errText, c.want) {
			t.Errorf("%s: exit code %d, want %q: %s%s", name, code, c.want, out, errText)
		}
		if after := tree(t, dir); after != before {
			t.Errorf("%s: the check left %s of %s", name, after, before)
		}
	}
	// Everything at once.
	environ := append(pair(none, none), "COHORT_INSTANCE_URL=https://school.example", "COHORT_MEDIA_URL=file:"+file,
		"COHORT_SECRETS_FILE="+open, "COHORT_DATABASE_URL=sqlite:"+other)
	_, errText, code := cohort(t, environ, "config", "check")
	if code != exitFailed || strings.Count(errText, "\n  ") != 5 {
		t.Errorf("five problems end with %d: %s", code, errText)
	}
}

func pair(cert, key string) []string {
	return []string{"COHORT_SERVER_TLS_CERT=" + cert, "COHORT_SERVER_TLS_KEY=" + key}
}

// tree is every path under dir.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(paths)
}

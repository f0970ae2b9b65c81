package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"cohort/store"
	"cohort/store/storetest"
)

// The drill: an instance serves and is written to, a backup is taken meanwhile
// and restored into an empty place of either kind. Everything acknowledged
// before the backup began is there, picture and follow included, and the
// restored instance serves.
func TestBackupDrill(t *testing.T) {
	eachKind(t, func(t *testing.T, s *served) {
		token := s.join("ada")
		s.command("", "circle", "create", "--slug", "class", "--name", "Class", "--unit", "3", "--from", "2009", "--to", "2012")
		avatar, key := s.giveAvatar("ada"), s.publicKey("ada")
		before := []string{s.post(token, "the first")}
		stop, written := s.keepPosting(token)
		before = append(before, written()...)
		file := filepath.Join(t.TempDir(), "backup.tar")
		said := s.command("", "backup", file)
		stop()
		if !strings.Contains(said, s.config.Secrets.File) {
			t.Errorf("backup says %s", said)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the backup is %v, %v", info, err)
		}
		s.end()
		for kind, database := range emptyPlaces(t) {
			t.Run("into "+kind, func(t *testing.T) {
				s.restored(t, file, database).holds(t, token, avatar, before, key)
			})
		}
	})
}

// emptyPlaces are databases that nobody has used, by kind.
func emptyPlaces(t *testing.T) map[string]string {
	places := map[string]string{"sqlite": ""}
	if c, ok := storetest.EmptyPostgres(t); ok {
		places["postgres"] = c.URL
	}
	return places
}

// giveAvatar sets a picture and gives the name of its file.
func (s *served) giveAvatar(handle string) string {
	s.t.Helper()
	name, err := store.NewFileName("png")
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.instance.files.Put(s.t.Context(), name, strings.NewReader("a picture")); err != nil {
		s.t.Fatal(err)
	}
	account, err := s.instance.db.AccountByHandle(s.t.Context(), handle, "")
	if err != nil {
		s.t.Fatal(err)
	}
	account.Avatar = name
	if err := s.instance.db.Tx(s.t.Context(), func(tx *store.Tx) error { return tx.UpdateAccount(s.t.Context(), account) }); err != nil {
		s.t.Fatal(err)
	}
	return name
}

// keepPosting has several clients write all the time until stop. written waits
// for more posts and gives the ids of those acknowledged so far.
func (s *served) keepPosting(token string) (stop func(), written func() []string) {
	var mu sync.Mutex
	var ids []string
	ctx, cancel := context.WithCancel(s.t.Context())
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				_, body, err := askAt(ctx, http.MethodPost, s.url+"/api/v1/statuses", token, url.Values{"status": {"meanwhile"}})
				var made struct{ ID string }
				if err != nil || json.Unmarshal([]byte(body), &made) != nil || made.ID == "" {
					continue // stopped, or not acknowledged
				}
				mu.Lock()
				ids = append(ids, made.ID)
				mu.Unlock()
			}
		})
	}
	stop = func() { cancel(); clients.Wait() }
	written = func() (some []string) {
		s.t.Helper()
		s.wait("posts", func() error {
			mu.Lock()
			defer mu.Unlock()
			if some = append([]string(nil), ids...); len(some) < 20 {
				return fmt.Errorf("%d so far", len(some))
			}
			return nil
		})
		return some
	}
	return stop, written
}

// restored serves what a backup holds, in a place of its own with the same
// secret and address; database is empty for SQLite.
func (s *served) restored(t *testing.T, file, database string) *served {
	t.Helper()
	dir := t.TempDir()
	environ := environFor(dir, int(s.config.port(t)))
	if database != "" {
		environ = append(environ, "COHORT_DATABASE_URL="+database)
	}
	said, errText, code := cohort(t, environ, "restore", file)
	if code != exitOK || !strings.Contains(said, filepath.Join(dir, "secrets")) {
		t.Fatalf("restore ends with %d: %s%s", code, said, errText)
	}
	if _, errText, code := cohort(t, environ, "account", "list"); code != exitFailed || !strings.Contains(errText, "secrets") {
		t.Errorf("without the secret a command ends with %d: %s", code, errText)
	}
	secret, err := os.ReadFile(s.config.Secrets.File)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "secrets"), secret, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errText, code := cohort(t, environ, "restore", file); code != exitFailed || !strings.Contains(errText, "not empty") {
		t.Errorf("a second restore ends with %d: %s", code, errText)
	}
	return serveWith(t, dir, environ)
}

func (c *Config) port(t *testing.T) (port uint16) {
	t.Helper()
	if _, err := fmt.Sscan(c.BaseURL().Port(), &port); err != nil {
		t.Fatal(err)
	}
	return port
}

// holds checks that a restored instance has what the first one acknowledged.
func (s *served) holds(t *testing.T, token, avatar string, posts []string, key ed25519.PublicKey) {
	t.Helper()
	for _, id := range posts {
		if code, body := s.ask(http.MethodGet, "/api/v1/statuses/"+id, token, nil); code != http.StatusOK {
			t.Errorf("post %s is answered %d %s", id, code, body)
		}
	}
	if code, body := s.ask(http.MethodGet, "/media/"+avatar, "", nil); code != http.StatusOK || body != "a picture" {
		t.Errorf("the picture is answered %d %q", code, body)
	}
	if circles := s.command("", "circle", "list"); !strings.Contains(circles, "class") {
		t.Errorf("the circles are %s", circles)
	}
	if id := s.post(token, "after the restore"); id <= posts[len(posts)-1] {
		t.Errorf("a new post has the id %s, not above %s", id, posts[len(posts)-1])
	}
	// They are sealed with the secret.
	if got := s.publicKey("ada"); !got.Equal(key) {
		t.Error("ada has another key than before")
	}
}

// publicKey is that of a member, who gets one if she has none.
func (s *served) publicKey(handle string) ed25519.PublicKey {
	s.t.Helper()
	account, err := s.instance.db.AccountByHandle(s.t.Context(), handle, "")
	if err != nil {
		s.t.Fatal(err)
	}
	keys, err := s.instance.social.KeysFor(s.t.Context(), account.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return keys.PublicEd25
}

// A backup that this configuration could not serve is refused before anything
// is written.
func TestRestoreElsewhere(t *testing.T) {
	from, port := t.TempDir(), somePort(t)
	file := filepath.Join(t.TempDir(), "b.tar")
	for _, args := range [][]string{{"migrate"}, {"account", "list"}, {"backup", file}} {
		if _, errText, code := cohort(t, environFor(from, port), args...); code != exitOK {
			t.Fatalf("cohort %q: %s", args, errText)
		}
	}
	to := t.TempDir()
	environ := environFor(to, port)
	secrets := filepath.Join(to, "secrets")
	untouched := func(what, want string, environ []string, files int) {
		t.Helper()
		if out, errText, code := cohort(t, environ, "restore", file); code != exitFailed || out != "" || !strings.Contains(errText, want) {
			t.Errorf("%s: restore ends with %d: %s%s", what, code, out, errText)
		}
		if left, err := os.ReadDir(to); err != nil || len(left) != files {
			t.Errorf("%s: left %v, %v", what, left, err)
		}
	}
	untouched("another address", "belongs to another address", append(environ, "COHORT_INSTANCE_URL=http://localhost:1"), 0)
	if _, err := loadSecret(secrets); err != nil {
		t.Fatal(err)
	}
	untouched("another secret", "not the secret", environ, 1)
	if err := os.Chmod(secrets, 0o644); err != nil {
		t.Fatal(err)
	}
	untouched("an open secret", "chmod 600", environ, 1)
	secret, err := os.ReadFile(filepath.Join(from, "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(secrets, 0o600), os.WriteFile(secrets, secret, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, errText, code := cohort(t, environ, "restore", file); code != exitOK {
		t.Errorf("with address and secret it ends with %d: %s", code, errText)
	}
}

// What cannot be backed up or restored is said in a sentence, and nothing is
// overwritten or left half done.
func TestBackupRefusals(t *testing.T) {
	dir := t.TempDir()
	environ := environFor(dir, somePort(t))
	if _, errText, code := cohort(t, environ, "migrate"); code != exitOK {
		t.Fatal(errText)
	}
	taken := filepath.Join(t.TempDir(), "taken")
	if err := os.WriteFile(taken, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no file named":     {[]string{"backup"}, exitUsage, "file"},
		"the file exists":   {[]string{"backup", taken}, exitFailed, "exists already"},
		"no such folder":    {[]string{"backup", filepath.Join(dir, "no", "b.tar")}, exitFailed, "no such file"},
		"no such backup":    {[]string{"restore", filepath.Join(dir, "none.tar")}, exitFailed, "none.tar"},
		"not a backup":      {[]string{"restore", taken}, exitFailed, "not a whole backup"},
		"restore what file": {[]string{"restore"}, exitUsage, "file"},
	} {
		out, errText, code := cohort(t, environ, c.args...)
		if code != c.code || out != "" || !strings.Contains(errText, c.want) {
			t.Errorf("%s: ends with %d: %s%s", name, code, out, errText)
		}
	}
	if text, err := os.ReadFile(taken); err != nil || string(text) != "mine" {
		t.Errorf("the file that existed holds %q, %v", text, err)
	}
	if left, err := os.ReadDir(filepath.Dir(taken)); err != nil || len(left) != 1 {
		t.Errorf("left beside it: %v, %v", left, err)
	}
}

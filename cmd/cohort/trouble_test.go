package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cohort/federation/fedtest"
	"cohort/store/storetest"
)

// trouble is an instance with something in it, on which serve is tried.
type trouble struct {
	dir, base string
	environ   []string
}

func newTrouble(t *testing.T) *trouble {
	t.Helper()
	dir, port := t.TempDir(), somePort(t)
	tr := &trouble{dir: dir, base: fmt.Sprintf("http://localhost:%d", port), environ: environFor(dir, port)}
	for _, args := range [][]string{
		{"migrate"}, {"account", "create", "--handle", "ada", "--email", "ada@mail.example"},
	} {
		if _, errText, code := cohort(t, tr.environ, args...); code != exitOK {
			t.Fatalf("cohort %q: %s", args, errText)
		}
	}
	return tr
}

func (tr *trouble) database() string { return filepath.Join(tr.dir, "cohort.db") }

// refused checks that serve, and every other command that needs the database,
// ends with exit code 1 and one sentence that contains want and no secret.
func (tr *trouble) refused(t *testing.T, want string, more ...string) {
	t.Helper()
	tr.refusedWith(t, exitFailed, want, more...)
}

func (tr *trouble) refusedWith(t *testing.T, wantCode int, want string, more ...string) {
	t.Helper()
	for _, args := range [][]string{{"serve"}, {"account", "list"}, {"backup", filepath.Join(t.TempDir(), "b.tar")}} {
		out, errText, code := cohort(t, append(tr.environ, more...), args...)
		_, sentence, ok := strings.Cut("\n"+errText, "\ncohort: ") // behind what was logged
		if code != wantCode || out != "" || !ok || !strings.Contains(sentence, want) || strings.Contains(errText, "hunter2") || strings.Contains(errText, "goroutine") {
			t.Errorf("cohort %q ends with %d: %s%s", args, code, out, errText)
		}
	}
}

// intact checks that the instance works again and still has what it had.
func (tr *trouble) intact(t *testing.T) {
	t.Helper()
	out, errText, code := cohort(t, tr.environ, "account", "list")
	if code != exitOK || !strings.Contains(out, "@ada") {
		t.Errorf("afterwards a command ends with %d: %s%s", code, out, errText)
	}
	_, log, end := serveCommandLine(t, tr.environ)
	if code := end(); code != exitOK {
		t.Errorf("afterwards serve ends with %d: %s", code, log)
	}
}

func TestWrongConfigurations(t *testing.T) {
	tr := newTrouble(t)
	for want, more := range map[string][]string{
		"instance.kind":      {"COHORT_INSTANCE_KIND=circus"},
		"COHORT_SERVER_PORT": {"COHORT_SERVER_PORT=80"},
		"database.url":       {"COHORT_DATABASE_URL=mysql://u:hunter2@db/x"},
		"mail.url":           {"COHORT_MAIL_URL=smtp://u:hunter2@"},
	} {
		tr.refusedWith(t, exitUsage, want, more...)
	}
	_, errText, code := cohort(t, append(tr.environ, "COHORT_LOG_LEVEL=loud", "COHORT_INSTANCE_KIND=circus"), "serve")
	if code != exitUsage || !strings.Contains(errText, "log.level") || !strings.Contains(errText, "instance.kind") {
		t.Errorf("two mistakes: %d %s", code, errText)
	}
	tr.intact(t)
}

func TestNewerSchema(t *testing.T) {
	tr := newTrouble(t)
	db, err := sql.Open("sqlite", "file:"+tr.database())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`); err != nil {
		t.Fatal(err)
	}
	tr.refused(t, "newer version of cohort")
	if _, err := db.ExecContext(t.Context(), `DELETE FROM goose_db_version WHERE version_id = 9999`); err != nil {
		t.Fatal(err)
	}
	tr.intact(t)
}

func TestUnreachablePostgres(t *testing.T) {
	tr := newTrouble(t)
	database := fmt.Sprintf("COHORT_DATABASE_URL=postgres://u:hunter2@127.0.0.1:%d/none?connect_timeout=2", somePort(t))
	tr.refused(t, "cannot reach PostgreSQL at 127.0.0.1:", database)
	for address, want := range map[string]string{
		database: ", database \"none\": connection refused\n",
		"COHORT_DATABASE_URL=postgres://u:hunter2@nowhere.invalid/none":       "nowhere.invalid",
		"COHORT_DATABASE_URL=postgres://u:hunter2@/none?host=/no/such/folder": "database \"none\": no such file or directory\n",
	} {
		_, errText, _ := cohort(t, append(tr.environ, address), "serve")
		if strings.Count(errText, "\n") != 1 || strings.Count(errText, "cannot reach") != 1 || !strings.Contains(errText, want) {
			t.Errorf("%s is not one sentence: %s", address, errText)
		}
	}
	tr.intact(t)
}

// A server that goes away while the instance serves: it says that it is not
// ready, and is ready again when it comes back.
func TestPostgresGoesAway(t *testing.T) {
	c, ok := storetest.PostgresConfig(t)
	if !ok {
		return // needs PostgreSQL, which the full run has
	}
	between := newGate(t, c.URL)
	s := serveHere(t, "COHORT_DATABASE_URL="+between.url)
	token := s.join("ada")
	id := s.post(token, "before")
	between.shut()
	s.wait("it to notice", func() error {
		if code, text := s.ask(http.MethodGet, "/readyz", "", nil); code != http.StatusServiceUnavailable {
			return fmt.Errorf("/readyz is answered %d %s", code, text)
		}
		return nil
	})
	if code, body := s.ask(http.MethodPost, "/api/v1/statuses", token, url.Values{"status": {"lost"}}); code < http.StatusInternalServerError || strings.Contains(body, "127.0.0.1") {
		t.Errorf("without the database a post is answered %d %s", code, body)
	}
	if code, _ := s.ask(http.MethodGet, "/healthz", "", nil); code != http.StatusOK {
		t.Errorf("/healthz is answered %d", code)
	}
	between.open()
	s.wait("it to recover", func() error {
		if code, text := s.ask(http.MethodGet, "/api/v1/statuses/"+id, token, nil); code != http.StatusOK {
			return fmt.Errorf("%d %s", code, text)
		}
		return nil
	})
	s.wait("it to write again", func() error {
		if code, body := s.ask(http.MethodPost, "/api/v1/statuses", token, url.Values{"status": {"after"}}); code != http.StatusOK {
			return fmt.Errorf("%d %s", code, body)
		}
		return nil
	})
}

func TestDamagedDatabase(t *testing.T) {
	tr := newTrouble(t)
	whole, err := os.ReadFile(tr.database())
	if err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(tr.database() + "-*"); err != nil || len(left) != 0 {
		t.Fatalf("a closed database has %v beside it, %v", left, err)
	}
	write := func(text []byte) {
		t.Helper()
		for _, leftover := range []string{"-wal", "-shm"} {
			if err := os.Remove(tr.database() + leftover); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(tr.database(), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	noise := func(from, to int) []byte {
		text := append([]byte(nil), whole...)
		for i := from; i < to; i++ {
			text[i] = 0xA5
		}
		return text
	}
	for _, c := range []struct {
		name, want string
		text       []byte
	}{
		{"another file", "not a database of cohort", []byte(strings.Repeat("a letter to the editor\n", 999))},
		{"noise in the schema", "damaged", noise(100, 4096)},
		{"noise nearly everywhere", "damaged", noise(100, len(whole))},
		{"noise in the pages behind", "damaged", noise(2*4096, 6*4096)},
		{"cut short", "damaged", whole[:4096]},
	} {
		write(c.text)
		tr.refused(t, c.want)
		if now, err := os.ReadFile(tr.database()); err != nil || string(now) != string(c.text) {
			t.Errorf("%s: the file was changed, %v", c.name, err)
		}
	}
	write(whole)
	tr.intact(t)
}

// A database that cannot be written to is read: by backup, too. What would write
// says why it cannot, and nothing but that.
func TestDatabaseThatCannotBeWritten(t *testing.T) {
	tr := newTrouble(t)
	log := tr.database() + "-wal"
	if err := os.Mkdir(log, 0o700); err != nil { // where SQLite would write to
		t.Fatal(err)
	}
	for _, args := range [][]string{{"account", "list"}, {"job", "list"}, {"instance", "show"}, {"backup", filepath.Join(t.TempDir(), "b.tar")}} {
		if out, errText, code := cohort(t, tr.environ, args...); code != exitOK || errText != "" {
			t.Errorf("cohort %q ends with %d: %s%s", args, code, out, errText)
		}
	}
	for _, args := range [][]string{{"token", "create", "--handle", "ada"}, {"account", "suspend", "ada"}, {"domain", "block", "evil.example"}, {"serve"}} {
		out, errText, code := cohort(t, tr.environ, args...)
		if code != exitFailed || out != "" || !strings.Contains(errText, "the database cannot be written to") || strings.Contains(errText, "process number") {
			t.Errorf("cohort %q ends with %d: %s%s", args, code, out, errText)
		}
	}
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	tr.intact(t)
}

// Damage that is found while the instance serves ends its readiness and is
// logged; what can be read is served on.
func TestDamageWhileServing(t *testing.T) {
	s := serveHere(t)
	var log strings.Builder
	looking := &engine{instance: s.instance, log: slog.New(slog.NewTextHandler(&log, nil))}
	size, err := s.instance.db.Size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.join("ada")
	file, err := os.OpenFile(filepath.Join(s.dir, "cohort.db"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt(bytes.Repeat([]byte{0xA5}, int(size)-8*4096), 8*4096); err != nil {
		t.Fatal(err)
	}
	looking.check(t.Context(), 0)
	if !strings.Contains(log.String(), "the database is damaged: stop the server and restore a backup") {
		t.Errorf("logged %s", &log)
	}
	if code, text := s.ask(http.MethodGet, "/readyz", "", nil); code != http.StatusServiceUnavailable || text != "the database is damaged\n" {
		t.Errorf("/readyz is answered %d %s", code, text)
	}
	if code, _ := s.ask(http.MethodGet, "/healthz", "", nil); code != http.StatusOK {
		t.Errorf("/healthz is answered %d", code)
	}
}

// A peer that never answers does not hold up the end beyond ten seconds, and
// the delivery is kept.
func TestEndWithHangingDelivery(t *testing.T) {
	t.Parallel()
	dir, port := t.TempDir(), somePort(t)
	environ, base := environFor(dir, port), fmt.Sprintf("http://localhost:%d", port)
	p := serveProcess(t, environ, base)
	peer := fedtest.NewPeer(t, "peer")
	bob := peer.Actor("bob")
	_, waiting := peer.Hold()
	out, errText, code := cohort(t, environ, "account", "create", "--handle", "ada", "--email", "ada@mail.example", "--json")
	_, uri, _ := strings.Cut(out, `"uri":"`)
	uri, _, _ = strings.Cut(uri, `"`)
	if code != exitOK || uri == "" {
		t.Fatal(out, errText)
	}
	follow := map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "type": "Follow", "id": bob.ID + "/follow", "actor": bob.ID, "object": uri}
	if code := bob.Send(base+"/inbox", follow); code != http.StatusAccepted {
		t.Fatalf("a follow is answered %d", code)
	}
	waitFor(t, "the delivery to hang", func() error {
		if waiting() == 0 {
			return fmt.Errorf("nothing is delivered: %s", p.out)
		}
		return nil
	})
	if code, took := p.stop(); code != exitOK || took > 10*time.Second {
		t.Errorf("it took %s and ended with %d: %s", took, code, p.out)
	}
	if out, errText, _ := cohort(t, environ, "job", "list", "--waiting"); !strings.Contains(out, "activity") {
		t.Errorf("the Accept is not kept: %s%s", out, errText)
	}
}

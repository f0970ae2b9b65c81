package store_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"cohort/store"
	"cohort/store/storetest"
)

// furnish fills an instance: rows of many tables, odd texts among them, and media.
func furnish(t *testing.T, db *store.DB, files *store.Files) {
	t.Helper()
	ctx := context.Background()
	ada, eve := storetest.Account(t, db, "ada"), storetest.Account(t, db, "eve")
	bob := storetest.Remote(t, db, "bob", "b.example")
	storetest.Follow(t, db, bob, ada)
	storetest.Follow(t, db, eve, ada)
	circle := storetest.Circle(t, db, "class", ada, bob)
	for i := range 50 {
		html := strings.Repeat("<p>同窗 \"quotes\" \\ 'single' \n line  </p>", 1+i*40)
		storetest.Post(t, db, ada, store.Public, 0, &store.Post{HTML: html}, eve)
	}
	storetest.Post(t, db, ada, "", circle.ID, &store.Post{HTML: "<script>&amp;"})
	storetest.Post(t, db, bob, store.Direct, 0, nil, ada)
	enqueueTo(t, db, "create", 1, ada.ID, inbox("b.example"), inbox("c.example"))
	name := mediaFile(t, files, "a picture")
	copied := mediaFile(t, files, "a copy of another's picture")
	if err := db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO media (id, account_id, mime, file, created_at) VALUES (9223372036854775807, 1, 'image/png', $1, 1)`, name)
		_, err2 := tx.Exec(ctx, `INSERT INTO media_cache (url, file, mime, size, fetched_at, used_at) VALUES ('u', $1, 'image/png', 1, 1, 1)`, copied)
		_, err3 := tx.Exec(ctx, insertSetting, "odd", "")
		return errors.Join(err, err2, err3)
	}); err != nil {
		t.Fatal(err)
	}
}

func mediaFile(t *testing.T, files *store.Files, content string) string {
	t.Helper()
	name, err := store.NewFileName("png")
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Put(context.Background(), name, strings.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	return name
}

// contents is every row that a backup should hold, as text.
func contents(t *testing.T, db *store.DB) []string {
	t.Helper()
	ctx := context.Background()
	var lines []string
	for _, table := range store.BackupTables() {
		rows, err := db.Rows(ctx, `SELECT * FROM `+table)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, dest := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				dest[i] = &values[i]
			}
			if err := rows.Scan(dest...); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, fmt.Sprintf("%s %q %q", table, columns, values))
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	sort.Strings(lines)
	return lines
}

// What was backed up is there after a restoration, in whatever kind of database.
func TestBackupDrill(t *testing.T) {
	ctx := context.Background()
	kinds := map[string]func(t *testing.T) (store.Config, bool){
		"sqlite": func(t *testing.T) (store.Config, bool) {
			return store.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "new", "r.db")}, true
		},
		"postgres": func(t *testing.T) (store.Config, bool) { return storetest.EmptyPostgres(t) },
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		files, err := store.OpenFiles(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = files.Close() })
		furnish(t, db, files)
		path := filepath.Join(t.TempDir(), "backup.tar")
		written := backUp(t, db, files, path)
		want := contents(t, db)
		for kind, config := range kinds {
			t.Run("into "+kind, func(t *testing.T) {
				c, ok := config(t)
				if !ok {
					return
				}
				media := filepath.Join(t.TempDir(), "media")
				stats, err := store.Restore(ctx, path, c, media, nil)
				if err != nil {
					t.Fatal(err)
				}
				if stats.Rows != int64(len(want)) || stats.Rows != written.Rows || stats.Files != 1 {
					t.Errorf("%+v, want %+v with %d rows and one file", stats, written, len(want))
				}
				restored, err := store.Open(ctx, c)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := restored.Close(); err != nil {
						t.Error(err)
					}
				})
				if got := contents(t, restored); !slices.Equal(got, want) {
					t.Errorf("%d rows differ from %d", len(got), len(want))
					for i := range min(len(got), len(want)) {
						if got[i] != want[i] {
							t.Fatalf("first difference:\n%.300s\n%.300s", got[i], want[i])
						}
					}
				}
				// It is alive: its worker delivers and its people post.
				storetest.Account(t, restored, "new")
				w := store.NewWorker(restored, store.WorkerConfig{Handlers: map[string]store.Handler{"create": func(context.Context, store.Job) error { return nil }}})
				runOnce(t, w, 2)
				if _, err := store.Restore(ctx, path, c, filepath.Join(t.TempDir(), "m"), nil); !errors.Is(err, store.ErrNotEmpty) {
					t.Errorf("restoring over it: %v", err)
				}
				fresh := store.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "x.db")}
				if _, err := store.Restore(ctx, path, fresh, media, nil); !errors.Is(err, store.ErrNotEmpty) {
					t.Errorf("restoring over its media: %v", err)
				}
			})
		}
	})
}

func backUp(t *testing.T, db *store.DB, files *store.Files, path string) store.BackupStats {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	stats, err := store.Backup(context.Background(), db, files, f)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return stats
}

// The backup is of one moment, although others write meanwhile.
func TestBackupIsConsistent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		enqueueTo(t, db, "create", 1, 1, inbox("before.example"))
		first := true
		w := writerFunc(func(p []byte) (int, error) {
			// accounts come before jobs: a row of each, in between.
			if first && bytes.Contains(p, []byte("rows/jobs.")) {
				first = false
				t.Error("jobs were written before the interference")
			}
			if first && bytes.Contains(p, []byte("rows/accounts.")) {
				first = false
				enqueueTo(t, db, "create", 2, 1, inbox("meanwhile.example"))
			}
			return len(p), nil
		})
		storetest.Account(t, db, "ada")
		var copied bytes.Buffer
		if _, err := store.Backup(ctx, db, nil, io.MultiWriter(w, &copied)); err != nil {
			t.Fatal(err)
		}
		if first || bytes.Contains(copied.Bytes(), []byte("meanwhile.example")) || !bytes.Contains(copied.Bytes(), []byte("before.example")) {
			t.Error("the backup is not of the moment at which it began")
		}
	})
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// No table is forgotten when one is added.
func TestBackupHoldsEveryTable(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		query := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
		if db.Postgres() {
			query = `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()`
		}
		rows, err := db.Rows(context.Background(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var tables []string
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			tables = append(tables, name)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		slices.Sort(tables)
		known := append(store.BackupTables(), store.LeftOut()...)
		slices.Sort(known)
		if !slices.Equal(tables, known) {
			t.Errorf("the tables are\n%q, the backup knows\n%q", tables, known)
		}
	})
}

// Who restores is shown the settings first, and what he refuses leaves nothing.
func TestRestoreAsks(t *testing.T) {
	db := storetest.Open(t)
	ctx := t.Context()
	if err := db.Tx(ctx, func(tx *store.Tx) error { return tx.SetSetting(ctx, "place", "here") }); err != nil {
		t.Fatal(err)
	}
	dir, elsewhere := t.TempDir(), errors.New("it is from elsewhere")
	path := filepath.Join(dir, "backup.tar")
	backUp(t, db, nil, path)
	c, media := store.Config{URL: "sqlite:" + filepath.Join(dir, "new", "r.db")}, filepath.Join(dir, "media")
	var shown string
	refuse := func(settings map[string]string) error { shown = settings["place"]; return elsewhere }
	if _, err := store.Restore(ctx, path, c, media, refuse); !errors.Is(err, elsewhere) || shown != "here" {
		t.Errorf("%v after %q was shown", err, shown)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left %v, %v", left, err)
	}
	if _, err := store.Restore(ctx, path, c, media, func(map[string]string) error { return nil }); err != nil {
		t.Error(err)
	}
}

type entry struct{ name, content string }

// archiveOf makes an archive with a right checksum.
func archiveOf(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	sum := sha256.New()
	add := func(e entry) {
		fmt.Fprintf(sum, "\n%s %d\n%s", e.name, len(e.content), e.content)
		if err := w.WriteHeader(&tar.Header{Name: e.name, Size: int64(len(e.content)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.content); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range entries {
		add(e)
	}
	add(entry{"end.json", `{"rows":1,"files":0,"sha256":"` + hex.EncodeToString(sum.Sum(nil)) + `"}`})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestRestoreRefuses(t *testing.T) {
	db := storetest.Open(t)
	files, err := store.OpenFiles(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = files.Close() })
	furnish(t, db, files)
	path := filepath.Join(t.TempDir(), "good.tar")
	backUp(t, db, files, path)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	altered := bytes.Clone(good)
	altered[bytes.Index(altered, []byte("quotes"))] = 'Q'
	head := entry{"backup.json", `{"format":1,"program":"cohort","schema":1}`}
	settings := func(lines string) []byte { return archiveOf(t, head, entry{"rows/settings.1.jsonl", lines}) }
	for name, c := range map[string]struct {
		content []byte
		want    error
	}{
		"empty":               {nil, store.ErrBadBackup},
		"text":                {[]byte("once upon a time there was no backup"), store.ErrBadBackup},
		"cut short":           {good[:len(good)/2], store.ErrBadBackup},
		"without its end":     {good[:len(good)-2048-512], store.ErrBadBackup},
		"altered":             {altered, store.ErrBadBackup},
		"twice":               {append(bytes.Clone(good[:len(good)-1024]), good...), store.ErrBadBackup},
		"another's archive":   {archiveOf(t, entry{"song.mp3", "la"}), store.ErrBadBackup},
		"another program":     {archiveOf(t, entry{"backup.json", `{"format":1,"program":"other","schema":1}`}, entry{"x", ""}), store.ErrBadBackup},
		"unknown format":      {archiveOf(t, entry{"backup.json", `{"format":2,"program":"cohort","schema":1}`}, entry{"x", ""}), store.ErrBadBackup},
		"newer schema":        {archiveOf(t, entry{"backup.json", `{"format":1,"program":"cohort","schema":9999}`}), store.ErrNewerSchema},
		"unknown table":       {archiveOf(t, head, entry{"rows/processes.1.jsonl", `["number"]`}), store.ErrBadBackup},
		"no table":            {archiveOf(t, head, entry{"rows/", ``}), store.ErrBadBackup},
		"escaping media":      {archiveOf(t, head, entry{"media/../../evil.png", "x"}), nil},
		"script among media":  {archiveOf(t, head, entry{"media/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.svg", "x"}), nil},
		"no columns":          {settings(``), store.ErrBadBackup},
		"unknown column":      {settings("[\"name\",\"evil\"]\n[\"a\",\"b\"]\n"), store.ErrBadBackup},
		"SQL as a column":     {settings("[\"name) VALUES ('x'); DROP TABLE users; --\"]\n[\"a\"]\n"), store.ErrBadBackup},
		"the same twice":      {settings("[\"name\",\"name\"]\n[\"a\",\"b\"]\n"), store.ErrBadBackup},
		"short row":           {settings("[\"name\",\"value\"]\n[\"a\"]\n"), store.ErrBadBackup},
		"long row":            {settings("[\"name\",\"value\"]\n[\"a\",\"b\",\"c\"]\n"), store.ErrBadBackup},
		"object in a row":     {settings("[\"name\",\"value\"]\n[\"a\",{}]\n"), store.ErrBadBackup},
		"fraction in a row":   {settings("[\"name\",\"value\"]\n[\"a\",1.5]\n"), store.ErrBadBackup},
		"broken row":          {settings("[\"name\",\"value\"]\n[\"a\",\"b"), store.ErrBadBackup},
		"same row twice":      {settings("[\"name\",\"value\"]\n[\"a\",\"b\"]\n[\"a\",\"b\"]\n"), store.ErrConflict},
		"what is not allowed": {archiveOf(t, head, entry{"rows/users.1.jsonl", "[\"account_id\",\"role\"]\n[1,\"king\"]\n"}), nil},
	} {
		dir := t.TempDir()
		path, media := filepath.Join(dir, "b.tar"), filepath.Join(dir, "media")
		if err := os.WriteFile(path, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		config := store.Config{URL: "sqlite:" + filepath.Join(dir, "r.db")}
		_, err := store.Restore(context.Background(), path, config, media, nil)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if entries, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(entries) == 0 {
			t.Error(err)
		}
		found, _ := filepath.Glob(filepath.Join(media, "??", "*"))
		if len(found) > 0 {
			t.Errorf("%s: left %q", name, found)
		}
		if left, err := store.Open(context.Background(), config); err == nil {
			if n := len(contents(t, left)); n != 0 {
				t.Errorf("%s: left %d rows", name, n)
			}
			if err := left.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := store.Restore(context.Background(), filepath.Join(t.TempDir(), "missing.tar"), store.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "r.db")}, "", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func FuzzCheckBackup(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte(strings.Repeat("x", 1024)))
	f.Add([]byte("backup.json" + strings.Repeat("\x00", 1013)))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "b.tar")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := store.CheckBackup(context.Background(), path); err == nil && !bytes.Contains(content, []byte("end.json")) {
			t.Error("took what has no end")
		}
	})
}

package main

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tables are all rows of an instance, as text, by table and column.
type tables map[string][]map[string]string

// rowsOf reads the rows of an instance out of a backup of it.
func rowsOf(t *testing.T, environ []string) tables {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rows.tar")
	if _, errText, code := cohort(t, environ, "backup", file); code != exitOK {
		t.Fatal(errText)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := tables{}
	for entries := tar.NewReader(f); ; {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if name, ok := strings.CutPrefix(header.Name, "rows/"); ok {
			table, _, _ := strings.Cut(name, ".")
			all.read(t, table, entries)
		}
	}
}

func (all tables) read(t *testing.T, table string, r io.Reader) {
	t.Helper()
	lines := json.NewDecoder(r)
	lines.UseNumber()
	var columns []string
	if err := lines.Decode(&columns); err != nil {
		t.Fatal(err)
	}
	for {
		var values []any
		err := lines.Decode(&values)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		row := map[string]string{}
		for i, v := range values {
			if v != nil {
				row[columns[i]] = fmt.Sprint(v)
			}
		}
		all[table] = append(all[table], row)
	}
}

// index is the set of a column's values.
func (all tables) index(table, column string) map[string]bool {
	set := map[string]bool{}
	for _, row := range all[table] {
		set[row[column]] = true
	}
	return set
}

// belongs lists which column names a row of which table. A column that is NULL
// or 0 names none.
var belongs = [][4]string{
	{"users", "account_id", "accounts", "id"},
	{"actor_keys", "account_id", "accounts", "id"},
	{"tokens", "account_id", "accounts", "id"},
	{"tokens", "app_id", "apps", "id"},
	{"posts", "author_id", "accounts", "id"},
	{"posts", "circle_id", "accounts", "id"},
	{"posts", "reply_to_id", "posts", "id"},
	{"posts", "boost_of_id", "posts", "id"},
	{"posts", "root_id", "posts", "id"},
	{"post_recipients", "post_id", "posts", "id"},
	{"post_recipients", "account_id", "accounts", "id"},
	{"post_tags", "post_id", "posts", "id"},
	{"post_tags", "tag_id", "tags", "id"},
	{"post_edits", "post_id", "posts", "id"},
	{"media", "post_id", "posts", "id"},
	{"timeline", "post_id", "posts", "id"},
	{"timeline", "account_id", "users", "account_id"},
	{"notifications", "post_id", "posts", "id"},
	{"notifications", "account_id", "users", "account_id"},
	{"notifications", "from_id", "accounts", "id"},
	{"idempotency_keys", "post_id", "posts", "id"},
	{"idempotency_keys", "account_id", "users", "account_id"},
	{"sent", "post_id", "posts", "id"},
	{"follows", "account_id", "accounts", "id"},
	{"follows", "target_id", "accounts", "id"},
	{"likes", "post_id", "posts", "id"},
	{"activities", "actor_id", "accounts", "id"},
	{"jobs", "lane", "lanes", "lane"},
	{"memberships", "circle_id", "accounts", "id"},
	{"memberships", "account_id", "accounts", "id"},
	{"seats", "account_id", "accounts", "id"},
}

// checkRows looks for rows that lack what they belong to, and for posts of
// which only a part was written.
func checkRows(t *testing.T, environ []string) {
	t.Helper()
	all := rowsOf(t, environ)
	for _, b := range belongs {
		known := all.index(b[2], b[3])
		for _, row := range all[b[0]] {
			if id := row[b[1]]; id != "" && id != "0" && !known[id] {
				t.Errorf("%s.%s names %s, which is not in %s: %v", b[0], b[1], id, b[2], row)
			}
		}
	}
	all.checkJobs(t)
	all.checkWhole(t)
}

// checkJobs looks for jobs about nothing, and lanes that are due for nothing.
func (all tables) checkJobs(t *testing.T) {
	t.Helper()
	posts, activities, lanes := all.index("posts", "id"), all.index("activities", "id"), all.index("jobs", "lane")
	for _, job := range all["jobs"] {
		about := posts
		if job["kind"] == "activity" || job["kind"] == "end_membership" {
			about = activities
		}
		if job["kind"] != "mail" && !about[job["object_id"]] {
			t.Errorf("a job about nothing: %v", job)
		}
	}
	for _, lane := range all["lanes"] {
		if lane["due_at"] != "" && !lanes[lane["lane"]] {
			t.Errorf("a lane is due for nothing: %v", lane)
		}
	}
}

// checkWhole looks at every public post of members: it is in its author's
// timeline, counted, tagged, and delivered or about to be where it has readers
// elsewhere.
func (all tables) checkWhole(t *testing.T) {
	t.Helper()
	home, tagged, going, counts := map[[2]string]bool{}, all.index("post_tags", "post_id"), all.index("sent", "post_id"), map[string]int{}
	for _, row := range all["timeline"] {
		home[[2]string{row["account_id"], row["post_id"]}] = true
	}
	for _, job := range all["jobs"] {
		going[job["object_id"]] = true
	}
	for _, p := range all["posts"] {
		counts[p["author_id"]]++
		if p["host"] != "" {
			continue
		}
		if !home[[2]string{p["author_id"], p["id"]}] || !going[p["id"]] || !tagged[p["id"]] {
			t.Errorf("a post was written in part: %v", p)
		}
	}
	for _, a := range all["accounts"] {
		if n := fmt.Sprint(counts[a["id"]]); a["posts_count"] != n {
			t.Errorf("%s has %s posts and counts %s", a["uri"], n, a["posts_count"])
		}
	}
}

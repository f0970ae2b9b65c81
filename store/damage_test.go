package store_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cohort/store"
	"cohort/store/storetest"
)

// What of a damaged file is noticed when: all of a small one before anything
// else, of a large one the beginnings of the tables; the rest when it is read,
// and by the check of everything.
func TestDamage(t *testing.T) {
	const page = 4096
	ctx := context.Background()
	large := largeFile(t)
	open := func(name string, content []byte) (*store.DB, error) {
		t.Helper()
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return store.Open(ctx, store.Config{URL: "sqlite:" + path, Synchronous: "off"})
	}
	noise := func(content []byte, from, to int) []byte {
		content = append([]byte(nil), content...)
		for i := from; i < to; i++ {
			content[i] = 0xA5
		}
		return content
	}
	small, err := os.ReadFile(strings.TrimPrefix(storetest.Config(t).URL, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	for at := 2 * page; at+page <= len(small); at += 8 * page {
		if _, err := open("small", noise(small, at, at+page)); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("page %d of a small file: %v", at/page, err)
		}
	}
	if _, err := open("first", noise(large, 2*page, 6*page)); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("the first pages of a large file: %v", err)
	}

	db, err := open("large", noise(large, len(large)/2, len(large)-page))
	if err != nil {
		t.Fatalf("far behind in a large file: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() }) // what it says does not matter
	if err := db.CheckAll(ctx); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("the check of everything: %v", err)
	}
	if err := db.Ready(ctx); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("after it: %v", err)
	}
}

// Whoever meets a damaged page is told so, and it is remembered.
func TestMeetingDamage(t *testing.T) {
	ctx := context.Background()
	content := largeFile(t)
	for i := len(content) / 2; i < len(content); i++ {
		content[i] = 0xA5
	}
	path := filepath.Join(t.TempDir(), "d.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(ctx, store.Config{URL: "sqlite:" + path, Synchronous: "off"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // what it says does not matter
	var n int
	if err := db.Scan(ctx, []any{&n}, `SELECT SUM(LENGTH(value || name)) FROM settings`); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("reading it gives %d, %v", n, err)
	}
	if err := db.Ready(ctx); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("after a read met it: %v", err)
	}
}

// largeFile is a database with more in it than is looked at as a whole at once.
func largeFile(t *testing.T) []byte {
	t.Helper()
	ctx := t.Context()
	c := storetest.Config(t)
	db, err := store.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("a word or two ", 200)
	err = db.Tx(ctx, func(tx *store.Tx) error {
		for range 4000 {
			if err := tx.SetSetting(ctx, rand.Text(), text); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(strings.TrimPrefix(c.URL, "sqlite:"))
	if err != nil || len(content) < 9<<20 {
		t.Fatalf("it has %d bytes, %v", len(content), err)
	}
	return content
}

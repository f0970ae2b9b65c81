package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"
)

func openFiles(t testing.TB) (*Files, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "deep", "media")
	files, err := OpenFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := files.Close(); err != nil {
			t.Error(err)
		}
	})
	return files, dir
}

func newName(t testing.TB, ext string) string {
	t.Helper()
	name, err := NewFileName(ext)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestFileNamesRefused(t *testing.T) {
	for _, ext := range []string{"", "svg", "html", "JPG", ".jpg", "jpg/../x", "xml", "js", "pdf", "jpg\x00"} {
		if name, err := NewFileName(ext); err == nil {
			t.Errorf("extension %q gives %q", ext, name)
		}
	}
	files, dir := openFiles(t)
	outside := filepath.Join(filepath.Dir(dir), "outside.jpg")
	if err := os.WriteFile(outside, []byte("outside"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := newName(t, "jpg")
	base := strings.TrimSuffix(good, ".jpg")
	for _, name := range []string{
		"", ".", "..", "/", "../outside.jpg", "..\\outside.jpg", "%2e%2e/outside.jpg", outside, "../../etc/passwd", good + "/..", "./" + good,
		good[:2] + "/" + good, base, base + ".svg", base + ".jpg.html", base + ".JPG", strings.ToUpper(base) + ".jpg", base + "a.jpg",
		base[1:] + ".jpg", base + ".jpg\x00.html", base + ".jpg ", base + ".", base + "..jpg", strings.Repeat(".", 32) + ".jpg",
		strings.Repeat("/", 32) + ".jpg", "../" + base[3:] + ".jpg", strings.Repeat("é", 16) + ".jpg", strings.Repeat("a", 5000) + ".jpg",
	} {
		if err := files.Put(t.Context(), name, strings.NewReader("x")); !errors.Is(err, ErrNotFound) {
			t.Errorf("Put %.60q: %v", name, err)
		}
		if _, _, _, err := files.Open(name); !errors.Is(err, ErrNotFound) {
			t.Errorf("Open %.60q: %v", name, err)
		}
		if err := files.Remove(name); !errors.Is(err, ErrNotFound) {
			t.Errorf("Remove %.60q: %v", name, err)
		}
		if mime, ok := FileType(name); ok {
			t.Errorf("FileType %.60q: %s", name, mime)
		}
	}
	if b, err := os.ReadFile(outside); err != nil || string(b) != "outside" {
		t.Errorf("the file outside: %q, %v", b, err)
	}
}

// A link inside the folder leads nowhere outside.
func TestFilesStayInside(t *testing.T) {
	files, dir := openFiles(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	name := newName(t, "png")
	if err := os.Mkdir(filepath.Join(dir, name[:2]), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(dir, name[:2], name)); err != nil {
		t.Fatal(err)
	}
	if f, _, _, err := files.Open(name); err == nil {
		t.Errorf("followed a link out: %v", f.Close())
	}
	err := files.Walk(t.Context(), func(f StoredFile) error { return fmt.Errorf("walked to %s", f.Name) })
	if err != nil {
		t.Error(err)
	}
}

func TestFiles(t *testing.T) {
	files, dir := openFiles(t)
	content := bytes.Repeat([]byte("picture "), 100_000)
	name := newName(t, "jpg")
	if _, _, _, err := files.Open(name); !errors.Is(err, ErrNotFound) {
		t.Errorf("before Put: %v", err)
	}
	if err := files.Put(t.Context(), name, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	if mime, ok := FileType(name); mime != "image/jpeg" || !ok {
		t.Errorf("type %q", mime)
	}
	f, size, stored, err := files.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	if size != int64(len(content)) || time.Since(stored) > time.Minute {
		t.Errorf("size %d, stored %v", size, stored)
	}
	if _, err := f.Seek(8, io.SeekStart); err != nil {
		t.Error(err)
	}
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, content[8:]) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(filepath.Join(dir, name[:2], name))
	if err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("on disk: %v, %v", info, err)
	}
	if err := files.Remove(name); err != nil {
		t.Error(err)
	}
	if err := files.Remove(name); err != nil {
		t.Errorf("second removal: %v", err)
	}
	if _, _, _, err := files.Open(name); !errors.Is(err, ErrNotFound) {
		t.Errorf("after removal: %v", err)
	}
}

// A failed Put leaves nothing under the name and nothing beside it.
func TestFilesPutFails(t *testing.T) {
	files, dir := openFiles(t)
	broken := errors.New("broken")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		ctx  context.Context
		r    io.Reader
		want error
	}{
		"reader": {t.Context(), io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), broken},
		"full":   {t.Context(), io.MultiReader(strings.NewReader("half"), iotest.ErrReader(syscall.ENOSPC)), ErrFull},
		"gone":   {cancelled, strings.NewReader("x"), context.Canceled},
	}
	for what, tt := range tests {
		name := newName(t, "png")
		if err := files.Put(tt.ctx, name, tt.r); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", what, err)
		}
		if _, _, _, err := files.Open(name); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: then Open: %v", what, err)
		}
	}
	parts, err := os.ReadDir(filepath.Join(dir, partsFolder))
	if err != nil || len(parts) != 0 {
		t.Errorf("left behind: %v, %v", parts, err)
	}
	name := newName(t, "png")
	if err := files.Put(t.Context(), name, strings.NewReader("old")); err != nil {
		t.Fatal(err)
	}
	if err := files.Put(t.Context(), name, iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Error(err)
	}
	f, size, _, err := files.Open(name)
	if err != nil || size != 3 {
		t.Fatalf("the old content: %d bytes, %v", size, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestFilesWalk(t *testing.T) {
	files, dir := openFiles(t)
	want := map[string]int64{}
	for i := range 600 {
		name := newName(t, []string{"jpg", "png", "gif", "webp"}[i%4])
		want[name] = int64(i % 7)
		if err := files.Put(t.Context(), name, strings.NewReader(strings.Repeat("x", i%7))); err != nil {
			t.Fatal(err)
		}
	}
	for _, foreign := range []string{"README", "aa.txt", "zz/readme.jpg", "zz/" + newName(t, "jpg")[2:], partsFolder + "/x"} {
		full := filepath.Join(dir, foreign)
		if err := os.MkdirAll(filepath.Dir(full), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]int64{}
	err := files.Walk(t.Context(), func(f StoredFile) error {
		got[f.Name] = f.Size
		return nil
	})
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%d files, %v", len(got), err)
	}
	stop := errors.New("stop")
	if err := files.Walk(t.Context(), func(StoredFile) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("stopped walk: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := files.Walk(ctx, func(StoredFile) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled walk: %v", err)
	}
}

// Unfinished files of a crash go at the next start, those in work stay.
func TestOpenFilesClearsParts(t *testing.T) {
	_, dir := openFiles(t)
	old, fresh := filepath.Join(dir, partsFolder, "old"), filepath.Join(dir, partsFolder, "fresh")
	for _, part := range []string{old, fresh} {
		if err := os.WriteFile(part, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-2 * partsKept)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	again, err := OpenFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old part: %v", err)
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Errorf("the fresh part: %v", err)
	}
	if _, err := OpenFiles(fresh); err == nil {
		t.Error("a file was opened as the folder")
	}
}

func TestFilesConcurrently(t *testing.T) {
	files, _ := openFiles(t)
	shared := newName(t, "gif")
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			own, err := NewFileName("png")
			if err != nil {
				t.Error(err)
				return
			}
			for _, name := range []string{own, shared} {
				if err := files.Put(t.Context(), name, strings.NewReader(strings.Repeat(string(rune('a'+i)), 5000))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	f, _, _, err := files.Open(shared)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(f)
	if err != nil || len(b) != 5000 || strings.Trim(string(b), string(b[0])) != "" {
		t.Errorf("mixed content: %.20q… (%d), %v", b, len(b), err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

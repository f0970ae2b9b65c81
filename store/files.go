package store

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"
)

// Files keeps the bytes of pictures in one folder on disk, under random names
// that nobody can guess and that no one outside chooses. Nothing is ever
// opened outside of that folder. It is safe for concurrent use, also by more
// than one process.
type Files struct {
	root *os.Root
}

// StoredFile is what Walk tells of a file.
type StoredFile struct {
	Name     string
	Size     int64 // bytes
	Modified time.Time
}

const (
	fileNameLength = 32 // letters of base32: 160 random bits
	partsFolder    = "parts"
	partsKept      = time.Hour // what a crash left is older than that
	walkBatch      = 256
)

// fileTypes lists every kind of file that is kept and the type it is served
// with. What browsers run (SVG, HTML, XML) is not among them.
var fileTypes = map[string]string{
	"gif":  "image/gif",
	"jpg":  "image/jpeg",
	"png":  "image/png",
	"webp": "image/webp",
}

var fileNameAlphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewFileName makes a fresh name with an extension of the fixed table (gif,
// jpg, png, webp).
func NewFileName(ext string) (string, error) {
	if _, ok := fileTypes[ext]; !ok {
		return "", fmt.Errorf("file name: no such kind of file: %q", ext)
	}
	var random [fileNameLength * 5 / 8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", fmt.Errorf("file name: %w", err)
	}
	return fileNameAlphabet.EncodeToString(random[:]) + "." + ext, nil
}

// FileType gives the media type under which a file is served, from its name
// alone; ok is false for what is no name of ours.
func FileType(name string) (mime string, ok bool) {
	base, ext, _ := strings.Cut(name, ".")
	if len(base) != fileNameLength || strings.Trim(base, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		return "", false
	}
	mime, ok = fileTypes[ext]
	return mime, ok
}

// OpenFiles opens the folder, which it makes if need be, and clears away what
// interrupted writes left in it.
func OpenFiles(dir string) (*Files, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("open media folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open media folder: %w", err)
	}
	f := &Files{root: root}
	if err := f.prepare(); err != nil {
		return nil, errors.Join(fmt.Errorf("open media folder: %w", err), root.Close())
	}
	return f, nil
}

// prepare makes the folder for unfinished files and empties it of old ones.
func (f *Files) prepare() error {
	if err := f.root.MkdirAll(partsFolder, 0o750); err != nil {
		return err
	}
	return f.each(context.Background(), partsFolder, func(info fs.FileInfo) error {
		if time.Since(info.ModTime()) < partsKept {
			return nil
		}
		return ignoreMissing(f.root.Remove(path.Join(partsFolder, info.Name())))
	})
}

// Close lets go of the folder.
func (f *Files) Close() error { return f.root.Close() }

// Put stores what r gives under a name of NewFileName. When it returns nil the
// file is on disk and will be there after a loss of power; when it returns an
// error nothing is there under that name that was not there before. A full
// disk is ErrFull. The caller bounds r.
func (f *Files) Put(ctx context.Context, name string, r io.Reader) error {
	folder, full, err := place(name)
	if err != nil {
		return err
	}
	part := path.Join(partsFolder, rand.Text())
	if err := f.writePart(ctx, part, r); err != nil {
		return fileError("store file", errors.Join(err, ignoreMissing(f.root.Remove(part))))
	}
	if err := f.publish(part, folder, full); err != nil {
		return fileError("store file", errors.Join(err, ignoreMissing(f.root.Remove(part))))
	}
	return nil
}

func (f *Files) writePart(ctx context.Context, part string, r io.Reader) (err error) {
	file, err := f.root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := io.Copy(file, contextReader{ctx, r}); err != nil {
		return err
	}
	return file.Sync()
}

// publish gives a finished part its name and makes the name durable.
func (f *Files) publish(part, folder, full string) error {
	switch err := f.root.Mkdir(folder, 0o750); {
	case err == nil:
		if err := f.syncFolder("."); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	if err := f.root.Rename(part, full); err != nil {
		return err
	}
	return f.syncFolder(folder)
}

func (f *Files) syncFolder(name string) error {
	dir, err := f.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Open gives the bytes of a file for reading and seeking, its size and the
// time it was stored; the caller closes it. A file that is not there, and a
// name that is none of ours, are ErrNotFound.
func (f *Files) Open(name string) (content io.ReadSeekCloser, size int64, stored time.Time, err error) {
	_, full, err := place(name)
	if err != nil {
		return nil, 0, time.Time{}, err
	}
	file, err := f.root.Open(full)
	if err != nil {
		return nil, 0, time.Time{}, fileError("open file", err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotFound
	}
	if err != nil {
		return nil, 0, time.Time{}, fileError("open file", errors.Join(err, file.Close()))
	}
	return file, info.Size(), info.ModTime(), nil
}

// Remove deletes a file; one that is not there is no error.
func (f *Files) Remove(name string) error {
	_, full, err := place(name)
	if err != nil {
		return err
	}
	if err := ignoreMissing(f.root.Remove(full)); err != nil {
		return fileError("remove file", err)
	}
	return nil
}

// Walk calls visit for every file, in no particular order, and stops at its
// first error. Files that come or go meanwhile may or may not be seen; what
// else lies in the folder is passed over.
func (f *Files) Walk(ctx context.Context, visit func(StoredFile) error) error {
	return f.each(ctx, ".", func(dir fs.FileInfo) error {
		if !dir.IsDir() || len(dir.Name()) != 2 {
			return nil
		}
		return f.each(ctx, dir.Name(), func(info fs.FileInfo) error {
			folder, _, err := place(info.Name())
			if err != nil || folder != dir.Name() || !info.Mode().IsRegular() {
				return nil
			}
			return visit(StoredFile{Name: info.Name(), Size: info.Size(), Modified: info.ModTime()})
		})
	})
}

// each reads a folder in pieces, so that a million files need no memory.
func (f *Files) each(ctx context.Context, folder string, visit func(fs.FileInfo) error) (err error) {
	dir, err := f.root.Open(folder)
	if err != nil {
		return fileError("read media folder", err)
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	for {
		entries, err := dir.ReadDir(walkBatch)
		for _, entry := range entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			info, err := entry.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return fileError("read media folder", err)
			}
			if err := visit(info); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fileError("read media folder", err)
		}
	}
}

// place tells in which folder a file lies. Only names that NewFileName could
// have made have a place.
func place(name string) (folder, full string, err error) {
	if _, ok := FileType(name); !ok {
		return "", "", fmt.Errorf("file name: %w", ErrNotFound)
	}
	return name[:2], path.Join(name[:2], name), nil
}

func fileError(doing string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w", doing, ErrNotFound)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%s: %w (%w)", doing, ErrFull, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// contextReader stops reading when the context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

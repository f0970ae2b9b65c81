package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"cohort/store"
)

type backupCommand struct {
	Target string `arg:"" name:"file" help:"The file to write; it must not exist." type:"path"`
}

// backupResult says what a backup holds, and what it leaves to the operator.
type backupResult struct {
	File    string `json:"file"`
	Rows    int64  `json:"rows"`
	Files   int64  `json:"files"`
	Bytes   int64  `json:"bytes"`
	Secrets string `json:"secrets"`
}

// Run writes the rows of the database, as they are at one moment, and the
// media into one file. The instance may be serving meanwhile. The file appears
// under its name when it is complete and on the disk.
func (c backupCommand) Run(p *program) error {
	return p.withInstance(func(ctx context.Context, i *instance) error {
		stats, err := writeNew(c.Target, func(w *bufio.Writer) (store.BackupStats, error) {
			return store.Backup(ctx, i.db, i.files, w)
		})
		if err != nil {
			return err
		}
		r := backupResult{c.Target, stats.Rows, stats.Files, stats.Bytes, i.config.Secrets.File}
		return p.print(r, fmt.Sprintf("%s holds %d rows and %d files of media.\n"+
			"The secrets file %s is not in it: keep a copy of that elsewhere, or the keys in the backup cannot be opened.",
			r.File, r.Rows, r.Files, r.Secrets))
	})
}

var errFileExists = errors.New("it exists already; name a new file")

// writeNew has write fill a file that does not exist yet, readable by its owner
// alone, complete or not at all.
func writeNew(path string, write func(*bufio.Writer) (store.BackupStats, error)) (stats store.BackupStats, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot write the backup %s: %w", path, plainPathError(err))
		}
	}()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return stats, errors.Join(err, errFileExists)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".cohort-backup-*") // mode 0600
	if err != nil {
		return stats, err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	buffered := bufio.NewWriterSize(file, 1<<20)
	stats, err = write(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return stats, err
	}
	// Unlike a rename, this does not replace what somebody put there meanwhile.
	if err := os.Link(file.Name(), path); err != nil {
		return stats, err
	}
	return stats, syncDir(filepath.Dir(path))
}

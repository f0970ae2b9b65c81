package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// errServedAlready refuses a second server on one SQLite database: the jobs
// and live events of the first would not be its own.
var errServedAlready = errors.New("is being served already; beside it, only other commands can use it")

// lockServing keeps other processes from serving the SQLite database at path
// until the lock is closed or this process ends, however it ends. The lock is
// on a file beside the database that stays there; commands do not ask for it.
func lockServing(path string) (*os.File, error) {
	file, err := os.OpenFile(lockFile(path), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("database.url: cannot open %s.serving: %w", path, plainPathError(err))
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errServedAlready
		}
		holder := readHolder(file)
		return nil, errors.Join(fmt.Errorf("database.url: %s %w%s", path, err, holder), file.Close())
	}
	// For the sentence above, in another process; without it the lock is as good.
	if file.Truncate(0) == nil {
		_, _ = file.WriteString(strconv.Itoa(os.Getpid()) + "\n")
	}
	return file, nil
}

// lockFile is the file beside the database at path on which the lock is.
func lockFile(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return path + ".serving"
}

// servedBefore says that the database at path was served once, and may be now.
func servedBefore(path string) bool {
	_, err := os.Stat(lockFile(path))
	return err == nil
}

// readHolder names the process that has the lock, if it left its number.
func readHolder(file io.Reader) string {
	text, err := io.ReadAll(io.LimitReader(file, 20))
	number, notNumber := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || notNumber != nil {
		return ""
	}
	return fmt.Sprintf(" (by process %d)", number)
}

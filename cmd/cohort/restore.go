package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"cohort/store"
)

type restoreCommand struct {
	Source string `arg:"" name:"file" help:"The file that cohort backup wrote." type:"path"`
}

// restoreResult says what was restored and what is still to do.
type restoreResult struct {
	Rows    int64  `json:"rows"`
	Files   int64  `json:"files"`
	Missing string `json:"missing,omitempty"`
}

// Run fills a new database, of either kind, and an empty media folder from a
// backup. What is there already is never overwritten.
func (c restoreCommand) Run(p *program) error {
	config, log, err := p.setUp(warningsOnly)
	if err != nil {
		return err
	}
	stats, err := store.Restore(p.ctx, c.Source, storeConfig(config, log), config.MediaDir(), func(settings map[string]string) error {
		return restorable(config, settings)
	})
	if err != nil {
		return err
	}
	r := restoreResult{Rows: stats.Rows, Files: stats.Files}
	text := fmt.Sprintf("restored %d rows and %d files of media", r.Rows, r.Files)
	if r.Missing, err = checkRestored(p.ctx, config, log); err != nil {
		return fmt.Errorf("the backup was restored, but cannot be used yet: %w", err)
	}
	if r.Missing != "" {
		text += "\n" + r.Missing
	}
	return p.print(r, text)
}

// restorable refuses a backup of which this configuration could make no use:
// one of another address, or sealed with another secret than the one that is
// there. The secret may also come later.
func restorable(config Config, settings map[string]string) error {
	if known := settings[urlSetting]; known != "" && known != config.Instance.URL {
		return fmt.Errorf("instance.url: %w: %s", errOtherURL, known)
	}
	path := config.Secrets.File
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	secret, err := existingSecret(path)
	if err != nil {
		return err
	}
	if known := settings[secretSetting]; known != "" && known != secretProof(secret) {
		return fmt.Errorf("cannot use the secrets file %s: %w", path, errOtherSecret)
	}
	return nil
}

// checkRestored opens a restored instance. Without the secret it says what to
// do before the instance can serve.
func checkRestored(ctx context.Context, config Config, log *slog.Logger) (missing string, err error) {
	path := config.Secrets.File
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return "Before serving, put the copy of the backed-up instance's secrets file at " + path + ", mode 0600: backups leave it out, " +
			"and without it the keys in this one cannot be opened.", nil
	}
	i, err := openInstance(ctx, config, log)
	if err != nil {
		return "", err
	}
	return "", i.close()
}

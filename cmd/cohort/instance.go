package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"cohort/federation"
	"cohort/social"
	"cohort/store"
	"cohort/web/i18n"
)

// instance is an opened instance without its listeners: what serve and every
// other command work on. Several processes may have the same one open.
type instance struct {
	config     Config
	log        *slog.Logger
	db         *store.DB
	files      *store.Files
	social     *social.Service
	client     *federation.Client
	federation *federation.Server
}

// storeConfig is what the store needs of the configuration.
func storeConfig(config Config, log *slog.Logger) store.Config {
	return store.Config{URL: config.Database.URL, Synchronous: config.Database.Synchronous, Log: log}
}

// migrateDatabase brings the schema up to this program, making the folder of
// an SQLite database if need be.
func migrateDatabase(ctx context.Context, config Config, log *slog.Logger) error {
	if path, ok := config.SQLitePath(); ok {
		if err := makeDataFolder(path); err != nil {
			return err
		}
	}
	if err := store.Migrate(ctx, storeConfig(config, log)); err != nil {
		return fmt.Errorf("database.url: %w", err)
	}
	return nil
}

// makeDataFolder makes the folder of an SQLite database.
func makeDataFolder(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("database.url: cannot make the folder of the database: %w", err)
	}
	return nil
}

// openInstance opens database, files and secret and puts the rules and the
// federating side over them. It neither migrates nor listens.
func openInstance(ctx context.Context, config Config, log *slog.Logger) (*instance, error) {
	return openOver(ctx, config, storeConfig(config, log), log)
}

// openOver is openInstance on a database that is opened as rows says.
func openOver(ctx context.Context, config Config, rows store.Config, log *slog.Logger) (_ *instance, err error) {
	i := &instance{config: config, log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, i.close())
		}
	}()
	if i.db, err = store.Open(ctx, rows); err != nil {
		return nil, fmt.Errorf("database.url: %w", err)
	}
	secret, err := i.identify(ctx)
	if err != nil {
		return nil, err
	}
	if i.files, err = store.OpenFiles(config.MediaDir()); err != nil {
		return nil, fmt.Errorf("media.url: %w", err)
	}
	if i.social, err = social.New(socialConfig(config, secret), i.db, i.files, log); err != nil {
		return nil, err
	}
	i.client = federation.NewClient(federation.ClientConfig{
		AllowedNetworks: config.AllowedNetworks(),
		AllowHTTP:       config.Local(),
		UserAgent:       fmt.Sprintf("Cohort/%s (+%s)", version, config.Instance.URL),
	})
	i.federation, err = federation.New(federation.Config{
		Mode: config.Federation.Mode, AuthorizedFetch: config.Federation.AuthorizedFetch, Version: version,
	}, i.social, i.client, log)
	return i, err
}

func socialConfig(config Config, secret []byte) social.Config {
	return social.Config{
		BaseURL:      config.Instance.URL,
		Host:         config.BaseURL().Host,
		Domain:       config.AccountDomain(),
		Name:         config.Instance.Name,
		Kind:         config.Instance.Kind,
		Languages:    config.Instance.Languages,
		Registration: config.Registration.Mode,
		Secret:       secret,
		Limits:       config.Limits.Enabled,
	}
}

// close ends what openInstance opened.
func (i *instance) close() error {
	var problems []error
	if i.client != nil {
		i.client.CloseIdleConnections()
	}
	if i.files != nil {
		problems = append(problems, i.files.Close())
	}
	if i.db != nil {
		problems = append(problems, i.db.Close())
	}
	return errors.Join(problems...)
}

// withInstance runs one command on the configured instance. Such a command
// logs warnings only, to errOut. Where nothing can be written, those that only
// read do what they are for.
func (p *program) withInstance(run func(ctx context.Context, i *instance) error) error {
	config, log, err := p.setUp(warningsOnly)
	if err != nil {
		return err
	}
	rows := storeConfig(config, log)
	rows.ReadAnyway = true
	i, err := openOver(p.ctx, config, rows, log)
	if err != nil {
		return err
	}
	err = explain(run(p.ctx, i))
	i.db.Settle(p.ctx) // what was decided holds for a running server when the command is done
	return errors.Join(err, i.close())
}

// explain turns an error of the rules into a sentence for the operator. A name
// or mailbox that is taken was a good value; it is the database that says no.
func explain(err error) error {
	var invalid *social.Invalid
	if !errors.As(err, &invalid) {
		return err
	}
	sentence := fmt.Errorf("%s: %s", invalid.Field, i18n.T("en", invalid.Key, invalid.Args))
	if strings.HasSuffix(invalid.Key, "_taken") {
		return sentence
	}
	return &valueError{sentence}
}

// absent is a sentence about something that was not found.
type absent struct {
	sentence string
	err      error
}

func (a *absent) Error() string { return a.sentence }
func (a *absent) Unwrap() error { return a.err }

// missing says in a sentence what was not found; other errors stay as they are.
func missing(err error, format string, args ...any) error {
	if errors.Is(err, store.ErrNotFound) {
		return &absent{fmt.Sprintf(format, args...), err}
	}
	return err
}

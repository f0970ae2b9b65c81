package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

type configCommands struct {
	Check configCheckCommand `cmd:"" help:"Say everything that is wrong with the configuration."`
}

type configCheckCommand struct{}

// Run validates the configuration, and then looks on this machine for what
// serve would stop on. It opens no database and contacts nobody; in folders
// that serve writes into it makes a file and removes it.
func (configCheckCommand) Run(p *program) error {
	config, err := p.load()
	if err == nil {
		err = checkMachine(config)
	}
	result := struct {
		Valid    bool     `json:"valid"`
		Problems []string `json:"problems"`
	}{err == nil, []string{}}
	var invalid *ConfigError
	var unready *machineError
	switch {
	case errors.As(err, &invalid):
		result.Problems = invalid.Problems
	case errors.As(err, &unready):
		result.Problems = unready.problems
	case err != nil:
		result.Problems = []string{err.Error()}
	}
	if err == nil || p.json {
		if printErr := p.print(result, "the configuration is valid"); printErr != nil {
			return printErr
		}
	}
	return err
}

// machineError holds everything on this machine that serve would stop on, one
// sentence each.
type machineError struct{ problems []string }

func (e *machineError) Error() string {
	return "the configuration is valid, but serve would stop:\n  " + strings.Join(e.problems, "\n  ")
}

// checkMachine reads the files that a valid configuration names and tries the
// folders that serve writes into.
func checkMachine(config Config) error {
	var p problems
	checkCertificate(&p, config.Server)
	if path, ok := config.SQLitePath(); ok {
		p.check("database.url", checkDatabaseFile(path))
	}
	p.check("media.url", checkFolder(config.MediaDir()))
	p.check("secrets.file", checkSecrets(config.Secrets.File))
	if _, _, err := newMailer(config, slog.New(slog.DiscardHandler)); err != nil {
		p = append(p, err.Error())
	}
	if len(p) > 0 {
		return &machineError{p}
	}
	return nil
}

// checkCertificate reads the files that server.tls_cert and tls_key name.
func checkCertificate(p *problems, s ServerConfig) {
	if s.TLSCert == "" {
		return
	}
	_, certErr := readCertificateFile("server.tls_cert", s.TLSCert)
	_, keyErr := readCertificateFile("server.tls_key", s.TLSKey)
	if certErr == nil && keyErr == nil {
		_, certErr = loadCertificate(s.TLSCert, s.TLSKey)
	}
	for _, err := range []error{certErr, keyErr} {
		if err != nil {
			*p = append(*p, err.Error())
		}
	}
}

// checkDatabaseFile looks whether the file of an SQLite database, and what is
// kept beside it, can be written.
func checkDatabaseFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("cannot open %s: %w", path, plainPathError(err))
	default:
		if err := file.Close(); err != nil {
			return err
		}
	}
	return checkFolder(filepath.Dir(path))
}

// checkSecrets looks whether the secrets file can be used, or made if there is
// none.
func checkSecrets(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return checkFolder(filepath.Dir(path))
	}
	_, err := existingSecret(path)
	return err
}

// checkFolder looks whether files can be made in a folder, or where it will be
// made.
func checkFolder(path string) error {
	for {
		info, err := os.Stat(path)
		if parent := filepath.Dir(path); errors.Is(err, fs.ErrNotExist) && parent != path {
			path = parent
			continue
		}
		switch {
		case err != nil:
			return fmt.Errorf("cannot use %s: %w", path, plainPathError(err))
		case !info.IsDir():
			return fmt.Errorf("%s is not a folder", path)
		}
		break
	}
	file, err := os.CreateTemp(path, ".cohort-check-*")
	if err == nil {
		_, err = io.WriteString(file, "a trial\n")
		err = errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	if err != nil {
		return fmt.Errorf("cannot write into %s: %w", path, plainPathError(err))
	}
	return nil
}

package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// secretBytes is the length of the instance secret.
const secretBytes = 32

// maxSecretFile bounds what is read of a secrets file.
const maxSecretFile = 4096

var (
	errSecretsOpen    = errors.New("other users of this machine may read it; run chmod 600 on it")
	errSecretsContent = errors.New("it does not hold a secret; restore it from your copy, because a new one cannot open the keys in the database")
)

// loadSecret reads the instance secret from path and makes it there, mode
// 0600, if the file does not exist. Everything sealed in the database depends
// on it, so a file that is there and not right is refused and never replaced.
func loadSecret(path string) ([]byte, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if err := createSecret(path); err != nil {
			return nil, fmt.Errorf("cannot make the secrets file %s: %w", path, plainPathError(err))
		}
	}
	return existingSecret(path)
}

// existingSecret reads the instance secret from path, which must be there.
func existingSecret(path string) ([]byte, error) {
	secret, err := readSecret(path)
	if err != nil {
		return nil, fmt.Errorf("cannot use the secrets file %s: %w", path, plainPathError(err))
	}
	return secret, nil
}

func readSecret(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a file")
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, errSecretsOpen
	}
	text, err := io.ReadAll(io.LimitReader(file, maxSecretFile))
	if err != nil {
		return nil, err
	}
	secret, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(secret) != secretBytes {
		return nil, errSecretsContent
	}
	return secret, nil
}

// createSecret writes a new secret. It is complete and on disk before it gets
// its name; if another process was faster, that one's secret stays.
func createSecret(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	secret := make([]byte, secretBytes)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".secrets-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.WriteString(base64.StdEncoding.EncodeToString(secret) + "\n")
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes the names in a folder survive a power cut.
func syncDir(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	err = folder.Sync()
	if closeErr := folder.Close(); err == nil {
		err = closeErr
	}
	return err
}

// plainPathError drops the operation and path from err, for sentences that
// name the path themselves.
func plainPathError(err error) error {
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	var linkError *os.LinkError
	if errors.As(err, &linkError) {
		return linkError.Err
	}
	return err
}

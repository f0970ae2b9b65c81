package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestSecretRefusals(t *testing.T) {
	good := strings.Repeat("A", 43) + "=\n"
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want error
	}{
		"readable by the group": {good, 0o640, errSecretsOpen},
		"readable by everyone":  {good, 0o604, errSecretsOpen},
		"writable by the group": {good, 0o620, errSecretsOpen},
		"empty":                 {"", 0o600, errSecretsContent},
		"too short":             {"AAAA\n", 0o600, errSecretsContent},
		"too long":              {strings.Repeat("A", 44) + "\n", 0o600, errSecretsContent},
		"not base64":            {strings.Repeat("!", 43) + "=\n", 0o600, errSecretsContent},
		"second line":           {good + good, 0o600, errSecretsContent},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "secrets")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			_, err := loadSecret(path)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error is %v, want %v with the path", err, c.want)
			}
			if text, err := os.ReadFile(path); err != nil || string(text) != c.text {
				t.Errorf("the file was changed to %q (%v)", text, err)
			}
		})
	}
	if _, err := loadSecret(t.TempDir()); err == nil {
		t.Error("a folder was taken for a secret")
	}
}

func TestSecretIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "secrets")
	secrets := make([][]byte, 8)
	var wait sync.WaitGroup
	for i := range secrets {
		wait.Go(func() {
			secret, err := loadSecret(path)
			if err != nil {
				t.Error(err)
			}
			secrets[i] = secret
		})
	}
	wait.Wait()
	for _, secret := range secrets {
		if len(secret) != secretBytes || !bytes.Equal(secret, secrets[0]) {
			t.Fatalf("processes that start together have different secrets: %x and %x", secret, secrets[0])
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("something was left beside the file: %v, %v", entries, err)
	}
	other, err := loadSecret(filepath.Join(t.TempDir(), "secrets"))
	if err != nil || bytes.Equal(other, secrets[0]) {
		t.Errorf("two instances have the same secret (%v)", err)
	}
}

//go:build full

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// installedNode is the folder in which npm has put the packages of
// testdata/npm, and the Node among them. COHORT_TEST_NPM names a folder that
// has been prepared; without it they are installed once.
var installedNode = sync.OnceValues(func() (node string, err error) {
	dir := os.Getenv("COHORT_TEST_NPM")
	if dir == "" {
		dir = filepath.Join(fullDir, "npm")
		if err := installNode(dir); err != nil {
			return "", err
		}
	}
	found, err := filepath.Glob(filepath.Join(dir, "node_modules", "node-linux-*", "bin", "node"))
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", fmt.Errorf("there is no Node in %s: run npm ci --ignore-scripts there, with the package files of cmd/cohort/testdata/npm", dir)
	}
	return found[0], nil
})

func installNode(dir string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return errors.New("npm is missing: on Debian, apt-get install npm")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "npm"))); err != nil {
		return err
	}
	install := exec.Command(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	return nil
}

// nodeScript copies a script of ours beside the packages it imports, into a
// folder of its own, and returns Node and the script's path.
func nodeScript(t *testing.T, path string) (node, script string) {
	t.Helper()
	node, err := installedNode()
	if err != nil {
		t.Fatal(err)
	}
	modules := filepath.Dir(filepath.Dir(filepath.Dir(node)))
	dir := t.TempDir()
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("testdata", "clients", path))
	if err != nil {
		t.Fatal(err)
	}
	script = filepath.Join(dir, filepath.Base(path))
	if err := os.WriteFile(script, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return node, script
}

package federation_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	specComment = regexp.MustCompile(`// spec\??: ((?:RFC )?[A-Z0-9][A-Za-z0-9-]*)`)
	indexRow    = regexp.MustCompile(`(?m)^\| ([A-Z][A-Za-z0-9-]*) \|[^|]+\|[^|]+\| (yes|partial|no)\b`)
)

// Every specification that a comment names stands in FEDERATION.md, and everything that stands there as
// done is named by some code.
func TestSpecIndex(t *testing.T) {
	page, err := os.ReadFile("../FEDERATION.md")
	if err != nil {
		t.Fatal(err)
	}
	index := map[string]string{}
	for _, m := range indexRow.FindAllStringSubmatch(string(page), -1) {
		index[m[1]] = m[2]
	}
	if len(index) < 10 {
		t.Fatalf("only %d rows were read", len(index))
	}
	used := map[string]bool{}
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := os.ReadFile(path)
		for _, m := range specComment.FindAllStringSubmatch(string(code), -1) {
			key := strings.ReplaceAll(m[1], " ", "")
			used[key] = true
			if index[key] == "" {
				t.Errorf("%s names %s, which is not in FEDERATION.md", path, key)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for key, done := range index {
		if done == "yes" && !used[key] {
			t.Errorf("FEDERATION.md says that %s is done, but no code names it", key)
		}
	}
}

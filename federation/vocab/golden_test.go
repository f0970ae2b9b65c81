package vocab

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what was read and encoded into the files under testdata")

// inputs answers the JSON files of a folder by path.
func inputs(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string][]byte{}
	for _, path := range paths {
		doc, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		docs[path] = doc
	}
	return docs
}

func input(t testing.TB, path string) []byte {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join("testdata", path))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// golden compares got with the file, which -update rewrites.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs:\n got: %s\nwant: %s", path, got, want)
	}
}

// readable writes a struct as JSON for people, without its raw bytes.
func readable(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Every sample is read, and what was read is what the file beside it says.
func TestReadSamples(t *testing.T) {
	count := 0
	for _, folder := range []string{"activities", "notes", "actors"} {
		for path, doc := range inputs(t, filepath.Join("testdata", folder)) {
			count++
			t.Run(path, func(t *testing.T) {
				golden(t, strings.TrimSuffix(path, ".json")+".want", readable(t, read(t, folder, doc)))
			})
		}
	}
	if count < 20 {
		t.Fatalf("only %d samples found", count)
	}
}

func read(t *testing.T, folder string, doc []byte) any {
	t.Helper()
	switch folder {
	case "notes":
		n, err := DecodeNote(doc)
		if err != nil {
			t.Fatal(err)
		}
		n.Raw = nil
		return n
	case "actors":
		a, err := DecodeActor(doc)
		if err != nil {
			t.Fatal(err)
		}
		a.Raw = nil
		return a
	}
	a, err := Decode(doc)
	if err != nil {
		t.Fatal(err)
	}
	a.Raw = nil
	return a
}

// TestForeignSamples reads every file of the folder that COHORT_SAMPLES names
// as well. Whatever they are, each is either read or refused with one of our
// errors, and nothing panics.
func TestForeignSamples(t *testing.T) {
	docs := inputs(t, filepath.Join("testdata", "activities"))
	if folder := os.Getenv("COHORT_SAMPLES"); folder != "" {
		more := inputs(t, folder)
		if len(more) == 0 {
			t.Fatalf("no .json files in %s", folder)
		}
		for path, doc := range more {
			docs[path] = doc
		}
	}
	for path, doc := range docs {
		if err := Check(doc); err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		result := readAnyhow(t, doc)
		t.Logf("%s: %s", filepath.Base(path), result)
		if strings.Contains(result, "malformed") && !strings.Contains(result, "no type") {
			t.Errorf("%s: %s", path, result)
		}
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cohort runs one command line and returns what it printed and its exit code.
func cohort(t *testing.T, environ []string, args ...string) (out, errOut string, code int) {
	t.Helper()
	var outBuffer, errBuffer bytes.Buffer
	p := &program{ctx: t.Context(), in: strings.NewReader(""), out: &outBuffer, errOut: &errBuffer, environ: environ}
	code = p.run(args)
	return outBuffer.String(), errBuffer.String(), code
}

func TestUsageErrorsExitWith2(t *testing.T) {
	for _, args := range [][]string{
		{}, {"config"}, {"fly"}, {"version", "--loud"}, {"version", "extra"}, {"--config"},
	} {
		out, errOut, code := cohort(t, nil, args...)
		if code != exitUsage || out != "" || !strings.HasPrefix(errOut, "cohort: ") {
			t.Errorf("cohort %q: code %d, out %q, err %q", args, code, out, errOut)
		}
	}
}

func TestHelpExitsWith0(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"config", "--help"}, {"config", "check", "-h"}} {
		out, errOut, code := cohort(t, nil, args...)
		if code != exitOK || !strings.HasPrefix(out, "Usage: cohort") || errOut != "" {
			t.Errorf("cohort %q: code %d, out %q, err %q", args, code, out, errOut)
		}
	}
}

func TestVersion(t *testing.T) {
	out, _, code := cohort(t, nil, "version")
	if code != exitOK || !strings.HasPrefix(out, "cohort "+version+" (go") {
		t.Errorf("code %d, out %q", code, out)
	}
	out, _, code = cohort(t, nil, "version", "--json")
	var result struct{ Version, Go string }
	if err := json.Unmarshal([]byte(out), &result); err != nil || code != exitOK || result.Version != version {
		t.Errorf("code %d, out %q, %v", code, out, err)
	}
}

func TestConfigCheck(t *testing.T) {
	example := filepath.Join(t.TempDir(), "config.toml")
	text, err := os.ReadFile(exampleFile)
	if err == nil {
		err = os.WriteFile(example, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, errOut, code := cohort(t, nil, "config", "check", "--config", example)
	if code != exitOK || out != "the configuration is valid\n" || errOut != "" {
		t.Errorf("the example: code %d, out %q, err %q", code, out, errOut)
	}

	bad := writeConfig(t, "[log]\nlevel = \"loud\"\nlevle = \"x\"\n")
	out, errOut, code = cohort(t, nil, "config", "check", "--config", bad)
	if code != exitUsage || out != "" || strings.Count(errOut, "log.lev") != 2 {
		t.Errorf("two mistakes: code %d, out %q, err %q", code, out, errOut)
	}
	out, _, code = cohort(t, nil, "--json", "config", "check", "--config", bad)
	var result struct {
		Valid    bool
		Problems []string
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil {
		t.Fatalf("%v: %q", err, out)
	}
	if code != exitUsage || result.Valid || len(result.Problems) != 2 {
		t.Errorf("as JSON: code %d, %+v", code, result)
	}
}

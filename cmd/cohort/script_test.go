package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A script is a file of command lines and what they print. A line that begins
// with "$ " is run; "! 1 $ " says that it fails with exit code 1 and prints
// its sentence to standard error; "< " before it is its standard input. The
// lines below are what it prints; * stands for any text within a line.
// Arguments are separated by blanks, and quoted with ' where they hold some.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/cli/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			config := writeConfig(t, "")
			for _, s := range parseScript(t, string(text)) {
				s.run(t, config)
			}
		})
	}
}

// scriptStep is one command line and what it has to print.
type scriptStep struct {
	line, input string
	code        int
	want        []string
}

func parseScript(t *testing.T, text string) []scriptStep {
	t.Helper()
	var steps []scriptStep
	input := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		step := scriptStep{input: input}
		switch {
		case strings.HasPrefix(line, "# "), line == "":
			continue
		case strings.HasPrefix(line, "< "):
			input = line[2:] + "\n"
			continue
		case strings.HasPrefix(line, "$ "):
			step.line = line[2:]
		case strings.HasPrefix(line, "! 1 $ "):
			step.line, step.code = line[6:], exitFailed
		case strings.HasPrefix(line, "! 2 $ "):
			step.line, step.code = line[6:], exitUsage
		case len(steps) == 0:
			t.Fatalf("a script begins with %q", line)
		default:
			last := &steps[len(steps)-1]
			last.want = append(last.want, line)
			continue
		}
		steps, input = append(steps, step), ""
	}
	return steps
}

func (s scriptStep) run(t *testing.T, config string) {
	t.Helper()
	var out, errOut bytes.Buffer
	p := &program{ctx: t.Context(), in: strings.NewReader(s.input), out: &out, errOut: &errOut}
	code := p.run(append(splitArguments(s.line), "--config", config))
	printed, silent := &out, &errOut
	if s.code != exitOK {
		printed, silent = &errOut, &out
	}
	got := strings.Split(strings.TrimRight(printed.String(), "\n"), "\n")
	ok := code == s.code && silent.Len() == 0 && len(got) == max(1, len(s.want))
	for i := range s.want {
		ok = ok && matches(s.want[i], strings.TrimRight(got[i], " "))
	}
	if !ok {
		t.Errorf("cohort %s\nexit code %d, want %d\nprinted:\n%s\nwant:\n%s\nand on the other stream:\n%s",
			s.line, code, s.code, printed, strings.Join(s.want, "\n"), silent)
	}
}

func splitArguments(line string) []string {
	var arguments []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			arguments = append(arguments, part)
		} else {
			arguments = append(arguments, strings.Fields(part)...)
		}
	}
	return arguments
}

// matches compares a line with a pattern in which * stands for any text.
func matches(pattern, line string) bool {
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(line, parts[0])
	for _, part := range parts[1:] {
		if !ok {
			return false
		}
		_, rest, ok = strings.Cut(rest, part)
		if part == "" {
			rest = ""
		}
	}
	return ok && rest == ""
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, line string
		want          bool
	}{
		{"a", "a", true},
		{"a", "ab", false},
		{"a*", "abc", true},
		{"a*c", "abc", true},
		{"a*c", "abcd", false},
		{"*", "", true},
		{"*b", "aab", true},
		{"a*b*", "a1b2", true},
		{"a*b", "a", false},
	} {
		if got := matches(c.pattern, c.line); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.line, got)
		}
	}
}

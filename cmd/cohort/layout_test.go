package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// module is the name all our import paths begin with.
const module = "cohort/"

// mayImport is the import rule of docs/architecture.md: which of our packages
// a package may import. A package that is not in the table is not allowed.
var mayImport = map[string][]string{
	"store":              {},
	"store/storetest":    {"store"},
	"social":             {"store"},
	"federation/vocab":   {},
	"federation/httpsig": {},
	"federation/proof":   {},
	"federation":         {"social", "store", "federation/vocab", "federation/httpsig", "federation/proof"},
	"federation/fedtest": {"federation", "social", "store", "store/storetest", "federation/vocab", "federation/httpsig", "federation/proof"},
	"web/i18n":           {},
	"web/reply":          {"federation", "social", "store"},
	"web/auth":           {"social", "store", "web/reply"},
	"web/api":            {"social", "store", "federation", "web/auth", "web/reply", "web/i18n"},
	"web/pages":          {"social", "store", "federation", "web/auth", "web/reply", "web/i18n"},
	"web/mail":           {"social", "store", "web/i18n"},
	"web":                {"social", "store", "federation", "web/api", "web/pages", "web/auth", "web/reply", "web/mail", "web/i18n"},
	"cmd/cohort": {
		"store", "social", "federation", "federation/vocab", "federation/httpsig", "federation/proof",
		"web", "web/api", "web/pages", "web/auth", "web/reply", "web/mail", "web/i18n",
	},
}

// testOnly are the packages that only _test.go files may import, and each
// other.
var testOnly = []string{"store/storetest", "federation/fedtest"}

// onlyIn holds packages of others to their place: the import path's beginning
// and the prefixes of our packages that may use it outside tests.
var onlyIn = map[string][]string{
	"database/sql":                        {"store"},
	"modernc.org/sqlite":                  {"store"},
	"github.com/jackc/pgx":                {"store"},
	"github.com/pressly/goose":            {"store"},
	"net/http":                            {"federation", "web", "cmd"},
	"html/template":                       {"web"},
	"github.com/labstack/echo":            {"web", "cmd"},
	"github.com/go-fed/activity":          {"federation"},
	"github.com/go-fed/httpsig":           {"federation/httpsig"},
	"github.com/wneessen/go-mail":         {"web/mail"},
	"github.com/nicksnyder/go-i18n":       {"web/i18n"},
	"github.com/pelletier/go-toml":        {"cmd", "web/i18n"},
	"github.com/alecthomas/kong":          {"cmd"},
	"github.com/caddyserver/certmagic":    {"cmd"},
	"github.com/chromedp":                 {},
	"github.com/emersion/go-smtp":         {},
	"pgregory.net/rapid":                  {},
	"github.com/prometheus/client_golang": {"web", "cmd"},
}

// goPackage is what we read of go list's answer.
type goPackage struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-tags", "full",
		"-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	list.Dir = "../.."
	var problems bytes.Buffer
	list.Stderr = &problems
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &problems)
	}
	var packages []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func TestImportsPointOneWay(t *testing.T) {
	packages := listPackages(t)
	if len(packages) == 0 {
		t.Fatal("go list names no package")
	}
	for _, p := range packages {
		for _, complaint := range importComplaints(p) {
			t.Error(complaint)
		}
	}
}

// importComplaints names each import of p that the tables do not allow.
func importComplaints(p goPackage) []string {
	name := strings.TrimPrefix(p.ImportPath, module)
	allowed, known := mayImport[name]
	if !known {
		return []string{name + " is not a package of the layout"}
	}
	var complaints []string
	for _, path := range p.Imports {
		if ours, ok := strings.CutPrefix(path, module); ok {
			if !slices.Contains(allowed, ours) {
				complaints = append(complaints, name+" must not import "+ours)
			}
		} else if !atHome(name, path) {
			complaints = append(complaints, name+" must not import "+path)
		}
	}
	for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
		ours, ok := strings.CutPrefix(path, module)
		if ok && ours != name && !slices.Contains(allowed, ours) && !slices.Contains(testOnly, ours) {
			complaints = append(complaints, "a test of "+name+" must not import "+ours)
		}
	}
	return complaints
}

// atHome says whether one of our packages may import a package of others.
func atHome(name, path string) bool {
	under := func(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }
	if slices.Contains(testOnly, name) {
		return true
	}
	for prefix, homes := range onlyIn {
		if under(path, prefix) && !slices.ContainsFunc(homes, func(home string) bool { return under(name, home) }) {
			return false
		}
	}
	return true
}

// The rule itself refuses what it is there to refuse.
func TestImportRuleRefuses(t *testing.T) {
	for _, p := range []goPackage{
		{ImportPath: "cohort/helpers"},
		{ImportPath: "cohort/store", Imports: []string{"cohort/social"}},
		{ImportPath: "cohort/social", Imports: []string{"cohort/federation"}},
		{ImportPath: "cohort/social", Imports: []string{"net/http"}},
		{ImportPath: "cohort/social", Imports: []string{"database/sql"}},
		{ImportPath: "cohort/social", Imports: []string{"cohort/store/storetest"}},
		{ImportPath: "cohort/federation", Imports: []string{"cohort/web/reply"}},
		{ImportPath: "cohort/federation", Imports: []string{"github.com/go-fed/httpsig"}},
		{ImportPath: "cohort/federation", Imports: []string{"github.com/labstack/echo/v4"}},
		{ImportPath: "cohort/web/api", Imports: []string{"cohort/web/pages"}},
		{ImportPath: "cohort/web", Imports: []string{"cohort/cmd/cohort"}},
		{ImportPath: "cohort/cmd/cohort", Imports: []string{"cohort/federation/fedtest"}},
		{ImportPath: "cohort/store", TestImports: []string{"cohort/social"}},
		{ImportPath: "cohort/store", XTestImports: []string{"cohort/web"}},
	} {
		if got := importComplaints(p); len(got) != 1 {
			t.Errorf("%+v: complaints are %q, want one", p, got)
		}
	}
	fine := goPackage{
		ImportPath: "cohort/social", Imports: []string{"cohort/store", "net/netip"},
		TestImports: []string{"cohort/store/storetest", "pgregory.net/rapid"}, XTestImports: []string{"cohort/social"},
	}
	if got := importComplaints(fine); got != nil {
		t.Errorf("complaints about what is allowed: %q", got)
	}
	for name, allowed := range mayImport {
		if name != "federation/fedtest" && slices.ContainsFunc(allowed, func(p string) bool { return slices.Contains(testOnly, p) }) {
			t.Errorf("the table lets %s import a package for tests", name)
		}
	}
}

// topLevel is everything that may stand in the root of the repository.
var topLevel = []string{
	"cmd", "federation", "store", "web", "social", "docs", ".ci", "go.mod", "go.sum", "config.example.toml",
	"README.md", "FEDERATION.md", "SECURITY.md", "CONTRIBUTING.md", "LICENSE", ".golangci.yml", ".gitignore",
}

// projectFiles lists the files of the project relative to its root: those git
// tracks or, in a copy without git, all but what a run leaves behind.
func projectFiles(t *testing.T) []string {
	t.Helper()
	if _, err := exec.LookPath("git"); err == nil {
		list := exec.CommandContext(t.Context(), "git", "ls-files", "-z")
		list.Dir = "../.."
		if out, err := list.Output(); err == nil && len(out) > 0 {
			return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
		}
	}
	var files []string
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains([]string{".git", "data", "node_modules"}, entry.Name()) {
			return filepath.SkipDir
		}
		if entry.Type().IsRegular() {
			relative, err := filepath.Rel("../..", path)
			files = append(files, filepath.ToSlash(relative))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestTopLevel(t *testing.T) {
	for _, file := range projectFiles(t) {
		top, _, _ := strings.Cut(file, "/")
		if !slices.Contains(topLevel, top) {
			t.Errorf("%s: %s has no place at the top of the project", file, top)
		}
	}
}

const maxFileLines = 500

// generated is the line by which Go's tools know code that nobody wrote.
var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// unfit are words that no file of the project should hold. Their patterns are
// written so that they do not match this file.
var unfit = map[string]*regexp.Regexp{
	"a promise for later":       regexp.MustCompile(`\b(T[O]DO|F[I]XME|X{3})\b|(?i:not[ ]implemented)`),
	"a test that is left out":   regexp.MustCompile(`\b[tbf]\.Sk[i]p(f|Now)?\(`),
	"a folder of one machine":   regexp.MustCompile(`(^|[^A-Za-z0-9_.])/(w[o]rk|t[m]p|r[o]ot)/`),
	"a package registry's host": regexp.MustCompile(`proxy[.]golang|sum[.]golang|registry[.]npmjs|deb[.]debian|pypi[.]org`),
	"the number of an issue":    regexp.MustCompile(`(?i)\bissue[ ]#?[0-9]`),
}

func TestFilesAreFit(t *testing.T) {
	for _, file := range projectFiles(t) {
		text, err := os.ReadFile(filepath.Join("../..", file))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed and not yet committed
		}
		if err != nil {
			t.Error(err)
			continue
		}
		if bytes.ContainsRune(text, 0) || file == "go.sum" {
			continue
		}
		code := strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go") && !generated.Match(text)
		if lines := bytes.Count(text, []byte("\n")); code && lines > maxFileLines {
			t.Errorf("%s has %d lines, more than %d: it is about more than one thing", file, lines, maxFileLines)
		}
		for what, pattern := range unfit {
			if at := pattern.FindIndex(text); at != nil {
				t.Errorf("%s:%d: %s: %q", file, 1+bytes.Count(text[:at[0]], []byte("\n")), what, text[at[0]:at[1]])
			}
		}
	}
}

func TestUnfitWordsAreFound(t *testing.T) {
	for _, text := range []string{
		"// TO" + "DO: later", "x XX" + "X y", "t.Sk" + "ip(\"no\")", "b.Sk" + "ipf(1)", "not im" + "plemented",
		"cd /wo" + "rk/x", "\"/tm" + "p/y\"", "https://proxy.go" + "lang.org", "see issue " + "#12",
	} {
		found := 0
		for _, pattern := range unfit {
			if pattern.MatchString(text) {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%q is found by %d patterns", text, found)
		}
	}
}

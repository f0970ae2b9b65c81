package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// document reads a file of the project by its path from the root.
func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// documents are the texts for people, by their paths from the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		files, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			name, err := filepath.Rel("../..", file)
			if err != nil {
				t.Fatal(err)
			}
			name = filepath.ToSlash(name)
			all[name] = document(t, name)
		}
	}
	if len(all) < 8 {
		t.Fatalf("only %d documents", len(all))
	}
	return all
}

// directModules are the modules that go.mod requires for the project itself.
func directModules(text string) []string {
	var modules []string
	inBlock := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		rest, single := strings.CutPrefix(line, "require ")
		switch line {
		case "require (":
			inBlock = true
			continue
		case ")":
			inBlock = false
		}
		if !inBlock && !single {
			continue
		}
		if fields := strings.Fields(rest); len(fields) == 2 || len(fields) > 2 && !strings.HasSuffix(line, "// indirect") {
			modules = append(modules, fields[0])
		}
	}
	return modules
}

// moduleRow is a row of a table in docs/dependencies.md whose first cell is a
// module.
var moduleRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")

func TestEveryDependencyHasAReason(t *testing.T) {
	modules := directModules(document(t, "go.mod"))
	if len(modules) < 10 {
		t.Fatalf("go.mod requires only %q", modules)
	}
	listed := map[string]int{}
	for _, row := range moduleRow.FindAllStringSubmatch(document(t, "docs/dependencies.md"), -1) {
		listed[row[1]]++
	}
	for _, module := range modules {
		if listed[module] != 1 {
			t.Errorf("docs/dependencies.md has %d rows about %s", listed[module], module)
		}
	}
	for module := range listed {
		if !slices.Contains(modules, module) {
			t.Errorf("docs/dependencies.md tells of %s, which go.mod does not require", module)
		}
	}
}

func TestDirectModulesAreRead(t *testing.T) {
	const text = "module m\n\ngo 1.26.0\n\nrequire a.example/one v1.0.0\n\nrequire (\n\tb.example/two v2.0.0\n\tc.example/three v3.0.0 // indirect\n)\n" +
		"require d.example/four v4.0.0 // indirect\n"
	if got := directModules(text); !slices.Equal(got, []string{"a.example/one", "b.example/two"}) {
		t.Errorf("read %q", got)
	}
}

// mapRow is a row of README's map.
var mapRow = regexp.MustCompile("(?m)^\\| \\[`([^`]+)/`\\]\\(([^)]+)\\) \\|")

// The map names folders that are there, and every package of the layout.
func TestMapOfTheTree(t *testing.T) {
	named := map[string]bool{}
	for _, row := range mapRow.FindAllStringSubmatch(document(t, "README.md"), -1) {
		folder := row[1]
		named[folder] = true
		if row[2] != folder {
			t.Errorf("%s leads to %s", folder, row[2])
		}
		if info, err := os.Stat(filepath.Join("../..", folder)); err != nil || !info.IsDir() {
			t.Errorf("there is no folder %s: %v", folder, err)
		}
	}
	for name := range mayImport {
		if !named[name] {
			t.Errorf("the map does not name %s", name)
		}
	}
}

// importRow is a row of the table of imports in docs/architecture.md.
var importRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| [^|]+ \\| ([^|]+) \\|$")

// The table of imports that people read is the one that is enforced.
func TestTableOfImports(t *testing.T) {
	_, section, _ := strings.Cut(document(t, "docs/architecture.md"), "\n## The tree and its imports\n")
	section, _, _ = strings.Cut(section, "\n## ")
	written := map[string][]string{}
	for _, row := range importRow.FindAllStringSubmatch(section, -1) {
		switch may := strings.TrimSpace(row[2]); may {
		case "nothing":
			written[row[1]] = nil
		case "everything but the two for tests":
			written[row[1]] = slices.DeleteFunc(slices.Collect(maps.Keys(mayImport)), func(name string) bool {
				return name == row[1] || slices.Contains(testOnly, name)
			})
		default:
			written[row[1]] = strings.Split(may, ", ")
		}
	}
	for name, may := range mayImport {
		have, ok := written[name]
		if !ok {
			t.Errorf("docs/architecture.md has no row about %s", name)
			continue
		}
		if slices.Sort(have); !slices.Equal(have, slices.Sorted(slices.Values(may))) {
			t.Errorf("docs/architecture.md says that %s may import %q, the test says %q", name, have, may)
		}
		delete(written, name)
	}
	for name := range written {
		t.Errorf("docs/architecture.md tells of %s, which is not in the layout", name)
	}
}

var (
	link    = regexp.MustCompile(`!?\[[^\]]*\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
	// unanchored is what falls out of a heading on the way to its anchor.
	unanchored = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the names under which the headings of a document can be reached.
func anchors(text string) []string {
	var names []string
	for _, found := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		names = append(names, strings.ReplaceAll(unanchored.ReplaceAllString(strings.ToLower(found[1]), ""), " ", "-"))
	}
	return names
}

// brokenLinks names the links of a document that lead nowhere within the
// project. exists tells of a path from the root.
func brokenLinks(name string, all map[string]string, exists func(path string) bool) []string {
	var broken []string
	for _, found := range link.FindAllStringSubmatch(fenced.ReplaceAllString(all[name], ""), -1) {
		target := found[1]
		if strings.Contains(target, "://") {
			continue
		}
		file, anchor, _ := strings.Cut(target, "#")
		path := name
		if file != "" {
			path = filepath.ToSlash(filepath.Join(filepath.Dir(name), file))
		}
		if !filepath.IsLocal(path) || !exists(path) || anchor != "" && !slices.Contains(anchors(all[path]), anchor) {
			broken = append(broken, target)
		}
	}
	return broken
}

func TestLinksLeadSomewhere(t *testing.T) {
	all := documents(t)
	exists := func(path string) bool {
		_, err := os.Stat(filepath.Join("../..", path))
		return err == nil
	}
	for name := range all {
		for _, target := range brokenLinks(name, all, exists) {
			t.Errorf("%s: %s leads nowhere", name, target)
		}
	}
}

func TestBrokenLinksAreFound(t *testing.T) {
	all := map[string]string{
		"README.md": "# Top\n[a](docs/a.md) [b](docs/a.md#one-two) [c](#top) [d](https://else.example/x)\n```\n# not a heading\n[x](nowhere)\n```\n" +
			"[e](docs/gone.md) [f](docs/a.md#three) [g](#not-a-heading) [h](../out.md) ![i](docs/gone.png)\n",
		"docs/a.md": "## One, two\n[up](../README.md)\n",
	}
	exists := func(path string) bool { return all[path] != "" }
	if got := brokenLinks("README.md", all, exists); !slices.Equal(got, []string{"docs/gone.md", "docs/a.md#three", "#not-a-heading", "../out.md", "docs/gone.png"}) {
		t.Errorf("broken in one: %q", got)
	}
	if got := brokenLinks("docs/a.md", all, exists); len(got) > 0 {
		t.Errorf("broken in the other: %q", got)
	}
}

// Every variable that the tests heed is named where contributors look.
func TestTestVariablesAreNamed(t *testing.T) {
	pattern := regexp.MustCompile(`COHORT_(TEST_[A-Z_]+|SAMPLES)`)
	named := document(t, "CONTRIBUTING.md")
	found := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" && !strings.HasSuffix(filepath.ToSlash(path), ".ci/test") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, name := range pattern.FindAllString(string(text), -1) {
			found[name] = true
		}
		return err
	})
	if err != nil || len(found) < 5 {
		t.Fatalf("only %v, %v", found, err)
	}
	for name := range found {
		if !strings.Contains(named, "`"+name) {
			t.Errorf("CONTRIBUTING.md does not name %s", name)
		}
	}
}

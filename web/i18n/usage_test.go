package i18n

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	keyShape = regexp.MustCompile(`^[a-z]+(\.[a-z0-9_]+)+$`)
	inPage   = regexp.MustCompile(`\bt "([^"]+)"`)
)

// usage is what the program's sources say about keys: where one certainly is a
// key, and where a text merely looks like one.
type usage struct {
	keys  map[string]string
	maybe map[string]bool
}

// sources reads every template and Go file of the module but tests.
func sources(t *testing.T) usage {
	t.Helper()
	u := usage{keys: map[string]string{}, maybe: map[string]bool{}}
	root := filepath.Join("..", "..")
	for _, dir := range []string{"cmd", "federation", "social", "store", "web"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			switch {
			case os.IsNotExist(err):
				return nil
			case err != nil:
				return err
			case d.IsDir() && d.Name() == "testdata":
				return fs.SkipDir
			case strings.HasSuffix(path, ".html"):
				return u.template(path)
			case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
				return u.code(path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return u
}

func (u usage) template(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, m := range inPage.FindAllStringSubmatch(string(data), -1) {
		u.keys[m[1]] = path
	}
	return nil
}

// code looks for calls of a function T, t, text or say, for what is given to a
// field Key, and for texts that can be nothing but the key of an error.
func (u usage) code(path string) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			switch calledName(n.Fun) {
			case "T", "t", "text", "say":
				for _, arg := range n.Args {
					if s, ok := literal(arg); ok && keyShape.MatchString(s) {
						u.keys[s] = path
					}
				}
			}
		case *ast.KeyValueExpr:
			if name, ok := n.Key.(*ast.Ident); ok && name.Name == "Key" {
				if s, ok := literal(n.Value); ok && keyShape.MatchString(s) {
					u.keys[s] = path
				}
			}
		case *ast.BasicLit:
			if s, ok := literal(n); ok && keyShape.MatchString(s) {
				u.maybe[s] = true
				if strings.HasPrefix(s, "invalid.") {
					u.keys[s] = path
				}
			}
		}
		return true
	})
	return nil
}

func calledName(f ast.Expr) string {
	switch f := f.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(l.Value)
	return s, err == nil
}

func TestEveryKeyHasATextAndEveryTextAUse(t *testing.T) {
	u := sources(t)
	if len(u.keys) < 100 {
		t.Fatalf("only %d keys are found in the sources", len(u.keys))
	}
	for key, path := range u.keys {
		if !Has(key) {
			t.Errorf("%s uses %s, which has no text", path, key)
		}
	}
	all, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	for key := range all[Default].messages {
		if u.keys[key] == "" && !u.maybe[key] {
			t.Errorf("%s is used nowhere", key)
		}
	}
}

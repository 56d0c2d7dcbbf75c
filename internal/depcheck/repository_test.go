// Package depcheck holds tests about the repository itself: who may import
// what, which modules it depends on, and what no file may contain.
package depcheck

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/mozilla-releng/cot"

// root is the repository's root, seen from this package's directory.
const root = "../.."

// skipDirs hold what is built or installed, never source.
var skipDirs = map[string]bool{".git": true, ".tools": true, "bin": true, "dist": true, "__pycache__": true}

// source is one Go file of the repository.
type source struct {
	path    string // relative to the root, with slashes
	pkg     string // its directory relative to the root
	test    bool
	file    *ast.File
	fset    *token.FileSet
	imports map[string]string // import path -> name in the file
}

// position is "file:line" of a node.
func (s source) position(n ast.Node) string {
	return s.path + ":" + strconv.Itoa(s.fset.Position(n.Pos()).Line)
}

// files calls visit with every file of the repository, paths relative to the
// root and with slashes.
func files(t *testing.T, visit func(rel string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if skipDirs[d.Name()] {
				return filepath.SkipDir
			}
			return nil
		}
		visit(filepath.ToSlash(rel))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sources parses every Go file, whatever its build constraints.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	files(t, func(rel string) {
		if !strings.HasSuffix(rel, ".go") {
			return
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, filepath.Join(root, rel), nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			t.Fatalf("%s: %v", rel, err)
		}
		s := source{
			path: rel, pkg: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go"),
			file: f, fset: fset, imports: map[string]string{},
		}
		for _, i := range f.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatalf("%s: %v", rel, err)
			}
			name := path.Base(p)
			if i.Name != nil {
				name = i.Name.Name
			}
			s.imports[p] = name
		}
		out = append(out, s)
	})
	if len(out) == 0 {
		t.Fatal("no Go files found: the tests run from the wrong directory")
	}
	return out
}

// within tells whether pkg is dir or below it.
func within(pkg, dir string) bool {
	return pkg == dir || strings.HasPrefix(pkg, dir+"/")
}

// withinAny tells whether pkg is one of dirs or below one.
func withinAny(pkg string, dirs []string) bool {
	for _, d := range dirs {
		if within(pkg, d) {
			return true
		}
	}
	return false
}

// read gives a file's content.
func read(t *testing.T, rel string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(rel)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

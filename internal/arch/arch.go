// Package arch keeps the house: it reads every Go file itself and names each import
// that goes up a floor, each outside package without a reason, and each file that
// says more than it should.
package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Module is the path of our own packages.
const Module = "github.com/pgmoat/pgmoat"

// Rules is what differs from house to house; the floors do not.
type Rules struct {
	// Reasons allow model and engine what they may not import by default. The key is
	// "engine/audit time": a package or a folder above it, and an import path or its
	// beginning. The value says why. A reason that no import needs is a violation.
	Reasons map[string]string
	// Words may not occur in any file of the tree; the value says why.
	Words map[string]string
}

// Check returns what the tree does against the rules, sorted, a line each.
func Check(tree fs.FS, rules Rules) ([]string, error) {
	files, err := parse(tree)
	if err != nil {
		return nil, err
	}
	c := checker{rules: rules, used: map[string]bool{}}
	for _, f := range files {
		c.file(f)
	}
	for key := range rules.Reasons {
		if !c.used[key] {
			c.report("%q has a reason that nothing needs", key)
		}
	}
	if err := c.module(tree); err != nil {
		return nil, err
	}
	if err := c.words(tree); err != nil {
		return nil, err
	}
	slices.Sort(c.found)
	return slices.Compact(c.found), nil
}

// A file is what Check needs to know of a Go file.
type file struct {
	path    string
	dir     string // its package below the module, "engine/reach"
	test    bool
	main    bool
	lines   int
	imports []string
}

// parse reads the Go files of the tree. Other modules inside it, testdata, and
// folders that the go command passes over are not part of the house.
func parse(tree fs.FS) ([]file, error) {
	var files []file
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != "." && (passedOver(d.Name()) || d.Name() == "testdata" || exists(tree, name+"/go.mod")) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		f, err := parseFile(tree, name)
		files = append(files, f)
		return err
	})
	return files, err
}

func passedOver(dir string) bool {
	return strings.HasPrefix(dir, ".") || strings.HasPrefix(dir, "_") || dir == "bin" || dir == "dist"
}

func exists(tree fs.FS, name string) bool {
	_, err := fs.Stat(tree, name)
	return err == nil
}

func parseFile(tree fs.FS, name string) (file, error) {
	src, err := fs.ReadFile(tree, name)
	if err != nil {
		return file{}, err
	}
	syntax, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
	if err != nil {
		return file{}, err
	}
	return file{
		path:    name,
		dir:     path.Dir(name),
		test:    strings.HasSuffix(name, "_test.go"),
		main:    syntax.Name.Name == "main",
		lines:   strings.Count(string(src), "\n"),
		imports: importsOf(syntax),
	}, nil
}

func importsOf(syntax *ast.File) []string {
	var out []string
	for _, spec := range syntax.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			out = append(out, p)
		}
	}
	return out
}

type checker struct {
	rules Rules
	used  map[string]bool // reasons that an import needed
	found []string
}

func (c *checker) report(format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf(format, args...))
}

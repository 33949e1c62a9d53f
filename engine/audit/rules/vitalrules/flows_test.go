package vitalrules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/internal/audittest"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

const adapters = "../../../../adapter/operator"

// Every flow that an adapter knows of has a rule that names it, and a rule names no flow
// that no adapter has. VIT1099 is for releases to come.
func TestEveryFlowHasARule(t *testing.T) {
	known := flowIDs(t)
	if len(known) < 25 {
		t.Fatalf("only %d flows were found in the adapters: %s", len(known), slices.Sorted(maps.Keys(known)))
	}
	named := map[string]int{}
	for _, k := range kinds {
		for _, id := range k.flows {
			named[id]++
		}
		for id := range k.except {
			if !slices.Contains(k.flows, id) {
				t.Errorf("a rule says what the loss of %q causes, and does not name it", id)
			}
		}
	}
	for id, at := range known {
		if named[id] != 1 {
			t.Errorf("%s: flow %q is named by %d rules", at, id, named[id])
		}
	}
	for id := range named {
		if known[id] == "" {
			t.Errorf("a rule names flow %q, which no adapter has", id)
		}
	}
	if len(Rules) != len(kinds)+1 {
		t.Errorf("%d rules for %d kinds and the rest", len(Rules), len(kinds))
	}
}

// A flow of a release to come is told by VIT1099, and by no other rule.
func TestNewFlow(t *testing.T) {
	world := audittest.Load(t, VIT1001.Setting+"---\n"+VIT1001.Bad)
	world.Servers[0].Vital = slices.DeleteFunc(world.Servers[0].Vital, func(f snapshot.VitalFlow) bool { return f.ID != "replication" })
	world.Servers[0].Vital[0].ID = "of a release to come"
	got := audit.Run(world, Rules).Findings
	if len(got) != 1 || got[0].Rule != "VIT1099" || !got[0].Certain {
		t.Errorf("%+v", got)
	}
}

// flowIDs finds in the adapters' code what a flow's ID is set to, with the place.
func flowIDs(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	files := token.NewFileSet()
	takes := map[string]int{} // functions that are given an id, with its place among the arguments
	var parsed []*ast.File
	err := filepath.WalkDir(adapters, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		parsed = append(parsed, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range parsed {
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok {
				if i := slices.Index(parameters(fn), "id"); i >= 0 {
					takes[f.Name.Name+"."+fn.Name.Name] = i
				}
			}
		}
	}
	for _, f := range parsed {
		ast.Inspect(f, func(n ast.Node) bool {
			for _, e := range ids(n, f.Name.Name, takes) {
				if text, ok := literal(e); ok {
					out[text] = files.Position(e.Pos()).String()
				}
			}
			return true
		})
	}
	return out
}

func parameters(fn *ast.FuncDecl) []string {
	var out []string
	for _, field := range fn.Type.Params.List {
		for _, name := range field.Names {
			out = append(out, name.Name)
		}
	}
	return out
}

// ids are the expressions that a node makes the ID of something: ID: x, f.ID = x, and
// what is given to a function for its parameter id.
func ids(n ast.Node, pkg string, takes map[string]int) []ast.Expr {
	switch n := n.(type) {
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && key.Name == "ID" {
			return []ast.Expr{n.Value}
		}
	case *ast.AssignStmt:
		var out []ast.Expr
		for i, left := range n.Lhs {
			if sel, ok := left.(*ast.SelectorExpr); ok && sel.Sel.Name == "ID" && len(n.Lhs) == len(n.Rhs) {
				out = append(out, n.Rhs[i])
			}
		}
		return out
	case *ast.CallExpr:
		if sel, ok := n.Fun.(*ast.SelectorExpr); ok {
			if i, ok := takes[pkg+"."+sel.Sel.Name]; ok && i < len(n.Args) {
				return []ast.Expr{n.Args[i]}
			}
		}
	}
	return nil
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

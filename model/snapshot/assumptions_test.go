package snapshot

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var tableRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\|(.*)\\|$")

// The page lists every assumption with the words that answers print, and what settles it.
func TestAssumptionsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/assumptions.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, row := range tableRow.FindAllStringSubmatch(string(page), -1) {
		code, text := row[1], row[2]
		listed = append(listed, code)
		if said := Assumptions(code)[0].Text; text != said {
			t.Errorf("%s: the page says %q, answers say %q", code, text, said)
		}
		cells := strings.Split(row[3], "|")
		if len(cells) != 3 || slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) == "" }) {
			t.Errorf("%s: want where it is asked and two things that settle it, got %q", code, row[3])
		}
	}
	if codes := AssumptionCodes(); !slices.Equal(listed, codes) {
		t.Errorf("the page lists %v, want %v", listed, codes)
	}
}

// Each constant of a code has a text, so that the page and answers have it too.
func TestEveryCodeHasAText(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "facts.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Assume") {
			return true
		}
		found++
		code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil || !slices.Contains(AssumptionCodes(), code) {
			t.Errorf("%s (%s) has no text", spec.Names[0].Name, code)
		}
		return true
	})
	if found != len(AssumptionCodes()) {
		t.Errorf("%d constants, %d texts", found, len(AssumptionCodes()))
	}
}

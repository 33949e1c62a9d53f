package rules_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/audit/rules"
	"github.com/pgmoat/pgmoat/engine/audit/rules/operatorrules"
)

var ruleID = regexp.MustCompile(`\b[A-Z]{3}1\d{3}\b`)

// named are the ids of rules in a page.
func named(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	return ruleID.FindAllString(string(text), -1)
}

// The pages for readers name rules that there are, and the page of operators' traps has
// all rules that are about nothing else.
func TestPagesNameRules(t *testing.T) {
	for _, page := range []string{"../../../docs/operator-traps.md", examples + "refuted/README.md"} {
		for _, id := range named(t, page) {
			if got, err := rules.Named(id); err != nil || len(got) != 1 {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
	told := named(t, "../../../docs/operator-traps.md")
	for _, r := range operatorrules.Rules {
		if !slices.Contains(told, r.ID) {
			t.Errorf("%s is in no row of the page of operators' traps", r.ID)
		}
	}
}

// Every sample has a row, and every row a sample.
func TestRefutedIsListed(t *testing.T) {
	text, err := os.ReadFile(filepath.FromSlash(examples + "refuted/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(examples + "refuted/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.Contains(string(text), "| `"+filepath.Base(file)+"` |") {
			t.Errorf("%s has no row", file)
		}
	}
	if rows := strings.Count(string(text), "\n| `"); rows != len(files) {
		t.Errorf("%d rows of %d samples", rows, len(files))
	}
}

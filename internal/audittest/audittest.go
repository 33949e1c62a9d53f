// Package audittest tests audit rules: manifests in a txtar file, with what is
// expected beside the lines it is about.
//
// Each section is an estate; sections "name/a.yaml" and "name/b.yaml" are one
// together, with "name/facts.yaml" as its facts. A section that is no manifest is a
// bare pg_hba.conf; "name/pg_hba.conf" has beside it pg_ident.conf, roles.json, files
// that these name, and the numbers version and target. A comment at the end of a line says
// what is found there:
//
//	podSelector: {matchLabels: {app: order}} # want "high: no pod"
//
// want is a finding, doubt one that may not hold, unchecked (on any line) a reason
// why the rule was not checked, problem (on any line) what could not be read. The expressions are matched against severity and
// message. Whatever is found and not expected fails, and so does any other word.
package audittest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// adapters are those that the program uses.
var adapters = known.Adapters()

// Run checks the rule's file, testdata/<id>.txtar, its examples and the empty estate.
func Run(t *testing.T, rule *audit.Rule) {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", strings.ToLower(rule.ID)+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range estates(archive) {
		t.Run(e.name, func(t *testing.T) { e.check(t, rule) })
	}
	t.Run("examples", func(t *testing.T) { Examples(t, rule) })
}

// Examples checks that Bad is reported, Good is not, and that an empty estate has no
// findings.
func Examples(t *testing.T, rule *audit.Rule) {
	t.Helper()
	if n := findings(audit.Run(&snapshot.Snapshot{}, []*audit.Rule{rule})); len(n) > 0 {
		t.Errorf("the empty estate has findings: %q", n)
	}
	if rule.Bad == "" && rule.Good == "" {
		return
	}
	if n := findings(audit.Run(world(t, rule.Setting, rule.Bad), []*audit.Rule{rule})); len(n) == 0 {
		t.Errorf("Bad is not reported")
	}
	if n := findings(audit.Run(world(t, rule.Setting, rule.Good), []*audit.Rule{rule})); len(n) > 0 {
		t.Errorf("Good is reported: %q", n)
	}
}

// world is the estate of a rule's example.
func world(t *testing.T, setting, text string) *snapshot.Snapshot {
	t.Helper()
	if setting == "" && !audit.IsManifest(text) {
		return bareExample(text).loadBare(t)
	}
	out := Load(t, setting+"---\n"+text)
	out.Facts.Now = exampleDay
	return out
}

// exampleDay is when examples are looked at, 2026-11-21: their dates are around it.
const exampleDay snapshot.Moment = 1795219200

func findings(r audit.Result) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, f.Severity.String()+": "+f.Message)
	}
	return out
}

// Load reads manifests; one that cannot be read fails the test.
func Load(t *testing.T, manifests string) *snapshot.Snapshot {
	t.Helper()
	e := example{files: map[string]string{"manifests.yaml": manifests}}
	world := e.load(t)
	for _, p := range world.Problems {
		t.Errorf("cannot be read: %s: %s", world.Locate(p.Origin), p.Err)
	}
	return world
}

// LoadPath reads the estate at a path, with a facts file where one is named; what
// cannot be read fails the test.
func LoadPath(t *testing.T, path, facts string) *snapshot.Snapshot {
	t.Helper()
	world := LoadAny(t, path, facts)
	for _, p := range world.Problems {
		t.Errorf("cannot be read: %s: %s", world.Locate(p.Origin), p.Err)
	}
	return world
}

// LoadAny reads the estate at a path as LoadPath does; what cannot be read is among the
// Problems.
func LoadAny(t *testing.T, path, facts string) *snapshot.Snapshot {
	t.Helper()
	world, err := estate.Load(context.Background(), estate.Options{Paths: []string{path}, FactsFile: facts, Adapters: adapters})
	if err != nil {
		t.Fatal(err)
	}
	return world
}

// An example is a named estate with what is expected of it.
type example struct {
	name  string
	files map[string]string
	facts string
}

func estates(a *txtar.Archive) []example {
	var out []example
	for _, f := range a.Files {
		name, file, several := strings.Cut(f.Name, "/")
		switch {
		case !several && !audit.IsManifest(string(f.Data)):
			file = hbaFile
		case !several:
			file = "manifests.yaml"
		}
		i := slices.IndexFunc(out, func(e example) bool { return e.name == name })
		if i < 0 {
			i = len(out)
			out = append(out, example{name: name, files: map[string]string{}})
		}
		if file == "facts.yaml" {
			out[i].facts = string(f.Data)
			continue
		}
		out[i].files[file] = string(f.Data)
	}
	return out
}

func (e example) load(t *testing.T) *snapshot.Snapshot {
	t.Helper()
	if _, ok := e.files[hbaFile]; ok {
		return e.loadBare(t)
	}
	dir, facts := t.TempDir(), ""
	write(t, filepath.Join(dir, "estate"), e.files)
	if e.facts != "" {
		write(t, dir, map[string]string{"facts.yaml": e.facts})
		facts = filepath.Join(dir, "facts.yaml")
	}
	return LoadAny(t, filepath.Join(dir, "estate"), facts)
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// An expectation is what a comment says of its line.
type expectation struct {
	word, at string // at is "file:line", or "" for no line
	pattern  *regexp.Regexp
	met      bool
}

var directive = regexp.MustCompile(`#\s*([a-z]+)((?:\s+(?:"(?:[^"\\]|\\.)*"|` + "`[^`]*`" + `))+)\s*$`)
var pattern = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|` + "`[^`]*`")

func (e example) expectations(t *testing.T) []*expectation {
	t.Helper()
	var out []*expectation
	for name, text := range e.files {
		for i, line := range strings.Split(text, "\n") {
			m := directive.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			at := fmt.Sprintf("%s:%d", name, i+1)
			if !slices.Contains([]string{"want", "doubt", "unchecked", "problem"}, m[1]) {
				t.Fatalf("%s: no such directive: %s", at, m[1])
			}
			if m[1] == "unchecked" || m[1] == "problem" {
				at = ""
			}
			for _, quoted := range pattern.FindAllString(m[2], -1) {
				text, err := strconv.Unquote(quoted)
				if err != nil {
					t.Fatalf("%s: %v", at, err)
				}
				out = append(out, &expectation{word: m[1], at: at, pattern: regexp.MustCompile(text)})
			}
		}
	}
	return out
}

func (e example) check(t *testing.T, rule *audit.Rule) {
	world := e.load(t)
	expected := e.expectations(t)
	result := audit.Run(world, []*audit.Rule{rule})
	for _, f := range result.Findings {
		word := "want"
		if !f.Certain {
			word = "doubt"
		}
		o := world.Locate(f.Origin)
		meet(t, expected, word, fmt.Sprintf("%s:%d", filepath.Base(o.File), o.Line), fmt.Sprintf("%s: %s", f.Severity, f.Message))
	}
	for _, n := range result.NotChecked {
		meet(t, expected, "unchecked", "", n.Reason)
	}
	for _, p := range world.Problems {
		meet(t, expected, "problem", "", p.Err)
	}
	for _, x := range expected {
		if !x.met {
			t.Errorf("%s: nothing like %s %q", x.at, x.word, x.pattern)
		}
	}
}

func meet(t *testing.T, expected []*expectation, word, at, text string) {
	t.Helper()
	for _, x := range expected {
		if !x.met && x.word == word && x.at == at && x.pattern.MatchString(text) {
			x.met = true
			return
		}
	}
	t.Errorf("%s: not expected: %s %q", at, word, text)
}

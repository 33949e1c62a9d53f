package repo

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
)

// mapFiles are files for tests that need no disk.
type mapFiles map[string]string

func (m mapFiles) read(name string) ([]byte, error) {
	text, ok := m[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(text), nil
}

func (m mapFiles) isDir(dir string) bool { return len(m.list(dir)) > 0 }

func (m mapFiles) list(dir string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if _, ok := inside(dir, name); ok {
			out = append(out, name)
		}
	}
	return out
}

func anApplication(name, more string) object.Object {
	data := fmt.Sprintf(`{"apiVersion":"argoproj.io/v1alpha1","kind":"Application","metadata":{"name":%q,"namespace":"argocd"},
		"spec":{"source":{"repoURL":"https://git.example/a/b","path":"apps"%s},"destination":{"name":"in-cluster"}}}`, name, more)
	o, err := object.New([]byte(data), object.Source{File: name}, "default")
	if err != nil {
		panic(err)
	}
	return o
}

// Each Application makes more of them, for ever.
func TestEndlessApplications(t *testing.T) {
	for _, width := range []int{1, 2, 10, maxUnits + 1} {
		rendered := 0
		f, err := gitopsOf(mapFiles{"apps/a.yaml": ""}).all([]object.Object{anApplication("a", "")}, func(u unit) []object.Object {
			rendered++
			var out []object.Object
			for i := range width {
				o := anApplication(fmt.Sprintf("%s-%d", u.by.Name, i), "")
				o.Source.Via = "folder apps"
				out = append(out, o)
			}
			return out
		})
		if err != nil {
			t.Fatal(err)
		}
		if rendered > maxUnits || len(f.units) != rendered {
			t.Errorf("width %d: %d were rendered, and %d kept", width, rendered, len(f.units))
		}
		if len(f.problems) != 1 || !strings.Contains(f.problems[0].Err, "no end") || !strings.HasPrefix(f.problems[0].Err, "Application argocd/a-0") || f.problems[0].Namespace != "" {
			t.Errorf("width %d: %v", width, f.problems)
		}
	}
}

// Two Applications of which each one, once it is rendered, changes the other: what is
// rendered never comes to rest.
func TestApplicationsThatNeverRest(t *testing.T) {
	n := 0
	f, err := gitopsOf(mapFiles{"apps/a.yaml": ""}).all([]object.Object{anApplication("a", "")}, func(unit) []object.Object {
		n++
		o := anApplication("a", fmt.Sprintf(`,"targetRevision":"%d","helm":{"values":"a: %d"}`, n, n))
		o.Source.Via = fmt.Sprint("chart ", n)
		return []object.Object{o}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.problems) != 1 || n > maxChain+1 {
		t.Errorf("%d were rendered: %v", n, f.problems)
	}
}

// A unit is rendered once, however often it is found.
func TestRenderedOnce(t *testing.T) {
	rendered := map[string]int{}
	f, err := gitopsOf(mapFiles{"apps/a.yaml": ""}).all([]object.Object{anApplication("a", "")}, func(u unit) []object.Object {
		rendered[u.by.Name]++
		next := map[string]string{"a": "b", "b": "c", "c": "a"}[u.by.Name]
		o := anApplication(next, "")
		o.Source.Via = "folder apps"
		return []object.Object{o}
	})
	if err != nil || len(f.problems) > 0 || len(f.units) != 3 {
		t.Error(f, err)
	}
	for name, n := range rendered {
		if n != 1 {
			t.Errorf("%s was rendered %d times", name, n)
		}
	}
}

// What was met in only the metadata says nothing of what it deploys.
func TestPartialObjects(t *testing.T) {
	o := anApplication("a", "")
	o.Partial = true
	f, err := gitopsOf(mapFiles{"apps/a.yaml": ""}).all([]object.Object{o}, func(unit) []object.Object { t.Error("rendered"); return nil })
	if err != nil || len(f.units) > 0 {
		t.Error(f, err)
	}
}

// A file of settings that is larger than any is refused before it is parsed.
func TestLargeSettings(t *testing.T) {
	tree := mapFiles{"apps/kustomization.yaml": "resources: []\n#" + strings.Repeat("x", maxConfig)}
	f, err := gitopsOf(tree).all([]object.Object{anApplication("a", `,"kustomize":{"namePrefix":"x"}`)}, func(unit) []object.Object { return nil })
	if err != nil || len(f.problems) != 1 || !strings.Contains(f.problems[0].Err, "larger than 1 MiB") {
		t.Error(f, err)
	}
}

// Anchors that multiply are refused by the YAML library, and do not fill the memory.
func TestAnchors(t *testing.T) {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 12; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	for _, name := range []string{"apps/kustomization.yaml", "apps/.argocd-source.yaml"} {
		tree := mapFiles{name: bomb}
		f, err := gitopsOf(tree).all([]object.Object{anApplication("a", `,"kustomize":{"namePrefix":"x"}`)}, func(unit) []object.Object { return nil })
		if err != nil || len(f.problems) != 1 || !strings.Contains(f.problems[0].Err, "excessive aliasing") {
			t.Error(name, f, err)
		}
	}
}

// What others wrote is shown in one line, and not at any length.
func TestPrintable(t *testing.T) {
	o := anApplication("a", "")
	o.JSON = []byte(strings.Replace(string(o.JSON), `"path":"apps"`, `"path":"x","chart":"\u001b[31m\n`+strings.Repeat("é", maxShown)+`"`, 1))
	f, err := gitopsOf(mapFiles{"apps/a.yaml": ""}).all([]object.Object{o}, func(unit) []object.Object { return nil })
	if err != nil || len(f.missing) != 1 {
		t.Fatal(f, err)
	}
	if what := f.missing[0].What; strings.ContainsAny(what, "\x1b\n") || len(what) > maxShown+4 || !strings.Contains(what, "é…") {
		t.Errorf("%q", what)
	}
}

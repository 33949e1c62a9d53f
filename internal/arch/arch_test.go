package arch

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// house is what our own tree may do beyond the rules of the floors.
var house = Rules{
	Reasons: map[string]string{},
	Words: map[string]string{
		"proxy." + "golang.org":   "where modules come from is the builder's choice",
		"sum." + "golang.org":     "where modules come from is the builder's choice",
		"registry.npm" + "js.org": "where packages come from is the builder's choice",
		"pypi" + ".org":           "where packages come from is the builder's choice",
		"deb.debian" + ".org":     "where packages come from is the builder's choice",
		".." + "/shared":          "nothing outside the tree is part of it",
	},
}

func TestHouse(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	rules := Rules{Reasons: house.Reasons, Words: map[string]string{
		root + "/": "where one copy of the tree lies means nothing in another",
	}}
	for word, why := range house.Words {
		rules.Words[word] = why
	}
	found, err := Check(os.DirFS(root), rules)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}

// Each case is a tree with one violation, and what must be said of it. The test of
// the house means nothing unless these are seen.
func TestViolationsAreSeen(t *testing.T) {
	tests := []struct {
		name string
		file string
		src  string
		want string // "" for nothing
	}{
		{"model imports engine", "model/flow/a.go", goFile("flow", Module+"/engine/reach"), "model imports engine/reach, a floor above"},
		{"engine imports adapter", "engine/reach/a.go", goFile("reach", Module+"/adapter/file"), "engine imports adapter/file, a floor above"},
		{"engine imports lab", "engine/reach/a.go", goFile("reach", Module+"/lab"), "engine imports lab, a floor above"},
		{"adapter imports app", "adapter/file/a.go", goFile("file", Module+"/app/cli"), "adapter imports app/cli, a floor above"},
		{"a test goes up too", "engine/reach/a_test.go", goFile("reach", Module+"/app/cli"), "engine imports app/cli, a floor above"},
		{"app imports cmd", "app/cli/a.go", goFile("cli", Module+"/cmd/pgmoat"), "app imports cmd/pgmoat, a floor above"},
		{"app imports model", "app/cli/a.go", goFile("cli", Module+"/model/flow"), ""},
		{"adapter imports lab", "adapter/kube/a.go", goFile("kube", Module+"/lab"), ""},

		{"engine imports api", "engine/compile/a.go", goFile("compile", Module+"/api/v1alpha1"), "only adapters and the controller know the wire"},
		{"cli imports api", "app/cli/a.go", goFile("cli", Module+"/api/v1alpha1"), "only adapters and the controller know the wire"},
		{"controller imports api", "app/controller/a.go", goFile("controller", Module+"/api/v1alpha1"), ""},

		{"engine imports os", "engine/reach/a.go", goFile("reach", "os"), "imports os; deciding looks at no"},
		{"engine imports os/exec", "engine/reach/a.go", goFile("reach", "os/exec"), "imports os/exec; deciding"},
		{"engine imports net", "engine/reach/a.go", goFile("reach", "net"), "imports net; deciding"},
		{"engine imports net/http", "engine/reach/a.go", goFile("reach", "net/http"), "imports net/http; deciding"},
		{"engine imports net/netip", "engine/reach/a.go", goFile("reach", "net/netip"), ""},
		{"engine imports time", "engine/reach/a.go", goFile("reach", "time"), "imports time; deciding"},
		{"engine imports log/slog", "engine/reach/a.go", goFile("reach", "log/slog"), "imports log/slog; deciding"},
		{"model imports math/rand/v2", "model/flow/a.go", goFile("flow", "math/rand/v2"), "imports math/rand/v2; deciding"},
		{"model imports math", "model/flow/a.go", goFile("flow", "math"), ""},
		{"an engine's test imports os", "engine/reach/a_test.go", goFile("reach", "os"), ""},
		{"an adapter imports os", "adapter/file/a.go", goFile("file", "os"), ""},

		{"engine imports from outside", "engine/reach/a.go", goFile("reach", "k8s.io/api/core/v1"), "imports k8s.io/api/core/v1 from outside without a reason"},
		{"adapter imports from outside", "adapter/kube/a.go", goFile("kube", "k8s.io/api/core/v1"), ""},

		{"app imports internal", "app/cli/a.go", goFile("cli", Module+"/internal/worldgen"), "imports internal/worldgen, which is for tests and mains"},
		{"a test imports internal", "engine/reach/a_test.go", goFile("reach", Module+"/internal/worldgen"), ""},
		{"internal imports engine", "internal/worldgen/a.go", goFile("worldgen", Module+"/engine/reach"), ""},

		{"a package beside the floors", "util/strings/a.go", goFile("strings", "fmt"), "no floor is called util"},
		{"an import beside the floors", "app/cli/a.go", goFile("cli", Module+"/util/strings"), "imports util/strings, which is on no floor"},
		{"a file at the root", "a.go", goFile("pgmoat", "fmt"), "no floor is called"},
		{"a long main", "cmd/pgmoat/main.go", goFile("main", "os") + strings.Repeat("\n", maxMain), "a main package has less than 30 lines"},
		{"testdata is not ours", "app/cli/testdata/a.go", goFile("util", Module+"/util/strings"), ""},

		{"replace in one line", "go.mod", "module m\nreplace k8s.io/api => ./fork\n", "go.mod: replaces k8s.io/api"},
		{"replace in a block", "go.mod", "module m\nreplace (\n\tk8s.io/api => ./fork\n)\n", "go.mod: replaces k8s.io/api"},
		{"a dependency nobody tells of", "go.mod", "module m\nrequire (\n\tk8s.io/api v0.36.3\n\ta.org/b v1.0.0 // indirect\n)\n", "nothing about k8s.io/api"},
		{"a dependency in one line", "go.mod", "module m\nrequire k8s.io/api v0.36.3\n", "nothing about k8s.io/api"},
		{"a dependency long gone", "docs/dependencies.md", "# Why\n\n## `k8s.io/api`\n", "tells of k8s.io/api, which go.mod does not require"},

		{"a forbidden word", "docs/a.md", "one\nsee secret.example\n", `docs/a.md:2: says "secret.example": ask nobody`},
		{"a word in what is built", "dist/a.md", "see secret.example\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tree := fstest.MapFS{"go.mod": {Data: []byte("module " + Module + "\n")}}
			tree[test.file] = &fstest.MapFile{Data: []byte(test.src)}
			found, err := Check(tree, Rules{Words: map[string]string{"secret.example": "ask nobody"}})
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case test.want == "" && len(found) > 0:
				t.Errorf("found %q, want nothing", found)
			case test.want != "" && (len(found) != 1 || !strings.Contains(found[0], test.want)):
				t.Errorf("found %q, want one with %q", found, test.want)
			}
		})
	}
}

func TestReasons(t *testing.T) {
	tree := fstest.MapFS{
		"go.mod":            {Data: []byte("module m\n")},
		"engine/audit/a.go": {Data: []byte(goFile("audit", "time"))},
	}
	tests := []struct {
		key  string
		want []string
	}{
		{"engine/audit time", nil},
		{"engine time", nil},
		{"engine/reach time", []string{
			`"engine/reach time" has a reason that nothing needs`,
			"engine/audit/a.go: imports time; deciding looks at no network, file, clock, environment or log",
		}},
	}
	for _, test := range tests {
		found, err := Check(tree, Rules{Reasons: map[string]string{test.key: "waivers end on a day"}})
		if err != nil || !slices.Equal(found, test.want) {
			t.Errorf("with a reason for %q: found %q, %v; want %q", test.key, found, err, test.want)
		}
	}
}

// Another module inside the tree has a house of its own.
func TestOtherModulesAreNotOurs(t *testing.T) {
	found, err := Check(fstest.MapFS{
		"go.mod":             {Data: []byte("module m\n")},
		"tools/go.mod":       {Data: []byte("module m/tools\nreplace a => b\n")},
		"tools/pack/main.go": {Data: []byte(goFile("main", "os") + strings.Repeat("\n", maxMain))},
	}, Rules{})
	if err != nil || len(found) > 0 {
		t.Errorf("found %q, %v", found, err)
	}
}

// A file that does not parse hides its imports, so that nothing can be said.
func TestUnreadableFile(t *testing.T) {
	_, err := Check(fstest.MapFS{"go.mod": {}, "model/a.go": {Data: []byte("pakage a")}}, Rules{})
	if err == nil {
		t.Error("no error for a file that is not Go")
	}
}

func goFile(name, imported string) string {
	return fmt.Sprintf("package %s\n\nimport _ %q\n", name, imported)
}

package render_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"

	"github.com/pgmoat/pgmoat/adapter/render"
)

var record = flag.Bool("record-kustomize", false, "write what is used and where it came from into testdata/kustomize")

// TestKustomize builds each tree of testdata/kustomize twice: on a disk by the library alone,
// and as we do, with no more than the files that Uses found. The objects are the same bytes.
// What Uses found and where the objects came from is in the tree's file "want".
func TestKustomize(t *testing.T) {
	paths, err := filepath.Glob("testdata/kustomize/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	r := render.New(render.Limits{})
	t.Cleanup(func() { closed(t, r) })
	for _, p := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(p), ".txtar"), func(t *testing.T) {
			c := readBuild(t, p)
			used, err := render.Uses(rootTree{c.open(t)}, c.dir, c.anyPath)
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.Kustomize(t.Context(), used.Kustomization(c.dir, c.anyPath))
			if err != nil {
				t.Fatal(err)
			}
			c.sameObjects(t, got)
			c.sameWant(t, used, got)
		})
	}
}

// TestKustomizeSays: what kustomize finds wrong is said in one line, with paths in the tree.
func TestKustomizeSays(t *testing.T) {
	r := render.New(render.Limits{})
	defer closed(t, r)
	for text, want := range map[string]string{
		"resources: [x.yaml, ../b/x.yaml]":      `accumulating resources: accumulation err='accumulating resources from '../b/x.yaml': security; file 'b/x.yaml' is not in or below 'k'': must build at directory: 'b/x.yaml': file is not directory`,
		"resources: [x.yaml, x.yaml]":           `accumulating resources: accumulation err='merging resources from 'x.yaml': may not add resource with an already registered id: ConfigMap.v1.[noGrp]/x.[noNs]': must build at directory: 'k/x.yaml': file is not directory`,
		"resources: [../b]\ncomponents: [../b]": `accumulating components: accumulateDirectory: "expected kind 'Component' for path 'b' but got 'Kustomization'"`,
		"patches: [{path: x.yaml}]":             `no resource matches strategic merge patch "ConfigMap.v1.[noGrp]/x.[noNs]": no matches for Id ConfigMap.v1.[noGrp]/x.[noNs]; failed to find unique target for patch ConfigMap.v1.[noGrp]/x.[noNs]`,
		"resources: [bad.yaml]":                 `accumulating resources: accumulating resources from 'bad.yaml': MalformedYAMLError: yaml: line 1: did not find expected node content in File: bad.yaml`,
	} {
		_, err := r.Kustomize(t.Context(), render.Kustomization{Dir: "k", Files: map[string][]byte{
			"k/kustomization.yaml": []byte(text), "k/x.yaml": []byte("{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}"),
			"b/x.yaml": []byte("{apiVersion: v1, kind: ConfigMap, metadata: {name: y}}"), "b/kustomization.yaml": []byte("resources: [x.yaml]"),
			"k/bad.yaml": []byte("a: [\n"),
		}})
		if err == nil || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

// A buildCase is one file of testdata/kustomize.
type buildCase struct {
	path    string
	archive *txtar.Archive
	// top is where the tree lies, dir what is built of it.
	top, dir string
	anyPath  bool
	want     string
}

func readBuild(t *testing.T, path string) *buildCase {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c := &buildCase{path: path, archive: archive, top: t.TempDir()}
	for _, f := range archive.Files {
		if f.Name == "want" {
			c.want = string(f.Data)
			continue
		}
		c.write(t, f.Name, f.Data)
	}
	_, asked, _ := strings.Cut(string(archive.Comment), "\n\n")
	for line := range strings.Lines(asked) {
		switch words := strings.Fields(line); {
		case len(words) == 2 && words[0] == "build":
			c.dir = words[1]
		case len(words) == 3 && words[0] == "link":
			if err := os.Symlink(words[2], filepath.Join(c.top, words[1])); err != nil {
				t.Fatal(err)
			}
		case len(words) == 1 && words[0] == "anypath":
			c.anyPath = true
		default:
			t.Fatalf("%s: do not know %q", path, line)
		}
	}
	return c
}

func (c *buildCase) write(t *testing.T, name string, text []byte) {
	t.Helper()
	name = filepath.Join(c.top, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (c *buildCase) open(t *testing.T) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(c.top)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := root.Close(); err != nil {
			t.Error(err)
		}
	})
	return root
}

// sameObjects compares with what the library makes of the tree on the disk.
func (c *buildCase) sameObjects(t *testing.T, got []render.Document) {
	t.Helper()
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified
	if c.anyPath {
		options.LoadRestrictions = types.LoadRestrictionsNone
	}
	openapi.ResetOpenAPI()
	built, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), filepath.Join(c.top, c.dir))
	if err != nil {
		t.Fatalf("kustomize itself: %v", err)
	}
	if built.Size() != len(got) || len(got) == 0 {
		t.Fatalf("%d objects, want %d", len(got), built.Size())
	}
	for i, res := range built.Resources() {
		want, err := res.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if string(got[i].Text) != string(want) {
			t.Errorf("object %d:\n%s\nwant\n%s", i, got[i].Text, want)
		}
	}
}

// sameWant compares what is used and where the objects came from with what was recorded.
func (c *buildCase) sameWant(t *testing.T, used render.Used, got []render.Document) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "kustomization %s\n", used.File)
	for _, name := range slices.Sorted(maps.Keys(used.Files)) {
		fmt.Fprintf(&b, "file %s\n", name)
	}
	for _, name := range slices.Sorted(maps.Keys(used.Links)) {
		fmt.Fprintf(&b, "link %s %s\n", name, used.Links[name])
	}
	for _, dir := range used.Dirs {
		fmt.Fprintf(&b, "dir %s\n", dir)
	}
	for _, d := range got {
		var object struct {
			Kind     string
			Metadata struct{ Namespace, Name string }
		}
		if err := json.Unmarshal(d.Text, &object); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "object %s %s/%s of %s\n", object.Kind, object.Metadata.Namespace, object.Metadata.Name, d.File)
	}
	if *record {
		c.record(t, b.String())
	} else if b.String() != c.want {
		t.Errorf("used:\n%s\nwant:\n%s", b.String(), c.want)
	}
}

func (c *buildCase) record(t *testing.T, want string) {
	t.Helper()
	c.archive.Files = slices.DeleteFunc(c.archive.Files, func(f txtar.File) bool { return f.Name == "want" })
	c.archive.Files = append(c.archive.Files, txtar.File{Name: "want", Data: []byte(want)})
	if err := os.WriteFile(c.path, txtar.Format(c.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkOverlay is one overlay by the process, BenchmarkLibrary the same by the library
// on a disk.
func BenchmarkOverlay(b *testing.B) {
	k, _ := overlay(b)
	r := render.New(render.Limits{})
	build := func() {
		if _, err := r.Kustomize(b.Context(), k); err != nil {
			b.Fatal(err)
		}
	}
	build() // starts the process, and reads the library's schema
	for b.Loop() {
		build()
	}
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkLibrary(b *testing.B) {
	k, top := overlay(b)
	build := func() {
		if _, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(top, k.Dir)); err != nil {
			b.Fatal(err)
		}
	}
	build()
	for b.Loop() {
		build()
	}
}

// overlay is one that a hundred services have in common.
func overlay(b *testing.B) (render.Kustomization, string) {
	b.Helper()
	top, files := b.TempDir(), map[string][]byte{}
	var names strings.Builder
	for i := range 100 {
		name := fmt.Sprintf("s%d.yaml", i)
		fmt.Fprintf(&names, "- %s\n", name)
		files["base/"+name] = fmt.Appendf(nil, `{apiVersion: v1, kind: Service, metadata: {name: s%d, labels: {app: a}}, spec: {ports: [{port: %d}]}}`, i, i+1)
	}
	files["base/kustomization.yaml"] = []byte("resources:\n" + names.String())
	files["prod/kustomization.yaml"] = []byte(`{resources: [../base], namespace: prod, patches: [{target: {kind: Service}, patch: "{apiVersion: v1, kind: Service, metadata: {name: any}, spec: {type: ClusterIP}}"}]}`)
	for name, text := range files {
		name = filepath.Join(top, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, text, 0o600)); err != nil {
			b.Fatal(err)
		}
	}
	return render.Kustomization{Dir: "prod", Files: files}, top
}

func closed(t *testing.T, r *render.Renderer) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

package repo

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/render"
)

// A tree in which nothing is rendered reads as its files do, to the last line and digest.
func TestPlainTreesAreTheirFiles(t *testing.T) {
	paths := []string{"../../examples/operators", "../../examples/company/", "../../examples/suite/cluster", "../../adapter/estate/testdata"}
	err := filepath.WalkDir("../../examples", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(p, ".yaml") && !strings.HasPrefix(p, "../../examples/gitops") {
			paths = append(paths, p)
		}
		return err
	})
	if err != nil || len(paths) < 20 {
		t.Fatal(len(paths), err)
	}
	absolute, err := filepath.Abs("../../examples/seeds")
	if err != nil {
		t.Fatal(err)
	}
	notPod := func(ty object.Type, _ []byte) bool { return ty.Kind != "Pod" && ty.Kind != "ConfigMap" }
	for _, opts := range []file.Options{{}, {Digests: true, Namespace: "other", Wants: notPod}, {Skip: []string{"suite", "**/access*"}}} {
		for _, p := range append(paths, absolute) {
			sameAsFiles(t, p, opts)
		}
	}
}

func sameAsFiles(t *testing.T, path string, opts file.Options) {
	t.Helper()
	want, werr := file.Read(t.Context(), []string{path}, opts)
	got, gerr := Read(t.Context(), path, Options{Options: opts, Renderer: render.New(render.Limits{})})
	if (werr == nil) != (gerr == nil) || werr != nil && werr.Error() != gerr.Error() {
		t.Errorf("%s: error %v, want %v", path, gerr, werr)
	}
	at := func(b object.Batch) (lines []int) {
		for _, o := range b.Objects {
			lines = append(lines, b.Locate(o.Origin().At("%s", "metadata.name")).Line)
		}
		return lines
	}
	if !slices.Equal(at(got), at(want)) {
		t.Errorf("%s: fields are on other lines", path)
	}
	got.Locate, want.Locate = nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %d objects and %d problems, want %d and %d", path, len(got.Objects), len(got.Problems), len(want.Objects), len(want.Problems))
	}
}

// Where nothing is rendered, planning costs next to nothing: memory is counted, since time
// does not repeat.
func TestPlainTreesCostTheirFiles(t *testing.T) {
	t.Chdir(tempTree(t))
	for i := range 20 {
		var text strings.Builder
		for j := range 20 {
			fmt.Fprintf(&text, "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: p%d-%d\n  labels: {app: a%d}\n", i, j, j)
		}
		put(t, fmt.Sprintf("d%d/f%d.yaml", i%5, i), text.String())
	}
	files := allocated(func() {
		if _, err := file.Read(t.Context(), []string{"."}, file.Options{}); err != nil {
			t.Error(err)
		}
	})
	tree := allocated(func() {
		if b, err := Read(t.Context(), ".", Options{Renderer: render.New(render.Limits{})}); err != nil || len(b.Objects) != 400 {
			t.Error(err)
		}
	})
	if tree > files+files/10 {
		t.Errorf("%d bytes for a tree of %d", tree, files)
	}
}

// Standard input is what it is, whatever lies around.
func TestStandardInput(t *testing.T) {
	t.Chdir(t.TempDir())
	put(t, "kustomization.yaml", "resources: [absent.yaml]\n")
	text := "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
	b, err := Read(t.Context(), "-", Options{Options: file.Options{Stdin: strings.NewReader(text)}})
	if err != nil || len(b.Objects) != 1 || b.Objects[0].Source != (object.Source{File: "-", Line: 1}) {
		t.Errorf("%+v %v", b, err)
	}
}

// Of more than twenty files that nothing uses the rest is counted.
func TestManyUnused(t *testing.T) {
	t.Chdir(t.TempDir())
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
	put(t, "kustomization.yaml", "resources: [used.yaml]\n")
	put(t, "used.yaml", pod)
	for _, c := range "abcdefghijklmnopqrstuvwxyz" {
		put(t, "left/"+string(c)+".yaml", strings.ReplaceAll(pod, "name: a", "name: x"+string(c)))
	}
	r := render.New(render.Limits{})
	defer r.Close() //nolint:errcheck // of a test that has its answer
	b, err := Read(t.Context(), ".", Options{Renderer: r})
	if err != nil || len(b.Objects) != 1 || len(b.Warnings) != maxUnused+1 {
		t.Fatalf("%v, %d warnings, %v", b.Objects, len(b.Warnings), err)
	}
	if last := b.Warnings[maxUnused].Text; !strings.HasPrefix(last, "and 6 more files") {
		t.Error(last)
	}
}

package repo

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"helm.sh/helm/v4/pkg/strvals"
	"sigs.k8s.io/yaml"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/render"
)

// Each file is a tree that is read from "deploy", and "want" is what the cluster then has of
// Services and Pods: what Argo CD and Flux make of their options, built by the tools themselves.
func TestGitopsObjects(t *testing.T) {
	tests, err := filepath.Glob("testdata/gitopsobjects/*.txtar")
	if err != nil || len(tests) == 0 {
		t.Fatal(tests, err)
	}
	for _, name := range tests {
		if name, err = filepath.Abs(name); err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { testObjects(t, name) })
	}
}

func testObjects(t *testing.T, name string) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	at := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
	if at < 0 {
		t.Fatal("nothing is wanted")
	}
	for i, f := range archive.Files {
		if i != at {
			write(t, f.Name, f.Data)
		}
	}
	got := deployed(t)
	if *updateGitops {
		archive.Files[at].Data = got
		if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := archive.Files[at].Data; !bytes.Equal(got, want) {
		t.Errorf("the cluster has:\n%s\nwanted:\n%s", got, want)
	}
}

func deployed(t *testing.T) []byte {
	renderer := render.New(render.Limits{})
	defer func() {
		if err := renderer.Close(); err != nil {
			t.Error(err)
		}
	}()
	opts := Options{Renderer: renderer}
	opts.Wants = func(typ object.Type, _ []byte) bool {
		return typ.Group == "" && (typ.Kind == "Service" || typ.Kind == "Pod")
	}
	batch, err := Read(t.Context(), "deploy", opts)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, o := range batch.Objects {
		text, err := yaml.JSONToYAML(o.JSON)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("# " + o.Ref().String() + " of " + placed(o) + "\n")
		out.Write(text)
	}
	for _, p := range batch.Problems {
		out.WriteString("# problem: " + p.Origin.String() + ": " + p.Fault() + "\n")
	}
	return out.Bytes()
}

// What is written for --set-string and --set comes out of helm's own parser as it went in.
func TestHelmTakesValues(t *testing.T) {
	for _, value := range []string{"", "a", "a,b", "{a,b}", `a\`, `\,`, `[0]`, "a = {b, c}\n\\ [d]\n", "{", "null", "true", "a=b.c"} {
		got, err := strvals.ParseString("x.y=" + escapeLiteral(value))
		if err != nil || got["x"].(map[string]any)["y"] != value {
			t.Errorf("%q: %v %v", value, got, err)
		}
	}
	for value, want := range map[string]any{"a,b": "a,b", `a\,b`: "a,b", ",a": ",a", "1": int64(1), "true": true} {
		got, err := strvals.Parse("x=" + escapeCommas(value))
		if err != nil || got["x"] != want {
			t.Errorf("%q: %v %v", value, got, err)
		}
	}
	got, err := strvals.Parse("x=" + escapeCommas("{a,b}"))
	if list, ok := got["x"].([]any); err != nil || !ok || len(list) != 2 {
		t.Error(got, err)
	}
}

package estate

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
)

var update = flag.Bool("update", false, "write what is seen into the txtar files")

// Each file of testdata is a directory of manifests, and under "want" what is read
// of it. Lines of the comment that begin with "skip:" are --skip patterns, with
// "namespace:" the namespace, with "path:" what to read instead of everything.
func TestText(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no test files", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txtar"), func(t *testing.T) { runText(t, f) })
	}
}

func runText(t *testing.T, name string) {
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	want := -1
	for i, f := range archive.Files {
		if f.Name == "want" {
			want = i
			continue
		}
		write(t, f.Name, f.Data)
	}
	if want < 0 {
		archive.Files = append(archive.Files, txtar.File{Name: "want"})
		want = len(archive.Files) - 1
	}
	got := load(optionsOf(t, string(archive.Comment)))
	if *update {
		archive.Files[want].Data = []byte(got)
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(archive.Files[want].Data) != got {
		t.Errorf("read:\n%s\nwant:\n%s", got, archive.Files[want].Data)
	}
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func optionsOf(t *testing.T, comment string) Options {
	opts := Options{}
	for line := range strings.Lines(comment) {
		word, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || strings.Contains(word, " ") {
			continue
		}
		switch word {
		case "skip":
			opts.Skip = append(opts.Skip, value)
		case "namespace":
			opts.Namespace = value
		case "path":
			opts.Paths = append(opts.Paths, value)
		case "facts":
			opts.FactsFile = value
		default:
			t.Fatalf("unknown word %q", word)
		}
	}
	if opts.Paths == nil {
		opts.Paths = []string{"."}
	}
	return opts
}

func load(opts Options) string {
	opts.Adapters = []operator.Adapter{{Adapt: func(*operator.World) {}, Kinds: []object.Type{
		{Group: "postgresql.cnpg.io", Kind: "Cluster"}, {Group: "postgresql.cnpg.io", Kind: "Pooler"}, {Group: "stackgres.io", Kind: "SGCluster"},
	}}}
	s, err := Load(context.Background(), opts)
	if err != nil {
		return "error " + err.Error() + "\n"
	}
	return textOf(s)
}

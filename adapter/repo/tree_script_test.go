package repo

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/render"
)

var update = flag.Bool("update", false, "write what was read into the scripts")

// TestTrees reads trees. A script has the files of one, "setup" with what no file can say, and
// "read ARGS" with what comes of it.
func TestTrees(t *testing.T) {
	scripts, err := filepath.Glob("testdata/tree/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal("there are no scripts", err)
	}
	for _, script := range scripts {
		name, err := filepath.Abs(script)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) { runTree(t, name) })
	}
}

func runTree(t *testing.T, script string) {
	archive, err := txtar.ParseFile(script)
	if err != nil {
		t.Fatal(err)
	}
	top := tempTree(t)
	for _, f := range archive.Files {
		if !strings.HasPrefix(f.Name, "read ") && f.Name != "setup" {
			put(t, filepath.Join(top, f.Name), string(f.Data))
		}
	}
	changed := false
	for i, f := range archive.Files {
		switch args, ok := strings.CutPrefix(f.Name, "read "); {
		case f.Name == "setup":
			setup(t, top, string(f.Data))
		case ok:
			got := readTree(t, top, strings.Fields(args))
			changed = changed || got != string(f.Data)
			if got != string(f.Data) && !*update {
				t.Errorf("read %s\ngot:\n%swant:\n%s", args, got, f.Data)
			}
			archive.Files[i].Data = []byte(got)
		}
	}
	if changed && *update {
		if err := os.WriteFile(script, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// tempTree is a folder without links on the way to it.
func tempTree(t *testing.T) string {
	t.Helper()
	dir, err := realPath(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func put(t testing.TB, name, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// setup takes lines: "repository DIR", "link NAME TARGET", "size NAME BYTES".
func setup(t *testing.T, top, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		name := filepath.Join(top, words[1])
		var err error
		switch words[0] {
		case "repository":
			err = os.MkdirAll(filepath.Join(name, ".git"), 0o755)
		case "link":
			err = errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.Symlink(strings.ReplaceAll(words[2], "$TOP", top), name))
		case "size":
			var size int64
			if _, err = fmt.Sscan(words[2], &size); err == nil {
				put(t, name, "")
				err = os.Truncate(name, size)
			}
		default:
			t.Fatalf("%s is no setup", words[0])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// readTree reads as the words say, and tells what came of it a line each.
func readTree(t *testing.T, top string, words []string) string {
	t.Helper()
	t.Chdir(top)
	opts := Options{Renderer: render.New(render.Limits{})}
	path := ""
	flags := flag.NewFlagSet("read", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&path, "f", "", "")
	flags.StringVar(&opts.Namespace, "namespace", "", "")
	flags.StringVar(&opts.Charts.Release, "release", "", "")
	flags.BoolVar(&opts.Digests, "digests", false, "")
	list := func(into *[]string) func(string) error {
		return func(s string) error { *into = append(*into, s); return nil }
	}
	flags.Func("skip", "", list(&opts.Skip))
	flags.Func("values", "", list(&opts.Charts.Values))
	flags.Func("set", "", list(&opts.Charts.Set))
	wants := ""
	flags.StringVar(&wants, "wants", "", "")
	flags.Func("cd", "", func(dir string) error { t.Chdir(filepath.Join(top, dir)); return nil })
	if err := flags.Parse(words); err != nil {
		t.Fatal(err)
	}
	if wants != "" {
		kinds := strings.Split(wants, ",")
		opts.Wants = func(t object.Type, _ []byte) bool { return slices.Contains(kinds, t.Kind) }
	}
	defer func() {
		if err := opts.Renderer.Close(); err != nil {
			t.Error(err)
		}
	}()
	batch, err := Read(context.Background(), strings.ReplaceAll(path, "$TOP", top), opts)
	return strings.ReplaceAll(told(batch, err), top, "$TOP")
}

// told writes a batch.
func told(b object.Batch, err error) string {
	var out strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	for _, o := range b.Objects {
		line("%s", o.Origin())
	}
	for _, p := range b.Problems {
		line("problem %s: %s [%s]", p.Origin, p.Fault(), p.Namespace)
	}
	for _, w := range b.Warnings {
		line("warning %s %s: %s", w.Code, w.Origin, w.Text)
	}
	for _, m := range b.Missing {
		line("missing %s: %s [%s]", m.By, m.What, m.Namespace)
	}
	for _, s := range b.Skipped {
		line("skipped %s", s)
	}
	for _, in := range b.Inputs {
		line("input %s %.8s", in.Name, in.SHA256)
	}
	if b.Ignored+b.Unused > 0 {
		line("ignored %d unused %d", b.Ignored, b.Unused)
	}
	if err != nil {
		line("error %v", err)
	}
	return out.String()
}

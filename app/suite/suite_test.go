package suite

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what is printed into the txtar files")

const collection = "../../examples/suite"

// Our own collection: each folder is one question with an answer derived by hand.
func TestCollection(t *testing.T) {
	results, err := Run(context.Background(), collection)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) < 75 {
		t.Errorf("only %d files of expectations", len(results))
	}
	for _, r := range results {
		t.Run(strings.TrimPrefix(r.Name, collection+"/"), func(t *testing.T) {
			if r.State != OK {
				t.Errorf("%s\n%s", r.State, strings.Join(r.lines(), "\n"))
			}
		})
	}
}

// A folder of the collection with a policy and no expectation would look as if it
// were checked.
func TestCollectionHasNoOrphans(t *testing.T) {
	policies, err := filepath.Glob(collection + "/*/*/policy.yaml")
	if err != nil || len(policies) < 60 {
		t.Fatalf("%d policies, %v", len(policies), err)
	}
	for _, p := range policies {
		if found, _ := find(filepath.Dir(p)); len(found) == 0 {
			t.Errorf("%s: nothing is expected of it", p)
		}
	}
}

// Each file of testdata is a tree of folders, and under "want" what is printed of it.
func TestOutput(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) { output(t, path) })
	}
}

func output(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(unpacked(t, archive))
	var out, stderr bytes.Buffer
	code := Main(t.Context(), []string{"suite", "."}, &out, &stderr)
	got := out.String() + stderr.String() + "status " + string(rune('0'+code)) + "\n"
	want := &archive.Files[len(archive.Files)-1]
	if want.Name != "want" {
		t.Fatalf("the last file is %s", want.Name)
	}
	if *update {
		want.Data = []byte(got)
		if err := os.WriteFile(origin(t, path), txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != string(want.Data) {
		t.Errorf("got\n%s\nwant\n%s", got, want.Data)
	}
}

var start, _ = os.Getwd()

func origin(t *testing.T, path string) string {
	t.Helper()
	return filepath.Join(start, path)
}

func unpacked(t *testing.T, archive *txtar.Archive) string {
	dir := t.TempDir()
	for _, f := range archive.Files {
		if f.Name == "want" {
			continue
		}
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

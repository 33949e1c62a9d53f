package manifest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Writing again takes away what is asked for no more and leaves what others wrote; a file
// in the way stops everything.
func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	files, err := Kustomize(compiled(), source(t))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Write(dir, files); err != nil {
			t.Fatal(err)
		}
	}
	if got := list(t, dir); !slices.Equal(got, []string{"fields/payments/cluster-ledger.yaml", "kustomization.yaml", "objects/_cluster/clusterrole-system-ledger-" + digest("system:ledger") + ".yaml",
		"objects/payments/networkpolicy-ledger.yaml", "pgmoat.json"}) {
		t.Errorf("%v", got)
	}
	theirs := filepath.Join(dir, "objects", "README.md")
	if err := os.WriteFile(theirs, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	fewer := compiled()
	fewer.Artefacts = fewer.Artefacts[3:]
	files, err = Dir(fewer, source(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, files); err != nil {
		t.Fatal(err)
	}
	if got := list(t, dir); len(got) != 4 || got[1] != "objects/README.md" {
		t.Errorf("%v", got)
	}
	err = Write(dir, append([]File{{"new.yaml", ""}, {"objects/README.md", "mine"}}, files...))
	if err == nil || !strings.HasSuffix(err.Error(), "objects/README.md: is there already, and pgmoat did not write it") {
		t.Error(err)
	}
	if got := list(t, dir); len(got) != 4 {
		t.Errorf("something was written: %v", got)
	}
}

// A run that was cut off is finished by the next one, whatever that has to write: it takes
// away what both before it wrote.
func TestWriteAfterABreak(t *testing.T) {
	dir := t.TempDir()
	version := func(n string) []File {
		return []File{{"objects/a", n}, {"objects/" + n, n}, {Index, fmt.Sprintf(`{"files":["objects/a","objects/%s"]}`, n)}}
	}
	if err := Write(dir, version("1")); err != nil {
		t.Fatal(err)
	}
	// A directory in the place of what is to be taken away stops the second run at its end.
	old := filepath.Join(dir, "objects/1")
	if err := errors.Join(os.Remove(old), os.MkdirAll(filepath.Join(old, "full"), 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, version("2")); err == nil {
		t.Fatal("a directory was taken away")
	}
	if err := errors.Join(os.RemoveAll(old), os.WriteFile(old, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, version("3")); err != nil {
		t.Fatal(err)
	}
	if got := list(t, dir); !slices.Equal(got, []string{"objects/3", "objects/a", Index}) {
		t.Errorf("%v", got)
	}
}

// Links that lead out of the directory, and a list of files that does, are of no use.
func TestWriteStaysInside(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	victim := filepath.Join(outside, "victim")
	if err := os.WriteFile(victim, []byte("safe"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "objects")); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, []File{{"objects/victim", "gone"}}); err == nil {
		t.Error("a link was followed")
	}
	relative, err := filepath.Rel(dir, victim)
	if err != nil {
		t.Fatal(err)
	}
	for _, index := range []string{fmt.Sprintf(`{"files":[%q]}`, relative), `{"files":["objects/victim"]}`, `{}`, `[]`, `x`} {
		if err := os.WriteFile(filepath.Join(dir, Index), []byte(index), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := Write(dir, []File{{"a", "b"}}); err == nil {
			t.Errorf("%s was believed", index)
		}
		if data, err := os.ReadFile(victim); err != nil || string(data) != "safe" {
			t.Fatal(string(data), err)
		}
	}
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, name)
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// Package worldtest lets a test of an adapter be text: objects in, the servers
// that stand for them out.
package worldtest

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/kube"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

var update = flag.Bool("update", false, "write what the adapters make of the objects into testdata")

// Run reads each archive of testdata, adapts its in.yaml and compares with out.
func Run(t *testing.T, adapt func(*operator.World)) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { one(t, adapt, name) })
	}
}

const (
	inMark  = "-- in.yaml --\n"
	outMark = "-- out --\n"
)

func one(t *testing.T, adapt func(*operator.World), name string) {
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	comment, rest, ok := strings.Cut(string(data), inMark)
	in, want, ok2 := strings.Cut(rest, outMark)
	if !ok || !ok2 || comment == "" {
		t.Fatal("want a comment and the files in.yaml and out")
	}
	w := World(t, in)
	adapt(w)
	got := Print(w)
	if *update {
		if err := os.WriteFile(name, []byte(comment+inMark+in+outMark+got), 0o600); err != nil { //nolint:gosec // a file of testdata
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// World builds an estate from YAML documents, as the program does before it asks the
// adapters.
func World(t *testing.T, text string) *operator.World {
	t.Helper()
	batch, err := file.Read(context.Background(), []string{"-"}, file.Options{
		Stdin: strings.NewReader(text), Wants: func(object.Type, []byte) bool { return true },
	})
	if err != nil && !errors.Is(err, file.ErrNothing) {
		t.Fatal(err)
	}
	w := &operator.World{Snapshot: &snapshot.Snapshot{Problems: batch.Problems}, Objects: map[string][]object.Object{}}
	kube.Convert(batch.Objects, w.Snapshot)
	for _, o := range batch.Objects {
		key := o.Type().String()
		w.Objects[key] = append(w.Objects[key], o)
	}
	return w
}

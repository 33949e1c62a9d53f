// Package manifests reads the manifests of a test, so that tests of engines can ask
// about what people write.
package manifests

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Read reads YAML documents, and a facts file. What is wrong with a document is among
// the snapshot's Problems. No operator is asked for its servers.
func Read(t *testing.T, facts string, documents ...string) *snapshot.Snapshot {
	t.Helper()
	return load(t, estate.Options{Paths: []string{"-"}, Stdin: joined(documents), FactsFile: written(t, facts)})
}

// Servers is Read with what all operators make of their objects.
func Servers(t *testing.T, facts string, documents ...string) *snapshot.Snapshot {
	t.Helper()
	return load(t, estate.Options{Paths: []string{"-"}, Stdin: joined(documents), FactsFile: written(t, facts), Adapters: known.Adapters()})
}

// File is Servers of one file, which origins then name.
func File(t *testing.T, facts, path string) *snapshot.Snapshot {
	t.Helper()
	return load(t, estate.Options{Paths: []string{path}, FactsFile: written(t, facts), Adapters: known.Adapters()})
}

func joined(documents []string) io.Reader {
	return strings.NewReader(strings.Join(documents, "\n---\n"))
}

func written(t *testing.T, facts string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "facts.yaml")
	if err := os.WriteFile(name, []byte(facts), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func load(t *testing.T, opts estate.Options) *snapshot.Snapshot {
	t.Helper()
	s, err := estate.Load(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

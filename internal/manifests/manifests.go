// Package manifests reads the manifests of a test, so that tests of engines can ask
// about what people write.
package manifests

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Read reads YAML documents, and a facts file. What is wrong with a document is among
// the snapshot's Problems.
func Read(t *testing.T, facts string, documents ...string) *snapshot.Snapshot {
	t.Helper()
	name := filepath.Join(t.TempDir(), "facts.yaml")
	if err := os.WriteFile(name, []byte(facts), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := estate.Load(context.Background(), estate.Options{
		Paths: []string{"-"}, Stdin: strings.NewReader(strings.Join(documents, "\n---\n")), FactsFile: name,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

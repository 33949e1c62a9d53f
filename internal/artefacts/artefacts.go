// Package artefacts writes what was compiled as the program does and reads it back as the
// API server's reader does, so that tests can ask about the estate that it makes.
package artefacts

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/manifest"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Read returns an estate of nothing but the whole objects that were compiled. One that
// would not be accepted fails the test.
func Read(t *testing.T, out *compile.Output) *snapshot.Snapshot {
	t.Helper()
	var documents []string
	for _, a := range out.Artefacts {
		if a.Object != nil {
			documents = append(documents, manifest.YAML(a.Object))
		}
	}
	read, err := estate.Load(context.Background(), estate.Options{
		Paths: []string{"-"}, Stdin: strings.NewReader(strings.Join(documents, "---\n")),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range read.Problems {
		t.Errorf("%s: %s", p.Origin, p.Err)
	}
	return read
}

// Applied returns the estate with the policies that were compiled.
func Applied(t *testing.T, world *snapshot.Snapshot, out *compile.Output) *snapshot.Snapshot {
	t.Helper()
	after, made := *world, Read(t, out)
	after.Policies = slices.Concat(world.Policies, made.Policies)
	after.ClusterPolicies = slices.Concat(world.ClusterPolicies, made.ClusterPolicies)
	return &after
}

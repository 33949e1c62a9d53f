package overlay

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/file"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/adapter/pgmoat"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// examples are estates of every operator.
var examples = []string{"company/mended", "operators/crunchy", "operators/percona", "operators/stackgres", "operators/zalando"}

var backends = []compile.Backend{compile.NetworkPolicy, compile.ClusterNetworkPolicy, compile.HBA, compile.Ident, compile.TLS,
	compile.RBAC, compile.Namespace}

func snapshotOf(t *testing.T, source estate.Source, opts estate.Options) *snapshot.Snapshot {
	t.Helper()
	s, err := estate.From(context.Background(), source, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// intentsFor asks for a perimeter and an access of every server.
func intentsFor(t *testing.T, s *snapshot.Snapshot) intent.Intents {
	t.Helper()
	var text strings.Builder
	for i, server := range s.Servers {
		r := server.Ref()
		fmt.Fprintf(&text, `---
{apiVersion: pgmoat.dev/v1alpha1, kind: PostgresPerimeter, metadata: {name: p%[1]d, namespace: %[2]s}, spec: {server: {name: %[3]s, kind: %[4]s}}}
---
{apiVersion: pgmoat.dev/v1alpha1, kind: PostgresAccess, metadata: {name: a%[1]d, namespace: %[2]s}, spec: {server: {name: %[3]s, kind: %[4]s},
 from: [{podSelector: {matchLabels: {app: web}}}], to: [{databases: [orders], role: web}]}}
`, i, r.Namespace, r.Name, r.Kind)
	}
	batch, err := file.Read(context.Background(), []string{"-"}, file.Options{Stdin: strings.NewReader(text.String())})
	if err != nil {
		t.Fatal(err)
	}
	return pgmoat.Read(batch, s.Facts)
}

func artefactsOf(t *testing.T, in intent.Intents, s *snapshot.Snapshot) []artefact.Artefact {
	t.Helper()
	job, errs := compile.Plan(in, s, 0)
	for _, e := range errs {
		if !e.Warning {
			t.Fatalf("%s: %s", e.Origin, e.Text)
		}
	}
	return compile.Compile(job, backends).Artefacts
}

// Compiling again what was compiled and applied changes nothing: the backends read what
// they wrote, and the snapshot has all of it.
func TestCompiledStays(t *testing.T) {
	for _, example := range examples {
		opts := estate.Options{Paths: []string{"../../examples/" + example}, Adapters: known.Adapters()}
		var read []object.Object
		s := snapshotOf(t, func(ctx context.Context, _ estate.Wants) (object.Batch, error) {
			b, err := file.Read(ctx, opts.Paths, file.Options{})
			read = b.Objects
			return b, err
		}, opts)
		in := intentsFor(t, s)
		first := artefactsOf(t, in, s)
		after := snapshotOf(t, Source(estate.Files(opts), first), opts)
		if len(after.Problems) != len(s.Problems) || len(after.Servers) != len(s.Servers) {
			t.Errorf("%s: %v", example, after.Problems)
		}
		again := artefactsOf(t, in, after)
		once, err := Apply(read, first)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := Apply(once, again)
		if err != nil {
			t.Fatal(err)
		}
		if len(first) == 0 || len(once) != len(twice) {
			t.Errorf("%s: %d artefacts, %d objects and then %d", example, len(first), len(once), len(twice))
		}
		for i := range once {
			if !reflect.DeepEqual(tree(t, once[i].JSON), tree(t, twice[i].JSON)) {
				t.Errorf("%s: %s\n%s\n%s", example, once[i].Ref(), once[i].JSON, twice[i].JSON)
			}
		}
	}
}

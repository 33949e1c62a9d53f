package worldgen_test

import (
	"context"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/adapter/overlay"
	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/engine/prove"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/internal/worldgen"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

var backends = []compile.Backend{
	compile.Namespace, compile.NetworkPolicy, compile.ClusterNetworkPolicy, compile.TLS, compile.Ident, compile.HBA, compile.RBAC, compile.Privileges,
}

// intended reads an estate of servers with perimeters and accesses around them; with
// artefacts, as it would be.
func intended(b *testing.B, workloads, servers, accesses int) (in *intent.Intents, read func([]artefact.Artefact) *snapshot.Snapshot) {
	dir := b.TempDir()
	for _, err := range []error{
		worldgen.Write(dir, queues(worldgen.Estate(workloads, 1))),
		worldgen.WriteServers(dir, servers, 1, false),
		worldgen.WriteIntents(dir, servers, accesses, 1),
	} {
		if err != nil {
			b.Fatal(err)
		}
	}
	in = &intent.Intents{}
	opts := estate.Options{Paths: []string{dir}, Adapters: known.Adapters(), Intents: in}
	batch, err := estate.Files(opts)(context.Background(), func(object.Type, []byte) bool { return true })
	if err != nil {
		b.Fatal(err)
	}
	source := func(context.Context, estate.Wants) (object.Batch, error) { return batch, nil }
	return in, func(as []artefact.Artefact) *snapshot.Snapshot {
		*in = intent.Intents{}
		world, err := estate.From(context.Background(), overlay.Source(source, as), opts)
		if err != nil || len(world.Servers) != servers {
			b.Fatal(err, len(world.Servers))
		}
		return world
	}
}

// BenchmarkIntents compiles 1,000 accesses to 200 servers among 10,000 workloads, and proves
// what was compiled; reading the estate, and reading it again with the artefacts, apart.
func BenchmarkIntents(b *testing.B) {
	in, read := intended(b, 9_400, 200, 1_000)
	world := read(nil)
	job, _ := compile.Plan(*in, world, 0)
	output := compile.Compile(job, backends)
	after := read(output.Artefacts)
	if len(job.Sites) != 200 || len(output.Artefacts) < 1_000 {
		b.Fatalf("%d sites, %d artefacts", len(job.Sites), len(output.Artefacts))
	}
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			read(nil)
		}
	})
	b.Run("read-applied", func(b *testing.B) {
		for b.Loop() {
			read(output.Artefacts)
		}
	})
	b.Run("compile", func(b *testing.B) {
		for b.Loop() {
			job, _ := compile.Plan(*in, world, 0)
			compile.Compile(job, backends)
		}
	})
	b.Run("prove", func(b *testing.B) {
		for b.Loop() {
			proof := prove.Prove(prove.Question{Intents: *in, Job: job, Before: reach.New(world), After: reach.New(after)})
			if len(proof.Statements) < 1_000 {
				b.Fatal(len(proof.Statements))
			}
		}
	})
}

package worldgen_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/operator/known"
	"github.com/pgmoat/pgmoat/engine/change"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/internal/worldgen"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// What is written as manifests and read again gives the same connections, line by
// line: the generator, the adapters and the engine mean the same.
func TestWrittenEstateReadsBack(t *testing.T) {
	world := worldgen.Estate(150, 7)
	dir := t.TempDir()
	if err := worldgen.Write(dir, world); err != nil {
		t.Fatal(err)
	}
	read, err := estate.Load(context.Background(), estate.Options{Paths: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range read.Problems {
		t.Errorf("%s: %s", p.Origin, p.Err)
	}
	if len(read.Policies) != len(world.Policies) || len(read.Workloads) != len(world.Workloads) {
		t.Errorf("read %d policies, %d workloads; wrote %d, %d", len(read.Policies), len(read.Workloads), len(world.Policies), len(world.Workloads))
	}
	read.Facts = world.Facts
	var want, got bytes.Buffer
	if err := network.New(world).Connections().WriteJSON(&want); err != nil {
		t.Fatal(err)
	}
	if err := network.New(read).Connections().WriteJSON(&got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(connections(want), connections(got)) {
		t.Errorf("wrote\n%.2000s\nread\n%.2000s", want.String(), got.String())
	}
}

// connections leaves out warnings, which only a reader has.
func connections(b bytes.Buffer) []byte {
	text, _, _ := bytes.Cut(b.Bytes(), []byte(`"assumptions":`))
	return text
}

func BenchmarkFromManifests(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000} {
		dir := b.TempDir()
		if err := worldgen.Write(dir, worldgen.Estate(n, 1)); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				world, err := estate.Load(context.Background(), estate.Options{Paths: []string{dir}})
				if err != nil {
					b.Fatal(err)
				}
				if err := network.New(world).Connections().WriteJSON(io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// queues makes of the databases of an estate what is no PostgreSQL, so that there are no
// servers but those that WriteServers adds.
func queues(world *snapshot.Snapshot) *snapshot.Snapshot {
	for _, w := range world.Workloads {
		for _, p := range w.Pods {
			for i := range p.Ports {
				if p.Ports[i].Name == "postgres" {
					p.Ports[i].Name, p.Ports[i].Port = "queue", 5672
				}
			}
		}
	}
	return world
}

// BenchmarkServers asks the questions of an estate of 200 servers among 10,000 workloads:
// reading it, the closed list of one server, and all that differs from it after a day's
// work, with the reading of both and without.
func BenchmarkServers(b *testing.B) {
	load := func(edited bool) func() *snapshot.Snapshot {
		dir := b.TempDir()
		if err := worldgen.Write(dir, queues(worldgen.Estate(9_400, 1))); err != nil {
			b.Fatal(err)
		}
		if err := worldgen.WriteServers(dir, 200, 1, edited); err != nil {
			b.Fatal(err)
		}
		return func() *snapshot.Snapshot {
			world, err := estate.Load(context.Background(), estate.Options{Paths: []string{dir}, Adapters: known.Adapters()})
			if err != nil {
				b.Fatal(err)
			}
			world.Facts.Complete, world.Facts.Enforces = true, verdict.Allow
			return world
		}
	}
	before, after := load(false), load(true)
	worlds := [2]*snapshot.Snapshot{before(), after()}
	if n := len(worlds[0].Servers); n != 200 {
		b.Fatalf("%d servers", n)
	}
	b.Run("load", func(b *testing.B) {
		for b.Loop() {
			before()
		}
	})
	b.Run("who-can", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			s := worlds[0].Servers[i%len(worlds[0].Servers)]
			e := reach.New(worlds[0])
			e.WhoCan(s)
			e.Control(s)
		}
	})
	b.Run("diff", func(b *testing.B) {
		for b.Loop() {
			if change.Compare(reach.New(worlds[0]), reach.New(worlds[1])).IsEmpty() {
				b.Fatal("nothing differs")
			}
		}
	})
	b.Run("load-both-and-diff", func(b *testing.B) {
		for b.Loop() {
			change.Compare(reach.New(before()), reach.New(after()))
		}
	})
}

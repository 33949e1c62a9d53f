package worldgen_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/internal/worldgen"
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

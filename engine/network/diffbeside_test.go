package network

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/internal/worldgen"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// What is left out is left out, and everything else is told as Diff tells it.
func TestDiffBesideIsDiffWithoutSome(t *testing.T) {
	leftOut := 0
	worlds(t, 100, func(seed uint64, taste worldgen.Taste) {
		defer tellSeed(t, seed, taste)
		old, next := twoWorlds(seed, taste)
		r := rand.New(rand.NewPCG(seed, 4))
		to, from := map[snapshot.Ref]bool{}, map[snapshot.Ref]bool{}
		for _, w := range next.Workloads {
			to[w.Ref], from[w.Ref] = r.IntN(3) == 0, r.IntN(3) == 0
		}
		tw := &twin{old, rand.New(rand.NewPCG(seed, 3))}
		places := tw.places(flow.AllAddresses().Has)
		relations := pairsOfBoth(old, next, places)
		all, _ := tellAll(t, Diff(New(old), New(next)), next, places, relations)
		some, _ := tellAll(t, DiffBeside(New(old), New(next), Aside{
			To:   func(p *snapshot.Pod) bool { return to[p.Workload.Ref] },
			From: func(p *snapshot.Pod) bool { return from[p.Workload.Ref] },
		}), next, places, relations)
		workloads := map[string]snapshot.Ref{}
		for p, name := range roll(next) {
			workloads[name] = p.Workload.Ref
		}
		for key := range relations {
			a, b, _ := strings.Cut(key, " > ")
			aside := from[workloads[a]] || to[workloads[b]]
			for _, m := range moves {
				want, is := all[m].at(key)[0], some[m].at(key)[0]
				if aside {
					if !want.IsEmpty() {
						leftOut++
					}
					want = flow.Ports{}
				}
				if !is.Equal(want) {
					t.Fatalf("%s: %s to %s: %s, want %s", key, m[0], m[1], is, want)
				}
			}
		}
	})
	if leftOut == 0 {
		t.Error("nothing was left out")
	}
}

package network

import (
	"fmt"
	"io"
	"testing"

	"github.com/pgmoat/pgmoat/internal/worldgen"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
)

func BenchmarkConnections(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000} {
		world := worldgen.Estate(n, 1)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				New(world).Connections()
			}
		})
		c := New(world).Connections()
		b.Run(fmt.Sprint(n, "/visited"), func(b *testing.B) {
			lines := 0
			for b.Loop() {
				lines = 0
				for range c.All() {
					lines++
				}
			}
			b.ReportMetric(float64(lines), "lines")
		})
		b.Run(fmt.Sprint(n, "/written"), func(b *testing.B) {
			for b.Loop() {
				if err := c.WriteJSON(io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	world := worldgen.Estate(10_000, 1)
	e := New(world)
	pods := world.Workloads
	i := 0
	for b.Loop() {
		i++
		a := Attempt{From: PodEndpoint(pods[i*7%len(pods)].Pods[0]), To: PodEndpoint(pods[i*13%len(pods)].Pods[0]), Protocol: flow.TCP, Port: 5432}
		e.Decide(netpol.Ingress, a)
	}
}

func BenchmarkLookup(b *testing.B) {
	world := worldgen.Estate(10_000, 1)
	l := New(world).Lookup()
	pods := world.Workloads
	i := 0
	for b.Loop() {
		i++
		l.Pass(pods[i*7%len(pods)].Pods[0], pods[i*13%len(pods)].Pods[0], flow.TCP, 5432)
	}
}

// Work must grow with what policies say, not with pairs of workloads.
func TestWorkGrowsWithTheEstate(t *testing.T) {
	counts := func(n int) (evaluations, work int) {
		m := New(worldgen.Estate(n, 1)).compiled().matrix
		return m.base.matcher.evaluations, m.work
	}
	smallEvals, smallWork := counts(500)
	bigEvals, bigWork := counts(2000)
	t.Logf("500: %d evaluations, %d work; 2000: %d, %d", smallEvals, smallWork, bigEvals, bigWork)
	if bigEvals > 6*smallEvals {
		t.Errorf("4 times the estate took %d selector evaluations instead of %d", bigEvals, smallEvals)
	}
	if bigWork > 10*smallWork {
		t.Errorf("4 times the estate took %d work instead of %d", bigWork, smallWork)
	}
}

package network

import (
	"fmt"
	"testing"

	"github.com/pgmoat/pgmoat/internal/worldgen"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// release is an estate with ten policies changed, as a release of some teams would.
func release(workloads int) *snapshot.Snapshot {
	w := worldgen.Estate(workloads, 1)
	every := len(w.Policies) / 10
	for i := range 10 {
		p := w.Policies[i*every+i%7]
		dir := netpol.Ingress
		if !p.Isolates[dir] {
			dir = netpol.Egress
		}
		switch rules := p.Rules[dir]; {
		case len(rules) == 0:
			p.Rules[dir] = append(rules, netpol.Rule{Action: netpol.Accept, AnyPeer: true, Ports: []netpol.Port{{Protocol: 1, From: 9999, To: 9999}}})
		case len(rules[0].Ports) > 0:
			rules[0].Ports = append(rules[0].Ports, netpol.Port{Protocol: 1, From: uint16(7000 + i), To: uint16(7000 + i)})
		default:
			p.Rules[dir] = nil
		}
	}
	return w
}

func BenchmarkDiff(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		old, next := worldgen.Estate(n, 1), release(n)
		b.Run(fmt.Sprint(n, "/whole"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Diff(New(old), New(next))
			}
		})
		x, y := New(old), New(next)
		compiled(x, y)
		b.Run(fmt.Sprint(n, "/compiled"), func(b *testing.B) {
			b.ReportAllocs()
			var d *Difference
			for b.Loop() {
				d = Diff(x, y)
			}
			pairs := 0
			for _, e := range d.Effects {
				pairs += len(e.Between)
			}
			b.ReportMetric(float64(pairs), "pairs")
			b.ReportMetric(float64(len(d.Effects)), "effects")
		})
		b.Run(fmt.Sprint(n, "/same"), func(b *testing.B) {
			z := New(worldgen.Estate(n, 1))
			z.compiled()
			for b.Loop() {
				if !Diff(x, z).IsEmpty() {
					b.Fatal("an estate differs from itself")
				}
			}
		})
	}
}

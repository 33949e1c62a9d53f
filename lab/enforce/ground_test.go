//go:build linux

package enforce

import (
	"context"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// outside are addresses where blocks begin and end: beside half of a documentation
// range, among the pods, on a node without pods.
var outside = addresses("198.51.100.7", "198.51.100.127", "198.51.100.128", "203.0.113.5", "10.1.0.200", "192.0.2.13",
	"2001:db8:ff::7", "fd00:1::ffff")

// ports are those that containers and policies name, their neighbours, and the last.
var ports = []uint16{80, 5432, 5433, 6432, 9187, 65535}

func addresses(texts ...string) []netip.Addr {
	var out []netip.Addr
	for _, t := range texts {
		out = append(out, netip.MustParseAddr(t))
	}
	return out
}

// load reads the ground together with policies, as the program would.
func load(t *testing.T, policies string) *snapshot.Snapshot {
	t.Helper()
	file := filepath.Join(t.TempDir(), "policies.yaml")
	if err := os.WriteFile(file, []byte(policies), 0o600); err != nil {
		t.Fatal(err)
	}
	world, err := estate.Load(context.Background(), estate.Options{
		Paths: []string{"testdata/ground.yaml", file}, FactsFile: "testdata/facts.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	if len(world.Problems) > 0 {
		t.Fatalf("not read: %+v", world.Problems)
	}
	return world
}

// groundOf is where the pods of a world stand.
func groundOf(world *snapshot.Snapshot) Ground {
	g := Ground{Outside: outside, Ports: ports}
	for _, n := range world.Nodes {
		node := Node{Site: Site{n.Name, n.Addresses}}
		for _, p := range podsOf(world) {
			if p.Node == n.Name && !p.HostNetwork {
				node.Pods = append(node.Pods, Site{nameOf(p), p.Addresses})
			}
		}
		if len(node.Pods) > 0 {
			g.Nodes = append(g.Nodes, node)
		}
	}
	return g
}

func podsOf(world *snapshot.Snapshot) []*snapshot.Pod {
	var out []*snapshot.Pod
	for _, w := range world.Workloads {
		out = append(out, w.Pods...)
	}
	return out
}

func nameOf(p *snapshot.Pod) string { return p.Namespace + "/" + p.Workload.Name }

// An end is one side of a trial, at one address.
type end struct {
	pod *snapshot.Pod // nil outside
	at  netip.Addr
}

func (e end) name() string {
	if e.pod == nil {
		return e.at.String()
	}
	return nameOf(e.pod)
}

// A trial is an attempt between ends that policies know.
type trial struct {
	from, to end
	protocol flow.Protocol
	port     uint16
}

func (t trial) attempt() Attempt { return Attempt{t.from.at, t.to.at, t.protocol, t.port} }

func endsOf(world *snapshot.Snapshot) []end {
	var out []end
	for _, p := range podsOf(world) {
		for _, a := range p.Addresses {
			out = append(out, end{p, a})
		}
	}
	for _, a := range outside {
		out = append(out, end{at: a})
	}
	return out
}

// trials are all there can be: each pair of ends that share a family, at each port,
// but for those between strangers.
func trials(world *snapshot.Snapshot) []trial {
	var out []trial
	for _, from := range endsOf(world) {
		for _, to := range endsOf(world) {
			if from.at.Is4() != to.at.Is4() || from.pod == nil && to.pod == nil {
				continue
			}
			for _, protocol := range []flow.Protocol{flow.TCP, flow.UDP} {
				for _, port := range ports {
					out = append(out, trial{from, to, protocol, port})
				}
			}
		}
	}
	return out
}

// some returns n of the trials, or all.
func some(r *rand.Rand, all []trial, n int) []trial {
	all = slices.Clone(all)
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(n, len(all))]
}

// copyOf is a world whose pods and lists may be changed.
func copyOf(world *snapshot.Snapshot) *snapshot.Snapshot {
	out := *world
	out.Policies, out.ClusterPolicies = slices.Clone(world.Policies), slices.Clone(world.ClusterPolicies)
	out.Workloads = nil
	for _, w := range world.Workloads {
		workload := *w
		workload.Pods = nil
		for _, p := range w.Pods {
			pod := *p
			pod.Workload = &workload
			pod.Labels.Set = maps.Clone(p.Labels.Set)
			workload.Pods = append(workload.Pods, &pod)
		}
		out.Workloads = append(out.Workloads, &workload)
	}
	return &out
}

func (t trial) family() network.Family {
	if t.from.at.Is4() {
		return network.IPv4
	}
	return network.IPv6
}

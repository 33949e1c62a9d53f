//go:build linux

package compiled

import (
	"fmt"
	"maps"
	"net/netip"
	"testing"

	"github.com/pgmoat/pgmoat/lab/enforce"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// The ground of the lab: two nodes with places for pods, and addresses beyond.
const places = 40

var (
	pods6    = netip.MustParsePrefix("fd00:10:244::/48")
	nodesAre = []*snapshot.Node{
		{Name: "n1", Addresses: addresses("192.168.40.11", "2001:db8:50::11")},
		{Name: "n2", Addresses: addresses("192.168.40.12", "2001:db8:50::12")},
	}
	// outside are strangers, clients that accesses name, a store, the API server, a VPN.
	outside = addresses("203.0.113.5", "203.0.113.200", "198.51.100.7", "192.168.40.10", "192.168.60.20", "172.20.8.9",
		"192.0.2.66", "2001:db8:40::7", "2001:db8:99::1")
	// ports are those that servers, poolers and what is around them listen at, and some more.
	ports = []uint16{53, 80, 443, 2022, 5432, 5433, 6432, 6443, 7432, 7433, 8000, 8008, 8080, 8432, 9000, 9127, 9187}
)

func addresses(texts ...string) []netip.Addr {
	var out []netip.Addr
	for _, t := range texts {
		out = append(out, netip.MustParseAddr(t))
	}
	return out
}

// placeOf is where the i-th pod stands: its node and its addresses.
func placeOf(i int) (node int, at []netip.Addr) {
	node, n := i%2, i/2+1
	return node, addresses(fmt.Sprintf("10.244.%d.%d", node+1, n), fmt.Sprintf("fd00:10:244:%d::%x", node+1, n))
}

func ground() enforce.Ground {
	g := enforce.Ground{Outside: outside, Ports: ports}
	for _, n := range nodesAre {
		g.Nodes = append(g.Nodes, enforce.Node{Site: enforce.Site{Name: n.Name, Addresses: n.Addresses}})
	}
	for i := range 2 * places {
		node, at := placeOf(i)
		g.Nodes[node].Pods = append(g.Nodes[node].Pods, enforce.Site{Name: fmt.Sprintf("pod%d", i), Addresses: at})
	}
	return g
}

// A runner is a pod that runs.
type runner struct {
	// model is the pod that it is one of, as the estate before has it, and later after.
	model, later *snapshot.Pod
	// was and is are itself, in the worlds of the stage.
	was, is *snapshot.Pod
}

func (r *runner) name() string { return r.is.Namespace + "/" + r.is.Ref().Name }

// A stage is an estate whose pods run, before and after.
type stage struct {
	*story
	was, is *snapshot.Snapshot
	runners []*runner
}

// stage makes each pod of the story run: one of each instance, in one of its parts, and two
// of those that stand for more.
func (st *story) stage(t *testing.T, leader int) *stage {
	t.Helper()
	st.forget()
	out := &stage{story: st, was: withNodes(st.before), is: withNodes(st.after)}
	if len(st.before.Workloads) != len(st.after.Workloads) {
		t.Fatalf("%s: %d workloads, and then %d", st.name, len(st.before.Workloads), len(st.after.Workloads))
	}
	for i, w := range st.before.Workloads {
		later := st.after.Workloads[i]
		if w.Ref != later.Ref || len(w.Pods) != len(later.Pods) {
			t.Fatalf("%s: %s is in the place of %s", st.name, later.Ref, w.Ref)
		}
		was, is := &snapshot.Workload{Ref: w.Ref}, &snapshot.Workload{Ref: w.Ref}
		out.was.Workloads, out.is.Workloads = append(out.was.Workloads, was), append(out.is.Workloads, is)
		for j, p := range w.Pods {
			for range copies(w, p, leader) {
				r := &runner{model: p, later: later.Pods[j]}
				r.was, r.is = running(p, was, len(out.runners), st.families), running(later.Pods[j], is, len(out.runners), st.families)
				out.runners = append(out.runners, r)
			}
		}
	}
	if len(out.runners) > 2*places {
		t.Fatalf("%s: %d pods, and %d places", st.name, len(out.runners), 2*places)
	}
	return out
}

// forget takes away where pods were seen to run: here they run elsewhere.
func (st *story) forget() {
	for _, world := range []*snapshot.Snapshot{st.before, st.after} {
		world.Nodes = nil
		for _, w := range world.Workloads {
			for _, p := range w.Pods {
				p.Addresses, p.Node = nil, ""
			}
		}
	}
}

func withNodes(world *snapshot.Snapshot) *snapshot.Snapshot {
	out := *world
	out.Workloads, out.Nodes = nil, nodesAre
	return &out
}

// copies is how many pods run of one of the snapshot. Of an instance that may lead or
// follow it is the part that it has now.
func copies(w *snapshot.Workload, p *snapshot.Pod, leader int) int {
	if p.Instance != "" && (p.Part == snapshot.Primary || p.Part == snapshot.Replica) {
		var instances []string
		seen := map[string]bool{}
		for _, q := range w.Pods {
			if q.Instance != "" && !seen[q.Instance] {
				seen[q.Instance] = true
				instances = append(instances, q.Instance)
			}
		}
		leads := instances[leader%len(instances)] == p.Instance
		if leads != (p.Part == snapshot.Primary) && hasPart(w, p.Instance, leads) {
			return 0
		}
		return 1
	}
	if p.Many {
		return 2
	}
	return 1
}

func hasPart(w *snapshot.Workload, instance string, leads bool) bool {
	for _, q := range w.Pods {
		if q.Instance == instance && leads == (q.Part == snapshot.Primary) {
			return true
		}
	}
	return false
}

// running is a pod at its place, with a value for each label that only running pods have.
func running(p *snapshot.Pod, w *snapshot.Workload, place int, families []int) *snapshot.Pod {
	out := *p
	node, at := placeOf(place)
	if p.HostNetwork {
		at = nodesAre[node].Addresses
	}
	out.Workload, out.Node, out.Addresses = w, nodesAre[node].Name, nil
	for _, i := range families {
		out.Addresses = append(out.Addresses, at[i])
	}
	out.Labels = netpol.Labels{Set: maps.Clone(p.Labels.Set)}
	if out.Labels.Set == nil {
		out.Labels.Set = map[string]string{}
	}
	for _, key := range p.Labels.Unknown {
		out.Labels.Set[key] = fmt.Sprintf("v%d", place)
	}
	w.Pods = append(w.Pods, &out)
	return &out
}

// rules are what the nodes enforce in a world.
func rules(t *testing.T, name string, world *snapshot.Snapshot) map[string]enforce.Ruleset {
	t.Helper()
	out := map[string]enforce.Ruleset{}
	for _, n := range nodesAre {
		var err error
		if out[n.Name], err = enforce.Compile(world, n.Name, enforce.Tell); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return out
}

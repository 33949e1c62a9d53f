package network

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/internal/worldgen"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A change is what one edit does to a world, as somebody would do it by hand.
type change func(*rand.Rand, *snapshot.Snapshot)

func anyOf[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// aPolicy changes one of the policies.
func aPolicy(f func(r *rand.Rand, p *netpol.Policy)) change {
	return func(r *rand.Rand, w *snapshot.Snapshot) {
		if all := allPolicies(w); len(all) > 0 {
			f(r, anyOf(r, all))
		}
	}
}

func aPod(f func(r *rand.Rand, p *snapshot.Pod)) change {
	return func(r *rand.Rand, w *snapshot.Snapshot) {
		if len(w.Workloads) > 0 {
			f(r, anyOf(r, anyOf(r, w.Workloads).Pods))
		}
	}
}

func takeRule(r *rand.Rand, p *netpol.Policy) {
	dir := netpol.Directions[r.IntN(2)]
	if n := len(p.Rules[dir]); n > 0 {
		i := r.IntN(n)
		p.Rules[dir] = slices.Delete(p.Rules[dir], i, i+1)
	}
}

func movePort(r *rand.Rand, p *netpol.Policy) {
	for _, rules := range p.Rules {
		for i := range rules {
			for j := range rules[i].Ports {
				if q := &rules[i].Ports[j]; q.Name == "" {
					q.From = uint16(5000 + r.IntN(3000))
					q.To = max(q.To, q.From)
					return
				}
			}
			rules[i].AnyPort = !rules[i].AnyPort && len(rules[i].Ports) == 0
		}
	}
}

func donor(r *rand.Rand) *snapshot.Snapshot { return worldgen.World(r.Uint64(), worldgen.Taste{}) }

func addPolicy(r *rand.Rand, w *snapshot.Snapshot) {
	if list := donor(r).Policies; len(list) > 0 {
		list[0].Name = fmt.Sprintf("new%d-0", r.IntN(1000))
		w.Policies = append(w.Policies, list[0])
	}
}

// addOrdered makes a policy of an ordered tier from one of the other tier.
func addOrdered(r *rand.Rand, w *snapshot.Snapshot) {
	list := donor(r).Policies
	if len(list) == 0 {
		return
	}
	p := list[0]
	p.Kind, p.Namespace, p.Name = "ClusterNetworkPolicy", "", fmt.Sprintf("tier%d", r.IntN(1000))
	p.Tier, p.Priority, p.Isolates = anyOf(r, []netpol.Tier{netpol.Admin, netpol.Baseline}), int32(r.IntN(3)), [2]bool{}
	p.Namespaces = &netpol.Selector{}
	if r.IntN(2) == 0 {
		p.Namespaces = selector("team=x")
	}
	for dir, rules := range p.Rules {
		for i := range rules {
			rules[i].Action = anyOf(r, []netpol.Action{netpol.Accept, netpol.Deny, netpol.Pass})
			if dir == int(netpol.Egress) && r.IntN(2) == 0 {
				rules[i].AnyPeer, rules[i].Peers = false, append(rules[i].Peers, netpol.Peer{Nodes: selector(anyOf(r, []string{"", "zone=a"}))})
			}
		}
	}
	w.ClusterPolicies = append(w.ClusterPolicies, p)
}

func takeOrdered(r *rand.Rand, w *snapshot.Snapshot) {
	if n := len(w.ClusterPolicies); n > 0 {
		i := r.IntN(n)
		w.ClusterPolicies = slices.Delete(w.ClusterPolicies, i, i+1)
	}
}

// onNodes adds or changes a node, and puts pods on it.
func onNodes(r *rand.Rand, w *snapshot.Snapshot) {
	name := anyOf(r, []string{"n1", "n2"})
	w.Nodes = slices.DeleteFunc(w.Nodes, func(n *snapshot.Node) bool { return n.Name == name })
	w.Nodes = append(w.Nodes, &snapshot.Node{Name: name, Labels: netpol.Labels{Set: labelSet(anyOf(r, []string{"zone=a", "zone=b"}))},
		Addresses: []netip.Addr{netip.MustParseAddr(anyOf(r, []string{"192.168.0.7", "192.168.0.200", "fd01::9"}))}})
	for _, wl := range w.Workloads {
		if p := anyOf(r, wl.Pods); r.IntN(2) == 0 {
			p.Node = anyOf(r, []string{"n1", "n2"})
		}
	}
}

func takePolicy(r *rand.Rand, w *snapshot.Snapshot) {
	if n := len(w.Policies); n > 0 {
		i := r.IntN(n)
		w.Policies = slices.Delete(w.Policies, i, i+1)
	}
}

func addWorkload(r *rand.Rand, w *snapshot.Snapshot) {
	more := donor(r).Workloads[0]
	more.Name = fmt.Sprintf("v%d", r.IntN(1000))
	for _, p := range more.Pods {
		p.Name = strings.Replace(p.Name, "w0", more.Name, 1)
	}
	w.Workloads = append(w.Workloads, more)
}

func takeWorkload(r *rand.Rand, w *snapshot.Snapshot) {
	if n := len(w.Workloads); n > 1 {
		i := r.IntN(n)
		w.Workloads = slices.Delete(w.Workloads, i, i+1)
	}
}

func takeMember(r *rand.Rand, w *snapshot.Snapshot) {
	if wl := anyOf(r, w.Workloads); len(wl.Pods) > 1 {
		i := r.IntN(len(wl.Pods))
		wl.Pods = slices.Delete(wl.Pods, i, i+1)
	}
}

func relabelSpace(r *rand.Rand, w *snapshot.Snapshot) {
	if ns := w.Namespaces[anyOf(r, []string{"a", "b"})]; ns != nil {
		ns.Labels.Set["team"], ns.Declared = anyOf(r, []string{"x", "y", "z"}), true
	}
}

func restate(r *rand.Rand, w *snapshot.Snapshot) {
	switch r.IntN(6) {
	case 0:
		w.Facts.Enforces = anyOf(r, []verdict.Verdict{verdict.Allow, verdict.Deny, verdict.Unknown})
	case 1:
		w.Facts.PodCIDRs = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	case 2:
		w.Facts.Complete = !w.Facts.Complete
	case 3:
		w.Namespaces = map[string]*snapshot.Namespace{}
	case 4:
		w.Missing = append(w.Missing, snapshot.Missing{What: "a chart"})
	case 5:
		w.Coverage = &snapshot.Coverage{Kinds: []snapshot.Kind{{Name: "ConfigMap", Listing: snapshot.KindRefused}}}
	}
}

var changes = []change{
	takePolicy, takePolicy, addPolicy, addPolicy, aPolicy(takeRule), aPolicy(takeRule), aPolicy(movePort), aPolicy(movePort),
	aPolicy(func(_ *rand.Rand, p *netpol.Policy) { p.Name += "-renamed" }),
	aPolicy(func(r *rand.Rand, p *netpol.Policy) {
		if !p.Tier.IsOrdered() {
			p.Isolates = anyOf(r, [][2]bool{{true, false}, {false, true}, {true, true}})
		}
	}),
	aPod(func(r *rand.Rand, p *snapshot.Pod) { p.Labels.Set["app"] = anyOf(r, []string{"x", "y", "z"}) }),
	aPod(func(_ *rand.Rand, p *snapshot.Pod) { p.Labels.Set["version"] = "2" }),
	aPod(func(_ *rand.Rand, p *snapshot.Pod) { p.HostNetwork = !p.HostNetwork }),
	aPod(func(_ *rand.Rand, p *snapshot.Pod) { p.Addresses = []netip.Addr{netip.MustParseAddr("10.1.2.9")} }),
	aPod(func(r *rand.Rand, p *snapshot.Pod) {
		p.Ports = []snapshot.ContainerPort{{Name: "pg", Protocol: flow.TCP, Port: uint16(5431 + r.IntN(3))}}
	}),
	addWorkload, takeWorkload, takeMember, relabelSpace, restate, addOrdered, addOrdered, takeOrdered, onNodes,
}

// firstWorld may have what worldgen has not.
func firstWorld(seed uint64, taste worldgen.Taste) *snapshot.Snapshot {
	taste.Tiers = seed%2 == 1
	r, w := rand.New(rand.NewPCG(seed, 8)), worldgen.World(seed, taste)
	for _, add := range []change{addOrdered, addOrdered, onNodes} {
		if r.IntN(4) == 0 {
			add(r, w)
		}
	}
	return w
}

// twoWorlds returns a world and what some changes made of it.
func twoWorlds(seed uint64, taste worldgen.Taste) (old, next *snapshot.Snapshot) {
	r := rand.New(rand.NewPCG(seed, 9))
	old, next = firstWorld(seed, taste), firstWorld(seed, taste)
	for range r.IntN(7) {
		anyOf(r, changes)(r, next)
	}
	slices.SortFunc(next.Workloads, func(a, b *snapshot.Workload) int { return a.Compare(b.Ref) })
	return old, next
}

// Package worldgen makes up estates from a seed: small ones that hold every corner
// of NetworkPolicy, and large ones of the mix that real clusters have.
package worldgen

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Taste says which corners a random world may have.
type Taste struct {
	// Doubt allows labels without values, unreadable documents, dialects and facts
	// that nobody stated.
	Doubt bool
	// Strict makes the facts strict.
	Strict bool
	// Tiers adds policies of the ordered tiers, and nodes.
	Tiers bool
	// Traits gives the network plugin some of the traits that change answers.
	Traits bool
}

// World returns a small estate, the same one for the same seed and taste.
func World(seed uint64, t Taste) *snapshot.Snapshot {
	g := &gen{Rand: rand.New(rand.NewPCG(seed, 1)), taste: t}
	g.world = &snapshot.Snapshot{Namespaces: map[string]*snapshot.Namespace{}}
	g.facts()
	g.namespaces()
	for i := range 2 + g.IntN(4) {
		g.workload(i)
	}
	for i := range g.IntN(7) {
		g.policy(i)
	}
	if t.Tiers {
		g.tiers()
		g.nodes()
	}
	if t.Traits {
		g.traits()
	}
	if t.Doubt {
		g.doubts()
	}
	slices.SortFunc(g.world.Workloads, func(a, b *snapshot.Workload) int { return a.Compare(b.Ref) })
	return g.world
}

type gen struct {
	*rand.Rand
	taste  Taste
	world  *snapshot.Snapshot
	spaces []string
}

// one in n.
func (g *gen) one(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *gen, from ...T) T { return from[g.IntN(len(from))] }

func (g *gen) facts() {
	f := &g.world.Facts
	f.Enforces = verdict.Allow
	f.Complete = true
	f.Strict = g.taste.Strict
	if g.taste.Doubt || g.taste.Strict {
		f.Complete = !g.one(6)
		f.Enforces = pick(g, verdict.Allow, verdict.Allow, verdict.Allow, verdict.Unknown, verdict.Unknown, verdict.Deny)
	}
	if g.taste.Doubt && g.one(4) {
		f.PodCIDRs = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	}
}

func (g *gen) namespaces() {
	for _, name := range []string{"a", "b", "c"}[:1+g.IntN(3)] {
		g.spaces = append(g.spaces, name)
		ns := &snapshot.Namespace{Name: name, Declared: !g.one(4)}
		ns.Labels.Set = map[string]string{snapshot.MetadataName: name}
		if ns.Declared {
			for _, key := range []string{"team", "env"} {
				if !g.one(3) {
					ns.Labels.Set[key] = pick(g, "x", "y")
				}
			}
		}
		g.world.Namespaces[name] = ns
	}
}

func (g *gen) workload(i int) {
	w := &snapshot.Workload{Ref: snapshot.Ref{
		Kind: pick(g, "Deployment", "StatefulSet", "Cluster", "DaemonSet"), Namespace: pick(g, g.spaces...), Name: fmt.Sprintf("w%d", i)}}
	labels, ports := g.labels(), g.ports()
	add := func(p snapshot.Pod) {
		p.Workload, p.Namespace, p.Ports = w, w.Namespace, ports
		p.Labels.Set = map[string]string{}
		for k, v := range labels {
			p.Labels.Set[k] = v
		}
		w.Pods = append(w.Pods, &p)
	}
	switch w.Kind {
	case "Deployment":
		add(snapshot.Pod{Many: !g.one(3), Addresses: g.addresses()})
	case "DaemonSet":
		add(snapshot.Pod{Many: true, HostNetwork: g.one(2)})
		if w.Pods[0].HostNetwork && g.one(2) {
			w.Pods[0].Addresses = []netip.Addr{netip.MustParseAddr("192.168.0.7")}
		}
	case "StatefulSet":
		for n := range 1 + g.IntN(3) {
			name := fmt.Sprintf("w%d-%d", i, n)
			add(snapshot.Pod{Name: name, Addresses: g.addresses()})
			w.Pods[n].Labels.Set["pod"] = fmt.Sprint(n)
			if g.one(4) {
				w.Pods[n].Ports = g.ports()
			}
		}
	case "Cluster":
		for n := range 1 + g.IntN(2) {
			name := fmt.Sprintf("w%d-%d", i, n)
			for _, part := range []string{snapshot.Primary, snapshot.Replica} {
				add(snapshot.Pod{Name: name, Instance: name, Part: part})
				w.Pods[len(w.Pods)-1].Labels.Set["role"] = part
			}
		}
		if g.one(2) {
			add(snapshot.Pod{Part: "join job", Many: g.one(2)})
		}
	}
	if g.taste.Doubt && g.one(2) {
		for _, p := range w.Pods {
			key := pick(g, "app", "hash", "role")
			delete(p.Labels.Set, key)
			p.Labels.Unknown = []string{key}
		}
	}
	g.world.Workloads = append(g.world.Workloads, w)
}

func (g *gen) labels() map[string]string {
	out := map[string]string{}
	for _, key := range []string{"app", "role"} {
		if !g.one(4) {
			out[key] = pick(g, "x", "y", "z")
		}
	}
	return out
}

func (g *gen) ports() []snapshot.ContainerPort {
	var out []snapshot.ContainerPort
	for range g.IntN(3) {
		out = append(out, snapshot.ContainerPort{
			Name: pick(g, "pg", "metrics"), Protocol: pick(g, flow.TCP, flow.TCP, flow.UDP), Port: pick[uint16](g, 5432, 6432, 9187)})
	}
	return out
}

func (g *gen) addresses() []netip.Addr {
	if !g.one(3) {
		return nil
	}
	out := []netip.Addr{netip.MustParseAddr(pick(g, "10.1.0.5", "10.1.2.9", "10.2.0.1"))}
	if g.one(3) {
		out = append(out, netip.MustParseAddr(pick(g, "fd00::5", "fd01::9")))
	}
	return out
}

func (g *gen) policy(i int) {
	p := &netpol.Policy{Kind: "NetworkPolicy", Namespace: pick(g, g.spaces...), Name: fmt.Sprintf("p%d", i), Pods: g.selector()}
	p.Origin = verdict.Origin{Object: "NetworkPolicy " + p.Namespace + "/" + p.Name}
	p.Isolates = pick(g, [2]bool{true, false}, [2]bool{false, true}, [2]bool{true, true})
	for _, dir := range netpol.Directions {
		for n := range g.IntN(3) {
			p.Rules[dir] = append(p.Rules[dir], g.Rule(p, dir, n))
		}
	}
	g.world.Policies = append(g.world.Policies, p)
}

// Rule returns a random rule for the policy.
func (g *gen) Rule(p *netpol.Policy, dir netpol.Direction, n int) netpol.Rule {
	r := netpol.Rule{Action: netpol.Accept, AnyPeer: g.one(5), AnyPort: g.one(3), Origin: p.Origin.At("spec.%s[%d]", dir, n)}
	for j := range 1 + g.IntN(2) {
		if !r.AnyPeer {
			peer := g.peer()
			peer.Origin = p.Origin.At("%s.peers[%d]", r.Origin.Field, j)
			r.Peers = append(r.Peers, peer)
		}
		if !r.AnyPort {
			r.Ports = append(r.Ports, g.port())
		}
	}
	return r
}

func (g *gen) port() netpol.Port {
	p := netpol.Port{Protocol: pick(g, flow.TCP, flow.TCP, flow.UDP, flow.SCTP)}
	switch g.IntN(4) {
	case 0:
		p.Name = pick(g, "pg", "metrics", "nowhere")
	case 1:
		p.From, p.To = 5000, pick[uint16](g, 5431, 5432, 7000)
	case 2:
		p.From = pick[uint16](g, 5432, 6432)
		p.To = p.From
	case 3:
		p.From, p.To = 1, flow.MaxPort
	}
	return p
}

func (g *gen) peer() netpol.Peer {
	if g.one(3) {
		return netpol.Peer{Block: g.block()}
	}
	var p netpol.Peer
	shape := g.IntN(3)
	if shape != 0 {
		s := g.namespaceSelector()
		p.Namespaces = &s
	}
	if shape != 1 {
		s := g.selector()
		p.Pods = &s
	}
	return p
}

func (g *gen) block() *netpol.Block {
	cidr, except := netip.MustParsePrefix(pick(g, "0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "192.168.0.0/24", "::/0", "fd00::/16", "0.0.0.0/1")), netip.Prefix{}
	a := flow.AddressesOf(cidr)
	text := cidr.String()
	if g.one(2) {
		except = netip.MustParsePrefix(pick(g, "10.1.2.0/24", "10.1.0.0/16", "192.168.0.0/25", "fd00::/64"))
		a = a.Minus(flow.AddressesOf(except))
		text += " except " + except.String()
	}
	return &netpol.Block{Text: text, Addresses: a}
}

func (g *gen) selector() netpol.Selector {
	var out netpol.Selector
	for range g.IntN(3) {
		key := pick(g, "app", "app", "role", "pod", "hash")
		values := map[string][]string{
			"app": {"x", "y", "z"}, "role": {"primary", "replica", "x"}, "pod": {"0", "1"}, "hash": {"h1", "h2"}}[key]
		out = append(out, g.requirement(key, values))
	}
	return out
}

func (g *gen) namespaceSelector() netpol.Selector {
	var out netpol.Selector
	for range g.IntN(3) {
		switch key := pick(g, snapshot.MetadataName, "team", "env"); key {
		case snapshot.MetadataName:
			out = append(out, g.requirement(key, []string{"a", "b", "c"}))
		default:
			out = append(out, g.requirement(key, []string{"x", "y"}))
		}
	}
	return out
}

func (g *gen) requirement(key string, values []string) netpol.Requirement {
	r := netpol.Requirement{Key: key, Op: pick(g, netpol.In, netpol.In, netpol.In, netpol.NotIn, netpol.Exists, netpol.DoesNotExist)}
	if r.Op != netpol.In && r.Op != netpol.NotIn {
		return r
	}
	r.Values = []string{pick(g, values...)}
	if other := pick(g, values...); g.one(3) && other != r.Values[0] {
		r.Values = append(r.Values, other)
		slices.Sort(r.Values)
	}
	return r
}

// doubts adds documents that could not be read and objects that nobody models.
func (g *gen) doubts() {
	if g.one(8) {
		g.world.Problems = append(g.world.Problems, snapshot.Problem{
			Err: "spec: broken", Namespace: pick(g, append([]string{""}, g.spaces...)...), Origin: verdict.Origin{File: "broken.yaml"}})
	}
	if g.one(8) {
		s := g.selector()
		g.world.Unmodelled = append(g.world.Unmodelled, snapshot.Unmodelled{
			Ref: snapshot.Ref{Kind: "CiliumNetworkPolicy", Namespace: "a", Name: "dialect"}, Layer: verdict.Ingress,
			Directions: pick(g, [2]bool{true, false}, [2]bool{true, true}), Namespaces: []string{"a"}, Pods: &s,
			Origin: verdict.Origin{Object: "CiliumNetworkPolicy a/dialect"}})
	}
}

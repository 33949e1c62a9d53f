//go:build linux

package enforce

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// randomWorld is the ground with other labels, other named ports and policies of all
// tiers, the same for the same seed.
func randomWorld(ground *snapshot.Snapshot, seed uint64) *snapshot.Snapshot {
	g := &gen{rand.New(rand.NewPCG(seed, 7))}
	world := copyOf(ground)
	world.Namespaces = g.namespaces(ground.Namespaces)
	for _, p := range podsOf(world) {
		p.Labels.Set = g.labels()
		if !p.HostNetwork { // what a named port means on a host is left open
			p.Ports = g.containerPorts()
		}
	}
	if g.one(3) {
		world.Facts.Profile = g.profile()
	}
	for i := range g.IntN(6) {
		world.Policies = append(world.Policies, g.namespaced(i))
	}
	if !g.one(3) {
		for i := range 1 + g.IntN(5) {
			world.ClusterPolicies = append(world.ClusterPolicies, g.ordered(i))
		}
	}
	return world
}

// forget is a world of which less was written down, by somebody who assumes nothing:
// what is then said with certainty must hold all the same.
func forget(world *snapshot.Snapshot) *snapshot.Snapshot {
	// Any seed will do that is the same for the same world.
	g := &gen{rand.New(rand.NewPCG(uint64(len(text(world))), 11))}
	out := copyOf(world)
	out.Facts.Strict = true
	out.Facts.Complete, out.Facts.Enforces = true, verdict.Allow
	for _, p := range podsOf(out) {
		if g.one(3) {
			p.Node = ""
		}
		if g.one(3) {
			p.Addresses = nil
		}
		if g.one(8) && len(p.Labels.Set) > 0 {
			key := pick(g, slices.Sorted(maps.Keys(p.Labels.Set))...)
			delete(p.Labels.Set, key)
			p.Labels.Unknown = []string{key}
		}
	}
	if g.one(4) { // some nodes without the others would be a lie
		out.Nodes = nil
	}
	if g.one(3) {
		out.Facts.Domains = nil
	}
	return out
}

type gen struct{ *rand.Rand }

// one in n.
func (g *gen) one(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *gen, from ...T) T { return from[g.IntN(len(from))] }

// traits are those that rules can be written for, each beside what contradicts it.
var traits = [][]cni.Trait{
	{cni.BlockSkipsPods, cni.BlockMatchesPods},
	{cni.BlockSkipsNodes},
	{cni.BaselineByPod, cni.BaselineByDirection},
	{cni.NodeIngressOpen, cni.NodeIngressPoliced},
	{cni.NodeEgressPoliced},
	{cni.NoEndPort},
	{cni.NoClusterPolicies, cni.ClusterPolicies},
	{cni.NoAdminPolicies, cni.AdminPolicies},
}

// profile is of a plugin that has some of the traits.
func (g *gen) profile() cni.Profile {
	p := cni.Profile{Name: "random", Enforces: verdict.Allow}
	for _, either := range traits {
		if g.one(4) {
			p.Differences = append(p.Differences, cni.Difference{Trait: pick(g, either...)})
		}
	}
	return p
}

func (g *gen) namespaces(of map[string]*snapshot.Namespace) map[string]*snapshot.Namespace {
	out := map[string]*snapshot.Namespace{}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		ns := *of[name]
		ns.Labels.Set = map[string]string{snapshot.MetadataName: name}
		for _, key := range []string{"team", "env"} {
			if !g.one(3) {
				ns.Labels.Set[key] = pick(g, "x", "y")
			}
		}
		out[name] = &ns
	}
	return out
}

func (g *gen) labels() map[string]string {
	out := map[string]string{}
	for _, key := range []string{"app", "role"} {
		if !g.one(5) {
			out[key] = pick(g, "x", "y")
		}
	}
	return out
}

func (g *gen) containerPorts() []snapshot.ContainerPort {
	var out []snapshot.ContainerPort
	for _, name := range []string{"pg", "metrics"} {
		for _, protocol := range []flow.Protocol{flow.TCP, flow.UDP} {
			if g.one(2) {
				out = append(out, snapshot.ContainerPort{Name: name, Protocol: protocol, Port: pick(g, ports...)})
			}
		}
	}
	return out
}

func (g *gen) namespaced(i int) *netpol.Policy {
	p := &netpol.Policy{Kind: "NetworkPolicy", Namespace: pick(g, "a", "b", "c"), Name: fmt.Sprintf("p%d", i), Pods: g.selector("app", "role")}
	p.Isolates = pick(g, [2]bool{true, false}, [2]bool{false, true}, [2]bool{true, true})
	p.Origin = verdict.Origin{Object: "NetworkPolicy " + p.FullName()}
	for _, dir := range netpol.Directions {
		for n := range g.IntN(4) {
			if p.Isolates[dir] {
				p.Rules[dir] = append(p.Rules[dir], g.rule(p, dir, n))
			}
		}
	}
	return p
}

// ordered has few priorities, so that some are equal.
func (g *gen) ordered(i int) *netpol.Policy {
	subject := g.selector("team", "env", snapshot.MetadataName)
	p := &netpol.Policy{Name: fmt.Sprintf("c%d", i), Namespaces: &subject, Pods: g.selector("app", "role")}
	p.Kind = pick(g, "ClusterNetworkPolicy", "ClusterNetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy")
	p.Tier, p.Priority = pick(g, netpol.Admin, netpol.Baseline), int32(g.IntN(6))
	switch p.Kind {
	case "AdminNetworkPolicy":
		p.Tier = netpol.Admin
	case "BaselineAdminNetworkPolicy":
		p.Tier, p.Priority = netpol.Baseline, 0
	}
	p.Origin = verdict.Origin{Object: p.Kind + " " + p.Name}
	for _, dir := range netpol.Directions {
		for n := range g.IntN(4) {
			p.Rules[dir] = append(p.Rules[dir], g.rule(p, dir, n))
		}
	}
	return p
}

func (g *gen) rule(p *netpol.Policy, dir netpol.Direction, n int) netpol.Rule {
	r := netpol.Rule{Action: netpol.Accept, AnyPort: g.one(3), Origin: p.Origin.At("spec.%s[%d]", dir, n)}
	if p.Tier.IsOrdered() {
		r.Action = pick(g, netpol.Accept, netpol.Deny, netpol.Deny, netpol.Pass)
		if g.one(15) {
			r.FailsClosed, r.AnyPeer, r.AnyPort = true, r.Action != netpol.Accept, r.Action != netpol.Accept
			if r.AnyPeer {
				r.Action = netpol.Deny
			}
			return r
		}
	} else if g.one(5) {
		r.AnyPeer = true
	}
	addresses := false
	for j := range 1 + g.IntN(2) {
		if r.AnyPeer {
			break
		}
		peer := g.peer(p, dir, r.Action)
		peer.Origin = p.Origin.At("spec.%s[%d].peers[%d]", dir, n, j)
		addresses = addresses || !peer.IsPods()
		r.Peers = append(r.Peers, peer)
	}
	for range 1 + g.IntN(2) {
		if !r.AnyPort {
			r.Ports = append(r.Ports, g.port(p, addresses)...)
		}
	}
	return r
}

// peer leaves out what the API does: addresses in an ordered tier's ingress, and domain
// names but to accept.
func (g *gen) peer(p *netpol.Policy, dir netpol.Direction, action netpol.Action) netpol.Peer {
	switch {
	case !p.Tier.IsOrdered() && g.one(3):
		return netpol.Peer{Block: g.block()}
	case !p.Tier.IsOrdered():
		return g.podPeer(g.one(2), g.one(2))
	case dir == netpol.Egress && g.one(5):
		b := g.block()
		b.Pods = true
		return netpol.Peer{Block: b}
	case dir == netpol.Egress && g.one(5):
		s := g.selector("zone", "tier")
		return netpol.Peer{Nodes: &s}
	case dir == netpol.Egress && action == netpol.Accept && g.one(6):
		return netpol.Peer{Domains: []string{pick(g, "db.example.com", "*.example.com")}}
	}
	return g.podPeer(true, g.one(2))
}

func (g *gen) podPeer(namespaces, pods bool) netpol.Peer {
	var p netpol.Peer
	if namespaces {
		s := g.selector("team", "env", snapshot.MetadataName)
		p.Namespaces = &s
	}
	if pods || !namespaces {
		s := g.selector("app", "role")
		p.Pods = &s
	}
	return p
}

func (g *gen) block() *netpol.Block {
	cidr := netip.MustParsePrefix(pick(g, "0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/24", "10.1.0.128/25", "192.0.2.0/24", "192.0.2.12/31",
		"198.51.100.0/24", "::/0", "fd00:1::/64", "2001:db8::/32"))
	b := &netpol.Block{Text: cidr.String(), Addresses: flow.AddressesOf(cidr)}
	if g.one(2) {
		except := netip.MustParsePrefix(pick(g, "10.1.0.0/25", "10.1.0.9/32", "192.0.2.11/32", "198.51.100.128/25", "fd00:1::/127", "2001:db8:1::/48"))
		if cidr.Overlaps(except) && cidr.Bits() < except.Bits() {
			b.Text += " except " + except.String()
			b.Addresses = b.Addresses.Minus(flow.AddressesOf(except))
		}
	}
	return b
}

// port is an entry of ports, or what a named port of an ordered tier, which has no
// protocol, becomes: one of each.
func (g *gen) port(p *netpol.Policy, addresses bool) []netpol.Port {
	if g.one(3) && !(p.Tier.IsOrdered() && addresses) {
		name := pick(g, "pg", "metrics", "nowhere")
		if !p.Tier.IsOrdered() {
			return []netpol.Port{{Protocol: pick(g, flow.TCP, flow.UDP), Name: name}}
		}
		var out []netpol.Port
		for _, protocol := range flow.Protocols {
			out = append(out, netpol.Port{Protocol: protocol, Name: name})
		}
		return out
	}
	out := netpol.Port{Protocol: pick(g, flow.TCP, flow.TCP, flow.UDP, flow.SCTP), From: pick(g, ports...)}
	out.To = out.From
	switch g.IntN(4) {
	case 0:
		out.To = pick[uint16](g, 5433, 9186, 9187, flow.MaxPort)
		out.From = min(out.From, out.To)
		out.EndPort = !p.Tier.IsOrdered()
	case 1:
		out.From, out.To = 1, flow.MaxPort
	}
	return []netpol.Port{out}
}

func (g *gen) selector(keys ...string) netpol.Selector {
	var out netpol.Selector
	for range g.IntN(3) {
		out = append(out, g.requirement(pick(g, keys...)))
	}
	return out
}

func (g *gen) requirement(key string) netpol.Requirement {
	r := netpol.Requirement{Key: key, Op: pick(g, netpol.In, netpol.In, netpol.In, netpol.NotIn, netpol.Exists, netpol.DoesNotExist)}
	if r.Op != netpol.In && r.Op != netpol.NotIn {
		return r
	}
	values := map[string][]string{snapshot.MetadataName: {"a", "b", "c"}, "zone": {"east", "west"}, "tier": {"front"}}[key]
	if values == nil {
		values = []string{"x", "y"}
	}
	r.Values = []string{pick(g, values...)}
	if other := pick(g, values...); g.one(3) && other != r.Values[0] {
		r.Values = append(r.Values, other)
		slices.Sort(r.Values)
	}
	return r
}

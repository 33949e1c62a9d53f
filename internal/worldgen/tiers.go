package worldgen

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// tiers adds policies of the ordered tiers. Their priorities are few, so that some are
// equal and disagree.
func (g *gen) tiers() {
	for i := range 1 + g.IntN(4) {
		g.clusterPolicy(i)
	}
}

func (g *gen) clusterPolicy(i int) {
	p := &netpol.Policy{Kind: "ClusterNetworkPolicy", Name: fmt.Sprintf("c%d", i), Tier: pick(g, netpol.Admin, netpol.Baseline),
		Priority: pick[int32](g, 0, 1, 2, 3, 500), Pods: g.selector()}
	spaces := g.namespaceSelector()
	p.Namespaces = &spaces
	p.Origin = verdict.Origin{Object: p.Kind + " " + p.Name}
	for _, dir := range netpol.Directions {
		for n := range g.IntN(4) {
			r := g.Rule(p, dir, n)
			r.Action = pick(g, netpol.Accept, netpol.Deny, netpol.Pass)
			r.AnyPeer = false
			r.Peers = slices.DeleteFunc(r.Peers, func(peer netpol.Peer) bool { return peer.Block != nil && dir == netpol.Ingress })
			for k := range r.Peers {
				g.clusterPeer(&r.Peers[k], dir)
			}
			if len(r.Peers) > 0 {
				p.Rules[dir] = append(p.Rules[dir], r)
			}
		}
	}
	g.world.ClusterPolicies = append(g.world.ClusterPolicies, p)
}

// clusterPeer makes a peer one of a cluster's policy: it has no namespace of its own.
func (g *gen) clusterPeer(p *netpol.Peer, dir netpol.Direction) {
	switch {
	case p.Block != nil:
		p.Block.Pods = true
	case p.Namespaces == nil:
		spaces := g.namespaceSelector()
		p.Namespaces = &spaces
	}
	if dir == netpol.Egress && g.one(8) {
		*p = netpol.Peer{Domains: []string{pick(g, "a.example.com", "b.example.com", "*.example.com")}, Origin: p.Origin}
	}
	if dir == netpol.Egress && g.one(6) {
		nodes := netpol.Selector{}
		if g.one(2) {
			nodes = netpol.Selector{g.requirement("zone", []string{"1", "2"})}
		}
		*p = netpol.Peer{Nodes: &nodes, Origin: p.Origin}
	}
}

// nodes gives some pods a node, and some nodes an object.
func (g *gen) nodes() {
	for _, w := range g.world.Workloads {
		for _, p := range w.Pods {
			if !g.one(3) {
				p.Node = pick(g, "n1", "n2")
			}
		}
	}
	for _, name := range []string{"n1", "n2"} {
		if g.one(2) {
			g.world.Nodes = append(g.world.Nodes, &snapshot.Node{Name: name,
				Labels:    netpol.Labels{Set: map[string]string{"zone": pick(g, "1", "2")}},
				Addresses: []netip.Addr{netip.MustParseAddr(pick(g, "192.168.0.7", "192.168.0.200", "10.2.0.1"))}})
		}
	}
}

// traitsInUse change what is answered, or what has to be assumed.
var traitsInUse = []cni.Trait{
	cni.BlockSkipsPods, cni.BlockMatchesPods, cni.BlockSkipsNodes, cni.BaselineByPod, cni.BaselineByDirection,
	cni.NodeIngressOpen, cni.NodeIngressPoliced, cni.NodeEgressPoliced, cni.HostPodsAsPeers, cni.BarePodsOpen,
	cni.NoEndPort, cni.NoSCTP, cni.ClusterPolicies, cni.NoNodePeers, cni.NoDomainPeers,
}

// traits makes the plugin one that differs, some pods bare, and some names known.
func (g *gen) traits() {
	f := &g.world.Facts
	f.Profile.Name = "odd"
	for _, t := range traitsInUse {
		if g.one(5) {
			f.Profile.Differences = append(f.Profile.Differences, cni.Difference{Trait: t})
		}
	}
	if g.one(2) {
		f.Domains = map[string]flow.Addresses{"a.example.com": flow.AddressesOf(netip.MustParsePrefix(pick(g, "10.1.0.0/16", "192.168.0.7/32")))}
	}
	for _, w := range g.world.Workloads {
		if w.Kind == "Deployment" && g.one(2) {
			w.Kind = "Pod"
		}
	}
}

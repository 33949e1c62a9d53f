// Package network decides what network policies let through: one attempt with its
// reason, or every pair of workloads with all their ports.
package network

import (
	"cmp"
	"slices"
	"sync"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// An Attempt is a packet that wants to open a connection. Port is the pod port,
// after DNAT.
type Attempt struct {
	From, To Endpoint
	Protocol flow.Protocol
	Port     uint16
	// Family is that of the addresses the packet goes from and to.
	Family Family
}

// Engine decides over one snapshot. It is safe for concurrent use.
type Engine struct {
	world *snapshot.Snapshot
	// policies are the NetworkPolicies of a namespace, in the snapshot's order.
	policies map[string][]*netpol.Policy
	// ordered are the policies of each ordered tier that are in force, by priority;
	// ignored are those that the network plugin is known not to enforce.
	ordered [3][]*netpol.Policy
	ignored []*netpol.Policy
	// nodes by name, and the addresses of all of them.
	nodes      map[string]*snapshot.Node
	nodeRanges flow.Addresses
	// dialects are the unmodelled policy objects of a direction.
	dialects [2][]snapshot.Unmodelled
	// standing are the assumptions that every answer from policies rests on.
	standing []string
	// podRanges are Facts.PodCIDRs.
	podRanges flow.Addresses
	// seen is what policies can see of pods; found when first asked for.
	seen func() *vision
	// twoFamilies reports whether an answer may depend on the IP family.
	twoFamilies func() bool
	// compiled is built when whole sets are first asked for.
	compiled func() *estate
}

// New prepares an engine.
func New(world *snapshot.Snapshot) *Engine {
	e := &Engine{world: world, policies: map[string][]*netpol.Policy{}, standing: world.Standing()}
	e.podRanges = flow.AddressesOf(world.Facts.PodCIDRs...)
	for _, p := range world.Policies {
		e.policies[p.Namespace] = append(e.policies[p.Namespace], p)
	}
	e.sortTiers()
	e.addNodes()
	for _, u := range e.world.Unmodelled {
		if u.Layer != verdict.Egress && u.Layer != verdict.Ingress {
			continue
		}
		for _, dir := range netpol.Directions {
			if u.Directions[dir] {
				e.dialects[dir] = append(e.dialects[dir], u)
			}
		}
	}
	e.seen = sync.OnceValue(func() *vision { return visionOf(e) })
	e.twoFamilies = sync.OnceValue(func() bool { return dualStack(world, e.seen()) })
	e.compiled = sync.OnceValue(func() *estate { return compile(e) })
	return e
}

// sortTiers puts the policies of the ordered tiers in the order they are asked.
// Those of equal priority stay in the snapshot's order, which decides nothing.
func (e *Engine) sortTiers() {
	for _, p := range e.world.ClusterPolicies {
		if v, _ := e.world.Facts.Profile.Implements(p.Kind); v == verdict.Deny {
			e.ignored = append(e.ignored, p)
			continue
		}
		if !p.Tier.IsOrdered() { // nobody said which: it may do anything
			e.world = withUnmodelled(e.world, p)
			continue
		}
		e.ordered[p.Tier] = append(e.ordered[p.Tier], p)
	}
	for _, tier := range e.ordered {
		slices.SortStableFunc(tier, func(a, b *netpol.Policy) int { return cmp.Compare(a.Priority, b.Priority) })
	}
}

// withUnmodelled returns the snapshot with a policy that is not understood.
func withUnmodelled(world *snapshot.Snapshot, p *netpol.Policy) *snapshot.Snapshot {
	out := *world
	out.Unmodelled = append(slices.Clip(out.Unmodelled), snapshot.Unmodelled{
		Ref: snapshot.Ref{Kind: p.Kind, Namespace: p.Namespace, Name: p.Name}, Layer: verdict.Ingress,
		Directions: [2]bool{true, true}, Origin: p.Origin})
	return &out
}

func (e *Engine) addNodes() {
	e.nodes = make(map[string]*snapshot.Node, len(e.world.Nodes))
	for _, n := range e.world.Nodes {
		e.nodes[n.Name] = n
		e.nodeRanges = e.nodeRanges.Union(single(n.Addresses))
	}
}

package network

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A ruleMatch is a rule that matches an attempt, or may, with the peer that does.
type ruleMatch struct {
	policy *netpol.Policy
	index  int // among the policy's rules of the direction
	match  netpol.Match
	origin verdict.Origin
}

// An admission is what the rules of one NetworkPolicy make of an attempt.
type admission struct {
	match netpol.Match
	// rules are those that may admit.
	rules []ruleMatch
}

// origins returns those of the rules with this match.
func (a admission) origins(m netpol.Match) []verdict.Origin {
	var out []verdict.Origin
	for _, r := range a.rules {
		if r.match == m {
			out = append(out, r.origin)
		}
	}
	return out
}

// admission asks every rule: "Traffic is allowed … if the traffic matches at least
// one ingress rule across all of the NetworkPolicy objects".
func (q *query) admission(p *netpol.Policy) admission {
	a := admission{match: netpol.No}
	for i, r := range p.Rules[q.dir] {
		m, origin := q.rule(p, r)
		if m == netpol.No || r.Action != netpol.Accept {
			continue
		}
		a.rules = append(a.rules, ruleMatch{p, i, m, origin})
		a.match = either(a.match, m)
	}
	return a
}

// rule is a logical and: "The traffic must match both ports and from." The origin
// is the peer that matches, or the rule where every peer does.
func (q *query) rule(p *netpol.Policy, r netpol.Rule) (netpol.Match, verdict.Origin) {
	ports := q.ports(p, r)
	if ports == netpol.No || r.AnyPeer {
		return ports, r.Origin
	}
	best, origin := netpol.No, r.Origin
	for _, peer := range r.Peers {
		m := q.matchPeer(p.Namespace, peer)
		if m == netpol.Yes && unsupported(r, peer) {
			m = netpol.Unsure
		}
		if rank(m) > rank(best) {
			best, origin = m, peer.Origin
		}
	}
	return both(ports, best), origin
}

// unsupported: "DomainNames is only supported for Accept rules". What a plugin makes of
// others is not said.
func unsupported(r netpol.Rule, p netpol.Peer) bool {
	return len(p.Domains) > 0 && r.Action != netpol.Accept
}

func rank(m netpol.Match) int { return []int{netpol.No: 0, netpol.Unsure: 1, netpol.Yes: 2}[m] }

func either(a, b netpol.Match) netpol.Match {
	if rank(b) > rank(a) {
		return b
	}
	return a
}

func both(a, b netpol.Match) netpol.Match {
	if rank(b) < rank(a) {
		return b
	}
	return a
}

func yes(b bool) netpol.Match {
	if b {
		return netpol.Yes
	}
	return netpol.No
}

// ports asks whether the rule speaks of the attempt's port. "If this field is
// empty or missing, this rule matches all ports"; the items are combined with or.
func (q *query) ports(policy *netpol.Policy, r netpol.Rule) netpol.Match {
	if r.AnyPort {
		return netpol.Yes
	}
	best := netpol.No
	for _, p := range r.Ports {
		best = either(best, q.port(policy, p))
	}
	return best
}

// port matches "the specified protocol AND port". A name is looked up on the
// destination: a pod without it, or an address outside, has no such port; of a pod
// known by description only nobody knows.
func (q *query) port(policy *netpol.Policy, p netpol.Port) netpol.Match {
	to := q.attempt.To
	switch {
	case p.Protocol != q.attempt.Protocol || p.Protocol == flow.NoProtocol:
		return netpol.No
	case p.Protocol == flow.SCTP && !policy.Tier.IsOrdered() && q.hasTrait(cni.NoSCTP):
		return netpol.No
	case p.Name == "":
		if p.EndPort {
			q.hasTrait(cni.NoEndPort)
		}
		return yes(p.From <= q.attempt.Port && q.attempt.Port <= q.last(p))
	case to.Virtual != nil:
		return netpol.Unsure
	case to.Pod != nil:
		number := to.Pod.NamedPort(p.Name, p.Protocol)
		return yes(number != 0 && number == q.attempt.Port)
	}
	return netpol.No
}

// last is the end of a range of ports. A plugin that ignores endPort takes the first
// port alone.
func (e *Engine) last(p netpol.Port) uint16 {
	if p.EndPort && e.world.Facts.Profile.Has(cni.NoEndPort) {
		return p.From
	}
	return p.To
}

// matchPeer asks one peer of a policy in namespace ns. Selectors speak of pods on the
// pod network only: pods on the host network are seen as their node's addresses.
func (q *query) matchPeer(ns string, p netpol.Peer) netpol.Match {
	switch {
	case p.Block != nil:
		return q.block(*p.Block)
	case p.Nodes != nil:
		return q.implemented(p, q.matchNodes(*p.Nodes))
	case len(p.Domains) > 0:
		return q.implemented(p, q.matchDomains(p.Domains))
	case q.peer.isHost() && meansHosts(p) && q.hasTrait(cni.HostPodsAsPeers):
		return yesOrUnsure(q.matchNamespace(ns, p.Namespaces, q.peer))
	case q.peer.isOutside() || q.peer.isHost():
		return netpol.No
	}
	pods := netpol.Yes
	if p.Pods != nil {
		pods = p.Pods.Match(q.peer.labels())
	}
	if pods == netpol.No {
		return netpol.No
	}
	return both(pods, q.matchNamespace(ns, p.Namespaces, q.peer))
}

// meansHosts reports whether a plugin with HostPodsAsPeers takes the peer to mean pods on
// the host network, too.
func meansHosts(p netpol.Peer) bool {
	return p.IsPods() && p.Namespaces != nil && (p.Pods == nil || len(*p.Pods) == 0)
}

// matchNamespace asks for the namespace of one end: without a selector it is the
// policy's own.
func (q *query) matchNamespace(own string, s *netpol.Selector, end Endpoint) netpol.Match {
	name := end.namespace()
	if s == nil {
		return yes(name == own)
	}
	m, assumed := namespaceMatch(q.world.NamespaceOf(name), *s)
	if assumed {
		return q.assume(snapshot.AssumeNamespaceLabels, m)
	}
	return m
}

// namespaceMatch asks a namespace; assumed says that the answer rests on a
// namespace that nobody declared having no other labels.
func namespaceMatch(ns *snapshot.Namespace, s netpol.Selector) (m netpol.Match, assumed bool) {
	if ns.Declared {
		return s.Match(ns.Labels), false
	}
	known, asked := netpol.Yes, false
	for _, r := range s {
		if r.Key == snapshot.MetadataName {
			known = both(known, r.Match(ns.Labels))
		} else {
			asked = true
		}
	}
	if known == netpol.No || !asked {
		return known, false
	}
	return s.Match(ns.Labels), true
}

// block asks an ipBlock or networks.
func (q *query) block(b netpol.Block) netpol.Match {
	if q.peer.isOutside() {
		return q.blockOutside(b)
	}
	a := q.blockMatch(q.peer.asPod(), b, q.family)
	if a.trait != "" {
		q.hasTrait(a.trait)
	}
	if a.assumption != "" {
		return q.assume(a.assumption, a.match)
	}
	return a.match
}

// blockOutside asks a block about addresses outside. A plugin that never takes nodes for
// a block has to know which addresses are nodes'.
func (q *query) blockOutside(b netpol.Block) netpol.Match {
	m := within(q.peer.Outside, q.blockAddresses(b))
	if b.Pods || !q.world.Facts.Profile.Has(cni.BlockSkipsNodes) || m == netpol.No {
		return m
	}
	q.hasTrait(cni.BlockSkipsNodes)
	if len(q.world.Nodes) == 0 {
		return q.assume(snapshot.AssumeNotNode, m)
	}
	return m
}

// A blockAnswer is what a block makes of a pod, with what the answer rests on.
type blockAnswer struct {
	match      netpol.Match
	assumption string
	trait      cni.Trait
}

// blockMatch asks a block about a pod: by its addresses of the family where they are known, else by
// the ranges pods take theirs from; without either an ipBlock is assumed to speak of
// the outside, unless the plugin is known to match pods by it.
func (e *Engine) blockMatch(p *snapshot.Pod, b netpol.Block, f Family) blockAnswer {
	plugin := e.world.Facts.Profile
	addresses, unknown := f.addresses(p)
	everyPod := b.Pods || plugin.Has(cni.BlockMatchesPods)
	switch {
	case b.Addresses.IsEmpty():
		return blockAnswer{match: netpol.No}
	case p.HostNetwork && !b.Pods && plugin.Has(cni.BlockSkipsNodes):
		return blockAnswer{match: netpol.No, trait: cni.BlockSkipsNodes}
	case plugin.Has(cni.BlockSkipsPods):
		return blockAnswer{match: netpol.No, trait: cni.BlockSkipsPods}
	case !unknown:
		return blockAnswer{match: yes(slices.ContainsFunc(addresses, b.Addresses.Has))}
	case allIPv4.Minus(b.Addresses).IsEmpty() && allIPv6.Minus(b.Addresses).IsEmpty() && everyPod:
		return blockAnswer{match: netpol.Yes}
	case !p.HostNetwork && !e.podRanges.IsEmpty():
		return blockAnswer{match: within(e.podRanges.Intersect(f.all()), b.Addresses)}
	case everyPod && allIPv4.Minus(b.Addresses).IsEmpty():
		return blockAnswer{match: netpol.Yes, assumption: snapshot.AssumePodIPv4}
	}
	return blockAnswer{match: netpol.No, assumption: snapshot.AssumeBlockOutside}
}

// blockAddresses are the addresses outside that a block means: without those of nodes,
// where the plugin takes them for something else.
func (e *Engine) blockAddresses(b netpol.Block) flow.Addresses {
	if !b.Pods && e.world.Facts.Profile.Has(cni.BlockSkipsNodes) {
		return b.Addresses.Minus(e.nodeRanges)
	}
	return b.Addresses
}

// within asks for an address that is somewhere in ranges.
func within(ranges, addresses flow.Addresses) netpol.Match {
	switch {
	case ranges.Intersect(addresses).IsEmpty():
		return netpol.No
	case ranges.Minus(addresses).IsEmpty():
		return netpol.Yes
	}
	return netpol.Unsure
}

// codes is a set of the assumptions that matching can use.
type codes uint8

var assumable = []string{snapshot.AssumeBlockOutside, snapshot.AssumeNamespaceLabels, snapshot.AssumePodIPv4, snapshot.AssumeNotNode}

func codeOf(code string) codes { return 1 << slices.Index(assumable, code) }

func (c codes) list() []string {
	var out []string
	for i, code := range assumable {
		if c&(1<<i) != 0 {
			out = append(out, code)
		}
	}
	slices.Sort(out)
	return out
}

// assume notes that an answer rests on an assumption, and doubts it when asked to.
func (q *query) assume(code string, m netpol.Match) netpol.Match {
	q.used |= codeOf(code)
	if q.doubt {
		return netpol.Unsure
	}
	return m
}

// hasTrait reports whether the network plugin has the trait, and notes that the answer
// asked for one that it has.
func (q *query) hasTrait(t cni.Trait) bool {
	has := q.world.Facts.Profile.Has(t)
	if has && !slices.Contains(q.traits, t) {
		q.traits = append(q.traits, t)
	}
	return has
}

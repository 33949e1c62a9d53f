package network

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// An admission is what the rules of one policy make of an attempt.
type admission struct {
	match netpol.Match
	// addresses is what the rules surely admit of an outside peer.
	addresses flow.Addresses
	// rules are those that may admit.
	rules []ruleMatch
}

// A ruleMatch is a rule that admits, or may admit, with the peer that does.
type ruleMatch struct {
	match  netpol.Match
	origin verdict.Origin
}

func (a admission) admitting() []verdict.Origin { return a.origins(netpol.Yes) }
func (a admission) doubtful() []verdict.Origin  { return a.origins(netpol.Unsure) }

// origins returns those of the rules with this match; where an outside peer is
// covered only by rules together, all of them count.
func (a admission) origins(m netpol.Match) []verdict.Origin {
	var out []verdict.Origin
	for _, r := range a.rules {
		if r.match == m {
			out = append(out, r.origin)
		}
	}
	if len(out) == 0 && m == netpol.Yes {
		for _, r := range a.rules {
			out = append(out, r.origin)
		}
	}
	return out
}

// admission asks every rule: "Traffic is allowed … if the traffic matches at least
// one ingress rule across all of the NetworkPolicy objects".
func (q *query) admission(p *netpol.Policy) admission {
	a := admission{match: netpol.No}
	for _, r := range p.Rules[q.dir] {
		m, origin := q.rule(p, r, &a)
		if m == netpol.No {
			continue
		}
		a.rules = append(a.rules, ruleMatch{m, origin})
		a.match = either(a.match, m)
	}
	if a.match == netpol.Unsure && !a.addresses.IsEmpty() && q.peer.isOutside() && q.covers(a.addresses) {
		a.match = netpol.Yes
	}
	return a
}

// rule is a logical and: "The traffic must match both ports and from." The origin
// is the peer that matches, or the rule where every peer does.
func (q *query) rule(p *netpol.Policy, r netpol.Rule, a *admission) (netpol.Match, verdict.Origin) {
	ports := q.ports(r)
	if ports == netpol.No {
		return netpol.No, r.Origin
	}
	if r.AnyPeer {
		if ports == netpol.Yes {
			a.addresses = flow.AllAddresses()
		}
		return ports, r.Origin
	}
	best, origin := netpol.No, r.Origin
	for _, peer := range r.Peers {
		m := q.matchPeer(p.Namespace, peer)
		if m != netpol.No && ports == netpol.Yes && peer.Block != nil {
			a.addresses = a.addresses.Union(peer.Block.Addresses)
		}
		if rank(m) > rank(best) {
			best, origin = m, peer.Origin
		}
	}
	return both(ports, best), origin
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
func (q *query) ports(r netpol.Rule) netpol.Match {
	if r.AnyPort {
		return netpol.Yes
	}
	best := netpol.No
	for _, p := range r.Ports {
		best = either(best, q.port(p))
	}
	return best
}

// port matches "the specified protocol AND port". A name is looked up on the
// destination: a pod without it, or an address outside, has no such port; of a pod
// known by description only nobody knows.
func (q *query) port(p netpol.Port) netpol.Match {
	to := q.attempt.To
	switch {
	case p.Protocol != q.attempt.Protocol || p.Protocol == flow.NoProtocol:
		return netpol.No
	case p.Name == "":
		return yes(p.From <= q.attempt.Port && q.attempt.Port <= p.To)
	case to.Virtual != nil:
		return netpol.Unsure
	case to.Pod != nil:
		number := to.Pod.NamedPort(p.Name, p.Protocol)
		return yes(number != 0 && number == q.attempt.Port)
	}
	return netpol.No
}

// matchPeer asks one peer of a policy in namespace ns. Selectors speak of pods on the
// pod network only: pods on the host network are seen as their node's addresses.
func (q *query) matchPeer(ns string, p netpol.Peer) netpol.Match {
	switch {
	case p.Block != nil:
		return q.block(p.Block.Addresses)
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
	return both(pods, q.matchNamespace(ns, p.Namespaces))
}

// matchNamespace asks for the peer's namespace: without a selector it is the
// policy's own.
func (q *query) matchNamespace(own string, s *netpol.Selector) netpol.Match {
	name := q.peer.namespace()
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

// block asks an ipBlock.
func (q *query) block(b flow.Addresses) netpol.Match {
	switch {
	case !q.peer.isOutside():
		m, assumed := blockMatch(q.podRanges, q.peer.asPod(), b)
		if assumed {
			return q.assume(snapshot.AssumeBlockOutside, m)
		}
		return m
	case q.peer.addressUnknown():
		switch {
		case b.IsEmpty():
			return netpol.No
		case q.covers(b):
			return netpol.Yes
		}
		return netpol.Unsure
	case b.Intersect(q.peer.Outside).IsEmpty():
		return netpol.No
	}
	if q.covers(b) {
		return netpol.Yes
	}
	return netpol.Unsure
}

// blockMatch asks an ipBlock about a pod: by its addresses where they are known,
// else by the ranges pods take theirs from; without either a block is assumed to
// speak of the outside.
func blockMatch(ranges flow.Addresses, p *snapshot.Pod, b flow.Addresses) (m netpol.Match, assumed bool) {
	switch {
	case b.IsEmpty():
		return netpol.No, false
	case len(p.Addresses) > 0:
		return yes(slices.ContainsFunc(p.Addresses, b.Has)), false
	case p.HostNetwork || ranges.IsEmpty():
		return netpol.No, true
	case ranges.Intersect(b).IsEmpty():
		return netpol.No, false
	case ranges.Minus(b).IsEmpty():
		return netpol.Yes, false
	}
	return netpol.Unsure, false
}

// codes is a set of the assumptions that matching can use.
type codes uint8

var assumable = []string{snapshot.AssumeBlockOutside, snapshot.AssumeNamespaceLabels, snapshot.AssumePodIPv4}

func (c codes) list() []string {
	var out []string
	for i, code := range assumable {
		if c&(1<<i) != 0 {
			out = append(out, code)
		}
	}
	return out
}

// assume notes that an answer rests on an assumption, and doubts it when asked to.
func (q *query) assume(code string, m netpol.Match) netpol.Match {
	q.used |= 1 << slices.Index(assumable, code)
	if q.doubt {
		return netpol.Unsure
	}
	return m
}

package network

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// nodesMatch asks which nodes a peer selects about a pod on the host network. "It
// selects the nodeIPs as the peer type by matching on the IPs present in the
// node.Status.Addresses field of the node." The empty selector needs no such object:
// the pod is on some node.
func (e *Engine) nodesMatch(p *snapshot.Pod, s netpol.Selector) netpol.Match {
	if !p.HostNetwork {
		return netpol.No
	}
	if len(s) == 0 {
		return netpol.Yes
	}
	if n := e.nodeOf(p); n != nil {
		return s.Match(n.Labels)
	}
	return netpol.Unsure
}

// nodeOf finds a pod's node by its name, or by an address of a host-network pod.
func (e *Engine) nodeOf(p *snapshot.Pod) *snapshot.Node {
	if n, ok := e.nodes[p.Node]; ok {
		return n
	}
	if !p.HostNetwork {
		return nil
	}
	for _, n := range e.world.Nodes {
		if slices.ContainsFunc(p.Addresses, func(a netip.Addr) bool { return slices.Contains(n.Addresses, a) }) {
			return n
		}
	}
	return nil
}

// addressesOfNodes returns the addresses of the nodes that a peer surely selects, and
// of those that it may.
func (e *Engine) addressesOfNodes(s netpol.Selector) (sure, maybe flow.Addresses) {
	for _, n := range e.world.Nodes {
		switch s.Match(n.Labels) {
		case netpol.Yes:
			sure, maybe = sure.Union(single(n.Addresses)), maybe.Union(single(n.Addresses))
		case netpol.Unsure:
			maybe = maybe.Union(single(n.Addresses))
		}
	}
	return sure, maybe
}

// single returns a set of single addresses.
func single(list []netip.Addr) flow.Addresses {
	prefixes := make([]netip.Prefix, len(list))
	for i, a := range list {
		prefixes[i] = netip.PrefixFrom(a, a.BitLen())
	}
	return flow.AddressesOf(prefixes...)
}

// unimplemented are the traits of plugins that do not know nodes, or domain names.
func unimplemented(p netpol.Peer) cni.Trait {
	if p.Nodes != nil {
		return cni.NoNodePeers
	}
	return cni.NoDomainPeers
}

// doubts reports whether the plugin is documented not to know peers of this kind, so that
// nobody can say what it makes of the rule.
func (e *Engine) doubts(p netpol.Peer) bool {
	return !p.IsPods() && p.Block == nil && e.world.Facts.Profile.Has(unimplemented(p))
}

// implemented doubts a match of a peer that the plugin may not know.
func (q *query) implemented(p netpol.Peer, m netpol.Match) netpol.Match {
	if m == netpol.Yes && q.hasTrait(unimplemented(p)) {
		return netpol.Unsure
	}
	return m
}

// matchNodes asks a nodes peer. Where no Node was read, an address outside is assumed
// to be none of them.
func (q *query) matchNodes(s netpol.Selector) netpol.Match {
	switch {
	case !q.peer.isOutside():
		return q.nodesMatch(q.peer.asPod(), s)
	case len(q.world.Nodes) == 0:
		return q.assume(snapshot.AssumeNotNode, netpol.No)
	}
	sure, maybe := q.addressesOfNodes(s)
	return q.bounded(sure, maybe)
}

// bounded asks for a peer outside among addresses that surely match, and some that may.
func (q *query) bounded(sure, maybe flow.Addresses) netpol.Match {
	if within(q.peer.Outside, sure) == netpol.Yes {
		return netpol.Yes
	}
	return yesOrUnsure(within(q.peer.Outside, maybe))
}

// yesOrUnsure doubts what is not No.
func yesOrUnsure(m netpol.Match) netpol.Match {
	if m == netpol.No {
		return netpol.No
	}
	return netpol.Unsure
}

// matchDomains asks a domainNames peer: by the addresses that the facts give for the
// names. A name without may lead anywhere outside, and to no pod.
func (q *query) matchDomains(names []string) netpol.Match {
	addresses, complete := q.resolve(names)
	if !q.peer.isOutside() {
		return podAtDomain(q.peer.asPod(), addresses, complete, q.family)
	}
	if complete {
		return q.bounded(addresses, addresses)
	}
	return q.bounded(addresses, flow.AllAddresses())
}

// podAtDomain asks for a pod behind names whose addresses are these, or with complete
// false these and others. A pod on the host network is as any address outside.
func podAtDomain(p *snapshot.Pod, addresses flow.Addresses, complete bool, f Family) netpol.Match {
	at, unknown := f.addresses(p)
	switch {
	case slices.ContainsFunc(at, addresses.Has):
		return netpol.Yes
	case !p.HostNetwork || complete && (!unknown || addresses.IsEmpty()):
		return netpol.No
	}
	return netpol.Unsure
}

// resolve returns the addresses that the facts give for names; complete says that they
// give them for each. Names below a wildcard are some of its addresses, never all.
func (e *Engine) resolve(names []string) (addresses flow.Addresses, complete bool) {
	complete = true
	for _, name := range names {
		name = canonicalDomain(name)
		at, known := e.world.Facts.Domains[name]
		addresses, complete = addresses.Union(at), complete && known
		suffix, isWildcard := strings.CutPrefix(name, "*")
		for other, at := range e.world.Facts.Domains {
			if isWildcard && strings.HasSuffix(canonicalDomain(other), suffix) {
				addresses = addresses.Union(at)
			}
		}
	}
	return addresses, complete
}

// canonicalDomain writes a name as names are compared: lower case, without a last dot.
func canonicalDomain(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

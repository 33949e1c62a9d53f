package network

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// peer returns the classes that a peer of a policy in namespace own means.
func (m *matcher) peer(own string, p netpol.Peer) between {
	key := peerKey(own, p)
	b, ok := m.peers[key]
	if !ok {
		b = m.ask(own, p)
		m.peers[key] = b
	}
	return b
}

func (m *matcher) ask(own string, p netpol.Peer) between {
	switch {
	case p.Block != nil:
		return m.block(*p.Block)
	case p.Nodes != nil:
		return m.doubted(p, m.each(m.hosts(), func(pod *snapshot.Pod) netpol.Match { return m.engine.nodesMatch(pod, *p.Nodes) }))
	case len(p.Domains) > 0:
		addresses, complete := m.engine.resolve(p.Domains)
		return m.doubted(p, m.each(slices.Concat(m.addressed, m.homeless[1]), func(pod *snapshot.Pod) netpol.Match {
			return podAtDomain(pod, addresses, complete, m.family)
		}))
	}
	out := m.selected(own, p)
	if meansHosts(p) && m.engine.world.Facts.Profile.Has(cni.HostPodsAsPeers) {
		spaces := m.namespaces(*p.Namespaces)
		hosts := m.each(m.hosts(), func(pod *snapshot.Pod) netpol.Match {
			if _, ok := spaces[pod.Namespace]; ok {
				return netpol.Unsure
			}
			return netpol.No
		})
		out.maybe = out.maybe.or(hosts.maybe)
	}
	return out
}

// doubted leaves nothing sure of a peer that the plugin may not implement.
func (m *matcher) doubted(p netpol.Peer, b between) between {
	if m.engine.doubts(p) {
		b.sure = set{}
	}
	return b
}

// hosts are the classes on the host network, ascending.
func (m *matcher) hosts() []int32 {
	out := slices.Clone(m.homeless[1])
	for _, c := range m.addressed {
		if m.classes[c].pod.HostNetwork {
			out = append(out, c)
		}
	}
	slices.Sort(out)
	return out
}

// each asks classes one by one.
func (m *matcher) each(classes []int32, match func(*snapshot.Pod) netpol.Match) between {
	var sure, maybe []int32
	for _, c := range classes {
		m.evaluations++
		switch match(m.classes[c].pod) {
		case netpol.Yes:
			sure, maybe = append(sure, c), append(maybe, c)
		case netpol.Unsure:
			maybe = append(maybe, c)
		}
	}
	return m.bounds(sure, maybe)
}

func (m *matcher) bounds(sure, maybe []int32) between {
	return between{listSet(sure).packed(len(m.classes)), listSet(maybe).packed(len(m.classes))}
}

// beyond returns the addresses outside that a peer surely means, and those it may.
func (m *matcher) beyond(p netpol.Peer) (sure, maybe flow.Addresses) {
	switch {
	case p.Block != nil:
		sure = m.engine.blockAddresses(*p.Block)
		maybe = sure
		if !p.Block.Pods && m.engine.world.Facts.Profile.Has(cni.BlockSkipsNodes) && len(m.engine.world.Nodes) == 0 &&
			m.assume(snapshot.AssumeNotNode, netpol.Yes) == netpol.Unsure {
			sure = flow.Addresses{}
		}
	case p.Nodes != nil && len(m.engine.world.Nodes) == 0:
		if m.assume(snapshot.AssumeNotNode, netpol.No) == netpol.Unsure {
			maybe = flow.AllAddresses()
		}
	case p.Nodes != nil:
		sure, maybe = m.engine.addressesOfNodes(*p.Nodes)
	case len(p.Domains) > 0:
		var complete bool
		sure, complete = m.engine.resolve(p.Domains)
		if maybe = sure; !complete {
			maybe = flow.AllAddresses()
		}
	}
	if m.engine.doubts(p) {
		sure = flow.Addresses{}
	}
	return sure, maybe
}

func peerKey(own string, p netpol.Peer) string {
	switch {
	case p.Block != nil && p.Block.Pods:
		return "networks " + prefixes(p.Block.Addresses)
	case p.Block != nil:
		return "block " + prefixes(p.Block.Addresses)
	case p.Nodes != nil:
		return "nodes " + p.Nodes.String()
	case len(p.Domains) > 0:
		return "domains " + strings.Join(p.Domains, " ")
	}
	pods := "(everything)"
	if p.Pods != nil {
		pods = p.Pods.String()
	}
	if p.Namespaces == nil {
		return "own " + own + "\x00" + pods
	}
	return "ns " + p.Namespaces.String() + "\x00" + pods
}

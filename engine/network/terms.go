package network

import (
	"maps"
	"slices"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
)

// terms is a rule with its selectors answered.
type terms struct {
	action  netpol.Action
	peers   between
	outside struct{ sure, maybe flow.Addresses }
	ports   portID
	names   []portName
}

// grants returns what policy i admits class c: surely, and beyond that perhaps.
func (p *profiler) grants(c int, i int32) (sure, extra region) {
	for _, t := range p.termsOf(i) {
		if t.action == netpol.Accept {
			s, e := p.matched(c, t)
			sure, extra = append(sure, s...), append(extra, e...)
		}
	}
	return sure, extra
}

// matched returns what a rule over class c surely matches, and beyond that perhaps, with
// the names of ports resolved: towards c on its own ports, from c on those of each peer.
func (p *profiler) matched(c int, t terms) (sure, extra region) {
	add := func(peers between, outside, perhaps flow.Addresses, ports portID) {
		if g := (grant{peers.sure, outside, ports}); !g.isEmpty() {
			sure = append(sure, g)
		}
		if g := (grant{peers.maybe.minus(peers.sure), perhaps.Minus(outside), ports}); !g.isEmpty() {
			extra = append(extra, g)
		}
	}
	if p.dir == netpol.Ingress {
		ports := t.ports
		for _, name := range t.names {
			ports = p.ports.or(ports, p.port(name, p.classes[c].pod.NamedPort(name.name, name.protocol)))
		}
		add(t.peers, t.outside.sure, t.outside.maybe, ports)
		return sure, extra
	}
	add(t.peers, t.outside.sure, t.outside.maybe, t.ports)
	for _, name := range t.names {
		at := p.resolve(name)
		for _, n := range slices.Sorted(maps.Keys(at)) {
			peers := between{t.peers.sure.and(at[n]), t.peers.maybe.and(at[n])}
			add(peers, flow.Addresses{}, flow.Addresses{}, p.port(name, n))
		}
	}
	return sure, extra
}

func (p *profiler) port(name portName, n uint16) portID {
	return p.ports.id(flow.PortsOf(flow.PortRange{Protocol: name.protocol, From: n, To: n}))
}

// termsOf answers the selectors of policy i, once.
func (p *profiler) termsOf(i int32) []terms {
	if p.terms[i] != nil {
		return p.terms[i]
	}
	policy := p.policies[i]
	out := []terms{}
	for _, r := range policy.Rules[p.dir] {
		out = append(out, p.rule(policy, r))
	}
	p.terms[i] = out
	return out
}

func (p *profiler) rule(policy *netpol.Policy, r netpol.Rule) terms {
	t := terms{action: r.Action, ports: allPorts}
	if !r.AnyPort {
		t.ports, t.names = p.rulePorts(policy, r.Ports)
	}
	if r.AnyPeer {
		t.peers = between{p.all, p.all}
		t.outside.sure, t.outside.maybe = flow.AllAddresses(), flow.AllAddresses()
		return t
	}
	for i, peer := range r.Peers {
		sure, maybe := p.beyond(peer)
		b := p.peer(policy.Namespace, peer)
		if unsupported(r, peer) {
			sure, b.sure = flow.Addresses{}, set{}
		}
		t.outside.sure, t.outside.maybe = t.outside.sure.Union(sure), t.outside.maybe.Union(maybe)
		if i == 0 {
			t.peers = b
		} else {
			t.peers = t.peers.or(b)
		}
	}
	return t
}

func (p *profiler) rulePorts(policy *netpol.Policy, ports []netpol.Port) (portID, []portName) {
	var ranges []flow.PortRange
	var names []portName
	for _, port := range ports {
		if port.Protocol == flow.SCTP && !policy.Tier.IsOrdered() && p.engine.world.Facts.Profile.Has(cni.NoSCTP) {
			continue
		}
		if port.Name != "" {
			names = append(names, portName{port.Protocol, port.Name})
			continue
		}
		ranges = append(ranges, flow.PortRange{Protocol: port.Protocol, From: port.From, To: p.engine.last(port)})
	}
	return p.ports.id(flow.PortsOf(ranges...)), names
}

package network

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A grant admits classes, and addresses outside, at ports.
type grant struct {
	classes set
	outside flow.Addresses
	ports   portID
}

// A profile is what classes with the same selecting policies, and the same numbers
// behind the port names those use, are admitted in one direction: sure, and beyond
// that extra, which depends on a fact that is missing.
type profile struct {
	sure, extra []grant
	// isolated says that a policy surely selects.
	isolated bool
	classes  []int32
}

// terms is a rule with its selectors answered.
type terms struct {
	peers   between
	outside flow.Addresses
	ports   portID
	names   []portName
}

// profiler finds the profile of each class in one direction.
type profiler struct {
	*matcher
	ports    *portSets
	dir      netpol.Direction
	policies []*netpol.Policy
	terms    [][]terms // of a policy, when first used
	profiles []*profile
	of       []int32 // the profile of a class
	doubted  set     // classes of namespaces in doubt
	hosts    set     // classes on the host network
}

func newProfiler(m *matcher, ports *portSets, dir netpol.Direction) *profiler {
	p := &profiler{
		matcher: m, ports: ports, dir: dir, policies: m.engine.world.Policies,
		terms: make([][]terms, len(m.engine.world.Policies)), of: make([]int32, len(m.classes)),
	}
	p.doubted, p.hosts = p.inDoubt(), set{list: m.homeless[1]}
	for _, c := range m.addressed {
		if m.classes[c].pod.HostNetwork {
			p.hosts = p.hosts.or(set{list: []int32{c}})
		}
	}
	p.hosts = p.hosts.packed(len(m.classes))
	return p
}

func (p *profiler) inDoubt() set {
	var list []int32
	if len(p.engine.world.Problems) == 0 {
		return set{}
	}
	for ns, classes := range p.byNamespace {
		if len(p.engine.world.InDoubt(ns)) > 0 {
			list = append(list, classes...)
		}
	}
	return listSet(list).packed(len(p.classes))
}

// selecting are the policies, by number, that surely or perhaps isolate a class.
type selecting struct{ sure, maybe []int32 }

// run gives each class its profile.
func (p *profiler) run() {
	by := p.selections()
	ids := map[string]int32{}
	for c := range p.classes {
		key := p.key(c, by[c])
		id, ok := ids[key]
		if !ok {
			id = int32(len(p.profiles)) //nolint:gosec // far below 2^31
			p.profiles = append(p.profiles, p.profile(c, by[c]))
			ids[key] = id
		}
		p.of[c] = id
		p.profiles[id].classes = append(p.profiles[id].classes, int32(c))
	}
}

func (p *profiler) selections() []selecting {
	by := make([]selecting, len(p.classes))
	for i, policy := range p.policies {
		if !policy.Isolates[p.dir] {
			continue
		}
		n := int32(i)
		b := p.peer(policy.Namespace, netpol.Peer{Pods: &policy.Pods})
		b.sure.each(func(c int32) { by[c].sure = append(by[c].sure, n) })
		b.maybe.minus(b.sure).each(func(c int32) { by[c].maybe = append(by[c].maybe, n) })
	}
	return by
}

// stance is how far policies have a say over a class.
type stance byte

const (
	ruled  stance = iota // policies decide
	open                 // whatever policies say, everything passes
	hidden               // nothing is known
)

// stance follows the guards of Decide, in their order.
func (p *profiler) stance(c int) stance {
	e, pod := p.engine, p.classes[c].pod
	resting := e.world.Facts.Strict && len(e.standing) > 0
	switch {
	case slices.ContainsFunc(e.dialects[p.dir], func(u snapshot.Unmodelled) bool { return u.MayTouch(pod) }):
		return hidden
	case e.world.Facts.Enforces == verdict.Deny:
		return open
	case resting:
		return hidden
	case pod.HostNetwork:
		return open
	case p.doubted.words != nil || len(p.doubted.list) > 0:
		if p.doubted.has(int32(c)) { //nolint:gosec // far below 2^31
			return hidden
		}
	}
	return ruled
}

// key is equal for classes of one profile.
func (p *profiler) key(c int, by selecting) string {
	key := []byte{byte(p.stance(c))}
	if p.stance(c) != ruled {
		return string(key)
	}
	for _, list := range [][]int32{by.sure, by.maybe} {
		key = binary.AppendUvarint(key, uint64(len(list)))
		for _, i := range list {
			key = binary.AppendUvarint(key, uint64(i)) //nolint:gosec // never negative
		}
	}
	if p.dir == netpol.Egress {
		return string(key)
	}
	for _, i := range slices.Concat(by.sure, by.maybe) {
		for _, t := range p.termsOf(i) {
			for _, name := range t.names {
				n := p.classes[c].pod.NamedPort(name.name, name.protocol)
				key = binary.BigEndian.AppendUint16(key, n)
			}
		}
	}
	return string(key)
}

// profile builds what a class is admitted; outcome tells why the bounds are these.
func (p *profiler) profile(c int, by selecting) *profile {
	everything := grant{p.all, flow.AllAddresses(), allPorts}
	switch p.stance(c) {
	case open:
		return &profile{sure: []grant{everything}}
	case hidden:
		return &profile{extra: []grant{everything}}
	}
	out := &profile{isolated: len(by.sure) > 0}
	switch {
	case len(by.sure) == 0:
		out.sure = []grant{everything}
		for _, i := range by.maybe {
			sure, _ := p.grants(c, i)
			out.sure = p.common(out.sure, sure)
		}
		if len(by.maybe) > 0 {
			out.extra = []grant{everything}
		}
	default:
		for _, i := range by.sure {
			sure, extra := p.grants(c, i)
			out.sure, out.extra = append(out.sure, sure...), append(out.extra, extra...)
		}
		for _, i := range by.maybe {
			sure, extra := p.grants(c, i)
			out.extra = append(append(out.extra, sure...), extra...)
		}
	}
	p.beyond(out, everything)
	return out
}

// beyond adds what is possible whatever the rules say: a node reaches its pods, a
// plugin nobody told of may not enforce, and a peer in doubt may be any pod.
func (p *profiler) beyond(out *profile, everything grant) {
	facts := p.engine.world.Facts
	if out.isolated && facts.Strict && facts.Enforces == verdict.Unknown {
		out.extra = append(out.extra, everything)
	}
	if out.isolated && p.dir == netpol.Ingress && !p.hosts.isEmpty() {
		out.extra = append(out.extra, grant{classes: p.hosts, ports: allPorts})
	}
	if p.doubted.isEmpty() {
		return
	}
	for i := range out.sure {
		out.sure[i].classes = out.sure[i].classes.minus(p.doubted)
	}
	out.extra = append(out.extra, grant{classes: p.doubted, ports: allPorts})
}

// common returns what two lists of grants both admit.
func (p *profiler) common(as, bs []grant) []grant {
	var out []grant
	for _, a := range as {
		for _, b := range bs {
			g := grant{a.classes.and(b.classes), a.outside.Intersect(b.outside), p.ports.and(a.ports, b.ports)}
			if g.ports != noPorts && !(g.classes.isEmpty() && g.outside.IsEmpty()) {
				out = append(out, g)
			}
		}
	}
	return out
}

// grants returns what policy i admits class c, with the names of ports resolved:
// towards c on its own ports, from c on those of each peer.
func (p *profiler) grants(c int, i int32) (sure, extra []grant) {
	add := func(peers between, outside flow.Addresses, ports portID) {
		if ports == noPorts {
			return
		}
		if !peers.sure.isEmpty() || !outside.IsEmpty() {
			sure = append(sure, grant{peers.sure, outside, ports})
		}
		if doubt := peers.maybe.minus(peers.sure); !doubt.isEmpty() {
			extra = append(extra, grant{classes: doubt, ports: ports})
		}
	}
	for _, t := range p.termsOf(i) {
		if p.dir == netpol.Ingress {
			ports := t.ports
			for _, name := range t.names {
				ports = p.ports.or(ports, p.port(name, p.classes[c].pod.NamedPort(name.name, name.protocol)))
			}
			add(t.peers, t.outside, ports)
			continue
		}
		add(t.peers, t.outside, t.ports)
		for _, name := range t.names {
			at := p.resolve(name)
			for _, n := range slices.Sorted(maps.Keys(at)) {
				add(between{t.peers.sure.and(at[n]), t.peers.maybe.and(at[n])}, flow.Addresses{}, p.port(name, n))
			}
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
		out = append(out, p.rule(policy.Namespace, r))
	}
	p.terms[i] = out
	return out
}

func (p *profiler) rule(own string, r netpol.Rule) terms {
	t := terms{ports: allPorts}
	if !r.AnyPort {
		t.ports, t.names = p.rulePorts(r.Ports)
	}
	if r.AnyPeer {
		t.peers, t.outside = between{p.all, p.all}, flow.AllAddresses()
		return t
	}
	for i, peer := range r.Peers {
		if peer.Block != nil {
			t.outside = t.outside.Union(peer.Block.Addresses)
		}
		if b := p.peer(own, peer); i == 0 {
			t.peers = b
		} else {
			t.peers = t.peers.or(b)
		}
	}
	return t
}

func (p *profiler) rulePorts(ports []netpol.Port) (portID, []portName) {
	var ranges []flow.PortRange
	var names []portName
	for _, port := range ports {
		if port.Name != "" {
			names = append(names, portName{port.Protocol, port.Name})
			continue
		}
		ranges = append(ranges, flow.PortRange{Protocol: port.Protocol, From: port.From, To: port.To})
	}
	return p.ports.id(flow.PortsOf(ranges...)), names
}

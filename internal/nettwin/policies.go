package nettwin

import (
	"fmt"
	"net/netip"
)

// networkPolicy makes a policy that the API server takes.
func (m *maker) networkPolicy(i int) {
	spec := fields{}
	if m.chance(5) {
		m.absence(spec, "podSelector", fields{})
	} else {
		spec["podSelector"] = m.selector()
	}
	for _, dir := range []struct{ field, peers string }{{"ingress", "from"}, {"egress", "to"}} {
		n := m.IntN(4)
		if n == 0 {
			m.absence(spec, dir.field, list{})
			continue
		}
		var rules list
		for range n {
			rules = append(rules, m.rule(dir.peers))
		}
		spec[dir.field] = rules
	}
	m.policyTypes(spec)
	o := fields{"spec": spec}
	if m.chance(40) {
		m.absence(o, "spec", fields{})
	}
	m.add("networking.k8s.io/v1", "NetworkPolicy", m.of(m.namespaces...), fmt.Sprintf("np-%d", i), o)
}

func (m *maker) policyTypes(spec fields) {
	types := []list{
		nil, {"Ingress"}, {"Egress"}, {"Ingress", "Egress"}, {"Egress", "Ingress"}, {"Egress", "Egress"},
	}[m.IntN(6)]
	if len(types) == 0 {
		m.absence(spec, "policyTypes", list{})
		return
	}
	spec["policyTypes"] = types
}

func (m *maker) rule(peersField string) fields {
	r := fields{}
	if n := m.IntN(4); n == 0 {
		m.absence(r, peersField, list{})
	} else {
		var peers list
		for range n {
			peers = append(peers, m.peer())
		}
		r[peersField] = peers
	}
	if n := m.IntN(4); n == 0 {
		m.absence(r, "ports", list{})
	} else {
		var ports list
		for range n {
			ports = append(ports, m.rulePort())
		}
		r["ports"] = ports
	}
	return r
}

func (m *maker) peer() fields {
	p := fields{}
	switch m.IntN(4) {
	case 0:
		p["ipBlock"] = m.ipBlock()
		return m.withNull(p, "podSelector", "namespaceSelector")
	case 1:
		p["podSelector"] = m.selector()
		return m.withNull(p, "namespaceSelector", "ipBlock")
	case 2:
		p["namespaceSelector"] = m.namespaceSelector()
		return m.withNull(p, "podSelector", "ipBlock")
	}
	p["namespaceSelector"] = m.namespaceSelector()
	p["podSelector"] = m.selector()
	return m.withNull(p, "ipBlock")
}

// withNull writes null where a field is absent, now and then.
func (m *maker) withNull(in fields, names ...string) fields {
	for _, f := range names {
		if m.chance(4) {
			in[f] = nil
		}
	}
	return in
}

func (m *maker) namespaceSelector() fields {
	if m.chance(4) {
		s := fields{}
		name := m.of("alpha", "beta", "gamma", "delta")
		if m.chance(2) {
			s["matchLabels"] = fields{"kubernetes.io/metadata.name": name}
		} else {
			s["matchExpressions"] = list{m.expression("kubernetes.io/metadata.name", "alpha", name)}
		}
		return s
	}
	return m.selector()
}

// selector has all operators, and all ways to say nothing.
func (m *maker) selector() fields {
	s := fields{}
	if m.chance(2) {
		m.absence(s, "matchLabels", fields{})
	} else {
		s["matchLabels"] = fields{m.of(labelKeys...): m.of(labelValues...)}
	}
	if m.chance(2) {
		m.absence(s, "matchExpressions", list{})
		return s
	}
	var es list
	for range 1 + m.IntN(2) {
		es = append(es, m.expression(m.of(labelKeys...), labelValues...))
	}
	s["matchExpressions"] = es
	return s
}

func (m *maker) expression(key string, values ...string) fields {
	op := m.of("In", "NotIn", "Exists", "DoesNotExist")
	e := fields{"key": key, "operator": op}
	if op == "Exists" || op == "DoesNotExist" {
		m.absence(e, "values", list{})
		return e
	}
	var vs list
	for range 1 + m.IntN(3) {
		vs = append(vs, m.of(values...))
	}
	e["values"] = vs
	return e
}

// ipBlock has excepts that touch, lie in each other, and leave nothing.
func (m *maker) ipBlock() fields {
	cidr := m.cidr()
	b := fields{"cidr": cidr.String()}
	var excepts list
	except := func(p netip.Prefix) {
		m.edge(p)
		excepts = append(excepts, p.String())
	}
	if cidr.Bits() < cidr.Addr().BitLen() {
		half := netip.PrefixFrom(cidr.Addr(), cidr.Bits()+1)
		other := netip.PrefixFrom(lastOf(cidr), cidr.Bits()+1).Masked()
		switch m.IntN(6) {
		case 0:
			except(half)
		case 1:
			except(other)
		case 2:
			except(half)
			except(other)
		case 3, 4:
			for range 1 + m.IntN(3) {
				except(m.within(cidr))
			}
		}
	}
	if len(excepts) == 0 {
		m.absence(b, "except", list{})
		return b
	}
	b["except"] = excepts
	return b
}

// within returns a strict part of the block, often one with an address that is asked.
func (m *maker) within(p netip.Prefix) netip.Prefix {
	a := p.Addr()
	for range 4 {
		if e := m.edges[m.IntN(len(m.edges))]; p.Contains(e) {
			a = e
			break
		}
	}
	return netip.PrefixFrom(a, p.Bits()+1+m.IntN(a.BitLen()-p.Bits())).Masked()
}

// cidr returns a block around an address of a pod, of a node, or outside; it is masked.
func (m *maker) cidr() netip.Prefix {
	var p netip.Prefix
	if m.chance(3) {
		a := netip.MustParseAddr(m.of("fd00::7f", "fd00::80", "fd00:1::1", "fd09::1", "2001:db8::10", "::"))
		p = netip.PrefixFrom(a, []int{0, 1, 8, 16, 32, 112, 119, 120, 121, 127, 128}[m.IntN(11)])
	} else {
		a := netip.MustParseAddr(m.of("10.0.0.0", "10.0.0.64", "10.0.0.128", "10.0.0.255", "10.0.1.0", "10.9.0.1", "192.0.2.128", "0.0.0.0", "255.255.255.255"))
		p = netip.PrefixFrom(a, []int{0, 1, 7, 8, 15, 16, 23, 24, 25, 26, 30, 31, 32}[m.IntN(13)])
	}
	p = p.Masked()
	m.edge(p)
	return p
}

func (m *maker) rulePort() fields {
	p := fields{}
	if m.chance(3) {
		m.absence(p, "protocol", nil)
	} else {
		p["protocol"] = m.protocol()
	}
	switch m.IntN(6) {
	case 0:
		m.absence(p, "port", nil)
	case 1, 2:
		p["port"] = m.of("db", "web", "dns", "extra", "nowhere")
	case 3:
		// All ports as a range the model cannot tell from an entry without a port.
		from, to := m.portRange()
		p["port"], p["endPort"] = from, min(to, 65534+from-1)
	default:
		p["port"] = m.port()
	}
	return p
}

// portRange returns from <= to.
func (m *maker) portRange() (from, to int32) {
	from, to = m.port(), m.port()
	return min(from, to), max(from, to)
}

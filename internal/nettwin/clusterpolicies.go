package nettwin

import (
	"fmt"
	"net/netip"
)

const orderedGroup = "policy.networking.k8s.io/"

// orderedPolicies makes policies of the Admin and Baseline tiers, of which some have
// the same priority.
func (m *maker) orderedPolicies() {
	for i := range m.IntN(5) {
		o := &orderedMaker{m, false, []string{"Accept", "Deny", "Pass"}, m.names}
		spec := o.spec()
		spec["tier"], spec["priority"] = m.of("Admin", "Admin", "Baseline"), m.priority()
		m.add(orderedGroup+"v1alpha2", "ClusterNetworkPolicy", "", fmt.Sprintf("cnp-%d", i), fields{"spec": spec})
	}
	for i := range max(0, m.IntN(5)-2) {
		o := &orderedMaker{m, true, []string{"Allow", "Deny", "Pass"}, m.names}
		spec := o.spec()
		spec["priority"] = m.priority()
		m.add(orderedGroup+"v1alpha1", "AdminNetworkPolicy", "", fmt.Sprintf("anp-%d", i), fields{"spec": spec})
	}
	if m.chance(3) {
		// There is one of this kind, its name is default, and it has no domainNames.
		o := &orderedMaker{m, true, []string{"Allow", "Deny"}, nil}
		m.add(orderedGroup+"v1alpha1", "BaselineAdminNetworkPolicy", "", "default", fields{"spec": o.spec()})
	}
}

// priority is often that of another policy.
func (m *maker) priority() int32 {
	if m.chance(3) {
		return m.Int32N(1001)
	}
	return []int32{0, 1, 10, 1000}[m.IntN(4)]
}

// An orderedMaker makes policies of v1alpha2, or of v1alpha1.
type orderedMaker struct {
	*maker
	old     bool
	actions []string
	domains []string
}

func (m *orderedMaker) spec() fields {
	spec := fields{"subject": m.podsPeer()}
	if m.chance(3) {
		spec["subject"] = fields{"namespaces": fields{}}
	}
	for _, dir := range []struct{ field, peers string }{{"ingress", "from"}, {"egress", "to"}} {
		n := m.IntN(4)
		if n == 0 {
			if m.chance(2) {
				spec[dir.field] = list{}
			}
			continue
		}
		var rules list
		for range n {
			rules = append(rules, m.rule(dir.peers))
		}
		spec[dir.field] = rules
	}
	return spec
}

// rule has at least one peer, and either no protocols or at least one. Peers without
// named ports and entries with a name do not go together.
func (m *orderedMaker) rule(peersField string) fields {
	r := fields{"action": m.of(m.actions...)}
	if m.chance(3) {
		r["name"] = "rule"
	}
	var peers list
	names := true
	for range 1 + m.IntN(2) {
		peer, isPods := m.peer(peersField == "to", r["action"] == m.actions[0])
		peers = append(peers, peer)
		names = names && isPods
	}
	r[peersField] = peers
	if m.chance(3) {
		return r
	}
	var entries list
	for range 1 + m.IntN(2) {
		entries = append(entries, m.entry(names))
	}
	if m.old {
		r["ports"] = entries
	} else {
		r["protocols"] = entries
	}
	return r
}

// peer makes one; isPods says that what it selects has named ports. Domain names go
// with rules that accept only.
func (m *orderedMaker) peer(egress, accepts bool) (peer fields, isPods bool) {
	kind := m.IntN(12)
	switch {
	case kind == 0 && m.chance(2): // of a later version
		return fields{"serviceAccounts": fields{"matchLabels": fields{"app": "a"}}}, true
	case egress && kind < 4:
		return fields{"networks": m.networks()}, false
	case egress && kind < 6:
		return fields{"nodes": m.selector()}, false
	case egress && kind < 8 && accepts && len(m.domains) > 0:
		return fields{"domainNames": list{m.of(m.domains...)}}, false
	}
	return m.podsPeer(), true
}

// networks is a set: an item is there once. Host bits are ignored; NetworkPolicy has
// none since Kubernetes 1.36.
func (m *orderedMaker) networks() (out list) {
	seen := map[string]bool{}
	for range 1 + m.IntN(3) {
		p := m.cidr()
		if m.chance(4) {
			p = netip.PrefixFrom(lastOf(p), p.Bits())
		}
		if text := p.String(); !seen[text] {
			seen[text] = true
			out = append(out, text)
		}
	}
	return out
}

// podsPeer selects pods: a peer, and a subject.
func (m *orderedMaker) podsPeer() fields {
	if m.chance(3) {
		return fields{"namespaces": m.namespaceSelector()}
	}
	return fields{"pods": fields{"namespaceSelector": m.namespaceSelector(), "podSelector": m.selector()}}
}

func (m *orderedMaker) entry(names bool) fields {
	switch kind := m.IntN(12); {
	case kind == 0 && m.chance(2): // of a later version
		return fields{"icmp": fields{"type": "8"}}
	case kind < 5 && names:
		name := m.of("db", "web", "dns", "extra", "nowhere")
		if m.old {
			return fields{"namedPort": name}
		}
		return fields{"destinationNamedPort": name}
	case m.old:
		return m.oldEntry()
	}
	port := fields{}
	if from, to := m.portRange(); from < to && m.chance(2) {
		port["range"] = fields{"start": from, "end": to}
	} else {
		port["number"] = m.port()
	}
	return fields{m.of("tcp", "tcp", "udp", "sctp"): fields{"destinationPort": port}}
}

// oldEntry leaves the protocol to its default now and then.
func (m *orderedMaker) oldEntry() fields {
	o := fields{}
	if !m.chance(3) {
		o["protocol"] = m.protocol()
	}
	if from, to := m.portRange(); from < to && m.chance(2) {
		o["start"], o["end"] = from, to
		return fields{"portRange": o}
	}
	o["port"] = m.port()
	return fields{"portNumber": o}
}

package network

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A MissKind is the way in which a rule failed to admit.
type MissKind string

// The kinds of miss; they are stable.
const (
	MissNoRules   MissKind = "no-rules"        // the policy closes the direction
	MissPort      MissKind = "port"            // the peer is meant, the port is another
	MissPod       MissKind = "pod-label"       // a label of the peer's pod
	MissNamespace MissKind = "namespace-label" // a label of the peer's namespace
	MissOwn       MissKind = "peer-namespace"  // podSelector alone means the policy's own namespace
	MissAddress   MissKind = "address"         // an ipBlock without the peer's address
	MissOutside   MissKind = "not-a-pod"       // selectors, but the peer is no pod of the pod network
	MissNode      MissKind = "not-a-node"      // nodes, but the peer is none that the selector means
	MissDomain    MissKind = "domain-name"     // domain names that do not lead to the peer
	// MissFailsClosed: the rule has a peer or protocol that is not known here.
	MissFailsClosed MissKind = "fails-closed"
)

// A Miss is the rule that came nearest to admitting, and what it lacked.
type Miss struct {
	Kind   MissKind
	Policy *netpol.Policy
	// Rule and Peer are indexes; -1 where the miss is not in one.
	Rule, Peer int
	// Action is the rule's; none where the miss is not in one.
	Action netpol.Action
	// Key, Want and Has say which label (or address) was asked for and found.
	Key, Want, Has string
	// Ports is what the rule admits, where the port missed too or alone.
	Ports string
	// Port is the attempt's; zero where the miss is told of several ports.
	Port   uint16
	Origin verdict.Origin
	cost   int
}

// The costs order misses by how likely the rule was written for this very peer.
const (
	costPort  = 1
	costLabel = 2
	costBlock = 3
	costAlien = 6
)

// nearest returns the cheapest miss of the policies, the first of equal ones.
func (q *query) nearest(s selection) Miss {
	best := Miss{}
	var policy *netpol.Policy
	rule, cost := 0, 0
	for _, p := range s.sure {
		for i := range p.Rules[q.dir] {
			if c := q.missCost(p, i); policy == nil || c < cost {
				policy, rule, cost = p, i, c
			}
		}
	}
	if policy != nil {
		best = q.misses(policy, rule)[0]
	}
	if best.Policy == nil && len(s.sure) > 0 {
		p := s.sure[0]
		best = Miss{Kind: MissNoRules, Policy: p, Rule: -1, Peer: -1, Origin: p.Origin.At("spec.policyTypes")}
	}
	best.Port = q.attempt.Port
	return best
}

// missCost is the cost of the nearest of a rule's misses, found without any words.
func (q *query) missCost(p *netpol.Policy, i int) int {
	r := p.Rules[q.dir][i]
	cost := 0
	switch {
	case r.FailsClosed:
		cost = costAlien
	case len(r.Peers) > 0:
		cost = 1 << 20
		for _, peer := range r.Peers {
			cost = min(cost, q.peerCost(p, peer))
		}
	}
	if q.ports(p, r) == netpol.No {
		cost += costPort
	}
	return cost
}

func (q *query) peerCost(p *netpol.Policy, peer netpol.Peer) int {
	switch {
	case q.matchPeer(p.Namespace, peer) != netpol.No:
		return 0
	case peer.Block != nil && q.peer.isOutside() && sameKind(peer.Block.Addresses, q.peer.Outside):
		return costBlock
	case len(peer.Domains) > 0 || peer.Block != nil && q.peer.isOutside():
		return costBlock + 1
	case !peer.IsPods() || q.peer.isOutside() || q.peer.isHost():
		return costAlien
	}
	cost := 0
	if peer.Pods != nil {
		cost += costLabel * missing(*peer.Pods, q.peer.labels())
	}
	switch {
	case peer.Namespaces != nil:
		cost += costLabel * missing(*peer.Namespaces, q.world.NamespaceOf(q.peer.namespace()).Labels)
	case q.peer.namespace() != p.Namespace:
		cost += costLabel
	}
	return cost
}

// sameKind reports whether two sets have addresses of one family.
func sameKind(a, b flow.Addresses) bool {
	return slices.ContainsFunc(families, func(f Family) bool {
		return !a.Intersect(f.all()).IsEmpty() && !b.Intersect(f.all()).IsEmpty()
	})
}

// missing counts the requirements that do not match.
func missing(s netpol.Selector, l netpol.Labels) int {
	n := 0
	for _, r := range s {
		if r.Match(l) == netpol.No {
			n++
		}
	}
	return n
}

// misses says why rule i does not match, for each of its peers, nearest first. It is
// never empty.
func (q *query) misses(p *netpol.Policy, i int) []Miss {
	r := p.Rules[q.dir][i]
	out := []Miss{{Policy: p, Rule: i, Peer: -1, Origin: r.Origin}}
	switch {
	case r.FailsClosed:
		out[0].Kind, out[0].cost = MissFailsClosed, costAlien
	case len(r.Peers) > 0:
		out = q.missPeers(p, i)
	}
	if q.ports(p, r) == netpol.No {
		for k := range out {
			out[k].missPort(r)
		}
	}
	for k := range out {
		out[k].Port, out[k].Action = q.attempt.Port, r.Action
	}
	return out
}

func (m *Miss) missPort(r netpol.Rule) {
	m.cost += costPort
	m.Ports = portsText(r.Ports)
	if m.Kind == "" {
		m.Kind, m.Origin = MissPort, r.Origin.At("%s.ports", r.Origin.Field)
		if len(r.Ports) > 0 && !r.Ports[0].Origin.IsZero() {
			m.Origin = r.Origin.At("%s", portsField(r.Ports[0].Origin.Field))
		}
	}
}

// portsField is the list that an entry stands in: "spec.ingress[0].ports" of
// "spec.ingress[0].ports[1].portNumber".
func portsField(field string) string {
	for _, list := range []string{".ports", ".protocols"} {
		if at := strings.LastIndex(field, list+"["); at >= 0 {
			return field[:at+len(list)]
		}
	}
	return field
}

// missPeers returns the miss of each of the rule's peers, nearest first; of no kind
// where one matches.
func (q *query) missPeers(p *netpol.Policy, i int) []Miss {
	var out []Miss
	for j, peer := range p.Rules[q.dir][i].Peers {
		m := Miss{}
		if q.matchPeer(p.Namespace, peer) == netpol.No {
			m = q.missPeer(p, peer)
		}
		m.Policy, m.Rule, m.Peer, m.Origin, m.cost = p, i, j, peer.Origin, q.peerCost(p, peer)
		out = append(out, m)
	}
	slices.SortStableFunc(out, func(a, b Miss) int { return cmp.Compare(a.cost, b.cost) })
	return out
}

func (q *query) missPeer(p *netpol.Policy, peer netpol.Peer) Miss {
	switch {
	case peer.Nodes != nil:
		return Miss{Kind: MissNode, Want: peer.Nodes.String(), Has: q.nodeText()}
	case len(peer.Domains) > 0:
		return Miss{Kind: MissDomain, Want: strings.Join(peer.Domains, ", "), Has: prefixes(q.peer.Outside)}
	case peer.Block != nil && q.peer.isOutside():
		return Miss{Kind: MissAddress, Want: peer.Block.Text, Has: prefixes(q.peer.Outside)}
	case peer.Block != nil:
		return Miss{Kind: MissAddress, Want: peer.Block.Text, Has: addressText(q.peer.asPod().Addresses)}
	case q.peer.isOutside() || q.peer.isHost(): // selectors speak of pods
		return Miss{Kind: MissOutside, Want: peerText(peer)}
	}
	var m Miss
	if peer.Pods != nil {
		m.labels(MissPod, *peer.Pods, q.peer.labels())
	}
	switch {
	case peer.Namespaces != nil:
		m.labels(MissNamespace, *peer.Namespaces, q.world.NamespaceOf(q.peer.namespace()).Labels)
	case q.peer.namespace() != p.Namespace:
		if m.Kind == "" {
			m.Kind, m.Want, m.Has = MissOwn, p.Namespace, q.peer.namespace()
		}
	}
	return m
}

// nodeText names the node of a host-network peer, where it is known.
func (q *query) nodeText() string {
	if !q.peer.isHost() {
		return ""
	}
	return q.nodeName(q.peer.Pod)
}

// labels takes the first requirement that does not match, if none was taken before.
func (m *Miss) labels(kind MissKind, s netpol.Selector, l netpol.Labels) {
	for _, r := range s {
		if r.Match(l) != netpol.No {
			continue
		}
		if m.Kind == "" {
			m.Kind, m.Key, m.Want, m.Has = kind, r.Key, r.String(), l.Set[r.Key]
		}
	}
}

// Facts are the miss as verdict.Step carries it.
func (m Miss) Facts() map[string]string {
	facts := map[string]string{"miss": string(m.Kind)}
	if m.Policy != nil {
		facts["policy"] = m.Policy.FullName()
	}
	if m.Action != netpol.NoAction && m.Policy.Tier.IsOrdered() {
		facts["action"] = m.Action.String()
	}
	if m.Ports != "" {
		facts["missPort"] = m.Ports
		if m.Port != 0 {
			facts["wantPort"] = strconv.Itoa(int(m.Port))
		}
	}
	switch m.Kind {
	case MissPod, MissNamespace:
		facts["key"], facts["wanted"], facts["has"] = m.Key, m.Want, m.Has
	case MissOwn, MissAddress, MissOutside, MissNode, MissDomain:
		facts["wanted"], facts["has"] = m.Want, m.Has
	}
	return facts
}

// mostPorts is how many ports of a rule are told.
const mostPorts = 8

func portsText(ports []netpol.Port) string {
	more := len(ports) - mostPorts
	if more > 1 {
		return portsText(ports[:mostPorts]) + fmt.Sprintf(" and %d more", more)
	}
	parts := make([]string, len(ports))
	for i, p := range ports {
		switch {
		case p.Name != "":
			parts[i] = fmt.Sprintf("%s %s", p.Protocol, p.Name)
		default:
			parts[i] = flow.PortsOf(flow.PortRange{Protocol: p.Protocol, From: p.From, To: p.To}).String()
		}
	}
	return strings.Join(parts, ", ")
}

func peerText(p netpol.Peer) string {
	var parts []string
	if p.Namespaces != nil {
		parts = append(parts, "namespaces "+p.Namespaces.String())
	}
	if p.Pods != nil {
		parts = append(parts, "pods "+p.Pods.String())
	}
	return strings.Join(parts, ", ")
}

func addressText(as []netip.Addr) string {
	parts := make([]string, len(as))
	for i, a := range as {
		parts[i] = a.String()
	}
	return strings.Join(parts, ", ")
}

package network

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A FixKind says what to edit.
type FixKind string

// The kinds of fix; they are stable.
const (
	FixAddPort  FixKind = "add-port"        // to a rule that admits this peer at other ports
	FixPeerNS   FixKind = "add-namespace"   // a namespaceSelector beside a peer's podSelector
	FixLabelPod FixKind = "label-pod"       // the peer lacks one label that a rule asks for
	FixLabelNS  FixKind = "label-namespace" // the peer's namespace lacks one
	FixAddRule  FixKind = "add-rule"        // nothing was written for this peer
)

// A Fix is the smallest edit that would admit a refused attempt. Package report
// puts it into words; whether the attempt should be admitted is not decided here.
type Fix struct {
	Kind FixKind `json:"kind"`
	// Edit is the field to change: of the policy, or of the object to label.
	Edit verdict.Origin `json:"edit"`
	// Policy is "namespace/name".
	Policy string `json:"policy"`
	// Direction is "ingress" or "egress".
	Direction string `json:"direction"`
	// Port is what to admit, for add-port and add-rule.
	Port *flow.PortRange `json:"port,omitempty"`
	// Key and Want tell the label to set: Want as a selector writes it, "role=app".
	Key  string `json:"key,omitempty"`
	Want string `json:"want,omitempty"`
	// Namespace, Labels and CIDR describe the peer of a new rule. Labels are those
	// the pod has, without the ones whose values nobody knows.
	Namespace string            `json:"namespace,omitempty"`
	Labels    map[string]string `json:"labels,omitempty"`
	CIDR      []string          `json:"cidr,omitempty"`
	// Wider says that other peers get in by the same edit.
	Wider bool `json:"wider,omitempty"`
}

// Fix proposes an edit for an attempt that one direction denies; ok is false when
// it does not, or when policies cannot name the peer.
func (e *Engine) Fix(dir netpol.Direction, a Attempt) (fix Fix, ok bool) {
	if step := e.Decide(dir, a); step.Verdict != verdict.Deny || step.Reason != NoRule {
		return fix, false
	}
	q := e.ask(dir, a)
	m := q.nearest(q.selection())
	fix = Fix{Policy: m.Policy.Namespace + "/" + m.Policy.Name, Direction: dir.String(), Edit: m.Origin}
	port := &flow.PortRange{Protocol: a.Protocol, From: a.Port, To: a.Port}
	switch {
	case m.Kind == MissPort && q.admitsPeer(m):
		rule := m.Policy.Rules[dir][m.Rule]
		fix.Kind, fix.Port, fix.Wider = FixAddPort, port, rule.AnyPeer || len(rule.Peers) > 1
		return fix, true
	case m.cost != costLabel || !q.elseAdmits(m):
		// more than one thing lacks, or something is not known
	case m.Kind == MissOwn:
		fix.Kind, fix.Namespace = FixPeerNS, q.peer.namespace()
		return fix, true
	case m.Kind == MissPod && dir == netpol.Ingress && templated(q.peer.Pod):
		fix.Kind, fix.Key, fix.Want, fix.Edit = FixLabelPod, m.Key, m.Want, q.peer.Pod.Origin
		return fix, true
	case m.Kind == MissNamespace && m.Key != snapshot.MetadataName:
		fix.Kind, fix.Key, fix.Want, fix.Wider = FixLabelNS, m.Key, m.Want, true
		fix.Namespace, fix.Edit = q.peer.namespace(), q.world.NamespaceOf(q.peer.namespace()).Origin
		return fix, true
	}
	return q.newRule(fix, m.Policy, port)
}

// templated reports whether a person writes the labels of the pod: those that an
// operator makes have the labels it gives them.
func templated(p *snapshot.Pod) bool {
	return p != nil && slices.Contains([]string{"Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet",
		"ReplicationController", "Job", "CronJob"}, p.Workload.Kind)
}

// admitsPeer reports whether the rule surely means the peer, at other ports.
func (q *query) admitsPeer(m Miss) bool {
	r := m.Policy.Rules[q.dir][m.Rule]
	return r.AnyPeer || slices.ContainsFunc(r.Peers, func(p netpol.Peer) bool {
		return q.matchPeer(m.Policy.Namespace, p) == netpol.Yes
	})
}

// elseAdmits reports whether the rule surely has the port, and the peer no
// requirement whose answer nobody knows.
func (q *query) elseAdmits(m Miss) bool {
	r := m.Policy.Rules[q.dir][m.Rule]
	if m.Peer < 0 || q.ports(r) != netpol.Yes {
		return false
	}
	pods := r.Peers[m.Peer].Pods
	return pods == nil || !slices.ContainsFunc(*pods, func(r netpol.Requirement) bool {
		return r.Match(q.peer.labels()) == netpol.Unsure
	})
}

// newRule describes a rule for exactly this peer and port.
func (q *query) newRule(fix Fix, p *netpol.Policy, port *flow.PortRange) (Fix, bool) {
	fix.Kind, fix.Port, fix.Edit = FixAddRule, port, p.Origin.At("spec.%s", q.dir)
	addresses := q.peer.Outside
	switch {
	case q.peer.isHost():
		addresses = hostAddresses(q.peer.Pod)
	case !q.peer.isOutside():
		fix.Namespace, fix.Labels = q.peer.namespace(), q.peer.labels().Set
		return fix, true
	}
	for _, c := range addresses.Prefixes() {
		fix.CIDR = append(fix.CIDR, c.String())
	}
	return fix, len(fix.CIDR) > 0
}

func hostAddresses(p *snapshot.Pod) flow.Addresses {
	var all flow.Addresses
	for _, a := range p.Addresses {
		if prefix, err := a.Prefix(a.BitLen()); err == nil {
			all = all.Union(flow.AddressesOf(prefix))
		}
	}
	return all
}

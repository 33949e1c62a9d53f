package network

import (
	"maps"
	"slices"
	"strings"

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
	FixAccept   FixKind = "accept-before"   // an Accept rule before the rule that denies
	// To refuse what is allowed:
	FixDeny    FixKind = "deny-before" // a Deny rule before the rule that accepts
	FixRemove  FixKind = "remove"      // the rule, or the one peer of it, that admits
	FixIsolate FixKind = "isolate"     // a NetworkPolicy that selects the pod
)

// A Fix is an edit that turns one direction's answer around: the smallest we know of.
// Package report puts it into words; whether it should be done is not decided here.
type Fix struct {
	Kind FixKind `json:"kind"`
	// Edit is the field to change: of the policy, or of the object to label.
	Edit verdict.Origin `json:"edit"`
	// Policy is "namespace/name", or the name alone for a policy of the cluster; empty for
	// a policy to be written.
	Policy string `json:"policy"`
	// PolicyKind is the kind of the policy where it is one of an ordered tier.
	PolicyKind string `json:"policyKind,omitempty"`
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
	// Wider says that other peers get in, or are shut out, by the same edit.
	Wider bool `json:"wider,omitempty"`
	// WriteTypes says that policyTypes has to be written out, too: it was absent, and
	// without egress rules the policy would no longer isolate.
	WriteTypes bool `json:"writeTypes,omitempty"`
}

// Fix proposes an edit for an attempt that one direction denies; ok is false when
// it does not, or when policies cannot name the peer.
func (e *Engine) Fix(dir netpol.Direction, a Attempt) (fix Fix, ok bool) {
	q := e.ask(dir, a)
	step := e.Decide(dir, a)
	switch {
	case step.Verdict != verdict.Deny:
		return fix, false
	case step.Reason == Denied && len(step.Also) == 0: // else a second rule denies, too
		return q.acceptBefore(step)
	case step.Reason != NoRule || !q.leftToNamespaces():
		return fix, false
	}
	m := q.nearest(q.selection())
	fix = Fix{Policy: m.Policy.FullName(), Direction: dir.String(), Edit: m.Origin}
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
	case m.Kind == MissPod && dir == netpol.Ingress && templated(q.peer.Pod) && m.isLabelToAdd() && e.Pass(a.relabelled(m)) == verdict.Allow:
		fix.Kind, fix.Key, fix.Want, fix.Edit = FixLabelPod, m.Key, m.Want, q.peer.Pod.Origin
		return fix, true
	case m.Kind == MissNamespace && m.Key != snapshot.MetadataName && m.isLabelToAdd() && e.helpsNamespace(a, q.peer.namespace(), m):
		fix.Kind, fix.Key, fix.Want, fix.Wider = FixLabelNS, m.Key, m.Want, true
		fix.Namespace, fix.Edit = q.peer.namespace(), q.world.NamespaceOf(q.peer.namespace()).Origin
		return fix, true
	}
	return q.newRule(fix, m.Policy, port)
}

// acceptBefore puts a rule for exactly this peer and port before the one that denies;
// ingress rules of the ordered tiers cannot name addresses.
func (q *query) acceptBefore(step verdict.Step) (Fix, bool) {
	if q.isFull(step) {
		return Fix{}, false
	}
	fix := Fix{Kind: FixAccept, Policy: step.Facts["policy"], PolicyKind: step.Facts["kind"], Direction: q.dir.String(), Edit: step.Origin}
	fix.Port = &flow.PortRange{Protocol: q.attempt.Protocol, From: q.attempt.Port, To: q.attempt.Port}
	return q.forPeer(fix)
}

// relabelled is the attempt of a client that has the label that was missed. Whether that
// helps has to be asked: it may also change which policies select the client.
func (a Attempt) relabelled(m Miss) Attempt {
	pod := *a.From.Pod
	pod.Labels.Set = maps.Clone(pod.Labels.Set)
	if pod.Labels.Set == nil {
		pod.Labels.Set = map[string]string{}
	}
	_, pod.Labels.Set[m.Key], _ = strings.Cut(m.Want, "=")
	a.From = PodEndpoint(&pod)
	return a
}

// isFull reports whether the policy that decided has as many rules as its kind may have
// (maxItems of ingress and egress in its CRD).
func (q *query) isFull(step verdict.Step) bool {
	most := 100
	if step.Facts["kind"] == "ClusterNetworkPolicy" {
		most = 25
	}
	return slices.ContainsFunc(q.world.ClusterPolicies, func(p *netpol.Policy) bool {
		return p.Kind == step.Facts["kind"] && p.Name == step.Facts["policy"] && len(p.Rules[q.dir]) >= most
	})
}

// isLabelToAdd reports whether one label more would do. To change the value of one that
// is there is another thing: selectors of workloads and of other policies ask for it.
func (m Miss) isLabelToAdd() bool { return m.Has == "" && strings.HasPrefix(m.Want, m.Key+"=") }

// helpsNamespace asks whether the attempt passes once a namespace has the label, which may
// also change which policies select what is in it.
func (e *Engine) helpsNamespace(a Attempt, name string, m Miss) bool {
	world, space := *e.world, *e.world.NamespaceOf(name)
	space.Labels.Set = maps.Clone(space.Labels.Set)
	_, space.Labels.Set[m.Key], _ = strings.Cut(m.Want, "=")
	world.Namespaces = maps.Clone(world.Namespaces)
	world.Namespaces[name] = &space
	return New(&world).Pass(a) == verdict.Allow
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
	if m.Peer < 0 || q.ports(m.Policy, r) != netpol.Yes {
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
	return q.forPeer(fix)
}

// forPeer describes the peer; ok is false where no rule of the direction can name it.
func (q *query) forPeer(fix Fix) (Fix, bool) {
	addresses := q.peer.Outside
	switch {
	case q.peer.isHost():
		addresses = hostAddresses(q.peer.Pod)
	case !q.peer.isOutside():
		fix.Namespace, fix.Labels = q.peer.namespace(), q.peer.labels().Set
		return fix, true
	}
	if fix.Kind == FixAccept && q.dir == netpol.Ingress || fix.Kind == FixDeny && q.dir == netpol.Ingress {
		return fix, false
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

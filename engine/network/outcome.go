package network

import (
	"net/netip"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// An outcome is what the NetworkPolicies that select the subject, taken together, make
// of an attempt, bounded from both sides where a fact is missing.
type outcome struct {
	selection
	sure, maybe []admission // of the policies in selection, in the same order
	// node asks whether the two ends are a pod and the node it runs on, whose traffic
	// passes every NetworkPolicy.
	node netpol.Match
}

func (q *query) outcome() outcome {
	o := outcome{selection: q.selection(), node: q.ownNode()}
	for _, p := range o.selection.sure {
		o.sure = append(o.sure, q.admission(p))
	}
	for _, p := range o.selection.maybe {
		o.maybe = append(o.maybe, q.admission(p))
	}
	return o
}

// ownNode: "traffic to and from the node where a Pod is running is always allowed,
// regardless of the IP address of the Pod or the node" (concept page of NetworkPolicy).
func (q *query) ownNode() netpol.Match {
	switch {
	case q.subject.isOutside() || !q.peer.isOutside() && !q.peer.isHost():
		return netpol.No
	case q.hasTrait(policed[q.dir]):
		return netpol.No
	case q.peer.isOutside():
		return within(q.peer.Outside, q.nodeAddresses(q.subject.asPod()))
	case q.subject.Pod == nil:
		return netpol.Unsure
	}
	return q.sameNode(q.subject.Pod, q.peer.Pod)
}

// policed are the traits of plugins that put a pod's own node under policy.
var policed = [2]cni.Trait{netpol.Ingress: cni.NodeIngressPoliced, netpol.Egress: cni.NodeEgressPoliced}

// nodeAddresses are the addresses of a pod's node, where both are known.
func (e *Engine) nodeAddresses(p *snapshot.Pod) flow.Addresses {
	if n := e.nodeOf(p); n != nil {
		return single(n.Addresses)
	}
	return flow.Addresses{}
}

// sameNode asks whether a host-network pod is on the node of a pod.
func (e *Engine) sameNode(pod, host *snapshot.Pod) netpol.Match {
	a, b := e.nodeName(pod), e.nodeName(host)
	if a == "" || b == "" {
		return netpol.Unsure
	}
	return yes(a == b)
}

func (e *Engine) nodeName(p *snapshot.Pod) string {
	if n := e.nodeOf(p); n != nil {
		return n.Name
	}
	return p.Node
}

// mayIsolate and isolates: whether some NetworkPolicy selects the subject.
func (o outcome) isolates() bool   { return len(o.sure) > 0 }
func (o outcome) mayIsolate() bool { return !o.isEmpty() }

// mayAdmit: a policy that isolates, or may, has a rule that admits, or may.
func (o outcome) mayAdmit() bool {
	return o.node != netpol.No && o.mayIsolate() || some(o.sure, netpol.Yes) || some(o.sure, netpol.Unsure) ||
		some(o.maybe, netpol.Yes) || some(o.maybe, netpol.Unsure)
}

// mayRefuse: no policy that surely selects surely admits; where none surely selects,
// one that may select might be the only one, and does not surely admit.
func (o outcome) mayRefuse() bool {
	switch {
	case o.node == netpol.Yes || some(o.sure, netpol.Yes):
		return false
	case len(o.sure) > 0:
		return true
	}
	return some(o.maybe, netpol.No) || some(o.maybe, netpol.Unsure)
}

// admits reports whether a rule surely admits.
func (o outcome) admits() bool {
	return some(o.sure, netpol.Yes) || len(o.sure) == 0 && some(o.maybe, netpol.Yes)
}

func some(as []admission, m netpol.Match) bool {
	for _, a := range as {
		if a.match == m {
			return true
		}
	}
	return false
}

var (
	allIPv4 = flow.AddressesOf(netip.PrefixFrom(netip.IPv4Unspecified(), 0))
	allIPv6 = flow.AddressesOf(netip.PrefixFrom(netip.IPv6Unspecified(), 0))
)

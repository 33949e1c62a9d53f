package network

import (
	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

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

// hostClasses sorts the classes on the host network by their nodes.
func (p *profiler) hostClasses() (all set, byNode map[string]set) {
	hosts := p.hosts()
	lists := map[string][]int32{}
	for _, c := range hosts {
		node := p.engine.nodeName(p.classes[c].pod)
		lists[node] = append(lists[node], c)
	}
	byNode = map[string]set{}
	for node, list := range lists {
		byNode[node] = listSet(list).packed(len(p.classes))
	}
	return listSet(hosts).packed(len(p.classes)), byNode
}

// ownNode returns the host-network classes that surely share a node with a class, and
// those that may; and the addresses of that node.
func (p *profiler) ownNode(c int) (hosts between, addresses flow.Addresses) {
	if p.engine.world.Facts.Profile.Has(policed[p.dir]) {
		return between{}, flow.Addresses{}
	}
	pod := p.classes[c].pod
	node := p.engine.nodeName(pod)
	if node == "" {
		return between{maybe: p.onHost}, flow.Addresses{}
	}
	return between{sure: p.byNode[node], maybe: p.byNode[node].or(p.byNode[""])}, p.engine.nodeAddresses(pod)
}

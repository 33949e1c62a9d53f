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
		own := q.nodeAddresses(q.subject.asPod())
		return q.bounded(own.sure, own.maybe)
	case q.subject.Pod == nil:
		return netpol.Unsure
	}
	return q.sameNode(q.subject.Pod, q.peer.Pod)
}

// policed are the traits of plugins that put a pod's own node under policy.
var policed = [2]cni.Trait{netpol.Ingress: cni.NodeIngressPoliced, netpol.Egress: cni.NodeEgressPoliced}

// nodeAddresses are the addresses that the node a pod runs on surely has, and those that
// it may have: where nobody knows which node that is, those of any.
func (e *Engine) nodeAddresses(p *snapshot.Pod) (out struct{ sure, maybe flow.Addresses }) {
	switch n := e.nodeOf(p); {
	case n != nil:
		out.sure = single(n.Addresses)
		out.maybe = out.sure
	case p.Node == "":
		out.maybe = e.nodeRanges
	}
	return out
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

// ownNode returns what surely is on the node of a class, and what may be: classes on the
// host network, and the node's addresses.
func (p *profiler) ownNode(c int) (sure, maybe grant) {
	if p.engine.world.Facts.Profile.Has(policed[p.dir]) {
		return sure, maybe
	}
	pod := p.classes[c].pod
	addresses := p.engine.nodeAddresses(pod)
	hosts := between{maybe: p.onHost}
	if node := p.engine.nodeName(pod); node != "" {
		hosts = between{sure: p.byNode[node], maybe: p.byNode[node].or(p.byNode[""])}
	}
	return grant{hosts.sure, addresses.sure, allPorts}, grant{hosts.maybe, addresses.maybe, allPorts}
}

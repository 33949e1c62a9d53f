package nettwin

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/verdict"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// outcomes are those that are possible: a set of allowed and denied.
type outcomes uint8

const (
	allowed outcomes = 1 << iota
	denied
)

func (o outcomes) verdict() verdict.Verdict {
	switch o {
	case allowed:
		return verdict.Allow
	case denied:
		return verdict.Deny
	}
	return verdict.Unknown
}

// A Side is what is said of the traffic of two ends in one direction, by way of each
// family of addresses that they share.
type Side struct {
	// free says that no policy is about this traffic.
	free     bool
	Families []Family
	ways     []*way // one for each of Families, unless free
}

// A way is what is said of a pod's traffic with one peer over one family. Rules whose
// peers do not match are already left out, so that many ports can be asked.
type way struct {
	reading  Reading
	admin    []priority
	baseline []priority
	// isolated says that a NetworkPolicy isolates the pod in this direction, selected
	// that any selects it.
	isolated, selected bool
	rules              []portsOfRule
	// node says what is known of the peer being the pod's own node.
	node      match
	direction netpol.Direction
	to        End
}

// A match says whether something matches; where it is not known it may.
type match uint8

const (
	no match = iota
	maybe
	yes
)

func matchOf(b bool) match {
	if b {
		return yes
	}
	return no
}

// Side gathers what is said in one direction of a connection from one end to another.
func (c *Cluster) Side(dir netpol.Direction, from, to End) *Side {
	subject, peer := to, from
	if dir == netpol.Egress {
		subject, peer = from, to
	}
	s := &Side{Families: familiesOf(from, to)}
	// "Note that host-networked pods are not included in subject selection."
	// (ClusterNetworkPolicySubject). Of NetworkPolicy: the plugin "ignores hostNetwork
	// pods when matching podSelector and namespaceSelector. Traffic to/from hostNetwork
	// pods is treated the same as all other traffic to/from the node IP. (This is the
	// most common implementation.)" (concepts/services-networking/network-policies).
	//
	// "Other pods that are allowed (exception: a pod cannot block access to itself)"
	// (the same page).
	if subject.Pod == nil || subject.isHost() || subject.Pod == peer.Pod {
		s.free = true
		return s
	}
	for _, f := range s.Families {
		peer.family = f
		s.ways = append(s.ways, c.way(dir, subject.Pod, peer, to))
	}
	return s
}

func (c *Cluster) way(dir netpol.Direction, p *Pod, peer, to End) *way {
	w := &way{reading: c.Reading, direction: dir, to: to}
	w.admin = c.tier(false, dir, p, peer)
	w.baseline = c.tier(true, dir, p, peer)
	c.networkPolicies(w, p, peer)
	w.node = c.isOwnNode(p, peer)
	return w
}

// familiesOf are those over which two pods can meet. With an address outside it is
// the address that says, and of pods that have none in common all addresses are asked.
func familiesOf(from, to End) (out []Family) {
	for _, f := range []Family{IPv4, IPv6} {
		if slices.ContainsFunc(from.addresses(), f.has) && slices.ContainsFunc(to.addresses(), f.has) {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		return []Family{AnyFamily}
	}
	return out
}

// Decide answers for one port of the destination, over whatever family: where it
// matters which, the answer is not known.
func (s *Side) Decide(proto corev1.Protocol, port int32) verdict.Verdict {
	if s.free {
		return verdict.Allow
	}
	var all outcomes
	for _, w := range s.ways {
		all |= w.decide(proto, port)
	}
	return all.verdict()
}

// Over answers for the i-th of Families.
func (s *Side) Over(i int, proto corev1.Protocol, port int32) verdict.Verdict {
	if s.free {
		return verdict.Allow
	}
	return s.ways[i].decide(proto, port).verdict()
}

// Pass says whether there is a connection: a client tries each family, and one that is
// open at both ends is enough.
func Pass(egress, ingress *Side, proto corev1.Protocol, port int32) verdict.Verdict {
	var ways []verdict.Verdict
	for i := range egress.Families {
		ways = append(ways, verdict.All(egress.Over(i, proto, port), ingress.Over(i, proto, port)))
	}
	return verdict.Any(ways...)
}

// decide asks the tiers. A plugin may let a pod's own node in past all of them.
func (w *way) decide(proto corev1.Protocol, port int32) outcomes {
	out := w.tiers(proto, port)
	if w.direction != netpol.Ingress || !w.reading.NodeIngressOpen || out == allowed {
		return out
	}
	switch w.node {
	case yes:
		return allowed
	case maybe:
		return out | allowed
	}
	return out
}

func (w *way) tiers(proto corev1.Protocol, port int32) outcomes {
	// "Policy tiers are evaluated in the following order: * Admin tier * NetworkPolicy
	// tier * Baseline tier" (ClusterNetworkPolicySpec.tier).
	return w.evaluate(w.admin, proto, port, func() outcomes {
		return w.networkPolicyTier(proto, port, func() outcomes {
			return w.evaluate(w.baseline, proto, port, func() outcomes {
				// "If a given connection wasn't allowed or denied by any of the tiers,
				// the default kubernetes policy is applied, which says that all pods
				// can communicate with each other."
				return allowed
			})
		})
	})
}

// networkPolicyTier is the tier of NetworkPolicy.
func (w *way) networkPolicyTier(proto corev1.Protocol, port int32, next func() outcomes) outcomes {
	switch {
	// "v1.NetworkPolicy always makes a final decision for selected pods. Further
	// evaluation only happens for Pods not selected by a v1.NetworkPolicy." By the
	// letter a pod is selected or is not, whatever the direction.
	case !w.isolated && w.selected && w.reading.BaselineByPod:
		return allowed
	// "Traffic is allowed to a pod if there are no NetworkPolicies selecting the pod
	// (and cluster policy otherwise allows the traffic)"
	case !w.isolated:
		return next()
	}
	// "OR if the traffic matches at least one ingress rule across all of the
	// NetworkPolicy objects whose podSelector matches the pod."
	for _, r := range w.rules {
		if r.matches(w.reading, w.to, proto, port) {
			return allowed
		}
	}
	// "OR if the traffic source is the pod's local node". Of both directions:
	// "traffic to and from the node where a Pod is running is always allowed"
	// (concepts/services-networking/network-policies).
	if w.direction == netpol.Egress && w.reading.NodeEgressPoliced || w.direction == netpol.Ingress && w.reading.NodeIngressPoliced {
		return denied
	}
	switch w.node {
	case yes:
		return allowed
	case maybe:
		return allowed | denied
	}
	return denied
}

// isOwnNode says whether the peer is on the network of the node the pod runs on.
func (c *Cluster) isOwnNode(p *Pod, peer End) match {
	own := c.nodeOf(p)
	switch {
	case peer.isHost() && (own == "" || c.nodeOf(peer.Pod) == ""):
		return maybe
	case peer.isHost():
		return matchOf(own == c.nodeOf(peer.Pod))
	case peer.Pod != nil:
		return no
	}
	if own == "" && c.isNode(peer) { // one of the nodes, and nobody knows which is the pod's
		return maybe
	}
	node, ok := c.nodes[own]
	return matchOf(ok && hasAddress(node, peer.Address))
}

// isNode says whether the end has the address of a node.
func (c *Cluster) isNode(e End) bool {
	if e.Pod != nil {
		return e.isHost()
	}
	for _, node := range c.nodes {
		if hasAddress(node, e.Address) {
			return true
		}
	}
	return false
}

// networkPolicies gathers the rules of the NetworkPolicies that select the pod.
func (c *Cluster) networkPolicies(w *way, p *Pod, peer End) {
	for i := range c.policies {
		np := &c.policies[i]
		// "podSelector selects the pods to which this NetworkPolicy object applies. ...
		// An empty selector matches all pods in the policy's namespace."
		if np.Namespace != p.Namespace || !c.matches(&np.Spec.PodSelector, labels.Set(p.Labels)) {
			continue
		}
		w.selected = true
		if !affects(np.Spec, w.direction) {
			continue
		}
		w.isolated = true
		for _, r := range rulesOf(np.Spec, w.direction) {
			if c.anyPeer(np.Namespace, r.peers, peer) {
				w.rules = append(w.rules, r.ports)
			}
		}
	}
}

// affects is policyTypes with its default.
func affects(spec networkingv1.NetworkPolicySpec, dir netpol.Direction) bool {
	if len(spec.PolicyTypes) == 0 {
		// "If this field is not specified, it will default based on the existence of
		// ingress or egress rules; policies that contain an egress section are assumed
		// to affect egress, and all policies (whether or not they contain an ingress
		// section) are assumed to affect ingress." An empty section is none: "such a
		// policy would not include an egress section and would otherwise default to
		// just [ "Ingress" ]".
		return dir == netpol.Ingress || len(spec.Egress) > 0
	}
	for _, t := range spec.PolicyTypes {
		if t == networkingv1.PolicyTypeIngress && dir == netpol.Ingress || t == networkingv1.PolicyTypeEgress && dir == netpol.Egress {
			return true
		}
	}
	return false
}

// A ruleOf is a rule of either direction.
type ruleOf struct {
	peers []networkingv1.NetworkPolicyPeer
	ports portsOfRule
}

func rulesOf(spec networkingv1.NetworkPolicySpec, dir netpol.Direction) (out []ruleOf) {
	if dir == netpol.Egress {
		for _, r := range spec.Egress {
			out = append(out, ruleOf{r.To, r.Ports})
		}
		return out
	}
	for _, r := range spec.Ingress {
		out = append(out, ruleOf{r.From, r.Ports})
	}
	return out
}

// anyPeer: "Items in this list are combined using a logical OR operation. If this
// field is empty or missing, this rule matches all sources".
func (c *Cluster) anyPeer(namespace string, peers []networkingv1.NetworkPolicyPeer, e End) bool {
	for _, p := range peers {
		if c.peer(namespace, p, e) {
			return true
		}
	}
	return len(peers) == 0
}

func (c *Cluster) peer(namespace string, p networkingv1.NetworkPolicyPeer, e End) bool {
	if p.IPBlock != nil {
		return c.block(*p.IPBlock, e)
	}
	if e.Pod == nil || e.isHost() {
		return false
	}
	// "podSelector is a label selector which selects pods. ... if present but empty, it
	// selects all pods." Absent: "it selects all pods in the namespaces selected by
	// namespaceSelector".
	if p.PodSelector != nil && !c.matches(p.PodSelector, labels.Set(e.Pod.Labels)) {
		return false
	}
	// "namespaceSelector selects namespaces using cluster-scoped labels. ... if present
	// but empty, it selects all namespaces. ... Otherwise [podSelector alone] selects
	// the pods matching podSelector in the policy's own namespace."
	if p.NamespaceSelector == nil {
		return e.Pod.Namespace == namespace
	}
	return c.matches(p.NamespaceSelector, c.namespaces[e.Pod.Namespace])
}

// block: "The except entry describes CIDRs that should not be included within this
// rule." A pod is in the block by any of its addresses.
func (c *Cluster) block(b networkingv1.IPBlock, e End) bool {
	if c.BlocksSkipPods && e.Pod != nil || c.BlocksSkipNodes && c.isNode(e) {
		return false
	}
	for _, a := range e.addresses() {
		in := contains(b.CIDR, a)
		for _, except := range b.Except {
			in = in && !contains(except, a)
		}
		if in {
			return true
		}
	}
	return false
}

package nettwin

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/pgmoat/pgmoat/model/netpol"
)

// A priority is all policies of one tier that have it and select the pod; each is its
// rules whose peers may match, in written order.
type priority struct {
	value    int32
	policies [][]asked
}

// An asked rule is one whose peers match, or may.
type asked struct {
	rule *OrderedRule
	peer match
}

// tier gathers the policies of a tier by priority. "Priority is a value from 0 to 1000
// ... Policies with lower priority values have higher precedence, and are checked
// before policies with higher priority values in the same tier." A
// BaselineAdminNetworkPolicy has no priority, which is 0 here.
func (c *Cluster) tier(baseline bool, dir netpol.Direction, p *Pod, peer End) []priority {
	var out []priority
	for _, op := range c.ordered {
		if op.isBaseline() != baseline || !c.isInForce(op) || !c.isSubject(op.Spec.Subject, p) {
			continue
		}
		rules := c.askedRules(op, dir, peer)
		i := slices.IndexFunc(out, func(pr priority) bool { return pr.value == op.Spec.Priority })
		if i < 0 {
			i = len(out)
			out = append(out, priority{value: op.Spec.Priority})
		}
		out[i].policies = append(out[i].policies, rules)
	}
	slices.SortFunc(out, func(a, b priority) int { return cmp.Compare(a.value, b.value) })
	return out
}

func (c *Cluster) isInForce(op *OrderedPolicy) bool {
	if op.Kind == "ClusterNetworkPolicy" {
		return !c.NoClusterPolicies
	}
	return !c.NoAdminPolicies
}

// isSubject: "Namespaces is used to select pods via namespace selectors. Pods is used
// to select pods via namespace AND pod selectors."
func (c *Cluster) isSubject(s Subject, p *Pod) bool {
	return c.selectsPod(s.Namespaces, s.Pods, p)
}

func (c *Cluster) selectsPod(namespaces *metav1.LabelSelector, pods *NamespacedPod, p *Pod) bool {
	ns := c.namespaces[p.Namespace]
	if namespaces != nil {
		return c.matches(namespaces, ns)
	}
	// "NamespaceSelector follows standard label selector semantics; if empty, it
	// selects all Namespaces. PodSelector ... if empty, it selects all Pods."
	return pods != nil && c.matches(&pods.NamespaceSelector, ns) && c.matches(&pods.PodSelector, labels.Set(p.Labels))
}

// askedRules: "The relative precedence of ingress rules within a single CNP object
// (all of which share the priority) will be determined by the order in which the rule
// is written. Thus, a rule that appears at the top of the ingress rules would take the
// highest precedence. CNPs with no ingress rules do not affect ingress traffic."
func (c *Cluster) askedRules(op *OrderedPolicy, dir netpol.Direction, peer End) (out []asked) {
	rules := op.Spec.Ingress
	if dir == netpol.Egress {
		rules = op.Spec.Egress
	}
	for i := range rules {
		if m := c.peers(&rules[i], dir, peer); m != no {
			out = append(out, asked{&rules[i], m})
		}
	}
	return out
}

// evaluate asks a tier, and what comes after it where the tier does not decide.
func (w *way) evaluate(tier []priority, proto corev1.Protocol, port int32, next func() outcomes) outcomes {
	var all outcomes
	for _, p := range tier {
		out, fallsThrough := p.evaluate(w.to, proto, port, next)
		all |= out
		if !fallsThrough {
			return all
		}
	}
	return all | next()
}

// evaluate returns what the policies of one priority may do, and whether they may all
// do nothing. "If two (or more) policies in the same tier with the same priority could
// match a connection, then the implementation can apply any of the matching policies
// to the connection, and there is no way for the user to reliably determine which one
// it will choose."
func (p priority) evaluate(to End, proto corev1.Protocol, port int32, next func() outcomes) (all outcomes, fallsThrough bool) {
	fallsThrough = true
	for _, rules := range p.policies {
		out, mayMiss := firstOf(rules, to, proto, port, next)
		all |= out
		fallsThrough = fallsThrough && mayMiss
	}
	return all, fallsThrough
}

// firstOf asks the rules of one policy in written order; the first that matches acts.
// One that may match acts or does not, and then the next is asked, too.
func firstOf(rules []asked, to End, proto corev1.Protocol, port int32, next func() outcomes) (all outcomes, mayMiss bool) {
	for _, a := range rules {
		if !a.rule.failsClosed() && !a.rule.protocols(to, proto, port) {
			continue
		}
		all |= a.rule.act(next)
		if a.peer == yes {
			return all, false
		}
	}
	return all, true
}

// act follows ClusterNetworkPolicyRuleAction.
func (r *OrderedRule) act(next func() outcomes) outcomes {
	switch {
	// "For "Deny" and "Pass" rules, "fail closed" means: "treat the rule as a 'Deny
	// all' rule"."
	case r.failsClosed():
		return denied
	// "Accept: Accepts the selected traffic ... No further ClusterNetworkPolicy or
	// NetworkPolicy rules will be processed." v1alpha1 calls it Allow.
	case r.Action == "Accept" || r.Action == "Allow":
		return allowed
	// "Pass: Skips all further ClusterNetworkPolicy rules in the current tier for the
	// selected traffic, and passes evaluation to the next tier."
	case r.Action == "Pass":
		return next()
	}
	// "Deny: Drops the selected traffic."
	return denied
}

// failsClosed: "If an implementation sees no fields are set then it can infer that the
// deployed CRD is of an incompatible version with an unknown field. In that case it
// should fail closed." An entry of protocols or ports without a field is read alike.
func (r *OrderedRule) failsClosed() bool {
	return slices.ContainsFunc(r.From, OrderedPeer.isUnknown) || slices.ContainsFunc(r.To, OrderedPeer.isUnknown) ||
		slices.ContainsFunc(r.Protocols, RuleProtocol.isUnknown) || slices.ContainsFunc(r.Ports, AdminRulePort.isUnknown)
}

// peers: "If any element matches the source of incoming traffic then the specified
// action is applied." One that surely matches decides.
func (c *Cluster) peers(r *OrderedRule, dir netpol.Direction, e End) match {
	if r.failsClosed() {
		// "For "Accept" rules, "fail closed" means: "treat the rule as matching no
		// traffic"."
		return matchOf(r.Action == "Deny" || r.Action == "Pass")
	}
	peers := r.From
	if dir == netpol.Egress {
		peers = r.To
	}
	best := no
	for _, p := range peers {
		m := c.orderedPeer(p, e)
		if p.Nodes != nil && c.NoNodePeers || len(p.DomainNames) > 0 && c.NoDomainPeers {
			m = min(m, maybe)
		}
		best = max(best, m)
	}
	return best
}

func (c *Cluster) orderedPeer(p OrderedPeer, e End) match {
	switch {
	case p.Nodes != nil:
		return c.nodesMatch(p.Nodes, e)
	case len(p.Networks) > 0:
		return matchOf(c.networksMatch(p.Networks, e))
	case len(p.DomainNames) > 0:
		return c.domainsMatch(p.DomainNames, e)
	// "Note that host-networked pods are not included in this type of peer."
	case e.Pod == nil || e.isHost():
		return no
	}
	// "Namespaces defines a way to select all pods within a set of Namespaces." "Pods
	// defines a way to select a set of pods in a set of namespaces."
	return matchOf(c.selectsPod(p.Namespaces, p.Pods, e.Pod))
}

// nodesMatch: "Nodes defines a way to select a set of nodes in the cluster (based on
// the node's labels). It selects the nodeIPs as the peer type by matching on the IPs
// present in the node.Status.Addresses field of the node. This field follows standard
// label selector semantics; if present but empty, it selects all Nodes."
func (c *Cluster) nodesMatch(s *metav1.LabelSelector, e End) match {
	if e.isHost() {
		node, ok := c.nodes[c.nodeOf(e.Pod)]
		switch {
		case ok:
			return matchOf(c.matches(s, labels.Set(node.Labels)))
		case len(s.MatchLabels)+len(s.MatchExpressions) == 0:
			return yes
		}
		return maybe
	}
	if e.Pod != nil {
		return no
	}
	for _, node := range c.nodes {
		if hasAddress(node, e.Address) && c.matches(s, labels.Set(node.Labels)) {
			return yes
		}
	}
	return no
}

func hasAddress(node *corev1.Node, a netip.Addr) bool {
	return slices.ContainsFunc(node.Status.Addresses, func(na corev1.NodeAddress) bool {
		ip, err := netip.ParseAddr(na.Address)
		return err == nil && ip.Unmap() == a
	})
}

// networksMatch: "Networks defines a way to select peers via CIDR blocks. ...
// cluster-internal traffic will be checked against the rule as well."
func (c *Cluster) networksMatch(networks []string, e End) bool {
	if c.BlocksSkipPods && e.Pod != nil {
		return false
	}
	for _, a := range e.addresses() {
		if slices.ContainsFunc(networks, func(cidr string) bool { return contains(cidr, a) }) {
			return true
		}
	}
	return false
}

// domainsMatch: "DomainNames provides a way to specify domain names as peers." What
// addresses a name has the objects do not say: a name that nobody resolved may be that
// of any address outside.
func (c *Cluster) domainsMatch(names []string, e End) match {
	best := no
	for _, name := range names {
		if _, resolved := c.Domains[name]; !resolved {
			best = max(best, maybeOutside(e))
		}
		for known, prefixes := range c.Domains {
			if domainMatches(name, known) && slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return slices.ContainsFunc(e.addresses(), p.Contains) }) {
				best = yes
			}
		}
	}
	return best
}

// domainMatches: "'*', the wildcard specifier, matches one or more entire labels. ...
// "www.kubernetes.io", "blog.kubernetes.io", and "latest.blog.kubernetes.io" match,
// however "kubernetes.io", and "wikipedia.org" do not."
func domainMatches(pattern, name string) bool {
	if rest, ok := strings.CutPrefix(pattern, "*"); ok && strings.HasSuffix(name, rest) {
		return true
	}
	return pattern == name
}

func maybeOutside(e End) match {
	if e.Pod == nil || e.isHost() {
		return maybe
	}
	return no
}

// protocols: "If unspecified, protocol-specific attributes will not be used to match
// traffic."; of v1alpha1: "If Ports is not set then the rule does not filter traffic
// via port."
func (r *OrderedRule) protocols(to End, proto corev1.Protocol, port int32) bool {
	if len(r.Protocols)+len(r.Ports) == 0 {
		return true
	}
	return slices.ContainsFunc(r.Protocols, func(p RuleProtocol) bool { return p.matches(to, proto, port) }) ||
		slices.ContainsFunc(r.Ports, func(p AdminRulePort) bool { return p.matches(to, proto, port) })
}

func (p RuleProtocol) matches(to End, proto corev1.Protocol, port int32) bool {
	// "DestinationNamedPort selects a destination port on a pod based on the
	// ContainerPort name." It names no protocol: the port's own is meant.
	if p.DestinationNamedPort != "" {
		return hasNamedPort(to, p.DestinationNamedPort, proto, port)
	}
	var d *DestinationPort
	switch proto {
	case corev1.ProtocolTCP:
		d = p.TCP
	case corev1.ProtocolUDP:
		d = p.UDP
	case corev1.ProtocolSCTP:
		d = p.SCTP
	}
	return d != nil && d.matches(port)
}

// matches: "Number defines a network port value." "Range defines a contiguous range of
// ports": "an inclusive range of ports from the assigned Start value to End value".
func (d *DestinationPort) matches(port int32) bool {
	switch {
	case d.DestinationPort == nil:
		return true
	case d.DestinationPort.Range != nil:
		return d.DestinationPort.Range.Start <= port && port <= d.DestinationPort.Range.End
	}
	return d.DestinationPort.Number == port
}

func (p AdminRulePort) matches(to End, proto corev1.Protocol, port int32) bool {
	switch {
	// "NamedPort selects a port on a pod(s) based on name."
	case p.NamedPort != nil:
		return hasNamedPort(to, *p.NamedPort, proto, port)
	// "PortRange selects a port range on a pod(s) based on provided start and end values."
	case p.PortRange != nil:
		return isProtocol(p.PortRange.Protocol, proto) && p.PortRange.Start <= port && port <= p.PortRange.End
	}
	// "Port selects a port on a pod(s) based on number."
	return isProtocol(p.PortNumber.Protocol, proto) && p.PortNumber.Port == port
}

// isProtocol: "Protocol is the network protocol (TCP, UDP, or SCTP) which traffic must
// match. If not specified, this field defaults to TCP."
func isProtocol(want, proto corev1.Protocol) bool {
	if want == "" {
		want = corev1.ProtocolTCP
	}
	return want == proto
}

package network_test

import "testing"

// "By default, a pod is non-isolated for egress; all outbound connections are allowed." …
// "By default, a pod is non-isolated for ingress; all inbound connections are allowed."
// (concept page)
func TestSentenceNonIsolated(t *testing.T) {
	in(t).says(t,
		"egress a/app -> a/db TCP 5432: allow not-isolated",
		"ingress a/app -> a/db SCTP 1: allow not-isolated",
		"ingress 203.0.113.7 -> a/db UDP 65535: allow not-isolated",
		"egress a/db -> 2001:db8::7 TCP 1: allow not-isolated",
	)
}

// "podSelector selects the pods to which this NetworkPolicy object applies. The array of
// rules is applied to any pods selected by this field."
func TestSentencePodSelector(t *testing.T) {
	in(t, networkPolicy("a/p", "podSelector: {matchLabels: {app: db}}")).says(t,
		"ingress b/app -> a/db TCP 5432: deny no-rule at a/p spec.policyTypes",
		"ingress b/app -> a/app TCP 5432: allow not-isolated",
		"egress a/db -> b/app TCP 5432: allow not-isolated",
	)
}

// "An empty selector matches all pods in the policy's namespace." … "This field is
// optional. If it is not specified, it defaults to an empty selector."
func TestSentencePodSelectorEmpty(t *testing.T) {
	for _, spec := range []string{"podSelector: {}", "podSelector: {matchLabels: {}, matchExpressions: []}", "policyTypes: [Ingress]"} {
		in(t, networkPolicy("a/p", spec)).says(t,
			"ingress b/app -> a/db TCP 5432: deny no-rule at a/p spec.policyTypes",
			"ingress b/app -> a/app TCP 5432: deny no-rule at a/p spec.policyTypes",
			"ingress a/app -> b/app TCP 5432: allow not-isolated",
		)
	}
}

// "Multiple network policies can select the same set of pods. In this case, the ingress
// rules for each are combined additively." "Network policies do not conflict; they are
// additive." (concept page)
func TestSentenceAdditive(t *testing.T) {
	in(t, networkPolicy("a/closed", "podSelector: {}, policyTypes: [Ingress, Egress]"),
		networkPolicy("a/one", "podSelector: {matchLabels: {app: db}}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: blue}}}], ports: [{port: 1}]}]"),
		networkPolicy("a/two", "podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {}}], ports: [{port: 2}]}], egress: [{ports: [{port: 3}]}]"),
	).says(t,
		"ingress b/app -> a/db TCP 1: allow allowed at a/one spec.ingress[0].from[0]",
		"ingress a/app -> a/db TCP 2: allow allowed at a/two spec.ingress[0].from[0]",
		"ingress b/app -> a/db TCP 2: deny no-rule",
		"ingress a/app -> a/db TCP 1: deny no-rule",
		"egress a/db -> b/app TCP 3: allow allowed at a/two spec.egress[0]",
		"ingress b/app -> a/app TCP 1: deny no-rule at a/closed spec.policyTypes",
	)
}

// "Traffic is allowed to a pod if there are no NetworkPolicies selecting the pod (and
// cluster policy otherwise allows the traffic)" and "Outgoing traffic is allowed if there
// are no NetworkPolicies selecting the pod (and cluster policy otherwise allows the
// traffic)"
func TestSentenceClusterPolicyOtherwise(t *testing.T) {
	in(t, clusterPolicy("c", "Admin", 1, "ingress: [{action: Deny, from: [{namespaces: {matchLabels: {team: blue}}}]}], egress: [{action: Deny, to: [{networks: [198.51.100.0/24]}]}]")).says(t,
		"ingress b/app -> a/db TCP 5432: deny denied at c spec.ingress[0].from[0]",
		"ingress a/app -> a/db TCP 5432: allow not-isolated",
		"egress a/db -> 198.51.100.9 TCP 443: deny denied at c spec.egress[0].to[0]",
		"egress a/db -> 203.0.113.9 TCP 443: allow not-isolated",
	)
}

// "OR if the traffic source is the pod's local node"
func TestSentenceLocalNode(t *testing.T) {
	in(t, networkPolicy("a/closed", "podSelector: {}, policyTypes: [Ingress]")).says(t,
		"ingress 192.168.0.1 -> a/db TCP 5432: allow own-node",
		"ingress 192.168.0.2 -> a/db TCP 5432: deny no-rule at a/closed spec.policyTypes",
		"ingress a/near -> a/db TCP 5432: allow own-node",
		"ingress a/far -> a/db TCP 5432: deny no-rule at a/closed spec.policyTypes",
	)
}

// "OR if the traffic matches at least one ingress rule across all of the NetworkPolicy
// objects whose podSelector matches the pod", and the same of egress. A policy whose
// podSelector does not match adds nothing.
func TestSentenceAtLeastOneRule(t *testing.T) {
	in(t, networkPolicy("a/mine", "podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 1}]}, {ports: [{port: 2}]}], egress: [{ports: [{port: 1}]}, {ports: [{port: 2}]}]"),
		networkPolicy("a/other", "podSelector: {matchLabels: {app: app}}, ingress: [{ports: [{port: 3}]}], egress: [{ports: [{port: 3}]}]"),
		networkPolicy("b/elsewhere", "podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 3}]}], egress: [{ports: [{port: 3}]}]"),
	).says(t,
		"ingress b/app -> a/db TCP 2: allow allowed at a/mine spec.ingress[1]",
		"egress a/db -> b/app TCP 2: allow allowed at a/mine spec.egress[1]",
		"ingress b/app -> a/db TCP 3: deny no-rule",
		"egress a/db -> b/app TCP 3: deny no-rule",
	)
}

// "If this field is empty then this NetworkPolicy does not allow any traffic (and serves
// solely to ensure that the pods it selects are isolated by default)", of ingress; "If
// this field is empty then this NetworkPolicy limits all outgoing traffic", of egress.
// An empty list is as none, and a list of one empty rule admits everything.
func TestSentenceEmptyListEmptyRuleAbsent(t *testing.T) {
	const (
		closed = "ingress b/app -> a/db TCP 5432: deny no-rule at a/p spec.policyTypes"
		open   = "ingress b/app -> a/db TCP 5432: allow allowed at a/p spec.ingress[0]"
		shut   = "egress a/db -> b/app TCP 6432: deny no-rule at a/p spec.policyTypes"
		wide   = "egress a/db -> b/app TCP 6432: allow allowed at a/p spec.egress[0]"
		free   = "egress a/db -> b/app TCP 6432: allow not-isolated"
		none   = "ingress b/app -> a/db TCP 5432: allow not-isolated"
	)
	for spec, want := range map[string][2]string{
		"podSelector: {}":                                               {closed, free},
		"podSelector: {}, ingress: []":                                  {closed, free},
		"podSelector: {}, ingress: null":                                {closed, free},
		"podSelector: {}, ingress: [{}]":                                {open, free},
		"podSelector: {}, ingress: [{from: [], ports: []}]":             {open, free},
		"podSelector: {}, egress: []":                                   {closed, free},
		"podSelector: {}, egress: [{}]":                                 {closed, wide},
		"podSelector: {}, ingress: [{}], egress: [{}]":                  {open, wide},
		"podSelector: {}, policyTypes: [Ingress]":                       {closed, free},
		"podSelector: {}, policyTypes: [Egress]":                        {none, shut},
		"podSelector: {}, policyTypes: [Egress], egress: []":            {none, shut},
		"podSelector: {}, policyTypes: [Egress], egress: null":          {none, shut},
		"podSelector: {}, policyTypes: [Egress], egress: [{}]":          {none, wide},
		"podSelector: {}, policyTypes: [Egress], egress: [{to: []}]":    {none, wide},
		"podSelector: {}, policyTypes: [Ingress, Egress]":               {closed, shut},
		"podSelector: {}, policyTypes: [Ingress, Egress], egress: [{}]": {closed, wide},
		"podSelector: {}, policyTypes: [], egress: [{}]":                {closed, wide},
	} {
		t.Run(spec, func(t *testing.T) { in(t, networkPolicy("a/p", spec)).says(t, want[:]...) })
	}
}

// The same as sets, for all that lies outside, too: an empty list leaves only the pod's
// node, an empty rule takes nothing away.
func TestSentenceEmptyListAsSets(t *testing.T) {
	all := []string{"a/app: all", "a/far: all", "a/near: all", "b/app: all", "b/web: all", "0.0.0.0/0, ::/0: all"}
	node := []string{"a/near: all", "192.168.0.1/32: all"}
	w := in(t, networkPolicy("a/p", "podSelector: {}, ingress: []"))
	w.reaches(t, "a/db", node...)
	w.reaches(t, "->a/db", "a/far: all", "a/near: all", "b/app: all", "b/web: all", "0.0.0.0/0, ::/0: all")
	in(t, networkPolicy("a/p", "podSelector: {}, ingress: [{}]")).reaches(t, "a/db", all...)
	w = in(t, networkPolicy("a/p", "podSelector: {}, policyTypes: [Egress], egress: []"))
	w.reaches(t, "->a/db", node...)
	w.reaches(t, "a/db", "a/far: all", "a/near: all", "b/app: all", "b/web: all", "0.0.0.0/0, ::/0: all")
	in(t, networkPolicy("a/p", "podSelector: {}, policyTypes: [Egress], egress: [{}]")).reaches(t, "->a/db", all...)
}

// "If this field is not specified, it will default based on the existence of ingress or
// egress rules; policies that contain an egress section are assumed to affect egress, and
// all policies (whether or not they contain an ingress section) are assumed to affect
// ingress."
func TestSentencePolicyTypesDefault(t *testing.T) {
	in(t, networkPolicy("a/p", "podSelector: {}, egress: [{ports: [{port: 53, protocol: UDP}]}]")).says(t,
		"egress a/db -> b/app UDP 53: allow allowed at a/p spec.egress[0]",
		"egress a/db -> b/app TCP 53: deny no-rule",
		"ingress b/app -> a/db TCP 5432: deny no-rule at a/p spec.policyTypes",
	)
}

// "If you want to write an egress-only policy, you must explicitly specify policyTypes [
// "Egress" ]."
func TestSentenceEgressOnly(t *testing.T) {
	in(t, networkPolicy("a/p", "podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 53, protocol: UDP}]}]")).says(t,
		"egress a/db -> b/app TCP 5432: deny no-rule",
		"ingress b/app -> a/db TCP 5432: allow not-isolated",
	)
}

// "if you want to write a policy that specifies that no egress is allowed, you must specify
// a policyTypes value that include "Egress" (since such a policy would not include an
// egress section and would otherwise default to just [ "Ingress" ])"
func TestSentenceNoEgressNeedsType(t *testing.T) {
	in(t, networkPolicy("a/p", "podSelector: {}, policyTypes: [Ingress, Egress]")).says(t,
		"egress a/db -> b/app TCP 5432: deny no-rule at a/p spec.policyTypes")
	in(t, networkPolicy("a/p", "podSelector: {}, egress: []")).says(t,
		"egress a/db -> b/app TCP 5432: allow not-isolated")
}

// "Valid options are ["Ingress"], ["Egress"], or ["Ingress", "Egress"]." Rules of a
// direction that policyTypes leaves out do nothing.
func TestSentencePolicyTypesLeaveOut(t *testing.T) {
	w := in(t, networkPolicy("a/p", "podSelector: {}, policyTypes: [Ingress], egress: [{ports: [{port: 1}]}]"))
	w.says(t, "egress a/db -> b/app TCP 5432: allow not-isolated")
	if len(w.warnings) != 1 || w.warnings[0].Origin.Field != "spec.egress" {
		t.Errorf("nobody is told of it: %+v", w.warnings)
	}
}

// "For a connection from a source pod to a destination pod to be allowed, both the egress
// policy on the source pod and the ingress policy on the destination pod need to allow the
// connection. If either side does not allow the connection, it will not happen." (concept
// page)
func TestSentenceBothSides(t *testing.T) {
	const (
		ingress = "podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 1, endPort: 2}]}]"
		egress  = "podSelector: {matchLabels: {app: app}}, policyTypes: [Egress], egress: [{ports: [{port: 2, endPort: 3}]}]"
	)
	in(t, networkPolicy("a/in", ingress), networkPolicy("a/out", egress)).says(t,
		"a/app -> a/db TCP 1: deny",
		"a/app -> a/db TCP 2: allow",
		"a/app -> a/db TCP 3: deny",
		"b/app -> a/db TCP 1: allow",
		"a/app -> b/app TCP 3: allow",
	)
}

// "Reply traffic for those allowed connections will also be implicitly allowed." (concept
// page)
func TestSentenceReplies(t *testing.T) {
	in(t, networkPolicy("a/p", "podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress, Egress], ingress: [{from: [{podSelector: {matchLabels: {app: app}}}]}]")).says(t,
		"a/app -> a/db TCP 5432: allow",
		"a/db -> a/app TCP 5432: deny",
	)
}

// "With this policy in place, no additional policy or policies can cause any incoming
// connection to those pods to be denied. This policy has no effect on isolation for egress
// from any pod." (concept page, of one that allows all ingress traffic)
func TestSentenceAllowAllIngress(t *testing.T) {
	in(t, networkPolicy("a/all", "podSelector: {}, ingress: [{}], policyTypes: [Ingress]"),
		networkPolicy("a/closed", "podSelector: {}, policyTypes: [Ingress]"),
		networkPolicy("a/narrow", "podSelector: {matchLabels: {app: db}}, ingress: [{from: [{ipBlock: {cidr: 192.0.2.0/24}}]}]"),
	).says(t,
		"ingress 203.0.113.0/24 -> a/db SCTP 9: allow allowed at a/all spec.ingress[0]",
		"ingress b/app -> a/db TCP 5432: allow allowed at a/all spec.ingress[0]",
		"egress a/db -> b/app TCP 5432: allow not-isolated",
	)
}

// "The Kubernetes control plane sets an immutable label kubernetes.io/metadata.name on all
// namespaces, the value of the label is the namespace name." (concept page) Nothing has
// to declare it, or the namespace.
func TestSentenceNamespaceByName(t *testing.T) {
	in(t, networkPolicy("a/p", "podSelector: {}, ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [b, c]}]}}]}]"),
		runningPod("c/lone", "labels: {}", "{name: c, image: i}", "podIP: 10.244.1.20"),
		runningPod("d/lone", "labels: {}", "{name: c, image: i}", "podIP: 10.244.1.21"),
	).says(t,
		"ingress b/app -> a/db TCP 5432: allow allowed at a/p spec.ingress[0].from[0]",
		"ingress c/lone -> a/db TCP 5432: allow allowed at a/p spec.ingress[0].from[0]",
		"ingress d/lone -> a/db TCP 5432: deny no-rule",
		"ingress a/app -> a/db TCP 5432: deny no-rule",
	)
}

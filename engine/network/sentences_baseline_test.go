package network_test

import "testing"

const refuseBlues = "ingress: [" + denyBlues + "], egress: [{action: Deny, to: " + blues + "}]"

// "Baseline tier is a cluster-wide policy that can be overridden by the v1.NetworkPolicy. If
// Baseline tier has made a final decision (Accept or Deny) on a connection, then no further
// evaluation is done."
func TestSentenceBaselineOverridden(t *testing.T) {
	in(t, clusterPolicy("base", "Baseline", 1, ingress(denyBlues)), networkPolicy("a/np", "podSelector: {matchLabels: {app: db}}, "+ingress("{}"))).says(t,
		"ingress b/app -> a/db TCP 1: allow allowed at a/np spec.ingress[0]",
		"ingress b/app -> a/app TCP 1: deny denied at base spec.ingress[0].from[0]",
	)
	in(t, clusterPolicy("base", "Baseline", 1, ingress(acceptBlues+", "+denyBlues)), networkPolicy("a/np", "podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress]")).says(t,
		"ingress b/app -> a/db TCP 1: deny no-rule at a/np spec.policyTypes",
		"ingress b/app -> a/app TCP 1: allow accepted at base spec.ingress[0].from[0]",
	)
}

// "Further evaluation only happens for Pods not selected by a v1.NetworkPolicy." Whether
// that means selected at all, or in this direction, the text leaves open: where the two
// readings differ the answer says which it took.
func TestSentenceBaselineByDirection(t *testing.T) {
	base := clusterPolicy("base", "Baseline", 1, refuseBlues)
	in(t, base, networkPolicy("a/np", "podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{}]")).says(t,
		"ingress b/app -> a/db TCP 1: allow allowed at a/np spec.ingress[0]",
		"egress a/db -> b/app TCP 1: deny denied at base spec.egress[0].to[0] under baseline-by-direction",
		"egress a/app -> b/app TCP 1: deny denied at base spec.egress[0].to[0]",
		"egress a/db -> a/app TCP 1: allow not-isolated",
	)
	in(t, base, networkPolicy("a/np", "podSelector: {matchLabels: {app: db}}, policyTypes: [Egress], egress: [{}]")).says(t,
		"ingress b/app -> a/db TCP 1: deny denied at base spec.ingress[0].from[0] under baseline-by-direction",
		"egress a/db -> b/app TCP 1: allow allowed at a/np spec.egress[0]",
	)
}

// The same sentence as a plugin that is known to ask by pod reads it.
func TestSentenceBaselineByPod(t *testing.T) {
	const facts = "estate: complete\ncni: {name: kube-network-policies, enforces: true, clusterPolicies: true}\n"
	base := clusterPolicy("base", "Baseline", 1, refuseBlues)
	knowing(t, facts, base, networkPolicy("a/np", "podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{}]")).says(t,
		"egress a/db -> b/app TCP 1: allow not-isolated",
		"egress a/app -> b/app TCP 1: deny denied at base spec.egress[0].to[0]",
	)
	knowing(t, facts, base, networkPolicy("a/np", "podSelector: {matchLabels: {app: db}}, policyTypes: [Egress], egress: [{}]")).says(t,
		"ingress b/app -> a/db TCP 1: allow not-isolated",
		"ingress b/app -> a/app TCP 1: deny denied at base spec.ingress[0].from[0]",
	)
}

// "can be overridden by the v1.NetworkPolicy": of the pod's own namespace, and no other.
func TestSentenceBaselineOtherNamespace(t *testing.T) {
	in(t, clusterPolicy("base", "Baseline", 1, ingress(denyBlues)), networkPolicy("b/np", "podSelector: {}, policyTypes: [Ingress, Egress], ingress: [{}], egress: [{}]")).says(t,
		"ingress b/app -> a/db TCP 1: deny denied at base spec.ingress[0].from[0]")
}

// Whether a plugin enforces these kinds at all is assumed where nobody says, of refusals
// and of what an Admin policy lets past a NetworkPolicy alike.
func TestSentenceEnforcementAssumed(t *testing.T) {
	const facts = "estate: complete\ncni: {name: house, enforces: true}\n"
	knowing(t, facts, clusterPolicy("c", "Admin", 1, ingress(acceptBlues)), networkPolicy("a/np", refuseAll)).says(t,
		"ingress b/app -> a/db TCP 1: allow accepted at c spec.ingress[0].from[0] under cni-enforces-cluster-policies",
		"ingress a/app -> a/db TCP 1: deny no-rule at a/np spec.policyTypes",
	)
	knowing(t, "estate: complete\ncni: {name: house, enforces: true, clusterPolicies: false}\n",
		clusterPolicy("c", "Admin", 1, ingress(acceptBlues)), baselinePolicy(ingress(denyBlues)), networkPolicy("a/np", "podSelector: {matchLabels: {app: db}}")).says(t,
		"ingress b/app -> a/db TCP 1: deny no-rule at a/np spec.policyTypes",
		"ingress b/app -> a/app TCP 1: allow not-isolated",
	)
}

// AdminNetworkPolicy: "Allow: allows the selected traffic (even if it would otherwise have
// been denied by NetworkPolicy)". "Users cannot block traffic which has been matched by an
// "Allow" rule in an AdminNetworkPolicy."
func TestSentenceAdminAllow(t *testing.T) {
	in(t, adminPolicy("anp", 1, "ingress: ["+allowBlues+"], egress: [{action: Allow, to: "+blues+"}]"), networkPolicy("a/np", closed), baselinePolicy(refuseBlues)).says(t,
		"ingress b/app -> a/db TCP 1: allow accepted at anp spec.ingress[0].from[0]",
		"egress a/db -> b/app TCP 1: allow accepted at anp spec.egress[0].to[0]",
		"ingress a/app -> a/db TCP 1: deny no-rule at a/np spec.policyTypes",
	)
}

// "Deny … Pods will never receive traffic which has been matched by a "Deny" rule in an
// AdminNetworkPolicy."
func TestSentenceAdminDeny(t *testing.T) {
	in(t, adminPolicy("anp", 1, refuseBlues), networkPolicy("a/np", "podSelector: {}, policyTypes: [Ingress, Egress], ingress: [{}], egress: [{}]"), baselinePolicy(ingress(allowBlues))).says(t,
		"ingress b/app -> a/db TCP 1: deny denied at anp spec.ingress[0].from[0]",
		"egress a/db -> b/app TCP 1: deny denied at anp spec.egress[0].to[0]",
		"ingress a/app -> a/db TCP 1: allow allowed at a/np spec.ingress[0]",
	)
}

// "Pass: instructs the selected traffic to skip any remaining ANP rules, and then pass
// execution to any NetworkPolicies that select the pod. If the pod is not selected by any
// NetworkPolicies then execution is passed to any BaselineAdminNetworkPolicies that select
// the pod."
func TestSentenceAdminPass(t *testing.T) {
	objects := []string{adminPolicy("one", 1, ingress(passBlues+", "+denyBlues)), adminPolicy("two", 2, ingress(denyBlues)), baselinePolicy(ingress(denyBlues))}
	in(t, append(objects, networkPolicy("a/np", admitBlues))...).says(t, "ingress b/app -> a/db TCP 1: allow allowed at a/np spec.ingress[0].from[0]")
	in(t, append(objects, networkPolicy("a/np", refuseAll))...).says(t, "ingress b/app -> a/db TCP 1: deny no-rule at a/np spec.policyTypes")
	in(t, objects...).says(t, "ingress b/app -> a/db TCP 1: deny denied at default spec.ingress[0].from[0]")
	in(t, objects[:2]...).says(t, "ingress b/app -> a/db TCP 1: allow not-isolated")
}

// BaselineAdminNetworkPolicy: "Ingress is the list of Ingress rules to be applied to the
// selected pods if they are not matched by any AdminNetworkPolicy or NetworkPolicy rules."
// "The relative precedence of ingress rules within a single BANP object will be determined
// by the order in which the rule is written." "BANPs with no egress rules do not affect
// egress traffic."
func TestSentenceBaselineOfOlderKind(t *testing.T) {
	base := baselinePolicy(ingress("{action: Allow, from: " + blues + ", ports: [{portNumber: {port: 1}}]}, " + denyBlues))
	in(t, base).says(t,
		"ingress b/app -> a/db TCP 1: allow accepted at default spec.ingress[0].from[0]",
		"ingress b/app -> a/db TCP 2: deny denied at default spec.ingress[1].from[0]",
		"ingress a/app -> a/db TCP 2: allow not-isolated",
		"egress a/db -> b/app TCP 2: allow not-isolated",
	)
	in(t, base, adminPolicy("anp", 9, ingress("{action: Allow, from: "+blues+", ports: [{portNumber: {port: 2}}]}"))).says(t,
		"ingress b/app -> a/db TCP 2: allow accepted at anp spec.ingress[0].from[0]",
		"ingress b/app -> a/db TCP 3: deny denied at default spec.ingress[1].from[0]",
	)
}

// "If two (or more) policies with the same priority could both match a connection": an
// AdminNetworkPolicy and a ClusterNetworkPolicy of the Admin tier stand in one order, and so
// do the two kinds of baseline, of which the older one has no priority and counts as 0.
func TestSentenceKindsSideBySide(t *testing.T) {
	older := adminPolicy("older", 5, ingress(allowBlues))
	for priority, want := range map[int]string{
		4: "deny denied at newer spec.ingress[0].from[0]",
		5: "unknown conflict",
		6: "allow accepted at older spec.ingress[0].from[0]",
	} {
		in(t, older, clusterPolicy("newer", "Admin", priority, ingress(denyBlues))).says(t, "ingress b/app -> a/db TCP 1: "+want)
	}
	base := baselinePolicy(ingress(allowBlues))
	in(t, base, clusterPolicy("newer", "Baseline", 1, ingress(denyBlues))).says(t, "ingress b/app -> a/db TCP 1: allow accepted at default spec.ingress[0].from[0]")
	in(t, base, clusterPolicy("newer", "Baseline", 0, ingress(denyBlues))).says(t, "ingress b/app -> a/db TCP 1: unknown conflict")
}

// "Protocol is the network protocol (TCP, UDP, or SCTP) which traffic must match. If not
// specified, this field defaults to TCP." "PortRange defines an inclusive range of ports".
// "If Ports is not set then the rule does not filter traffic via port."
func TestSentenceAdminPorts(t *testing.T) {
	for ports, want := range map[string]string{
		"":                                 "",
		"ports: [{portNumber: {port: 5}}]": "a/app: TCP 5",
		"ports: [{portNumber: {port: 5, protocol: SCTP}}, {portNumber: {port: 6}}]":        "a/app: TCP 6, SCTP 5",
		"ports: [{portRange: {start: 5, end: 7}}]":                                         "a/app: TCP 5-7",
		"ports: [{portRange: {start: 5, end: 7, protocol: UDP}}, {portNumber: {port: 1}}]": "a/app: TCP 1, UDP 5-7",
		"ports: [{namedPort: pg}]":                                                         "a/app: TCP 5432",
	} {
		rule := "{action: Allow, from: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: app}}}}], " + ports + "}"
		want := []string{map[bool]string{true: "a/app: all", false: want}[ports == ""], "a/near: all"}
		w := in(t, adminPolicy("anp", 1, ingress(rule)), networkPolicy("a/np", refuseAll))
		w.reaches(t, "a/db", want[0], want[1], "b"+want[0][1:], "192.168.0.1/32: all")
	}
}

// "Note that host-networked pods are not included in this type of peer.", of both peers of
// both kinds.
func TestSentencePeersHostNetwork(t *testing.T) {
	for _, peer := range []string{"[{namespaces: {}}]", "[{pods: {namespaceSelector: {}, podSelector: {}}}]"} {
		for _, p := range []string{
			clusterPolicy("c", "Admin", 1, "ingress: [{action: Deny, from: "+peer+"}], egress: [{action: Deny, to: "+peer+"}]"),
			adminPolicy("c", 1, "ingress: [{action: Deny, from: "+peer+"}], egress: [{action: Deny, to: "+peer+"}]"),
		} {
			in(t, p).says(t,
				"ingress a/far -> a/db TCP 1: allow not-isolated",
				"egress a/db -> a/far TCP 1: allow not-isolated",
				"ingress b/app -> a/db TCP 1: deny denied at c spec.ingress[0].from[0]",
				"egress a/db -> b/app TCP 1: deny denied at c spec.egress[0].to[0]",
			)
		}
	}
}

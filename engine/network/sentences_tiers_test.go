package network_test

import (
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/model/netpol"
)

// Peers and rules that the policies of ordered tiers are made of here. All are about the
// pods of namespace a.
const (
	anyPod      = "[{namespaces: {}}]"
	blues       = "[{namespaces: {matchLabels: {team: blue}}}]"
	acceptBlues = "{action: Accept, from: " + blues + "}"
	denyBlues   = "{action: Deny, from: " + blues + "}"
	passBlues   = "{action: Pass, from: " + blues + "}"
	allowBlues  = "{action: Allow, from: " + blues + "}" // of the older kinds
	admitBlues  = "podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: blue}}}]}]"
	refuseAll   = "podSelector: {}, policyTypes: [Ingress]"
)

func ingress(rules string) string { return "ingress: [" + rules + "]" }

// "Policy tiers are evaluated in the following order: Admin tier, NetworkPolicy tier,
// Baseline tier": with all three there the first one decides; each taken away lets the
// next one. Then "the default kubernetes policy is applied, which says that all pods can
// communicate with each other".
func TestSentenceTierOrder(t *testing.T) {
	tiers := []string{
		clusterPolicy("admin", "Admin", 1000, ingress(acceptBlues)),
		networkPolicy("a/np", refuseAll),
		clusterPolicy("base", "Baseline", 0, ingress(denyBlues)),
	}
	for i, want := range []string{
		"allow accepted at admin spec.ingress[0].from[0]",
		"deny no-rule at a/np spec.policyTypes",
		"deny denied at base spec.ingress[0].from[0]",
		"allow not-isolated",
	} {
		in(t, tiers[i:]...).says(t, "ingress b/app -> a/db TCP 1: "+want)
	}
}

// "The Admin tier takes precedence over all other policies. … If Admin tier has made a
// final decision (Accept or Deny) on a connection, then no further evaluation is done."
// "All Admin tier rules have higher precedence than NetworkPolicy or Baseline tier rules."
func TestSentenceAdminIsFinal(t *testing.T) {
	in(t, clusterPolicy("admin", "Admin", 1000, ingress(denyBlues)), networkPolicy("a/np", admitBlues), clusterPolicy("base", "Baseline", 0, ingress(acceptBlues))).says(t,
		"ingress b/app -> a/db TCP 1: deny denied at admin spec.ingress[0].from[0]")
	in(t, clusterPolicy("admin", "Admin", 1000, ingress(acceptBlues)), networkPolicy("a/np", refuseAll), clusterPolicy("base", "Baseline", 0, ingress(denyBlues))).says(t,
		"ingress b/app -> a/db TCP 1: allow accepted at admin spec.ingress[0].from[0]",
		"ingress a/app -> a/db TCP 1: deny no-rule at a/np spec.policyTypes",
	)
}

// "v1.NetworkPolicy always makes a final decision for selected pods."
func TestSentenceNetworkPolicyIsFinal(t *testing.T) {
	in(t, networkPolicy("a/np", "podSelector: {matchLabels: {app: db}}, "+ingress("{ports: [{port: 1}]}")),
		clusterPolicy("base", "Baseline", 0, ingress("{action: Deny, from: "+blues+", protocols: [{tcp: {destinationPort: {number: 1}}}]}, "+acceptBlues)),
	).says(t,
		"ingress b/app -> a/db TCP 1: allow allowed at a/np spec.ingress[0]",
		"ingress b/app -> a/db TCP 2: deny no-rule",
		"ingress b/app -> a/app TCP 1: deny denied at base spec.ingress[0].from[0]",
		"ingress b/app -> a/app TCP 2: allow accepted at base spec.ingress[1].from[0]",
	)
}

// "Policies with lower priority values have higher precedence, and are checked before
// policies with higher priority values in the same tier." Not their names, and not their
// places among the files.
func TestSentencePriority(t *testing.T) {
	for _, tier := range []string{"Admin", "Baseline"} {
		for _, low := range []int{0, 7, 999} {
			objects := []string{clusterPolicy("z", tier, low, ingress(acceptBlues)), clusterPolicy("a", tier, low+1, ingress(denyBlues))}
			for range 2 {
				in(t, objects...).says(t, "ingress b/app -> a/db TCP 1: allow accepted at z spec.ingress[0].from[0]")
				slices.Reverse(objects)
			}
			in(t, clusterPolicy("z", tier, low, ingress(denyBlues)), clusterPolicy("a", tier, low+1, ingress(acceptBlues))).says(t,
				"ingress b/app -> a/db TCP 1: deny denied at z spec.ingress[0].from[0]")
		}
	}
}

// "are checked before": where the first does not match the next one is asked.
func TestSentencePriorityGoesOn(t *testing.T) {
	in(t, clusterPolicy("one", "Admin", 1, ingress("{action: Deny, from: "+anyPod+", protocols: [{tcp: {destinationPort: {number: 1}}}]}")),
		clusterPolicy("two", "Admin", 2, ingress(acceptBlues)), networkPolicy("a/np", refuseAll)).says(t,
		"ingress b/app -> a/db TCP 1: deny denied at one spec.ingress[0].from[0]",
		"ingress b/app -> a/db TCP 2: allow accepted at two spec.ingress[0].from[0]",
		"ingress a/app -> a/db TCP 2: deny no-rule at a/np spec.policyTypes",
	)
}

// "If two (or more) policies in the same tier with the same priority could match a
// connection, then the implementation can apply any of the matching policies to the
// connection, and there is no way for the user to reliably determine which one it will
// choose." Nobody knows, and both are named.
func TestSentenceEqualPriority(t *testing.T) {
	for _, tier := range []string{"Admin", "Baseline"} {
		w := in(t, clusterPolicy("one", tier, 5, ingress(denyBlues)), clusterPolicy("two", tier, 5, ingress(acceptBlues)))
		w.says(t,
			"ingress b/app -> a/db TCP 1: unknown conflict at one spec.ingress[0].from[0]",
			"ingress a/app -> a/db TCP 1: allow not-isolated",
		)
		step := w.engine.Decide(netpol.Ingress, w.attempt(t, []string{"b/app", "a/db", "TCP", "1", ""}))
		want := []string{"ClusterNetworkPolicy one spec.ingress[0].from[0]", "ClusterNetworkPolicy two spec.ingress[0].from[0]"}
		if !slices.Equal(named(step), want) || step.Facts["policies"] != "one (Deny), two (Accept)" || step.Facts["tier"] != tier || step.Facts["priority"] != "5" {
			t.Errorf("%s: names %q, facts %v", tier, named(step), step.Facts)
		}
		w.reaches(t, "a/db", "a/app: all", "a/far: all", "a/near: all", "0.0.0.0/0, ::/0: all", "?b/app: all", "?b/web: all")
	}
}

// "could match a connection": policies of one priority that say the same, or of which one
// does not match, or that come after one that does, leave no doubt; nor do those of
// different tiers.
func TestSentenceEqualPriorityAgrees(t *testing.T) {
	two := clusterPolicy("two", "Admin", 5, ingress(acceptBlues))
	in(t, clusterPolicy("one", "Admin", 5, ingress(acceptBlues)), two).says(t, "ingress b/app -> a/db TCP 1: allow accepted")
	in(t, clusterPolicy("one", "Admin", 5, ingress("{action: Deny, from: "+anyPod+", protocols: [{tcp: {destinationPort: {number: 1}}}]}")), two).says(t,
		"ingress b/app -> a/db TCP 1: unknown conflict",
		"ingress b/app -> a/db TCP 2: allow accepted at two spec.ingress[0].from[0]",
		"ingress a/app -> a/db TCP 1: deny denied at one spec.ingress[0].from[0]",
	)
	in(t, clusterPolicy("one", "Admin", 5, ingress(denyBlues)), two, clusterPolicy("zero", "Admin", 4, ingress(acceptBlues))).says(t,
		"ingress b/app -> a/db TCP 1: allow accepted at zero spec.ingress[0].from[0]")
	in(t, clusterPolicy("one", "Baseline", 5, ingress(denyBlues)), two).says(t,
		"ingress b/app -> a/db TCP 1: allow accepted at two spec.ingress[0].from[0]")
	in(t, about("pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: app}}}", "one", "Admin", 5, ingress(denyBlues)), two).says(t,
		"ingress b/app -> a/db TCP 1: allow accepted at two spec.ingress[0].from[0]",
		"ingress b/app -> a/app TCP 1: unknown conflict",
	)
}

// "can apply any of the matching policies": a Pass and an Accept of one priority differ
// only where the next tier refuses.
func TestSentenceEqualPriorityPass(t *testing.T) {
	objects := []string{clusterPolicy("one", "Admin", 5, ingress(passBlues)), clusterPolicy("two", "Admin", 5, ingress(acceptBlues))}
	in(t, append(objects, networkPolicy("a/np", admitBlues))...).says(t, "b/app -> a/db TCP 1: allow")
	in(t, objects...).says(t, "b/app -> a/db TCP 1: allow")
	in(t, append(objects, networkPolicy("a/np", refuseAll))...).says(t, "ingress b/app -> a/db TCP 1: unknown conflict at one spec.ingress[0].from[0]")
	in(t, append(objects, clusterPolicy("base", "Baseline", 5, ingress(denyBlues)))...).says(t, "b/app -> a/db TCP 1: unknown")
}

// "The relative precedence of ingress rules within a single CNP object … will be determined
// by the order in which the rule is written. Thus, a rule that appears at the top of the
// ingress rules would take the highest precedence." And the same of egress rules.
func TestSentenceRuleOrder(t *testing.T) {
	const web = "pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}"
	in(t, clusterPolicy("c", "Admin", 1, "ingress: [{action: Deny, from: [{"+web+"}]}, "+acceptBlues+", {action: Deny, from: "+anyPod+"}], "+
		"egress: [{action: Accept, to: [{"+web+"}]}, {action: Deny, to: "+blues+"}, {action: Accept, to: "+anyPod+"}]")).says(t,
		"ingress b/web -> a/db TCP 1: deny denied at c spec.ingress[0].from[0]",
		"ingress b/app -> a/db TCP 1: allow accepted at c spec.ingress[1].from[0]",
		"ingress a/app -> a/db TCP 1: deny denied at c spec.ingress[2].from[0]",
		"egress a/db -> b/web TCP 1: allow accepted at c spec.egress[0].to[0]",
		"egress a/db -> b/app TCP 1: deny denied at c spec.egress[1].to[0]",
		"egress a/db -> a/app TCP 1: allow accepted at c spec.egress[2].to[0]",
	)
}

// "CNPs with no ingress rules do not affect ingress traffic." "CNPs with no egress rules do
// not affect egress traffic." A policy of an ordered tier isolates nothing.
func TestSentenceNoRulesNoEffect(t *testing.T) {
	in(t, clusterPolicy("c", "Admin", 1, "ingress: [{action: Deny, from: "+blues+"}]"), clusterPolicy("d", "Baseline", 1, "egress: []")).says(t,
		"egress a/db -> b/app TCP 1: allow not-isolated",
		"ingress a/app -> a/db TCP 1: allow not-isolated",
		"ingress b/app -> a/db TCP 1: deny denied at c spec.ingress[0].from[0]",
	)
}

// "Accept: Accepts the selected traffic, allowing it into the destination. No further
// ClusterNetworkPolicy or NetworkPolicy rules will be processed." "Deny: Drops the selected
// traffic. No further … rules will be processed." Of each direction on its own: what may
// leave must still be let in.
func TestSentenceActionsAreOfOneSide(t *testing.T) {
	in(t, clusterPolicy("out", "Admin", 1, "egress: [{action: Accept, to: "+anyPod+"}]"), networkPolicy("b/np", refuseAll), networkPolicy("a/np", closed)).says(t,
		"egress a/db -> b/app TCP 1: allow accepted at out spec.egress[0].to[0]",
		"ingress a/db -> b/app TCP 1: deny no-rule at b/np spec.policyTypes",
		"a/db -> b/app TCP 1: deny",
	)
}

// "Pass: Skips all further ClusterNetworkPolicy rules in the current tier for the selected
// traffic, and passes evaluation to the next tier." "if an Admin tier CNP uses Pass action,
// NetworkPolicy evaluation will happen next."
func TestSentencePass(t *testing.T) {
	first := clusterPolicy("first", "Admin", 1, ingress(passBlues+", "+denyBlues))
	for _, after := range []string{denyBlues, acceptBlues} {
		second := clusterPolicy("second", "Admin", 2, ingress(after))
		in(t, first, second, networkPolicy("a/np", admitBlues)).says(t, "ingress b/app -> a/db TCP 1: allow allowed at a/np spec.ingress[0].from[0]")
		in(t, first, second, networkPolicy("a/np", refuseAll)).says(t, "ingress b/app -> a/db TCP 1: deny no-rule at a/np spec.policyTypes")
		in(t, first, second, clusterPolicy("base", "Baseline", 1, ingress(denyBlues))).says(t, "ingress b/app -> a/db TCP 1: deny denied at base spec.ingress[0].from[0]")
		in(t, first, second).says(t, "ingress b/app -> a/db TCP 1: allow not-isolated")
	}
}

// "passes evaluation to the next tier": after Baseline there is none, and "the default
// kubernetes policy is applied"; later Baseline rules are skipped.
func TestSentencePassInBaseline(t *testing.T) {
	in(t, clusterPolicy("base", "Baseline", 1, ingress(passBlues+", {action: Deny, from: "+anyPod+"}")), clusterPolicy("more", "Baseline", 2, ingress(denyBlues))).says(t,
		"ingress b/app -> a/db TCP 1: allow not-isolated",
		"ingress a/app -> a/db TCP 1: deny denied at base spec.ingress[1].from[0]",
	)
}

// "Subject defines the pods to which this ClusterNetworkPolicy applies." "Namespaces is used
// to select pods via namespace selectors." "Pods is used to select pods via namespace AND
// pod selectors." "if empty, it selects all Namespaces" … "all Pods".
func TestSentenceSubject(t *testing.T) {
	for subject, want := range map[string][3]bool{ // a/db, a/app, b/app
		"namespaces: {}":                         {true, true, true},
		"namespaces: {matchLabels: {team: red}}": {true, true, false},
		"pods: {namespaceSelector: {matchLabels: {team: red}}, podSelector: {matchLabels: {app: app}}}": {false, true, false},
		"pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: app}}}":                         {false, true, true},
		"pods: {podSelector: {matchLabels: {app: app}}}":                                                {false, true, true},
		"pods: {namespaceSelector: {matchLabels: {team: blue}}, podSelector: {}}":                       {false, false, true},
		"pods: {namespaceSelector: {}, podSelector: {}}":                                                {true, true, true},
	} {
		w := in(t, about(subject, "c", "Admin", 1, ingress("{action: Deny, from: "+anyPod+"}")))
		for i, pod := range []string{"a/db", "a/app", "b/app"} {
			answer := map[bool]string{true: "deny denied at c spec.ingress[0].from[0]", false: "allow not-isolated"}[want[i]]
			w.says(t, "ingress b/web -> "+pod+" TCP 1: "+answer)
		}
	}
}

// "Note that host-networked pods are not included in subject selection."
func TestSentenceSubjectHostNetwork(t *testing.T) {
	in(t, about("namespaces: {}", "c", "Admin", 1, "ingress: [{action: Deny, from: "+anyPod+"}], egress: [{action: Deny, to: [{networks: [0.0.0.0/0]}]}]")).says(t,
		"ingress b/app -> a/near TCP 1: allow not-isolated",
		"egress a/near -> 203.0.113.7 TCP 1: allow not-isolated",
		"egress b/app -> 203.0.113.7 TCP 1: deny denied at c spec.egress[0].to[0]",
	)
}

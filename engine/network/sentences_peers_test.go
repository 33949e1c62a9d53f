package network_test

import (
	"slices"
	"testing"
)

// from writes a policy of a/db that admits the peers.
func from(peers string) string {
	return networkPolicy("a/p", "podSelector: {matchLabels: {app: db}}, ingress: [{from: ["+peers+"]}]")
}

// to writes a policy of a/db that admits the peers as destinations.
func to(peers string) string {
	return networkPolicy("a/p", "podSelector: {matchLabels: {app: db}}, policyTypes: [Egress], egress: [{to: ["+peers+"]}]")
}

// "If this field is empty or missing, this rule matches all sources (traffic not
// restricted by source)." and "… all destinations (traffic not restricted by destination)."
func TestSentenceAllSources(t *testing.T) {
	for _, peers := range []string{"ports: [{port: 1}]", "ports: [{port: 1}], from: []", "ports: [{port: 1}], from: null"} {
		in(t, networkPolicy("a/p", "podSelector: {}, ingress: [{"+peers+"}]")).reaches(t, "a/db",
			"a/app: TCP 1", "a/far: TCP 1", "a/near: all", "b/app: TCP 1", "b/web: TCP 1",
			"all but 192.168.0.1/32: TCP 1", "192.168.0.1/32: all")
	}
	for _, peers := range []string{"ports: [{port: 1}]", "ports: [{port: 1}], to: []", "ports: [{port: 1}], to: null"} {
		in(t, networkPolicy("a/p", "podSelector: {}, policyTypes: [Egress], egress: [{"+peers+"}]")).says(t,
			"egress a/db -> 2001:db8::/32 TCP 1: allow allowed at a/p spec.egress[0]",
			"egress a/db -> a/far TCP 1: allow allowed at a/p spec.egress[0]",
			"egress a/db -> b/web TCP 2: deny no-rule",
		)
	}
}

// "Items in this list are combined using a logical OR operation." "If this field is
// present and contains at least one item, this rule allows traffic only if the traffic
// matches at least one item in the from list." And the same of the to list.
func TestSentencePeersOr(t *testing.T) {
	const peers = "{podSelector: {matchLabels: {app: none}}}, {podSelector: {matchLabels: {app: app}}}, {ipBlock: {cidr: 203.0.113.0/24}}"
	in(t, from(peers)).says(t,
		"ingress a/app -> a/db TCP 1: allow allowed at a/p spec.ingress[0].from[1]",
		"ingress 203.0.113.7 -> a/db TCP 1: allow allowed at a/p spec.ingress[0].from[2]",
		"ingress b/web -> a/db TCP 1: deny no-rule",
		"ingress 198.51.100.7 -> a/db TCP 1: deny no-rule",
	)
	in(t, to(peers)).says(t,
		"egress a/db -> a/app TCP 1: allow allowed at a/p spec.egress[0].to[1]",
		"egress a/db -> 203.0.113.7 TCP 1: allow allowed at a/p spec.egress[0].to[2]",
		"egress a/db -> b/web TCP 1: deny no-rule",
		"egress a/db -> 198.51.100.7 TCP 1: deny no-rule",
	)
}

// "The traffic must match both ports and from." "The traffic must match both ports and to."
func TestSentencePortsBesidePeers(t *testing.T) {
	in(t, networkPolicy("a/p", "podSelector: {}, ingress: [{ports: [{port: 1}], from: [{podSelector: {}}]}, {ports: [{port: 2}], from: [{namespaceSelector: {matchLabels: {team: blue}}}]}]")).says(t,
		"ingress a/app -> a/db TCP 1: allow allowed at a/p spec.ingress[0].from[0]",
		"ingress a/app -> a/db TCP 2: deny no-rule",
		"ingress b/app -> a/db TCP 1: deny no-rule",
		"ingress b/app -> a/db TCP 2: allow allowed at a/p spec.ingress[1].from[0]",
	)
	in(t, networkPolicy("a/p", "podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 1}], to: [{podSelector: {}}]}]")).says(t,
		"egress a/db -> a/app TCP 1: allow allowed at a/p spec.egress[0].to[0]",
		"egress a/db -> a/app TCP 2: deny no-rule",
		"egress a/db -> b/app TCP 1: deny no-rule",
	)
}

// "podSelector is a label selector which selects pods. This field follows standard label
// selector semantics; if present but empty, it selects all pods." "Otherwise it selects
// the pods matching podSelector in the policy's own namespace."
func TestSentencePeerPodSelector(t *testing.T) {
	in(t, from("{podSelector: {matchLabels: {app: app}}}")).says(t,
		"ingress a/app -> a/db TCP 1: allow allowed at a/p spec.ingress[0].from[0]",
		"ingress b/app -> a/db TCP 1: deny no-rule",
	)
	in(t, from("{podSelector: {}}")).says(t,
		"ingress a/app -> a/db TCP 1: allow allowed at a/p spec.ingress[0].from[0]",
		"ingress b/app -> a/db TCP 1: deny no-rule",
		"ingress 10.244.1.11/32 -> a/db TCP 1: deny no-rule",
	)
}

// "This field follows standard label selector semantics": matchLabels and matchExpressions
// are all asked; NotIn and DoesNotExist hold where there is no such label.
func TestSentenceStandardSelectors(t *testing.T) {
	for selector, admitted := range map[string][2]bool{ // a/app with app=app, a/bare without
		"{matchExpressions: [{key: app, operator: In, values: [app, web]}]}":                                   {true, false},
		"{matchExpressions: [{key: app, operator: NotIn, values: [app]}]}":                                     {false, true},
		"{matchExpressions: [{key: app, operator: NotIn, values: [web]}]}":                                     {true, true},
		"{matchExpressions: [{key: app, operator: Exists}]}":                                                   {true, false},
		"{matchExpressions: [{key: app, operator: DoesNotExist}]}":                                             {false, true},
		"{matchLabels: {app: app}, matchExpressions: [{key: app, operator: NotIn, values: [app]}]}":            {false, false},
		"{matchLabels: {app: app, tier: one}}":                                                                 {false, false},
		"{matchLabels: {app: ''}}":                                                                             {false, false},
		"{matchExpressions: [{key: tier, operator: DoesNotExist}, {key: tier, operator: NotIn, values: [x]}]}": {true, true},
	} {
		t.Run(selector, func(t *testing.T) {
			w := in(t, from("{podSelector: "+selector+"}"), runningPod("a/bare", "labels: {}", "{name: c, image: i}", "podIP: 10.244.1.30"))
			for i, name := range []string{"a/app", "a/bare"} {
				w.says(t, name+" -> a/db TCP 1: "+map[bool]string{true: "allow", false: "deny"}[admitted[i]])
			}
		})
	}
}

// "namespaceSelector selects namespaces using cluster-scoped labels. … if present but
// empty, it selects all namespaces." "If podSelector is also set, then the
// NetworkPolicyPeer as a whole selects the pods matching podSelector in the namespaces
// selected by namespaceSelector. Otherwise it selects all pods in the namespaces selected
// by namespaceSelector." Absent and empty are not the same, alone and beside podSelector.
// None of them selects what is no pod of the pod network.
func TestSentenceNamespaceSelectorEmptyOrAbsent(t *testing.T) {
	for peer, want := range map[string][]string{ // besides a/near and its node
		"{namespaceSelector: {}}":                                                                    {"a/app", "b/app", "b/web"},
		"{namespaceSelector: {matchLabels: {}}}":                                                     {"a/app", "b/app", "b/web"},
		"{namespaceSelector: {}, podSelector: {}}":                                                   {"a/app", "b/app", "b/web"},
		"{namespaceSelector: {}, podSelector: null}":                                                 {"a/app", "b/app", "b/web"},
		"{podSelector: {}}":                                                                          {"a/app"},
		"{podSelector: {}, namespaceSelector: null}":                                                 {"a/app"},
		"{namespaceSelector: {}, podSelector: {matchLabels: {app: app}}}":                            {"a/app", "b/app"},
		"{podSelector: {matchLabels: {app: app}}}":                                                   {"a/app"},
		"{namespaceSelector: {matchLabels: {team: blue}}}":                                           {"b/app", "b/web"},
		"{namespaceSelector: {matchLabels: {team: blue}}, podSelector: {}}":                          {"b/app", "b/web"},
		"{namespaceSelector: {matchLabels: {team: blue}}, podSelector: {matchLabels: {app: app}}}":   {"b/app"},
		"{namespaceSelector: {matchLabels: {team: blue}}}, {podSelector: {matchLabels: {app: app}}}": {"a/app", "b/app", "b/web"},
		"{namespaceSelector: {matchLabels: {team: red}}, podSelector: {matchLabels: {app: web}}}":    {},
		"{namespaceSelector: {matchExpressions: [{key: team, operator: DoesNotExist}]}}":             {},
		"{namespaceSelector: {}}, {namespaceSelector: {matchLabels: {team: none}}}":                  {"a/app", "b/app", "b/web"},
		"{namespaceSelector: {matchLabels: {team: none}}, podSelector: {}}, {podSelector: {}}":       {"a/app"},
	} {
		t.Run(peer, func(t *testing.T) {
			sets := []string{}
			for _, name := range []string{"a/app", "a/near", "b/app", "b/web"} {
				if name == "a/near" || slices.Contains(want, name) {
					sets = append(sets, name+": all")
				}
			}
			sets = append(sets, "192.168.0.1/32: all")
			in(t, from(peer)).reaches(t, "a/db", sets...)
			in(t, to(peer)).reaches(t, "->a/db", sets...)
		})
	}
}

// "namespaceSelector": the policy's own namespace is selected by its labels as any other.
func TestSentenceNamespaceSelectorOwn(t *testing.T) {
	in(t, from("{namespaceSelector: {matchLabels: {team: red}}}")).says(t,
		"ingress a/app -> a/db TCP 1: allow allowed at a/p spec.ingress[0].from[0]",
		"ingress b/app -> a/db TCP 1: deny no-rule",
	)
}

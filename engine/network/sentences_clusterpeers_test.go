package network_test

import (
	"strings"
	"testing"
)

func egress(rules string) string { return "egress: [" + rules + "]" }

// "From is the list of sources whose traffic this rule applies to. If any element matches
// the source of incoming traffic then the specified action is applied." And of To.
// "Namespaces defines a way to select all pods within a set of Namespaces." "Pods defines a
// way to select a set of pods in a set of namespaces."
func TestSentenceAnyElement(t *testing.T) {
	const peers = "[{pods: {namespaceSelector: {matchLabels: {team: blue}}, podSelector: {matchLabels: {app: web}}}}, {namespaces: {matchLabels: {team: red}}}]"
	in(t, clusterPolicy("c", "Admin", 1, "ingress: [{action: Deny, from: "+peers+"}], egress: [{action: Deny, to: "+peers+"}]")).says(t,
		"ingress b/web -> a/db TCP 1: deny denied at c spec.ingress[0].from[0]",
		"ingress a/app -> a/db TCP 1: deny denied at c spec.ingress[0].from[1]",
		"ingress b/app -> a/db TCP 1: allow not-isolated",
		"egress a/db -> b/web TCP 1: deny denied at c spec.egress[0].to[0]",
		"egress a/db -> a/app TCP 1: deny denied at c spec.egress[0].to[1]",
		"egress a/db -> b/app TCP 1: allow not-isolated",
		"ingress 203.0.113.7 -> a/db TCP 1: allow not-isolated",
	)
}

// "Networks defines a way to select peers via CIDR blocks."
func TestSentenceNetworks(t *testing.T) {
	in(t, clusterPolicy("c", "Admin", 1, egress("{action: Deny, to: [{networks: [198.51.100.0/24, '2001:db8::/32']}, {networks: [203.0.113.7/32]}]}"))).says(t,
		"egress a/db -> 198.51.100.255 TCP 1: deny denied at c spec.egress[0].to[0]",
		"egress a/db -> 2001:db8::1 UDP 1: deny denied at c spec.egress[0].to[0]",
		"egress a/db -> 203.0.113.7 TCP 1: deny denied at c spec.egress[0].to[1]",
		"egress a/db -> 203.0.113.8 TCP 1: allow not-isolated",
		"egress a/db -> 203.0.113.0/24 TCP 1: unknown unsure",
	)
}

// "if you Accept or Deny traffic to "0.0.0.0/0", that will allow or deny all IPv4
// pod-to-pod traffic as well."
func TestSentenceNetworksCoverPods(t *testing.T) {
	w := in(t, clusterPolicy("c", "Admin", 1, egress("{action: Deny, to: [{networks: [0.0.0.0/0]}]}")))
	w.says(t,
		"egress a/db -> b/app TCP 1: deny denied at c spec.egress[0].to[0]",
		"egress a/db -> a/far TCP 1: deny denied at c spec.egress[0].to[0]",
	)
	w.reaches(t, "->a/db", "::/0: all")
	in(t, clusterPolicy("c", "Admin", 1, egress("{action: Accept, to: [{networks: [0.0.0.0/0]}]}")), networkPolicy("a/np", closed)).reaches(t, "->a/app",
		"a/far: all", "a/near: all", "b/app: all", "b/web: all", "0.0.0.0/0: all")
	in(t, clusterPolicy("c", "Admin", 1, egress("{action: Deny, to: [{networks: [10.244.2.0/24, 192.168.0.2/32]}]}"))).reaches(t, "->a/app",
		"a/db: all", "a/near: all", "all but 10.244.2.0/24, 192.168.0.2/32: all")
}

// The same of pods whose addresses nobody wrote down: they have an IPv4 address, as is
// assumed, and so every IPv4 network means them.
func TestSentenceNetworksCoverUnknownPods(t *testing.T) {
	waiting := runningPod("b/waiting", "labels: {}", "{name: c, image: i}", "phase: Pending")
	in(t, clusterPolicy("c", "Admin", 1, egress("{action: Deny, to: [{networks: [0.0.0.0/0]}]}")), waiting).says(t,
		"egress a/db -> b/waiting TCP 1: deny denied at c spec.egress[0].to[0] under pod-ipv4")
	in(t, clusterPolicy("c", "Admin", 1, egress("{action: Deny, to: [{networks: [0.0.0.0/0, '::/0']}]}")), waiting).says(t,
		"egress a/db -> b/waiting TCP 1: deny denied at c spec.egress[0].to[0]")
	in(t, clusterPolicy("c", "Admin", 1, egress("{action: Deny, to: [{networks: [10.0.0.0/8]}]}")), waiting).says(t,
		"egress a/db -> b/waiting TCP 1: allow not-isolated under ipblock-outside")
}

// "If you don't want that, add a rule that Passes all pod traffic before the Networks rule."
func TestSentenceNetworksAfterPass(t *testing.T) {
	in(t, clusterPolicy("c", "Admin", 1, egress("{action: Pass, to: "+anyPod+"}, {action: Deny, to: [{networks: [0.0.0.0/0]}]}"))).reaches(t, "->a/db",
		"a/app: all", "b/app: all", "b/web: all", "::/0: all")
}

// "Nodes defines a way to select a set of nodes in the cluster (based on the node's
// labels). It selects the nodeIPs as the peer type by matching on the IPs present in the
// node.Status.Addresses field of the node." "if present but empty, it selects all Nodes."
// The pod's own node is no exception to the rules of these tiers.
func TestSentenceNodes(t *testing.T) {
	in(t, clusterPolicy("c", "Admin", 1, egress("{action: Deny, to: [{nodes: {matchLabels: {zone: two}}}]}"))).reaches(t, "->a/db",
		"a/app: all", "a/near: all", "b/app: all", "b/web: all", "all but 192.168.0.2/32: all")
	in(t, clusterPolicy("c", "Admin", 1, egress("{action: Deny, to: [{nodes: {}}]}"))).reaches(t, "->a/db",
		"a/app: all", "b/app: all", "b/web: all", "all but 192.168.0.1/32, 192.168.0.2/32: all")
	in(t, clusterPolicy("c", "Admin", 1, egress("{action: Accept, to: [{nodes: {matchExpressions: [{key: zone, operator: NotIn, values: [one]}]}}]}")), networkPolicy("a/np", closed)).says(t,
		"egress a/db -> a/far TCP 1: allow accepted at c spec.egress[0].to[0]",
		"egress a/db -> 192.168.0.2 TCP 1: allow accepted at c spec.egress[0].to[0]",
		"egress a/db -> 192.168.0.3 TCP 1: deny no-rule at a/np spec.policyTypes",
		"egress a/db -> b/app TCP 1: deny no-rule at a/np spec.policyTypes",
		"egress a/db -> a/near TCP 1: allow own-node",
	)
}

// "by matching on the IPs": of a host-network pod whose node nobody knows every nodes peer
// may mean it, and the empty one surely does.
func TestSentenceNodesUnknown(t *testing.T) {
	const agent = "{apiVersion: v1, kind: Pod, metadata: {name: agent, namespace: b}, spec: {hostNetwork: true, containers: [{name: c, image: i}]}}"
	in(t, agent, clusterPolicy("c", "Admin", 1, egress("{action: Deny, to: [{nodes: {matchLabels: {zone: two}}}]}"))).says(t,
		"egress a/db -> b/agent TCP 1: unknown unsure")
	in(t, agent, clusterPolicy("c", "Admin", 1, egress("{action: Deny, to: [{nodes: {}}]}"))).says(t,
		"egress a/db -> b/agent TCP 1: deny denied at c spec.egress[0].to[0]")
}

// "DomainNames provides a way to specify domain names as peers." "DomainNames Accept rules
// should be used with a lower precedence egress deny -- this allows the admin to maintain an
// explicit "allowlist" of reachable domains." Of names whose addresses nobody stated any
// address outside may be one, a node of the cluster too; no pod of the pod network is.
func TestSentenceDomainNames(t *testing.T) {
	list := clusterPolicy("c", "Admin", 1, egress("{action: Accept, to: [{domainNames: [Kubernetes.io., '*.example.com']}]}, {action: Deny, to: [{networks: [0.0.0.0/0]}]}"))
	const resolved = "domains:\n  kubernetes.io: [203.0.113.7]\n  '*.example.com': [198.51.100.0/24]\n  blog.kubernetes.io: [192.0.2.9]\n"
	w := knowing(t, everything+resolved, list)
	w.reaches(t, "->a/db", "198.51.100.0/24, 203.0.113.7/32, ::/0: all")
	w.says(t,
		"egress a/db -> 203.0.113.7 TCP 443: allow accepted at c spec.egress[0].to[0]",
		"egress a/db -> 192.0.2.9 TCP 443: deny denied at c spec.egress[1].to[0]",
	)
	in(t, list).says(t,
		"egress a/db -> 203.0.113.7 TCP 443: unknown unsure",
		"egress a/db -> b/app TCP 443: deny denied at c spec.egress[1].to[0]",
		"egress a/db -> a/far TCP 443: unknown unsure",
	)
}

// "*.kubernetes.io matches subdomains of kubernetes.io. "www.kubernetes.io",
// "blog.kubernetes.io", and "latest.blog.kubernetes.io" match, however "kubernetes.io", and
// "wikipedia.org" do not." "kubernetes.io matches only kubernetes.io."
func TestSentenceDomainWildcard(t *testing.T) {
	facts := everything + "domains:\n  kubernetes.io: [192.0.2.1]\n  latest.blog.kubernetes.io: [192.0.2.2]\n" +
		"  '*.kubernetes.io': [192.0.2.3]\n  my-kubernetes.io: [192.0.2.4]\n  blog.kubernetes.io: [192.0.2.5]\n"
	for name, want := range map[string]string{
		"'*.kubernetes.io'":  "192.0.2.2/31, 192.0.2.5/32, ::/0: all",
		"kubernetes.io":      "192.0.2.1/32, ::/0: all",
		"blog.kubernetes.io": "192.0.2.5/32, ::/0: all",
	} {
		knowing(t, facts, clusterPolicy("c", "Admin", 1, egress("{action: Accept, to: [{domainNames: ["+name+"]}]}, {action: Deny, to: [{networks: [0.0.0.0/0]}]}"))).reaches(t, "->a/db", want)
	}
}

// "DomainNames is only supported for Accept rules." What another rule does with them nobody
// can say, and the user is told.
func TestSentenceDomainNamesAcceptOnly(t *testing.T) {
	w := knowing(t, everything+"domains: {a.example.com: [203.0.113.7]}\n", clusterPolicy("c", "Admin", 1, egress("{action: Deny, to: [{domainNames: [a.example.com]}]}")))
	w.says(t,
		"egress a/db -> 203.0.113.7 TCP 1: unknown unsure",
		"egress a/db -> 203.0.113.8 TCP 1: allow not-isolated",
	)
	if len(w.warnings) != 1 || !strings.HasSuffix(w.warnings[0].Origin.Field, "domainNames") {
		t.Errorf("nobody is told of it: %+v", w.warnings)
	}
}

// "Protocols allows for more fine-grain matching of traffic on protocol-specific attributes
// such as the port. If unspecified, protocol-specific attributes will not be used to match
// traffic." "PortRange defines an inclusive range of ports from the assigned Start value to
// End value."
func TestSentenceProtocols(t *testing.T) {
	for protocols, want := range map[string]string{
		"": "all",
		", protocols: [{tcp: {destinationPort: {number: 5}}}]":                                                        "TCP 5",
		", protocols: [{udp: {destinationPort: {number: 5}}}, {sctp: {destinationPort: {number: 5}}}]":                "UDP 5, SCTP 5",
		", protocols: [{tcp: {destinationPort: {range: {start: 5, end: 7}}}}]":                                        "TCP 5-7",
		", protocols: [{udp: {destinationPort: {range: {start: 1, end: 65535}}}}]":                                    "UDP",
		", protocols: [{tcp: {destinationPort: {number: 5}}}, {tcp: {destinationPort: {range: {start: 6, end: 7}}}}]": "TCP 5-7",
	} {
		w := in(t, clusterPolicy("c", "Admin", 1, "ingress: [{action: Accept, from: "+blues+protocols+"}], egress: [{action: Accept, to: "+blues+protocols+"}]"), networkPolicy("a/np", closed))
		w.reaches(t, "a/db", "a/near: all", "b/app: "+want, "b/web: "+want, "192.168.0.1/32: all")
		w.reaches(t, "->a/db", "a/near: all", "b/app: "+want, "b/web: "+want, "192.168.0.1/32: all")
	}
}

// "DestinationNamedPort selects a destination port on a pod based on the ContainerPort
// name.", whatever its protocol: the entry names none.
func TestSentenceDestinationNamedPort(t *testing.T) {
	dns := runningPod("a/dns", "labels: {}", "{name: c, image: i, ports: [{name: dns, containerPort: 53, protocol: UDP}]}, {name: d, image: i, ports: [{name: dns, containerPort: 5353}]}, "+
		"{name: e, image: i, ports: [{name: dns, containerPort: 9, protocol: SCTP}]}", "podIP: 10.244.1.40")
	const rule = "ingress: [{action: Accept, from: " + blues + ", protocols: [{destinationNamedPort: dns}]}]"
	for _, p := range []string{clusterPolicy("c", "Admin", 1, rule), adminPolicy("c", 1, "ingress: [{action: Allow, from: "+blues+", ports: [{namedPort: dns}]}]")} {
		w := in(t, p, dns, networkPolicy("a/np", refuseAll))
		w.reaches(t, "a/dns", "a/near: all", "b/app: TCP 5353, UDP 53, SCTP 9", "b/web: TCP 5353, UDP 53, SCTP 9", "192.168.0.1/32: all")
		w.reaches(t, "a/db", "a/near: all", "192.168.0.1/32: all")
	}
	in(t, clusterPolicy("c", "Admin", 1, egress("{action: Accept, to: "+anyPod+", protocols: [{destinationNamedPort: pg}]}")), networkPolicy("a/np", closed)).reaches(t, "->a/app",
		"a/near: all", "b/app: TCP 6432", "192.168.0.1/32: all")
}

// "You can't use this in a rule that targets resources without named ports (e.g. Nodes or
// Networks)." Such a policy is not taken at all.
func TestSentenceNamedPortOfNetworks(t *testing.T) {
	for _, peer := range []string{"networks: [10.0.0.0/8]", "nodes: {}", "domainNames: [a.example.com]"} {
		s := read(t, clusterPolicy("c", "Admin", 1, egress("{action: Deny, to: [{"+peer+"}], protocols: [{destinationNamedPort: pg}]}")))
		if len(s.Problems) != 1 || len(s.ClusterPolicies) != 0 {
			t.Errorf("%s: %+v", peer, s.Problems)
		}
	}
}

// "If an implementation sees no fields are set then it can infer that the deployed CRD is of
// an incompatible version with an unknown field. In that case it should fail closed. For
// "Accept" rules, "fail closed" means: "treat the rule as matching no traffic". For "Deny"
// and "Pass" rules, "fail closed" means: "treat the rule as a 'Deny all' rule"."
func TestSentenceFailClosed(t *testing.T) {
	for _, rule := range []string{"%: [{martians: {}}]", "%: [{namespaces: {matchLabels: {team: none}}}, {martians: {}}]", "%: [{namespaces: {matchLabels: {team: none}}}], protocols: [{warp: {}}]"} {
		for action, answer := range map[string]string{"Accept": "allow not-isolated", "Deny": "deny denied at c spec.?[0]", "Pass": "deny denied at c spec.?[0]"} {
			rules := "ingress: [{action: " + action + ", " + strings.ReplaceAll(rule, "%", "from") + "}], egress: [{action: " + action + ", " + strings.ReplaceAll(rule, "%", "to") + "}]"
			in(t, clusterPolicy("c", "Admin", 1, rules)).says(t,
				"ingress b/app -> a/db TCP 1: "+strings.ReplaceAll(answer, "?", "ingress"),
				"ingress 203.0.113.7 -> a/db UDP 9: "+strings.ReplaceAll(answer, "?", "ingress"),
				"egress a/db -> a/far TCP 1: "+strings.ReplaceAll(answer, "?", "egress"),
			)
		}
	}
}

// "treat the rule as matching no traffic": even where another peer of it, which is
// understood, matches. The rules before and after it stand.
func TestSentenceFailClosedAccept(t *testing.T) {
	in(t, networkPolicy("a/np", refuseAll), clusterPolicy("c", "Admin", 1, ingress("{action: Accept, from: [{namespaces: {matchLabels: {team: red}}}]}, "+
		"{action: Accept, from: [{namespaces: {}}, {martians: {}}]}, {action: Accept, from: [{pods: {podSelector: {matchLabels: {app: web}}}}]}"))).says(t,
		"ingress a/app -> a/db TCP 1: allow accepted at c spec.ingress[0].from[0]",
		"ingress b/app -> a/db TCP 1: deny no-rule at a/np spec.policyTypes",
		"ingress b/web -> a/db TCP 1: allow accepted at c spec.ingress[2].from[0]",
	)
}

// "Exactly one of the fields must be set for a given peer and this is enforced by the
// validation rules on the CRD.": an empty peer is refused, with its policy.
func TestSentenceEmptyPeerIsRefused(t *testing.T) {
	for _, rules := range []string{ingress("{action: Deny, from: [{}]}"), egress("{action: Accept, to: [{}]}"), ingress("{action: Accept, from: []}")} {
		s := read(t, clusterPolicy("c", "Admin", 1, rules))
		if len(s.Problems) != 1 || len(s.ClusterPolicies) != 0 {
			t.Errorf("%s: %+v", rules, s.Problems)
		}
	}
}

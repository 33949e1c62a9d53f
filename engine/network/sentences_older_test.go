package network_test

import (
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/netpol"
)

// AdminNetworkPolicy: "Policies with lower priority values have higher precedence, and are
// checked before policies with higher priority values. All AdminNetworkPolicy rules have
// higher precedence than NetworkPolicy or BaselineAdminNetworkPolicy rules." "If two (or
// more) policies with the same priority could both match a connection, then the
// implementation can apply any".
func TestSentenceAdminPriority(t *testing.T) {
	deny := adminPolicy("deny", 5, ingress(denyBlues))
	for priority, want := range map[int]string{
		4: "allow accepted at allow spec.ingress[0].from[0]",
		5: "unknown conflict at allow spec.ingress[0].from[0]",
		6: "deny denied at deny spec.ingress[0].from[0]",
	} {
		in(t, deny, adminPolicy("allow", priority, ingress(allowBlues)), networkPolicy("a/np", admitBlues), baselinePolicy(ingress(allowBlues))).says(t,
			"ingress b/app -> a/db TCP 1: "+want)
	}
}

// "a rule that appears at the top of the ingress rules would take the highest precedence."
// "ANPs with no egress rules do not affect egress traffic." "Note that host-networked pods
// are not included in subject selection."
func TestSentenceAdminRules(t *testing.T) {
	for _, rules := range []string{denyBlues + ", " + allowBlues, "{action: Deny, from: [{namespaces: {matchLabels: {team: none}}}]}, " + denyBlues + ", " + passBlues} {
		in(t, adminPolicy("anp", 1, ingress(rules))).says(t,
			"b/app -> a/db TCP 1: deny",
			"egress a/db -> b/app TCP 1: allow not-isolated",
			"ingress b/app -> a/near TCP 1: allow not-isolated",
		)
	}
}

// "Name is an identifier for this rule … This field should be used by the implementation to
// help improve observability, readability and error-reporting".
func TestSentenceRuleName(t *testing.T) {
	w := in(t, clusterPolicy("c", "Admin", 1, ingress("{name: no blues, action: Deny, from: "+blues+"}")))
	step := w.engine.Decide(netpol.Ingress, w.attempt(t, []string{"b/app", "a/db", "TCP", "1", ""}))
	if step.Facts["rule"] != "no blues" || step.Facts["policy"] != "c" || step.Facts["kind"] != "ClusterNetworkPolicy" {
		t.Errorf("facts %v", step.Facts)
	}
}

// The egress peers of AdminNetworkPolicy are those of ClusterNetworkPolicy: "that will allow
// or deny all IPv4 pod-to-pod traffic as well", "It selects the nodeIPs", "DomainNames Allow
// rules should be used with a lower priority egress deny".
func TestSentenceAdminEgressPeers(t *testing.T) {
	allow := adminPolicy("allow", 1, egress("{action: Allow, to: [{domainNames: [a.example.com]}, {nodes: {matchLabels: {zone: two}}}]}"))
	deny := adminPolicy("deny", 2, egress("{action: Deny, to: [{networks: [0.0.0.0/0]}]}"))
	knowing(t, everything+"domains: {a.example.com: [203.0.113.7]}\n", allow, deny).reaches(t, "->a/db",
		"a/far: all", "192.168.0.2/32, 203.0.113.7/32, ::/0: all")
}

// And those of its baseline, but for domainNames, which it does not have: what it does not
// have is refused or fails closed, and is never left out.
func TestSentenceBaselineEgressPeers(t *testing.T) {
	in(t, baselinePolicy(egress("{action: Allow, to: [{nodes: {}}]}, {action: Deny, to: [{networks: [0.0.0.0/0]}]}"))).reaches(t, "->a/db",
		"a/far: all", "a/near: all", "192.168.0.1/32, 192.168.0.2/32, ::/0: all")
	in(t, baselinePolicy(egress("{action: Deny, to: [{domainNames: [a.example.com]}]}"))).reaches(t, "->a/db")
	in(t, baselinePolicy(egress("{action: Allow, to: [{domainNames: [a.example.com]}]}, {action: Deny, to: [{networks: [203.0.113.7/32]}]}"))).says(t,
		"egress a/db -> 203.0.113.7 TCP 1: deny denied at default spec.egress[1].to[0]")
}

// "In that case it should fail closed. For "Allow" rules, "fail closed" means: "treat the
// rule as matching no traffic". For "Deny" and "Pass" rules, "fail closed" means: "treat the
// rule as a 'Deny all' rule"." Of the older kinds, by peers and by ports.
func TestSentenceAdminFailClosed(t *testing.T) {
	for _, rest := range []string{"from: [{martians: {}}]", "from: " + blues + ", ports: [{warp: {}}]", "from: " + blues + ", ports: [{namedPort: ''}]"} {
		for action, want := range map[string]string{"Allow": "allow not-isolated", "Deny": "deny denied at # spec.ingress[0]", "Pass": "deny denied at # spec.ingress[0]"} {
			rule := ingress("{action: " + action + ", " + rest + "}")
			in(t, adminPolicy("anp", 1, rule)).says(t, "ingress a/app -> a/db TCP 1: "+strings.ReplaceAll(want, "#", "anp"))
			if action != "Pass" {
				in(t, baselinePolicy(rule)).says(t, "ingress 203.0.113.7 -> a/db TCP 1: "+strings.ReplaceAll(want, "#", "default"))
			}
		}
	}
}

// "Creating a NetworkPolicy resource without a controller that implements it will have no
// effect." (concept page)
func TestSentenceNoController(t *testing.T) {
	knowing(t, "estate: complete\ncni: {name: flannel}\n", networkPolicy("a/p", closed), clusterPolicy("c", "Admin", 1, refuseBlues)).says(t,
		"ingress b/app -> a/db TCP 1: allow not-enforced",
		"egress a/db -> b/app TCP 1: allow not-enforced",
		"ingress a/db -> b/app TCP 1: allow not-isolated",
	)
}

// The example of the concept page: it "isolates role=db pods … for both ingress and egress
// traffic", "allows connections to all pods … with the label role=db on TCP port 6379 from"
// pods by label, "any pod in a namespace with the label", and "all of 172.17.0.0/16 except
// 172.17.1.0/24", and connections from them "to CIDR 10.0.0.0/24 on TCP port 5978".
func TestSentenceExample(t *testing.T) {
	const peers = "{ipBlock: {cidr: 172.17.0.0/16, except: [172.17.1.0/24]}}, {namespaceSelector: {matchLabels: {team: blue}}}, {podSelector: {matchLabels: {app: app}}}"
	w := in(t, networkPolicy("a/p", "podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress, Egress], ingress: [{from: ["+peers+"], ports: [{protocol: TCP, port: 6379}]}], "+
		"egress: [{to: [{ipBlock: {cidr: 10.0.0.0/24}}], ports: [{protocol: TCP, port: 5978}]}]"))
	w.reaches(t, "a/db", "a/app: TCP 6379", "a/near: all", "b/app: TCP 6379", "b/web: TCP 6379",
		"172.17.0.0/24, 172.17.2.0/23, 172.17.4.0/22, 172.17.8.0/21, 172.17.16.0/20, 172.17.32.0/19, 172.17.64.0/18, 172.17.128.0/17: TCP 6379", "192.168.0.1/32: all")
	w.reaches(t, "->a/db", "a/near: all", "10.0.0.0/24: TCP 5978", "192.168.0.1/32: all")
}

// The example of a range: "to communicate with any IP within the range 10.0.0.0/24 over TCP,
// provided that the target port is between the range 32000 and 32768." (concept page)
func TestSentenceExampleRange(t *testing.T) {
	in(t, networkPolicy("a/p", "podSelector: {matchLabels: {app: db}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/24}}], ports: [{protocol: TCP, port: 32000, endPort: 32768}]}]")).
		reaches(t, "->a/db", "a/near: all", "10.0.0.0/24: TCP 32000-32768", "192.168.0.1/32: all")
}

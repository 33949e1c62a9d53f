package kube

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"sigs.k8s.io/yaml"
)

// specs complete a spec, by the kind's short name.
var specs = map[string]string{
	"cnp":  "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: default}\nspec: {tier: Admin, priority: 1, subject: {namespaces: {}}, %s}",
	"anp":  "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {name: default}\nspec: {priority: 1, subject: {namespaces: {}}, %s}",
	"banp": "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: BaselineAdminNetworkPolicy\nmetadata: {name: default}\nspec: {subject: {namespaces: {}}, %s}",
	"bare": "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: default}\nspec: {%s}",
}

func converted(t *testing.T, kind, spec string) *snapshot.Snapshot {
	t.Helper()
	data, err := yaml.YAMLToJSONStrict(fmt.Appendf(nil, specs[kind], spec))
	if err != nil {
		t.Fatal(err)
	}
	o, err := object.New(data, object.Source{}, "default")
	if err != nil {
		t.Fatal(err)
	}
	s := &snapshot.Snapshot{}
	Convert([]object.Object{o}, s)
	return s
}

func times(n int, item string) string {
	return strings.TrimSuffix(strings.Repeat(item+", ", n), ", ")
}

// Sentences of the API's documentation about what may be written. Each has a spec that
// keeps to it and one that does not, with the field that is refused.
func TestSentences(t *testing.T) {
	const ingress, egress = "ingress: [{action: Deny, from: [{namespaces: {}}]}]", "egress: [{action: Deny, to: [%s]}]"
	to := func(peer string) string { return fmt.Sprintf(egress, peer) }
	protocol := func(p string) string {
		return "ingress: [{action: Deny, from: [{namespaces: {}}], protocols: [" + p + "]}]"
	}
	for _, c := range []struct{ sentence, kind, good, bad, field string }{
		{"ClusterNetworkPolicy can use 2 of these tiers: Admin and Baseline.", "bare",
			"tier: Baseline, priority: 1, subject: {namespaces: {}}", "tier: NetworkPolicy, priority: 1, subject: {namespaces: {}}", "spec.tier"},
		{"Priority is a value from 0 to 1000 indicating the precedence of the policy within its tier.", "bare",
			"tier: Admin, priority: 1000, subject: {namespaces: {}}", "tier: Admin, priority: 1001, subject: {namespaces: {}}", "spec.priority"},
		{"ClusterNetworkPolicySubject: Exactly one field must be set.", "bare",
			"tier: Admin, priority: 1, subject: {namespaces: {}}", "tier: Admin, priority: 1, subject: {}", "spec.subject"},
		{"ClusterNetworkPolicySubject: Exactly one field must be set. (two)", "bare",
			"tier: Admin, priority: 1, subject: {pods: {podSelector: {}}}",
			"tier: Admin, priority: 1, subject: {namespaces: {}, pods: {podSelector: {}}}", "spec.subject"},
		{"A maximum of 25 rules is allowed in this block.", "cnp",
			"ingress: [" + times(25, "{action: Deny, from: [{namespaces: {}}]}") + "]",
			"ingress: [" + times(26, "{action: Deny, from: [{namespaces: {}}]}") + "]", "spec.ingress"},
		{"A total of 100 rules will be allowed in each ANP instance.", "anp",
			"egress: [" + times(100, "{action: Deny, to: [{namespaces: {}}]}") + "]",
			"egress: [" + times(101, "{action: Deny, to: [{namespaces: {}}]}") + "]", "spec.egress"},
		{"A total of 100 Ingress rules will be allowed in each BANP instance.", "banp",
			"ingress: [" + times(100, "{action: Deny, from: [{namespaces: {}}]}") + "]",
			"ingress: [" + times(101, "{action: Deny, from: [{namespaces: {}}]}") + "]", "spec.ingress"},
		{"Name is an identifier for this rule, that may be no more than 100 characters in length.", "cnp",
			"ingress: [{name: " + strings.Repeat("é", 100) + ", action: Deny, from: [{namespaces: {}}]}]",
			"ingress: [{name: " + strings.Repeat("a", 101) + ", action: Deny, from: [{namespaces: {}}]}]", "spec.ingress[0].name"},
		{"Currently the following actions are supported: Accept, Deny, Pass", "cnp",
			"ingress: [{action: Accept, from: [{namespaces: {}}]}]", "ingress: [{action: Allow, from: [{namespaces: {}}]}]", "spec.ingress[0].action"},
		{"Currently the following actions are supported: Allow, Deny, Pass", "anp",
			"ingress: [{action: Allow, from: [{namespaces: {}}]}]", "ingress: [{action: Accept, from: [{namespaces: {}}]}]", "spec.ingress[0].action"},
		{"Currently the following actions are supported: Allow, Deny", "banp",
			ingress, "ingress: [{action: Pass, from: [{namespaces: {}}]}]", "spec.ingress[0].action"},
		{"From: This field must be defined and contain at least one item.", "cnp", ingress, "ingress: [{action: Deny, from: []}]", "spec.ingress[0].from"},
		{"To: This field must be defined and contain at least one item.", "cnp", to("{namespaces: {}}"), "egress: [{action: Deny}]", "spec.egress[0].to"},
		{"Exactly one of the fields must be set for a given peer", "cnp", to("{nodes: {}}"), to("{nodes: {}, namespaces: {}}"), "spec.egress[0].to[0]"},
		{"Exactly one of the fields must be set for a given peer (none)", "cnp", to("{nodes: {}}"), to("{}"), "spec.egress[0].to[0]"},
		{"Networks can have up to 25 CIDRs specified.", "cnp", to("{networks: [10.0.0.0/8]}"), to("{networks: []}"), "spec.egress[0].to[0].networks"},
		{"Each item in Networks should be provided in the CIDR format", "cnp", to("{networks: ['fd00::/8']}"), to("{networks: [10.0.0.0]}"), "spec.egress[0].to[0].networks[0]"},
		{"networks: listType=set", "cnp", to("{networks: [10.0.0.0/8, 10.0.0.0/9]}"), to("{networks: [10.0.0.0/8, 10.0.0.0/8]}"), "spec.egress[0].to[0].networks[1]"},
		{"'*' may only be specified as a prefix.", "cnp", to("{domainNames: ['*.example.com']}"), to("{domainNames: ['a.*.com']}"), "spec.egress[0].to[0].domainNames[0]"},
		{"'*' ... does not support partial matches.", "cnp", to("{domainNames: [example.com]}"), to("{domainNames: ['a*.example.com']}"), "spec.egress[0].to[0].domainNames[0]"},
		{"NamespacedPod: podSelector is required.", "cnp", to("{pods: {podSelector: {}}}"), to("{pods: {namespaceSelector: {}}}"), "spec.egress[0].to[0].pods.podSelector"},
		{"ClusterNetworkPolicyProtocol: Exactly one field must be set.", "cnp",
			protocol("{tcp: {destinationPort: {number: 1}}}"), protocol("{tcp: {destinationPort: {number: 1}}, destinationNamedPort: a}"), "spec.ingress[0].protocols[0]"},
		{"You must specify either Port or Range.", "cnp",
			protocol("{udp: {destinationPort: {range: {start: 1, end: 2}}}}"), protocol("{udp: {destinationPort: {number: 1, range: {start: 1, end: 2}}}}"), "spec.ingress[0].protocols[0].udp.destinationPort"},
		{"the Start value must be less than End", "cnp",
			protocol("{sctp: {destinationPort: {range: {start: 1, end: 2}}}}"), protocol("{sctp: {destinationPort: {range: {start: 2, end: 2}}}}"), "spec.ingress[0].protocols[0].sctp.destinationPort.range"},
		{"You can't use this in a rule that targets resources without named ports (e.g. Nodes or Networks).", "cnp",
			"egress: [{action: Deny, to: [{namespaces: {}}], protocols: [{destinationNamedPort: a}]}]",
			"egress: [{action: Deny, to: [{networks: [10.0.0.0/8]}], protocols: [{destinationNamedPort: a}]}]", "spec.egress[0]"},
		{"AdminNetworkPolicyPort: Exactly one field must be set.", "anp",
			"ingress: [{action: Deny, from: [{namespaces: {}}], ports: [{namedPort: a}]}]",
			"ingress: [{action: Deny, from: [{namespaces: {}}], ports: [{namedPort: a, portNumber: {port: 1}}]}]", "spec.ingress[0].ports[0]"},
	} {
		if s := converted(t, c.kind, c.good); len(s.Problems) > 0 || len(s.ClusterPolicies) != 1 {
			t.Errorf("%s\n%s is refused: %v", c.sentence, c.good, s.Problems)
		}
		s := converted(t, c.kind, c.bad)
		if len(s.Problems) != 1 || s.Problems[0].Origin.Field != c.field || s.Problems[0].Namespace != "" || len(s.ClusterPolicies) > 0 {
			t.Errorf("%s\n%s is taken, or refused elsewhere than at %s: %v", c.sentence, c.bad, c.field, s.Problems)
		}
	}
}

// "For "Accept" rules, "fail closed" means: "treat the rule as matching no traffic". For
// "Deny" and "Pass" rules, "fail closed" means: "treat the rule as a 'Deny all' rule"."
func TestFailsClosed(t *testing.T) {
	for action, want := range map[string]netpol.Rule{
		"Accept": {Action: netpol.Accept, FailsClosed: true},
		"Deny":   {Action: netpol.Deny, AnyPeer: true, AnyPort: true, FailsClosed: true},
		"Pass":   {Action: netpol.Deny, AnyPeer: true, AnyPort: true, FailsClosed: true},
	} {
		for _, rule := range []string{
			"{action: %s, from: [{namespaces: {}}, {future: {}}]}",
			"{action: %s, from: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {number: 1}}}, {future: {}}]}",
			"{action: %s, from: [{namespaces: {}}], protocols: [{tcp: {future: 1}}]}",
			"{action: %s, from: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {future: 1}}}]}",
		} {
			other := "{action: Deny, from: [{namespaces: {}}]}"
			s := converted(t, "cnp", "ingress: ["+other+", "+fmt.Sprintf(rule, action)+"]")
			if len(s.ClusterPolicies) != 1 || len(s.Warnings) != 1 || s.Warnings[0].Code != "clusterpolicy-fails-closed" {
				t.Errorf("%s %s: %v %v", action, rule, s.Problems, s.Warnings)
				continue
			}
			rules := s.ClusterPolicies[0].Rules[netpol.Ingress]
			got := rules[1]
			if got.Action != want.Action || got.AnyPeer != want.AnyPeer || got.AnyPort != want.AnyPort || !got.FailsClosed || len(got.Peers)+len(got.Ports) > 0 {
				t.Errorf("%s %s: %+v", action, rule, got)
			}
			if rules[0].FailsClosed || len(rules[0].Peers) != 1 {
				t.Errorf("the rule beside fails closed, too: %+v", rules[0])
			}
		}
	}
}

// The eleventh rule is not a part of the first: its strange field closes it alone.
func TestFailsClosedByIndex(t *testing.T) {
	known := "{action: Accept, from: [{namespaces: {}}]}"
	s := converted(t, "cnp", "ingress: ["+times(10, known)+", {action: Accept, from: [{future: {}}]}]")
	for i, r := range s.ClusterPolicies[0].Rules[netpol.Ingress] {
		if r.FailsClosed != (i == 10) {
			t.Errorf("rule %d: %v", i, r.FailsClosed)
		}
	}
}

// What YAML cannot hold comes from a live cluster, or a file of JSON.
func TestJSON(t *testing.T) {
	const whole = `{"apiVersion":"policy.networking.k8s.io/v1alpha2","kind":"ClusterNetworkPolicy","metadata":{"name":"a"},"spec":{%s,"subject":{"namespaces":{}}}}`
	for spec, want := range map[string]string{
		`"tier":"Admin","priority":1`:                      "",
		`"tier":"Admin","priority":1.0`:                    "",
		`"tier":"Admin","priority":1e1`:                    "",
		`"tier":"Admin","priority":1.5`:                    "spec.priority",
		`"tier":"Admin","priority":1e30`:                   "spec.priority",
		`"tier":"Admin","tier":"Baseline","priority":1`:    "spec.tier",
		`"tier":"Admin","priority":1,"status":{"a":1}`:     "spec.status",
		`"tier":"Admin","priority":123456789012345678901`:  "spec.priority",
		`"tier":"Admin","priority":-123456789012345678901`: "spec.priority",
	} {
		problem, refused := ours(fmt.Appendf(nil, whole, spec))
		if problem.Origin.Field != want || refused != (want != "") {
			t.Errorf("%s: %v, want %q refused", spec, problem, want)
		}
	}
}

func TestNamespaceOfAPolicy(t *testing.T) {
	for namespace, refused := range map[string]bool{"a": false, "a-1": false, "A": true, "a.b": true, "a_b": true, strings.Repeat("a", 64): true} {
		problem, _ := ours(fmt.Appendf(nil, `{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"a","namespace":%q},"spec":{}}`, namespace))
		if (problem.Origin.Field == "metadata.namespace") != refused || refused != (problem.Err != "") {
			t.Errorf("%s: %v", namespace, problem)
		}
	}
}

// Whatever is written, a policy that is taken says something definite, and nothing that
// is read makes the adapter panic.
func FuzzClusterPolicy(f *testing.F) {
	for _, spec := range []string{
		`{"tier":"Admin","priority":1,"subject":{"namespaces":{}},"ingress":[{"action":"Pass","from":[{"pods":{"podSelector":{}}}],"protocols":[{"tcp":{"destinationPort":{"number":1}}}]}]}`,
		`{"priority":1,"subject":{"pods":{"namespaceSelector":{},"podSelector":{}}},"egress":[{"action":"Allow","to":[{"networks":["::/0"]}],"ports":[{"portRange":{"start":1,"end":2}}]}]}`,
		`{"subject":{"namespaces":{}},"egress":[{"action":"Deny","to":[{"future":1}],"ports":[{"namedPort":"a"}]}]}`,
	} {
		f.Add(spec)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		for _, kind := range []string{"v1alpha2 ClusterNetworkPolicy", "v1alpha1 AdminNetworkPolicy", "v1alpha1 BaselineAdminNetworkPolicy"} {
			version, kind, _ := strings.Cut(kind, " ")
			o, err := object.New(fmt.Appendf(nil, `{"apiVersion":"policy.networking.k8s.io/%s","kind":%q,"metadata":{"name":"default"},"spec":%s}`, version, kind, spec), object.Source{}, "default")
			if err != nil {
				continue
			}
			s := &snapshot.Snapshot{}
			Convert([]object.Object{o}, s)
			if len(s.Problems)+len(s.ClusterPolicies) != 1 {
				t.Errorf("%s: %d problems, %d policies", spec, len(s.Problems), len(s.ClusterPolicies))
			}
			for _, p := range s.ClusterPolicies {
				for _, d := range netpol.Directions {
					for _, r := range p.Rules[d] {
						isDefinite(t, r)
					}
				}
			}
		}
	})
}

func isDefinite(t *testing.T, r netpol.Rule) {
	t.Helper()
	if r.Action == netpol.NoAction || r.AnyPort == (len(r.Ports) > 0) && !r.FailsClosed || r.AnyPeer != (r.FailsClosed && r.Action == netpol.Deny) || len(r.Peers) == 0 != r.FailsClosed {
		t.Errorf("%+v", r)
	}
	for _, p := range r.Peers {
		kinds := 0
		for _, is := range []bool{p.Block != nil, p.Nodes != nil, len(p.Domains) > 0, p.Namespaces != nil} {
			if is {
				kinds++
			}
		}
		if kinds != 1 || p.Pods != nil && p.Namespaces == nil {
			t.Errorf("%+v", p)
		}
	}
	for _, p := range r.Ports {
		if (p.Name == "") != (p.From > 0) || p.From > p.To {
			t.Errorf("%+v", p)
		}
	}
}

package netpolrules

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

const dnsSetting = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example/web}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
`

// dnsPolicy admits DNS on the ports written.
func dnsPolicy(ports string) string {
	return `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: dns, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
    - to:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
          podSelector: {matchLabels: {k8s-app: kube-dns}}
      ports: ` + ports + "\n"
}

// NET1006 finds pods that are isolated for egress and may not resolve names.
var NET1006 = &audit.Rule{
	ID:       "NET1006",
	Title:    "isolated for egress, and no way to DNS",
	Severity: audit.High,
	Why: `A pod that a policy isolates for egress may connect only where a rule says so, and
asking the cluster's DNS is a connection too. Without UDP 53 no name is resolved,
not even that of a Service it may reach: the application reports an unknown host.`,
	Setting: dnsSetting,
	Bad:     dnsPolicy("[{protocol: TCP, port: 5432}]"),
	Good:    dnsPolicy("[{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]"),
	Needs:   []audit.Fact{audit.Policies},
	Run: func(p *audit.Pass) {
		for _, m := range mutes(p, func(udp, _ verdict.Step) (verdict.Step, bool) { return udp, udp.Verdict == verdict.Deny }) {
			p.Report(m.finding(p, audit.High, "may not ask the cluster's DNS (UDP %d): they cannot resolve any name, those of Services included"))
		}
	},
}

func (m *mute) finding(p *audit.Pass, severity audit.Severity, text string) audit.Finding {
	_, port, _ := resolvers(p)
	f := audit.Finding{
		Subject: ref(m.policy), Severity: severity, Origin: m.policy.Origin.At("spec.podSelector"), Certain: true,
		Because: []verdict.Step{m.step}, Assumptions: m.assumed,
		Message: fmt.Sprintf("the policy isolates %s for egress, and they ", words.List(workloadsOf(m.pods))) + fmt.Sprintf(text, port),
		Fix:     allowDNS(p, m.policy.Namespace),
	}
	return f
}

// described writes the resolvers as peers of a policy; usual where they are pods of
// the usual labels.
func described(to []network.Endpoint, usual string) string {
	var b strings.Builder
	for _, end := range to {
		switch {
		case end.Virtual != nil && end.Virtual.Namespace != "kube-system":
			b.WriteString(selectors(end.Virtual.Namespace, end.Virtual.Labels))
		case end.Pod == nil && end.Virtual == nil:
			for _, prefix := range end.Outside.Prefixes() {
				fmt.Fprintf(&b, "        - ipBlock:\n            cidr: %s\n", prefix)
			}
		default:
			b.WriteString(usual)
		}
	}
	return b.String()
}

func selectors(namespace string, l netpol.Labels) string {
	var b strings.Builder
	fmt.Fprintf(&b, "        - namespaceSelector:\n            matchLabels:\n              %s: %s\n          podSelector:\n            matchLabels:\n",
		snapshot.MetadataName, namespace)
	for _, key := range sorted(l.Set) {
		fmt.Fprintf(&b, "              %s: %s\n", key, l.Set[key])
	}
	return b.String()
}

func ports(number uint16) string {
	return fmt.Sprintf("        - {protocol: %s, port: %d}\n        - {protocol: %s, port: %d}", flow.UDP, number, flow.TCP, number)
}

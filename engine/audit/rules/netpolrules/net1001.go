package netpolrules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/netpol"
)

// NET1001 finds policies that select no pod. One that nearly selects some pod is
// probably misspelled, which is worse than one whose pods are yet to come. Pods that
// operators start on demand are not missed.
var NET1001 = &audit.Rule{
	ID:       "NET1001",
	Title:    "the policy selects no pod",
	Severity: audit.Medium,
	Why: `A NetworkPolicy protects, and admits to, only the pods that spec.podSelector
matches in its own namespace. One that matches none is accepted without a word and
does nothing: what it was to close stays open, what it was to admit stays closed.
Mostly a label is misspelled, written in other case, or was renamed on the pods.`,
	Setting: `apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop}
spec:
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}}
    spec: {containers: [{name: orders, image: registry.example/orders}]}
`,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: orders, namespace: shop}
spec:
  podSelector: {matchLabels: {app: order}}
  policyTypes: [Ingress]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: orders, namespace: shop}
spec:
  podSelector: {matchLabels: {app: orders}}
  policyTypes: [Ingress]
`,
	Needs: []audit.Fact{audit.Policies},
	Run: func(p *audit.Pass) {
		for _, policy := range p.World.Policies {
			pods := p.PodsIn(policy.Namespace)
			if len(policy.Pods) > 0 && !comesLater(policy.Pods) && len(matching(policy.Pods, pods)) == 0 {
				p.Report(selectsNobody(p, policy))
			}
		}
	},
}

func selectsNobody(p *audit.Pass, policy *netpol.Policy) audit.Finding {
	f := audit.Finding{Subject: ref(policy), Origin: policy.Origin.At("spec.podSelector")}
	f.Certain, f.Assumptions = p.Complete(policy.Namespace)
	f.Message = fmt.Sprintf("no pod of namespace %s has the labels %s, so the policy does nothing: it neither protects nor admits",
		policy.Namespace, policy.Pods)
	f.Fix = "give spec.podSelector labels that the pods have, or delete the policy"
	if n, ok := nearest(policy.Pods, p.PodsIn(policy.Namespace)); ok {
		f.Severity = audit.High
		f.Message += fmt.Sprintf("; there is a pod with %s", n)
		f.Fix = fmt.Sprintf("in spec.podSelector write %s in place of %s", n, n.requirement)
	}
	return f
}

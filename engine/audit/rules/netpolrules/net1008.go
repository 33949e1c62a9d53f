package netpolrules

import (
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// NET1008 finds rules of a direction that policyTypes leaves out. The adapter drops
// them, since the API does, and leaves a warning.
var NET1008 = &audit.Rule{
	ID:       "NET1008",
	Title:    "rules that policyTypes switches off",
	Severity: audit.High,
	Why: `spec.policyTypes, where it is written, says for which directions the policy
counts. Rules of a direction that it does not name are accepted and ignored: the
pods are neither isolated in that direction nor is anything admitted.`,
	Setting: `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example/web}]}
`,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress]
  egress:
    - to: [{ipBlock: {cidr: 192.0.2.0/24}}]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress, Egress]
  egress:
    - to: [{ipBlock: {cidr: 192.0.2.0/24}}]
`,
	Needs: []audit.Fact{audit.Policies},
	Run: func(p *audit.Pass) {
		for _, w := range p.World.Warnings {
			if w.Code != "netpol-rules-ignored" {
				continue
			}
			p.Report(audit.Finding{
				Subject: named(w.Origin.Object), Origin: w.Origin, Certain: true,
				Message: w.Text + ": nothing is closed and nothing admitted in that direction",
				Fix:     "name the direction in spec.policyTypes (the pods are then isolated in it), or delete the rules",
			})
		}
	},
}

// named reads "NetworkPolicy payments/db" as the Ref that wrote it.
func named(object string) snapshot.Ref {
	kind, rest, _ := strings.Cut(object, " ")
	ns, name, _ := strings.Cut(rest, "/")
	return snapshot.Ref{Kind: kind, Namespace: ns, Name: name}
}

package vitalrules

import "github.com/pgmoat/pgmoat/engine/audit"

var kind1013 = kind{flows: []string{"webhook"}, causes: "no object of the operator can be made or changed, since the API server refuses what it cannot ask about"}

// VIT1013 finds cut flows to the webhooks of operators.
var VIT1013 = &audit.Rule{
	ID:       "VIT1013",
	Title:    "the operator's webhook cannot be called",
	Severity: audit.High,
	Why: `The API server asks the operator's webhook before it takes a change, and refuses the
change where nobody answers (failurePolicy: Fail). It asks from a node's address or a
tunnel's, which no podSelector selects: a policy that isolates the operator for ingress
needs an entry for the port without from, or with the control plane's addresses.`,
	Setting: `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: ledger, namespace: payments}
spec: {instances: 2, imageName: "ghcr.io/cloudnative-pg/postgresql:17", storage: {size: 1Gi}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cnpg-controller-manager, namespace: cnpg-system}
spec:
  selector: {matchLabels: {app.kubernetes.io/name: cloudnative-pg}}
  template:
    metadata: {labels: {app.kubernetes.io/name: cloudnative-pg}}
    spec: {containers: [{name: manager, image: "ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0", ports: [{containerPort: 9443, name: webhook-server}]}]}
`,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: operator, namespace: cnpg-system}
spec:
  podSelector: {matchLabels: {app.kubernetes.io/name: cloudnative-pg}}
  policyTypes: [Ingress]
  ingress:
    - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
      ports: [{port: 8080}]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: operator, namespace: cnpg-system}
spec:
  podSelector: {matchLabels: {app.kubernetes.io/name: cloudnative-pg}}
  policyTypes: [Ingress]
  ingress:
    - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
      ports: [{port: 8080}]
    - ports: [{port: 9443}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run:   kind1013.run,
}

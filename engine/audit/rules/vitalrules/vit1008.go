package vitalrules

import "github.com/pgmoat/pgmoat/engine/audit"

var kind1008 = kind{flows: []string{"isolation-check"}, causes: "a primary that loses the API server for a moment stops, though others could tell it that all is well"}

// VIT1008 finds cut flows of isolation-check.
var VIT1008 = &audit.Rule{
	ID:       "VIT1008",
	Title:    "instances cannot check that they are not isolated",
	Severity: audit.High,
	Why: `A CloudNativePG primary that cannot reach the API server asks the other instances, over
port 8000, before it concludes that it is alone and stops.`,
	Setting: `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: ledger, namespace: payments}
spec: {instances: 2, imageName: "ghcr.io/cloudnative-pg/postgresql:17", storage: {size: 1Gi}}
`,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}}]
      ports: [{port: 5432}]
    - from:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: cnpg-system}}
          podSelector: {matchLabels: {app.kubernetes.io/name: cloudnative-pg}}
      ports: [{port: 8000}]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}}]
      ports: [{port: 8000}]
    - from:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: cnpg-system}}
          podSelector: {matchLabels: {app.kubernetes.io/name: cloudnative-pg}}
      ports: [{port: 8000}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run:   kind1008.run,
}

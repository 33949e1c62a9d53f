package vitalrules

import "github.com/pgmoat/pgmoat/engine/audit"

var kind1017 = kind{flows: []string{"kubectl-plugin", "pgadmin", "benchmark", "version-check"}}

// VIT1017 finds cut flows of tools that people use.
var VIT1017 = &audit.Rule{
	ID:       "VIT1017",
	Title:    "a tool of the operator does not get through",
	Severity: audit.Low,
	Why: `Nothing dies without kubectl cnpg status, a pgAdmin that the operator runs, a benchmark or
the check for new versions; but who uses them sees them fail, some after a long wait. The
kubectl plugin asks through the API server, so that its connections come from a node's
address or a tunnel's.`,
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
    - from: [{podSelector: {matchLabels: {cnpg.io/cluster: ledger}}}]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {matchLabels: {cnpg.io/cluster: ledger}}}]
    - ports: [{port: 8000}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run:   kind1017.run,
}

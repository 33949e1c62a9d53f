package vitalrules

import "github.com/pgmoat/pgmoat/engine/audit"

var kind1006 = kind{flows: []string{"join"}, causes: "no replica can be added or replaced"}

// VIT1006 finds cut flows of join.
var VIT1006 = &audit.Rule{
	ID:       "VIT1006",
	Title:    "the job that makes a replica is kept out",
	Severity: audit.High,
	Why: `A new replica begins as a job that copies the primary. Its pod carries cnpg.io/jobRole and
no cnpg.io/podRole, so that a policy for instances neither selects nor admits it. It
shows only when a replica is lost.`,
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
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}}]
      ports: [{port: 5432}]
    - from: [{podSelector: {matchExpressions: [{key: cnpg.io/jobRole, operator: Exists}]}}]
      ports: [{port: 5432}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run:   kind1006.run,
}

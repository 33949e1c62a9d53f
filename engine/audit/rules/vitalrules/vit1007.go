package vitalrules

import "github.com/pgmoat/pgmoat/engine/audit"

var kind1007 = kind{flows: []string{"pooler"}, causes: "every client of the pooler is refused"}

// VIT1007 finds cut flows of pooler.
var VIT1007 = &audit.Rule{
	ID:       "VIT1007",
	Title:    "the pooler cannot reach the server",
	Severity: audit.High,
	Why: `A Pooler's pods are clients of the instances like others. A policy that isolates the
instances has to admit them, and the server's pg_hba.conf their lookup of passwords.`,
	Setting: `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: ledger, namespace: payments}
spec: {instances: 2, imageName: "ghcr.io/cloudnative-pg/postgresql:17", storage: {size: 1Gi}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: ledger-pooler, namespace: payments}
spec: {cluster: {name: ledger}, instances: 1, type: rw, pgbouncer: {poolMode: session}}
`,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {matchLabels: {app: web}}}]
      ports: [{port: 5432}]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {matchLabels: {app: web}}}]
      ports: [{port: 5432}]
    - from: [{podSelector: {matchLabels: {cnpg.io/poolerName: ledger-pooler}}}]
      ports: [{port: 5432}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run:   kind1007.run,
}

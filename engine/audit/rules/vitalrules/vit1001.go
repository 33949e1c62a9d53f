package vitalrules

import "github.com/pgmoat/pgmoat/engine/audit"

var kind1001 = kind{flows: []string{"replication", "rewind"}, causes: "replicas fall behind and cannot take over"}

// VIT1001 finds cut flows of replication and rewind.
var VIT1001 = &audit.Rule{
	ID:       "VIT1001",
	Title:    "replication and pg_rewind are cut",
	Severity: audit.Critical,
	Why: `Replicas stream from the primary, and after a failover the former primary rewinds to
the new one, over PostgreSQL's own port. Any member may be either tomorrow. A policy
that isolates the members has to admit them to each other.`,
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
    - from: [{podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}}]
      ports: [{port: 5432}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run:   kind1001.run,
}

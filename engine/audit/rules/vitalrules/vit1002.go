package vitalrules

import "github.com/pgmoat/pgmoat/engine/audit"

var kind1002 = kind{flows: []string{"operator-status", "operator-sql", "operator"}, causes: "the operator takes the instances for dead and neither fails over nor finishes an update", except: map[string]string{
	"operator-sql": "no role, database or password is made or changed",
	"operator":     "it neither sees nor changes any cluster: no new replica, no backup, no change is carried out",
}}

// VIT1002 finds cut flows of operator-status.
var VIT1002 = &audit.Rule{
	ID:       "VIT1002",
	Title:    "the operator cannot do its work",
	Severity: audit.High,
	Why: `CloudNativePG's operator reads the status of each instance over port 8000. When a policy
keeps it out, the Cluster stays in "waiting for instances" and failover does not
happen; nothing in that symptom points at a NetworkPolicy.`,
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
    - from:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: cnpg-system}}
          podSelector: {matchLabels: {app.kubernetes.io/name: cloudnative-pg}}
      ports: [{port: 8000}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run:   kind1002.run,
}

package vitalrules

import "github.com/pgmoat/pgmoat/engine/audit"

var kind1004 = kind{flows: []string{"kube-apiserver"}, causes: "the primary demotes itself or stops, and no job finishes"}

// VIT1004 finds cut flows of kube-apiserver.
var VIT1004 = &audit.Rule{
	ID:       "VIT1004",
	Title:    "the pods cannot reach the kube-apiserver",
	Severity: audit.Critical,
	Why: `Members, jobs and poolers of every operator talk to the Kubernetes API; Patroni keeps the
leader's lease there, and a primary that cannot renew it demotes itself. No selector
exists for the API server: an ipBlock of its address after translation is needed,
with its own port (often 6443), not the Service's 443.`,
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
  policyTypes: [Egress]
  egress:
    - to:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
          podSelector: {matchLabels: {k8s-app: kube-dns}}
      ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: ledger, cnpg.io/podRole: instance}}
  policyTypes: [Egress]
  egress:
    - to:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
          podSelector: {matchLabels: {k8s-app: kube-dns}}
      ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
    - ports: [{port: 443}, {port: 6443}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run:   kind1004.run,
}

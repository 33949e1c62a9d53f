package vitalrules

import "github.com/pgmoat/pgmoat/engine/audit"

var kind1005 = kind{flows: []string{"dns"}, causes: "replicas do not find the primary, backups not the store, poolers not the server"}

// VIT1005 finds cut flows of dns.
var VIT1005 = &audit.Rule{
	ID:       "VIT1005",
	Title:    "the pods cannot resolve names",
	Severity: audit.High,
	Why: `Members and poolers find each other, the object store and everything else by name. A
pod that is isolated for egress needs UDP and TCP 53 to the cluster's DNS.`,
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
    - ports: [{port: 443}, {port: 6443}]
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
	Run:   kind1005.run,
}

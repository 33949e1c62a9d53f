package vitalrules

import "github.com/pgmoat/pgmoat/engine/audit"

var kind1014 = kind{flows: []string{"restore"}, causes: "no cluster can be made from a backup: what was saved cannot be used"}

// VIT1014 finds cut flows to what a restore reads.
var VIT1014 = &audit.Rule{
	ID:       "VIT1014",
	Title:    "a restore does not reach its source",
	Severity: audit.High,
	Why: `A restore runs in pods of its own, in a job with other labels than instances have, or in
the first member before it is one. Nobody misses the flow until the day it is needed: then
backups are fine, and the restore hangs for minutes and fails. The policies have to be
there for those pods before.`,
	Setting: `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: ledger, namespace: payments}
spec: {instances: 2, imageName: "ghcr.io/cloudnative-pg/postgresql:17", storage: {size: 1Gi}, bootstrap: {recovery: {source: old}}, externalClusters: [{name: old, barmanObjectStore: {destinationPath: "s3://b/", endpointURL: "https://192.0.2.40:9000"}}]}
`,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: ledger}}
  policyTypes: [Egress]
  egress:
    - to:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
          podSelector: {matchLabels: {k8s-app: kube-dns}}
      ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
    - ports: [{port: 443}, {port: 6443}]
    - to: [{podSelector: {matchLabels: {cnpg.io/cluster: ledger}}}]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  podSelector: {matchLabels: {cnpg.io/cluster: ledger}}
  policyTypes: [Egress]
  egress:
    - to:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
          podSelector: {matchLabels: {k8s-app: kube-dns}}
      ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
    - ports: [{port: 443}, {port: 6443}]
    - to: [{podSelector: {matchLabels: {cnpg.io/cluster: ledger}}}]
    - to: [{ipBlock: {cidr: 192.0.2.40/32}}]
      ports: [{port: 9000}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run:   kind1014.run,
}

package vitalrules

import "github.com/pgmoat/pgmoat/engine/audit"

var kind1009 = kind{flows: []string{"backup", "backup-plugin", "archive", "logical-backup", "cloud-metadata"}, causes: "WAL is not archived: no recovery, and the disk fills", except: map[string]string{
	"logical-backup": "there is no dump",
}}

// VIT1009 finds cut flows of backups and archives.
var VIT1009 = &audit.Rule{
	ID:       "VIT1009",
	Title:    "backups do not reach their store",
	Severity: audit.High,
	Why: `WAL is archived, and backups are taken, by the members themselves, in StackGres too: it
is their egress that has to reach the store. With pgBackRest the repository host takes
them, over a port of its own to every member.`,
	Setting: `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: ledger, namespace: payments}
spec: {instances: 2, imageName: "ghcr.io/cloudnative-pg/postgresql:17", storage: {size: 1Gi}, backup: {barmanObjectStore: {destinationPath: "s3://b/", endpointURL: "https://192.0.2.40:9000"}}}
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
    - to: [{ipBlock: {cidr: 192.0.2.40/32}}]
      ports: [{port: 9000}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run:   kind1009.run,
}

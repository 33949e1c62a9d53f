package vitalrules

import "github.com/pgmoat/pgmoat/engine/audit"

var kind1010 = kind{flows: []string{"external", "ldap", "pam"}, causes: "it can neither begin from there nor follow", except: map[string]string{
	"ldap": "nobody can log in whom an ldap line is for",
	"pam":  "nobody can log in with a token",
}}

// VIT1010 finds cut flows to other servers.
var VIT1010 = &audit.Rule{
	ID:       "VIT1010",
	Title:    "a server that this one depends on is out of reach",
	Severity: audit.High,
	Why: `A replica cluster streams from another one, an import reads from one, and ldap lines ask
the directory at each login. A policy that isolates the instances for egress has to
admit that.`,
	Setting: `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: ledger, namespace: payments}
spec: {instances: 2, imageName: "ghcr.io/cloudnative-pg/postgresql:17", storage: {size: 1Gi}, postgresql: {ldap: {server: 192.0.2.60, port: 636, bindAsAuth: {prefix: "uid="}}}}
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
    - to: [{ipBlock: {cidr: 192.0.2.60/32}}]
      ports: [{port: 636}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run:   kind1010.run,
}

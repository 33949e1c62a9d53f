package vitalrules

import "github.com/pgmoat/pgmoat/engine/audit"

var kind1011 = kind{flows: []string{"extensions"}, causes: "a member that needs an extension does not start"}

// VIT1011 finds cut flows of extensions.
var VIT1011 = &audit.Rule{
	ID:       "VIT1011",
	Title:    "the extensions repository is out of reach",
	Severity: audit.Medium,
	Why: `StackGres fetches extensions from a repository when a member starts that needs one.
A member isolated for egress has to reach it, or a mirror of it.`,
	Setting: `apiVersion: stackgres.io/v1
kind: SGCluster
metadata: {name: events, namespace: analytics}
spec:
  instances: 2
  postgres: {version: "17", extensions: [{name: postgis}]}
  pods: {disableEnvoy: true, persistentVolume: {size: 1Gi}}
`,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: events, namespace: analytics}
spec:
  podSelector: {matchLabels: {app: StackGresCluster, stackgres.io/cluster-name: events, stackgres.io/cluster: "true"}}
  policyTypes: [Egress]
  egress:
    - to:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
          podSelector: {matchLabels: {k8s-app: kube-dns}}
      ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
    - ports: [{port: 6443}]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: events, namespace: analytics}
spec:
  podSelector: {matchLabels: {app: StackGresCluster, stackgres.io/cluster-name: events, stackgres.io/cluster: "true"}}
  policyTypes: [Egress]
  egress:
    - to:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
          podSelector: {matchLabels: {k8s-app: kube-dns}}
      ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
    - ports: [{port: 6443}, {port: 443}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run:   kind1011.run,
}

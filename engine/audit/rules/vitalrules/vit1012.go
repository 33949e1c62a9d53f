package vitalrules

import "github.com/pgmoat/pgmoat/engine/audit"

var kind1012 = kind{flows: []string{"metrics", "logs", "pmm"}, causes: "nobody sees it ail"}

// VIT1012 finds cut flows of metrics and logs.
var VIT1012 = &audit.Rule{
	ID:       "VIT1012",
	Title:    "metrics or logs do not get through",
	Severity: audit.Low,
	Why: `Nothing dies without metrics, but nobody sees it ail. The collector needs the exporter's
port of each member, and logs the way out.`,
	Setting: `apiVersion: stackgres.io/v1
kind: SGCluster
metadata: {name: events, namespace: analytics}
spec:
  instances: 2
  postgres: {version: "17"}
  pods: {disableEnvoy: true, persistentVolume: {size: 1Gi}}
`,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: events, namespace: analytics}
spec:
  podSelector: {matchLabels: {app: StackGresCluster, stackgres.io/cluster-name: events, stackgres.io/cluster: "true"}}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {matchLabels: {app: StackGresCluster, stackgres.io/cluster-name: events, stackgres.io/cluster: "true"}}}]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: events, namespace: analytics}
spec:
  podSelector: {matchLabels: {app: StackGresCluster, stackgres.io/cluster-name: events, stackgres.io/cluster: "true"}}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {matchLabels: {app: StackGresCluster, stackgres.io/cluster-name: events, stackgres.io/cluster: "true"}}}]
    - from:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: stackgres}}
          podSelector: {matchLabels: {app: StackGresConfig, stackgres.io/collector: "true"}}
`,
	Needs: []audit.Fact{audit.Servers},
	Run:   kind1012.run,
}

package vitalrules

import "github.com/pgmoat/pgmoat/engine/audit"

var kind1016 = kind{flows: []string{"shards"}, causes: "queries that touch a shard fail"}

// VIT1016 finds cut flows between the parts of a sharded cluster.
var VIT1016 = &audit.Rule{
	ID:       "VIT1016",
	Title:    "the parts of a sharded cluster do not reach each other",
	Severity: audit.High,
	Why: `The coordinator sends parts of each query to the shards, past the pooler and as the
superuser; with Citus shards talk to each other too. They are clusters of their own, with
names of their own, so that a policy for the members of one cluster does not admit them.`,
	Setting: `apiVersion: stackgres.io/v1alpha1
kind: SGShardedCluster
metadata: {name: sales, namespace: analytics}
spec:
  type: citus
  database: sales
  postgres: {version: "17"}
  coordinator: {instances: 1, pods: {persistentVolume: {size: 1Gi}}}
  shards: {clusters: 2, instancesPerCluster: 1, pods: {persistentVolume: {size: 1Gi}}}
`,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: sales, namespace: analytics}
spec:
  podSelector: {matchLabels: {app: StackGresCluster}}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {matchLabels: {app: web}}}]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: sales, namespace: analytics}
spec:
  podSelector: {matchLabels: {app: StackGresCluster}}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {matchLabels: {app: web}}}]
    - from: [{podSelector: {matchLabels: {app: StackGresCluster}}}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run:   kind1016.run,
}

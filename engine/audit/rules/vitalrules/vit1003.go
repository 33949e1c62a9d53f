package vitalrules

import "github.com/pgmoat/pgmoat/engine/audit"

var kind1003 = kind{flows: []string{"patroni", "etcd"}, causes: "a failover cannot find the best member, and restarts and reinitialisations fail", except: map[string]string{
	"etcd": "the primary steps down, since it cannot keep its lock",
}}

// VIT1003 finds cut flows of patroni.
var VIT1003 = &audit.Rule{
	ID:       "VIT1003",
	Title:    "the members' Patroni cannot see each other",
	Severity: audit.High,
	Why: `Before a failover Patroni asks the other members how far they are, over its REST API. Its
port differs by mode: with StackGres 8009, or 8008 where Envoy stands before it.`,
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
      ports: [{port: 5432}, {port: 8008}]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: events, namespace: analytics}
spec:
  podSelector: {matchLabels: {app: StackGresCluster, stackgres.io/cluster-name: events, stackgres.io/cluster: "true"}}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {matchLabels: {app: StackGresCluster, stackgres.io/cluster-name: events, stackgres.io/cluster: "true"}}}]
      ports: [{port: 5432}, {port: 8009}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run:   kind1003.run,
}

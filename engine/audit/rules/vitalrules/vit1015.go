package vitalrules

import "github.com/pgmoat/pgmoat/engine/audit"

var kind1015 = kind{flows: []string{"upgrade", "upgrade-rsync"}, causes: "the upgrade stops, or replicas stay behind on the old version"}

// VIT1015 finds cut flows of upgrades in place.
var VIT1015 = &audit.Rule{
	ID:       "VIT1015",
	Title:    "an upgrade is cut",
	Severity: audit.High,
	Why: `An upgrade of the major version in place has flows of its own: the primary asks its
replicas, and they copy its files, over the port of PostgreSQL. A policy that was written
for replication alone, from the replicas to the primary, lets only half of that pass.`,
	Setting: `apiVersion: acid.zalan.do/v1
kind: postgresql
metadata: {name: orders, namespace: shop}
spec: {teamId: shop, numberOfInstances: 2, volume: {size: 1Gi}, postgresql: {version: "17"}}
`,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: orders, namespace: shop}
spec:
  podSelector: {matchLabels: {application: spilo, cluster-name: orders}}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {matchLabels: {application: spilo, cluster-name: orders, spilo-role: replica}}}]
      ports: [{port: 5432}, {port: 8008}]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: orders, namespace: shop}
spec:
  podSelector: {matchLabels: {application: spilo, cluster-name: orders}}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {matchLabels: {application: spilo, cluster-name: orders}}}]
      ports: [{port: 5432}, {port: 8008}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run:   kind1015.run,
}

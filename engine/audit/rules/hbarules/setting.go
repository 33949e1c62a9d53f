package hbarules

import (
	"fmt"
	"strings"
)

// cluster is a CloudNativePG Cluster with these lines of the user's.
func cluster(lines ...string) string {
	return clusterWith("", lines...)
}

// clusterWith has more fields of spec before the lines.
func clusterWith(spec string, lines ...string) string {
	var b strings.Builder
	b.WriteString(`apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: ledger, namespace: payments}
spec:
  instances: 1
  imageName: ghcr.io/cloudnative-pg/postgresql:17
  storage: {size: 1Gi}
` + spec + `  postgresql:
    pg_hba:
`)
	for _, l := range lines {
		fmt.Fprintf(&b, "      - %s\n", l)
	}
	return b.String()
}

// withPooler is a Pooler of the Cluster with these lines of the user's.
func withPooler(lines ...string) string {
	var b strings.Builder
	b.WriteString(`apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pool, namespace: payments}
spec:
  cluster: {name: ledger}
  instances: 1
  type: rw
  pgbouncer:
    poolMode: session
    pg_hba:
`)
	for _, l := range lines {
		fmt.Fprintf(&b, "      - %s\n", l)
	}
	return b.String()
}

// hippo is a Crunchy PostgresCluster with two roles and more fields of spec.
func hippo(spec string) string {
	return `apiVersion: postgres-operator.crunchydata.com/v1beta1
kind: PostgresCluster
metadata: {name: hippo, namespace: zoo}
spec:
  postgresVersion: 17
  users: [{name: app, databases: [zoo]}, {name: reporting, databases: [zoo]}]
  instances: [{name: a, dataVolumeClaimSpec: {accessModes: [ReadWriteOnce]}}]
` + spec
}

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

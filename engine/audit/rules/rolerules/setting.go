package rolerules

// cluster is a Cluster of CloudNativePG with these lines in its spec.
func cluster(lines string) string {
	return `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: ledger, namespace: payments}
spec:
  instances: 1
  imageName: ghcr.io/cloudnative-pg/postgresql:17
  storage: {size: 1Gi}
` + lines
}

// stackgres is an SGCluster with these lines in its spec.
func stackgres(lines string) string {
	return `apiVersion: stackgres.io/v1
kind: SGCluster
metadata: {name: events, namespace: analytics}
spec:
  instances: 1
  postgres: {version: "17"}
  pods: {disableEnvoy: true, persistentVolume: {size: 1Gi}}
` + lines
}

// zalandoCluster is a postgresql with these lines in its spec.
func zalandoCluster(lines string) string {
	return `apiVersion: acid.zalan.do/v1
kind: postgresql
metadata: {name: acid-orders, namespace: shop}
spec:
  teamId: acid
  numberOfInstances: 1
  postgresql: {version: "17"}
  volume: {size: 1Gi}
` + lines
}

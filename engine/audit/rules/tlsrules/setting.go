package tlsrules

// cluster is a CloudNativePG Cluster with more fields of spec.
func cluster(spec string) string { return named("ledger", spec) }

func named(name, spec string) string {
	return `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: ` + name + `, namespace: payments}
spec:
  instances: 2
  imageName: ghcr.io/cloudnative-pg/postgresql:17
  storage: {size: 1Gi}
` + spec
}

// stack is an SGCluster with more fields of spec.
func stack(spec string) string {
	return `apiVersion: stackgres.io/v1
kind: SGCluster
metadata: {name: events, namespace: analytics}
spec:
  instances: 2
` + spec
}

// pooler is a Pooler of the cluster with more fields of spec.pgbouncer.
func pooler(bouncer string) string {
	return `apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: ledger-pooler, namespace: payments}
spec:
  cluster: {name: ledger}
  instances: 1
  type: rw
  pgbouncer:
    poolMode: session
` + bouncer
}

// postgresql is one of Zalando's, with these lines of pg_hba.conf and this spec.tls.
func postgresql(lines, tls string) string {
	return `apiVersion: acid.zalan.do/v1
kind: postgresql
metadata: {name: acid-shop, namespace: shop}
spec:
  teamId: acid
  numberOfInstances: 1
  postgresql: {version: "17"}
  volume: {size: 1Gi}
  tls: ` + tls + `
  patroni:
    pg_hba:
` + lines
}

// expiring is a Cluster whose operator wrote down when the certificates end, as seen on
// 2026-11-21.
func expiring(end string) string {
	return cluster("") + `status:
  certificates:
    expirations:
      ledger-server: ` + end + `
      ledger-replication: 2027-01-20 10:00:00 +0000 UTC
      ledger-ca: 2027-01-20 10:00:00 +0000 UTC
`
}

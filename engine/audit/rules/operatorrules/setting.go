package operatorrules

// cluster is a CloudNativePG Cluster with more fields of metadata and of spec.
func cluster(metadata, spec string) string {
	return `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: ledger
  namespace: payments
` + metadata + `spec:
  instances: 2
  imageName: ghcr.io/cloudnative-pg/postgresql:17
  storage: {size: 1Gi}
` + spec
}

// release is CloudNativePG's Deployment, whose image tells the release.
func release(tag string) string {
	return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: cnpg-controller-manager
  namespace: cnpg-system
  labels: {app.kubernetes.io/name: cloudnative-pg}
spec:
  selector: {matchLabels: {app.kubernetes.io/name: cloudnative-pg}}
  template:
    metadata: {labels: {app.kubernetes.io/name: cloudnative-pg}}
    spec: {containers: [{name: manager, image: "ghcr.io/cloudnative-pg/cloudnative-pg:` + tag + `"}]}
---
`
}

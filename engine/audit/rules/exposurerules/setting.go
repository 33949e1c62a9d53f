package exposurerules

// database is a server that needs no operator.
const database = `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: legacy}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
        - name: postgres
          image: postgres:17
          ports: [{containerPort: 5432}]
          env: [{name: POSTGRES_PASSWORD, value: x}]
`

// policy is one that selects the database, with an ingress.
func policy(ingress string) string {
	return `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: legacy}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
` + ingress
}

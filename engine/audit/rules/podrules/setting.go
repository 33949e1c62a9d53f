package podrules

// database is a server that needs no operator, with these lines in its pod and container.
func database(pod, container string) string {
	return `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: legacy}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
` + pod + `      containers:
        - name: postgres
          image: postgres:17
          ports: [{containerPort: 5432}]
          env: [{name: POSTGRES_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}]
` + container
}

// namespace is a Namespace with labels.
func namespace(name, labels string) string {
	return "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + name + ", labels: {" + labels + "}}\n"
}

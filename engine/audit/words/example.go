package words

// StatefulSet is the database of rules' examples: app=db in namespace legacy, made by no
// operator, with these lines in its pod and in its container.
func StatefulSet(pod, container string) string {
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
` + container
}

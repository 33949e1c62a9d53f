package podrules

import "github.com/pgmoat/pgmoat/engine/audit/words"

// database is a server that needs no operator, with these lines in its pod and container.
func database(pod, container string) string {
	return words.StatefulSet(pod, "          ports: [{containerPort: 5432}]\n"+
		"          env: [{name: POSTGRES_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}]\n"+container)
}

// namespace is a Namespace with labels.
func namespace(name, labels string) string {
	return "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + name + ", labels: {" + labels + "}}\n"
}

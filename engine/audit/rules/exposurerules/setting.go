package exposurerules

import "github.com/pgmoat/pgmoat/engine/audit/words"

// database is a server that needs no operator.
var database = hostPorted("{containerPort: 5432}")

// hostPorted is one with a port.
func hostPorted(port string) string {
	return words.StatefulSet("", "          ports: ["+port+"]\n          env: [{name: POSTGRES_PASSWORD, value: x}]\n")
}

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

package exposurerules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
)

// EXP1006 finds node ports in front of a database.
var EXP1006 = &audit.Rule{
	ID:       "EXP1006",
	Title:    "a node port in front of the database",
	Severity: audit.Medium,
	Why: `A Service of type NodePort opens the database on every address of every node.
Whoever reaches any node reaches it, and mostly with a node's address as its own,
which ipBlocks and pg_hba.conf then take for a neighbour.`,
	Setting: database,
	Bad: `apiVersion: v1
kind: Service
metadata: {name: db, namespace: legacy}
spec:
  type: NodePort
  selector: {app: db}
  ports: [{port: 5432}]
`,
	Good: `apiVersion: v1
kind: Service
metadata: {name: db, namespace: legacy}
spec:
  selector: {app: db}
  ports: [{port: 5432}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, l := range leading(p.World, doors(p.World), ofType("NodePort")) {
			p.Report(audit.Finding{Subject: l.service.Ref(), Certain: !unsettled(l.door.server, l.service), Origin: edit(l.service, "type"),
				Message: fmt.Sprintf("the Service opens %s on every address of every node", l.door.ref),
				Fix:     "make it a Service for the cluster alone, or a LoadBalancer with loadBalancerSourceRanges; " + shut(l.service)})
		}
	},
}

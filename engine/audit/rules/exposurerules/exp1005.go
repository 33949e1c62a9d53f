package exposurerules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/flow"
)

// EXP1005 finds load balancers in front of a database. One that takes only named
// ranges is worth knowing of, no more.
var EXP1005 = &audit.Rule{
	ID:       "EXP1005",
	Title:    "a load balancer in front of the database",
	Severity: audit.High,
	Why: `A Service of type LoadBalancer gives the database an address outside the cluster,
with most providers a public one. Without spec.loadBalancerSourceRanges it takes
connections from everywhere.`,
	Setting: database,
	Bad: `apiVersion: v1
kind: Service
metadata: {name: db, namespace: legacy}
spec:
  type: LoadBalancer
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
		for _, l := range leading(p.World, "LoadBalancer") {
			ranges := flow.AddressesOf(l.service.SourceRanges...)
			f := audit.Finding{Subject: l.service.Ref(), Certain: true, Origin: l.service.At("spec.type")}
			if len(l.service.SourceRanges) > 0 && !wide(ranges) {
				f.Severity = audit.Low
				f.Message = fmt.Sprintf("the Service gives %s an address outside the cluster, for the clients of its loadBalancerSourceRanges", l.door.ref)
				f.Fix = "leave it where those clients need it; keep externalTrafficPolicy: Local, so that policies and pg_hba.conf see their addresses"
			} else {
				f.Message = fmt.Sprintf("the Service gives %s an address outside the cluster and takes connections from everywhere", l.door.ref)
				f.Fix = "write where the clients come from, or make it a ClusterIP Service:\nspec:\n  type: LoadBalancer\n  externalTrafficPolicy: Local\n  loadBalancerSourceRanges:\n    - 192.0.2.0/24"
			}
			p.Report(f)
		}
	},
}

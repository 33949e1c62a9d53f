package exposurerules

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// EXP1009 finds Services that take connections for addresses outside the cluster.
var EXP1009 = &audit.Rule{
	ID:       "EXP1009",
	Title:    "external IPs in front of the database",
	Severity: audit.Medium,
	Why: `With spec.externalIPs every node takes connections for those addresses, whatever the
type of the Service, and neither loadBalancerSourceRanges nor the firewall rules that a
cloud makes of a load balancer limit them. Nobody checks whose the addresses are either
(CVE-2020-8554).`,
	Setting: database,
	Bad: `apiVersion: v1
kind: Service
metadata: {name: db, namespace: legacy}
spec:
  selector: {app: db}
  externalIPs: [198.51.100.7]
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
		for _, l := range leading(p.World, doors(p.World), func(svc *snapshot.Service) bool { return len(svc.ExternalIPs) > 0 }) {
			var at []string
			for _, ip := range l.service.ExternalIPs {
				at = append(at, ip.String())
			}
			p.Report(audit.Finding{Subject: l.service.Ref(), Origin: edit(l.service, "externalIPs"), Certain: true,
				Message: fmt.Sprintf("every node takes connections to %s for %s, from everywhere", strings.Join(at, ", "), l.door.ref),
				Fix:     "take externalIPs away; where clients outside need the database, a LoadBalancer Service with loadBalancerSourceRanges limits them"})
		}
	},
}

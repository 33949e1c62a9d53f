package exposurerules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// EXP1011 finds routes that pass connections on to PostgreSQL.
var EXP1011 = &audit.Rule{
	ID:       "EXP1011",
	Title:    "a gateway passes connections on to the database",
	Severity: audit.High,
	Why: `A TCPRoute, a TLSRoute, an entry in the list of TCP services of an ingress controller, an
IngressRouteTCP or a Route with passthrough opens the database wherever the gateway is
open, and that is mostly the Internet. No Service of the database shows it, and the
database sees the proxy's address alone.`,
	Setting: database + `---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: legacy}
spec:
  selector: {app: db}
  ports: [{port: 5432}]
`,
	Bad: `apiVersion: v1
kind: ConfigMap
metadata: {name: tcp-services, namespace: ingress-nginx}
data: {"5432": "legacy/db:5432"}
`,
	Good: `apiVersion: v1
kind: ConfigMap
metadata: {name: tcp-services, namespace: ingress-nginx}
data: {"8883": "iot/broker:8883"}
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		ways := outsideWays(p.World)
		for _, d := range doors(p.World) {
			for _, w := range ways.to(d) {
				if w.route != nil && w.route.TCP {
					p.Report(passedOn(w))
				}
			}
		}
	},
}

func passedOn(w outsideWay) audit.Finding {
	f := w.finding()
	f.Subject = w.route.Ref
	f.Message = fmt.Sprintf("%s leads from outside the cluster to %s, for everybody", w.name, w.door.ref)
	f.Fix = "take the backend away; where clients outside need the database, name them at the gateway (a list of source ranges) or use a LoadBalancer Service with loadBalancerSourceRanges"
	if w.limited() {
		f.Severity = audit.Low
		f.Message = fmt.Sprintf("%s leads from outside the cluster to %s, for the ranges that it names", w.name, w.door.ref)
		f.Fix = "leave it where those clients need it"
	}
	if w.route.TLS == verdict.Allow {
		f.Message += "; only clients that begin with TLS get through (sslnegotiation=direct, from PostgreSQL 17)"
	}
	return f
}

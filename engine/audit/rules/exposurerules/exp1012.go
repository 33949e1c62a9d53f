package exposurerules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
)

// EXP1012 finds web consoles of databases that everybody outside can open.
var EXP1012 = &audit.Rule{
	ID:       "EXP1012",
	Title:    "a database's web console is open to the outside",
	Severity: audit.High,
	Why: `A web console is a second door into the database, and behind it the database sees only
the console's pod. Some (pgweb, PgHero, DbGate, the Postgres Operator UI) ask nobody who
they are: whoever finds the address is in. Others have a login page, which everybody may
then try passwords at. Let a proxy before it ask for an account, or name the addresses it
is for.`,
	Setting: pgweb,
	Bad:     consoleIngress("", "  tls: [{hosts: [db.example.com], secretName: db-tls}]\n"),
	Good: consoleIngress("  annotations: {nginx.ingress.kubernetes.io/auth-url: \"https://sso.example.com/oauth2/auth\"}\n",
		"  tls: [{hosts: [db.example.com], secretName: db-tls}]\n"),
	Needs: []audit.Fact{audit.Doors},
	Run: func(p *audit.Pass) {
		ways := outsideWays(p.World)
		for _, c := range consoles(p.World) {
			if c.guarded {
				continue
			}
			for _, w := range c.waysTo(ways) {
				if w.route != nil && w.route.Auth != "" || w.limited() || isInside(w) {
					continue
				}
				p.Report(c.open(w))
			}
		}
	},
}

// isInside reports whether a load balancer is for the private network alone.
func isInside(w outsideWay) bool {
	return w.route == nil && w.service.Type == "LoadBalancer" && len(w.service.ExternalIPs) == 0 && isPrivate(w.service)
}

func (c console) open(w outsideWay) audit.Finding {
	f := w.finding()
	f.Subject = c.door.ref
	switch c.program.asks {
	case nothing:
		f.Message = fmt.Sprintf("%s leads everybody outside to %s, which is %s and asks nobody for a login: it %s", w.name, c.door.ref, c.program.name, c.power())
	case password, account:
		f.Severity = audit.Medium
		f.Message = fmt.Sprintf("%s leads everybody outside to the login page of %s, which is %s: who gets past it %s", w.name, c.door.ref, c.program.name, c.power())
	}
	f.Fix = w.shut + "; reach it by kubectl port-forward, or lead there by a route whose proxy asks for an account (nginx.ingress.kubernetes.io/auth-url) or takes named ranges alone"
	return f
}

// pgweb is a console with its Service, which has access to no server that is here.
const pgweb = `apiVersion: apps/v1
kind: Deployment
metadata: {name: pgweb, namespace: legacy}
spec:
  selector: {matchLabels: {app: pgweb}}
  template:
    metadata: {labels: {app: pgweb}}
    spec: {containers: [{name: pgweb, image: "sosedoff/pgweb:0.16.2", ports: [{containerPort: 8081}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: pgweb, namespace: legacy}
spec:
  selector: {app: pgweb}
  ports: [{port: 80, targetPort: 8081}]
`

// consoleIngress leads to the console.
func consoleIngress(annotations, tls string) string {
	return `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: db
  namespace: legacy
` + annotations + `spec:
  ingressClassName: nginx
` + tls + `  rules:
    - host: db.example.com
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: pgweb, port: {number: 80}}}}]}
`
}

package exposurerules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// EXP1013 finds web consoles whose logins and rows cross the network in plain text.
var EXP1013 = &audit.Rule{
	ID:       "EXP1013",
	Title:    "a database's web console is reached without TLS",
	Severity: audit.Medium,
	Why: `What a person types into a console, a role's password among it, and every row it shows
cross the network from the browser to the proxy. Without TLS whoever is on the way reads
it, and takes the session over.`,
	Setting: pgweb,
	Bad:     consoleIngress("  annotations: {nginx.ingress.kubernetes.io/auth-type: basic, nginx.ingress.kubernetes.io/auth-secret: people}\n", ""),
	Good: consoleIngress("  annotations: {nginx.ingress.kubernetes.io/auth-type: basic, nginx.ingress.kubernetes.io/auth-secret: people}\n",
		"  tls: [{hosts: [db.example.com], secretName: db-tls}]\n"),
	Needs: []audit.Fact{audit.Doors},
	Run: func(p *audit.Pass) {
		ways := outsideWays(p.World)
		for _, c := range consoles(p.World) {
			for _, w := range c.waysTo(ways) {
				if !isPlain(w) {
					continue
				}
				f := w.finding()
				f.Subject = c.door.ref
				f.Message = fmt.Sprintf("%s leads to %s (%s) without TLS: passwords and rows cross in plain text", w.name, c.door.ref, c.program.name)
				f.Fix = "give the route a certificate, for an Ingress:\nspec:\n  tls:\n    - hosts: [HOST]\n      secretName: CERTIFICATE"
				if w.route == nil {
					f.Fix = "lead there by a route with a certificate, or by a port at which the console itself speaks TLS; " + w.shut
				}
				p.Report(f)
			}
		}
	},
}

// isPlain reports whether a way is surely without TLS: a route that says so, or the port
// of HTTP.
func isPlain(w outsideWay) bool {
	if w.route != nil {
		return w.route.TLS == verdict.Deny
	}
	return w.port.Name == "http" || w.port.Port == 80
}

package exposurerules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// EXP1014 finds consoles that ask nobody who they are and stand open to every pod.
var EXP1014 = &audit.Rule{
	ID:       "EXP1014",
	Title:    "every pod reaches a console that reaches the database",
	Severity: audit.Medium,
	Why: `Policies that let a console in to the database protect it no better than the console is
protected: whoever reaches one without a login is in the database under the console's
role, and pg_hba.conf, policies and logs see nobody but the console.`,
	Setting: database + "---\n" + pgweb,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: legacy}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
    - from: [{podSelector: {matchLabels: {app: pgweb}}}]
      ports: [{port: 5432}]
`,
	Good: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: pgweb, namespace: legacy}
spec:
  podSelector: {matchLabels: {app: pgweb}}
  ingress:
    - from:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress-nginx}}
          podSelector: {matchLabels: {app.kubernetes.io/name: ingress-nginx}}
      ports: [{port: 8081}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, c := range consoles(p.World) {
			if c.program.asks != nothing || c.guarded || c.service != nil {
				continue
			}
			if step := knock(p, stranger, c.door.pods, c.door.ports); step.Verdict != verdict.Deny {
				c.stepping(p, step)
			}
		}
	},
}

// stepping reports a console that a stranger reaches, with the servers behind it.
func (c console) stepping(p *audit.Pass, step verdict.Step) {
	f := audit.Finding{Subject: c.door.ref, Origin: c.door.origin, Because: []verdict.Step{step}}
	behind, best := c.reaches(p)
	if len(behind) == 0 && c.program.gives == "" {
		return
	}
	f.Certain = step.Verdict == verdict.Allow && (best == verdict.Allow || c.program.gives != "")
	if !step.Origin.IsZero() {
		f.Origin = step.Origin
	}
	f.Message = fmt.Sprintf("every pod of every namespace reaches %s (%s), which asks nobody for a login and %s", c.door.ref, c.program.name, c.power())
	if len(behind) > 0 {
		f.Message += "; policies let it in to " + words.List(behind)
	}
	f.Fix = "admit to it only the proxy that asks for logins:\n" + closed(p, words.ArrivalsIn(p.World), c.door)
	p.Report(f)
}

// reaches lists the servers and poolers that policies let the console in to, and the best
// of the verdicts.
func (c console) reaches(p *audit.Pass) (names []string, best verdict.Verdict) {
	best = verdict.Deny
	for _, d := range doors(p.World) {
		if v := lets(p, c.door.pods[0], d); v != verdict.Deny {
			names, best = append(names, d.ref.String()), verdict.Any(best, v)
		}
	}
	return names, best
}

// lets says whether policies of both sides let a pod in to a door.
func lets(p *audit.Pass, from *snapshot.Pod, d door) verdict.Verdict {
	best := verdict.Deny
	for _, pod := range d.pods {
		for _, number := range d.ports {
			a := network.Attempt{From: network.PodEndpoint(from), To: network.PodEndpoint(pod), Protocol: flow.TCP, Port: number}
			if best = verdict.Any(best, p.Reach.Network.Pass(a)); best == verdict.Allow {
				return best
			}
		}
	}
	return best
}

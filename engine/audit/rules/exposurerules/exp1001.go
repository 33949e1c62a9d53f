package exposurerules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// EXP1001 finds databases and poolers that no policy isolates for ingress. Pods on the
// network of their node, which no policy isolates, are POD1003's.
var EXP1001 = &audit.Rule{
	ID:       "EXP1001",
	Title:    "no policy isolates the database",
	Severity: audit.High,
	Why: `Until some NetworkPolicy selects a pod for ingress, every pod of every namespace may
connect to it. Then pg_hba.conf and a password are all that stands between one
compromised pod anywhere in the cluster and the database.`,
	Setting: database,
	Bad: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: legacy}
spec:
  podSelector: {matchLabels: {app: database}}
  ingress:
    - from: [{podSelector: {matchLabels: {app: crm}}}]
`,
	Good:  policy("    - from: [{podSelector: {matchLabels: {app: crm}}}]\n      ports: [{port: 5432}]\n"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		arrivals := words.ArrivalsIn(p.World)
		for _, d := range doors(p.World) {
			d.pods = slices.DeleteFunc(slices.Clone(d.pods), func(pod *snapshot.Pod) bool { return pod.HostNetwork })
			step := knock(p, stranger, d.pods, d.ports)
			if step.Verdict == verdict.Deny || step.Reason == network.Allowed || step.Reason == network.NotEnforced {
				continue
			}
			f := audit.Finding{Subject: d.ref, Origin: d.origin, Certain: step.Verdict == verdict.Allow, Because: []verdict.Step{step},
				Message: fmt.Sprintf("no NetworkPolicy isolates %s, so that every pod of every namespace reaches it on %s", d.ref, numbers(d.ports)),
				Fix:     "select the pods with a policy that admits their clients, and beside them what the database needs to live:\n" + closed(p, arrivals, d)}
			if !f.Certain {
				f.Message = fmt.Sprintf("it cannot be told whether every pod of every namespace reaches %s on %s", d.ref, numbers(d.ports))
			}
			p.Report(f)
		}
	},
}

package exposurerules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// EXP1002 finds rules that admit every namespace to a database.
var EXP1002 = &audit.Rule{
	ID:       "EXP1002",
	Title:    "a rule admits every namespace to the database",
	Severity: audit.High,
	Why: `An empty namespaceSelector means every namespace, those of sandboxes and of other
teams included; so does a rule without from, which also means the world outside.
The database is then isolated on paper only.`,
	Setting: database,
	Bad:     policy("    - from: [{namespaceSelector: {}}]\n      ports: [{port: 5432}]\n"),
	Good:    policy("    - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: crm}}}]\n      ports: [{port: 5432}]\n"),
	Needs:   []audit.Fact{audit.Policies, audit.Servers},
	Run: func(p *audit.Pass) {
		for _, d := range doors(p.World) {
			for _, e := range entries(p, d.pods, d.ports) {
				if who := everybody(e); who != "" {
					step := knock(p, stranger, d.pods, d.ports)
					p.Report(audit.Finding{Subject: d.ref, Origin: e.origin(), Certain: step.Verdict == verdict.Allow, Because: doubtful(step),
						Message: fmt.Sprintf("%s admits %s to %s", e.ref(), who, d.ref),
						Fix:     "name the clients:\n- from:\n    - namespaceSelector:\n        matchLabels:\n          kubernetes.io/metadata.name: NAMESPACE\n      podSelector:\n        matchLabels:\n          app: CLIENT"})
				}
			}
		}
	},
}

// everybody says whom an entry admits, where that is every pod; "" otherwise.
func everybody(e entry) string {
	switch {
	case e.peer == nil:
		return "everybody, inside the cluster and out,"
	case e.peer.Namespaces == nil || len(*e.peer.Namespaces) > 0:
		return ""
	case e.peer.Pods == nil || len(*e.peer.Pods) == 0:
		return "every pod of every namespace"
	}
	return ""
}

// doubtful is the step as evidence, where it does not allow.
func doubtful(step verdict.Step) []verdict.Step {
	if step.Verdict == verdict.Allow {
		return nil
	}
	return []verdict.Step{step}
}

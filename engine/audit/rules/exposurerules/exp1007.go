package exposurerules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
)

// EXP1007 finds entries that admit all pods of some namespaces to a database.
var EXP1007 = &audit.Rule{
	ID:       "EXP1007",
	Title:    "whole namespaces are admitted to the database",
	Severity: audit.Low,
	Why: `An entry with a namespaceSelector and no podSelector admits every pod of those
namespaces, those that are added tomorrow too: a debugging shell, another team's job.
Name the pods beside the namespace. Beware of the dash: two entries, one with each
selector, mean pods of either kind, not of both.`,
	Setting: database,
	Bad:     policy("    - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: crm}}}]\n      ports: [{port: 5432}]\n"),
	Good:    policy("    - from:\n        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: crm}}\n          podSelector: {matchLabels: {app: crm}}\n      ports: [{port: 5432}]\n"),
	Needs:   []audit.Fact{audit.Policies, audit.Servers},
	Run: func(p *audit.Pass) {
		for _, d := range doors(p.World) {
			for _, e := range entries(p, d.pods, d.ports) {
				if in := whole(e); in != "" {
					p.Report(audit.Finding{Subject: d.ref, Origin: e.origin(), Certain: true,
						Message: fmt.Sprintf("%s admits every pod of %s to %s", e.ref(), in, d.ref),
						Fix:     "name the pods in the same entry, without a dash before it:\n  podSelector:\n    matchLabels:\n      app: CLIENT"})
				}
			}
		}
	},
}

// whole says which namespaces an entry admits without naming pods; "" where it names
// them, or where it admits every namespace.
func whole(e entry) string {
	switch {
	case e.peer == nil || e.peer.Block != nil || e.peer.Pods != nil && len(*e.peer.Pods) > 0:
		return ""
	case e.peer.Namespaces == nil:
		return "namespace " + e.policy.Namespace
	case len(*e.peer.Namespaces) == 0:
		return ""
	}
	return fmt.Sprintf("the namespaces %s", *e.peer.Namespaces)
}

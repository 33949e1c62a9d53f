package operatorrules

import (
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// OPR1001 finds fields that the installed release does not know.
var OPR1001 = &audit.Rule{
	ID:       "OPR1001",
	Title:    "a field that the operator's release does not know",
	Severity: audit.High,
	Why: `The API server drops a field that the installed CustomResourceDefinition does not
know, and takes the object: the edit succeeds and nothing of it happens. A manifest
written by the documentation of a newer release then reads like a restriction, and is
none. Definitions are not always updated with the operator; Helm does not.`,
	Setting: release("1.28.1"),
	Bad: cluster("", `  podSelectorRefs: [{name: app, selector: {matchLabels: {app: app}}}]
  postgresql:
    pg_hba:
      - hostssl ledger app ${podselector:app} scram-sha-256
      - host all all all reject
`),
	Good: cluster("", `  postgresql:
    pg_hba:
      - hostssl ledger app 10.244.0.0/16 scram-sha-256
      - host all all all reject
`),
	Needs: []audit.Fact{audit.Servers},
	Run: unheeded(snapshot.Pruned, func(u snapshot.Unheeded) string {
		return field(u) + " is dropped without a word by a release that does not know it (" + u.Why + ")"
	}),
}

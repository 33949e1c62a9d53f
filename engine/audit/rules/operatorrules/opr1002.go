package operatorrules

import (
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// OPR1002 finds fields for which the object is not accepted.
var OPR1002 = &audit.Rule{
	ID:       "OPR1002",
	Title:    "the API server refuses the object",
	Severity: audit.High,
	Why: `A definition's schema, its validations, or the operator's webhook refuse an object for
one field, and then nothing else of the edit happens either: what was running goes on
as before. Who applies manifests by a pipeline may not see it. Common reasons: a
parameter without quotes (0700 is the number 448 to YAML, and parameters are strings), a
parameter that the operator keeps for itself, a list that is too long.`,
	Setting: release("1.30.0"),
	Bad:     cluster("", "  postgresql: {parameters: {hba_file: /tmp/hba}}\n"),
	Good:    cluster("", "  postgresql: {parameters: {log_connections: \"on\"}}\n"),
	Needs:   []audit.Fact{audit.Servers},
	Run: unheeded(snapshot.Refused, func(u snapshot.Unheeded) string {
		return "nothing of " + u.Origin.Object + " as it is written here is applied, because of " + u.Field + ": " + u.Why
	}),
}

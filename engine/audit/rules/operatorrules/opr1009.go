package operatorrules

import (
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// OPR1009 finds labels that the operator and the custom resource both set.
var OPR1009 = &audit.Rule{
	ID:       "OPR1009",
	Title:    "the custom resource overrides a label of the operator's",
	Severity: audit.High,
	Why: `The operator finds its pods by labels, and so do its Services and the policies that
are written for it. A custom resource that hands another value of such a label on to the
pods makes the two take turns: at one moment a policy selects the primary, at the next
nobody.`,
	Setting: release("1.30.0"),
	Bad:     cluster("", "  inheritedMetadata: {labels: {cnpg.io/cluster: ledger-blue}}\n"),
	Good:    cluster("", "  inheritedMetadata: {labels: {colour: blue}}\n"),
	Needs:   []audit.Fact{audit.Servers},
	Run: unheeded(snapshot.Contested, func(u snapshot.Unheeded) string {
		return "label " + field(u) + " is contested: " + u.Why
	}),
}

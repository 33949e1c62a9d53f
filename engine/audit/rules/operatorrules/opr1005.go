package operatorrules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
)

// OPR1005 finds objects that the operator's webhook is told not to check.
var OPR1005 = &audit.Rule{
	ID:       "OPR1005",
	Title:    "the operator's checks are switched off",
	Severity: audit.Medium,
	Why: `The annotation cnpg.io/validation: disabled makes CloudNativePG's webhook take the
object whatever it says. Then a line on a selector that does not exist becomes a comment
in pg_hba.conf and refuses nobody, a parameter that is the operator's own is left out,
and TLS can be lowered, each without a word.`,
	Setting: release("1.30.0"),
	Bad:     cluster("  annotations: {cnpg.io/validation: disabled}\n", ""),
	Good:    cluster("", ""),
	Needs:   []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, s := range p.World.Servers {
			for _, set := range s.Settings {
				if set.Key != "annotation.cnpg.io/validation" || set.Value != "disabled" {
					continue
				}
				of := subject(s, set.Origin)
				p.Report(audit.Finding{Subject: of, Origin: set.Origin, Certain: true,
					Message: fmt.Sprintf("cnpg.io/validation: disabled lets every mistake in %s through: what the webhook would refuse is left out or becomes a comment", of),
					Fix:     "take the annotation away; the webhook says what it does not like"})
			}
		}
	},
}

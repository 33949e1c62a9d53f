package rolerules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
)

// ROL1013 finds roles that are to have a password and none.
var ROL1013 = &audit.Rule{
	ID:       "ROL1013",
	Title:    "passwordSecret and disablePassword contradict each other",
	Severity: audit.Medium,
	Why: `CloudNativePG does not touch a role that has both passwordSecret and disablePassword:
"cannot reconcile: password both provided and disabled". The role is not made, or stays
as it was, with the password that was meant to go.`,
	Bad: cluster(`  managed:
    roles:
      - {name: app, login: true, passwordSecret: {name: app}, disablePassword: true}
`),
	Good: cluster(`  managed:
    roles:
      - {name: app, login: true, disablePassword: true}
`),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, s := range p.World.Servers {
			for _, set := range s.Settings {
				if !ofRole(set, "disablePassword") || set.Value != "true" || beside(s, set, "passwordSecret.name") == "" {
					continue
				}
				p.Report(audit.Finding{Subject: s.Ref(), Origin: set.Origin, Certain: true,
					Message: fmt.Sprintf("role %s has passwordSecret and disablePassword: the operator leaves the role as it is, with whatever password it has", beside(s, set, "name")),
					Fix:     "write one of the two"})
			}
		}
	},
}

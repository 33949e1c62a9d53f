package vitalrules

import "github.com/pgmoat/pgmoat/engine/audit"

// kinds are those with a rule of their own.
var kinds = []kind{
	kind1001, kind1002, kind1003, kind1004, kind1005, kind1006,
	kind1007, kind1008, kind1009, kind1010, kind1011, kind1012,
	kind1013, kind1014, kind1015, kind1016, kind1017,
}

// VIT1099 finds cut flows that no other rule speaks of. It has no examples: each of
// its flows may get a rule of its own.
var VIT1099 = &audit.Rule{
	ID:       "VIT1099",
	Title:    "another flow that the database needs is cut",
	Severity: audit.High,
	Why: `Operators add flows from one version to the next. One that pgmoat knows of and that
has no rule of its own is told here.`,
	Needs: []audit.Fact{audit.Servers},
	Run:   kind{}.run,
}

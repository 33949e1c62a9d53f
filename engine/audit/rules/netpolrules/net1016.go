package netpolrules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// NET1016 finds Cilium rules that look like a default deny and close nothing: Cilium
// counts the entries of a list, not that there is a list
// [cilium pkg/policy/api/rule_validation.go, pkg/policy/utils/utils.go@1.20.1].
var NET1016 = &audit.Rule{
	ID:       "NET1016",
	Title:    "an empty list of a Cilium policy denies nothing",
	Severity: audit.High,
	Why: `In a NetworkPolicy "ingress: []" closes the pods. In a CiliumNetworkPolicy it says
nothing: "If omitted or empty, this rule does not apply at ingress". A direction is
closed by a list with at least one entry, and the entry that admits nobody is the
empty one, "- {}". enableDefaultDeny changes nothing for a list without entries. A
policy without any entry is taken by the API server, and from 1.17 on refused by the
agent (Valid: False), which closes nothing either.`,
	Setting: ciliumDatabase,
	Bad:     ciliumPolicy("  endpointSelector: {matchLabels: {app: ledger}}\n  ingress: []\n"),
	Good:    ciliumPolicy("  endpointSelector: {matchLabels: {app: ledger}}\n  ingress:\n    - {}\n"),
	Needs:   []audit.Fact{audit.CiliumPolicies},
	Run: func(p *audit.Pass) {
		eachCiliumRule(p, func(r snapshot.CiliumRule) {
			for _, d := range netpol.Directions {
				if denies(r.Sides[d]) {
					p.Report(deniesNothing(r, d))
				}
			}
		})
	},
}

// denies reports whether a side without entries was meant to close its direction.
func denies(s snapshot.CiliumSide) bool {
	switch {
	case len(s.Entries) > 0:
		return false
	case s.DefaultDeny != nil:
		return *s.DefaultDeny
	}
	return s.Listed
}

func deniesNothing(r snapshot.CiliumRule, d netpol.Direction) audit.Finding {
	side := r.Sides[d]
	written := fmt.Sprintf("%s: []", d)
	if !side.Listed {
		written = fmt.Sprintf("enableDefaultDeny without entries of %s", d)
	}
	f := audit.Finding{Subject: r.Ref, Origin: side.Origin, Certain: true,
		Message: fmt.Sprintf("%s denies nothing: Cilium closes %s only where the list has an entry, so whatever no other policy closes stays open", written, d),
		Fix:     fmt.Sprintf("write one empty entry, which admits nobody:\n%s:\n  - {}", d)}
	if !side.Listed {
		f.Origin = r.Origin
	}
	return f
}

package netpolrules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// NET1022 finds Calico's rules that have no say, and policies whose rules decide
// nothing. Policies about the whole cluster are left to NET1021.
var NET1022 = &audit.Rule{
	ID:       "NET1022",
	Title:    "a Calico rule that is never asked",
	Severity: audit.Medium,
	Why: `Calico asks the rules of a policy one after the other. Allow, Deny and Pass end the
search, Log does not. A rule behind one that matches every packet is never asked: a Log
after a Deny writes nothing. Rules of a direction that types leaves out are not asked
either; without types, a policy has those directions that it has rules for. And a
policy that only logs still selects its pods: what none of their policies decides is
dropped at the end of the tier.`,
	Setting: calicoSetting,
	Bad: `apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  selector: app == "ledger"
  types: [Ingress]
  ingress:
    - action: Allow
      source: {selector: app == "orders"}
    - action: Deny
    - action: Log
`,
	Good: `apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  selector: app == "ledger"
  types: [Ingress]
  ingress:
    - action: Allow
      source: {selector: app == "orders"}
    - action: Log
    - action: Deny
`,
	Needs: []audit.Fact{audit.CalicoPolicies},
	Run: func(p *audit.Pass) {
		eachCalicoPolicy(p, func(policy snapshot.CalicoPolicy) {
			for _, d := range netpol.Directions {
				silentRules(p, policy, d)
			}
		})
	},
}

func silentRules(p *audit.Pass, policy snapshot.CalicoPolicy, d netpol.Direction) {
	rules := policy.Rules[d]
	logs := func(r snapshot.CalicoRule) bool { return r.Action == "Log" }
	last := slices.IndexFunc(rules, func(r snapshot.CalicoRule) bool { return r.Any && !logs(r) })
	switch {
	case !policy.Directions[d] && len(rules) > 0:
		p.Report(audit.Finding{Subject: policy.Ref, Origin: rules[0].Origin, Certain: true, Severity: audit.High,
			Message: fmt.Sprintf("types leaves %s out, so that none of its rules is asked: nothing is closed and nothing admitted in that direction", d),
			Fix:     "name both directions, or delete the rules:\ntypes: [Ingress, Egress]"})
	case !policy.Directions[d]:
	case last >= 0 && last < len(rules)-1:
		next := rules[last+1]
		p.Report(audit.Finding{Subject: policy.Ref, Origin: next.Origin, Certain: true,
			Message: fmt.Sprintf("the %s before this %s matches every packet, so that this rule is never asked", rules[last].Action, next.Action),
			Fix:     fmt.Sprintf("put it before the rule that matches everything:\n%s:\n  - action: %s\n  - action: %s", d, next.Action, rules[last].Action)})
	case len(rules) > 0 && !slices.ContainsFunc(rules, func(r snapshot.CalicoRule) bool { return !logs(r) }) && !selectsAll(policy):
		p.Report(audit.Finding{Subject: policy.Ref, Origin: rules[0].Origin, Certain: policy.Tier == defaultTier, Severity: audit.High,
			Message: fmt.Sprintf("the policy only logs, and by selecting the pods it closes them: %s that no other policy of tier %s allows is dropped at the tier's end", d, policy.Tier),
			Fix:     fmt.Sprintf("say what becomes of what was logged:\n%s:\n  - action: Log\n  - action: Allow", d)})
	}
}

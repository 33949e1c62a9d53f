package netpolrules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// NET1019 finds Cilium policies that the API server takes and the agent refuses
// [cilium pkg/policy/api/rule_validation.go,
// pkg/k8s/apis/cilium.io/v2/cnp_types.go@1.20.1]. Empty lists are left to NET1016.
var NET1019 = &audit.Rule{
	ID:       "NET1019",
	Title:    "the Cilium agent refuses the policy",
	Severity: audit.High,
	Why: `The API server checks the shape of a Cilium policy, the agent checks what it says. One
that the agent refuses is listed by kubectl like any other, with Valid: False in its
status; nothing of it is in force, the rules that are right included. A rule needs
exactly one of endpointSelector and nodeSelector (which only the clusterwide kind
has) and, from 1.17 on, some entry; an entry names peers in one way, and rules for DNS
belong to egress.`,
	Setting: ciliumDatabase,
	Bad: ciliumPolicy(`  endpointSelector: {matchLabels: {app: ledger}}
  ingress:
    - fromEndpoints: [{matchLabels: {app: orders}}]
      fromCIDR: [192.0.2.0/24]
`),
	Good: ciliumPolicy(`  endpointSelector: {matchLabels: {app: ledger}}
  ingress:
    - fromEndpoints: [{matchLabels: {app: orders}}]
    - fromCIDR: [192.0.2.0/24]
`),
	Needs: []audit.Fact{audit.CiliumPolicies},
	Run: func(p *audit.Pass) {
		eachCiliumRule(p, func(r snapshot.CiliumRule) {
			if why, fix := refusedSubject(r); why != "" {
				p.Report(refusedRule(r, r.Origin, why, fix))
			}
		})
		eachCiliumEntry(p, func(r snapshot.CiliumRule, d netpol.Direction, e snapshot.CiliumEntry) {
			if why, fix := refusedEntry(d, e); why != "" {
				p.Report(refusedRule(r, e.Origin, why, fix))
			}
		})
	},
}

// refusedSubject says why the agent refuses what the rule selects; empty where it does not.
func refusedSubject(r snapshot.CiliumRule) (why, fix string) {
	switch {
	case !r.Endpoints && !r.Nodes:
		return "the rule has neither endpointSelector nor nodeSelector",
			"say which pods it is about; {} is every pod of its scope:\nendpointSelector:\n  matchLabels:\n    app: DATABASE"
	case saysNothing(r):
		return "the rule has no entry of ingress or egress, and closes nothing in older releases either",
			"write what it is to close and to admit; one empty entry closes a direction:\ningress:\n  - {}"
	case r.Endpoints && r.Nodes:
		return "the rule has both endpointSelector and nodeSelector", "keep endpointSelector, and write a rule of its own for the nodes"
	case r.Nodes && r.Ref.Namespace != "":
		return "only a CiliumClusterwideNetworkPolicy may have nodeSelector",
			"write endpointSelector, or make it a CiliumClusterwideNetworkPolicy: that is then about hosts, not about pods"
	}
	return "", ""
}

// saysNothing reports whether a rule speaks of no direction, not even by an empty list.
func saysNothing(r snapshot.CiliumRule) bool {
	for _, side := range r.Sides {
		if side.Listed || len(side.Entries) > 0 || denies(side) {
			return false
		}
	}
	return true
}

func refusedEntry(d netpol.Direction, e snapshot.CiliumEntry) (why, fix string) {
	switch {
	case len(e.Kinds) > 1:
		return fmt.Sprintf("one entry may not have both %s and %s", e.Kinds[0], e.Kinds[1]),
			fmt.Sprintf("make two entries of it, each with its ports:\n- %s: […]\n  toPorts: […]\n- %s: […]\n  toPorts: […]", e.Kinds[0], e.Kinds[1])
	case d == netpol.Ingress && e.DNS:
		return "rules for DNS are not allowed on ingress", "move rules.dns to an entry of egress that leads to the resolver"
	}
	return "", ""
}

func refusedRule(r snapshot.CiliumRule, at verdict.Origin, why, fix string) audit.Finding {
	return audit.Finding{Subject: r.Ref, Origin: at, Certain: true,
		Message: fmt.Sprintf("the Cilium agent refuses %s (Valid: False), and nothing of it is in force: %s", r.Ref, why), Fix: fix}
}

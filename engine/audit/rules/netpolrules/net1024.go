package netpolrules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// NET1024 finds Pass in the tier that is asked last.
var NET1024 = &audit.Rule{
	ID:       "NET1024",
	Title:    "Pass in Calico's default tier skips the NetworkPolicies",
	Severity: audit.Medium,
	Why: `Pass leaves a packet to the next tier. Behind the default tier there is no other that
somebody wrote policies for: "If the last Tier applying to the endpoint Passes the
packet, that endpoint's Profiles are evaluated", and the profile of a namespace allows
everything. The NetworkPolicies, which are asked in the default tier as order 1000, are
skipped. Pass belongs to tiers before the default one.`,
	Setting: calicoSetting,
	Bad: `apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  order: 10
  selector: app == "ledger"
  types: [Ingress]
  ingress:
    - action: Pass
      source: {selector: app == "orders"}
`,
	Good: `apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  tier: platform
  order: 10
  selector: app == "ledger"
  types: [Ingress]
  ingress:
    - action: Pass
      source: {selector: app == "orders"}
`,
	Needs: []audit.Fact{audit.CalicoPolicies},
	Run: func(p *audit.Pass) {
		hasBaseline := slices.ContainsFunc(p.World.ClusterPolicies, func(c *netpol.Policy) bool { return c.Tier == netpol.Baseline })
		eachCalicoPolicy(p, func(policy snapshot.CalicoPolicy) {
			for _, d := range netpol.Directions {
				for _, r := range policy.Rules[d] {
					if policy.Directions[d] && policy.Tier == defaultTier && r.Action == "Pass" {
						p.Report(audit.Finding{Subject: policy.Ref, Origin: r.Origin, Certain: !hasBaseline,
							Message: fmt.Sprintf("Pass in the default tier leaves %s to the namespace's profile, which allows everything: policies behind this one, NetworkPolicies among them, are not asked", d),
							Fix:     "say Allow or Deny, or put the policy into a tier of its own, before the default one:\ntier: TIER"})
					}
				}
			}
		})
	},
}

package netpolrules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// calicoSetting is a cluster with Calico's policies and one database.
const calicoSetting = ciliumDatabase

// NET1021 finds Calico's policies that are about every pod of the cluster and let
// nothing through [calico api/pkg/apis/projectcalico/v3/globalnetworkpolicy.go@3.32].
var NET1021 = &audit.Rule{
	ID:       "NET1021",
	Title:    "a Calico policy without a selector closes every pod of the cluster",
	Severity: audit.Critical,
	Why: `A GlobalNetworkPolicy without selector is about every pod of every namespace, and of
hosts that have endpoints too: the resolver, the operators, the databases. Log writes a
line and goes on to the next rule, so Log followed by Deny refuses everything. So does
a policy that only logs, or has no rule at all: what its tier does not decide is
dropped at the tier's end. Only what a policy asked before it allows gets through.
Kubernetes' NetworkPolicies are asked as order 1000 of the default tier.`,
	Setting: calicoSetting,
	Bad: `apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: log-denied}
spec:
  types: [Ingress]
  ingress:
    - action: Log
    - action: Deny
`,
	Good: `apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: log-denied}
spec:
  namespaceSelector: kubernetes.io/metadata.name == "payments"
  order: 2000
  types: [Ingress]
  ingress:
    - action: Log
    - action: Deny
`,
	Needs: []audit.Fact{audit.CalicoPolicies},
	Run: func(p *audit.Pass) {
		eachCalicoPolicy(p, func(policy snapshot.CalicoPolicy) {
			for _, d := range netpol.Directions {
				if policy.Directions[d] && selectsAll(policy) && !mayAdmit(policy, d) {
					p.Report(closesAll(p, policy, d))
				}
			}
		})
	},
}

// selectsAll reports whether a policy is about every pod of the cluster.
func selectsAll(policy snapshot.CalicoPolicy) bool {
	every := func(expression string) bool {
		text := strings.ReplaceAll(expression, " ", "")
		return text == "" || text == "all()"
	}
	return policy.Ref.Namespace == "" && every(policy.Selector) && every(policy.NamespaceSelector) && every(policy.ServiceAccounts)
}

// mayAdmit reports whether the rules of a direction let anything through, or leave
// anything to another tier, before one decides about everything.
func mayAdmit(policy snapshot.CalicoPolicy, d netpol.Direction) bool {
	for _, r := range policy.Rules[d] {
		if r.Action != "Deny" && r.Action != "Log" {
			return true
		}
		if r.Action == "Deny" && r.Any {
			return false
		}
	}
	return false
}

func closesAll(p *audit.Pass, policy snapshot.CalicoPolicy, d netpol.Direction) audit.Finding {
	f := audit.Finding{Subject: policy.Ref, Origin: policy.Origin.At("spec"), Certain: true}
	how := fmt.Sprintf("it has no rule that allows %s, and what no rule decides is dropped at the end of tier %s", d, policy.Tier)
	denied := false
	for _, r := range policy.Rules[d] {
		if denied = r.Action == "Deny" && r.Any; denied {
			f.Origin = r.Origin
			how = "this Deny matches every packet"
			break
		}
	}
	if len(policy.Rules[d]) > 0 && policy.Rules[d][0].Action == "Log" {
		how += ", and the Log before it decides nothing"
	}
	f.Message = fmt.Sprintf("the policy has no selector, so that it is about every pod of the cluster, the resolver's included; %s: %s of all of them is refused%s",
		how, d, exceptEarlier(policy))
	if earlier := admittedBefore(p.World, policy, d); earlier != "" || !denied && policy.Tier != defaultTier {
		f.Certain = false
		f.Message += fmt.Sprintf("; what %s lets through is not decided here", cmp.Or(earlier, "the end of the tier"))
	}
	f.Fix = fmt.Sprintf("select what is meant, after the policies that admit:\nnamespaceSelector: kubernetes.io/metadata.name == %q\norder: 2000", databaseNamespace(p.World))
	return f
}

const defaultTier = "default"

// networkPolicyOrder is where Calico asks NetworkPolicies in its default tier.
const networkPolicyOrder = 1000

// exceptEarlier names what may still get through.
func exceptEarlier(policy snapshot.CalicoPolicy) string {
	switch {
	case policy.Tier != defaultTier || policy.Order != nil && *policy.Order < networkPolicyOrder:
		return ", what NetworkPolicies admit included"
	default:
		return ", but for what NetworkPolicies admit to pods that they select"
	}
}

// admittedBefore names a policy for the whole cluster that is asked before and admits
// something; empty where none is known.
func admittedBefore(world *snapshot.Snapshot, policy snapshot.CalicoPolicy, d netpol.Direction) string {
	i := slices.IndexFunc(world.CalicoPolicies, func(other snapshot.CalicoPolicy) bool {
		return other.Ref != policy.Ref && other.Ref.Namespace == "" && !other.Hosts && other.Directions[d] &&
			mayAdmit(other, d) && (other.Tier != policy.Tier || askedBefore(other, policy))
	})
	if i < 0 {
		return ""
	}
	return world.CalicoPolicies[i].Ref.String()
}

// askedBefore orders the policies of one tier: by order, those without one last, then
// by name.
func askedBefore(a, b snapshot.CalicoPolicy) bool {
	switch {
	case a.Order != nil && b.Order != nil && *a.Order != *b.Order:
		return *a.Order < *b.Order
	case (a.Order == nil) != (b.Order == nil):
		return a.Order != nil
	}
	return a.Ref.Name < b.Ref.Name
}

// databaseNamespace is the namespace of the first server, for the lines of a fix.
func databaseNamespace(world *snapshot.Snapshot) string {
	if len(world.Servers) == 0 {
		return "NAMESPACE"
	}
	return world.Servers[0].Ref().Namespace
}

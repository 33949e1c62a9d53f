package netpolrules

import (
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
)

// NET1023 finds staged policies of Calico where databases are.
var NET1023 = &audit.Rule{
	ID:       "NET1023",
	Title:    "a staged policy enforces nothing",
	Severity: audit.Medium,
	Why: `StagedNetworkPolicy, StagedGlobalNetworkPolicy and StagedKubernetesNetworkPolicy show
in flow logs what a policy would do. They look like the policies they stand for, and
close nothing until somebody creates these.`,
	Setting: calicoSetting,
	Bad: `apiVersion: projectcalico.org/v3
kind: StagedNetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  selector: app == "ledger"
  types: [Ingress]
`,
	Good: `apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: ledger, namespace: payments}
spec:
  selector: app == "ledger"
  types: [Ingress]
`,
	Needs: []audit.Fact{audit.CalicoPolicies},
	Run: func(p *audit.Pass) {
		concerns := concerning(p)
		for _, policy := range p.World.CalicoPolicies {
			if policy.Staged && concerns(policy.Unmodelled) {
				p.Report(audit.Finding{Subject: policy.Ref, Origin: policy.Origin, Certain: true,
					Message: "the policy is staged: it shows what it would close, and closes nothing",
					Fix:     "when its flow logs are as they should be, create the policy itself: kind: " + inForce(policy.Ref.Kind)})
			}
		}
	},
}

// inForce is the kind that a staged one stands for.
func inForce(kind string) string {
	return strings.TrimPrefix(strings.TrimPrefix(kind, "Staged"), "Kubernetes")
}

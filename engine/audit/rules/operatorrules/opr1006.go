package operatorrules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// OPR1006 finds live objects that are not what their custom resource makes of them.
var OPR1006 = &audit.Rule{
	ID:       "OPR1006",
	Title:    "what runs is not what is declared",
	Severity: audit.Medium,
	Why: `Where an object of the operator's was read, it says something else than the custom
resource: somebody edited it by hand, a restart is pending, or the operator does not get
on with its work. Other answers are about what runs. They change, without an edit, when
the operator next has its way.`,
	Setting: cluster("", "") + "---\n",
	Bad: `apiVersion: v1
kind: Service
metadata: {name: ledger-rw, namespace: payments}
spec:
  type: NodePort
  selector: {cnpg.io/cluster: ledger, cnpg.io/instanceRole: primary}
  ports: [{name: postgres, port: 5432, targetPort: 5432}]
`,
	Good: `apiVersion: v1
kind: Service
metadata: {name: ledger-rw, namespace: payments}
spec:
  selector: {cnpg.io/cluster: ledger, cnpg.io/instanceRole: primary}
  ports: [{name: postgres, port: 5432, targetPort: 5432}]
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, s := range p.World.Servers {
			for _, d := range s.Disagreements {
				p.Report(disagreement(s, d))
			}
		}
	},
}

func disagreement(s *snapshot.Server, d snapshot.Disagreement) audit.Finding {
	out := audit.Finding{Subject: s.Ref(), Origin: d.Origin, Certain: true,
		Message: fmt.Sprintf("%s is %s, where the custom resource makes it %s: answers are about what runs, until the operator changes it",
			d.What, short(d.Live), short(d.Declared)),
		Fix: "write into the custom resource what is meant, and see why the operator has not applied it"}
	if out.Origin.IsZero() {
		out.Origin = s.Origin
	}
	if !d.At.IsZero() {
		out.Also = []verdict.Origin{d.At}
	}
	return out
}

func short(value string) string {
	if value == "" {
		return "absent"
	}
	return value
}

package podrules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// POD1001 finds databases whose pods their namespace refuses.
var POD1001 = &audit.Rule{
	ID:       "POD1001",
	Title:    "the namespace refuses the database's pods",
	Severity: audit.High,
	Why: `Pod Security Admission refuses a pod that does not fit the level that its namespace
enforces. The custom resource is taken, and so is the StatefulSet; only the pod is
missing. Pods that ran before the label came stay, until a failover, an upgrade or a
drained node needs a new one. Instances of StackGres and Zalando's do not fit restricted,
whatever their objects say; those of the other operators do by default.`,
	Setting: `apiVersion: acid.zalan.do/v1
kind: postgresql
metadata: {name: acid-orders, namespace: shop}
spec:
  teamId: acid
  numberOfInstances: 1
  postgresql: {version: "17"}
  volume: {size: 1Gi}
`,
	Bad:   namespace("shop", enforce+": restricted"),
	Good:  namespace("shop", enforce+": baseline, "+warn+": restricted"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, t := range tenants(p.World) {
			ns, level := enforced(p.World, t.ref.Namespace)
			if !ns.Declared {
				p.Useless(snapshot.Ref{Kind: "Namespace", Name: ns.Name}, untold)
			}
			if no := refused(level, t.demands()); len(no) > 0 {
				p.Report(unfit(t, ns, level, no))
			}
		}
	},
}

func unfit(t tenant, ns *snapshot.Namespace, level string, no []snapshot.Demand) audit.Finding {
	slices.SortStableFunc(no, func(a, b snapshot.Demand) int { return int(a.Kind) - int(b.Kind) })
	f := audit.Finding{Subject: t.ref, Origin: no[0].Origin, Also: append(others(no), ns.Origin.At("metadata.labels[%q]", enforce)),
		Certain: slices.ContainsFunc(no, func(d snapshot.Demand) bool { return !d.Maybe }),
		Message: fmt.Sprintf("namespace %s enforces %s, and refuses pods of %s: %s", ns.Name, level, t.ref, said(no)),
		Fix:     remedy(t.operator, no)}
	if !f.Certain {
		f.Message = fmt.Sprintf("namespace %s enforces %s, and may refuse pods of %s, by the operator's release: %s", ns.Name, level, t.ref, said(no))
	}
	return f
}

// remedy says what makes pods and level fit, by what is refused.
func remedy(operator string, no []snapshot.Demand) string {
	to := fits(no)
	switch operator {
	case snapshot.StackGres, snapshot.Zalando:
		if to == privileged {
			return "take away what goes beyond the operator's defaults, and enforce baseline, which those fit:\nmetadata:\n  labels:\n    " + enforce + ": baseline"
		}
		return "the operator has no field for this; enforce what its pods fit, and be warned of what else does not fit restricted:\n" + labels(to)
	case snapshot.CloudNativePG:
		return "take the fields away: by default the pods fit restricted"
	case snapshot.Crunchy:
		return "release 5.6.0 of the operator, and later ones, set the profile; until then enforce what the pods fit:\n" + labels(to)
	case snapshot.Percona:
		return "spec.crVersion 2.5.0, and later ones, set the profile; or set it yourself:\nspec:\n  instances:\n    - securityContext:\n        seccompProfile: {type: RuntimeDefault}"
	}
	return asking(no)
}

func labels(level string) string {
	return "metadata:\n  labels:\n    " + enforce + ": " + level + "\n    " + warn + ": " + restricted
}

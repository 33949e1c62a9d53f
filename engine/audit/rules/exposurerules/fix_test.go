package exposurerules

import (
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/internal/audittest"
)

// A policy that a fix proposes selects pods by labels that they keep. The only pod of a
// StatefulSet has its own name among its labels.
func TestFixSelectsByLabelsThatStay(t *testing.T) {
	for _, rule := range []*audit.Rule{EXP1001, EXP1004, EXP1014} {
		for _, f := range audit.Run(audittest.Load(t, rule.Setting+"---\n"+rule.Bad), []*audit.Rule{rule}).Findings {
			for _, label := range []string{"pod-name", "pod-index", "instanceName", "Role: \"primary\""} {
				if strings.Contains(f.Fix, label) {
					t.Errorf("%s: %s in %s", rule.ID, label, f.Fix)
				}
			}
		}
	}
	const one = "    - from: [{podSelector: {matchLabels: {app: crm}}}]\n"
	found := audit.Run(audittest.Load(t, strings.Replace(database, "serviceName: db", "serviceName: db\n  replicas: 1", 1)+"---\n"+strings.Replace(policy(one), "app: db", "app: other", 1)),
		[]*audit.Rule{EXP1001}).Findings
	if len(found) != 1 || !strings.Contains(found[0].Fix, "matchLabels:\n      app: \"db\"\n  policyTypes") {
		t.Errorf("%+v", found)
	}
}

package operatorrules

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// OPR1004 finds clusters that their operator was told to leave alone.
var OPR1004 = &audit.Rule{
	ID:       "OPR1004",
	Title:    "the operator was told to leave the cluster alone",
	Severity: audit.High,
	Why: `An annotation or a field, set for a repair and forgotten, stops the operator from
doing anything about the cluster. What is declared from then on is accepted and never
applied: lines of pg_hba.conf, roles that are to go, certificates that end, selectors of
pods whose addresses change. Every answer about the cluster is then about what is
written and not about what runs.`,
	Setting: release("1.30.0"),
	Bad:     cluster("  annotations: {cnpg.io/reconciliationLoop: disabled}\n", ""),
	Good:    cluster("", ""),
	Needs:   []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, s := range p.World.Servers {
			for _, set := range s.Settings {
				if pause, ok := pauses[set.Key]; ok && set.Value == pause.value && pause.here(set) {
					p.Report(paused(s, set, pause))
				}
			}
		}
	},
}

// A pause is a setting that stops an operator.
type pause struct{ value, what string }

// pauses are by the key of their setting [cnpg pkg/utils/labels_annotations.go@1.30.0, sg
// C/StackGresContext.java@1.18.6, pgo
// pkg/apis/postgres-operator.crunchydata.com/v1/postgrescluster_types.go@6.0.3, percona
// pkg/apis/pgv2.percona.com/v2/perconapgcluster_types.go@3.0.0].
var pauses = map[string]pause{
	"annotation.cnpg.io/reconciliationLoop":                      {"disabled", ""},
	"annotation.stackgres.io/reconciliation-pause":               {"true", ""},
	"annotation.stackgres.io/reconciliation-pause-until-restart": {"true", " until the pods are restarted"},
	"spec.paused":    {"true", ""}, // Crunchy's
	"spec.unmanaged": {"true", ""}, // Percona's, whose spec.pause stops the pods and not the operator
}

// here reports whether the setting is of the object itself: annotations that are handed
// on to the pods stop nobody.
func (pause) here(set snapshot.Setting) bool {
	return !strings.HasPrefix(set.Key, "annotation.") || strings.HasPrefix(set.Origin.Field, "metadata.annotations")
}

func paused(s *snapshot.Server, set snapshot.Setting, by pause) audit.Finding {
	key := strings.TrimPrefix(set.Key, "annotation.")
	of := subject(s, set.Origin)
	return audit.Finding{
		Subject: of, Origin: set.Origin, Certain: true,
		Message: fmt.Sprintf("%s: %s stops the operator from doing anything about %s%s: what is written here may not be what runs, and no edit is applied",
			key, set.Value, of, by.what),
		Fix: "take " + key + " away as soon as the repair is done",
	}
}

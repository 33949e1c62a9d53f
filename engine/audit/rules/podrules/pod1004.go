package podrules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// POD1004 finds privileges that somebody gave the database's pods. What the namespace
// refuses anyway is POD1001's, and so is what an image or an operator leaves unsaid.
var POD1004 = &audit.Rule{
	ID:       "POD1004",
	Title:    "the database's pods have privileges that PostgreSQL does not need",
	Severity: audit.Medium,
	Why: `Whoever is a superuser of the database runs programs in its pod. PostgreSQL needs no
privilege of the node, so that each one that the pod has anyway is what they get out of
it by: a privileged container is root of the node, hostPID sees its processes, a path of
the node or an added capability is a way to it.`,
	Bad:   database("", "          securityContext: {privileged: true}\n"),
	Good:  database("", "          securityContext: {privileged: false, allowPrivilegeEscalation: false}\n"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, t := range tenants(p.World) {
			_, level := enforced(p.World, t.ref.Namespace)
			for _, d := range t.demands() {
				if !t.given(d) || d.Maybe || len(refused(level, []snapshot.Demand{d})) > 0 {
					continue
				}
				f := audit.Finding{Subject: t.ref, Origin: d.Origin, Certain: true,
					Message: fmt.Sprintf("pods of %s have more than they need: %s", t.ref, phrases[d.Kind]),
					Fix:     "take it away" + less(t.operator, d)}
				if d.Kind == snapshot.Privileged || d.Kind == snapshot.HostNamespace {
					f.Severity = audit.High
				}
				p.Report(f)
			}
		}
	},
}

// given reports whether somebody wrote it. The network and the ports of the node are
// POD1003's.
func (t tenant) given(d snapshot.Demand) bool {
	switch {
	case d.Kind == snapshot.HostPort || strings.HasSuffix(d.Origin.Field, "hostNetwork") || strings.HasSuffix(d.Origin.Note, "hostNetwork"):
		return false
	case d.Kind.Baseline():
		return true
	case d.Kind == snapshot.Root && strings.HasSuffix(d.Origin.Field, ".runAsUser"):
		return true
	}
	// A field of the custom resource is there only where somebody wrote it.
	return t.operator != snapshot.Plain && d.Origin.Field != "" && slices.Contains([]snapshot.DemandKind{snapshot.Escalation, snapshot.Root, snapshot.Capabilities}, d.Kind)
}

// less is what to write for the operator.
func less(operator string, d snapshot.Demand) string {
	switch {
	case operator == snapshot.CloudNativePG:
		return ": the operator's default is stricter"
	case operator == snapshot.Zalando && d.Kind == snapshot.Escalation:
		return ":\nspilo_allow_privilege_escalation: false"
	case operator == snapshot.Plain && d.Kind == snapshot.HostPath:
		return ", and keep the data on a PersistentVolumeClaim"
	}
	return ""
}

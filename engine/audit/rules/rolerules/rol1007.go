package rolerules

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// ROL1007 finds SQL that runs as the superuser and is taken from a ConfigMap.
var ROL1007 = &audit.Rule{
	ID:       "ROL1007",
	Title:    "SQL of the superuser comes from a ConfigMap",
	Severity: audit.Medium,
	Why: `Whoever may edit the ConfigMap decides what the superuser runs. ConfigMaps are what
people and controllers may edit in a namespace though they may touch neither Secrets nor
the database's own object. StackGres runs a script again when its text changes; the
other operators run theirs when a cluster begins.`,
	Setting: `apiVersion: v1
kind: ConfigMap
metadata: {name: init, namespace: analytics}
data: {roles.sql: "CREATE ROLE reader"}
---
` + stackgres("  managedSql: {scripts: [{sgScript: roles}]}\n"),
	Bad: `apiVersion: stackgres.io/v1
kind: SGScript
metadata: {name: roles, namespace: analytics}
spec:
  scripts:
    - name: roles
      scriptFrom: {configMapKeyRef: {name: init, key: roles.sql}}
`,
	Good: `apiVersion: stackgres.io/v1
kind: SGScript
metadata: {name: roles, namespace: analytics}
spec:
  scripts:
    - name: roles
      script: CREATE ROLE reader
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		seen := map[place]bool{}
		for _, s := range p.World.Servers {
			for _, set := range s.Settings {
				if again, ok := fromConfigMap(s, set); ok && once(seen, set.Origin, set.Value) {
					p.Report(scripted(s, set, again))
				}
			}
		}
	},
}

var (
	scriptRef = regexp.MustCompile(`^(SGScript\..*\.)scriptFrom\.configMapKeyRef\.name$`)
	initRef   = regexp.MustCompile(`^spec\.bootstrap\.initdb\.postInit\w*Refs\.configMapRefs\[\d+\]\.name$|^spec\.databaseInitSQL\.name$`)
)

// fromConfigMap reports whether the setting names a ConfigMap with SQL of the superuser,
// and whether it runs again when that changes.
func fromConfigMap(s *snapshot.Server, set snapshot.Setting) (again, ok bool) {
	if m := scriptRef.FindStringSubmatch(set.Key); m != nil {
		user, _ := s.Setting(m[1] + "user")
		return true, isSuperuser(s, user.Value)
	}
	return false, initRef.MatchString(set.Key)
}

func scripted(s *snapshot.Server, set snapshot.Setting, again bool) audit.Finding {
	f := audit.Finding{Subject: s.Ref(), Origin: set.Origin, Certain: true,
		Message: fmt.Sprintf("whoever edits ConfigMap %s/%s decides what the superuser of %s runs", s.Ref().Namespace, set.Value, s.Ref()),
		Fix:     "write the SQL here, or put it into a Secret, and name a role in spec.scripts[].user that may do no more than the script needs"}
	if again {
		return f
	}
	f.Severity = audit.Low
	f.Message += " when a cluster begins from it"
	f.Fix = "put the SQL into a Secret"
	if strings.Contains(set.Key, "initdb") {
		f.Fix = "write the SQL into the Cluster, or name a Secret under secretRefs in the place of configMapRefs"
	} else {
		f.Fix = "let only those edit the ConfigMap who may edit the cluster (RBAC by resourceNames): the field takes nothing else"
	}
	return f
}

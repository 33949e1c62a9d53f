package operatorrules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
)

// OPR1011 finds parameters that put another file in the place of the operator's.
var OPR1011 = &audit.Rule{
	ID:       "OPR1011",
	Title:    "a parameter takes pg_hba.conf out of the operator's hands",
	Severity: audit.High,
	Why: `hba_file and ident_file name the files that PostgreSQL reads. StackGres and Zalando's
operator pass them on: then neither the operator's lines nor those of the custom resource
are in force, and who may log in is decided by a file in the pod or its volume, which no
manifest shows. What replicas, backups and the operator itself need may not be in it.`,
	Bad: `apiVersion: acid.zalan.do/v1
kind: postgresql
metadata: {name: acid-crm, namespace: crm}
spec:
  teamId: acid
  numberOfInstances: 1
  volume: {size: 1Gi}
  postgresql: {version: "17", parameters: {hba_file: /home/postgres/pgdata/my_hba.conf}}
`,
	Good: `apiVersion: acid.zalan.do/v1
kind: postgresql
metadata: {name: acid-crm, namespace: crm}
spec:
  teamId: acid
  numberOfInstances: 1
  volume: {size: 1Gi}
  postgresql: {version: "17", parameters: {log_connections: "on"}}
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, s := range p.World.Servers {
			if s.Operator == "plain" { // there it is the only way to have a file of one's own
				continue
			}
			for name, what := range replacing {
				set, ok := s.Setting("postgresql." + name)
				if !ok || set.Default {
					continue
				}
				p.Report(audit.Finding{Subject: s.Ref(), Origin: set.Origin, Certain: true,
					Message: fmt.Sprintf("%s makes PostgreSQL of %s read %s in the place of the operator's %s: no line of the operator's or of the custom resource is in force",
						name, s.Ref(), set.Value, what),
					Fix: "take the parameter away, and write the lines where the operator takes them"})
			}
		}
	},
}

// replacing are the parameters, with the file that each replaces.
var replacing = map[string]string{"hba_file": "pg_hba.conf", "ident_file": "pg_ident.conf"}

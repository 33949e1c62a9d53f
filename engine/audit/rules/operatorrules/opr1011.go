package operatorrules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// OPR1011 finds parameters that put another file in the place of the operator's.
var OPR1011 = &audit.Rule{
	ID:       "OPR1011",
	Title:    "a parameter takes pg_hba.conf or pg_ident.conf out of the operator's hands",
	Severity: audit.High,
	Why: `hba_file and ident_file name the files that PostgreSQL reads. StackGres and Zalando's
operator pass them on. With hba_file neither the operator's lines nor those of the custom
resource are in force, and who may log in is decided by a file in the pod or its volume,
which no manifest shows; what replicas, backups and the operator itself need may not be in
it. With ident_file the lines of pg_hba.conf stay, and such a file decides which identity
may log in as whom where they have map=.`,
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
			if s.Operator == snapshot.Plain { // there it is the only way to have a file of one's own
				continue
			}
			for _, r := range replacing {
				set, ok := s.Setting("postgresql." + r.parameter)
				if !ok || set.Default {
					continue
				}
				p.Report(audit.Finding{Subject: s.Ref(), Origin: set.Origin, Certain: true,
					Message: fmt.Sprintf("%s makes PostgreSQL of %s read %s in the place of the operator's %s: %s",
						r.parameter, s.Ref(), set.Value, r.file, r.causes),
					Fix: "take the parameter away, and write the lines where the operator takes them"})
			}
		}
	},
}

// replacing are the parameters, with the file that each replaces and what comes of it.
var replacing = []struct{ parameter, file, causes string }{
	{"hba_file", "pg_hba.conf", "no line of the operator's or of the custom resource is in force"},
	{"ident_file", "pg_ident.conf", "its maps decide who may log in as whom by the lines of pg_hba.conf that have map="},
}

// replaced reports whether the place is one of the parameters, of which OPR1011 tells.
func replaced(s *snapshot.Server, at verdict.Origin) bool {
	for _, r := range replacing {
		if set, ok := s.Setting("postgresql." + r.parameter); ok && !set.Default && set.Origin == at {
			return true
		}
	}
	return false
}

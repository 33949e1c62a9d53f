package hbarules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/hba"
)

// HBA1014 finds files that name themselves on servers that have no limit to it.
var HBA1014 = &audit.Rule{
	ID:       "HBA1014",
	Title:    "an @file that names itself ends the server",
	Severity: audit.Critical,
	Why: `Until 15 PostgreSQL follows @files without a limit. One that names itself, directly or
through others, ends the postmaster, and with it every session: not only at the next
start, but at the reload that was to bring the new rules in. Since 16 there is a limit
of ten, and the file is refused.`,
	Bad: `-- version --
15
-- pg_hba.conf --
host ledger @admins 10.0.0.0/8 scram-sha-256
-- admins --
bob @admins
`,
	Good: `-- version --
15
-- pg_hba.conf --
host ledger @admins 10.0.0.0/8 scram-sha-256
-- admins --
bob @others
-- others --
alice
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, f := range files(p.World) {
			f.fatal(p, f.hba.Errors)
			if f.postgres() {
				f.fatal(p, f.server.Maps.Errors)
			}
		}
	},
}

// fatal reports the lines that end the server.
func (f file) fatal(p *audit.Pass, faults []hba.Error) {
	for _, e := range faults {
		if e.Fatal {
			p.Report(audit.Finding{Subject: f.ref, Origin: e.Origin, Certain: true, Fix: "take the file's own name out of it",
				Message: fmt.Sprintf("PostgreSQL %d ends when it reads this line, also on a reload: %s", f.version(), shown(e))})
		}
	}
}

// shown are the words of a fault without secrets.
func shown(e hba.Error) string {
	_, message := e.Shown()
	return message
}

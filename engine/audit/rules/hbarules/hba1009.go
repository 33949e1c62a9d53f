package hbarules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
)

// HBA1009 finds lines that the server refuses, with all the file.
var HBA1009 = &audit.Rule{
	ID:       "HBA1009",
	Title:    "the server refuses the file",
	Severity: audit.High,
	Why: `One bad line is enough: on a reload PostgreSQL keeps the rules it had and says so in
its log only; when it starts it does not start. Operators do not check lines, so
that the mistake waits for the next restart.`,
	Bad:   cluster("hostssl ledger app 10.0.0.0/8 scram", "host all all all reject"),
	Good:  cluster("hostssl ledger app 10.0.0.0/8 scram-sha-256", "host all all all reject"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, f := range files(p.World) {
			for _, e := range f.hba.Errors {
				if e.Missing {
					p.Skip(f.ref, e.Message)
					continue
				}
				out := audit.Finding{Subject: f.ref, Origin: e.Origin, Certain: true}
				if out.Origin.IsZero() {
					out.Origin = f.origin
				}
				out.Message = fmt.Sprintf("the server refuses this line of %s, and the whole file with it: %s", f.name(), e.Message)
				out.Fix = "correct the line"
				p.Report(out)
			}
		}
	},
}

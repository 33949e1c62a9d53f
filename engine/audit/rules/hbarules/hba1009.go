package hbarules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/hba"
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
				refuses(p, f, e, f.name(), "the whole file with it")
			}
			if !f.postgres() {
				continue
			}
			for _, e := range f.server.Maps.Errors {
				if e.Line == 0 { // nobody gave the file
					continue
				}
				refuses(p, f, e, "pg_ident.conf of "+f.ref.Name, "all maps with it")
			}
		}
	},
}

// refuses reports a line that is refused; one that ends the server is HBA1014's.
func refuses(p *audit.Pass, f file, e hba.Error, name, with string) {
	_, message := e.Shown()
	switch {
	case e.Fatal:
		return
	case e.Missing:
		p.Skip(f.ref, message)
		return
	}
	out := audit.Finding{Subject: f.ref, Origin: e.Origin, Certain: true}
	if out.Origin.IsZero() {
		out.Origin = f.origin
	}
	out.Message = fmt.Sprintf("the server refuses this line of %s, and %s: %s", name, with, message)
	out.Fix = "correct the line"
	if e.Line == 0 {
		out.Message = fmt.Sprintf("the server refuses %s: %s", name, message)
		out.Fix = "write a line into it"
	}
	p.Report(out)
}

package hbarules

import (
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
)

// HBA1019 finds lines that ask the client's own host who the client is.
var HBA1019 = &audit.Rule{
	ID:       "HBA1019",
	Title:    "ident lets the client say who it is",
	Severity: audit.High,
	Why: `"ident" asks a service on the client's host, port 113, for the name of its user. Whoever
runs that host, or a pod, runs that service too and answers what he likes. "The
Identification Protocol is not intended as an authorization or access control
protocol" (RFC 1413).`,
	Bad:   "host ledger all 10.0.0.0/8 ident\nhost all all all reject\n",
	Good:  "hostssl ledger all 10.0.0.0/8 scram-sha-256\nhost all all all reject\n",
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		eachLine(p, func(f file, r *hba.Record) {
			if r.Method != "ident" || r.Type == hba.Local {
				return
			}
			out := f.about(r, true, "%s in %s believes whatever the client's host says about who it is", words.Quoted(r), f.name())
			out.Fix = "ask for a password, and for TLS:" + f.listed(replaced(r))
			if isLoopback(r) || r.Address.Kind == hba.SameHost { // the host is the server's own
				out.Severity = audit.Low
				out.Message = "what " + words.Quoted(r) + " in " + f.name() + " asks is the server's own host, which seldom answers: nobody gets in, or whom its ident service names"
				out.Fix = "use the socket, with peer"
			}
			p.Report(out)
		})
	},
}

package hbarules

import (
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
)

// HBA1026 finds lines on host names. Those that no host can have are HBA1010's.
var HBA1026 = &audit.Rule{
	ID:       "HBA1026",
	Title:    "a line on a host name trusts the DNS",
	Severity: audit.Medium,
	Why: `For a host name the server asks the DNS for the client's name, and then whether that name
has the client's address. Who runs the two zones decides who matches, and nothing signs
the answers. Each connection waits for them, and once a look-up fails no later host name
is tried: then a line that was to reject does not, and the next one decides. Pods have
no such names.`,
	Bad:   "hostssl ledger app app.example.com scram-sha-256\nhost all all all reject\n",
	Good:  "hostssl ledger app 192.0.2.17/32 scram-sha-256\nhost all all all reject\n",
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		eachLine(p, func(f file, r *hba.Record) {
			if r.Type == hba.Local || r.Address.Kind != hba.HostName || f.noClient(r) != "" {
				return
			}
			out := f.about(r, true, "who matches %s in %s is decided by who runs the zones of %s and of the client's address", words.Quoted(r), f.name(), r.Address)
			if r.Method == "reject" {
				out.Message = words.Quoted(r) + " in " + f.name() + " refuses nobody whose name in DNS cannot be found"
			}
			out.Fix = "write addresses"
			p.Report(out)
		})
	},
}

package hbarules

import (
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
)

// HBA1025 finds lines on the networks of the server's interfaces.
var HBA1025 = &audit.Rule{
	ID:       "HBA1025",
	Title:    "samenet depends on how the network plugin sets netmasks",
	Severity: audit.Medium,
	Why: `samenet is "any address in any subnet that the server is directly connected to". In a
pod that is the netmask of eth0: with some network plugins /32, which is nobody else,
with others the node's range or all pods of the cluster. Loopback is one of these
networks, too. What the line lets in changes with the plugin, and no file says so.`,
	Bad:   "hostssl ledger app samenet scram-sha-256\nhost all all all reject\n",
	Good:  "hostssl ledger app 10.1.0.0/16 scram-sha-256\nhost all all all reject\n",
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		eachLine(p, func(f file, r *hba.Record) {
			if r.Type != hba.Local && r.Address.Kind == hba.SameNet {
				out := f.about(r, true, "whom %s in %s is about depends on the netmasks of the server's interfaces", words.Quoted(r), f.name())
				out.Fix = "write the network"
				p.Report(out)
			}
		})
	},
}

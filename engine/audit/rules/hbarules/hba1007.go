package hbarules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/hba"
)

// HBA1007 finds methods that send the password itself, reached without TLS.
var HBA1007 = &audit.Rule{
	ID:       "HBA1007",
	Title:    "passwords cross the network in clear text",
	Severity: audit.Critical,
	Why: `The methods password, ldap, pam, bsd and radius ask the client for the password
itself. Without TLS it can be read by whoever sees the packets, and with ldap it is
mostly the password of the person for everything else too.`,
	Bad:   cluster("host ledger app 10.0.0.0/8 password", "host all all all reject"),
	Good:  cluster("hostssl ledger app 10.0.0.0/8 scram-sha-256", "host all all all reject"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			for i := range f.hba.Records {
				r := &f.hba.Records[i]
				if !slices.Contains(clear, r.Method) || r.ClientCert() != hba.NoClientCert {
					continue
				}
				if how := f.reach(r, probe{plainOnly: true}); how != never {
					out := f.finding(r, how == surely)
					out.Message = fmt.Sprintf("%s in %s asks for the password itself, and lets it cross the network without TLS", line(r), f.name())
					out.Fix = "use scram-sha-256 over TLS, or at least refuse plain text as the first of " + f.where() + ":" +
						f.listed("hostnossl all all all reject")
					p.Report(out)
				}
			}
		})
	},
}

var clear = []string{"password", "ldap", "pam", "bsd", "radius"}

package hbarules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// HBA1001 finds records that trust somebody over the network. Sockets count only
// where a session from the network arrives on one with nothing before it.
var HBA1001 = &audit.Rule{
	ID:       "HBA1001",
	Title:    "log in over the network without any credential",
	Severity: audit.Critical,
	Why: `A "trust" record lets whoever connects from a matching address log in as any
matching role, superusers included, without a password or a certificate. One
compromised pod in the range is then a compromised database.`,
	Bad:   cluster("host all all 10.0.0.0/8 trust", "host all all all reject"),
	Good:  cluster("hostssl all all 10.0.0.0/8 scram-sha-256", "host all all all reject"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			for i := range f.hba.Records {
				r := &f.hba.Records[i]
				if r.Method != "trust" || r.ClientCert() != hba.NoClientCert {
					continue
				}
				if how := f.reach(r, probe{}); how != never {
					out := f.finding(r, how == surely)
					out.Message = fmt.Sprintf("%s in %s lets %s log in over the network without a password: they are whoever they say they are",
						line(r), f.name(), whom(r))
					out.Fix = "ask for a password, and for TLS:" + f.listed(replaced(r))
					if f.server.Operator == snapshot.Plain && !words.Written(r) {
						out.Fix = "take POSTGRES_HOST_AUTH_METHOD away, or give the server a file of its own (hba_file) with\n" + replaced(r)
					}
					p.Report(out)
				}
			}
		})
	},
}

// whom names the clients of a record.
func whom(r *hba.Record) string {
	switch r.Address.Kind {
	case hba.AnyAddress:
		return "everybody"
	case hba.Net:
		if ones, ok := prefix(r.Address); ok && ones.Bits() == 0 {
			return "everybody"
		}
		return "clients from " + r.Address.String()
	case hba.Pods:
		return "the selected pods"
	}
	return "clients"
}

// replaced is the record with TLS and a password.
func replaced(r *hba.Record) string {
	c := *r
	c.Type, c.Method, c.Options = hba.HostSSL, "scram-sha-256", nil
	if r.Type == hba.Local {
		c.Type = hba.Local
	}
	return c.String()
}

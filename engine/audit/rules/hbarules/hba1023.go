package hbarules

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
)

// HBA1023 finds lines for more addresses than an application has. One that asks for
// the role's own certificate knows its clients by that; one for everybody and
// everything is HBA1022's, and replication HBA1017's.
var HBA1023 = &audit.Rule{
	ID:       "HBA1023",
	Title:    "a line for more addresses than an application has",
	Severity: audit.Medium,
	Why: `The address of a line is what is left when a password is known to others: from a wide
range it can be tried from a laptop in the office, another company's machine behind the
same VPN, or every pod of every cluster. Less than 16 bits of network in IPv4, or 48 in
IPv6, is more than one cluster's pods or one site.`,
	Bad:   "hostssl ledger app 10.0.0.0/8 scram-sha-256\nhost all all all reject\n",
	Good:  "hostssl ledger app 10.1.0.0/16 scram-sha-256\nhost all all all reject\n",
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			for _, r := range f.own() {
				if r.Type == hba.Local || r.Method == "reject" || r.ClientCert() == hba.VerifyFull || forEverybody(r) ||
					isLoopback(r) || onlyReplication(r) || !f.wide(r) {
					continue
				}
				if how := f.everywhere().reach(r, probe{}); how != never {
					out := f.about(r, how == surely, "%s in %s is for %s", words.Quoted(r), f.name(), howMany(r))
					out.Fix = "name the networks that have business with this database"
					p.Report(out)
				}
			}
		})
	},
}

func onlyReplication(r *hba.Record) bool {
	return !slices.ContainsFunc(r.Databases, func(t hba.Token) bool { return !t.Is("replication") })
}

func howMany(r *hba.Record) string {
	n, ok := r.Address.Prefix()
	switch {
	case everyAddress(r) && r.Address.Kind == hba.AnyAddress:
		return "every address there is"
	case everyAddress(r) && n.Addr().Is4():
		return "every IPv4 address"
	case everyAddress(r):
		return "every IPv6 address"
	case ok:
		return "all of " + n.String() + ", which is more than one cluster or one site"
	}
	return "addresses all over"
}

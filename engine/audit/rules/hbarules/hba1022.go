package hbarules

import (
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
)

// HBA1022 finds lines that admit everybody to everything.
var HBA1022 = &audit.Rule{
	ID:       "HBA1022",
	Title:    "a line for all databases, all roles and all addresses",
	Severity: audit.Medium,
	Why: `A line for everybody makes pg_hba.conf say nothing: whatever lines were written above it,
whom they do not name gets in here, as any role, those of operators and superusers among
them, from wherever a packet comes. Name the databases, the roles and the networks that
have business with each other, and refuse the rest.`,
	Bad:   "hostssl all all all scram-sha-256\n",
	Good:  "hostssl ledger app 10.1.0.0/16 scram-sha-256\nhost all all all reject\n",
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			for _, r := range f.own() {
				if !forEverybody(r) || r.Method == "reject" {
					continue
				}
				if how := f.everywhere().reach(r, probe{}); how != never {
					out := f.about(r, how == surely, "%s in %s is for all databases, all roles and all addresses", words.Quoted(r), f.name())
					out.Fix = "name the databases, the roles and the networks, and refuse the rest:" + f.listed("host all all all reject")
					p.Report(out)
				}
			}
		})
	},
}

func forEverybody(r *hba.Record) bool {
	all := func(t hba.Token) bool { return t.Is("all") }
	return r.Type != hba.Local && slices.ContainsFunc(r.Databases, all) && slices.ContainsFunc(r.Users, all) && everyAddress(r)
}

// everyAddress reports whether the field has all addresses, of a family at least.
func everyAddress(r *hba.Record) bool {
	if r.Address.Kind == hba.Net {
		n, ok := r.Address.Prefix()
		return ok && n.Bits() == 0
	}
	return r.Address.Kind == hba.AnyAddress
}

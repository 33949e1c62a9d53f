package hbarules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// HBA1004 finds lines that were to restrict and do not, because the operator writes
// a line for everybody after them. Where the last of them is on pods, HBA1005 tells it.
var HBA1004 = &audit.Rule{
	ID:       "HBA1004",
	Title:    "the operator's catch-all follows your pg_hba lines",
	Severity: audit.High,
	Why: `Operators write lines of their own after yours: CloudNativePG ends with "host all
all all scram-sha-256", its Pooler and StackGres with "host all all 0.0.0.0/0 md5"
and the same for ::/0. Nothing switches these off. Whoever your lines do not match
falls through to them and is asked for a password, for any database, as any role,
from anywhere, without TLS: your lines can only add access, never restrict it,
until the last of them rejects the rest.`,
	Bad:   cluster("hostssl ledger app 10.0.0.0/8 scram-sha-256"),
	Good:  cluster("hostssl ledger app 10.0.0.0/8 scram-sha-256", "host all all all reject"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			own := f.own()
			if len(own) == 0 {
				return
			}
			last := own[len(own)-1]
			if r, how := f.fallThrough(); r != nil && !f.comesTo(p.World, last, r) {
				p.Report(catchAll(f, last, r, how))
			}
		})
	},
}

// fallThrough finds the operator's record that takes whom no line names: any role
// on any database, from an address nobody wrote.
func (f file) fallThrough() (*hba.Record, reached) {
	if !slices.ContainsFunc(f.arrivals(&hba.Record{Address: hba.Address{Kind: hba.AnyAddress}}), func(s hba.Session) bool { return !s.Local }) {
		return nil, never
	}
	for i := range f.hba.Records {
		r := &f.hba.Records[i]
		asked := r.Method == "ldap" // a person wrote spec.postgresql.ldap for it
		if words.Written(r) || asked || r.Method == "reject" || r.Type == hba.Local || !everybodys(r) {
			continue
		}
		if how := f.reach(r, probe{}); how != never {
			return r, how
		}
	}
	return nil, never
}

// everybodys reports whether the record is for all roles.
func everybodys(r *hba.Record) bool {
	return slices.ContainsFunc(r.Users, func(t hba.Token) bool { return !t.Quoted && t.Text == "all" })
}

func catchAll(f file, last, r *hba.Record, how reached) audit.Finding {
	return audit.Finding{
		Subject: f.ref, Origin: last.Origin, Also: []verdict.Origin{r.Origin}, Certain: how == surely,
		Message: fmt.Sprintf("after your last line in %s the operator writes %s: whoever your lines do not match is still asked for a password there, so that they restrict nothing",
			f.name(), words.Quoted(r)),
		Fix: "end " + f.where() + " with a line that rejects everybody else:" + f.ending(),
	}
}

// closing says how nobody else gets in as the roles of a line, on its databases. Before
// LDAP only they are refused: it is there for the others.
func (f file) closing(r *hba.Record) string {
	if f.ldap() < 0 {
		return "end " + f.where() + " with:" + f.ending()
	}
	others := hba.Record{Type: hba.Host, Databases: r.Databases, Users: r.Users, Address: hba.Address{Kind: hba.AnyAddress}, Method: "reject"}
	return "refuse the others right behind the line, before LDAP is asked about them:" + f.listed(others.String())
}

// ending are the last lines to write.
func (f file) ending() string {
	switch {
	case f.pooler:
		return f.listed("host all all all reject")
	case f.server.Operator == snapshot.StackGres:
		return f.listed("host all all 127.0.0.1/32 scram-sha-256", "host all all ::1/128 scram-sha-256",
			"hostssl all postgres POD-NETWORK scram-sha-256", "hostssl replication replicator POD-NETWORK scram-sha-256",
			"host replication all all reject", "host all all all reject") +
			"\n(the first four keep the pod's own sessions, pg_rewind and replication)"
	case f.ldap() >= 0:
		return f.listed(leftByLDAP) +
			"\n(LDAP is asked about whom no line of yours matches, over IPv4; a line that rejects these too would cut it off)"
	}
	return f.listed("host all all all reject")
}

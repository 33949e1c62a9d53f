package hbarules

import (
	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
)

// HBA1029 finds lines on +role that a role with CREATEROLE comes under by itself. It
// needs the list of roles.
var HBA1029 = &audit.Rule{
	ID:       "HBA1029",
	Title:    "a role with CREATEROLE makes itself a member",
	Severity: audit.Medium,
	Why: `Since 16 who creates a role is granted it, WITH ADMIN OPTION. To pg_hba.conf that is a
membership like any other, so that a role with CREATEROLE matches +role for each role
that it made, and makes one of the right name where there is none. It may also grant it
to whom it likes.`,
	Bad: `-- pg_hba.conf --
hostssl ledger +writers 10.1.0.0/16 scram-sha-256
host all all all reject
-- roles.json --
{"roles": [{"name": "writers"}, {"name": "helpdesk", "login": true, "createrole": true}],
 "memberships": [{"role": "writers", "member": "helpdesk"}]}
`,
	Good: `-- pg_hba.conf --
hostssl ledger app,worker 10.1.0.0/16 scram-sha-256
host all all all reject
-- roles.json --
{"roles": [{"name": "writers"}, {"name": "helpdesk", "login": true, "createrole": true}],
 "memberships": [{"role": "writers", "member": "helpdesk"}]}
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		eachLine(p, func(f file, r *hba.Record) {
			if !f.postgres() || f.version() < 16 || r.Method == "reject" {
				return
			}
			for _, t := range r.Users {
				if group, ok := t.Group(); ok && group != "" {
					f.creators(p, r, group)
				}
			}
		})
	},
}

// creators reports the roles that get into a group by creating it.
func (f file) creators(p *audit.Pass, r *hba.Record, group string) {
	set := f.server.RoleSet
	if set == nil {
		p.Skip(f.ref, "who is a member of a +role, and may create roles, is not known: nobody listed the roles")
		return
	}
	_, exists := set.Lookup(group)
	for _, name := range set.Names() {
		role, _ := set.Lookup(name)
		if !role.CreateRole || role.Superuser || !role.Login || exists && !set.Member(name, group) {
			continue
		}
		how := "is a member, and with CREATEROLE may have made itself one"
		if !exists {
			how = "has CREATEROLE, and is a member once it creates the role, which does not exist"
		}
		out := f.about(r, true, "%s in %s is also for %s: it %s", words.Quoted(r), f.name(), name, how)
		out.Fix = "name the roles in place of +" + group + ", or take CREATEROLE from " + name
		p.Report(out)
	}
}

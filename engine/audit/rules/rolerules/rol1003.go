package rolerules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// ROL1003 finds memberships by which an ordinary role is as good as a superuser, or reads
// and writes whatever there is.
var ROL1003 = &audit.Rule{
	ID:       "ROL1003",
	Title:    "a role is as good as a superuser by what it is a member of",
	Severity: audit.High,
	Why: `A member of pg_execute_server_program or pg_write_server_files becomes whoever runs the
server, and by that a superuser; pg_read_server_files reads the files of the database,
past every grant ("they could be used to gain superuser-level access", PostgreSQL
manual, Predefined Roles). A member of a superuser is one after SET
ROLE. pg_read_all_data and pg_write_all_data open every table of every database.`,
	Bad: cluster(`  managed:
    roles:
      - {name: app, login: true, inRoles: [pg_execute_server_program]}
`),
	Good: cluster(`  managed:
    roles:
      - {name: app, login: true, inRoles: [pg_monitor]}
`),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, s := range p.World.Servers {
			memberships(p, s)
		}
	},
}

// mighty are the predefined roles, with what a member may do.
var mighty = map[string]string{
	"pg_execute_server_program": "runs programs in the pod as the server does, and is by that a superuser",
	"pg_write_server_files":     "writes files of the pod as the server does, and is by that a superuser",
	"pg_read_server_files":      "reads the files of the database and of the pod, past every grant",
	"pg_read_all_data":          "reads every table of every database",
	"pg_write_all_data":         "writes every table of every database",
}

// allData are those of them that stay within the database.
var allData = []string{"pg_read_all_data", "pg_write_all_data"}

func memberships(p *audit.Pass, s *snapshot.Server) {
	roles := written(s)
	for _, r := range roles {
		for _, group := range r.MemberOf {
			does, ok := mighty[group]
			if !ok {
				if !isSuperuser(s, group) {
					continue
				}
				does = "is a superuser after SET ROLE " + group
			}
			f := audit.Finding{Subject: s.Ref(), Origin: attributeField(s, r, "inRoles"), Certain: true,
				Message: fmt.Sprintf("role %s of %s is a member of %s: it %s", r.Name, s.Ref(), group, does),
				Fix:     fmt.Sprintf("take %s out of the roles that %s is a member of, and grant what it needs of its own tables", group, r.Name)}
			if slices.Contains(allData, group) {
				f.Severity = audit.Medium
			}
			if through := below(roles, r.Name); len(through) > 0 {
				f.Message += "; so do its members " + list(through)
			}
			p.Report(f)
		}
	}
}

func isSuperuser(s *snapshot.Server, name string) bool {
	return slices.ContainsFunc(s.Roles, func(r snapshot.Role) bool { return r.Name == name && r.Superuser })
}

// below lists the members of a role, and theirs.
func below(roles []snapshot.Role, name string) []string {
	groups, out := []string{name}, []string{}
	for len(groups) > 0 {
		group := groups[0]
		groups = groups[1:]
		for _, r := range roles {
			if r.Name != name && slices.Contains(r.MemberOf, group) && !slices.Contains(out, r.Name) {
				out, groups = append(out, r.Name), append(groups, r.Name)
			}
		}
	}
	return out
}

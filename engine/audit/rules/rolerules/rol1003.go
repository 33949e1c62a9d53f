package rolerules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
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
		if groups := mightyOf(s, r); len(groups) > 0 && !r.Superuser { // of superusers ROL1002 tells
			p.Report(member(s, r, groups, below(roles, r.Name)))
		}
	}
}

// mightyOf are the groups of a role that make it mighty, sorted.
func mightyOf(s *snapshot.Server, r snapshot.Role) []string {
	return slices.DeleteFunc(slices.Sorted(slices.Values(r.MemberOf)), func(group string) bool { return mighty[group] == "" && !isSuperuser(s, group) })
}

// member is the finding about one role, for all of its groups.
func member(s *snapshot.Server, r snapshot.Role, groups []string, through []snapshot.Role) audit.Finding {
	var does, names []string
	for _, group := range groups {
		does = append(does, cmp.Or(mighty[group], "is a superuser after SET ROLE "+group))
	}
	for _, m := range through {
		names = append(names, m.Name)
	}
	f := audit.Finding{Subject: s.Ref(), Origin: attributeField(s, r, "inRoles"), Certain: true, Severity: weight(asGoodAs(r, groups, through)),
		Message: fmt.Sprintf("role %s of %s is a member of %s: it %s", r.Name, s.Ref(), words.List(groups), strings.Join(does, "; it ")),
		Fix:     fmt.Sprintf("take %s out of the roles that %s is a member of, and grant what it needs of its own tables", words.List(groups), r.Name)}
	if len(names) > 0 {
		f.Message += "; so do its members " + words.List(names)
	}
	return f
}

// asGoodAs is the role that the member is as good as. It may log in where one of its own
// members may.
func asGoodAs(r snapshot.Role, groups []string, through []snapshot.Role) snapshot.Role {
	return snapshot.Role{
		Superuser: slices.ContainsFunc(groups, func(g string) bool { return !slices.Contains(allData, g) }),
		NoLogin:   r.NoLogin && !slices.ContainsFunc(through, func(m snapshot.Role) bool { return !m.NoLogin }),
	}
}

func isSuperuser(s *snapshot.Server, name string) bool {
	return slices.ContainsFunc(s.Roles, func(r snapshot.Role) bool { return r.Name == name && r.Superuser })
}

// below lists the members of a role, and theirs.
func below(roles []snapshot.Role, name string) []snapshot.Role {
	var out []snapshot.Role
	known := map[string]bool{name: true}
	for groups := []string{name}; len(groups) > 0; groups = groups[1:] {
		for _, r := range roles {
			if !known[r.Name] && slices.Contains(r.MemberOf, groups[0]) {
				known[r.Name] = true
				out, groups = append(out, r), append(groups, r.Name)
			}
		}
	}
	return out
}

package rolerules

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// ROL1002 finds roles with attributes that no application needs.
var ROL1002 = &audit.Rule{
	ID:       "ROL1002",
	Title:    "a role has the attributes of an administrator",
	Severity: audit.High,
	Why: `SUPERUSER passes every check, and reads files and runs programs of the pod.
REPLICATION copies the whole cluster, every database and the password hashes with it.
BYPASSRLS sees the rows of all tenants. CREATEROLE makes roles and, since 16, is an
administrator of those; before 16 it changes the password of every role that is no
superuser. An application with such a role gives all that to whoever finds one hole in it.`,
	Bad: cluster(`  managed:
    roles:
      - {name: app, login: true, superuser: true}
`),
	Good: cluster(`  managed:
    roles:
      - {name: app, login: true}
`),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, s := range p.World.Servers {
			for _, r := range written(s) {
				if has := attributes(r); len(has) > 0 {
					p.Report(audit.Finding{Subject: s.Ref(), Origin: attributeField(s, r, strings.ToLower(has[0])), Certain: true, Severity: weight(r),
						Message: fmt.Sprintf("role %s of %s has %s: it %s", r.Name, s.Ref(), strings.Join(has, ", "), consequence(r)),
						Fix: "take the attribute away, unless the role is for administration alone; then keep its password from applications, and let pg_hba.conf admit it from few addresses:\n" +
							attribute(s, r, has[0])})
				}
			}
		}
	},
}

func attributes(r snapshot.Role) (out []string) {
	for _, a := range []struct {
		has  bool
		name string
	}{{r.Superuser, "SUPERUSER"}, {r.Replication, "REPLICATION"}, {r.BypassRLS, "BYPASSRLS"}, {r.CreateRole, "CREATEROLE"}} {
		if a.has {
			out = append(out, a.name)
		}
	}
	return out
}

func consequence(r snapshot.Role) string {
	switch {
	case r.Superuser:
		return "passes every check, and reads files and runs programs of the pod"
	case r.Replication:
		return "may copy every database, with the password hashes"
	case r.BypassRLS:
		return "sees the rows of everybody, whatever row security says"
	}
	return "makes roles and changes others"
}

// weight: a role that may not log in lends its attributes only to those who SET ROLE.
func weight(r snapshot.Role) audit.Severity {
	switch {
	case r.Superuser && !r.NoLogin:
		return audit.High
	case r.Superuser, !r.NoLogin:
		return audit.Medium
	}
	return audit.Low
}

package hbarules

import (
	"fmt"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// HBA1002 finds superusers that may log in over the network. Within named addresses
// and over TLS that is less bad: pg_rewind needs it with some operators.
var HBA1002 = &audit.Rule{
	ID:       "HBA1002",
	Title:    "a superuser may log in over the network",
	Severity: audit.High,
	Why: `A superuser reads and writes every table, and files and programs of the pod. Over
the network one password stands between a client and all that. Applications need
an ordinary role; people have kubectl exec and the local socket.`,
	Bad:   clusterWith("  enableSuperuserAccess: true\n", "host all postgres all scram-sha-256", "host all all all reject"),
	Good:  clusterWith("  enableSuperuserAccess: true\n", "host all postgres all reject", "hostssl all all 10.0.0.0/8 scram-sha-256", "host all all all reject"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			if f.sidecar { // it takes every role alike, and nobody can write a line there
				return
			}
			for _, role := range f.server.Roles {
				if role.Superuser && !role.NoLogin && hasPassword(f.server, role) {
					superuser(p, f, role)
				}
			}
		})
	},
}

// hasPassword: CloudNativePG takes the superuser's password away unless told not to.
func hasPassword(s *snapshot.Server, role snapshot.Role) bool {
	return s.Operator != "cloudnative-pg" || role.Name != "postgres" || role.Origin.Note == ""
}

func superuser(p *audit.Pass, f file, role snapshot.Role) {
	var first *hba.Record
	var also []verdict.Origin
	best, worst := never, audit.NoSeverity
	for i := range f.hba.Records {
		r := &f.hba.Records[i]
		if r.Method == "reject" || r.ClientCert() == hba.VerifyFull || r.Method == "peer" {
			continue
		}
		how := f.reach(r, probe{user: role.Name})
		if how == never {
			continue
		}
		if first == nil || how > best {
			first, best = r, max(best, how)
		} else if r.Origin.Object != "" || written(r) {
			also = append(also, r.Origin)
		}
		worst = max(worst, risk(r))
	}
	if first == nil {
		return
	}
	out := f.finding(first, best == surely)
	out.Severity, out.Also = worst, append(out.Also, also...)
	if f.bare() && f.server.RoleSet == nil {
		out.Assumptions = []string{snapshot.AssumeSuperuser}
	}
	out.Message = fmt.Sprintf("the superuser %s may log in over the network: %s in %s lets it as far as %s",
		role.Name, line(first), f.name(), credential(first))
	out.Fix = withoutSuperuser(f, role.Name, worst)
	if first.Line == 0 {
		out.Fix = "auth_type asks everybody alike, and no line can refuse one role: admit to the pooler only who needs it, by policy, and give applications an ordinary role"
	}
	p.Report(out)
}

// needsSuperuser is who needs the superuser over the network, of those that the operator
// brings; empty for nobody.
func needsSuperuser(f file, role string) string {
	switch {
	case !f.postgres() || role != "postgres":
		return ""
	case f.server.Operator == "stackgres":
		return "pg_rewind"
	case f.server.Operator == "zalando":
		return "the operator and pg_rewind"
	}
	return ""
}

// withoutSuperuser are the lines that refuse a superuser.
func withoutSuperuser(f file, role string, severity audit.Severity) string {
	refuse := fmt.Sprintf("host all %s all reject", hba.Token{Text: role})
	who := needsSuperuser(f, role)
	if who == "" {
		return "refuse the superuser first, and give applications an ordinary role:" + f.listed(refuse)
	}
	if severity == audit.Medium {
		return "keep the line for " + who + ", as narrow as their addresses allow, and give applications an ordinary role"
	}
	return "postgres is for " + who + ": admit it from the pod network over TLS, and refuse the rest:" +
		f.listed("hostssl all postgres POD-NETWORK scram-sha-256", refuse)
}

// risk of a record that a superuser comes to.
func risk(r *hba.Record) audit.Severity {
	narrow := r.Address.Kind == hba.Pods
	if ones, ok := prefix(r.Address); r.Address.Kind == hba.Net && ok {
		narrow = ones.Bits() > 0
	}
	if narrow && r.Type == hba.HostSSL && r.Method != "trust" {
		return audit.Medium
	}
	return audit.High
}

func credential(r *hba.Record) string {
	if r.Method == "trust" {
		return "the database, without any credential"
	}
	return "the question for a password"
}

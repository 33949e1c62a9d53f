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

// HBA1035 finds roles of the custom resource that no line is about, since one line of the
// user's made the operator's own for everybody disappear.
var HBA1035 = &audit.Rule{
	ID:       "HBA1035",
	Title:    "your lines took the operator's away, and a role has none",
	Severity: audit.High,
	Why: `Crunchy's operator and Percona's write "hostssl all all all scram-sha-256" only where
there is no line of a user's, and Zalando's writes its file only where
spec.patroni.pg_hba is empty. The first line that somebody adds, for one role, takes the
default away from all the others: the server refuses whomever no line matches.`,
	Setting: `apiVersion: apps/v1
kind: Deployment
metadata: {name: pgo, namespace: postgres-operator}
spec:
  selector: {matchLabels: {postgres-operator.crunchydata.com/control-plane: postgres-operator}}
  template:
    metadata: {labels: {postgres-operator.crunchydata.com/control-plane: postgres-operator}}
    spec: {containers: [{name: operator, image: "registry.example/crunchydata/postgres-operator:ubi9-6.0.3-0"}]}
---
`,
	Bad: hippo(`  authentication:
    rules:
      - hba: hostssl all reporting 10.0.0.0/8 scram-sha-256
`),
	Good: hippo(`  authentication:
    rules:
      - hba: hostssl all reporting 10.0.0.0/8 scram-sha-256
      - hba: hostssl all app all scram-sha-256
`),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			own := f.own()
			if len(own) == 0 || !f.postgres() || f.bare() {
				return
			}
			for _, role := range f.server.Roles {
				if !f.ordinary(role) {
					continue
				}
				if how := f.forgotten(role.Name); how != never {
					p.Report(f.nothingFor(role, own[len(own)-1], how))
				}
			}
		})
	},
}

// ordinary reports whether a person named the role so that something logs in as it.
func (f file) ordinary(r snapshot.Role) bool {
	for _, p := range f.server.Poolers {
		if p.AuthUser == r.Name {
			return false // that the pooler is cut is said of its flow
		}
	}
	return !r.NoLogin && !r.Superuser && !r.Replication && r.Origin.Note == ""
}

// forgotten tells whether every session of the role, from anywhere, passes all lines by;
// perhaps, where only a line of the operator's that may be there would take one.
func (f file) forgotten(role string) reached {
	databases := []hba.Name{hba.AnyOther()}
	for _, d := range f.server.Databases {
		databases = append(databases, hba.Named(d))
	}
	out := surely
	for _, client := range []hba.Client{{}, hba.Loopback()} {
		for _, tls := range []bool{false, true} {
			for _, db := range databases {
				s := hba.Session{TLS: tls, Client: client, User: hba.Named(role), Database: db, Member: f.member}
				result := f.decide(s)
				if !tls && result.Verdict == verdict.Deny {
					continue // a line that refuses plain text is about nobody
				}
				out = min(out, passed(result))
			}
		}
	}
	return out
}

// passed tells whether a session passed all lines by.
func passed(r hba.Result) reached {
	switch {
	case r.Verdict == verdict.Deny && r.Implicit:
		return surely
	case r.Verdict == verdict.Unknown && !slices.ContainsFunc(r.Candidates, func(c *hba.Record) bool { return words.Written(c) || c.Maybe == "" }):
		return perhaps
	}
	return never
}

func (f file) nothingFor(role snapshot.Role, last *hba.Record, how reached) audit.Finding {
	out := f.about(last, how == surely, "no line of %s is about role %s, and the operator's line for everybody is gone since you wrote your own: the server refuses it from everywhere",
		f.name(), role.Name)
	out.Also = []verdict.Origin{role.Origin}
	out.Fix = fmt.Sprintf("write a line for it, or the operator's own again:%s", f.listed("hostssl all "+role.Name+" all scram-sha-256", "hostssl all all all scram-sha-256"))
	return out
}

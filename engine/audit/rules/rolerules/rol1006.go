package rolerules

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// ROL1006 finds lines that a person added to a map of the operator's own records. How wide
// the maps of one's own records are is HBA1018's.
var ROL1006 = &audit.Rule{
	ID:       "ROL1006",
	Title:    "a line added to the operator's own user name map",
	Severity: audit.High,
	Why: `The operator's lines of pg_hba.conf come before yours, and ask its own maps who may be
whom: local, which makes the system user of the pod the superuser, and one for each role
that logs in by certificate. A line that spec.postgresql.pg_ident adds to one of them
lets further users of the system, or holders of further certificates, be those roles:
streaming_replica copies the whole cluster, postgres is its superuser. No later line of
pg_hba.conf is asked.`,
	Bad: cluster(`  postgresql:
    pg_ident:
      - cnpg_streaming_replica app streaming_replica
`),
	Good: cluster(`  postgresql:
    pg_hba:
      - hostssl ledger app all cert map=apps
      - host all all all reject
    pg_ident:
      - apps ledger-app app
`),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, s := range p.World.Servers {
			if len(s.Maps.Errors) > 0 {
				continue // which HBA1009 and HBA1018 tell of
			}
			for _, m := range s.Maps.Mappings {
				if m.Origin.Note == "" {
					joined(p, s, m)
				}
			}
		}
	},
}

// joined reports the mapping where a record of the operator asks for it.
func joined(p *audit.Pass, s *snapshot.Server, m ident.Mapping) {
	for _, r := range s.HBA.Records {
		if r.Origin.Note == "" || r.Map() != m.Map || r.Method == "reject" || !concerns(r, m) || known(s, m) {
			continue
		}
		who := "whoever has a certificate for"
		if r.Method == "peer" {
			who = "in the pod the system user"
		}
		p.Report(audit.Finding{Subject: s.Ref(), Origin: m.Origin, Certain: true, Severity: risk(s, r, m),
			Message: fmt.Sprintf("\"%s %s %s\" joins the operator's map %s: %s %s logs in as %s, past every line of yours",
				m.Map, m.System, m.Role, m.Map, who, m.System, m.Role),
			Fix: "give the map a name of its own, and name it in a line of spec.postgresql.pg_hba:\nspec:\n  postgresql:\n    pg_hba:\n" +
				"      - hostssl DATABASE ROLE all cert map=OWN\n    pg_ident:\n      - OWN " + m.System.String() + " ROLE"})
		return
	}
}

// concerns reports whether the record can be about a role of the mapping.
func concerns(r hba.Record, m ident.Mapping) bool {
	_, group := m.Role.Group()
	if m.Role.Regexp != nil || group || m.Role.Is("all") {
		return true
	}
	return slices.ContainsFunc(r.Users, func(u hba.Token) bool { return u.Is("all") || u.Text == m.Role.Text })
}

// known reports whether the system user may be anybody by the operator's own line, so that
// the mapping opens nothing: the one that runs the server.
func known(s *snapshot.Server, m ident.Mapping) bool {
	if m.System.Regexp != nil {
		return false
	}
	return slices.ContainsFunc(s.Maps.Mappings, func(own ident.Mapping) bool {
		return own.Origin.Note != "" && own.Map == m.Map && own.System.Text == m.System.Text &&
			(isSuperuser(s, own.Role.Text) || own.Role.Text == m.Role.Text)
	})
}

// risk: a system user of the pod is inside already; without the superuser it is less.
func risk(s *snapshot.Server, r hba.Record, m ident.Mapping) audit.Severity {
	if r.Method != "peer" || m.Role.Regexp != nil || m.Role.Is("all") || isSuperuser(s, m.Role.Text) {
		return audit.High
	}
	return audit.Medium
}

package rolerules

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// ROL1011 finds settings of the operator that make people superusers by their team.
var ROL1011 = &audit.Rule{
	ID:       "ROL1011",
	Title:    "everybody of a team is a superuser",
	Severity: audit.High,
	Why: `The operator of Zalando makes a role for each person of the team that a cluster names.
With enable_team_superuser every one of them is a superuser of the cluster;
postgres_superuser_teams are superusers of all clusters, and with
enable_postgres_team_crd_superusers whoever may write a PostgresTeam adds to them. Their
credential is a token that a service outside the cluster checks.`,
	Setting: zalandoCluster(""),
	Bad: `apiVersion: acid.zalan.do/v1
kind: OperatorConfiguration
metadata: {name: operator, namespace: postgres}
configuration:
  teams_api: {enable_teams_api: true, enable_team_superuser: true}
`,
	Good: `apiVersion: acid.zalan.do/v1
kind: OperatorConfiguration
metadata: {name: operator, namespace: postgres}
configuration:
  teams_api: {enable_teams_api: true, enable_team_superuser: false}
`,
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		seen := map[place]bool{}
		for _, s := range p.World.Servers {
			if s.Operator != snapshot.Zalando {
				continue
			}
			for _, t := range teamSettings {
				set, ok := s.Setting("operator." + t.key)
				if !ok || set.Default || !t.opens(set.Value) || !once(seen, set.Origin, t.key) {
					continue
				}
				p.Report(audit.Finding{Subject: s.Ref(), Origin: set.Origin, Certain: hasPeople(s), Severity: t.severity,
					Message: fmt.Sprintf("%s: %s", t.key, t.does), Fix: t.fix})
			}
		}
	},
}

// A teamSetting makes superusers of people.
type teamSetting struct {
	key       string
	severity  audit.Severity
	does, fix string
}

func (t teamSetting) opens(value string) bool {
	switch value {
	case "", "[]", "false", "null":
		return false
	}
	return true
}

var teamSettings = []teamSetting{
	{"enable_team_superuser", audit.High, "everybody of the team of a cluster is a superuser of it", "enable_team_superuser: false"},
	{"postgres_superuser_teams", audit.Medium, "everybody of these teams is a superuser of every cluster of the operator",
		"name a team of few people who run the databases, or none: postgres_superuser_teams: []"},
	{"enable_postgres_team_crd_superusers", audit.Medium, "whoever may write a PostgresTeam makes people superusers of the clusters it names",
		"enable_postgres_team_crd_superusers: false"},
}

// hasPeople reports whether the operator surely makes roles of people.
func hasPeople(s *snapshot.Server) bool {
	for _, key := range []string{"enable_teams_api", "enable_postgres_team_crd"} {
		if set, ok := s.Setting("operator." + key); ok && strings.Trim(set.Value, `"`) == "true" {
			return true
		}
	}
	return false
}

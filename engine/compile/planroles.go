package compile

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// reserved are the roles that an operator keeps for itself, beside those that the snapshot
// shows it to use; a star stands for the rest of a name. Roles that begin with pg_ are
// PostgreSQL's own (PostgreSQL manual, Predefined Roles).
var reserved = map[string][]string{
	// [cnpg docs/src/declarative_role_management.md@1.30.0]
	"cloudnative-pg": {"streaming_replica", "cnpg_*"},
	// [sg F/cluster/patroni/PatroniSecret.java@1.18.6]
	"stackgres": {"replicator", "authenticator"},
	// [zal pkg/cluster/cluster.go initSystemUsers, pkg/util/constants/streams.go@1.15.1]
	"zalando": {"standby", "pooler", "fes_user"},
	// [pgo internal/postgres/users.go, internal/pgbouncer/postgres.go, internal/pgmonitor/postgres.go@6.0.3]
	"crunchy": {"_crunchyrepl", "_crunchypgbouncer", "ccp_monitoring"},
	// [percona percona/pmm/pmm.go@3.0.0]
	"percona": {"_crunchyrepl", "_crunchypgbouncer", "ccp_monitoring", "monitor"},
}

// role refuses a role that no client may be.
func (p *planner) role(s *Site, e intent.Entry) {
	at := e.Origin.At("%s", field(e.Origin, "role"))
	switch {
	case isSuperuser(s.Server, e.Role) && !s.Perimeter.RemoteSuperuser:
		p.fail(at, "use a role with what the clients need, or set spec.superuser: Remote in perimeter "+s.Perimeter.Namespace+"/"+s.Perimeter.Name,
			"%q is the superuser, and the perimeter keeps it from the network", e.Role)
	case strings.HasPrefix(e.Role, "pg_"):
		p.fail(at, "make a role of your own and grant it this one", "%q is one of PostgreSQL's own roles, which do not log in", e.Role)
	case isReserved(s.Server, e.Role):
		p.fail(at, "make a role for the clients", "%q is a role that the operator (%s) keeps for itself", e.Role, s.Server.Operator)
	}
}

// isSuperuser reports whether a role is the one that initdb made; other superusers are
// roles that somebody chose to make one.
func isSuperuser(s *snapshot.Server, role string) bool {
	if role == "postgres" {
		return true
	}
	first := slices.IndexFunc(s.Roles, func(r snapshot.Role) bool { return r.Superuser })
	return first >= 0 && s.Roles[first].Name == role && s.Operator == "plain"
}

// isReserved reports whether the operator uses the role itself: by the flows that its
// server needs, by its poolers, or by what is known of the operator.
func isReserved(s *snapshot.Server, role string) bool {
	if slices.ContainsFunc(s.Vital, func(f snapshot.VitalFlow) bool {
		return !f.Optional && f.Role == role && role != "postgres" && within(s, f)
	}) {
		return true
	}
	if slices.ContainsFunc(s.Poolers, func(p *snapshot.Pooler) bool { return p.AuthUser == role && role != "" }) {
		return true
	}
	return slices.ContainsFunc(reserved[s.Operator], func(pattern string) bool {
		prefix, open := strings.CutSuffix(pattern, "*")
		return role == pattern || open && strings.HasPrefix(role, prefix)
	})
}

// within reports whether a flow ends at the server itself: what it is as at another server
// says nothing of this one's roles.
func within(s *snapshot.Server, f snapshot.VitalFlow) bool {
	return slices.ContainsFunc(f.To.Pods, func(p *snapshot.Pod) bool { return p.Workload == s.Workload })
}

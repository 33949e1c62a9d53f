package compile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/spelling"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// reserved are the roles that an operator keeps for itself, beside those that the snapshot
// shows it to use; a star stands for the rest of a name. Roles that begin with pg_ are
// PostgreSQL's own (PostgreSQL manual, Predefined Roles).
var reserved = map[string][]string{
	// [cnpg docs/src/declarative_role_management.md@1.30.0]
	"cloudnative-pg": {"streaming_replica", "cnpg_*"},
	// [sg F/cluster/patroni/PatroniSecret.java@1.18.6]
	"stackgres": {"replicator", "authenticator"},
	// [zal pkg/cluster/cluster.go initSystemUsers, pkg/util/constants/streams.go@1.15.1], and
	// what protected_role_names has by default [zal docs/reference/operator_parameters.md@1.15.1]
	"zalando": {"standby", "pooler", "fes_user", "admin", "cron_admin"},
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
	case slices.Contains(noRoles, e.Role):
		p.fail(at, "make a role for the clients", "%q is a word for no role, and no role can be called that", e.Role)
	case isReserved(s.Server, e.Role):
		p.fail(at, "make a role for the clients", "%q is a role that the operator (%s) keeps for itself", e.Role, s.Server.Operator)
	default:
		p.knownRole(s, e, at)
	}
}

// noRoles cannot be made (PostgreSQL, gram.y RoleSpec: "role name is reserved").
var noRoles = []string{"public", "none"}

// knownRole warns of a role that a manifest keeps from logging in, and of one that no
// manifest names while it names nearly the same.
func (p *planner) knownRole(s *Site, e intent.Entry, at verdict.Origin) {
	var names []string
	for _, r := range s.Server.Roles {
		if r.Name == e.Role {
			if r.NoLogin {
				p.warn(at, "let it log in, or name one that may", "%q may not log in (NOLOGIN)%s", e.Role, p.place(r.Origin))
			}
			return
		}
		if r.Name != "postgres" && !r.NoLogin && !isReserved(s.Server, r.Name) {
			names = append(names, r.Name)
		}
	}
	if near := slip(e.Role, names); near != "" {
		p.warn(at, "did you mean "+near+"?", "no manifest names the role %q", e.Role)
	}
}

// databases refuses databases that take no client, and warns of one that no manifest names
// while it names nearly the same.
func (p *planner) databases(s *Site, e intent.Entry) {
	for i, d := range e.Databases {
		at := e.Origin.At("%s", field(e.Origin, fmt.Sprintf("databases[%d]", i)))
		switch {
		case d == "template0":
			p.fail(at, "name the database that is meant", "%q takes no connections: new databases are copied from it", d)
		case d == "pgbouncer" && e.Pooler != "":
			p.fail(at, "name the database behind the pooler", "%q is the console of the pooler, which steers it", d)
		case !slices.Contains(s.Server.Databases, d):
			if near := slip(d, s.Server.Databases); near != "" && d != "postgres" {
				p.warn(at, "did you mean "+near+"?", "no manifest names the database %q", d)
			}
		}
	}
}

// slip is the name that a word may be with one slip of the finger; empty for none, and for
// words that are so short that many are near.
func slip(word string, names []string) string {
	near := nearestOf(word, names)
	if len(word) < 5 || near == "" || spelling.Distance(word, near) > 1 {
		return ""
	}
	return near
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

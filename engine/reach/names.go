package reach

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// PhysicalReplication stands, as database, for the whole cluster as a standby or a
// base backup reads it; "all" does not match it (PostgreSQL hba.c check_db).
const PhysicalReplication = "(physical replication)"

// Names are the databases and roles that a closed list tells apart, sorted. All others
// are one class, AnyOther.
type Names struct {
	Databases, Roles []string
	// Certificates says that sessions with a client certificate are told apart, too.
	Certificates bool
}

// NamesOf are those that the servers' manifests or files name.
func NamesOf(servers ...*snapshot.Server) Names {
	var n Names
	for _, s := range servers {
		n.Certificates = n.Certificates || asksForCertificates(s)
		n.Databases, n.Roles = append(n.Databases, Databases(s)...), append(n.Roles, Roles(s)...)
	}
	slices.Sort(n.Databases)
	slices.Sort(n.Roles)
	n.Databases, n.Roles = slices.Compact(n.Databases), slices.Compact(n.Roles)
	return n
}

// asksForCertificates reports whether some record does.
func asksForCertificates(s *snapshot.Server) bool {
	return slices.ContainsFunc(recordsOf(s), func(r *hba.Record) bool { return r.ClientCert() != hba.NoClientCert })
}

// Cells is how many combinations of a database and a role a list of the names has.
func (n Names) Cells() int { return (len(n.Databases) + 2) * (len(n.Roles) + 1) }

// Databases lists the databases that the server's manifests or its files name.
func Databases(s *snapshot.Server) []string {
	out := slices.Clone(s.Databases)
	for _, r := range remote(s) {
		out = append(out, hba.Literals(r.Databases, "all", "sameuser", "samerole", "samegroup", "replication")...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Roles lists the roles that the server's manifests or its files name.
func Roles(s *snapshot.Server) []string {
	var out []string
	for _, r := range s.Roles {
		if !r.NoLogin {
			out = append(out, r.Name)
		}
	}
	for _, r := range remote(s) {
		out = append(out, hba.Literals(r.Users, "all")...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// remote are the records that decide about clients of a server: those of its own
// file and of its poolers', without the ones that only a Unix socket meets, unless
// sessions come through one.
func remote(s *snapshot.Server) []hba.Record {
	socket := slices.ContainsFunc(s.Ports, func(p snapshot.ServerPort) bool { return p.Sees == snapshot.SeesSocket })
	out := slices.Clone(s.HBA.Records)
	for _, p := range s.Poolers {
		out = append(out, p.HBA.Records...)
	}
	return slices.DeleteFunc(out, func(r hba.Record) bool { return r.Type == hba.Local && !socket })
}

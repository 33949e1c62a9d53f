package reach

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// PhysicalReplication stands, as database, for the whole cluster as a standby or a
// base backup reads it; "all" does not match it (PostgreSQL hba.c check_db).
const PhysicalReplication = "(physical replication)"

// Questions is how many questions the closed list of a server asks of the outside,
// more or less: each database as each role from each part at which an answer may
// change. It grows with the cube of what pg_hba.conf names.
func (e *Engine) Questions(s *snapshot.Server) int {
	b := &book{Engine: e, server: s}
	return (len(Databases(s)) + 2) * (len(Roles(s)) + 1) * 2 * (2*len(b.cuts()) + 2)
}

// sessions lists what clients may ask a server for: every database and role that
// is named anywhere and any other, in plain text, over TLS, and over TLS with a
// client certificate of the role where some record asks for one.
func sessions(s *snapshot.Server) []Session {
	var out []Session
	certs := asksForCertificates(s)
	for _, db := range append(Databases(s), AnyOther, PhysicalReplication) {
		for _, role := range append(Roles(s), AnyOther) {
			asked := Session{Database: db, Role: role, Replication: db == PhysicalReplication}
			plain, tls, cert := asked, asked, asked
			tls.TLS, cert.TLS, cert.Cert = true, true, role
			out = append(out, tls, plain)
			if certs {
				out = append(out, cert)
			}
		}
	}
	return out
}

func asksForCertificates(s *snapshot.Server) bool {
	return slices.ContainsFunc(s.HBA.Records, func(r hba.Record) bool {
		return r.ClientCert() != hba.NoClientCert
	})
}

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

package reach

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A nameBlock is databases and roles that every file answers alike, so that one of each
// stands for all. Roles are divided first, and then, for each part of them, databases,
// by the records that are left: their number grows with what the files say, not with
// the number of combinations.
type nameBlock struct {
	databases, roles []string
	// sessions are the ways in which a client can present itself.
	sessions []Session
	// alive are the records that can be about one of the sessions, by their number.
	alive []int
}

// blocks divides the names of a closed list.
func (b *book) blocks() []nameBlock {
	var out []nameBlock
	for _, roles := range b.rolesAlike() {
		alive := b.about(roles[0])
		for _, databases := range b.databasesAlike(roles[0], b.alsoByPoolers(alive)) {
			out = append(out, nameBlock{databases: databases, roles: roles,
				sessions: presented(databases[0], roles[0], b.names.Certificates), alive: b.on(databases[0], roles[0], alive)})
		}
	}
	return out
}

// presented are a session in plain text, over TLS, and, where some record asks for
// one, over TLS with a client certificate of the role.
func presented(database, role string, certs bool) []Session {
	plain := Session{Database: database, Role: role, Replication: database == PhysicalReplication}
	tls := plain
	tls.TLS = true
	out := []Session{tls, plain}
	if certs {
		tls.Cert = role
		out = append(out, tls)
	}
	return out
}

// grouped groups names by a key, in the order in which the keys first appear.
func grouped(names []string, key func(string) string) [][]string {
	var out [][]string
	at := map[string]int{}
	for _, name := range names {
		k := key(name)
		i, known := at[k]
		if !known {
			i = len(out)
			at[k], out = i, append(out, nil)
		}
		out[i] = append(out[i], name)
	}
	return out
}

// rolesAlike groups the roles by the records that are about them and by what the
// identity maps make of their certificates.
func (b *book) rolesAlike() [][]string {
	maps := b.mapNames()
	paired := slices.ContainsFunc(b.records, b.pairs)
	return grouped(append(slices.Clone(b.names.Roles), AnyOther), func(role string) string {
		s := b.asked("", role)
		key := make([]byte, 0, len(b.records)+len(maps)+len(role))
		for _, r := range b.records {
			key = append(key, byte(r.MatchUsers(&s)))
		}
		for _, m := range maps {
			key = append(key, byte(ident.Map(b.server.Maps, m, role, nameOf(role), b.member).Match))
		}
		if paired || role == AnyOther {
			key = append(key, role...)
		}
		return string(key)
	})
}

// pairs reports whether a record asks how the names of a database and a role go
// together: sameuser, samerole.
func (b *book) pairs(r *hba.Record) bool {
	const one, other = "\x01one", "\x01other"
	is := func(database string, member hba.Match) hba.Match {
		return r.MatchDatabases(&hba.Session{Database: hba.Named(database), User: hba.Named(one),
			Member: func(string, string) hba.Match { return member }})
	}
	first := is(one, hba.Yes)
	return is(other, hba.Yes) != first || is(other, hba.No) != first
}

// databasesAlike groups the databases by those of the records that are about them.
func (b *book) databasesAlike(role string, alive []int) [][]string {
	return grouped(append(slices.Clone(b.names.Databases), AnyOther, PhysicalReplication), func(database string) string {
		s := b.asked(database, role)
		key := make([]byte, 0, len(alive)+1)
		for _, i := range alive {
			key = append(key, byte(b.records[i].MatchDatabases(&s)))
		}
		switch database {
		case AnyOther:
			key = append(key, 'o')
		case PhysicalReplication:
			key = append(key, 'r')
		}
		return string(key)
	})
}

func (b *book) asked(database, role string) hba.Session {
	return hba.Session{Database: nameOf(database), User: nameOf(role), Replication: database == PhysicalReplication, Member: b.member}
}

// about are the records that may be about a role.
func (b *book) about(role string) []int {
	s := b.asked("", role)
	var out []int
	for i, r := range b.records {
		if r.MatchUsers(&s) != hba.No {
			out = append(out, i)
		}
	}
	return out
}

// alsoByPoolers adds the records that may be about a role in which a pooler comes to the
// client's database in its own name.
func (b *book) alsoByPoolers(alive []int) []int {
	for _, p := range b.server.Poolers {
		if p.AuthUser != "" && p.AuthDatabase == "" {
			alive = union(alive, b.about(p.AuthUser))
		}
		if p.Becomes != "" {
			alive = union(alive, b.about(p.Becomes))
		}
	}
	return alive
}

func union(a, b []int) []int {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

// on are those of the records that may be about a database.
func (b *book) on(database, role string, alive []int) []int {
	s := b.asked(database, role)
	return slices.DeleteFunc(slices.Clone(alive), func(i int) bool { return b.records[i].MatchDatabases(&s) == hba.No })
}

// mapNames are the identity maps that some record uses, each once.
func (b *book) mapNames() []string {
	var out []string
	for _, r := range b.records {
		if r.ClientCert() != hba.NoClientCert || r.Method == "peer" || r.Method == "ident" {
			out = append(out, r.Map())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// recordsOf are the records of all files that have a say about sessions of a server.
func recordsOf(s *snapshot.Server) []*hba.Record {
	files := []*hba.File{&s.HBA}
	for i := range s.Ports {
		if p := s.Ports[i].Pooler; p != nil {
			files = append(files, p)
		}
	}
	for _, p := range s.Poolers {
		files = append(files, &p.HBA)
	}
	var out []*hba.Record
	for _, f := range files {
		for i := range f.Records {
			out = append(out, &f.Records[i])
		}
	}
	return out
}

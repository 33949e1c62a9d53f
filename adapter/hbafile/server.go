package hbafile

import (
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/role"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Input is what the text is read from.
func (t Text) Input(version int, server hba.Server) hba.Input {
	return hba.Input{Version: version, Path: t.path(), Files: t.files(), Server: server,
		Sources: []hba.Source{{Text: t.Text}}}
}

// Server makes a server of a bare file: what is known of it is in the input, in
// pg_ident.conf and in the list of roles, both of which may be nil. Clients reach it
// directly over the network, and whether it offers TLS is not known.
func Server(in hba.Input, maps *ident.File, roles *role.Set) *snapshot.Server {
	if maps == nil {
		maps = &ident.File{Version: in.Version, Errors: []hba.Error{{Missing: true, Message: "pg_ident.conf was not given"}}}
	}
	w := &snapshot.Workload{Ref: snapshot.Ref{Kind: "File", Name: in.Path}}
	w.Pods = []*snapshot.Pod{{Workload: w, Part: snapshot.Primary, Labels: netpol.Labels{Set: map[string]string{}}}}
	s := &snapshot.Server{
		Operator: snapshot.BareFile, Workload: w, Version: in.Version, HBA: hba.Read(in), Maps: *maps, Source: &in,
		Ports:  []snapshot.ServerPort{{Name: "postgres", Port: 5432, Sees: snapshot.SeesClient}},
		Origin: verdict.Origin{File: in.Path}, RoleSet: roles, Roles: named(roles),
	}
	return s
}

// PgBouncerServer stands for a PgBouncer of which there is only its auth_hba_file.
func PgBouncerServer(name string, f hba.File, roles *role.Set) *snapshot.Server {
	s := Server(hba.Input{Path: name}, nil, roles)
	s.HBA, s.Source, s.Version = f, nil, f.Version
	return s
}

// WithRoles returns the server with a list of all its roles; nil changes nothing.
func WithRoles(s *snapshot.Server, roles *role.Set) *snapshot.Server {
	out := *s
	if roles != nil {
		out.RoleSet, out.Roles = roles, named(roles)
	}
	return &out
}

// named lists roles as manifests would. Where nobody listed them there is at least
// the superuser that initdb makes.
func named(set *role.Set) []snapshot.Role {
	if set == nil {
		return []snapshot.Role{{Name: "postgres", Superuser: true, Origin: verdict.Origin{Note: "made by initdb"}}}
	}
	var out []snapshot.Role
	for _, name := range set.Names() {
		r, _ := set.Lookup(name)
		groups := slices.DeleteFunc(slices.Clone(set.Groups(name)), func(g string) bool { return g == name })
		out = append(out, snapshot.Role{Name: name, Superuser: r.Superuser, Replication: r.Replication,
			NoLogin: !r.Login, MemberOf: groups})
	}
	return out
}

// World is a snapshot of these servers alone.
func World(servers ...*snapshot.Server) *snapshot.Snapshot {
	out := &snapshot.Snapshot{Namespaces: map[string]*snapshot.Namespace{}, Servers: servers}
	out.Facts.PodCIDRs = []netip.Prefix{}
	for _, s := range servers {
		out.Workloads = append(out.Workloads, s.Workload)
	}
	return out
}

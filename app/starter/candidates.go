package starter

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Candidate is a workload that may be an application of a server.
type Candidate struct {
	Workload *snapshot.Workload
	// Today is what it reaches as things are, as roles that are not the operator's; an empty
	// name stands for all that no manifest names. Empty where it reaches nothing.
	Today []Entry
}

// Candidates are all workloads that are no database, no pooler and no program that the
// server needs to stay alive, those that reach it today first. Without looking they are not
// asked what they reach.
func Candidates(world *snapshot.Snapshot, s *snapshot.Server, look bool) []Candidate {
	today := map[snapshot.Ref][]Entry{}
	if look {
		today = sessions(world, s)
	}
	taken := databases(world)
	for _, f := range s.Vital {
		for _, p := range slices.Concat(f.From.Pods, f.To.Pods) {
			taken[p.Workload] = true
		}
	}
	var out []Candidate
	for _, w := range world.Workloads {
		if !taken[w] {
			out = append(out, Candidate{w, today[w.Ref]})
		}
	}
	slices.SortStableFunc(out, func(a, b Candidate) int {
		return cmp.Compare(min(1, len(b.Today)), min(1, len(a.Today)))
	})
	return out
}

// databases are the workloads of servers and poolers.
func databases(world *snapshot.Snapshot) map[*snapshot.Workload]bool {
	out := map[*snapshot.Workload]bool{}
	for _, s := range world.Servers {
		out[s.Workload] = true
		for _, p := range s.Poolers {
			out[p.Workload] = true
		}
	}
	return out
}

// sessions are the databases and roles that workloads reach for certain.
func sessions(world *snapshot.Snapshot, s *snapshot.Server) map[snapshot.Ref][]Entry {
	out := map[snapshot.Ref][]Entry{}
	databases, roles := append(Databases(s), reach.AnyOther), append(Roles(s), reach.AnyOther)
	for _, c := range reach.New(world).WhoCan(s) {
		if c.Verdict != verdict.Allow || !slices.Contains(roles, c.Role) || !slices.Contains(databases, c.Database) {
			continue
		}
		for _, l := range c.Logins {
			for _, r := range l.Routes {
				e := Entry{Database: named(c.Database), Role: named(c.Role), Pooler: r.PoolerName(s)}
				if l.Verdict == verdict.Allow && !slices.Contains(out[c.From], e) {
					out[c.From] = append(out[c.From], e)
				}
			}
		}
	}
	return out
}

func named(name string) string {
	if name == reach.AnyOther {
		return ""
	}
	return name
}

// Poolers are the names of those that an access to the server may name.
func Poolers(s *snapshot.Server) []string {
	var out []string
	for _, p := range s.Poolers {
		out = append(out, p.Ref().Name)
	}
	if slices.ContainsFunc(s.Ports, func(p snapshot.ServerPort) bool { return p.Pooler != nil }) {
		out = append(out, s.Ref().Name)
	}
	return out
}

// Databases are those that manifests name, but for what is not an application's.
func Databases(s *snapshot.Server) []string {
	return slices.DeleteFunc(reach.Databases(s), func(d string) bool {
		return d == reach.AnyOther || d == reach.PhysicalReplication || d == "postgres" || d == "pgbouncer"
	})
}

// Roles are those that manifests name and that may be an application's: no superuser, and
// none that the operator or a pooler logs in as itself.
func Roles(s *snapshot.Server) []string {
	taken := map[string]bool{reach.AnyOther: true}
	for _, r := range Superusers(s) {
		taken[r] = true
	}
	for _, r := range s.Roles {
		taken[r.Name] = taken[r.Name] || r.Replication || r.NoLogin
	}
	for _, f := range s.Vital {
		taken[f.Role], taken[f.Cert] = true, true
	}
	for _, p := range s.Poolers {
		taken[p.AuthUser] = true
	}
	return slices.DeleteFunc(reach.Roles(s), func(r string) bool {
		return taken[r] || strings.HasPrefix(r, "pg_") || strings.HasPrefix(r, "cnpg_")
	})
}

// Superusers are postgres and the other roles that a manifest makes superusers.
func Superusers(s *snapshot.Server) []string {
	out := []string{"postgres"}
	for _, r := range s.Roles {
		if r.Superuser && !slices.Contains(out, r.Name) {
			out = append(out, r.Name)
		}
	}
	return out
}

// Operators are the namespaces, but for the server's own, from which what keeps it alive
// logs in.
func Operators(s *snapshot.Server) []string {
	var out []string
	for _, f := range s.Vital {
		if f.Role == "" || f.Optional || !slices.ContainsFunc(f.To.Pods, func(p *snapshot.Pod) bool { return p.Workload == s.Workload }) {
			continue
		}
		from := []string{f.From.Namespace}
		for _, p := range f.From.Pods {
			from = append(from, p.Namespace)
		}
		for _, n := range from {
			if n != "" && n != s.Ref().Namespace && !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	slices.Sort(out)
	return out
}

// Scrapers are the workloads that reach a port of the server with its metrics today.
func Scrapers(world *snapshot.Snapshot, s *snapshot.Server) []*snapshot.Workload {
	reached := map[snapshot.Ref]bool{}
	for _, c := range reach.New(world).Control(s) {
		if c.Verdict == verdict.Allow && strings.Contains(c.Port.Name, "exporter") {
			reached[c.From] = true
		}
	}
	taken := databases(world)
	var out []*snapshot.Workload
	for _, w := range world.Workloads {
		if reached[w.Ref] && !taken[w] {
			out = append(out, w)
		}
	}
	return out
}

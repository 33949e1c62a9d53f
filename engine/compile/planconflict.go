package compile

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// shared refuses to write a pg_hba.conf that another server reads as well: what is made for
// one would be the other's file, whoever has a perimeter.
func (p *planner) shared(s *Site) {
	ref, path, at, ok := mountedFile(s.Server)
	if s.Server.Operator != plainOperator || !ok {
		return
	}
	for _, other := range p.job.World.Servers {
		if theirs, as, _, reads := mountedFile(other); other == s.Server || !reads || theirs != ref || !slices.Equal(as, path) {
			continue
		}
		p.fail(s.Perimeter.Server.Origin, "give each server one of its own", "%s%s is the pg_hba.conf of %s, too: what the perimeter makes of it would be that one's as well",
			ref, p.place(at), other.Ref())
	}
}

// conflicts refuses accesses that contradict each other.
func (p *planner) conflicts() {
	for _, s := range p.job.Sites {
		for i, a := range s.Accesses {
			for _, b := range s.Accesses[i:] {
				p.between(a, b)
			}
		}
	}
	p.isolation()
}

// between compares the entries of two accesses of one server, or of one with itself:
// pg_hba.conf has one answer for a client, a database and a role, so that two methods, or
// TLS that is required and is not, cannot both be meant.
func (p *planner) between(a, b *intent.Access) {
	for i, e := range a.To {
		for j, f := range b.To {
			if a == b && j <= i || e.Role != f.Role || !shareText(e.Databases, f.Databases) {
				continue
			}
			var text, fix string
			switch {
			case e.Authentication != f.Authentication:
				text, fix = "another authentication", "ask for the same authentication in both"
			case e.PlainText != f.PlainText:
				text, fix = "TLS otherwise", "ask for the same tls in both"
			default:
				continue
			}
			if e.Pooler != f.Pooler || a != b && !p.overlap(a, b) {
				continue
			}
			p.fail(f.Origin, fix, "role %q gets into the same database from the same clients by %s%s, which asks for %s", f.Role, atText(e.Origin), p.place(e.Origin), text)
		}
	}
}

func shareText(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// overlap reports whether two accesses have a client in common: a pod of the estate, an
// address, or the same words.
func (p *planner) overlap(a, b *intent.Access) bool {
	for _, x := range a.From {
		for _, y := range b.From {
			if x.IsOutside() != y.IsOutside() {
				continue
			}
			if x.IsOutside() {
				if !x.Addresses.Intersect(y.Addresses).IsEmpty() {
					return true
				}
				continue
			}
			if peerText(x, a.Namespace) == peerText(y, b.Namespace) {
				return true
			}
			others := peerPods(p.job.World, p.podsIn, y, b.Namespace)
			if slices.ContainsFunc(peerPods(p.job.World, p.podsIn, x, a.Namespace), func(pod *snapshot.Pod) bool { return slices.Contains(others, pod) }) {
				return true
			}
		}
	}
	return false
}

// isolation refuses an access that closes the way out of clients that another access needs
// and does not let anything be written for.
func (p *planner) isolation() {
	by := map[*snapshot.Pod]*intent.Access{}
	p.eachClient(intent.Isolate, func(a *intent.Access, pod *snapshot.Pod) {
		if by[pod] == nil {
			by[pod] = a
		}
	})
	told := map[[2]*intent.Access]bool{}
	p.eachClient(intent.NeverIsolate, func(a *intent.Access, pod *snapshot.Pod) {
		other := by[pod]
		if other == nil || told[[2]*intent.Access{a, other}] {
			return
		}
		told[[2]*intent.Access{a, other}] = true
		p.fail(a.Client.Origin, "set isolation: WhereIsolated", "access %s/%s%s closes the way out of %s, and nothing may be written to open the way that this access needs",
			other.Namespace, other.Name, p.place(other.Client.Origin), pod.Ref())
	})
}

// eachClient calls f with each pod that is a client of an access with an isolation.
func (p *planner) eachClient(i intent.Isolation, f func(*intent.Access, *snapshot.Pod)) {
	for _, s := range p.job.Sites {
		for _, a := range s.Accesses {
			if a.Client.Isolation != i {
				continue
			}
			for _, from := range a.From {
				for _, pod := range peerPods(p.job.World, p.podsIn, from, a.Namespace) {
					f(a, pod)
				}
			}
		}
	}
}

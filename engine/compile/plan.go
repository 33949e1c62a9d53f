package compile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/spelling"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Plan checks intents against an estate and sorts them by server. Where one of the errors
// is not a warning nothing may be compiled. An access that has ended is not looked at: it
// is only listed.
func Plan(in intent.Intents, world *snapshot.Snapshot, now snapshot.Moment) (*Job, []Error) {
	p := &planner{job: &Job{World: world, Now: now}, podsIn: map[string][]*snapshot.Pod{}}
	for _, w := range world.Workloads {
		for _, pod := range w.Pods {
			p.podsIn[pod.Namespace] = append(p.podsIn[pod.Namespace], pod)
		}
	}
	for _, problem := range in.Problems {
		p.fail(problem.Origin, "", "%s", problem.Fault())
	}
	for _, perimeter := range in.Perimeters {
		p.perimeter(perimeter)
	}
	slices.SortStableFunc(p.job.Sites, func(a, b *Site) int { return a.Server.Ref().Compare(b.Server.Ref()) })
	p.priorities()
	for _, a := range in.Accesses {
		p.access(a)
	}
	for _, s := range p.job.Sites {
		byName := func(a, b *intent.Access) int {
			return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
		}
		slices.SortStableFunc(s.Accesses, byName)
		slices.SortStableFunc(s.Expired, byName)
	}
	p.conflicts()
	for _, v := range in.Invariants {
		p.invariant(v)
	}
	slices.SortStableFunc(p.errors, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.Origin.File, b.Origin.File), cmp.Compare(a.Origin.Line, b.Origin.Line),
			cmp.Compare(a.Origin.Object, b.Origin.Object))
	})
	return p.job, p.errors
}

type planner struct {
	job    *Job
	podsIn map[string][]*snapshot.Pod
	errors []Error
}

// fail adds an error; its origin gets the line of its field.
func (p *planner) fail(at verdict.Origin, fix, format string, args ...any) {
	p.errors = append(p.errors, Error{Origin: p.job.World.Locate(at), Text: fmt.Sprintf(format, args...), Fix: fix})
}

func (p *planner) warn(at verdict.Origin, fix, format string, args ...any) {
	p.fail(at, fix, format, args...)
	p.errors[len(p.errors)-1].Warning = true
}

// place is the file and line of an origin, to stand behind a name; empty where they are not
// known.
func (p *planner) place(at verdict.Origin) string {
	at = p.job.World.Locate(at)
	if at.File == "" {
		return ""
	}
	return fmt.Sprintf(" (%s:%d)", at.File, at.Line)
}

// perimeter adds the site of a perimeter.
func (p *planner) perimeter(in *intent.Perimeter) {
	server := p.server(in.Server)
	if server == nil {
		return
	}
	if s := p.site(server); s != nil {
		p.fail(in.Server.Origin, "keep one of them", "%s has a perimeter already: %s/%s%s", server.Ref(), s.Perimeter.Namespace, s.Perimeter.Name, p.place(s.Perimeter.Origin))
		return
	}
	site := &Site{Server: server, Perimeter: in}
	p.job.Sites = append(p.job.Sites, site)
	p.owned(site)
	p.outwards(site)
	p.shared(site)
	for _, m := range in.Monitoring {
		p.matches(m, in.Namespace, "monitoring")
		p.outside(m)
	}
	for _, d := range slices.Concat(in.Backup, in.Egress) {
		p.matches(d.To, in.Namespace, "destination "+d.Name)
	}
}

// site is the one of a server; nil for none.
func (p *planner) site(server *snapshot.Server) *Site {
	for _, s := range p.job.Sites {
		if s.Server == server {
			return s
		}
	}
	return nil
}

// server finds the server that is meant; nil where there is no error-free answer.
func (p *planner) server(ref intent.ServerRef) *snapshot.Server {
	var found []*snapshot.Server
	for _, s := range p.job.World.Servers {
		if ref.Matches(s.Ref()) {
			found = append(found, s)
		}
	}
	switch len(found) {
	case 1:
		return found[0]
	case 0:
		p.fail(ref.Origin, p.nearest(ref), "no server %s is in namespace %s", wanted(ref), ref.Namespace)
	default:
		var kinds []string
		for _, s := range found {
			kinds = append(kinds, s.Ref().Kind)
		}
		p.fail(ref.Origin, "add kind: "+strings.Join(kinds, " or kind: "), "%s servers of namespace %s are called %s",
			plural(len(found), "kind"), ref.Namespace, ref.Name)
	}
	return nil
}

func wanted(ref intent.ServerRef) string { return strings.TrimSpace(ref.Kind + " " + ref.Name) }

// nearest suggests the server that was probably meant.
func (p *planner) nearest(ref intent.ServerRef) string {
	for _, w := range p.job.World.Workloads {
		if ref.Kind == "" && w.Namespace == ref.Namespace && w.Name == ref.Name {
			return fmt.Sprintf(`%s is there, and nothing in it tells that it is PostgreSQL: annotate it with pgmoat.dev/postgresql: "true" if it is`, w.Ref)
		}
	}
	best, distance := "", 1<<30
	for _, s := range p.job.World.Servers {
		r := s.Ref()
		d := spelling.Distance(ref.Name, r.Name)
		if ref.Namespace != "" && r.Namespace != ref.Namespace {
			d += 2
		}
		if ref.Kind != "" && r.Kind != ref.Kind {
			d++
		}
		if d < distance {
			best, distance = r.String(), d
		}
	}
	if best == "" {
		return "the estate has no server at all: is its object among what was read?"
	}
	if distance <= max(2, len(ref.Name)/2) {
		return "did you mean " + best + "?"
	}
	return "the nearest is " + best
}

// owned refuses to close a namespace in which others live.
func (p *planner) owned(s *Site) {
	o := s.Perimeter.Owned
	if o == nil {
		return
	}
	namespace := s.Server.Ref().Namespace
	for _, pod := range p.podsIn[namespace] {
		if !s.Server.Owns(pod.Workload) && o.DefaultDeny {
			p.fail(o.Origin, "leave spec.namespace out, or set defaultDeny: false", "namespace %s is not the server's alone: %s lives there too and would be cut off",
				namespace, pod.Workload.Ref)
			return
		}
	}
}

// outwards refuses to close the way out where something that the server needs is at an
// address that nobody wrote down.
func (p *planner) outwards(s *Site) {
	if !s.Perimeter.EgressIsolated && (s.Perimeter.Owned == nil || !s.Perimeter.Owned.DefaultDeny) {
		return
	}
	told := map[string]bool{}
	covered := siteNetwork{Site: s}
	for _, f := range s.Server.Vital {
		hidden := f.To.OutsideUnknown && f.To.Name != snapshot.KubeAPIServer ||
			f.To.Namespace != "" && len(f.To.Pods) == 0 && len(f.To.Labels.Set) == 0
		if f.Optional || !hidden || !p.leaves(s, f) || covered.covering(f) != "" || told[f.What] {
			continue
		}
		told[f.What] = true
		list := "egress"
		if f.Phase == snapshot.Backup || f.Phase == snapshot.Restore {
			list = "backup"
		}
		p.fail(s.Perimeter.Origin.At("spec.network.egress"), fmt.Sprintf("name %s under spec.%s with its addresses and ports", cmp.Or(f.To.Name, "it"), list),
			"the way out is closed, and %s, at an address that nobody wrote down", f.What)
	}
}

// leaves reports whether a flow begins at pods of the server or its poolers.
func (p *planner) leaves(s *Site, f snapshot.VitalFlow) bool {
	return slices.ContainsFunc(f.From.Pods, func(pod *snapshot.Pod) bool { return s.Server.Owns(pod.Workload) })
}

// priorities refuses a place in the Admin tier that somebody else has, where it is not
// defined which of two policies decides, and one before policies of others about the same
// pods: `Pass: Skips all further ClusterNetworkPolicy rules in the current tier`, so that
// whom the perimeter admits would pass by what they deny.
func (p *planner) priorities() {
	taken := map[int]string{}
	ours := p.adminNames()
	for _, q := range p.job.World.ClusterPolicies {
		if q.Tier == netpol.Admin && !ours[q.Name] {
			taken[int(q.Priority)] = q.Kind + " " + q.Name
		}
	}
	for _, s := range p.job.Sites {
		tier := s.Perimeter.AdminTier
		if tier == nil {
			continue
		}
		if other := taken[tier.Priority]; other != "" {
			p.fail(tier.Origin, freePriority(tier.Priority, taken), "priority %d of the Admin tier is taken by %s", tier.Priority, other)
			continue
		}
		if last := p.after(s, ours); last != nil {
			p.fail(tier.Origin, freePriority(int(last.Priority)+1, taken), "%s %s has rules for the same pods at priority %d: clients that the perimeter admits would pass it by",
				last.Kind, last.Name, last.Priority)
			continue
		}
		taken[tier.Priority] = "perimeter " + s.Perimeter.Namespace + "/" + s.Perimeter.Name
	}
}

// freePriority says which priority to write: the first from a number on that nobody has.
func freePriority(from int, taken map[int]string) string {
	for n := from; n <= 1000; n++ {
		if taken[n] == "" {
			return fmt.Sprintf("priority: %d", n)
		}
	}
	return "no priority is left after it: move the other policy to a lower number"
}

// adminNames are the names of policies that an earlier run may have written.
func (p *planner) adminNames() map[string]bool {
	out := map[string]bool{}
	if !slices.ContainsFunc(p.job.Sites, func(s *Site) bool { return s.Perimeter.AdminTier != nil }) {
		return out
	}
	for _, s := range newNetworks(p.job, &Output{}).sites {
		for _, sub := range s.subjects {
			out[adminName(s.Perimeter, sub.slug)] = true
		}
	}
	return out
}

// after is the last policy of others in the Admin tier that comes after the perimeter's and
// has rules for the way in to pods of the site; nil for none.
func (p *planner) after(s *Site, ours map[string]bool) *netpol.Policy {
	pods := slices.Clone(s.Server.Workload.Pods)
	for _, q := range s.Server.Poolers {
		pods = append(pods, q.Workload.Pods...)
	}
	labels := p.job.World.NamespaceOf(s.Server.Ref().Namespace).Labels
	var last *netpol.Policy
	for _, q := range p.job.World.ClusterPolicies {
		later := q.Tier == netpol.Admin && int(q.Priority) > s.Perimeter.AdminTier.Priority && len(q.Rules[netpol.Ingress]) > 0
		if !later || ours[q.Name] || last != nil && q.Priority <= last.Priority {
			continue
		}
		if (q.Namespaces == nil || q.Namespaces.Match(labels) != netpol.No) && len(matched(q.Pods, pods)) > 0 {
			last = q
		}
	}
	return last
}

package compile

import (
	"flag"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/internal/worldgen"
	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

var (
	estates     = flag.Uint64("estates", 300, "how many random estates to put perimeters in")
	firstEstate = flag.Uint64("estate", 0, "the first random estate")
)

// An asker says what was declared, from the intents alone and without the compiler.
type asker struct {
	t   *testing.T
	job *Job
	// unnamed says that some clients have no labels that policies could call them by:
	// they are left out, so that only what gets in can be compared.
	unnamed bool
}

// site is the one that a pod is of; nil for none.
func (q asker) site(p *snapshot.Pod) *Site {
	for _, s := range q.job.Sites {
		if s.Server.Workload == p.Workload || slices.ContainsFunc(s.Server.Poolers, func(x *snapshot.Pooler) bool { return x.Workload == p.Workload }) {
			return s
		}
	}
	return nil
}

func isMember(p *snapshot.Pod) bool {
	return p.Part == snapshot.Primary || p.Part == snapshot.Replica
}

// like reports whether two pods of sites are of one group: members change places.
func like(a, b *snapshot.Pod) bool {
	return a.Workload == b.Workload && (isMember(a) && isMember(b) || a.Part == b.Part)
}

// is reports whether an endpoint is a peer.
func (q asker) is(from network.Endpoint, p intent.Peer, own string) bool {
	if from.Pod == nil {
		return p.IsOutside() && from.Outside.Minus(p.Addresses).IsEmpty()
	}
	pod := from.Pod
	if p.IsOutside() || pod.HostNetwork {
		return false
	}
	in := slices.Contains(p.Namespaces, pod.Namespace)
	if p.NamespaceSelector != nil {
		in = p.NamespaceSelector.Match(q.job.World.NamespaceOf(pod.Namespace).Labels) == netpol.Yes
	} else if len(p.Namespaces) == 0 {
		in = pod.Namespace == own
	}
	account := pod.ServiceAccount
	if account == "" {
		account = "default"
	}
	return in && p.Pods.Match(pod.Labels) == netpol.Yes && (p.ServiceAccounts == nil || slices.Contains(p.ServiceAccounts, account))
}

// isVital reports whether an endpoint is on a side of a vital flow.
func (q asker) isVital(end network.Endpoint, v snapshot.VitalPeer) bool {
	if end.Pod == nil {
		return v.OutsideUnknown || !v.Outside.IsEmpty() && end.Outside.Minus(v.Outside).IsEmpty()
	}
	if v.Namespace == end.Pod.Namespace && len(v.Labels.Set) > 0 && netpol.SelectorOf(v.Labels.Set).Match(end.Pod.Labels) == netpol.Yes {
		return true
	}
	return slices.ContainsFunc(v.Pods, func(p *snapshot.Pod) bool { return like(p, end.Pod) })
}

func hasPort(ports []flow.PortRange, port uint16) bool {
	return slices.ContainsFunc(ports, func(r flow.PortRange) bool { return r.Protocol == flow.TCP && r.From <= port && port <= r.To })
}

// asked reports whether an access lets the client to the pod's port.
func (q asker) asked(from network.Endpoint, to *snapshot.Pod, port uint16) bool {
	s := q.site(to)
	if s == nil {
		return false
	}
	for _, a := range s.Accesses {
		if slices.ContainsFunc(a.From, func(p intent.Peer) bool { return q.is(from, p, a.Namespace) }) &&
			slices.ContainsFunc(a.To, func(e intent.Entry) bool {
				if e.Pooler != "" {
					return to.Workload.Name == e.Pooler && port == 6432
				}
				return isMember(to) && port == 5432
			}) {
			return true
		}
	}
	return false
}

// declared reports whether packets to a pod of a site are asked for, or needed.
func (q asker) declared(from network.Endpoint, to *snapshot.Pod, port uint16) bool {
	s := q.site(to)
	if q.asked(from, to, port) {
		return true
	}
	if isMember(to) && port == 9187 && slices.ContainsFunc(s.Perimeter.Monitoring, func(p intent.Peer) bool { return q.is(from, p, s.Perimeter.Namespace) }) {
		return true
	}
	return slices.ContainsFunc(s.Server.Vital, func(f snapshot.VitalFlow) bool {
		return !f.Optional && hasPort(f.Ports, port) && q.isVital(from, f.From) && q.isVital(network.PodEndpoint(to), f.To)
	})
}

// leaves reports whether a pod of a closed site needs to go there.
func (q asker) leaves(from *snapshot.Pod, to network.Endpoint, port uint16) bool {
	s := q.site(from)
	if q.isResolver(to) && port == 53 {
		return true
	}
	if from.Workload == s.Server.Workload && slices.ContainsFunc(s.Perimeter.Backup, func(d intent.Destination) bool {
		return q.is(to, d.To, "") && port >= d.Ports[0].From && port <= d.Ports[0].To
	}) {
		return true
	}
	return slices.ContainsFunc(s.Server.Vital, func(f snapshot.VitalFlow) bool {
		return !f.Optional && hasPort(f.Ports, port) && q.isVital(network.PodEndpoint(from), f.From) && q.isVital(to, f.To)
	})
}

func (q asker) isResolver(to network.Endpoint) bool {
	return to.Pod != nil && to.Pod.Namespace == "kube-system" && to.Pod.Labels.Set["k8s-app"] == "kube-dns"
}

// isolated are the accesses that close the way out of a pod.
func (q asker) isolated(p *snapshot.Pod) (out []*intent.Access) {
	for _, s := range q.job.Sites {
		for _, a := range s.Accesses {
			may := p.Namespace == a.Namespace || s.Perimeter.ClientNamespaces != nil
			if a.Client.Isolation == intent.Isolate && may &&
				slices.ContainsFunc(a.From, func(from intent.Peer) bool { return q.is(network.PodEndpoint(p), from, a.Namespace) }) {
				out = append(out, a)
			}
		}
	}
	return out
}

// TestExactlyTheDeclared: whatever policies of others there are, the pods of a server are
// reached by those who were declared, by what the database needs, and by whom a policy of
// somebody else admits; nobody's way out changes but to the server, and that of the
// server's pods where the perimeter closes it.
func TestExactlyTheDeclared(t *testing.T) {
	seeds := *estates
	if testing.Short() {
		seeds = min(seeds, 60)
	}
	compiled := 0
	for seed := *firstEstate; seed < *firstEstate+seeds; seed++ {
		g := newSiteWorld(seed, worldgen.Taste{})
		job, errs := Plan(g.intents, g.world, 0)
		if fatal(errs) {
			continue
		}
		compiled++
		out := Compile(job, []Backend{NetworkPolicy, Namespace, ClusterNetworkPolicy})
		q := asker{t: t, job: job}
		q.unnamed = slices.ContainsFunc(out.Gaps, func(g artefact.Gap) bool { return g.Code == "networkpolicy/service-account" })
		before, after := network.New(g.world), network.New(with(t, g.world, out))
		if !q.compare(seed, before, after) {
			return
		}
	}
	if compiled < int(seeds)/3 {
		t.Errorf("only %d of %d worlds were compiled", compiled, seeds)
	}
}

func fatal(errs []Error) bool {
	return slices.ContainsFunc(errs, func(e Error) bool { return !e.Warning })
}

var outsides = []string{"203.0.113.7/32", "2001:db8:1::7/128", "198.51.100.9/32", "192.0.2.1/32", "8.8.8.8/32"}

// compare asks about every pair of an estate; it stops at the first seed that differs.
func (q asker) compare(seed uint64, before, after *network.Engine) bool {
	var ends []network.Endpoint
	for _, w := range q.job.World.Workloads {
		for _, p := range w.Pods {
			ends = append(ends, network.PodEndpoint(p))
		}
	}
	for _, text := range outsides {
		ends = append(ends, network.OutsideEndpoint(flow.AddressesOf(netip.MustParsePrefix(text))))
	}
	ok := true
	for _, from := range ends {
		for _, to := range ends {
			for _, port := range q.ports(from, to) {
				a := network.Attempt{From: from, To: to, Protocol: flow.TCP, Port: port}
				for _, dir := range netpol.Directions {
					was, is := before.Decide(dir, a), after.Decide(dir, a)
					want, why := q.want(dir, a, was, is.Verdict)
					if want != is.Verdict && !(q.unnamed && (dir == netpol.Egress || is.Verdict == verdict.Deny)) {
						q.t.Errorf("seed %d: %s of %s → %s port %d: %s (%s), was %s (%s), want %s: %s", seed, dir, endText(from), endText(to), port,
							is.Verdict, is.Reason, was.Verdict, was.Reason, want, why)
						ok = false
					}
					if !ok {
						return false
					}
				}
			}
		}
	}
	return ok
}

// ports are those to ask about: fewer where no server takes part.
func (q asker) ports(from, to network.Endpoint) []uint16 {
	for _, e := range []network.Endpoint{from, to} {
		if e.Pod != nil && q.site(e.Pod) != nil {
			return []uint16{5432, 6432, 8000, 9187, 443, 6443, 53, 1234}
		}
	}
	return []uint16{443, 53}
}

func endText(e network.Endpoint) string {
	if e.Pod == nil {
		return e.Outside.Text()
	}
	return fmt.Sprintf("%s %v", e.Pod.Ref(), e.Pod.Labels.Set)
}

// want is the verdict after, from what was before and what was declared.
func (q asker) want(dir netpol.Direction, a network.Attempt, was verdict.Step, is verdict.Verdict) (verdict.Verdict, string) {
	admitted := was.Verdict == verdict.Allow && was.Reason != network.NotIsolated
	allowed := func(b bool, why string) (verdict.Verdict, string) {
		if admitted || b {
			return verdict.Allow, why
		}
		if was.Verdict == verdict.Unknown || a.From.Pod != nil && a.From.Pod.HostNetwork || a.To.Pod != nil && a.To.Pod.HostNetwork {
			return is, "a node may be the pod's own, a block may be about pods"
		}
		return verdict.Deny, why
	}
	if dir == netpol.Ingress {
		if a.To.Pod == nil || q.site(a.To.Pod) == nil {
			return was.Verdict, "it is no server's"
		}
		admin := q.site(a.To.Pod).Perimeter.AdminTier != nil && a.From.Pod != nil
		if admin && was.Reason != network.Self { // whoever else admits, the Admin tier refuses
			admitted, was.Verdict = false, verdict.Deny
		}
		return allowed(q.declared(a.From, a.To.Pod, a.Port), "the intents say so")
	}
	p := a.From.Pod
	if p == nil || p.HostNetwork {
		return was.Verdict, "no policy selects it"
	}
	if s := q.site(p); s != nil {
		if isMember(p) && a.Port == 6443 && q.job.World.Facts.APIServer.IsEmpty() {
			return is, "an API server that nobody told of may be anybody"
		}
		if s.Perimeter.EgressIsolated || s.Perimeter.Owned != nil || q.closed(s, p) {
			return allowed(q.leaves(p, a.To, a.Port) || q.opened(p, a), "the perimeter is closed outwards")
		}
	}
	if by := q.isolated(p); len(by) > 0 {
		return allowed(q.isolatedLeaves(by, a) || q.opened(p, a), "an access isolates its clients")
	}
	if was.Verdict == verdict.Allow {
		return verdict.Allow, "nothing is taken away"
	}
	return allowed(q.opened(p, a), "the way out is closed")
}

// closed reports whether policies of others close the way out of all pods like this one.
func (q asker) closed(s *Site, p *snapshot.Pod) bool {
	for _, w := range q.job.World.Workloads {
		for _, other := range w.Pods {
			if like(p, other) && !slices.ContainsFunc(q.job.World.Policies, func(n *netpol.Policy) bool {
				return n.Namespace == other.Namespace && n.Isolates[netpol.Egress] && n.Pods.Match(other.Labels) == netpol.Yes
			}) {
				return false
			}
		}
	}
	return s != nil
}

func (q asker) isolatedLeaves(by []*intent.Access, a network.Attempt) bool {
	return slices.ContainsFunc(by, func(access *intent.Access) bool {
		return q.isResolver(a.To) && a.Port == 53 || slices.ContainsFunc(access.Client.Needs, func(d intent.Destination) bool {
			return q.is(a.To, d.To, "") && a.Port >= d.Ports[0].From && a.Port <= d.Ports[0].To
		})
	})
}

// opened reports whether an access opens the way out of its client to the server.
func (q asker) opened(p *snapshot.Pod, a network.Attempt) bool {
	if a.To.Pod == nil {
		return false
	}
	s := q.site(a.To.Pod)
	if s == nil {
		return false
	}
	for _, access := range s.Accesses {
		one := *s
		one.Accesses = []*intent.Access{access}
		alone := asker{t: q.t, job: &Job{World: q.job.World, Sites: []*Site{&one}}}
		may := p.Namespace == access.Namespace || s.Perimeter.ClientNamespaces != nil
		if may && access.Client.Isolation != intent.NeverIsolate && alone.asked(a.From, a.To.Pod, a.Port) {
			return true
		}
	}
	return false
}

// What is compiled twice is the same, also from an estate that has the first already.
func TestSameBytes(t *testing.T) {
	for seed := range uint64(60) {
		g := newSiteWorld(seed, worldgen.Taste{})
		job, errs := Plan(g.intents, g.world, 0)
		if fatal(errs) {
			continue
		}
		all := []Backend{NetworkPolicy, Namespace, RBAC, ClusterNetworkPolicy}
		first := Compile(job, all)
		if again := Compile(job, all); fmt.Sprint(first) != fmt.Sprint(again) {
			t.Fatalf("seed %d: two runs differ", seed)
		}
		if job, errs = Plan(g.intents, with(t, g.world, first), 0); fatal(errs) {
			t.Fatalf("seed %d: %+v", seed, errs)
		}
		if names(first) != names(Compile(job, all)) {
			t.Fatalf("seed %d:\n%s\n\nthen\n%s", seed, names(first), names(Compile(job, all)))
		}
	}
}

func names(out *Output) string {
	var all []string
	for _, a := range out.Artefacts {
		all = append(all, a.Ref.String()+" "+fmt.Sprint(a.Object))
	}
	return strings.Join(all, "\n")
}

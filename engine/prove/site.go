package prove

import (
	"cmp"
	"slices"
	"sync"

	"github.com/pgmoat/pgmoat/engine/compile"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Prove decides every statement of the question: of perimeters and accesses, of the tests
// in them, and of invariants.
func Prove(q Question) *Proof {
	p := newProver(q)
	for _, server := range q.After.World.Servers {
		if s := p.site(server); s != nil {
			p.sites = append(p.sites, s)
		}
	}
	for _, s := range p.sites {
		s.future, s.allKinds = s.strangers()
	}
	p.build()
	out := &Proof{Statements: p.ofSites()}
	out.Statements = append(out.Statements, p.invariants()...)
	if len(q.Job.Sites) > 0 {
		out.Statements = append(out.Statements, p.unchanged())
	}
	for i := range out.Statements {
		p.assume(&out.Statements[i])
		out.Statements[i].settle()
	}
	return out
}

// atOnce is how many servers are looked at at once.
const atOnce = 4

// ofSites are the statements of all perimeters, in their order.
func (p *prover) ofSites() []Statement {
	out := make([][]Statement, len(p.sites))
	next := make(chan int)
	var wait sync.WaitGroup
	for range min(atOnce, len(p.sites)) {
		wait.Go(func() {
			for i := range next {
				out[i] = p.sites[i].statements()
			}
		})
	}
	for i := range p.sites {
		next <- i
	}
	close(next)
	wait.Wait()
	return slices.Concat(out...)
}

// assume makes doubts of assumptions where nothing is to be assumed.
func (p *prover) assume(s *Statement) {
	if !p.After.World.Facts.Strict {
		return
	}
	for _, code := range s.Assumptions {
		s.Doubts = append(s.Doubts, Doubt{Reason: Assumed, Origin: s.Origin,
			Step: verdict.Step{Reason: Assumed, Facts: map[string]string{"code": code, "assumption": snapshot.Assumptions(code)[0].Text}}})
	}
}

// settle joins what is alike, and gives a statement its result.
func (s *Statement) settle() {
	s.Against, s.Doubts = merged(s.Against), mergedDoubts(s.Doubts)
	switch {
	case len(s.Against) > 0:
		s.Result = Refuted
	case len(s.Doubts) > 0:
		s.Result = Unknown
	default:
		s.Result = Proven
	}
}

// A prover is what all statements share.
type prover struct {
	Question
	sites []*site
	// applied says that the estate is asked with artefacts, and not as it is.
	applied bool
	// namespaces are those that the estate has, sorted; made are those that could come.
	namespaces []string
	made       newNamespaces
	podsIn     map[string][]*snapshot.Pod
	// index is the place of each pod in After.Pods; before the same pod without artefacts.
	index  map[*snapshot.Pod]int
	before map[*snapshot.Pod]*snapshot.Pod
	// closing are the policies that close the way out of pods, by namespace; ordered are
	// those of the tiers that have rules for it.
	closing map[string][]*netpol.Policy
	ordered []*netpol.Policy
}

func newProver(q Question) *prover {
	p := &prover{Question: q, applied: q.Before != q.After, podsIn: map[string][]*snapshot.Pod{}, index: map[*snapshot.Pod]int{},
		before: map[*snapshot.Pod]*snapshot.Pod{}, closing: map[string][]*netpol.Policy{}}
	world := q.After.World
	for name := range world.Namespaces {
		p.namespaces = append(p.namespaces, name)
	}
	for _, s := range world.Servers { // those where operators are known to run exist
		for _, f := range s.Vital {
			p.namespaces = append(p.namespaces, f.From.Namespace, f.To.Namespace)
		}
	}
	old := map[snapshot.Ref]*snapshot.Workload{}
	for _, w := range q.Before.World.Workloads {
		old[w.Ref] = w
	}
	for _, w := range world.Workloads {
		for i, pod := range w.Pods {
			p.index[pod] = len(p.index)
			p.podsIn[pod.Namespace] = append(p.podsIn[pod.Namespace], pod)
			p.namespaces = append(p.namespaces, pod.Namespace)
			if was := old[w.Ref]; was != nil && len(was.Pods) == len(w.Pods) {
				p.before[pod] = was.Pods[i]
			}
		}
	}
	p.namespaces = sortedNames(p.namespaces)
	p.made.taken = p.namespaces
	for _, policy := range world.Policies {
		if policy.Isolates[netpol.Egress] {
			p.closing[policy.Namespace] = append(p.closing[policy.Namespace], policy)
		}
	}
	for _, policy := range world.ClusterPolicies {
		if len(policy.Rules[netpol.Egress]) > 0 {
			p.ordered = append(p.ordered, policy)
		}
	}
	return p
}

// build adds the namespaces that could come to the estate that is asked.
func (p *prover) build() {
	if len(p.made.list) == 0 {
		return
	}
	world := *p.After.World
	world.Namespaces = p.made.among(world.Namespaces)
	p.After = reach.New(&world)
}

// A site is one server that something is said of.
type site struct {
	*prover
	server *snapshot.Server
	// was is the server without artefacts; nil where there is none.
	was *snapshot.Server
	// asked is what is asked about it; nil where only invariants are.
	asked      *compile.Site
	invariants []*intent.Invariant
	future     []network.Virtual
	// allKinds says that future are all kinds of pods that might come.
	allKinds bool
	outcomes *reach.Outcomes
	// assumed are the assumptions of restsOn, once it was asked.
	assumed []string
}

// site is what is said of a server; nil for nothing.
func (p *prover) site(server *snapshot.Server) *site {
	s := &site{prover: p, server: server, was: serverNamed(p.Before.World, server.Ref())}
	for _, asked := range p.Job.Sites {
		if asked.Server.Ref() == server.Ref() {
			s.asked = asked
		}
	}
	for _, i := range p.Intents.Invariants {
		if sessions := cmp.Or(i.Never, i.Only); p.meant(sessions.To, server) {
			s.invariants = append(s.invariants, i)
		}
	}
	if s.asked == nil && s.invariants == nil {
		return nil
	}
	return s
}

func serverNamed(world *snapshot.Snapshot, ref snapshot.Ref) *snapshot.Server {
	for _, s := range world.Servers {
		if s.Ref() == ref {
			return s
		}
	}
	return nil
}

// accesses are those that have not ended.
func (s *site) accesses() []*intent.Access {
	if s.asked == nil {
		return nil
	}
	return s.asked.Accesses
}

// ownPods are those of the server and of its poolers.
func (s *site) ownPods() []*snapshot.Pod {
	out := slices.Clone(s.server.Workload.Pods)
	for _, p := range s.server.Poolers {
		out = append(out, p.Workload.Pods...)
	}
	return out
}

// An owned peer is one of an object in the namespace own; empty for the cluster's objects.
type ownedPeer struct {
	peer intent.Peer
	own  string
}

// peers are all that the intents name as clients of the server.
func (s *site) peers() []ownedPeer {
	var out []ownedPeer
	for _, a := range s.accesses() {
		for _, p := range a.From {
			out = append(out, ownedPeer{p, a.Namespace})
		}
	}
	for _, i := range s.invariants {
		for _, p := range cmp.Or(i.Never, i.Only).From {
			out = append(out, ownedPeer{p, ""})
		}
	}
	return out
}

// list is the closed list of the server, made when it is first asked for.
func (s *site) list() *reach.Outcomes {
	if s.outcomes == nil {
		s.outcomes = s.After.Outcomes(s.server, s.names(), s.cuts(), s.future...)
	}
	return s.outcomes
}

// names are all that files, manifests and intents name.
func (s *site) names() reach.Names {
	servers := []*snapshot.Server{s.server}
	if s.was != nil {
		servers = append(servers, s.was)
	}
	n := reach.NamesOf(servers...)
	for _, a := range s.accesses() {
		for _, e := range a.To {
			n.Databases, n.Roles = append(n.Databases, e.Databases...), append(n.Roles, e.Role)
		}
		for _, t := range slices.Concat(a.Accept, a.Deny) {
			n.Databases, n.Roles = append(n.Databases, t.Database), append(n.Roles, t.Role)
		}
	}
	for _, i := range s.invariants {
		said := cmp.Or(i.Never, i.Only)
		n.Databases, n.Roles = append(n.Databases, said.Databases...), append(n.Roles, said.As...)
	}
	for _, f := range s.server.Vital {
		n.Roles = append(n.Roles, f.Role)
	}
	n.Databases, n.Roles = sortedNames(n.Databases), sortedNames(n.Roles)
	return n
}

// sortedNames are the names sorted, each once, without the empty one, which is any.
func sortedNames(names []string) []string {
	return slices.DeleteFunc(sortedValues(names), func(n string) bool { return n == "" })
}

// cuts are the ranges at which an answer about the outside may change.
func (s *site) cuts() []flow.Addresses {
	out := s.After.Cuts(s.server)
	for _, p := range s.peers() {
		if p.peer.IsOutside() {
			out = append(out, p.peer.Addresses)
		}
	}
	for _, a := range s.accesses() {
		for _, t := range slices.Concat(a.Accept, a.Deny) {
			c, err := s.Find(t.From)
			if err != nil {
				continue
			}
			for _, e := range c.Endpoints {
				if !e.Outside.IsEmpty() {
					out = append(out, e.Outside)
				}
			}
		}
	}
	return out
}

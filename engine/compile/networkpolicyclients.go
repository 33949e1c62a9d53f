package compile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A closing is a policy that closes the way out of pods: one of the estate, or one that is
// made here.
type closing struct {
	name     string
	selector netpol.Selector
	// theirs says that it is one of the estate.
	theirs bool
}

// A clientGroup is the clients of one peer of an access in one namespace.
type clientGroup struct {
	*siteNetwork
	access    *intent.Access
	namespace string
	selector  netpol.Selector
	pods      []*snapshot.Pod
	// number is the place of the peer, to tell its policies from those of others.
	number int
}

// clients drafts the policies on the side of the clients. A policy that opens the way out
// also closes what it does not open, so that it selects only pods whose way out is closed
// already, or which an access asks to close.
func (n *networks) clients() {
	groups := n.groups()
	closed := n.closings(groups)
	w := wires{now: network.New(n.job.World), theirs: network.New(n.withoutOurs(groups))}
	for _, g := range groups {
		switch g.access.Client.Isolation {
		case intent.Isolate:
			g.isolate()
		default:
			g.openClosed(closed[g.namespace], w)
		}
	}
}

// wires decide what passes: in the estate as it is now, and without the policies that an
// earlier run wrote, so that a run finds nothing open that only the run before opened.
type wires struct{ now, theirs *network.Engine }

// withoutOurs is the estate without the policies that an earlier run may have written.
func (n *networks) withoutOurs(groups []clientGroup) *snapshot.Snapshot {
	openers, world := n.openers(groups), *n.job.World
	world.Policies = slices.DeleteFunc(slices.Clone(world.Policies), func(p *netpol.Policy) bool {
		return openers[p.FullName()] || n.ours()[p.FullName()]
	})
	return &world
}

// groups are the clients of all accesses that are pods.
func (n *networks) groups() []clientGroup {
	var out []clientGroup
	for _, s := range n.sites {
		for _, a := range s.Accesses {
			number := 0
			for _, from := range a.From {
				for _, p := range s.peersOf(from, a.Namespace) {
					if p.Block != nil {
						continue
					}
					number++
					for _, ns := range n.namespaces(*p.Namespaces) {
						g := clientGroup{siteNetwork: s, access: a, namespace: ns, selector: *p.Pods, number: number}
						for _, pod := range n.podsIn[ns] {
							if !pod.HostNetwork && p.Pods.Match(pod.Labels) != netpol.No {
								g.pods = append(g.pods, pod)
							}
						}
						out = append(out, g)
					}
				}
			}
		}
	}
	return out
}

// namespaces are those of the estate that a selector selects, and the one that it names.
func (n *networks) namespaces(s netpol.Selector) []string {
	names := map[string]bool{}
	for name := range n.job.World.Namespaces {
		names[name] = true
	}
	for name := range n.podsIn {
		names[name] = true
	}
	for _, r := range s {
		if r.Key == snapshot.MetadataName && r.Op == netpol.In {
			for _, v := range r.Values {
				names[v] = true
			}
		}
	}
	return slices.DeleteFunc(sortedKeys(names), func(name string) bool {
		return s.Match(n.job.World.NamespaceOf(name).Labels) != netpol.Yes
	})
}

// closings are all policies that close pods outwards, by namespace: those that are made
// here first.
func (n *networks) closings(groups []clientGroup) map[string][]closing {
	out := map[string][]closing{}
	add := func(namespace string, c closing) {
		same := func(have closing) bool {
			return implies(have.selector, c.selector) && implies(c.selector, have.selector)
		}
		if !slices.ContainsFunc(out[namespace], same) {
			out[namespace] = append(out[namespace], c)
		}
	}
	for _, s := range n.sites {
		if o := s.Perimeter.Owned; o != nil && o.DefaultDeny {
			add(s.Server.Ref().Namespace, closing{name: name(s.perimeter(), "default-deny"), selector: netpol.Selector{}})
		}
		for _, sub := range s.subjects {
			if s.closesOutwards() {
				add(sub.namespace, closing{name: name(s.perimeter(), sub.slug, "closed"), selector: sub.selector})
			}
		}
	}
	for _, g := range groups {
		if g.access.Client.Isolation == intent.Isolate && g.consents() {
			add(g.namespace, closing{name: g.policyName("isolated"), selector: g.selector})
		}
	}
	ours := n.openers(groups)
	for _, p := range n.job.World.Policies {
		if p.Isolates[netpol.Egress] && !ours[p.FullName()] && !n.ours()[p.FullName()] {
			add(p.Namespace, closing{name: p.Name, selector: p.Pods, theirs: true})
		}
	}
	return out
}

// openers are the names of policies that an earlier run wrote for clients whose way out is
// closed by somebody else: they close nothing that another does not.
func (n *networks) openers(groups []clientGroup) map[string]bool {
	out := map[string]bool{}
	in := map[string][]clientGroup{}
	for _, g := range groups {
		in[g.namespace] = append(in[g.namespace], g)
	}
	for _, p := range n.job.World.Policies {
		for _, g := range in[p.Namespace] {
			out[p.Namespace+"/"+g.policyName("isolated")] = true
			out[p.Namespace+"/"+g.policyName("egress", p.Name)] = true
		}
	}
	return out
}

// owner is what policies for the group are named by.
func (g *clientGroup) owner() string {
	if g.namespace == g.access.Namespace {
		return "access-" + g.access.Name
	}
	return "access-" + g.access.Namespace + "-" + g.access.Name
}

// slug tells the peers of an access apart.
func (g *clientGroup) slug() string {
	if g.number == 1 {
		return ""
	}
	return fmt.Sprintf("from-%d", g.number)
}

// purpose is what a policy is for; of is the policy whose closing it answers.
func purpose(what string, of ...string) string {
	return strings.Join(append([]string{what}, of...), "-")
}

func (g *clientGroup) policyName(what string, of ...string) string {
	return name(g.owner(), g.slug(), purpose(what, of...))
}

// consents reports whether policies may be written in the group's namespace.
func (g *clientGroup) consents() bool {
	return consents(g.job.World, g.Site, g.access, g.namespace)
}

// consents reports whether a perimeter, or the access by standing there, lets policies be
// written in a namespace.
func consents(world *snapshot.Snapshot, s *Site, a *intent.Access, namespace string) bool {
	if namespace == a.Namespace {
		return true
	}
	c := s.Perimeter.ClientNamespaces
	return c != nil && c.Match(world.NamespaceOf(namespace).Labels) == netpol.Yes
}

// ways are the openings that lead to the server.
func (g *clientGroup) ways() []opening {
	var out []opening
	for _, e := range g.access.To {
		if sub, ports := g.door(e); sub != nil && !ports.IsEmpty() {
			out = append(out, opening{peers: []netpol.Peer{sub.peer()}, ports: ports, why: entryWhy(g.access, e)})
		}
	}
	return out
}

func (g *clientGroup) where() string {
	return fmt.Sprintf("pods %s of namespace %s", g.selector, g.namespace)
}

// isolate closes the clients' way out but for the server, DNS and what they need.
func (g *clientGroup) isolate() {
	if !g.consents() {
		g.gap("no-consent", g.access.Client.Origin, "the way out of "+g.where()+" is not closed: the perimeter does not consent to policies there",
			"they still reach whatever they reach today")
		return
	}
	d := g.draft(g.owner(), purpose("isolated"), g.namespace, g.slug(), g.selector, g.access.Origin)
	d.why = fmt.Sprintf("PostgresAccess %s/%s closes the way out of its clients but for what is listed.", g.access.Namespace, g.access.Name)
	d.isolates[netpol.Egress] = true
	for _, o := range append(g.ways(), g.dns()) {
		d.open(netpol.Egress, o)
	}
	for _, need := range g.access.Client.Needs {
		d.open(netpol.Egress, opening{
			peers: g.peersOf(need.To, g.access.Namespace), ports: portsOf(need.Ports), why: "The clients need " + need.Name + ".",
		})
	}
}

// openClosed opens the way to the server for clients whose way out is closed already.
func (g *clientGroup) openClosed(closings []closing, w wires) {
	g.tellOpen(closings)
	g.tellDialects()
	whole := slices.ContainsFunc(closings, func(c closing) bool { return implies(g.selector, c.selector) })
	for _, c := range closings {
		all := implies(g.selector, c.selector)
		if whole && !all {
			continue
		}
		sel := both(g.selector, c.selector)
		if len(matched(sel, g.pods)) == 0 && (!all || g.isSite()) {
			continue
		}
		g.openOne(c, sel, w)
		if all {
			return
		}
	}
}

// tellOpen says that nothing is written for clients whose way out is open: it would close
// whatever else they reach.
func (g *clientGroup) tellOpen(closings []closing) {
	for _, p := range g.pods {
		if !slices.ContainsFunc(closings, func(c closing) bool { return c.selector.Match(p.Labels) != netpol.No }) {
			g.note("client-open", g.access.Client.Origin, "PostgresAccess %s/%s: the way out of %s is open, so that no policy is written on its side",
				g.access.Namespace, g.access.Name, p.Workload.Ref)
			return
		}
	}
}

// tellDialects tells of policies of a dialect that may close the way out too.
func (g *clientGroup) tellDialects() {
	for _, u := range g.job.World.Unmodelled {
		if u.Layer != verdict.Egress && u.Layer != verdict.Ingress || !u.Directions[netpol.Egress] {
			continue
		}
		if i := slices.IndexFunc(g.pods, u.MayTouch); i >= 0 {
			g.gap("dialect", g.access.Client.Origin, u.Ref.String()+" may close the way out of "+g.pods[i].Workload.Ref.String()+", in a dialect that is not compiled",
				"if it does, they do not get to the server: "+g.wanted())
			return
		}
	}
}

// isSite reports whether the group's namespace is the server's own, where a closing is
// often of the server's pods.
func (g *clientGroup) isSite() bool { return g.namespace == g.Server.Ref().Namespace }

func (g *clientGroup) openOne(c closing, sel netpol.Selector, w wires) {
	never := g.access.Client.Isolation == intent.NeverIsolate
	writes := !never && g.consents()
	if g.opened(sel, w.theirs) && (!writes || g.opensLater(sel, w.theirs)) {
		if c.theirs && writes {
			g.checkNames(sel, w.now)
		}
		return
	}
	if !writes {
		why := "the perimeter does not consent to policies there"
		if never {
			why = "the access asks for nothing on their side"
		}
		g.gap("client-closed", g.access.Client.Origin,
			fmt.Sprintf("NetworkPolicy %s/%s closes the way out of %s, and %s", g.namespace, c.name, g.where(), why),
			"they may not get to the server; whoever keeps the namespace has to write an egress policy that selects "+sel.String()+": "+g.wanted())
		return
	}
	d := g.draft(g.owner(), purpose("egress", c.name), g.namespace, g.slug(), sel, g.access.Origin)
	d.why = fmt.Sprintf("NetworkPolicy %s closes the way out of these clients; this opens the way to the server and nothing else.", c.name)
	for _, o := range g.ways() {
		d.open(netpol.Egress, o)
	}
	if c.theirs {
		g.checkNames(sel, w.now)
	}
}

// wanted are the openings in words, for somebody else to write.
func (g *clientGroup) wanted() string {
	var out []string
	for _, o := range g.ways() {
		out = append(out, fmt.Sprintf("to pods %s of namespace %s, %s", o.peers[0].Pods, g.Server.Ref().Namespace, o.ports))
	}
	return strings.Join(out, "; ")
}

// checkNames tells of clients that cannot resolve the name of a Service.
func (g *clientGroup) checkNames(sel netpol.Selector, wire *network.Engine) {
	peer := g.dns().peers[0]
	to := network.Endpoint{}
	if peer.Block != nil {
		to = network.OutsideEndpoint(peer.Block.Addresses)
	} else {
		to.Virtual = &network.Virtual{Name: "cluster DNS", Namespace: (*peer.Namespaces)[0].Values[0], Labels: labelsOf(*peer.Pods)}
	}
	for _, p := range matched(sel, g.pods) {
		port := g.dns().ports.Ranges()[0].From
		step := wire.Decide(netpol.Egress, network.Attempt{From: network.PodEndpoint(p), To: to, Protocol: flow.UDP, Port: port})
		if step.Verdict == verdict.Deny {
			g.gap("client-dns", g.access.Client.Origin, "policies of namespace "+g.namespace+" close "+p.Ref().String()+" to DNS",
				"it cannot resolve the names of the server's Services; whoever keeps the namespace has to open DNS, or the access has to isolate its clients")
			return
		}
	}
}

func labelsOf(s netpol.Selector) netpol.Labels {
	out := netpol.Labels{Set: map[string]string{}}
	for _, r := range s {
		out.Set[r.Key] = r.Values[0]
	}
	return out
}

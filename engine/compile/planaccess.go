package compile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// access adds an access to its server's site.
func (p *planner) access(a *intent.Access) {
	expired := a.Expired(p.job.Now)
	if expired && !slices.ContainsFunc(p.job.World.Servers, func(s *snapshot.Server) bool { return a.Server.Matches(s.Ref()) }) {
		return // it asks for nothing, of nobody
	}
	server := p.server(a.Server)
	if server == nil {
		return
	}
	site := p.site(server)
	if site == nil {
		if !expired {
			p.fail(a.Server.Origin, fmt.Sprintf("write a PostgresPerimeter for %s in namespace %s", server.Ref().Name, server.Ref().Namespace),
				"%s has no perimeter: where nothing is closed, an access opens nothing", server.Ref())
		}
		return
	}
	if expired {
		site.Expired = append(site.Expired, a)
		return
	}
	site.Accesses = append(site.Accesses, a)
	for _, from := range a.From {
		p.matches(from, a.Namespace, "client")
		p.outside(from)
	}
	for _, e := range a.To {
		p.entry(site, e)
	}
	for _, need := range a.Client.Needs {
		p.matches(need.To, a.Namespace, "destination "+need.Name)
	}
	p.consent(site, a)
}

// matches warns of a peer that nobody is.
func (p *planner) matches(peer intent.Peer, own, what string) {
	if peer.IsOutside() {
		if peer.Addresses.IsEmpty() {
			p.fail(peer.Origin, "state the range under outside in the facts file", "no addresses are known of %s", strings.Join(peer.Names, ", "))
		}
		return
	}
	if len(peerPods(p.job.World, p.podsIn, peer, own)) > 0 {
		return
	}
	p.warn(peer.Origin, p.nearby(peer, own), "no pod of the estate is this %s: %s", what, peerText(peer, own))
}

// outside warns of clients by ranges that pods have, too: network plugins differ in whether
// such a range lets those in.
func (p *planner) outside(peer intent.Peer) {
	if of := peer.Addresses.Intersect(flow.AddressesOf(p.job.World.Facts.PodCIDRs...)); !of.IsEmpty() {
		p.warn(peer.Origin, "name pods by namespace and labels, and leave their addresses out of the range",
			"%s holds addresses of pods (%s): whatever pod has one may be let in", strings.Join(peer.Names, ", "), of.Text())
	}
}

func peerText(p intent.Peer, own string) string {
	text := fmt.Sprintf("namespaces %s, pods %s", peerNamespaces(p, own), podSelector(p))
	if len(p.ServiceAccounts) > 0 {
		text += ", service accounts " + strings.Join(p.ServiceAccounts, ", ")
	}
	return text
}

// entry checks one entry of an access.
func (p *planner) entry(s *Site, e intent.Entry) {
	p.role(s, e)
	p.databases(s, e)
	p.pooler(s, e)
	p.lengths(e)
	if e.PlainText && !s.Perimeter.PlainText {
		p.fail(e.Origin.At("%s", field(e.Origin, "tls")), "leave tls out, or set spec.tls.required: false in perimeter "+s.Perimeter.Namespace+"/"+s.Perimeter.Name,
			"the perimeter requires TLS of all sessions")
	}
	wantsCertificate := e.Authentication == intent.Certificate || e.Authentication == intent.SCRAMAndCertificate
	if wantsCertificate && s.Server.TLS.ClientCA == verdict.Deny {
		p.fail(e.Origin.At("%s", field(e.Origin, "authentication")), "give the server a CA for clients, or use SCRAM",
			"%s has no CA for client certificates: no certificate would be taken", s.Server.Ref())
	}
	p.replicas(s, e)
}

// replicas warns of an entry that leads to replicas where there is none.
func (p *planner) replicas(s *Site, e intent.Entry) {
	pooler := s.Server.PoolerNamed(e.Pooler)
	switch {
	case hasReplicas(s.Server):
	case pooler != nil && pooler.Part == snapshot.Replica:
		p.warn(e.Origin.At("%s", field(e.Origin, "pooler")), "add an instance, or name a pooler that leads to the primary",
			"%s leads to replicas only, and %s has none", pooler.Ref(), s.Server.Ref())
	case pooler == nil && e.Endpoint == intent.ReadOnly:
		p.warn(e.Origin.At("%s", field(e.Origin, "endpoint")), "add an instance, or use ReadWrite", "%s has no replica to read from", s.Server.Ref())
	}
}

// field is a field below the one of an origin.
func field(o verdict.Origin, name string) string {
	return strings.TrimPrefix(o.Field+"."+name, ".")
}

// pooler checks that the pooler is one of the server's and leads to the part that is asked
// for.
func (p *planner) pooler(s *Site, e intent.Entry) {
	inPod := slices.ContainsFunc(s.Server.Ports, func(sp snapshot.ServerPort) bool { return sp.Pooler != nil })
	if e.Pooler == "" {
		if !slices.ContainsFunc(s.Server.Ports, func(sp snapshot.ServerPort) bool { return sp.Pooler == nil }) {
			p.warn(e.Origin, "pooler: "+s.Server.Ref().Name, "clients of %s come through the pooler in its pods, and the entry names none", s.Server.Ref())
		}
		return
	}
	at := e.Origin.At("%s", field(e.Origin, "pooler"))
	pooler := s.Server.PoolerNamed(e.Pooler)
	if pooler == nil {
		if inPod && e.Pooler == s.Server.Ref().Name {
			return
		}
		p.fail(at, poolerNames(s.Server, inPod), "%s has no pooler %s", s.Server.Ref(), e.Pooler)
		return
	}
	if e.Endpoint == intent.ReadWrite && pooler.Part == snapshot.Replica || e.Endpoint == intent.ReadOnly && pooler.Part == snapshot.Primary {
		p.fail(at, "choose another pooler, or another endpoint", "%s leads to the %s only, and the entry asks for the other", pooler.Ref(), pooler.Part)
	}
}

// poolerNames says which poolers there are.
func poolerNames(s *snapshot.Server, inPod bool) string {
	var names []string
	for _, p := range s.Poolers {
		names = append(names, p.Ref().Name)
	}
	if inPod {
		names = append(names, s.Ref().Name)
	}
	if len(names) == 0 {
		return "it has none: leave pooler out"
	}
	return "its poolers are " + strings.Join(names, ", ")
}

// maxIdentifier is how many bytes of a name PostgreSQL keeps (PostgreSQL manual, Lexical
// Structure, Identifiers and Key Words).
const maxIdentifier = 63

// lengths refuses names that PostgreSQL would cut.
func (p *planner) lengths(e intent.Entry) {
	for _, n := range append([]string{e.Role}, e.Databases...) {
		if len(n) > maxIdentifier {
			p.fail(e.Origin, "use a shorter name", "%q has %d bytes, and PostgreSQL keeps %d of a name: another name would be meant", n, len(n), maxIdentifier)
		}
	}
}

// consent refuses to isolate clients in namespaces in which nothing may be written.
func (p *planner) consent(s *Site, a *intent.Access) {
	if a.Client.Isolation != intent.Isolate {
		return
	}
	for _, from := range a.From {
		if from.IsOutside() {
			continue
		}
		told := map[string]bool{}
		for _, pod := range peerPods(p.job.World, p.podsIn, from, a.Namespace) {
			if server := p.serverOf(pod); server != nil && !told[""] {
				told[""] = true
				p.fail(from.Origin, "narrow the selector, or name the server's destinations in its perimeter and set isolation: WhereIsolated",
					"the clients are to be isolated, and %s is one of them: the way out that %s needs would be closed", pod.Ref(), server.Ref())
			}
			if !told[pod.Namespace] && !consents(p.job.World, s, a, pod.Namespace) {
				told[pod.Namespace] = true
				p.fail(a.Client.Origin, fmt.Sprintf("let spec.network.clientNamespaces of perimeter %s/%s select it, or set isolation: WhereIsolated", s.Perimeter.Namespace, s.Perimeter.Name),
					"clients in namespace %s are to be isolated, and the perimeter may not write there", pod.Namespace)
			}
		}
	}
}

// serverOf is the server that a pod belongs to, itself or as its pooler; nil for none.
func (p *planner) serverOf(pod *snapshot.Pod) *snapshot.Server {
	for _, s := range p.job.World.Servers {
		if s.Owns(pod.Workload) {
			return s
		}
	}
	return nil
}

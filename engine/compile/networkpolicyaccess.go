package compile

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// access drafts the policies for the clients of one access.
func (s *siteNetwork) access(a *intent.Access) {
	var peers []netpol.Peer
	for _, p := range a.From {
		peers = append(peers, s.peersOf(p, a.Namespace)...)
	}
	for _, e := range a.To {
		sub, ports := s.door(e)
		if sub == nil {
			continue
		}
		d := s.on(sub, "access-"+a.Name, "clients", a.Origin)
		d.why = fmt.Sprintf("PostgresAccess %s/%s asks for this.", a.Namespace, a.Name)
		d.open(netpol.Ingress, opening{peers: peers, ports: ports, why: entryWhy(a, e)})
		for _, p := range a.From {
			s.seenAsNode(p, sub)
		}
		s.nodesLetIn(peers, a.Origin, sub)
		if e.Endpoint == intent.ReadOnly && sub.members && hasReplicas(s.Server) {
			s.gap("endpoint", e.Origin, "members change places at a failover, and no label that lasts tells which of them is written to",
				"the clients reach the primary too; the Service that they use decides")
		}
	}
}

// seenAsNode tells of clients outside whose address a Service does not keep: the pods then
// see a node's.
func (s *siteNetwork) seenAsNode(p intent.Peer, sub *subject) {
	services := s.Server.Services
	if sub.pooler != nil {
		services = sub.pooler.Services
	}
	for _, svc := range services {
		if exposed := svc.Type == "LoadBalancer" || svc.Type == "NodePort"; p.IsOutside() && exposed && !svc.KeepsClient {
			s.gap("node-address", p.Origin, svc.Ref().String()+" may give clients from outside the address of a node",
				"they are not let in by it, unless the load balancer leads to pods itself; set externalTrafficPolicy: Local")
		}
	}
}

// nodesLetIn tells of a node's address that is let in, as of a client on its host network,
// where a Service gives that address to everybody from outside.
func (s *siteNetwork) nodesLetIn(peers []netpol.Peer, at verdict.Origin, sub *subject) {
	services := s.Server.Services
	if sub.pooler != nil {
		services = sub.pooler.Services
	}
	node := s.nodeAmong(peers)
	for _, svc := range services {
		if exposed := svc.Type == "LoadBalancer" || svc.Type == "NodePort"; exposed && !svc.KeepsClient && node != "" {
			s.gap("node-source", at, "through "+svc.Ref().String()+" clients from outside have the address of a node, and "+node+" is let in",
				"whoever comes that way gets as far as pg_hba.conf; set externalTrafficPolicy: Local")
		}
	}
}

// nodeAmong is an address of a node, or of a pod that has its node's, that some peer is
// about, or all addresses, which nodes have too; empty for none.
func (s *siteNetwork) nodeAmong(peers []netpol.Peer) string {
	var of []netip.Addr
	for _, n := range s.job.World.Nodes {
		of = append(of, n.Addresses...)
	}
	for _, w := range s.job.World.Workloads {
		for _, p := range w.Pods {
			if p.HostNetwork {
				of = append(of, p.Addresses...)
			}
		}
	}
	for _, p := range peers {
		if p.Block == nil {
			continue
		}
		for _, a := range of {
			if p.Block.Addresses.Has(a) {
				return a.String()
			}
		}
		if all := flow.IPv4().Minus(p.Block.Addresses).IsEmpty(); all || flow.AllAddresses().Minus(flow.IPv4()).Minus(p.Block.Addresses).IsEmpty() {
			return "every address of a family"
		}
	}
	return ""
}

// entryWhy says what an opening for clients is for.
func entryWhy(a *intent.Access, e intent.Entry) string {
	how := "straight"
	if e.Pooler != "" {
		how = "through pooler " + e.Pooler
	}
	return fmt.Sprintf("PostgresAccess %s/%s: clients log in as %q to %s, %s.", a.Namespace, a.Name, e.Role, quotedList(e.Databases), how)
}

func quotedList(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = fmt.Sprintf("%q", t)
	}
	return strings.Join(quoted, ", ")
}

func hasReplicas(s *snapshot.Server) bool {
	return slices.ContainsFunc(s.Members(), func(p *snapshot.Pod) bool { return p.Part == snapshot.Replica })
}

// door finds the pods and pod ports that clients of an entry connect to: the pooler's and
// not the server's, where they go through one.
func (s *siteNetwork) door(e intent.Entry) (*subject, flow.Ports) {
	pooler := s.Server.PoolerNamed(e.Pooler)
	for _, sub := range s.subjects {
		switch {
		case pooler != nil && sub.pooler == pooler:
			return sub, onePort(pooler.Port)
		case pooler == nil && sub.members:
			return sub, s.serverPorts(e)
		}
	}
	return nil, flow.Ports{}
}

// serverPorts are those of the members: of a pooler in the members' pods where one is
// asked for, else those that lead to PostgreSQL itself.
func (s *siteNetwork) serverPorts(e intent.Entry) flow.Ports {
	var out flow.Ports
	for _, p := range s.Server.Ports {
		if (p.Pooler != nil) != (e.Pooler != "") {
			continue
		}
		out = out.Union(onePort(p.Port))
		if p.Maybe != "" {
			s.note("maybe-port", p.Origin, "port %d of %s is opened though it is not known whether anything listens there: %s", p.Port, s.Server.Ref(), p.Maybe)
		}
	}
	if out.IsEmpty() {
		s.gap("no-port", e.Origin, "no port of "+s.Server.Ref().String()+" is known that leads there", "the clients are not let in")
	}
	return out
}

func onePort(port uint16) flow.Ports {
	return flow.PortsOf(flow.PortRange{Protocol: flow.TCP, From: port, To: port})
}

// monitoring drafts the policies for those that scrape metrics.
func (s *siteNetwork) monitoring() {
	for _, m := range s.Perimeter.Monitoring {
		peers, told := s.peersOf(m, s.Perimeter.Namespace), false
		for _, sub := range s.subjects {
			ports := s.metricsPorts(sub, m.Origin)
			if ports.IsEmpty() {
				continue
			}
			told = true
			d := s.on(sub, s.perimeter(), "monitoring", m.Origin)
			d.why = "Lets whoever monitors the server read metrics."
			d.open(netpol.Ingress, opening{peers: peers, ports: ports, why: "Metrics, as the perimeter's monitoring asks."})
		}
		if !told {
			s.gap("no-metrics", m.Origin, "no port is known at which "+s.Server.Ref().String()+" or its poolers tell metrics", "nobody can scrape them")
		}
	}
}

// metricsPorts are the ports of a subject that tell metrics and do nothing else. One that
// obeys, as Patroni's REST API does, is not opened to whoever scrapes, though it tells
// metrics too.
func (s *siteNetwork) metricsPorts(sub *subject, at verdict.Origin) flow.Ports {
	out := s.toldPorts(sub)
	for _, c := range s.Server.Control {
		if one := onePort(c.Port); sub.members && c.Gives != snapshot.Tells && !out.Intersect(one).IsEmpty() {
			out = out.Minus(one)
			s.note("control-port", at, "port %d of %s (%s) is not opened to whoever monitors: it gives more than metrics; who reads them there needs a policy of your own", c.Port, s.Server.Ref(), c.Name)
		}
	}
	return out
}

// toldPorts are the ports of a subject that tell metrics, among other things: what its
// containers call so, the server's exporter, and what is known to be scraped.
func (s *siteNetwork) toldPorts(sub *subject) flow.Ports {
	var out flow.Ports
	for _, p := range sub.pods {
		for _, c := range p.Ports {
			if c.Protocol == flow.TCP && (strings.Contains(c.Name, "metrics") || strings.Contains(c.Name, "exporter")) {
				out = out.Union(onePort(c.Port))
			}
		}
	}
	for _, c := range s.Server.Control {
		if sub.members && strings.Contains(c.Name, "exporter") {
			out = out.Union(onePort(c.Port))
		}
	}
	for _, f := range s.Server.Vital {
		if f.ID == "metrics" && s.touches(f.To, sub) {
			out = out.Union(flow.PortsOf(f.Ports...))
		}
	}
	return out
}

// destinations drafts what the perimeter lists that the server's pods connect to.
func (s *siteNetwork) destinations() {
	s.reach("backup", "Backups, restores and archived WAL", s.Perimeter.Backup)
	s.reach("egress", "A destination of the perimeter", s.Perimeter.Egress)
}

func (s *siteNetwork) reach(purpose, what string, to []intent.Destination) {
	for _, dest := range to {
		peers := s.peersOf(dest.To, s.Perimeter.Namespace)
		for _, sub := range s.subjects {
			if sub.pooler != nil || !sub.closed {
				continue // nothing is closed, or it is not the server that goes there
			}
			d := s.on(sub, s.perimeter(), purpose, dest.Origin)
			d.why = what + "."
			d.open(netpol.Egress, opening{peers: peers, ports: portsOf(dest.Ports), why: what + ": " + dest.Name + "."})
		}
	}
}

func portsOf(ports []intent.Port) flow.Ports {
	ranges := make([]flow.PortRange, len(ports))
	for i, p := range ports {
		ranges[i] = flow.PortRange{Protocol: p.Protocol, From: p.From, To: max(p.From, p.To)}
	}
	return flow.PortsOf(ranges...)
}

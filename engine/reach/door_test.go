package reach

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func outside(text string) network.Endpoint {
	return network.OutsideEndpoint(flow.AddressesOf(netip.MustParsePrefix(text)))
}

func (b *builder) node(name, address string) {
	b.world.Nodes = append(b.world.Nodes, &snapshot.Node{Name: name, Addresses: []netip.Addr{netip.MustParseAddr(address)}})
}

// through returns the path of a decision by what stands before the pod.
func through(t *testing.T, d Decision, name string) Path {
	t.Helper()
	i := slices.IndexFunc(d.Paths, func(p Path) bool { return p.Through == name })
	if i < 0 {
		t.Fatalf("no path through %q among %d", name, len(d.Paths))
	}
	return d.Paths[i]
}

func wantPath(t *testing.T, p Path, want verdict.Verdict, sees Seen) {
	t.Helper()
	if p.Verdict != want || p.ServerSees != sees {
		t.Errorf("through %q: verdict %s, sees %d; want %s, %d", p.Through, p.Verdict, p.ServerSees, want, sees)
		for _, s := range p.Steps {
			t.Logf("   %s %s %s %v %v", s.Layer, s.Verdict, s.Reason, s.Facts, s.Assumptions)
		}
	}
}

func (b *builder) fromOutside(s *snapshot.Server, svc *snapshot.Service, from string) Decision {
	return New(b.world).Decide(Question{From: outside(from), To: Target{Server: s, Service: svc}, Session: app})
}

// "If you set externalTrafficPolicy to Cluster … the client IP is not preserved": policies
// and pg_hba.conf decide about a node, loadBalancerSourceRanges about the client.
func TestALoadBalancerHidesTheClient(t *testing.T) {
	b := estate()
	s := b.server("payments", "host all all 10.0.0.0/24 scram-sha-256", "host all all all reject")
	lb := s.Services[0]
	lb.Type = "LoadBalancer"
	lb.SourceRanges = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	b.policy("payments", "nodes", netpol.Ingress, selector("app", "db"), []netpol.Peer{block("10.0.0.0/24")}, 5432)

	wantPath(t, through(t, b.fromOutside(s, lb, "192.0.2.7/32"), "LoadBalancer"), verdict.Unknown, SeenNode)
	b.node("one", "10.0.0.1")
	wantPath(t, through(t, b.fromOutside(s, lb, "192.0.2.7/32"), "LoadBalancer"), verdict.Allow, SeenNode)
	wantPath(t, through(t, b.fromOutside(s, lb, "198.51.100.7/32"), "LoadBalancer"), verdict.Deny, SeenNode)
	wantPath(t, through(t, b.fromOutside(s, lb, "192.0.2.0/23"), "LoadBalancer"), verdict.Unknown, SeenNode)

	lb.KeepsClient = true
	d := b.fromOutside(s, lb, "192.0.2.7/32")
	wantPath(t, through(t, d, "LoadBalancer"), verdict.Deny, SeenClient)
	if !slices.Contains(d.Assumptions, snapshot.AssumeNodeSource) {
		t.Errorf("assumptions %v: a load balancer may proxy", d.Assumptions)
	}
}

// The answer rests on the node's address only where another address would get another.
func TestTheNodesAddressIsAnAssumption(t *testing.T) {
	b := estate()
	b.node("one", "10.0.0.1")
	s := b.server("payments", "host all all all scram-sha-256")
	lb := s.Services[0]
	lb.Type, lb.NoNodePorts = "LoadBalancer", true
	if d := b.fromOutside(s, lb, "192.0.2.7/32"); slices.Contains(d.Assumptions, snapshot.AssumeNodeAddress) {
		t.Errorf("every address gets in, and yet %v", d.Assumptions)
	}
	s.HBA = records("host all all 10.0.0.1/32 scram-sha-256")
	if d := b.fromOutside(s, lb, "192.0.2.7/32"); d.Verdict != verdict.Allow || !slices.Contains(d.Assumptions, snapshot.AssumeNodeAddress) {
		t.Errorf("%s, %v", d.Verdict, d.Assumptions)
	}
	b.world.Facts.Strict = true
	wantVerdict(t, b.fromOutside(s, lb, "192.0.2.7/32"), verdict.Unknown)
}

// A load balancer has node ports too, which its ranges do not limit, unless it was told
// to do without.
func TestNodePorts(t *testing.T) {
	b := estate()
	s := b.server("payments", "host all all all scram-sha-256")
	svc := s.Services[0]
	svc.Type, svc.Ports[0].NodePort = "NodePort", 30432
	wantPath(t, through(t, b.fromOutside(s, svc, "192.0.2.7/32"), "NodePort 30432"), verdict.Allow, SeenNode)
	svc.Type = "LoadBalancer"
	d := b.fromOutside(s, svc, "192.0.2.7/32")
	wantPath(t, through(t, d, "NodePort 30432"), verdict.Deny, SeenNode)
	if !slices.Contains(d.Assumptions, snapshot.AssumeNodePortsClosed) {
		t.Errorf("assumptions %v", d.Assumptions)
	}
	svc.NoNodePorts, svc.Ports[0].NodePort = true, 0
	for _, p := range b.fromOutside(s, svc, "192.0.2.7/32").Paths {
		if p.Through != "LoadBalancer" {
			t.Errorf("a path through %q", p.Through)
		}
	}
}

// The Internet does not reach an internal load balancer; private addresses may, and
// ranges that the facts file names.
func TestInternalLoadBalancers(t *testing.T) {
	b := estate()
	b.world.Facts.Outside = []snapshot.OutsideRange{{Name: "office", Addresses: flow.AddressesOf(netip.MustParsePrefix("203.0.113.0/24"))}}
	s := b.server("payments", "host all all all scram-sha-256")
	lb := s.Services[0]
	lb.Type, lb.Internal = "LoadBalancer", verdict.Allow
	for from, want := range map[string]verdict.Verdict{
		"198.51.100.7/32": verdict.Deny, "203.0.113.9/32": verdict.Allow, "10.9.0.1/32": verdict.Allow, "0.0.0.0/0": verdict.Unknown,
	} {
		if got := through(t, b.fromOutside(s, lb, from), "LoadBalancer").Verdict; got != want {
			t.Errorf("from %s: %s, want %s", from, got, want)
		}
	}
	lb.Internal = verdict.Unknown
	wantPath(t, through(t, b.fromOutside(s, lb, "198.51.100.7/32"), "LoadBalancer"), verdict.Allow, SeenNode)
}

// An address of the node that leads to one pod keeps the client's own, and no Service
// limits it.
func TestHostPorts(t *testing.T) {
	b := estate()
	s := b.server("payments", "host all all 192.0.2.0/24 scram-sha-256")
	primary := s.Members()[0]
	primary.Ports = []snapshot.ContainerPort{
		{Name: "postgres", Protocol: flow.TCP, Port: 5432, HostPort: 5433}, {Name: "metrics", Protocol: flow.TCP, Port: 9187, HostPort: 9187}}
	ask := func() Decision {
		return New(b.world).Decide(Question{From: outside("192.0.2.7/32"), To: Target{Server: s}, Session: app})
	}
	d := ask()
	wantPath(t, through(t, d, "hostPort 5433"), verdict.Allow, SeenClient)
	if slices.ContainsFunc(d.Paths, func(p Path) bool { return p.Through == "hostPort 9187" }) {
		t.Error("a port that is not PostgreSQL's is a path")
	}
	primary.Ports[0].HostIP = netip.MustParseAddr("127.0.0.1")
	if slices.ContainsFunc(ask().Paths, func(p Path) bool { return p.Through == "hostPort 5433" }) {
		t.Error("a port of the node's loopback is a path from outside")
	}
	primary.HostNetwork = true
	wantPath(t, through(t, ask(), "hostPort 5432"), verdict.Allow, SeenClient)
}

func TestExternalIPs(t *testing.T) {
	b := estate()
	s := b.server("payments", "host all all all scram-sha-256")
	s.Services[0].ExternalIPs = []netip.Addr{netip.MustParseAddr("203.0.113.9")}
	wantPath(t, through(t, b.fromOutside(s, s.Services[0], "192.0.2.7/32"), "external IP 203.0.113.9"), verdict.Allow, SeenNode)
	wantPath(t, through(t, b.fromOutside(s, s.Services[1], "192.0.2.7/32"), ""), verdict.Deny, SeenClient)
}

func (b *builder) route(svc *snapshot.Service, kind string) *snapshot.Route {
	r := &snapshot.Route{Ref: snapshot.Ref{Kind: kind, Namespace: "edge", Name: "pg"}, TCP: kind != "HTTPRoute",
		Gateways: []snapshot.Ref{{Kind: "Gateway", Namespace: "edge", Name: "public"}},
		Backends: []snapshot.RouteBackend{{Namespace: svc.Namespace, Service: svc.Name, Port: 5432}}}
	b.world.Routes = append(b.world.Routes, r)
	return r
}

// Packets of a TCPRoute come from its gateway's pods: policies and pg_hba.conf decide
// about those.
func TestATCPRouteComesFromItsGateway(t *testing.T) {
	b := estate()
	s := b.server("payments", "host all all 10.1.0.0/16 scram-sha-256")
	b.route(s.Services[0], "TCPRoute")
	b.policy("payments", "gateway", netpol.Ingress, selector("app", "db"), []netpol.Peer{podsAnywhere(selector(gatewayName, "public"))}, 5432)
	path := func() Path { return through(t, b.fromOutside(s, s.Services[0], "192.0.2.7/32"), "TCPRoute edge/pg") }
	wantPath(t, path(), verdict.Unknown, SeenProxy) // nobody knows the gateway's pods

	pod := b.client("edge", "public", gatewayName, "public")
	pod.Addresses = []netip.Addr{netip.MustParseAddr("10.1.0.9")}
	wantPath(t, path(), verdict.Allow, SeenProxy)
	if p := path(); p.Sender.Pod != pod {
		t.Errorf("sender %v", p.Sender)
	}
	pod.Addresses[0] = netip.MustParseAddr("10.2.0.9")
	wantPath(t, path(), verdict.Deny, SeenProxy)
	pod.Labels = labels(gatewayName, "private")
	wantPath(t, path(), verdict.Unknown, SeenProxy)
}

// A gateway that tells routes apart by the name in the TLS handshake takes nothing else,
// and one that speaks HTTP never leads to PostgreSQL.
func TestRoutesThatTakeOnlyTLSOrHTTP(t *testing.T) {
	b := estate()
	s := b.server("payments", "host all all all scram-sha-256")
	b.client("edge", "public", gatewayName, "public")
	r := b.route(s.Services[0], "TLSRoute")
	r.TLS = verdict.Allow
	b.route(s.Services[0], "HTTPRoute")
	d := New(b.world).Decide(Question{From: outside("192.0.2.7/32"), To: Target{Server: s, Service: s.Services[0]},
		Session: Session{Database: "ledger", Role: "app"}})
	wantPath(t, through(t, d, "TLSRoute edge/pg"), verdict.Deny, SeenProxy)
	wantPath(t, through(t, b.fromOutside(s, s.Services[0], "192.0.2.7/32"), "TLSRoute edge/pg"), verdict.Allow, SeenProxy)
	for _, p := range d.Paths {
		if p.Through == "HTTPRoute edge/pg" {
			t.Error("an HTTPRoute leads to PostgreSQL")
		}
	}
}

// What leads to a control port from outside is told with its door; HTTP does here.
func TestControlPortsFromOutside(t *testing.T) {
	b := estate()
	s := b.server("payments", "host all all all scram-sha-256")
	s.Control = []snapshot.ControlPort{{Name: "patroni", Port: 8008}}
	b.policy("payments", "proxy", netpol.Ingress, selector("app", "db"), []netpol.Peer{podsAnywhere(selector(gatewayName, "public"))}, 8008)
	if got := New(b.world).Control(s); len(got) != 0 {
		t.Fatalf("%v reaches a port that policies close", got)
	}
	svc := b.service("payments", "patroni", 8008, *selector("app", "db"))
	b.client("edge", "public", gatewayName, "public")
	b.route(svc, "HTTPRoute")
	var found bool
	for _, a := range New(b.world).Control(s) {
		found = found || a.From.Kind == "Outside" && a.Through == "HTTPRoute edge/pg" && a.Verdict == verdict.Allow
	}
	if !found {
		t.Errorf("%v", New(b.world).Control(s))
	}
}

// The closed list says of the outside, of ranges that no rule cuts, what single questions
// say: by every door, with every address that a server may see.
func TestTheClosedListOfTheOutsideAgreesWithSingleQuestions(t *testing.T) {
	for seed := range uint64(200) {
		world := random(seed)
		exposed(world, seed)
		e := New(world)
		s := world.Servers[0]
		list := e.WhoCan(s)
		for _, from := range []string{"10.0.0.77/32", "10.1.0.77/32", "192.0.2.7/32", "198.51.100.7/32"} {
			want := map[[2]string]verdict.Verdict{}
			for _, session := range everySession(s) {
				cell := [2]string{session.Database, session.Role}
				v := e.Decide(Question{From: outside(from), To: Target{Server: s}, Session: session}).Verdict
				if known, ok := want[cell]; ok {
					v = verdict.Any(known, v)
				}
				want[cell] = v
			}
			for cell, v := range want {
				if got := listedOutside(list, from, cell); got != v {
					t.Fatalf("seed %d: %s as %s on %s: closed list says %s, single questions %s", seed, from, cell[1], cell[0], got, v)
				}
			}
		}
	}
}

// exposed opens a world to the outside in ways that the seed picks.
func exposed(w *snapshot.Snapshot, seed uint64) {
	b := builder{w}
	s := w.Servers[0]
	svc := s.Services[0]
	if seed&1 != 0 {
		b.node("one", "10.0.0.1")
	}
	svc.Type = []string{"LoadBalancer", "NodePort", "ClusterIP", "LoadBalancer"}[seed%4]
	svc.KeepsClient = seed&4 != 0
	if seed&8 != 0 {
		svc.SourceRanges = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	}
	if seed&16 != 0 {
		svc.Internal = verdict.Allow
	}
	if seed%5 == 0 {
		b.route(svc, "TCPRoute")
		b.client("edge", "public", gatewayName, "public").Addresses = []netip.Addr{netip.MustParseAddr("10.1.0.9")}
	}
	if seed%7 == 0 {
		s.Members()[1].Ports = []snapshot.ContainerPort{{Protocol: flow.TCP, Port: 5432, HostPort: 5432}}
	}
}

func listedOutside(list []Access, from string, cell [2]string) verdict.Verdict {
	asked := flow.AddressesOf(netip.MustParsePrefix(from))
	for _, a := range list {
		if a.Database == cell[0] && a.Role == cell[1] && asked.Minus(a.Outside).IsEmpty() {
			return a.Verdict
		}
	}
	return verdict.Deny
}

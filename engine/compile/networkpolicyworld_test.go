package compile

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/internal/worldgen"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A siteWorld is a random estate with foreign policies, and servers with intents in it.
type siteWorld struct {
	*rand.Rand
	world   *snapshot.Snapshot
	intents intent.Intents
}

func (g *siteWorld) one(n int) bool { return g.IntN(n) == 0 }

func newSiteWorld(seed uint64, taste worldgen.Taste) *siteWorld {
	g := &siteWorld{Rand: rand.New(rand.NewPCG(seed, 9)), world: worldgen.World(seed, taste)}
	g.deploy("kube-system", "Deployment", "coredns", map[string]string{"k8s-app": "kube-dns"})
	g.deploy("ops", "Deployment", "operator", map[string]string{"app": "operator"})
	g.deploy("monitoring", "Deployment", "prometheus", map[string]string{"app": "prometheus"})
	if g.one(2) {
		g.world.Facts.APIServer = flow.AddressesOf(netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("2001:db8::1/128"))
		g.world.Facts.APIServerPorts = []uint16{6443}
	}
	for _, w := range g.world.Workloads {
		for _, p := range w.Pods {
			p.ServiceAccount = []string{"", "app", "batch"}[g.IntN(3)]
		}
	}
	spaces := []string{"a", "b"}
	for i := range 1 + g.IntN(2) {
		g.server(spaces[i], fmt.Sprintf("db%d", i))
	}
	if g.one(3) {
		g.server("own", "alone").Owned = &intent.OwnedNamespace{DefaultDeny: true}
	}
	slices.SortFunc(g.world.Workloads, func(a, b *snapshot.Workload) int { return a.Compare(b.Ref) })
	return g
}

func (g *siteWorld) deploy(ns, kind, name string, labels map[string]string, ports ...snapshot.ContainerPort) *snapshot.Workload {
	if g.world.Namespaces[ns] == nil {
		g.world.Namespaces[ns] = &snapshot.Namespace{Name: ns, Declared: true, Labels: netpol.Labels{Set: map[string]string{snapshot.MetadataName: ns}}}
	}
	w := &snapshot.Workload{Ref: snapshot.Ref{Kind: kind, Namespace: ns, Name: name}}
	w.Pods = []*snapshot.Pod{{Workload: w, Namespace: ns, Many: true, Labels: netpol.Labels{Set: labels}, Ports: ports}}
	g.world.Workloads = append(g.world.Workloads, w)
	return w
}

func tcpPorts(ports ...uint16) []flow.PortRange {
	var out []flow.PortRange
	for _, p := range ports {
		out = append(out, flow.PortRange{Protocol: flow.TCP, From: p, To: p})
	}
	return out
}

// server adds a server with its jobs, a pooler, vital flows, a perimeter and accesses.
func (g *siteWorld) server(ns, cluster string) *intent.Perimeter {
	set := func(kv ...string) map[string]string {
		out := map[string]string{"cluster": cluster}
		for i := 0; i < len(kv); i += 2 {
			out[kv[i]] = kv[i+1]
		}
		return out
	}
	w := g.deploy(ns, "Cluster", cluster, nil)
	w.Pods = nil
	for i := range 1 + g.IntN(2) {
		for _, part := range []string{snapshot.Primary, snapshot.Replica} {
			name := fmt.Sprintf("%s-%d", cluster, i+1)
			w.Pods = append(w.Pods, &snapshot.Pod{
				Workload: w, Name: name, Instance: name, Part: part, Namespace: ns, Labels: netpol.Labels{Set: set("kind", "instance", "role", part, "instance", name)},
				Ports: []snapshot.ContainerPort{{Name: "pg", Protocol: flow.TCP, Port: 5432}, {Name: "metrics", Protocol: flow.TCP, Port: 9187}},
			})
		}
	}
	s := &snapshot.Server{Workload: w, Ports: []snapshot.ServerPort{{Name: "postgres", Port: 5432, Sees: snapshot.SeesClient}}}
	members := s.Members()
	job := &snapshot.Pod{Workload: w, Namespace: ns, Part: "join job", Labels: netpol.Labels{Set: set("job", "join"), Unknown: []string{"job-name"}}}
	w.Pods = append(w.Pods, job)
	flows := func(f ...snapshot.VitalFlow) { s.Vital = append(s.Vital, f...) }
	peer := func(name string, pods ...*snapshot.Pod) snapshot.VitalPeer {
		return snapshot.VitalPeer{Name: name, Pods: pods}
	}
	all := peer("the members", members...)
	flows(snapshot.VitalFlow{ID: "replication", What: "replicas stream", Phase: snapshot.Steady, From: all, To: all, Ports: tcpPorts(5432)},
		snapshot.VitalFlow{ID: "join", What: "the job copies", Phase: snapshot.Join, From: peer("job", job), To: all, Ports: tcpPorts(5432)},
		snapshot.VitalFlow{ID: "operator-status", What: "the operator asks", Phase: snapshot.Steady, Ports: tcpPorts(8000), To: all,
			From: snapshot.VitalPeer{Name: "the operator", Namespace: "ops", Labels: netpol.Labels{Set: map[string]string{"app": "operator"}}}},
		snapshot.VitalFlow{ID: "kube-apiserver", What: "they talk to the API server", Phase: snapshot.Steady, From: all, Ports: tcpPorts(6443),
			To: snapshot.VitalPeer{Name: snapshot.KubeAPIServer, Outside: g.world.Facts.APIServer, OutsideUnknown: g.world.Facts.APIServer.IsEmpty()}},
		snapshot.VitalFlow{ID: "metrics", What: "Prometheus scrapes", Phase: snapshot.Monitoring, Optional: true, To: all, Ports: tcpPorts(9187),
			From: snapshot.VitalPeer{Name: "Prometheus", Namespace: "monitoring", Labels: netpol.Labels{Set: map[string]string{"app": "prometheus"}}}})
	if g.one(2) {
		pw := g.deploy(ns, "Pooler", cluster+"-pool", map[string]string{"pool": cluster + "-pool", "cluster": cluster},
			snapshot.ContainerPort{Name: "pgbouncer", Protocol: flow.TCP, Port: 6432})
		s.Poolers = append(s.Poolers, &snapshot.Pooler{Workload: pw, Port: 6432})
		flows(snapshot.VitalFlow{ID: "pooler", What: "the pooler connects", Phase: snapshot.Steady, From: peer("pooler", pw.Pods...), To: all, Ports: tcpPorts(5432)})
	}
	g.world.Servers = append(g.world.Servers, s)
	ref := intent.ServerRef{Namespace: ns, Name: cluster}
	p := &intent.Perimeter{Namespace: ns, Name: cluster, Server: ref, EgressIsolated: g.one(2), Origin: verdict.Origin{Object: "perimeter " + cluster}}
	if g.one(3) {
		p.AdminTier = &intent.AdminTier{Priority: 10 + len(g.intents.Perimeters)}
	}
	if g.one(2) {
		p.ClientNamespaces = &netpol.Selector{}
	}
	if g.one(2) {
		p.Monitoring = []intent.Peer{{Namespaces: []string{"monitoring"}, Pods: &netpol.Selector{}}}
	}
	if g.one(2) {
		p.Backup = []intent.Destination{{Name: "store", Ports: []intent.Port{{Protocol: flow.TCP, From: 443, To: 444}},
			To: intent.Peer{Names: []string{"store"}, Addresses: flow.AddressesOf(netip.MustParsePrefix("198.51.100.0/24"))}}}
	}
	g.intents.Perimeters = append(g.intents.Perimeters, p)
	for i := range g.IntN(3) {
		g.intents.Accesses = append(g.intents.Accesses, g.access(s, ref, fmt.Sprintf("%s-%d", cluster, i)))
	}
	return p
}

func (g *siteWorld) access(s *snapshot.Server, ref intent.ServerRef, name string) *intent.Access {
	a := &intent.Access{Namespace: ref.Namespace, Name: name, Server: ref, Origin: verdict.Origin{Object: "access " + name}}
	for range 1 + g.IntN(2) {
		a.From = append(a.From, g.peer(ref.Namespace))
	}
	e := intent.Entry{Databases: []string{"app"}, Role: "app", Endpoint: intent.ReadWrite, Authentication: intent.SCRAM}
	if len(s.Poolers) > 0 && g.one(2) {
		e.Pooler = s.Poolers[0].Ref().Name
	}
	a.To = []intent.Entry{e}
	a.Client.Isolation = []intent.Isolation{intent.NeverIsolate, intent.WhereIsolated, intent.WhereIsolated, intent.Isolate}[g.IntN(4)]
	if a.Client.Isolation == intent.Isolate && g.one(2) {
		a.Client.Needs = []intent.Destination{{Name: "web", Ports: []intent.Port{{Protocol: flow.TCP, From: 443, To: 443}},
			To: intent.Peer{Names: []string{"web"}, Addresses: flow.AddressesOf(netip.MustParsePrefix("203.0.113.0/24"))}}}
	}
	return a
}

func (g *siteWorld) peer(own string) intent.Peer {
	if g.one(4) {
		prefixes := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8:1::/48")}
		return intent.Peer{Names: []string{"office"}, Addresses: flow.AddressesOf(prefixes[:1+g.IntN(2)]...)}
	}
	p := intent.Peer{Namespaces: []string{own}}
	switch g.IntN(4) {
	case 0:
		p.Namespaces = []string{"b", "c"}
	case 1:
		p.Namespaces, p.NamespaceSelector = nil, &netpol.Selector{{Key: "team", Op: netpol.In, Values: []string{"x"}}}
	}
	key := []string{"app", "role"}[g.IntN(2)]
	p.Pods = &netpol.Selector{{Key: key, Op: []netpol.Op{netpol.In, netpol.In, netpol.NotIn}[g.IntN(3)], Values: []string{"x", "y"}[g.IntN(2):][:1]}}
	if g.one(5) {
		p.ServiceAccounts = []string{"app"}
	}
	return p
}

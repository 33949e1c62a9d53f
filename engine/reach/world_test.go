package reach

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A builder makes small estates that read like sentences.
type builder struct{ world *snapshot.Snapshot }

func estate() *builder {
	return &builder{&snapshot.Snapshot{Namespaces: map[string]*snapshot.Namespace{}}}
}

func labels(pairs ...string) netpol.Labels {
	l := netpol.Labels{Set: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		l.Set[pairs[i]] = pairs[i+1]
	}
	return l
}

func selector(pairs ...string) *netpol.Selector {
	s := netpol.Selector{}
	for i := 0; i < len(pairs); i += 2 {
		s = append(s, netpol.Requirement{Key: pairs[i], Op: netpol.In, Values: []string{pairs[i+1]}})
	}
	return &s
}

// client adds a Deployment of one pod.
func (b *builder) client(namespace, name string, pairs ...string) *snapshot.Pod {
	return b.pod(&snapshot.Workload{Ref: snapshot.Ref{Kind: "Deployment", Namespace: namespace, Name: name}}, "", "", labels(pairs...))
}

func (b *builder) pod(w *snapshot.Workload, instance, part string, l netpol.Labels) *snapshot.Pod {
	if len(w.Pods) == 0 {
		b.world.Workloads = append(b.world.Workloads, w)
	}
	p := &snapshot.Pod{Workload: w, Namespace: w.Namespace, Instance: instance, Name: instance, Part: part, Labels: l}
	w.Pods = append(w.Pods, p)
	return p
}

// server adds a cluster of two instances, each primary or replica, with Services
// db-rw and db-r.
func (b *builder) server(namespace string, lines ...string) *snapshot.Server {
	w := &snapshot.Workload{Ref: snapshot.Ref{Kind: "Cluster", Namespace: namespace, Name: "db"}}
	for _, i := range []string{"db-1", "db-2"} {
		b.pod(w, i, snapshot.Primary, labels("app", "db", "role", "primary"))
		b.pod(w, i, snapshot.Replica, labels("app", "db", "role", "replica"))
	}
	s := &snapshot.Server{
		Workload: w, Version: 16, HBA: records(lines...), Databases: []string{"ledger"},
		Roles: []snapshot.Role{{Name: "app"}, {Name: "postgres", Superuser: true}},
		Ports: []snapshot.ServerPort{{Name: "postgres", Port: 5432, Sees: snapshot.SeesClient}},
		TLS:   snapshot.TLS{Enabled: verdict.Allow, ClientCA: verdict.Allow},
	}
	s.Services = []*snapshot.Service{
		b.service(namespace, "db-rw", 5432, *selector("role", "primary")),
		b.service(namespace, "db-r", 5432, *selector("app", "db")),
	}
	b.world.Servers = append(b.world.Servers, s)
	return s
}

func (b *builder) service(namespace, name string, target uint16, s netpol.Selector) *snapshot.Service {
	svc := &snapshot.Service{Namespace: namespace, Name: name, Type: "ClusterIP", Selector: s,
		Ports: []snapshot.ServicePort{{Protocol: flow.TCP, Port: 5432, Target: target}}}
	b.world.Services = append(b.world.Services, svc)
	return svc
}

// pooler puts a pooler before a server.
func (b *builder) pooler(s *snapshot.Server, lines ...string) *snapshot.Pooler {
	w := &snapshot.Workload{Ref: snapshot.Ref{Kind: "Pooler", Namespace: s.Workload.Namespace, Name: "pool"}}
	b.pod(w, "", "", labels("app", "pool")).Many = true
	p := &snapshot.Pooler{Workload: w, Port: 5432, HBA: records(lines...), Part: snapshot.Primary, ServerTLS: "require",
		TLS:      snapshot.TLS{Enabled: verdict.Allow, ClientCA: verdict.Allow},
		Services: []*snapshot.Service{b.service(s.Workload.Namespace, "pool", 5432, *selector("app", "pool"))}}
	s.Poolers = append(s.Poolers, p)
	return p
}

func records(lines ...string) hba.File {
	var sources []hba.Source
	for i, l := range lines {
		sources = append(sources, hba.Source{Text: l, Origin: verdict.Origin{File: "pg_hba.conf", Line: i + 1}})
	}
	return hba.Parse(sources, 16)
}

// policy isolates pods in a direction and admits peers at ports; no peers, none.
func (b *builder) policy(namespace, name string, dir netpol.Direction, pods *netpol.Selector, peers []netpol.Peer, ports ...uint16) *netpol.Policy {
	p := &netpol.Policy{Namespace: namespace, Name: name, Pods: *pods,
		Origin: verdict.Origin{File: "netpol.yaml", Line: 1, Object: "NetworkPolicy " + namespace + "/" + name}}
	p.Isolates[dir] = true
	if len(peers) > 0 {
		r := netpol.Rule{Action: netpol.Accept, Peers: peers, AnyPort: len(ports) == 0}
		for _, port := range ports {
			r.Ports = append(r.Ports, netpol.Port{Protocol: flow.TCP, From: port, To: port})
		}
		p.Rules[dir] = []netpol.Rule{r}
	}
	b.world.Policies = append(b.world.Policies, p)
	return p
}

func pods(s *netpol.Selector) netpol.Peer { return netpol.Peer{Pods: s} }

func podsAnywhere(s *netpol.Selector) netpol.Peer {
	return netpol.Peer{Pods: s, Namespaces: &netpol.Selector{}}
}

func block(cidr string) netpol.Peer {
	return netpol.Peer{Block: &netpol.Block{Text: cidr, Addresses: flow.AddressesOf(netip.MustParsePrefix(cidr))}}
}

// random makes an estate in which every layer has something to say.
func random(seed uint64) *snapshot.Snapshot {
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // worlds, not secrets
	b := estate()
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	for i := range 3 {
		p := b.client(pick("a", "b"), fmt.Sprint("c", i), "app", pick("web", "job", "db"))
		if r.IntN(2) == 0 {
			p.Addresses = []netip.Addr{netip.MustParseAddr(fmt.Sprintf("10.%d.0.%d", r.IntN(2), i+1))}
		}
		p.HostNetwork = r.IntN(4) == 0
	}
	if r.IntN(2) == 0 {
		b.world.Facts.PodCIDRs = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	}
	if r.IntN(6) == 0 {
		b.world.Problems = []snapshot.Problem{{Err: "cannot be read", Namespace: pick("", "a", "b", "c")}}
	}
	lines := []string{
		"hostssl all app all scram-sha-256", "host all all 10.0.0.0/8 reject", "host ledger all all md5",
		"host all app 10.1.0.0/16 trust", "hostssl all app all cert", "hostnossl all all all reject", "host all all all scram-sha-256",
		"host ledger +staff all scram-sha-256", "host sameuser all all trust", "hostssl samerole all 10.0.0.0/16 md5",
		"host ledger,app app all md5", "host all app,clerk 10.0.0.2/32 scram-sha-256", "local all all trust", "host all /^app all scram-sha-256",
	}
	some := func() []string {
		var out []string
		for range 1 + r.IntN(4) {
			out = append(out, pick(lines...))
		}
		return out
	}
	s := b.server("a", some()...)
	if r.IntN(2) == 0 {
		b.pooler(s, some()...)
	}
	for i := range r.IntN(4) {
		peer := []netpol.Peer{
			pods(selector("app", pick("web", "job", "pool", "db"))), podsAnywhere(&netpol.Selector{}), block("10.0.0.0/16"),
		}[r.IntN(3)]
		dir := netpol.Directions[r.IntN(2)]
		b.policy(pick("a", "b"), fmt.Sprint("p", i), dir, selector("app", pick("web", "db", "pool")),
			[]netpol.Peer{peer}, uint16(5432+r.IntN(2))) //nolint:gosec // 5432 or 5433
	}
	return b.world
}

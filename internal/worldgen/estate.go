package worldgen

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// perNamespace is the number of workloads of a namespace; each namespace has 13
// policies, which makes 0.65 a workload.
const perNamespace = 20

// Estate returns an estate of the mix that real clusters have: default deny in most
// namespaces, DNS egress, monitoring by namespaceSelector with named ports, apps to
// databases by label or In, an operator to databases, cross-namespace peers, ipBlock
// with except, endPort ranges, Exists and NotIn, rules without ports or peers. Its
// first namespaces are those of the cluster itself. The facts are complete.
func Estate(workloads int, seed uint64) *snapshot.Snapshot {
	b := &builder{
		Rand:  rand.New(rand.NewPCG(seed, 2)),
		world: &snapshot.Snapshot{Namespaces: map[string]*snapshot.Namespace{}},
	}
	b.world.Facts.Complete, b.world.Facts.Enforces = true, verdict.Allow
	b.cluster()
	for n := 0; len(b.world.Workloads) < workloads; n++ {
		b.team(n, min(perNamespace, workloads-len(b.world.Workloads)))
	}
	slices.SortFunc(b.world.Workloads, func(a, c *snapshot.Workload) int { return a.Compare(c.Ref) })
	return b.world
}

type builder struct {
	*rand.Rand
	world *snapshot.Snapshot
	ns    string
}

func (b *builder) chance(percent int) bool { return b.IntN(100) < percent }

func (b *builder) namespace(name string, labels ...string) {
	b.ns = name
	l := netpol.Labels{Set: set(append(labels, snapshot.MetadataName, name)...)}
	b.world.Namespaces[name] = &snapshot.Namespace{Name: name, Labels: l, Declared: true}
}

// set makes a map of keys and values in turn.
func set(kv ...string) map[string]string {
	out := map[string]string{}
	for i := 0; i+1 < len(kv); i += 2 {
		out[kv[i]] = kv[i+1]
	}
	return out
}

func tcp(name string, port uint16) snapshot.ContainerPort {
	return snapshot.ContainerPort{Name: name, Protocol: flow.TCP, Port: port}
}

func (b *builder) deploy(kind, name string, labels map[string]string, ports ...snapshot.ContainerPort) {
	w := &snapshot.Workload{Ref: snapshot.Ref{Kind: kind, Namespace: b.ns, Name: name}}
	pods := 1
	if kind == "StatefulSet" {
		pods = 3
	}
	for i := range pods {
		p := &snapshot.Pod{Workload: w, Namespace: b.ns, Labels: netpol.Labels{Set: labels}, Ports: ports, Many: kind != "StatefulSet"}
		if kind == "StatefulSet" {
			p.Name = fmt.Sprintf("%s-%d", name, i)
		}
		w.Pods = append(w.Pods, p)
	}
	b.world.Workloads = append(b.world.Workloads, w)
}

// cluster adds what every namespace talks to.
func (b *builder) cluster() {
	b.namespace("kube-system")
	b.deploy("Deployment", "coredns", set("k8s-app", "kube-dns"), snapshot.ContainerPort{Name: "dns", Protocol: flow.UDP, Port: 53}, tcp("metrics", 9153))
	b.namespace("monitoring", "purpose", "monitoring")
	b.deploy("StatefulSet", "prometheus", set("app", "prometheus"), tcp("web", 9090))
	b.namespace("ingress", "purpose", "ingress")
	b.deploy("Deployment", "gateway", set("app", "gateway"), tcp("https", 8443))
	b.namespace("cnpg-system", "purpose", "operators")
	b.deploy("Deployment", "operator", set("app.kubernetes.io/name", "cloudnative-pg"), tcp("webhook", 9443))
}

// team adds a namespace with its workloads and policies.
func (b *builder) team(n, workloads int) {
	b.namespace(fmt.Sprintf("team-%04d", n), "team", fmt.Sprintf("t%d", n/3), "env", []string{"prod", "prod", "staging", "dev"}[n%4])
	var apps, dbs []string
	for i := range workloads {
		switch {
		case i%7 == 6:
			name := fmt.Sprintf("db-%d", i)
			dbs = append(dbs, name)
			b.deploy("StatefulSet", name, set("app", name, "tier", "data", "engine", "postgres"), tcp("postgres", 5432), tcp("metrics", 9187))
		default:
			name := fmt.Sprintf("app-%d", i)
			apps = append(apps, name)
			b.deploy("Deployment", name, set("app", name, "tier", []string{"web", "api", "worker"}[i%3]), tcp("http", 8080), tcp("metrics", 9090))
		}
	}
	b.policies(apps, dbs, n)
}

func (b *builder) policies(apps, dbs []string, n int) {
	if b.chance(75) {
		b.policy("default-deny", nil, netpol.Ingress, true)
	} else {
		b.policy("workers-closed", sel("tier", "worker"), netpol.Ingress, false)
	}
	if b.chance(75) {
		b.policy("dns", nil, netpol.Egress, false, rule(
			[]netpol.Peer{peer(sel(snapshot.MetadataName, "kube-system"), sel("k8s-app", "kube-dns"))}, udp(53), port(53, 53)))
	} else {
		b.policy("web-out", sel("tier", "web"), netpol.Egress, false, rule(nil))
	}
	b.policy("monitoring", nil, netpol.Ingress, false, rule([]netpol.Peer{peer(sel("purpose", "monitoring"), nil)}, named("metrics")))
	b.policy("from-ingress", sel("tier", "web"), netpol.Ingress, false, rule([]netpol.Peer{peer(sel("purpose", "ingress"), sel("app", "gateway"))}, named("http")))
	if len(apps) < 4 || len(dbs) == 0 {
		return
	}
	db := dbs[b.IntN(len(dbs))]
	clients := apps[:2+b.IntN(len(apps)-2)]
	b.policy("db-ingress", sel("app", db), netpol.Ingress, false, rule([]netpol.Peer{own(sel("app", clients[0])), own(sel("app", clients[1]))}, port(5432, 5432)))
	b.policy("db-clients", sel("engine", "postgres"), netpol.Ingress, false, rule([]netpol.Peer{own(in("app", clients...))}, named("postgres")))
	b.policy("db-operator", sel("engine", "postgres"), netpol.Ingress, false,
		rule([]netpol.Peer{peer(sel("purpose", "operators"), sel("app.kubernetes.io/name", "cloudnative-pg"))}, port(8000, 8000), port(5432, 5432)))
	b.policy("apps-out", netpol.Selector{req("tier", netpol.NotIn, "data")}, netpol.Egress, false, rule([]netpol.Peer{own(sel("engine", "postgres"))}, port(5432, 5432)))
	b.policy("internet", sel("app", apps[0]), netpol.Egress, false,
		rule([]netpol.Peer{{Block: block("0.0.0.0/0", "10.0.0.0/8", "192.168.0.0/16")}}, port(443, 443)))
	b.policy("legacy", sel("app", apps[1]), netpol.Ingress, false,
		rule([]netpol.Peer{{Block: block(fmt.Sprintf("10.%d.0.0/16", n%200), fmt.Sprintf("10.%d.7.0/24", n%200))}}, port(30000, 32767)))
	b.policy("neighbours", sel("tier", "api"), netpol.Ingress, false,
		rule([]netpol.Peer{peer(sel(snapshot.MetadataName, fmt.Sprintf("team-%04d", (n+1)%max(n, 1))), sel("tier", "web"))}, port(8080, 8080)))
	b.policy("team", netpol.Selector{req("app", netpol.Exists)}, netpol.Ingress, false,
		rule([]netpol.Peer{peer(netpol.Selector{req("team", netpol.In, fmt.Sprintf("t%d", n/3)), req("env", netpol.NotIn, "dev")}, sel("tier", "worker"))}, port(9000, 9010)))
	b.policy("open", sel("app", apps[2]), netpol.Ingress, false, rule(nil, port(8080, 8080)))
}

// policy adds one; both isolates egress too, without rules.
func (b *builder) policy(name string, pods netpol.Selector, dir netpol.Direction, both bool, rules ...netpol.Rule) {
	p := &netpol.Policy{Namespace: b.ns, Name: name, Pods: pods}
	p.Origin = verdict.Origin{Object: "NetworkPolicy " + b.ns + "/" + name}
	p.Isolates[dir] = true
	if both {
		p.Isolates = [2]bool{true, true}
	}
	for i := range rules {
		rules[i].Origin = p.Origin.At("spec.%s[%d]", dir, i)
		for j := range rules[i].Peers {
			rules[i].Peers[j].Origin = p.Origin.At("%s.%s[%d]", rules[i].Origin.Field, fromTo(dir), j)
		}
	}
	p.Rules[dir] = rules
	b.world.Policies = append(b.world.Policies, p)
}

func fromTo(dir netpol.Direction) string {
	if dir == netpol.Egress {
		return "to"
	}
	return "from"
}

func req(key string, op netpol.Op, values ...string) netpol.Requirement {
	slices.Sort(values)
	return netpol.Requirement{Key: key, Op: op, Values: values}
}

func sel(key, value string) netpol.Selector { return netpol.Selector{req(key, netpol.In, value)} }

func in(key string, values ...string) netpol.Selector {
	return netpol.Selector{req(key, netpol.In, slices.Clone(values)...)}
}

func own(pods netpol.Selector) netpol.Peer { return netpol.Peer{Pods: &pods} }

// peer selects by namespace and, unless pods is nil, by pod.
func peer(namespaces, pods netpol.Selector) netpol.Peer {
	p := netpol.Peer{Namespaces: &namespaces}
	if pods != nil {
		p.Pods = &pods
	}
	return p
}

func block(cidr string, except ...string) *netpol.Block {
	b := &netpol.Block{Text: cidr, Addresses: flow.AddressesOf(netip.MustParsePrefix(cidr))}
	for _, e := range except {
		b.Addresses = b.Addresses.Minus(flow.AddressesOf(netip.MustParsePrefix(e)))
	}
	if len(except) > 0 {
		b.Text += " except " + strings.Join(except, ", ")
	}
	return b
}

func port(from, to uint16) netpol.Port { return netpol.Port{Protocol: flow.TCP, From: from, To: to} }

func udp(p uint16) netpol.Port { return netpol.Port{Protocol: flow.UDP, From: p, To: p} }

func named(name string) netpol.Port { return netpol.Port{Protocol: flow.TCP, Name: name} }

// rule admits peers at ports; of either, none means any.
func rule(peers []netpol.Peer, ports ...netpol.Port) netpol.Rule {
	return netpol.Rule{Action: netpol.Accept, AnyPeer: len(peers) == 0, Peers: peers, AnyPort: len(ports) == 0, Ports: ports}
}

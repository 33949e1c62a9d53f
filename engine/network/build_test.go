package network

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A build reads like a sentence: pods and policies added to a world whose
// facts are complete.
type build struct {
	world *snapshot.Snapshot
	pods  map[string]*snapshot.Pod
}

func estateOf(options ...func(*build)) *build {
	b := &build{&snapshot.Snapshot{Namespaces: map[string]*snapshot.Namespace{}}, map[string]*snapshot.Pod{}}
	b.world.Facts.Complete, b.world.Facts.Enforces = true, verdict.Allow
	for _, o := range options {
		o(b)
	}
	return b
}

// space declares a namespace with labels "k=v k=v".
func space(name, labels string) func(*build) {
	return func(b *build) {
		set := labelSet(labels)
		set[snapshot.MetadataName] = name
		b.world.Namespaces[name] = &snapshot.Namespace{Name: name, Labels: netpol.Labels{Set: set}, Declared: true}
	}
}

func labelSet(text string) map[string]string {
	out := map[string]string{}
	for _, kv := range strings.Fields(text) {
		k, v, _ := strings.Cut(kv, "=")
		out[k] = v
	}
	return out
}

// pod adds a workload of one pod, "ns/name", with labels.
func pod(name, labels string, change ...func(*snapshot.Pod)) func(*build) {
	return func(b *build) {
		ns, short, _ := strings.Cut(name, "/")
		w := &snapshot.Workload{Ref: snapshot.Ref{Kind: "Deployment", Namespace: ns, Name: short}}
		p := &snapshot.Pod{Workload: w, Namespace: ns, Labels: netpol.Labels{Set: labelSet(labels)}}
		for _, c := range change {
			c(p)
		}
		w.Pods = []*snapshot.Pod{p}
		b.world.Workloads = append(b.world.Workloads, w)
		b.pods[name] = p
	}
}

func many(p *snapshot.Pod) { p.Many = true }

func onHost(p *snapshot.Pod) { p.HostNetwork = true }

func at(address string) func(*snapshot.Pod) {
	return func(p *snapshot.Pod) { p.Addresses = append(p.Addresses, netip.MustParseAddr(address)) }
}

func listens(name string, port uint16) func(*snapshot.Pod) {
	return func(p *snapshot.Pod) {
		p.Ports = append(p.Ports, snapshot.ContainerPort{Name: name, Protocol: flow.TCP, Port: port})
	}
}

func unknownLabel(key string) func(*snapshot.Pod) {
	return func(p *snapshot.Pod) { p.Labels.Unknown = append(p.Labels.Unknown, key) }
}

// selector reads "k=v k=v"; the empty text is the empty selector.
func selector(text string) *netpol.Selector {
	s := netpol.Selector{}
	for k, v := range labelSet(text) {
		s = append(s, netpol.Requirement{Key: k, Op: netpol.In, Values: []string{v}})
	}
	return &s
}

// isolate adds a policy of one direction.
func isolate(name, pods string, dir netpol.Direction, rules ...netpol.Rule) func(*build) {
	return func(b *build) {
		ns, short, _ := strings.Cut(name, "/")
		p := &netpol.Policy{Namespace: ns, Name: short, Pods: *selector(pods), Origin: verdict.Origin{Object: "NetworkPolicy " + name}}
		p.Isolates[dir] = true
		for i := range rules {
			rules[i].Origin = p.Origin.At("spec.%s[%d]", dir, i)
			for j := range rules[i].Peers {
				rules[i].Peers[j].Origin = p.Origin.At("%s.from[%d]", rules[i].Origin.Field, j)
			}
		}
		p.Rules[dir] = rules
		b.world.Policies = append(b.world.Policies, p)
	}
}

// admit makes a rule of peers; ports are added with on.
func admit(peers ...netpol.Peer) netpol.Rule {
	return netpol.Rule{Action: netpol.Accept, AnyPeer: len(peers) == 0, Peers: peers, AnyPort: true}
}

func on(r netpol.Rule, ports ...netpol.Port) netpol.Rule {
	r.AnyPort, r.Ports = false, ports
	return r
}

func pods(text string) netpol.Peer { return netpol.Peer{Pods: selector(text)} }

func spaces(text string) netpol.Peer { return netpol.Peer{Namespaces: selector(text)} }

func podsIn(space, text string) netpol.Peer {
	return netpol.Peer{Namespaces: selector(space), Pods: selector(text)}
}

func ipBlock(cidr string, except ...string) netpol.Peer {
	a := flow.AddressesOf(netip.MustParsePrefix(cidr))
	for _, e := range except {
		a = a.Minus(flow.AddressesOf(netip.MustParsePrefix(e)))
	}
	return netpol.Peer{Block: &netpol.Block{Text: cidr, Addresses: a}}
}

func tcp(from, to uint16) netpol.Port { return netpol.Port{Protocol: flow.TCP, From: from, To: to} }

func facts(change func(*snapshot.Facts)) func(*build) {
	return func(b *build) { change(&b.world.Facts) }
}

// end reads "ns/name" or a prefix.
func (b *build) end(t *testing.T, text string) Endpoint {
	t.Helper()
	if p, ok := b.pods[text]; ok {
		return PodEndpoint(p)
	}
	if text == "somewhere" {
		return Endpoint{OutsideUnknown: true}
	}
	return OutsideEndpoint(flow.AddressesOf(netip.MustParsePrefix(text)))
}

// in asks the ingress policies of to about TCP.
func (b *build) in(t *testing.T, from, to string, port uint16) verdict.Step {
	t.Helper()
	return b.ask(t, netpol.Ingress, from, to, port)
}

func (b *build) ask(t *testing.T, dir netpol.Direction, from, to string, port uint16) verdict.Step {
	t.Helper()
	return New(b.world).Decide(dir, Attempt{From: b.end(t, from), To: b.end(t, to), Protocol: flow.TCP, Port: port})
}

func is(t *testing.T, s verdict.Step, v verdict.Verdict, r verdict.Reason) {
	t.Helper()
	if s.Verdict != v || s.Reason != r {
		t.Errorf("%s %s (%s, %v, %v), want %s %s", s.Verdict, s.Reason, s.Origin, s.Facts, s.Assumptions, v, r)
	}
}

func equal(a, b []string) bool { return strings.Join(a, ",") == strings.Join(b, ",") }

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

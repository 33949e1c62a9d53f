package network_test

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/internal/manifests"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// The files sentences_*_test.go take the API documentation sentence by sentence: each
// test has the sentence above it and asks the engine about manifests. The sentences are
// those of k8s.io/api networking/v1 (the fields of NetworkPolicy), of
// https://kubernetes.io/docs/concepts/services-networking/network-policies/ ("concept
// page"), and of sigs.k8s.io/network-policy-api v0.2.0, apis/v1alpha2
// (ClusterNetworkPolicy) and apis/v1alpha1 (AdminNetworkPolicy and its baseline).

// town is the estate that most sentences are asked about. Only the pods of node n1
// share a node with a/db.
const town = `
{apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {team: red}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: b, labels: {team: blue}}}
---
{apiVersion: v1, kind: Node, metadata: {name: n1, labels: {zone: one}},
 status: {addresses: [{type: InternalIP, address: 192.168.0.1}, {type: Hostname, address: n1}]}}
---
{apiVersion: v1, kind: Node, metadata: {name: n2, labels: {zone: two}},
 status: {addresses: [{type: InternalIP, address: 192.168.0.2}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: db, namespace: a, labels: {app: db}},
 spec: {nodeName: n1, containers: [{name: c, image: i, ports: [{name: pg, containerPort: 5432}]}]},
 status: {podIP: 10.244.1.10}}
---
{apiVersion: v1, kind: Pod, metadata: {name: app, namespace: a, labels: {app: app}},
 spec: {nodeName: n1, containers: [{name: c, image: i}]}, status: {podIP: 10.244.1.11}}
---
{apiVersion: v1, kind: Pod, metadata: {name: app, namespace: b, labels: {app: app}},
 spec: {nodeName: n2, containers: [{name: c, image: i, ports: [{name: pg, containerPort: 6432}]}]},
 status: {podIP: 10.244.2.11}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: b, labels: {app: web}},
 spec: {nodeName: n2, containers: [{name: c, image: i}]}, status: {podIP: 10.244.2.12}}
---
{apiVersion: v1, kind: Pod, metadata: {name: near, namespace: a, labels: {app: agent}},
 spec: {nodeName: n1, hostNetwork: true, containers: [{name: c, image: i}]}, status: {podIP: 192.168.0.1, hostIP: 192.168.0.1}}
---
{apiVersion: v1, kind: Pod, metadata: {name: far, namespace: a, labels: {app: agent}},
 spec: {nodeName: n2, hostNetwork: true, containers: [{name: c, image: i}]}, status: {podIP: 192.168.0.2, hostIP: 192.168.0.2}}
`

// everything that manifests cannot say about the town, so that nothing is assumed.
const everything = "estate: complete\ncni: {name: house, enforces: true, clusterPolicies: true}\n"

// asking is an estate, its engine, and the sets of all its connections.
type asking struct {
	engine           *network.Engine
	pods             map[string]*snapshot.Pod
	workloads        map[string]bool
	allowed, unknown []network.Connection
	warnings         []snapshot.Warning
}

// in reads the town with more objects.
func in(t *testing.T, objects ...string) *asking {
	t.Helper()
	return knowing(t, everything, objects...)
}

// knowing reads the town with more objects, and a facts file.
func knowing(t *testing.T, facts string, objects ...string) *asking {
	t.Helper()
	s := manifests.Read(t, facts, append([]string{town}, objects...)...)
	if len(s.Problems) > 0 {
		t.Fatalf("a problem with a valid object: %+v", s.Problems)
	}
	w := &asking{engine: network.New(s), pods: map[string]*snapshot.Pod{}, workloads: map[string]bool{}, warnings: s.Warnings}
	for _, load := range s.Workloads {
		w.workloads[load.Namespace+"/"+load.Name] = true
		for _, p := range load.Pods {
			w.pods[p.Namespace+"/"+p.Name] = p
		}
	}
	all := w.engine.Connections()
	w.allowed = slices.Collect(all.All())
	for u := range all.Unknown() {
		w.unknown = append(w.unknown, u.Connection)
	}
	return w
}

// read reads the town with more objects, some of which may be refused.
func read(t *testing.T, objects ...string) *snapshot.Snapshot {
	t.Helper()
	return manifests.Read(t, everything, append([]string{town}, objects...)...)
}

// networkPolicy writes a NetworkPolicy "namespace/name".
func networkPolicy(name, spec string) string {
	ns, short, _ := strings.Cut(name, "/")
	return fmt.Sprintf("{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: %s, namespace: %s}, spec: {%s}}", short, ns, spec)
}

// clusterPolicy writes a ClusterNetworkPolicy about every pod of namespace a.
func clusterPolicy(name, tier string, priority int, rules string) string {
	return about("namespaces: {matchLabels: {team: red}}", name, tier, priority, rules)
}

// about writes a ClusterNetworkPolicy with a subject.
func about(subject, name, tier string, priority int, rules string) string {
	return fmt.Sprintf("{apiVersion: policy.networking.k8s.io/v1alpha2, kind: ClusterNetworkPolicy, metadata: {name: %s}, spec: {tier: %s, priority: %d, subject: {%s}, %s}}",
		name, tier, priority, subject, rules)
}

// adminPolicy writes an AdminNetworkPolicy about every pod of namespace a.
func adminPolicy(name string, priority int, rules string) string {
	return fmt.Sprintf("{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, metadata: {name: %s}, spec: {priority: %d, subject: {namespaces: {matchLabels: {team: red}}}, %s}}",
		name, priority, rules)
}

// baselinePolicy writes the BaselineAdminNetworkPolicy, about every pod of namespace a.
func baselinePolicy(rules string) string {
	return fmt.Sprintf("{apiVersion: policy.networking.k8s.io/v1alpha1, kind: BaselineAdminNetworkPolicy, metadata: {name: default}, spec: {subject: {namespaces: {matchLabels: {team: red}}}, %s}}", rules)
}

// runningPod writes a pod of node n1 with further fields of metadata, spec and status.
func runningPod(name, metadata, containers, status string) string {
	ns, short, _ := strings.Cut(name, "/")
	return fmt.Sprintf("{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: %s, %s}, spec: {nodeName: n1, containers: [%s]}, status: {%s}}",
		short, ns, metadata, containers, status)
}

// A line is what is said of an attempt:
//
//	[ingress|egress] FROM -> TO PROTOCOL PORT [over FAMILY]: VERDICT [REASON] [at ORIGIN] [under ASSUMPTIONS]
//
// FROM and TO are "namespace/pod", an address or a prefix. Without a direction both ends
// are asked. REASON is without "netpol/"; ORIGIN is how the object and its field end.
// An answer without "under" rests on no assumption.
var line = regexp.MustCompile(`^(?:(ingress|egress) )?(\S+) -> (\S+) (TCP|UDP|SCTP) (\d+)(?: over (IPv4|IPv6))?: (\w+)(?: ([\w-]+)(?: at (.+?))?(?: under (\S+))?)?$`)

// says asks about each line, and of each whether the sets of connections say the same.
func (w *asking) says(t *testing.T, lines ...string) {
	t.Helper()
	for _, text := range lines {
		m := line.FindStringSubmatch(text)
		if m == nil || (m[1] == "") != (m[8] == "") {
			t.Fatalf("cannot read %q", text)
		}
		a := w.attempt(t, m[2:7])
		if m[1] != "" {
			w.step(t, text, a, m)
		} else if got := w.engine.Pass(a).String(); got != m[7] {
			t.Errorf("%s: passes: %s", text, got)
		}
		w.agrees(t, text, a)
	}
}

func (w *asking) step(t *testing.T, text string, a network.Attempt, m []string) {
	t.Helper()
	got := w.engine.Decide(direction(m[1]), a)
	at := got.Origin.Object + " " + got.Origin.Field
	if got.Verdict.String() != m[7] || string(got.Reason) != "netpol/"+m[8] {
		t.Errorf("%s: got %s %s at %s, facts %v", text, got.Verdict, got.Reason, at, got.Facts)
	}
	if !strings.HasSuffix(at, m[9]) {
		t.Errorf("%s: points at %s", text, at)
	}
	if under := strings.Join(got.Assumptions, ","); under != m[10] {
		t.Errorf("%s: assumes %q", text, under)
	}
}

func direction(word string) netpol.Direction {
	if word == "egress" {
		return netpol.Egress
	}
	return netpol.Ingress
}

// attempt reads from, to, protocol, port and family.
func (w *asking) attempt(t *testing.T, words []string) network.Attempt {
	t.Helper()
	proto, err := flow.ParseProtocol(words[2])
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseUint(words[3], 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	family := map[string]network.Family{"IPv4": network.IPv4, "IPv6": network.IPv6}[words[4]]
	return network.Attempt{From: w.end(t, words[0]), To: w.end(t, words[1]), Protocol: proto, Port: uint16(port), Family: family}
}

func (w *asking) end(t *testing.T, text string) network.Endpoint {
	t.Helper()
	if p, ok := w.pods[text]; ok {
		return network.PodEndpoint(p)
	}
	if addr, err := netip.ParseAddr(text); err == nil {
		return network.OutsideEndpoint(flow.AddressesOf(netip.PrefixFrom(addr, addr.BitLen())))
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		t.Fatalf("%q is neither a pod nor addresses", text)
	}
	return network.OutsideEndpoint(flow.AddressesOf(prefix))
}

// agrees holds the sets against the answer about one attempt.
func (w *asking) agrees(t *testing.T, text string, a network.Attempt) {
	t.Helper()
	if a.From.Pod != nil && a.From.Pod == a.To.Pod {
		return // a pod has no connections with itself
	}
	a.Family = network.AnyFamily
	want := w.engine.Pass(a)
	got := member(between(w.allowed, a), between(w.unknown, a), a)
	if got != want && !(isRange(a.From) || isRange(a.To)) {
		t.Errorf("%s: passes %s, and in the sets it is %s", text, want, got)
	}
}

func isRange(e network.Endpoint) bool {
	return e.Pod == nil && e.Outside.Prefixes()[0].Bits() < e.Outside.First().BitLen()
}

// between returns the connections from one end of an attempt to the other.
func between(cs []network.Connection, a network.Attempt) (out []network.Connection) {
	for _, c := range cs {
		if isParty(c.From, a.From) && isParty(c.To, a.To) {
			out = append(out, c)
		}
	}
	return out
}

func isParty(p network.Party, e network.Endpoint) bool {
	if e.Pod != nil {
		return slices.Contains(p.Pods, e.Pod)
	}
	return e.Outside.Minus(flow.AddressesOf(p.CIDR...)).IsEmpty()
}

// reaches holds whole sets: who reaches a workload, or with "->" before the name whom it
// reaches, and at which ports. What nobody knows has a question mark.
func (w *asking) reaches(t *testing.T, name string, want ...string) {
	t.Helper()
	if !w.workloads[strings.TrimPrefix(name, "->")] {
		t.Fatalf("there is no workload %s", name)
	}
	got := sets(name, "", w.allowed)
	got = append(got, sets(name, "?", w.unknown)...)
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n\t%s\nwant\n\t%s", name, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func sets(name, mark string, cs []network.Connection) (out []string) {
	name, from := strings.CutPrefix(name, "->")
	for _, c := range cs {
		near, far := c.To, c.From
		if from {
			near, far = far, near
		}
		if near.CIDR == nil && near.Namespace+"/"+near.Name == name {
			out = append(out, mark+partyText(far)+": "+portsText(c))
		}
	}
	return out
}

func partyText(p network.Party) string {
	if p.CIDR == nil {
		return p.Namespace + "/" + p.Name
	}
	inside := flow.AddressesOf(p.CIDR...)
	rest := flow.AllAddresses().Minus(inside)
	if !rest.IsEmpty() && len(rest.Prefixes()) < len(p.CIDR) {
		return "all but " + rest.Text()
	}
	return inside.Text()
}

func portsText(c network.Connection) string {
	if c.All {
		return "all"
	}
	return flow.PortsOf(c.Ports...).String()
}

// named are the objects that a step points at.
func named(s verdict.Step) (out []string) {
	for _, o := range append([]verdict.Origin{s.Origin}, s.Also...) {
		out = append(out, o.Object+" "+o.Field)
	}
	return out
}

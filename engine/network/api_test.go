package network

import (
	"testing"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Each test quotes a sentence of the API (networking/v1 types.go, v0.36.3) or of
// the concept page kubernetes.io/docs/concepts/services-networking/network-policies.

// two pods in namespace a, one in b, that most sentences need.
func world(more ...func(*build)) *build {
	return estateOf(append([]func(*build){
		space("a", "team=x"), space("b", "team=y"),
		pod("a/db", "app=db", listens("pg", 5432)), pod("a/app", "app=app"), pod("b/app", "app=app"),
	}, more...)...)
}

// "Traffic is allowed to a pod if there are no NetworkPolicies selecting the pod"
func TestNoPolicySelects(t *testing.T) {
	b := world(isolate("a/other", "app=app", netpol.Ingress), isolate("b/db", "app=db", netpol.Ingress))
	is(t, b.in(t, "b/app", "a/db", 5432), verdict.Allow, NotIsolated)
}

// "If this field is empty then this NetworkPolicy does not allow any traffic (and
// serves solely to ensure that the pods it selects are isolated by default)"
func TestNoRules(t *testing.T) {
	b := world(isolate("a/deny", "", netpol.Ingress))
	s := b.in(t, "a/app", "a/db", 5432)
	is(t, s, verdict.Deny, NoRule)
	if s.Origin.Field != "spec.policyTypes" || s.Facts["miss"] != "no-rules" || s.Facts["policies"] != "a/deny" {
		t.Errorf("points at %s, facts %v", s.Origin, s.Facts)
	}
}

// "policies that contain an egress section are assumed to affect egress": a policy
// isolates in the directions of its policyTypes and in no other.
func TestDirectionsAreApart(t *testing.T) {
	b := world(isolate("a/deny", "", netpol.Egress))
	is(t, b.in(t, "b/app", "a/db", 5432), verdict.Allow, NotIsolated)
	is(t, b.ask(t, netpol.Egress, "a/db", "b/app", 1), verdict.Deny, NoRule)
}

// "Multiple network policies can select the same set of pods. In this case, the
// ingress rules for each are combined additively."
func TestPoliciesAdd(t *testing.T) {
	b := world(isolate("a/deny", "", netpol.Ingress),
		isolate("a/db", "app=db", netpol.Ingress, admit(pods("app=none"), pods("app=app"))),
		isolate("a/db2", "app=db", netpol.Ingress, admit(pods("app=app"))))
	s := b.in(t, "a/app", "a/db", 5432)
	is(t, s, verdict.Allow, Allowed)
	if s.Origin.Field != "spec.ingress[0].from[1]" || len(s.Also) != 1 {
		t.Errorf("points at %s, also %v", s.Origin, s.Also)
	}
}

// "If this field is empty or missing, this rule matches all sources"
func TestAnyPeer(t *testing.T) {
	b := world(isolate("a/db", "app=db", netpol.Ingress, on(admit(), tcp(5432, 5432))))
	for _, from := range []string{"a/app", "b/app", "203.0.113.0/24", "::/0", "somewhere"} {
		is(t, b.in(t, from, "a/db", 5432), verdict.Allow, Allowed)
		is(t, b.in(t, from, "a/db", 5433), verdict.Deny, NoRule)
	}
}

// "If this field is empty or missing, this rule matches all ports"
func TestAnyPort(t *testing.T) {
	b := world(isolate("a/db", "app=db", netpol.Ingress, admit(pods("app=app"))))
	is(t, b.in(t, "a/app", "a/db", 1), verdict.Allow, Allowed)
}

// "The traffic must match both ports and from."
func TestBothPortsAndFrom(t *testing.T) {
	b := world(isolate("a/db", "app=db", netpol.Ingress,
		on(admit(pods("app=app")), tcp(1, 1)), on(admit(pods("app=none")), tcp(5432, 5432))))
	is(t, b.in(t, "a/app", "a/db", 5432), verdict.Deny, NoRule)
}

// "If namespaceSelector is also set, then the NetworkPolicyPeer as a whole selects
// the pods matching podSelector in the Namespaces selected by NamespaceSelector.
// Otherwise it selects the pods matching podSelector in the policy's own namespace."
func TestSelectorsOfAPeerAreBothAsked(t *testing.T) {
	own := world(isolate("a/db", "app=db", netpol.Ingress, admit(pods("app=app"))))
	is(t, own.in(t, "a/app", "a/db", 1), verdict.Allow, Allowed)
	s := own.in(t, "b/app", "a/db", 1)
	is(t, s, verdict.Deny, NoRule)
	if s.Facts["miss"] != "peer-namespace" || s.Facts["wanted"] != "a" || s.Facts["has"] != "b" {
		t.Errorf("facts %v", s.Facts)
	}
	both := world(isolate("a/db", "app=db", netpol.Ingress, admit(podsIn("team=y", "app=app"))))
	is(t, both.in(t, "a/app", "a/db", 1), verdict.Deny, NoRule)
	is(t, both.in(t, "b/app", "a/db", 1), verdict.Allow, Allowed)
	apart := world(isolate("a/db", "app=db", netpol.Ingress, admit(spaces("team=y"), pods("app=app"))))
	is(t, apart.in(t, "a/app", "a/db", 1), verdict.Allow, Allowed)
	is(t, apart.in(t, "b/app", "a/db", 1), verdict.Allow, Allowed)
}

// "podSelector … follows standard label selector semantics; if present but empty,
// it selects all pods." "namespaceSelector … if present but empty, it selects all
// namespaces."
func TestEmptySelectors(t *testing.T) {
	ownPods := world(isolate("a/db", "app=db", netpol.Ingress, admit(pods(""))))
	is(t, ownPods.in(t, "a/app", "a/db", 1), verdict.Allow, Allowed)
	is(t, ownPods.in(t, "b/app", "a/db", 1), verdict.Deny, NoRule)
	anywhere := world(isolate("a/db", "app=db", netpol.Ingress, admit(spaces(""))))
	is(t, anywhere.in(t, "b/app", "a/db", 1), verdict.Allow, Allowed)
	is(t, anywhere.in(t, "203.0.113.0/24", "a/db", 1), verdict.Deny, NoRule)
}

// "The except entry describes CIDRs that should not be included within this rule."
func TestExcept(t *testing.T) {
	b := world(isolate("a/db", "app=db", netpol.Ingress, admit(ipBlock("10.0.0.0/8", "10.1.0.0/16"), ipBlock("2001:db8::/32"))))
	is(t, b.in(t, "10.2.0.0/16", "a/db", 1), verdict.Allow, Allowed)
	is(t, b.in(t, "2001:db8:1::/48", "a/db", 1), verdict.Allow, Allowed)
	is(t, b.in(t, "10.1.2.3/32", "a/db", 1), verdict.Deny, NoRule)
	is(t, b.in(t, "10.0.0.0/8", "a/db", 1), verdict.Unknown, Unsure)
	is(t, b.in(t, "somewhere", "a/db", 1), verdict.Unknown, Unsure)
}

// Rules combine: two blocks that together hold the range admit it.
func TestBlocksCoverTogether(t *testing.T) {
	b := world(isolate("a/db", "app=db", netpol.Ingress, admit(ipBlock("10.0.0.0/9"))),
		isolate("a/db2", "app=db", netpol.Ingress, admit(ipBlock("10.128.0.0/9"))))
	is(t, b.in(t, "10.0.0.0/8", "a/db", 1), verdict.Allow, Allowed)
}

// "This can either be a numerical or named port on a pod." A name is resolved on
// the destination; a pod without it has no such port.
func TestNamedPort(t *testing.T) {
	r := on(admit(), netpol.Port{Protocol: flow.TCP, Name: "pg"})
	b := world(isolate("a/in", "", netpol.Ingress, r), isolate("a/out", "", netpol.Egress, r))
	is(t, b.in(t, "b/app", "a/db", 5432), verdict.Allow, Allowed)
	is(t, b.in(t, "b/app", "a/db", 1), verdict.Deny, NoRule)
	is(t, b.in(t, "b/app", "a/app", 5432), verdict.Deny, NoRule)
	is(t, b.ask(t, netpol.Egress, "a/app", "a/db", 5432), verdict.Allow, Allowed)
	is(t, b.ask(t, netpol.Egress, "a/db", "b/app", 5432), verdict.Deny, NoRule)
	is(t, b.ask(t, netpol.Egress, "a/db", "192.0.2.1/32", 5432), verdict.Deny, NoRule)
}

// "endPort indicates that the range of ports from port to endPort if set,
// inclusive, should be allowed by the policy."
func TestEndPort(t *testing.T) {
	b := world(isolate("a/db", "", netpol.Ingress, on(admit(), tcp(5432, 5434))))
	for port, want := range map[uint16]verdict.Verdict{5431: verdict.Deny, 5432: verdict.Allow, 5434: verdict.Allow, 5435: verdict.Deny} {
		if s := b.in(t, "b/app", "a/db", port); s.Verdict != want {
			t.Errorf("port %d: %s, want %s", port, s.Verdict, want)
		}
	}
}

// "protocol represents the protocol (TCP, UDP, or SCTP) which traffic must match."
func TestProtocol(t *testing.T) {
	b := world(isolate("a/db", "", netpol.Ingress, on(admit(), netpol.Port{Protocol: flow.UDP, From: 53, To: 53})))
	is(t, b.in(t, "b/app", "a/db", 53), verdict.Deny, NoRule)
}

// "A Pod cannot block access to itself" (concept page); members of one instance are
// the same pod, and a member that stands for many is another pod to itself.
func TestSelf(t *testing.T) {
	b := world(isolate("a/deny", "", netpol.Ingress), pod("a/two", "app=two", many))
	is(t, b.in(t, "a/db", "a/db", 5432), verdict.Allow, Self)
	is(t, b.in(t, "a/two", "a/two", 5432), verdict.Deny, NoRule)
}

// "Pod IPs are ephemeral": an ipBlock speaks of a pod only by an address we know, and
// of a dual-stack pod by the one that the packet comes from.
func TestBlockAgainstPods(t *testing.T) {
	b := world(isolate("a/db", "app=db", netpol.Ingress, admit(ipBlock("10.0.0.0/8"))),
		pod("b/known", "", at("fd00::1"), at("10.1.2.3")))
	a := Attempt{From: b.end(t, "b/known"), To: b.end(t, "a/db"), Protocol: flow.TCP, Port: 1}
	e := New(b.world)
	for family, want := range map[Family]verdict.Verdict{IPv4: verdict.Allow, IPv6: verdict.Deny, AnyFamily: verdict.Unknown} {
		a.Family = family
		if s := e.Decide(netpol.Ingress, a); s.Verdict != want {
			t.Errorf("%s: %s %v, want %s", family, s.Verdict, s.Facts, want)
		}
	}
	a.Family = AnyFamily
	if v := e.Pass(a); v != verdict.Allow {
		t.Errorf("one open family is enough, got %s", v)
	}
	s := b.in(t, "b/app", "a/db", 1)
	is(t, s, verdict.Deny, NoRule)
	if len(s.Assumptions) != 1 || s.Assumptions[0] != snapshot.AssumeBlockOutside {
		t.Errorf("assumptions %v", s.Assumptions)
	}
}

func TestBlockAgainstPodRanges(t *testing.T) {
	for cidr, want := range map[string]verdict.Verdict{"10.1.0.0/16": verdict.Allow, "10.1.2.0/24": verdict.Unknown, "10.2.0.0/16": verdict.Deny} {
		b := world(isolate("a/db", "app=db", netpol.Ingress, admit(ipBlock(cidr))),
			facts(func(f *snapshot.Facts) { f.PodCIDRs = flow.AddressesOf(prefix("10.1.0.0/16")).Prefixes() }))
		if s := b.in(t, "b/app", "a/db", 1); s.Verdict != want || len(s.Assumptions) > 0 {
			t.Errorf("%s: %s under %v, want %s", cidr, s.Verdict, s.Assumptions, want)
		}
	}
}

// "the source is the pod's local node": traffic of a node to the pods it runs is
// never refused; as peers, pods on the host network are not selected.
func TestHostNetwork(t *testing.T) {
	b := world(isolate("a/db", "", netpol.Ingress, admit(pods("app=agent"))),
		isolate("a/out", "", netpol.Egress, admit(pods("app=agent"))),
		pod("a/agent", "app=agent", onHost), pod("a/known", "app=x", onHost, at("192.168.0.7")))
	s := b.in(t, "a/agent", "a/db", 1)
	is(t, s, verdict.Unknown, HostNetwork)
	is(t, b.in(t, "a/app", "a/agent", 1), verdict.Allow, NotIsolated)
	is(t, b.ask(t, netpol.Egress, "a/app", "a/agent", 1), verdict.Unknown, HostNetwork)
	b = world(isolate("a/db", "", netpol.Ingress, admit(ipBlock("192.168.0.0/24"))), pod("a/known", "app=x", onHost, at("192.168.0.7")))
	is(t, b.in(t, "a/known", "a/db", 1), verdict.Allow, Allowed)
}

// Doubt about a label is doubt about the answer only where the answer depends on it.
func TestUnknownLabels(t *testing.T) {
	b := world(pod("a/odd", "", unknownLabel("app")), isolate("a/db", "app=db", netpol.Ingress, admit(pods("app=app"))))
	is(t, b.in(t, "a/odd", "a/db", 1), verdict.Unknown, Unsure)
	is(t, b.in(t, "a/app", "a/odd", 1), verdict.Allow, Allowed) // whether isolated or not
	is(t, b.in(t, "b/app", "a/odd", 1), verdict.Unknown, Unsure)
	wide := world(pod("a/odd", "", unknownLabel("app")), isolate("a/db", "app=db", netpol.Ingress, admit(pods("app=app"), pods(""))))
	is(t, wide.in(t, "a/odd", "a/db", 1), verdict.Allow, Allowed)
}

func TestUnmodelledOutweighs(t *testing.T) {
	dialect := func(b *build) {
		b.world.Unmodelled = []snapshot.Unmodelled{{Ref: snapshot.Ref{Kind: "CiliumNetworkPolicy", Namespace: "a", Name: "x"},
			Layer: verdict.Ingress, Directions: [2]bool{true, false}, Namespaces: []string{"a"}, Pods: selector("app=db")}}
	}
	b := world(dialect, isolate("a/deny", "", netpol.Ingress), isolate("a/out", "", netpol.Egress))
	s := b.in(t, "b/app", "a/db", 1)
	is(t, s, verdict.Unknown, Unmodelled)
	if s.Facts["object"] != "CiliumNetworkPolicy a/x" {
		t.Errorf("facts %v", s.Facts)
	}
	is(t, b.in(t, "b/app", "a/app", 1), verdict.Deny, NoRule)
	is(t, b.ask(t, netpol.Egress, "a/db", "b/app", 1), verdict.Deny, NoRule)
}

func TestUnreadable(t *testing.T) {
	b := world(isolate("a/deny", "", netpol.Ingress))
	b.world.Problems = []snapshot.Problem{{Namespace: "b", Err: "broken", Origin: verdict.Origin{File: "b.yaml"}}}
	is(t, b.in(t, "a/app", "a/db", 1), verdict.Deny, NoRule)
	s := b.in(t, "b/app", "a/db", 1)
	is(t, s, verdict.Unknown, Unreadable)
	if s.Origin.File != "b.yaml" {
		t.Errorf("points at %s", s.Origin)
	}
}

func TestNotEnforced(t *testing.T) {
	b := world(isolate("a/deny", "", netpol.Ingress), facts(func(f *snapshot.Facts) {
		f.CNI, f.Enforces, f.CNIOrigin, f.Complete = "flannel", verdict.Deny, verdict.Origin{File: "facts.yaml"}, false
	}))
	s := b.in(t, "b/app", "a/db", 1)
	is(t, s, verdict.Allow, NotEnforced)
	if s.Facts["cni"] != "flannel" || s.Facts["policies"] != "a/deny" || s.Origin.File != "facts.yaml" || len(s.Assumptions) > 0 {
		t.Errorf("facts %v, origin %s, assumptions %v", s.Facts, s.Origin, s.Assumptions)
	}
	is(t, b.in(t, "a/db", "b/app", 1), verdict.Allow, NotIsolated)
}

// An assumption is named by the answers it decides, and by no other.
func TestAssumptions(t *testing.T) {
	b := world(pod("c/app", ""), isolate("a/db", "app=db", netpol.Ingress, admit(spaces("team=y"))),
		facts(func(f *snapshot.Facts) { f.Complete, f.Enforces = false, verdict.Unknown }))
	for from, want := range map[string][]string{
		"b/app":          {"estate-complete"},
		"a/app":          {"cni-enforces", "estate-complete"},
		"c/app":          {"cni-enforces", "estate-complete", "namespace-labels"},
		"203.0.113.0/24": {"cni-enforces", "estate-complete"},
	} {
		s := b.in(t, from, "a/db", 1)
		if !equal(s.Assumptions, want) {
			t.Errorf("from %s: assumptions %v, want %v", from, s.Assumptions, want)
		}
	}
	b.world.Facts.Strict, b.world.Facts.Complete = true, true
	is(t, b.in(t, "b/app", "a/db", 1), verdict.Allow, Allowed)
	s := b.in(t, "c/app", "a/db", 1)
	is(t, s, verdict.Unknown, Assumed)
	if s.Facts["assumptions"] != "cni-enforces, namespace-labels" || s.Facts["would"] != "deny" {
		t.Errorf("facts %v", s.Facts)
	}
}

// The nearest rule is named with what it lacks.
func TestNearestMiss(t *testing.T) {
	b := world(isolate("a/db", "app=db", netpol.Ingress,
		on(admit(podsIn("team=y", "app=other")), tcp(5432, 5432)),
		on(admit(podsIn("team=y", "app=app")), tcp(5432, 5432)),
		admit(ipBlock("10.0.0.0/8"))))
	s := b.in(t, "b/app", "a/db", 6432)
	if s.Facts["miss"] != "port" || s.Facts["missPort"] != "TCP 5432" || s.Facts["wantPort"] != "6432" || s.Origin.Field != "spec.ingress[1].ports" {
		t.Errorf("port: facts %v at %s", s.Facts, s.Origin)
	}
	b = world(isolate("a/db", "app=db", netpol.Ingress, on(admit(podsIn("team=z", "app=app")), tcp(5432, 5432))))
	s = b.in(t, "b/app", "a/db", 5432)
	if s.Facts["miss"] != "namespace-label" || s.Facts["key"] != "team" || s.Facts["wanted"] != "team=z" || s.Facts["has"] != "y" {
		t.Errorf("namespace: facts %v at %s", s.Facts, s.Origin)
	}
	b = world(isolate("a/db", "app=db", netpol.Ingress, on(admit(pods("app=ap")), tcp(5432, 5432))))
	s = b.in(t, "a/app", "a/db", 5432)
	if s.Facts["miss"] != "pod-label" || s.Facts["wanted"] != "app=ap" || s.Facts["has"] != "app" || s.Origin.Field != "spec.ingress[0].from[0]" {
		t.Errorf("pod: facts %v at %s", s.Facts, s.Origin)
	}
}

func TestVirtualEndpoint(t *testing.T) {
	dns := Endpoint{Virtual: &Virtual{Namespace: "kube-system", Labels: netpol.Labels{Set: labelSet("k8s-app=kube-dns")}}}
	ask := func(b *build) verdict.Step {
		return New(b.world).Decide(netpol.Egress, Attempt{From: b.end(t, "a/app"), To: dns, Protocol: flow.TCP, Port: 53})
	}
	peer := podsIn(snapshot.MetadataName+"=kube-system", "k8s-app=kube-dns")
	is(t, ask(world(isolate("a/dns", "", netpol.Egress, on(admit(peer), tcp(53, 53))))), verdict.Allow, Allowed)
	is(t, ask(world(isolate("a/dns", "", netpol.Egress, on(admit(peer), tcp(54, 54))))), verdict.Deny, NoRule)
	is(t, ask(world(isolate("a/dns", "", netpol.Egress, on(admit(peer), netpol.Port{Protocol: flow.TCP, Name: "dns"})))), verdict.Unknown, Unsure)
}

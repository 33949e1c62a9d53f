package network

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// trait gives the network plugin traits.
func trait(ts ...cni.Trait) func(*build) {
	return facts(func(f *snapshot.Facts) {
		f.Profile.Name = "x"
		for _, t := range ts {
			f.Profile.Differences = append(f.Profile.Differences, cni.Difference{Trait: t})
		}
	})
}

// bare makes a pod one that nothing owns.
func bare(p *snapshot.Pod) { p.Workload.Kind = "Pod" }

// ordered adds a policy of an ordered tier.
func ordered(tier netpol.Tier, prio int32, name, pods string, dir netpol.Direction, rules ...netpol.Rule) func(*build) {
	return func(b *build) {
		p := &netpol.Policy{Kind: "ClusterNetworkPolicy", Name: name, Tier: tier, Priority: prio, Namespaces: selector(""), Pods: *selector(pods), Origin: verdict.Origin{Object: "ClusterNetworkPolicy " + name}}
		for i := range rules {
			rules[i].Origin = p.Origin.At("spec.%s[%d]", dir, i)
		}
		p.Rules[dir] = rules
		b.world.ClusterPolicies = append(b.world.ClusterPolicies, p)
	}
}

// does makes a rule with an action.
func does(a netpol.Action, peers ...netpol.Peer) netpol.Rule {
	r := admit(peers...)
	r.Action = a
	return r
}

// compare asks every pair singly and from the whole sets.
func (b *build) compare(t *testing.T) {
	t.Helper()
	e := New(b.world)
	l := e.Lookup()
	for n, p := range b.pods {
		for m, q := range b.pods {
			one := e.Pass(Attempt{From: PodEndpoint(p), To: PodEndpoint(q), Protocol: flow.TCP, Port: 80})
			set := l.Pass(p, q, flow.TCP, 80)
			if one != set {
				t.Errorf("%s -> %s: single %s, sets %s", n, m, one, set)
			}
		}
	}
}

// A plugin that leaves bare pods open tells them apart from others with equal labels.
func TestABarePodIsAClassOfItsOwn(t *testing.T) {
	db, pod2 := pod("a/dep", "app=db"), pod("a/bare", "app=db", bare)
	for _, order := range [][]func(*build){{db, pod2}, {pod2, db}} {
		options := append([]func(*build){space("a", ""), trait(cni.BarePodsOpen), pod("a/client", "app=client"),
			isolate("a/deny", "app=db", netpol.Ingress)}, order...)
		estateOf(options...).compare(t)
	}
}

// One policy in doubt and two that are sure are not the same, whatever their numbers.
func TestTierKeysTellPoliciesApart(t *testing.T) {
	options := []func(*build){space("a", ""), trait(cni.ClusterPolicies), pod("a/client", "app=client"),
		pod("a/unsure", "", unknownLabel("role")), pod("a/both", "role=x more=y")}
	for i := range 62 {
		options = append(options, isolate(fmt.Sprintf("a/p%d", i), "none=none", netpol.Ingress))
	}
	options = append(options, ordered(netpol.Admin, 1, "one", "role=x", netpol.Ingress, does(netpol.Deny)),
		ordered(netpol.Admin, 2, "two", "more=y", netpol.Ingress, does(netpol.Deny)))
	estateOf(options...).compare(t)
}

// "Engine is safe for concurrent use": what is in doubt is computed when it is asked for.
func TestDoubtIsAskedAtOnce(t *testing.T) {
	options := []func(*build){space("a", "")}
	for i := range uint16(40) {
		name := fmt.Sprintf("p%d", i)
		options = append(options, pod("a/"+name, "app="+name, unknownLabel("role")),
			isolate("a/in"+name, "app="+name, netpol.Ingress, on(admit(pods("role=x")), tcp(i+1, i+100))),
			isolate("a/out"+name, "app="+name, netpol.Egress, on(admit(pods("role=x")), tcp(2*i+1, i+150))))
	}
	b := estateOf(options...)
	e := New(b.world)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range e.Connections().Unknown() {
			}
		})
		wait.Go(func() { e.Lookup().Pass(b.pods["a/p1"], b.pods["a/p2"], flow.TCP, 80) })
	}
	wait.Wait()
}

// The address of a node that was read may be that of the node a pod runs on.
func TestANodesAddressMayBeThePodsOwn(t *testing.T) {
	b := estateOf(space("a", ""), pod("a/db", "app=db"), isolate("a/deny", "app=db", netpol.Ingress))
	b.world.Nodes = []*snapshot.Node{{Name: "n1", Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")}},
		{Name: "n2", Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.2")}}}
	is(t, b.in(t, "10.0.0.1/32", "a/db", 80), verdict.Unknown, HostNetwork)
	is(t, b.in(t, "10.0.0.3/32", "a/db", 80), verdict.Deny, NoRule)
	b.pods["a/db"].Node = "n1"
	is(t, b.in(t, "10.0.0.1/32", "a/db", 80), verdict.Allow, OwnNode)
	is(t, b.in(t, "10.0.0.2/32", "a/db", 80), verdict.Deny, NoRule)
}

// A pod on the host network is behind a domain name as any address outside is.
func TestADomainNameMayLeadToANode(t *testing.T) {
	b := estateOf(space("a", ""), trait(cni.ClusterPolicies), pod("a/app", "app=app"), pod("a/agent", "", onHost), pod("a/known", "", onHost, at("10.0.0.1")),
		ordered(netpol.Admin, 1, "list", "", netpol.Egress, does(netpol.Accept, netpol.Peer{Domains: []string{"db.example.com"}}), does(netpol.Deny)))
	want := func(about string, v verdict.Verdict, ends ...string) {
		for _, end := range ends {
			if s := b.ask(t, netpol.Egress, "a/app", end, 80); s.Verdict != v {
				t.Errorf("%s, %s: %s, want %s", about, end, s.Verdict, v)
			}
		}
		b.compare(t)
	}
	want("unresolved", verdict.Unknown, "a/agent", "a/known", "10.0.0.1/32")
	b.world.Facts.Domains = map[string]flow.Addresses{"db.example.com": flow.AddressesOf(netip.MustParsePrefix("10.0.0.1/32"))}
	want("resolved", verdict.Allow, "a/known", "10.0.0.1/32")
	want("resolved", verdict.Unknown, "a/agent")
}

// No policy shuts anything where none is enforced.
func TestNoFlipWhereNothingIsEnforced(t *testing.T) {
	b := estateOf(space("a", ""), pod("a/app", ""), pod("a/db", ""), facts(func(f *snapshot.Facts) { f.Enforces = verdict.Deny }))
	if x := b.explain(t, "a/app", "a/db"); x.Verdict != verdict.Allow || x.Flip != nil {
		t.Errorf("%s, flip %+v", x.Verdict, x.Flip)
	}
}

func (b *build) explain(t *testing.T, from, to string) Explanation {
	t.Helper()
	return New(b.world).Explain(Attempt{From: b.end(t, from), To: b.end(t, to), Protocol: flow.TCP, Port: 80})
}

// To shut a connection is to shut it over each family.
func TestAFlipShutsBothFamilies(t *testing.T) {
	b := estateOf(space("a", ""), pod("a/app", "", at("10.0.0.1"), at("fd00::1")), pod("a/db", "app=db", at("10.0.0.2"), at("fd00::2")),
		isolate("a/p", "app=db", netpol.Ingress, admit(ipBlock("10.0.0.0/8"), ipBlock("fd00::/8"), pods("app=none"))))
	x := b.explain(t, "a/app", "a/db")
	if len(x.Flip) != 2 || x.Flip[0].Edit.Field != "spec.ingress[0].from[0]" || x.Flip[1].Edit.Field != "spec.ingress[0].from[1]" {
		t.Errorf("%+v", x.Flip)
	}
}

// Policies of one priority are all asked; those after them are not, where one decides.
func TestRivalsAreReached(t *testing.T) {
	b := estateOf(space("a", ""), trait(cni.ClusterPolicies), pod("a/app", ""), pod("a/db", "app=db"),
		ordered(netpol.Admin, 1, "one", "", netpol.Ingress, does(netpol.Accept)),
		ordered(netpol.Admin, 1, "two", "", netpol.Ingress, does(netpol.Deny)),
		ordered(netpol.Admin, 2, "three", "", netpol.Ingress, does(netpol.Deny)))
	x := b.explain(t, "a/app", "a/db")
	var got []string
	for _, p := range x.Sides[1].Tiers[0].Policies {
		got = append(got, fmt.Sprint(p.Policy.Name, " ", p.Rules[0].Reached))
	}
	if !equal(got, []string{"one true", "two true", "three false"}) || x.Sides[1].Step.Reason != Conflict {
		t.Errorf("%v, %s", got, x.Sides[1].Step.Reason)
	}
}

// What rests on one of two assumptions rests on both together, and says so.
func TestAssumptionsThatOnlyMatterTogether(t *testing.T) {
	b := estateOf(pod("a/app", "app=app"), pod("b/db", "app=db"),
		ordered(netpol.Admin, 1, "deny", "app=db", netpol.Ingress, does(netpol.Deny, spaces("team=x"))),
		isolate("b/db", "app=db", netpol.Ingress, admit(spaces("team=x"))))
	s := b.in(t, "a/app", "b/db", 80)
	is(t, s, verdict.Deny, NoRule)
	if !equal(s.Assumptions, []string{snapshot.AssumeNamespaceLabels}) {
		t.Errorf("assumes %v", s.Assumptions)
	}
}

// A policy of which nobody said the tier opens nothing, and closes nothing for sure.
func TestAPolicyWithoutTier(t *testing.T) {
	b := estateOf(space("a", ""), pod("a/app", ""), pod("a/db", ""))
	b.world.ClusterPolicies = []*netpol.Policy{{Kind: "ClusterNetworkPolicy", Name: "odd"}}
	is(t, b.in(t, "a/app", "a/db", 80), verdict.Unknown, Unmodelled)
}

// An answer that depends on a trait of the plugin names it.
func TestAnswersNameTheTraitTheyRestOn(t *testing.T) {
	b := estateOf(space("a", ""), trait(cni.ClusterPolicies, cni.BaselineByPod), pod("a/app", ""), pod("a/db", "app=db"),
		isolate("a/out", "app=db", netpol.Egress), ordered(netpol.Baseline, 1, "deny", "", netpol.Ingress, does(netpol.Deny)))
	s := b.in(t, "a/app", "a/db", 80)
	is(t, s, verdict.Allow, NotIsolated)
	if s.Facts["profile"] != "x: baseline-by-pod" {
		t.Errorf("facts %v", s.Facts)
	}
}

package network

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/internal/worldgen"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// attempts makes random ones over all ends of a world.
func attempts(world *snapshot.Snapshot, seed uint64, n int) []Attempt {
	r := rand.New(rand.NewPCG(seed, 4))
	all := endpoints(world)
	out := make([]Attempt, n)
	for i := range out {
		out[i] = Attempt{From: all[r.IntN(len(all))], To: all[r.IntN(len(all))], Protocol: flow.Protocols[r.IntN(3)], Port: probes[r.IntN(len(probes))]}
	}
	return out
}

// openness orders verdicts by how much passes.
func openness(v verdict.Verdict) int {
	return map[verdict.Verdict]int{verdict.Deny: 0, verdict.Unknown: 1, verdict.Allow: 2}[v]
}

func TestARuleAddedNeverRemovesAccess(t *testing.T) {
	worlds(t, 100, func(seed uint64, taste worldgen.Taste) {
		world, donor := worldgen.World(seed, taste), worldgen.World(seed+1000, taste)
		before := New(world)
		wider := *world
		wider.Policies = nil
		for i, p := range world.Policies {
			q := *p
			for _, dir := range netpol.Directions {
				if len(donor.Policies) > 0 {
					q.Rules[dir] = slices.Concat(q.Rules[dir], donor.Policies[i%len(donor.Policies)].Rules[dir])
				}
			}
			wider.Policies = append(wider.Policies, &q)
		}
		after := New(&wider)
		for _, a := range attempts(world, seed, 60) {
			for _, dir := range netpol.Directions {
				if b, c := before.Decide(dir, a).Verdict, after.Decide(dir, a).Verdict; openness(c) < openness(b) {
					t.Errorf("%s %s: %s before, %s with more rules", dir, describe(a), b, c)
				}
			}
		}
	})
}

// The order in which policies, rules and peers are written decides nothing.
func TestOrderDecidesNothing(t *testing.T) {
	worlds(t, 100, func(seed uint64, taste worldgen.Taste) {
		world := worldgen.World(seed, taste)
		turned := *world
		turned.Policies = nil
		for _, p := range world.Policies {
			q := *p
			for _, dir := range netpol.Directions {
				q.Rules[dir] = slices.Clone(q.Rules[dir])
				slices.Reverse(q.Rules[dir])
			}
			turned.Policies = append(turned.Policies, &q)
		}
		slices.Reverse(turned.Policies)
		a, b := New(world), New(&turned)
		for _, attempt := range attempts(world, seed, 60) {
			for _, dir := range netpol.Directions {
				if x, y := a.Decide(dir, attempt), b.Decide(dir, attempt); x.Verdict != y.Verdict || !slices.Equal(x.Assumptions, y.Assumptions) {
					t.Errorf("%s %s: %s, turned around %s", dir, describe(attempt), x.Verdict, y.Verdict)
				}
			}
		}
	})
}

// What a Fix proposes to a policy admits the attempt once it is done.
func TestAFixAdmits(t *testing.T) {
	done := map[FixKind]int{}
	worlds(t, 200, func(seed uint64, taste worldgen.Taste) {
		if (taste != worldgen.Taste{}) {
			return
		}
		world := worldgen.World(seed, taste)
		e := New(world)
		for _, a := range attempts(world, seed, 60) {
			if fs := e.Families(a); len(fs) > 0 {
				a.Family = fs[0]
			}
			for _, dir := range netpol.Directions {
				fix, ok := e.Fix(dir, a)
				if !ok {
					continue
				}
				mended, applied := apply(world, fix, dir, e.ask(dir, a).nearest(e.ask(dir, a).selection()))
				if !applied {
					continue
				}
				done[fix.Kind]++
				if s := New(mended).Decide(dir, a); s.Verdict != verdict.Allow {
					t.Errorf("%s %s: %+v leaves it %s %v", dir, describe(a), fix, s.Verdict, s.Facts)
				}
			}
		}
	})
	t.Logf("fixes applied: %v", done)
	for _, kind := range []FixKind{FixAddPort, FixPeerNS, FixAddRule} {
		if done[kind] == 0 && !testing.Short() { // of few worlds, some have none
			t.Errorf("no %s was ever proposed", kind)
		}
	}
}

// edited returns the world with one policy replaced.
func edited(world *snapshot.Snapshot, old, now *netpol.Policy) *snapshot.Snapshot {
	out := *world
	out.Policies, out.ClusterPolicies = slices.Clone(world.Policies), slices.Clone(world.ClusterPolicies)
	for _, list := range [][]*netpol.Policy{out.Policies, out.ClusterPolicies} {
		if i := slices.Index(list, old); i >= 0 {
			list[i] = now
		}
	}
	return &out
}

// flipped makes the edits of a Flip; ok is false where one is not about policies.
func flipped(world *snapshot.Snapshot, edits []Fix, a Attempt) (out *snapshot.Snapshot, ok bool) {
	slices.SortStableFunc(edits, func(a, b Fix) int { return -compareOrigins(a.Edit, b.Edit) }) // last rules first
	for _, f := range edits {
		dir := netpol.Ingress
		if f.Direction == "egress" {
			dir = netpol.Egress
		}
		switch f.Kind {
		case FixIsolate:
			p := &netpol.Policy{Kind: "NetworkPolicy", Namespace: f.Namespace, Name: "shut", Isolates: [2]bool{dir == netpol.Ingress, dir == netpol.Egress}}
			for k, v := range f.Labels {
				p.Pods = append(p.Pods, netpol.Requirement{Key: k, Op: netpol.In, Values: []string{v}})
			}
			world = edited(world, nil, nil)
			world.Policies = append(world.Policies, p)
		case FixRemove, FixAccept, FixDeny:
			old := policyAt(world, f.Edit)
			now := *old
			now.Rules[dir] = removedOrBefore(now.Rules[dir], f)
			world = edited(world, old, &now)
		case FixAddPort, FixPeerNS, FixAddRule:
			q := New(world).ask(dir, a)
			if world, ok = apply(world, f, dir, q.nearest(q.selection())); !ok {
				return nil, false
			}
		default:
			return nil, false
		}
	}
	return world, true
}

func policyAt(world *snapshot.Snapshot, o verdict.Origin) *netpol.Policy {
	for _, p := range slices.Concat(world.Policies, world.ClusterPolicies) {
		if p.Origin.Object == o.Object {
			return p
		}
	}
	return nil
}

// removedOrBefore takes the rule or peer at the place of the edit away, or puts a rule
// before it.
func removedOrBefore(rules []netpol.Rule, f Fix) []netpol.Rule {
	out := []netpol.Rule{}
	for _, r := range rules {
		inside := r.Origin.Field == f.Edit.Field || strings.HasPrefix(f.Edit.Field, r.Origin.Field+".")
		if inside && f.Kind != FixRemove {
			added := netpol.Rule{Action: netpol.Accept, Ports: []netpol.Port{{Protocol: f.Port.Protocol, From: f.Port.From, To: f.Port.To}}, Peers: peersOf(f)}
			if f.Kind == FixDeny {
				added.Action = netpol.Deny
			}
			out = append(out, added)
		}
		if inside && f.Kind == FixRemove {
			if r.Origin.Field == f.Edit.Field {
				continue
			}
			r.Peers = slices.DeleteFunc(slices.Clone(r.Peers), func(p netpol.Peer) bool { return p.Origin == f.Edit })
			r.AnyPeer = len(r.Peers) == 0 // an empty list admits everybody
		}
		out = append(out, r)
	}
	return out
}

func peersOf(f Fix) (peers []netpol.Peer) {
	for _, c := range f.CIDR {
		peer := ipBlock(c)
		peer.Block.Pods = true
		peers = append(peers, peer)
	}
	if len(f.CIDR) == 0 {
		peer := podsIn(snapshot.MetadataName+"="+f.Namespace, "")
		for k, v := range f.Labels {
			*peer.Pods = append(*peer.Pods, netpol.Requirement{Key: k, Op: netpol.In, Values: []string{v}})
		}
		peers = append(peers, peer)
	}
	return peers
}

// What Flip proposes turns the answer around, whatever the tiers.
func TestAFlipFlips(t *testing.T) {
	done := map[FixKind]int{}
	worlds(t, 150, func(seed uint64, taste worldgen.Taste) {
		if (taste != worldgen.Taste{}) {
			return
		}
		world := worldgen.World(seed, worldgen.Taste{Tiers: seed%3 != 0})
		e := New(world)
		for _, a := range attempts(world, seed, 40) {
			a.Family = e.Families(a)[0]
			before := e.Pass(a)
			edits := e.Flip(a)
			mended, ok := flipped(world, edits, a)
			if !ok || len(edits) == 0 {
				continue
			}
			for _, f := range edits {
				done[f.Kind]++
			}
			after := New(mended).Pass(a)
			if after == before || after == verdict.Unknown {
				t.Errorf("%s: %s, and after %+v %s", describe(a), before, edits, after)
			}
		}
	})
	t.Logf("flips applied: %v", done)
	for _, kind := range []FixKind{FixAddPort, FixAddRule, FixAccept, FixDeny, FixRemove, FixIsolate} {
		if done[kind] == 0 && !testing.Short() { // of few worlds, some have none
			t.Errorf("no %s was ever proposed", kind)
		}
	}
}

// apply makes the edit where it is one of a policy.
func apply(world *snapshot.Snapshot, fix Fix, dir netpol.Direction, m Miss) (*snapshot.Snapshot, bool) {
	p := *m.Policy
	p.Rules[dir] = slices.Clone(p.Rules[dir])
	switch fix.Kind {
	case FixAddPort:
		r := &p.Rules[dir][m.Rule]
		r.Ports = append(slices.Clone(r.Ports), netpol.Port{Protocol: fix.Port.Protocol, From: fix.Port.From, To: fix.Port.To})
	case FixPeerNS:
		r := &p.Rules[dir][m.Rule]
		r.Peers = slices.Clone(r.Peers)
		r.Peers[m.Peer].Namespaces = selector(snapshot.MetadataName + "=" + fix.Namespace)
	case FixAddRule:
		r := netpol.Rule{Action: netpol.Accept, Ports: []netpol.Port{{Protocol: fix.Port.Protocol, From: fix.Port.From, To: fix.Port.To}}}
		r.Peers = peersOf(fix)
		p.Rules[dir] = append(p.Rules[dir], r)
	default:
		return nil, false
	}
	return edited(world, m.Policy, &p), true
}

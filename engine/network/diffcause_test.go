package network

import (
	"cmp"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/internal/worldgen"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Undone is the new world with some edits taken back, by hand.
func undone(t *testing.T, seed uint64, taste worldgen.Taste, edits []*Edit) *snapshot.Snapshot {
	t.Helper()
	old, next := twoWorlds(seed, taste)
	for _, e := range edits {
		switch e.Kind {
		case EditPolicy:
			is := func(p *netpol.Policy) bool { return cmp.Or(p.Kind, "NetworkPolicy")+" "+p.FullName() == e.Object }
			next.Policies = putBack(old.Policies, next.Policies, is)
			next.ClusterPolicies = putBack(old.ClusterPolicies, next.ClusterPolicies, is)
		case EditNode:
			is := func(n *snapshot.Node) bool { return "Node "+n.Name == e.Object }
			next.Nodes = putBack(old.Nodes, next.Nodes, is)
		case EditNamespace:
			name := strings.TrimPrefix(e.Object, "Namespace ")
			delete(next.Namespaces, name)
			if ns := old.Namespaces[name]; ns != nil {
				next.Namespaces[name] = ns
			}
		case EditFacts:
			if take := takeFact[e.Field]; take != nil {
				take(next, old)
			}
		case EditPod:
			names := map[string]*snapshot.Pod{}
			for p, name := range roll(old) {
				names[name] = p
			}
			for p, name := range roll(next) {
				if q := names[name]; q != nil && p.Workload.Ref.String() == e.Object {
					takeField[e.Field](p, q)
				}
			}
		default:
			t.Fatalf("an edit of kind %s", e.Kind)
		}
	}
	return next
}

// putBack replaces what is meant by what the old list has of it.
func putBack[T any](old, next []*T, is func(*T) bool) []*T {
	next = slices.DeleteFunc(slices.Clone(next), is)
	for _, o := range old {
		if is(o) {
			next = append(next, o)
		}
	}
	return next
}

// again makes the attempt in a world that has the same pods.
func again(w *snapshot.Snapshot, two bool, names map[*snapshot.Pod]string, a Attempt) verdict.Verdict {
	pods := map[string]*snapshot.Pod{}
	for p, name := range roll(w) {
		pods[name] = p
	}
	for _, end := range []*Endpoint{&a.From, &a.To} {
		if end.Pod != nil {
			end.Pod = pods[names[end.Pod]]
		}
	}
	return pinned(w, two).Pass(a)
}

// pinned is an engine that asks for two families or not: that is no part of a variant,
// but an edit of its own.
func pinned(w *snapshot.Snapshot, two bool) *Engine {
	e := New(w)
	e.twoFamilies = func() bool { return two }
	return e
}

// anyAttempt is any attempt that the effect is about, rather at a border.
func anyAttempt(r *rand.Rand, e *Effect) (a Attempt, ok bool) {
	ports := anyOf(r, e.Ports.Ranges())
	a.Protocol, a.Port = ports.Protocol, anyOf(r, []uint16{ports.From, ports.To, anyOf(r, probes)})
	between := anyOf(r, e.Between)
	for end, p := range map[*Endpoint]Party{&a.From: between.From, &a.To: between.To} {
		if p.CIDR == nil {
			*end = PodEndpoint(anyOf(r, p.Pods))
			continue
		}
		block := anyOf(r, p.CIDR)
		*end = outsideAt(anyOf(r, []netip.Addr{block.Addr(), lastOf(block)}))
	}
	return a, e.Ports.Has(a.Protocol, a.Port) && !samePod(a.From, a.To)
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// undoes checks that an attempt would be answered as it was, were it not for the causes.
func undoes(t *testing.T, seed uint64, taste worldgen.Taste, e *Effect, try Attempt, names map[*snapshot.Pod]string) {
	t.Helper()
	old, next := twoWorlds(seed, taste)
	try.Family = AnyFamily // without the causes it may be made in another
	without := func(edits []*Edit) verdict.Verdict {
		two := New(next).twoFamilies()
		if slices.ContainsFunc(edits, func(e *Edit) bool { return e.Field == factFamilies }) {
			two = New(old).twoFamilies()
		}
		return again(undone(t, seed, taste, edits), two, names, try)
	}
	switch e.Proof {
	case ProofEach:
		for _, cause := range e.Causes {
			if v := without([]*Edit{cause}); v != e.Was {
				t.Fatalf("%s without %s is %s, not %s", describe(try), cause.Object, v, e.Was)
			}
		}
	case ProofTogether:
		if v := without(e.Causes); v != e.Was {
			t.Fatalf("%s without all causes is %s, not %s", describe(try), v, e.Was)
		}
		for i := range e.Causes {
			if v := without(slices.Delete(slices.Clone(e.Causes), i, i+1)); v == e.Was {
				t.Fatalf("%s: %s can be spared", describe(try), e.Causes[i].Object)
			}
		}
	default:
		t.Fatalf("proof %q in a small world", e.Proof)
	}
}

func TestCausesUndoneUndoTheWitness(t *testing.T) {
	proofs := map[Proof]int{}
	worlds(t, 150, func(seed uint64, taste worldgen.Taste) {
		defer tellSeed(t, seed, taste)
		old, next := twoWorlds(seed, taste)
		a, b := New(old), New(next)
		d := Diff(a, b)
		names := roll(next)
		r := rand.New(rand.NewPCG(seed, 4))
		for i := range d.Effects {
			e := &d.Effects[i]
			proofs[e.Proof]++
			if was, now := a.Pass(e.Witness.Old), b.Pass(e.Witness.New); was != e.Was || now != e.Now {
				t.Fatalf("witness %s: %s and %s, told %s and %s", describe(e.Witness.New), was, now, e.Was, e.Now)
			}
			if len(e.Causes) == 0 {
				t.Fatalf("nothing caused %s of %s\n%s\n%s", e.Kind, describe(e.Witness.New), dump(old), dump(next))
			}
			tries := []Attempt{e.Witness.New}
			for range 4 {
				if try, ok := anyAttempt(r, e); ok {
					tries = append(tries, try)
				}
			}
			for _, try := range tries {
				undoes(t, seed, taste, e, try, names)
			}
		}
	})
	if !testing.Short() && (proofs[ProofEach] < 100 || proofs[ProofTogether] < 10) {
		t.Errorf("too few effects to prove anything: %v", proofs)
	}
}

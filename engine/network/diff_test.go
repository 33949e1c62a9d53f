package network

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/internal/worldgen"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A roll gives each pod a name that is the same in both worlds.
func roll(w *snapshot.Snapshot) map[*snapshot.Pod]string {
	out := map[*snapshot.Pod]string{}
	for _, wl := range w.Workloads {
		seen := map[string]int{}
		for _, p := range wl.Pods {
			name := fmt.Sprintf("%s %s/%s/%s", wl.Ref, p.Name, p.Instance, p.Part)
			seen[name]++
			out[p] = fmt.Sprintf("%s #%d", name, seen[name])
		}
	}
	return out
}

// A ports of a key: what passes, and what may.
type lists map[string]*[2]flow.Ports

func (l lists) add(key string, which int, ports flow.Ports) {
	if l[key] == nil {
		l[key] = &[2]flow.Ports{}
	}
	l[key][which] = l[key][which].Union(ports)
}

func (l lists) at(key string) [2]flow.Ports {
	if l[key] == nil {
		return [2]flow.Ports{}
	}
	return *l[key]
}

// expand writes a line out for each two pods, and for each place outside.
func expand(names map[*snapshot.Pod]string, places []netip.Addr, from, to Party, add func(key string)) {
	for _, p := range from.Pods {
		for _, q := range to.Pods {
			if !samePod(PodEndpoint(p), PodEndpoint(q)) {
				add(names[p] + " > " + names[q])
			}
		}
		for _, place := range places {
			if flow.AddressesOf(to.CIDR...).Has(place) {
				add(names[p] + " > " + place.String())
			}
		}
	}
	for _, q := range to.Pods {
		for _, place := range places {
			if flow.AddressesOf(from.CIDR...).Has(place) {
				add(place.String() + " > " + names[q])
			}
		}
	}
}

func portsOf(c Connection) flow.Ports {
	if c.All {
		return flow.AllPorts()
	}
	return flow.PortsOf(c.Ports...)
}

// fullLists is the whole answer of one engine, pod by pod.
func fullLists(w *snapshot.Snapshot, places []netip.Addr) lists {
	out, names, c := lists{}, roll(w), New(w).Connections()
	for line := range c.All() {
		expand(names, places, line.From, line.To, func(key string) { out.add(key, 0, portsOf(line)) })
	}
	for line := range c.Unknown() {
		expand(names, places, line.From, line.To, func(key string) { out.add(key, 1, portsOf(line.Connection)) })
	}
	return out
}

// pairsOfBoth are the keys that have a meaning in both worlds, each with the relation
// it is a part of.
func pairsOfBoth(old, next *snapshot.Snapshot, places []netip.Addr) map[string]string {
	out := map[string]string{}
	meet := func(w *snapshot.Snapshot) map[string]bool {
		names, out := roll(w), map[string]bool{}
		for p, a := range names {
			for q, b := range names {
				if !samePod(PodEndpoint(p), PodEndpoint(q)) {
					out[a+" > "+b] = true
				}
			}
			for _, place := range places {
				out[a+" > "+place.String()], out[place.String()+" > "+a] = true, true
			}
		}
		return out
	}
	both := meet(next)
	for key := range meet(old) {
		if !both[key] {
			continue
		}
		from, to, _ := strings.Cut(key, " > ")
		out[key] = key
		if _, err := netip.ParseAddr(from); err == nil {
			out[key] = "> " + to
		}
		if _, err := netip.ParseAddr(to); err == nil {
			out[key] = from + " >"
		}
	}
	return out
}

// movedPorts is what went from one verdict to another.
func movedPorts(a, b [2]flow.Ports, m [2]verdict.Verdict) flow.Ports {
	out := flow.AllPorts()
	for i, ports := range [][2]flow.Ports{a, b} {
		switch m[i] {
		case verdict.Allow:
			out = out.Intersect(ports[0])
		case verdict.Unknown:
			out = out.Intersect(ports[1])
		default:
			out = out.Minus(ports[0]).Minus(ports[1])
		}
	}
	return out
}

func tellSeed(t *testing.T, seed uint64, taste worldgen.Taste) {
	if t.Failed() {
		t.Logf("failing seed %d, taste %+v", seed, taste)
	}
}

func TestDiffIsTheMergeOfBothLists(t *testing.T) {
	defer func(was int) { sparse = was }(sparse)
	worlds(t, 150, func(seed uint64, taste worldgen.Taste) {
		defer tellSeed(t, seed, taste)
		sparse = []int{32, 1, 2}[seed%3]
		old, next := twoWorlds(seed, taste)
		tw := &twin{old, rand.New(rand.NewPCG(seed, 3))}
		places := tw.places(flow.AllAddresses().Has)
		a, b := fullLists(old, places), fullLists(next, places)
		d := Diff(New(old), New(next))
		relations := pairsOfBoth(old, next, places)
		got, kindsTold := tellAll(t, d, next, places, relations)
		for key := range relations {
			for _, m := range moves {
				want := movedPorts(a.at(key), b.at(key), m)
				if is := got[m].at(key)[0]; !is.Equal(want) {
					t.Fatalf("%s: %s to %s: diff says %s, the lists %s\n%s\n%s", key, m[0], m[1], is, want, dump(old), dump(next))
				}
			}
		}
		for rel, want := range kindsWanted(relations, a, b) {
			if is := kindsTold[rel]; !slices.Equal(is, want) {
				t.Fatalf("%s: kinds %v, want %v", rel, is, want)
			}
		}
		residentsAgree(t, d, old, next)
	})
}

// tellAll writes the effects out, by move; and the kinds by relation.
func tellAll(t *testing.T, d *Difference, next *snapshot.Snapshot, places []netip.Addr, relations map[string]string) (map[[2]verdict.Verdict]lists, map[string][]ChangeKind) {
	t.Helper()
	got, kinds, names := map[[2]verdict.Verdict]lists{}, map[string][]ChangeKind{}, roll(next)
	for _, m := range moves {
		got[m] = lists{}
	}
	for i := range d.Effects {
		e := &d.Effects[i]
		m := [2]verdict.Verdict{e.Was, e.Now}
		for _, between := range e.Between {
			expand(names, places, between.From, between.To, func(key string) {
				if relations[key] == "" {
					return // two that meet in one world only
				}
				if !got[m].at(key)[0].Intersect(e.Ports).IsEmpty() {
					t.Errorf("%s: %s is told twice", key, e.Ports)
				}
				got[m].add(key, 0, e.Ports)
				if rel := relations[key]; !slices.Contains(kinds[rel], e.Kind) {
					kinds[rel] = append(kinds[rel], e.Kind)
					slices.Sort(kinds[rel])
				}
			})
		}
	}
	return got, kinds
}

// kindsWanted says what the lists make of each relation, by the words of ChangeKind.
func kindsWanted(relations map[string]string, a, b lists) map[string][]ChangeKind {
	type sum struct{ had, has, gains, loses, hides, shows bool }
	sums := map[string]*sum{}
	for key, rel := range relations {
		if sums[rel] == nil {
			sums[rel] = &sum{}
		}
		s, x, y := sums[rel], a.at(key), b.at(key)
		s.had = s.had || !x[0].IsEmpty() || !x[1].IsEmpty()
		s.has = s.has || !y[0].IsEmpty() || !y[1].IsEmpty()
		s.gains = s.gains || !movedPorts(x, y, [2]verdict.Verdict{verdict.Deny, verdict.Allow}).IsEmpty()
		s.loses = s.loses || !movedPorts(x, y, [2]verdict.Verdict{verdict.Allow, verdict.Deny}).IsEmpty()
		s.hides = s.hides || !y[1].Minus(x[1]).IsEmpty()
		s.shows = s.shows || !x[1].Minus(y[1]).IsEmpty()
	}
	out := map[string][]ChangeKind{}
	for rel, s := range sums {
		var kinds []ChangeKind
		say := func(yes bool, k ChangeKind) {
			if yes {
				kinds = append(kinds, k)
			}
		}
		say(s.gains && !s.had, ChangeAdded)
		say(s.loses && !s.has, ChangeRemoved)
		say(s.gains && s.loses && s.had || s.gains && s.loses && s.has, ChangeMoved)
		say(s.gains && !s.loses && s.had, ChangeWidened)
		say(s.loses && !s.gains && s.has, ChangeNarrowed)
		say(s.hides, ChangeUnknown)
		say(s.shows, ChangeKnown)
		slices.Sort(kinds)
		if len(kinds) > 0 {
			out[rel] = slices.Compact(kinds)
		}
	}
	return out
}

// residentsAgree checks who is told to be there on one side only, and that what is
// told of them is what the list of that side has.
func residentsAgree(t *testing.T, d *Difference, old, next *snapshot.Snapshot) {
	t.Helper()
	for _, side := range []struct {
		told          []Resident
		world, beside *snapshot.Snapshot
	}{{d.Removed, old, next}, {d.Added, next, old}} {
		names, others := roll(side.world), map[string]bool{}
		for _, name := range roll(side.beside) {
			others[name] = true
		}
		told := map[string]bool{}
		lines := lists{}
		for _, r := range side.told {
			for _, p := range r.Party.Pods {
				told[names[p]] = true
			}
			own := lists{}
			for which, list := range [][]Connection{r.Connections, r.Unknown} {
				for _, c := range list {
					expand(names, nil, c.From, c.To, func(key string) {
						if !own.at(key)[which].IsEmpty() {
							t.Errorf("%s is told twice", key)
						}
						own.add(key, which, portsOf(c))
						lines.add(key, which, portsOf(c))
					})
				}
			}
		}
		for p, name := range names {
			if told[name] == others[name] {
				t.Errorf("%s: told to be on one side only: %v; on the other side: %v (%v)", name, told[name], others[name], p.Workload.Ref)
			}
		}
		for key, want := range fullLists(side.world, nil) {
			from, to, _ := strings.Cut(key, " > ")
			if is := lines.at(key); (told[from] || told[to]) && (!is[0].Equal(want[0]) || !is[1].Equal(want[1])) {
				t.Errorf("resident's connection %s: told %s and %s, want %s and %s", key, is[0], is[1], want[0], want[1])
			}
		}
	}
}

func TestNothingChangedIsNoDifference(t *testing.T) {
	worlds(t, 60, func(seed uint64, taste worldgen.Taste) {
		if d := Diff(New(worldgen.World(seed, taste)), New(worldgen.World(seed, taste))); !d.IsEmpty() || len(d.Edits) > 0 {
			t.Errorf("a world differs from itself: %+v", d)
		}
	})
}

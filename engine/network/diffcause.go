package network

import (
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// mostTrials bounds the attempts that are made again to find causes. What is left
// after them has all edits that may matter for a cause. Tests lower it.
var mostTrials = 200_000

// A part is what became of some ports between two ends, and why. It is comparable.
type part struct {
	kind     ChangeKind
	was, now verdict.Verdict
	ports    portID
	passed   [2]portID // all that surely passed and passes
	causes   editSet
	proof    Proof
}

// An explainer finds the causes of differences.
type explainer struct {
	*joint
	// touching are the edits that may matter to a class in a direction.
	touching [2][]editSet
	known    map[pairing]outcomeID
	// outcomes are what can become of two ends; the first is nothing.
	outcomes [][]part
	narrowed map[narrowing]editSet
	ids      map[string]outcomeID
	trials   int
}

// An outcomeID names the parts of a difference; equal differences have equal names.
// It is a portID so that tables of both are grouped alike; 0 is no difference.
type outcomeID = portID

// A pairing is what explanations depend on.
type pairing struct {
	from, to int32 // joint classes; -1 where one edit explains all
	shape    shape
	edits    editSet
	kinds    kinds
}

func newExplainer(j *joint) *explainer {
	x := &explainer{joint: j, known: map[pairing]outcomeID{}, outcomes: [][]part{nil}, narrowed: map[narrowing]editSet{}, ids: map[string]outcomeID{}}
	for _, dir := range netpol.Directions {
		x.touching[dir] = make([]editSet, len(j.classes))
		for i := range x.touching[dir] {
			x.touching[dir][i] = -1
		}
	}
	return x
}

// touch returns the edits that may matter to what the spot may do.
func (x *explainer) touch(dir netpol.Direction, at int32) editSet {
	s := &x.spots[at]
	known := &x.touching[dir][s.class]
	if *known < 0 {
		pods := s.pods
		*known = x.edits.touching(dir, [2]*snapshot.Pod{pods[before][0], pods[after][0]}, x.classes[s.class].edits)
	}
	return *known
}

// explain names the difference between two spots.
func (x *explainer) explain(from, to int32, s shape) outcomeID {
	edits := x.relevant(from, to)
	key := pairing{none, none, s, edits, x.kindsOf(s)}
	if len(x.edits.sets[edits]) > 1 {
		key.from, key.to = x.spots[from].class, x.spots[to].class
	}
	out, ok := x.known[key]
	if !ok {
		pair, _ := x.meetingAt(from, to)
		out = x.intern(x.parts(key, trial{ledger: x.edits, ends: pair}))
		x.known[key] = out
	}
	return out
}

func (x *explainer) intern(parts []part) outcomeID {
	key := fmt.Sprint(parts)
	id, ok := x.ids[key]
	if !ok {
		id = outcomeID(len(x.outcomes)) //nolint:gosec // far below 2^31
		x.outcomes, x.ids[key] = append(x.outcomes, parts), id
	}
	return id
}

// kinds are the kinds of what was gained and lost of a whole relation.
type kinds struct{ gained, lost ChangeKind }

// kindsOf tells what became of the relation that the shape is all of.
func (j *joint) kindsOf(s shape) kinds {
	return kindsFrom(
		s[before].allow == noPorts && s[before].unknown == noPorts,
		s[after].allow == noPorts && s[after].unknown == noPorts,
		j.moved(s, verdict.Deny, verdict.Allow) != noPorts,
		j.moved(s, verdict.Allow, verdict.Deny) != noPorts)
}

func kindsFrom(wasEmpty, isEmpty, gains, loses bool) kinds {
	k := kinds{ChangeWidened, ChangeNarrowed}
	if gains && loses {
		k = kinds{ChangeMoved, ChangeMoved}
	}
	if wasEmpty {
		k.gained = ChangeAdded
	}
	if isEmpty {
		k.lost = ChangeRemoved
	}
	return k
}

func (k kinds) of(was, now verdict.Verdict) ChangeKind {
	switch {
	case now == verdict.Unknown:
		return ChangeUnknown
	case was == verdict.Unknown:
		return ChangeKnown
	case now == verdict.Allow:
		return k.gained
	}
	return k.lost
}

// moved returns the ports that went from one verdict to the other.
func (j *joint) moved(s shape, was, now verdict.Verdict) portID {
	out := allPorts
	for v, want := range [2]verdict.Verdict{was, now} {
		switch want {
		case verdict.Allow:
			out = j.ports.and(out, s[v].allow)
		case verdict.Unknown:
			out = j.ports.and(out, s[v].unknown)
		default:
			out = j.ports.minus(out, j.ports.or(s[v].allow, s[v].unknown))
		}
	}
	return out
}

// moves are the ways in which a verdict can change.
var moves = [][2]verdict.Verdict{
	{verdict.Deny, verdict.Allow}, {verdict.Allow, verdict.Deny},
	{verdict.Allow, verdict.Unknown}, {verdict.Deny, verdict.Unknown},
	{verdict.Unknown, verdict.Allow}, {verdict.Unknown, verdict.Deny},
}

// parts explains each of the ports that moved. Where only one edit can matter it is
// the cause: without it the new estate answers as the old one does. The trial stands
// for all attempts between the two ends.
func (x *explainer) parts(key pairing, t trial) []part {
	var out []part
	for _, m := range moves {
		ports := x.moved(key.shape, m[0], m[1])
		if ports == noPorts {
			continue
		}
		p := part{kind: key.kinds.of(m[0], m[1]), was: m[0], now: m[1], ports: ports,
			passed: [2]portID{key.shape[before].allow, key.shape[after].allow}, causes: key.edits, proof: ProofEach}
		if len(x.edits.sets[key.edits]) <= 1 {
			out = append(out, p)
			continue
		}
		out = append(out, x.split(p, t)...)
	}
	return out
}

// split divides a part where its causes do.
func (x *explainer) split(p part, t trial) []part {
	var out []part
	whole := p.causes
	for _, r := range x.atoms(p.ports, t) {
		t.protocol, t.port = r.Protocol, r.From
		p.causes, p.proof = x.causes(&t, whole, p.was)
		p.ports = x.ports.id(flow.PortsOf(r))
		out = x.joinParts(out, p)
	}
	return out
}

// joinParts adds a part to those that differ in more than the ports.
func (x *explainer) joinParts(list []part, p part) []part {
	for i := range list {
		q := list[i]
		q.ports = p.ports
		if q == p {
			list[i].ports = x.joint.ports.or(list[i].ports, p.ports)
			return list
		}
	}
	return append(list, p)
}

// causes finds what has to be undone for the attempt to be answered as it was: each
// edit that is enough alone; or else a set of which none can be spared.
func (x *explainer) causes(t *trial, all editSet, was verdict.Verdict) (editSet, Proof) {
	edits := x.edits.sets[all]
	if x.trials += 2 * len(edits); x.trials > mostTrials {
		return all, ProofAmong
	}
	var alone []int32
	for _, e := range edits {
		if t.verdict([]int32{e}) == was {
			alone = append(alone, e)
		}
	}
	if len(alone) > 0 {
		return x.edits.set(alone), ProofEach
	}
	return x.edits.set(t.spared(edits, was)), ProofTogether
}

// spared leaves out of a set what can be. More edits undone do not always let more
// pass, so that each is asked about again after one was left out.
func (t *trial) spared(undone []int32, was verdict.Verdict) []int32 {
	for i := 0; i < len(undone); {
		without := slices.Delete(slices.Clone(undone), i, i+1)
		if t.verdict(without) != was {
			i++
			continue
		}
		undone, i = without, 0
	}
	return undone
}

// atoms cuts ports at the borders of all that policies which may matter say of ports:
// within an atom each policy, old or new, answers alike.
func (x *explainer) atoms(ports portID, t trial) []flow.PortRange {
	cuts := x.cuts(t)
	var out []flow.PortRange
	for _, r := range x.ports.set(ports).Ranges() {
		for _, cut := range cuts {
			if cut > r.From && cut <= r.To {
				out = append(out, flow.PortRange{Protocol: r.Protocol, From: r.From, To: cut - 1})
				r.From = cut
			}
		}
		out = append(out, r)
	}
	return out
}

// cuts are the ports at which an answer may change, ascending.
func (x *explainer) cuts(t trial) []uint16 {
	var out []uint16
	name := func(p netpol.Port) {
		for _, pod := range t.ends[1].pods {
			if pod == nil {
				continue
			}
			for _, c := range pod.Ports {
				if c.Name == p.Name {
					out = append(out, c.Port, c.Port+1)
				}
			}
		}
	}
	shortened := x.edits.world(before).Facts.Profile.Has(cni.NoEndPort) || x.edits.world(after).Facts.Profile.Has(cni.NoEndPort)
	x.eachRule(t, func(r netpol.Rule) {
		for _, p := range r.Ports {
			if p.Name != "" {
				name(p)
				continue
			}
			out = append(out, p.From, p.To+1)
			if shortened {
				out = append(out, p.From+1)
			}
		}
	})
	slices.Sort(out)
	return slices.Compact(out)
}

// eachRule visits the rules, of both versions, that may matter to an attempt.
func (x *explainer) eachRule(t trial, visit func(netpol.Rule)) {
	for i, dir := range []netpol.Direction{netpol.Egress, netpol.Ingress} {
		pods := t.ends[i].pods
		if t.ends[i].isOutside() {
			continue
		}
		for _, space := range []string{"", pods[after].Namespace} {
			for n := range x.edits.policies[space] {
				two := &x.edits.policies[space][n]
				if !x.edits.mayTouch(dir, two, pods) {
					continue
				}
				for _, p := range two.versions {
					if p != nil {
						each(p.Rules[dir], visit)
					}
				}
			}
		}
	}
}

func each[T any](list []T, visit func(T)) {
	for _, item := range list {
		visit(item)
	}
}

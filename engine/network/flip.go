package network

import (
	"cmp"
	"maps"
	"slices"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Flip proposes the fewest edits that would turn the answer to an attempt around: of a
// refused one, a Fix for each end that refuses; of an allowed one, what would make one
// end refuse. It is nil where no such edit is known.
func (e *Engine) Flip(a Attempt) []Fix {
	switch e.Pass(a) {
	case verdict.Deny:
		a.Family = e.Families(a)[0] // one way is enough
		return e.open(a)
	case verdict.Allow:
		return e.shutAll(a)
	}
	return nil
}

// shutAll shuts every family that is open.
func (e *Engine) shutAll(a Attempt) []Fix {
	var out []Fix
	for _, a.Family = range e.Families(a) {
		if e.Pass(a) != verdict.Allow {
			continue
		}
		edits := e.shut(a)
		if edits == nil {
			return nil
		}
		for _, f := range edits {
			if !slices.ContainsFunc(out, f.sameEdit) {
				out = append(out, f)
			}
		}
	}
	return out
}

func (f Fix) sameEdit(o Fix) bool {
	return f.Kind == o.Kind && f.Edit == o.Edit && f.Direction == o.Direction
}

func (e *Engine) open(a Attempt) []Fix {
	var out []Fix
	for _, dir := range []netpol.Direction{netpol.Egress, netpol.Ingress} {
		if e.Decide(dir, a).Verdict == verdict.Allow {
			continue
		}
		fix, ok := e.Fix(dir, a)
		if !ok {
			return nil
		}
		out = append(out, fix)
	}
	return out
}

// shut prefers the end that needs fewer edits, and of equal ones the destination, whose
// owner knows who should come.
func (e *Engine) shut(a Attempt) []Fix {
	var best []Fix
	for _, dir := range netpol.Directions {
		edits := e.refuse(dir, a)
		if len(edits) > 0 && (best == nil || len(edits) < len(best)) {
			best = edits
		}
	}
	return best
}

// refuse proposes edits after which one end refuses.
func (e *Engine) refuse(dir netpol.Direction, a Attempt) []Fix {
	q := e.ask(dir, a)
	switch {
	case q.subject.isOutside() || q.subject.isHost() || q.subject.Pod == nil || q.mayBeOwnNode():
		return nil
	case e.world.Facts.Enforces == verdict.Deny || e.maybeOpen(q.subject.Pod): // no policy would help
		return nil
	}
	step := e.Decide(dir, a)
	switch {
	case step.Reason == Accepted && len(step.Also) == 0 && !q.isFull(step): // else a second rule accepts, too
		fix := Fix{Kind: FixDeny, Policy: step.Facts["policy"], PolicyKind: step.Facts["kind"], Direction: dir.String(), Edit: step.Origin}
		fix.Port = &flow.PortRange{Protocol: a.Protocol, From: a.Port, To: a.Port}
		if fix, ok := q.forPeer(fix); ok {
			return []Fix{fix}
		}
	case !q.leftToNamespaces():
		return nil
	case step.Reason == NotIsolated && len(q.subject.labels().Unknown) == 0:
		return []Fix{q.isolate()}
	case step.Reason == Allowed && len(q.selection().sure) > 0:
		return q.removals()
	}
	return nil
}

// mayBeOwnNode reports whether the peer, or a part of it, may be the node that the subject
// runs on.
func (q *query) mayBeOwnNode() bool {
	return slices.ContainsFunc(q.answers(), func(a answer) bool {
		return a.asked[netpol.Namespaced] && a.namespaced.node != netpol.No
	})
}

// leftToNamespaces reports whether the Admin tier surely leaves the attempt to
// NetworkPolicies.
func (q *query) leftToNamespaces() bool {
	return !slices.ContainsFunc(q.answers(), func(a answer) bool {
		return a.admin.may[netpol.Accept] || a.admin.may[netpol.Deny]
	})
}

// isolate describes a NetworkPolicy that selects the subject and admits nothing.
func (q *query) isolate() Fix {
	return Fix{Kind: FixIsolate, Direction: q.dir.String(), Edit: q.subject.Pod.Origin, Wider: true,
		Namespace: q.subject.namespace(), Labels: q.subject.labels().Set}
}

// removals are the rules and peers that admit, all of which have to go. Without them the
// policies still isolate the subject.
func (q *query) removals() []Fix {
	admitting := map[ruleAt][]netpol.Peer{}
	whole := q.peer
	defer func() { q.peer = whole }()
	for _, a := range q.answers() {
		q.peer = a.peer
		for _, admission := range slices.Concat(a.namespaced.sure, a.namespaced.maybe) {
			for _, m := range admission.rules {
				at := ruleAt{m.policy, m.index}
				admitting[at] = append(admitting[at], q.matching(m)...)
			}
		}
	}
	var out []Fix
	for at, peers := range admitting {
		out = append(out, q.removal(at, peers)...)
	}
	slices.SortFunc(out, func(a, b Fix) int { return compareOrigins(a.Edit, b.Edit) })
	return out
}

// A ruleAt is a rule of a policy, by its place.
type ruleAt struct {
	policy *netpol.Policy
	index  int
}

// matching returns the peers of a rule that match, or may.
func (q *query) matching(m ruleMatch) []netpol.Peer {
	var out []netpol.Peer
	for _, p := range m.policy.Rules[q.dir][m.index].Peers {
		if q.matchPeer(m.policy.Namespace, p) != netpol.No {
			out = append(out, p)
		}
	}
	return out
}

// removal takes peers away, or the whole rule: with an empty list of peers it would admit
// everybody.
func (q *query) removal(at ruleAt, peers []netpol.Peer) []Fix {
	r := at.policy.Rules[q.dir][at.index]
	fix := Fix{Kind: FixRemove, Policy: at.policy.FullName(), Direction: q.dir.String(), Edit: r.Origin, Wider: true}
	edits := map[verdict.Origin]Fix{}
	for _, p := range peers {
		one := fix
		one.Edit = p.Origin
		edits[p.Origin] = one
	}
	if r.AnyPeer || len(edits) == len(r.Peers) {
		fix.WriteTypes = q.dir == netpol.Egress && at.policy.TypesImplied
		return []Fix{fix}
	}
	return slices.Collect(maps.Values(edits))
}

func compareOrigins(a, b verdict.Origin) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Field, b.Field))
}

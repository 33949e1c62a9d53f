package network

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/netpol"
)

// relevant returns the edits that may matter between two spots. Where all that may
// matter to the ends are policies, those are left out whose change speaks of other
// peers: most pairs then have one edit left, and nothing has to be tried.
func (x *explainer) relevant(from, to int32) editSet {
	out, in := x.touch(netpol.Egress, from), x.touch(netpol.Ingress, to)
	all := x.edits.union(out, in)
	if len(x.edits.sets[all]) <= 1 || x.edits.isStrict() || !x.edits.onlyPolicies(all) {
		return all
	}
	return x.edits.union(x.narrow(narrowing{netpol.Egress, out, x.spots[to].class}, to),
		x.narrow(narrowing{netpol.Ingress, in, x.spots[from].class}, from))
}

// A narrowing is a question that many pairs ask: which of these edits speak of a peer.
type narrowing struct {
	dir   netpol.Direction
	edits editSet
	peer  int32 // joint class
}

func (x *explainer) narrow(n narrowing, peer int32) editSet {
	out, ok := x.narrowed[n]
	if !ok {
		q := x.edits.engines[after].ask(n.dir, Attempt{})
		q.peer = PodEndpoint(x.spots[peer].pods[after][0])
		out = x.edits.set(slices.DeleteFunc(slices.Clone(x.edits.sets[n.edits]), func(e int32) bool {
			return q.sameFor(x.edits.edited[e])
		}))
		x.narrowed[n] = out
	}
	return out
}

func (l *ledger) onlyPolicies(s editSet) bool {
	return !slices.ContainsFunc(l.sets[s], func(e int32) bool { return l.list[e].Kind != EditPolicy })
}

// sameFor reports whether both versions of a policy surely say the same of the peer: the
// rules that may mean it are the same, and so is what else the policy does.
func (q *query) sameFor(two twoPolicies) bool {
	a, b := two.versions[before], two.versions[after]
	if a != nil && b != nil && (a.Tier != b.Tier || a.Priority != b.Priority || a.Isolates != b.Isolates ||
		!sameSelector(a.Pods, b.Pods) || !sameSelectors(a.Namespaces, b.Namespaces)) {
		return false
	}
	if (a == nil || b == nil) && !orElse(a, b).Tier.IsOrdered() {
		return false // it isolates, or not
	}
	return slices.EqualFunc(q.rulesFor(a), q.rulesFor(b), sameRule)
}

func orElse(a, b *netpol.Policy) *netpol.Policy {
	if a == nil {
		return b
	}
	return a
}

// rulesFor returns the rules that may mean the peer.
func (q *query) rulesFor(p *netpol.Policy) []netpol.Rule {
	if p == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.Rules[q.dir]), func(r netpol.Rule) bool {
		return !r.AnyPeer && !slices.ContainsFunc(r.Peers, func(peer netpol.Peer) bool { return q.mayMean(p.Namespace, peer) })
	})
}

// mayMean asks selectors only: addresses depend on the family.
func (q *query) mayMean(own string, p netpol.Peer) bool {
	return !p.IsPods() || q.matchPeer(own, p) != netpol.No
}

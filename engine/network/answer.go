package network

import (
	"net/netip"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// An answer is what all tiers make of an attempt whose peer no rule cuts in two.
type answer struct {
	peer   Endpoint
	family Family
	// mayAllow and mayDeny are the ends that are possible; one of them is for sure.
	mayAllow, mayDeny bool
	// ownNode says that the two are a pod and its node, which the plugin lets in.
	ownNode         bool
	admin, baseline ruling
	namespaced      outcome
	// asked says which tiers the attempt may come to, indexed by netpol.Tier.
	asked [3]bool
}

func (a answer) verdict() verdict.Verdict {
	switch {
	case a.mayAllow && a.mayDeny:
		return verdict.Unknown
	case a.mayAllow:
		return verdict.Allow
	case a.mayDeny:
		return verdict.Deny
	}
	return verdict.Unknown
}

// answer asks the tiers in turn: "If Admin tier has made a final decision (Accept or
// Deny) on a connection, then no further evaluation is done. … v1.NetworkPolicy always
// makes a final decision for selected pods. … If a given connection wasn't allowed or
// denied by any of the tiers, the default kubernetes policy is applied, which says that
// all pods can communicate with each other."
func (q *query) answer() answer {
	a := q.throughTiers()
	if q.dir == netpol.Ingress && a.mayDeny && q.world.Facts.Profile.Has(cni.NodeIngressOpen) {
		a.openToNode(q)
	}
	if a.mayDeny && q.subject.Pod != nil && q.maybeOpen(q.subject.Pod) {
		q.hasTrait(cni.BarePodsOpen)
		a.mayAllow = true
	}
	return a
}

// openToNode lets the pod's own node in past every policy, as the plugin does.
func (a *answer) openToNode(q *query) {
	node := q.ownNode()
	if node == netpol.No {
		return
	}
	q.hasTrait(cni.NodeIngressOpen)
	a.mayAllow = true
	if node == netpol.Yes {
		a.mayDeny, a.ownNode = false, true
	}
}

// maybeOpen reports whether the plugin may leave a pod open, whatever policies say.
func (e *Engine) maybeOpen(p *snapshot.Pod) bool {
	return p.Workload.Kind == "Pod" && e.world.Facts.Profile.Has(cni.BarePodsOpen)
}

func (q *query) throughTiers() answer {
	a := answer{peer: q.peer, family: q.family}
	a.asked[netpol.Admin] = true
	a.admin = q.ordered(netpol.Admin)
	a.end(a.admin)
	if !a.admin.goesOn() {
		return a
	}
	a.asked[netpol.Namespaced] = true
	a.namespaced = q.outcome()
	if o := a.namespaced; o.mayIsolate() {
		a.mayAllow, a.mayDeny = a.mayAllow || o.mayAdmit(), a.mayDeny || o.mayRefuse()
		if o.isolates() {
			return a
		}
	}
	selected := netpol.No
	if q.byPod {
		selected = q.selectedAtAll()
	}
	if selected != netpol.No {
		a.mayAllow = true // by default
	}
	if selected != netpol.No && len(q.Engine.ordered[netpol.Baseline]) > 0 {
		q.hasTrait(cni.BaselineByPod)
	}
	if selected == netpol.Yes {
		return a
	}
	a.asked[netpol.Baseline] = true
	a.baseline = q.ordered(netpol.Baseline)
	a.end(a.baseline)
	a.mayAllow = a.mayAllow || a.baseline.goesOn()
	return a
}

// end notes the final actions of an ordered tier.
func (a *answer) end(r ruling) {
	a.mayAllow = a.mayAllow || r.may[netpol.Accept]
	a.mayDeny = a.mayDeny || r.may[netpol.Deny]
}

// parts cuts the addresses of a peer outside where the rules that may be asked tell
// them apart, so that a rule holds all of a part or nothing. An address that nobody
// wrote down may be any; it is assumed to be IPv4, as those of pods are, unless the pod is
// known to have no other.
func (q *query) parts() []flow.Addresses {
	whole := q.peer.Outside
	if q.peer.addressUnknown() {
		whole = flow.AllAddresses()
		if !q.canUse(IPv6, q.subject.asPod()) || q.assume(snapshot.AssumePodIPv4, netpol.Yes) == netpol.Yes {
			whole = allIPv4
		}
	}
	parts := []flow.Addresses{whole}
	if one := whole.First(); whole.Equal(single([]netip.Addr{one})) {
		return parts
	}
	parts = cut(parts, q.nodeAddresses(q.subject.asPod()).maybe)
	q.eachRule(func(r netpol.Rule) {
		for _, p := range r.Peers {
			for _, border := range q.borders(p) {
				parts = cut(parts, border)
			}
		}
	})
	return parts
}

// eachRule visits the rules that may be asked about the subject.
func (q *query) eachRule(visit func(netpol.Rule)) {
	ask := func(p *netpol.Policy) {
		for _, r := range p.Rules[q.dir] {
			visit(r)
		}
	}
	for _, tier := range q.Engine.ordered {
		for _, p := range tier {
			if q.isSubject(p) != netpol.No {
				ask(p)
			}
		}
	}
	s := q.selection()
	for _, p := range s.sure {
		ask(p)
	}
	for _, p := range s.maybe {
		ask(p)
	}
}

// borders are the sets of addresses that a peer tells apart from the others.
func (e *Engine) borders(p netpol.Peer) []flow.Addresses {
	switch {
	case p.Block != nil:
		return []flow.Addresses{e.blockAddresses(*p.Block)}
	case p.Nodes != nil:
		sure, maybe := e.addressesOfNodes(*p.Nodes)
		return []flow.Addresses{sure, maybe}
	case len(p.Domains) > 0:
		addresses, _ := e.resolve(p.Domains)
		return []flow.Addresses{addresses}
	}
	return nil
}

// cut splits each part at a border.
func cut(parts []flow.Addresses, border flow.Addresses) []flow.Addresses {
	out := make([]flow.Addresses, 0, len(parts))
	for _, p := range parts {
		inside := p.Intersect(border)
		if inside.IsEmpty() {
			out = append(out, p)
			continue
		}
		out = append(out, inside)
		if rest := p.Minus(border); !rest.IsEmpty() {
			out = append(out, rest)
		}
	}
	return out
}

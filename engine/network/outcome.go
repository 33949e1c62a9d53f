package network

import (
	"net/netip"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
)

// An outcome is what the NetworkPolicies that select the subject, taken together, make
// of an attempt, bounded from both sides where a fact is missing.
type outcome struct {
	selection
	sure, maybe []admission // of the policies in selection, in the same order
	// node asks whether the two ends are a pod and the node it runs on, whose traffic
	// passes every NetworkPolicy.
	node netpol.Match
}

func (q *query) outcome() outcome {
	o := outcome{selection: q.selection(), node: q.ownNode()}
	for _, p := range o.selection.sure {
		o.sure = append(o.sure, q.admission(p))
	}
	for _, p := range o.selection.maybe {
		o.maybe = append(o.maybe, q.admission(p))
	}
	return o
}

// mayIsolate and isolates: whether some NetworkPolicy selects the subject.
func (o outcome) isolates() bool   { return len(o.sure) > 0 }
func (o outcome) mayIsolate() bool { return !o.isEmpty() }

// mayAdmit: a policy that isolates, or may, has a rule that admits, or may.
func (o outcome) mayAdmit() bool {
	return o.node != netpol.No && o.mayIsolate() || some(o.sure, netpol.Yes) || some(o.sure, netpol.Unsure) ||
		some(o.maybe, netpol.Yes) || some(o.maybe, netpol.Unsure)
}

// mayRefuse: no policy that surely selects surely admits; where none surely selects,
// one that may select might be the only one, and does not surely admit.
func (o outcome) mayRefuse() bool {
	switch {
	case o.node == netpol.Yes || some(o.sure, netpol.Yes):
		return false
	case len(o.sure) > 0:
		return true
	}
	return some(o.maybe, netpol.No) || some(o.maybe, netpol.Unsure)
}

// admits reports whether a rule surely admits.
func (o outcome) admits() bool {
	return some(o.sure, netpol.Yes) || len(o.sure) == 0 && some(o.maybe, netpol.Yes)
}

func some(as []admission, m netpol.Match) bool {
	for _, a := range as {
		if a.match == m {
			return true
		}
	}
	return false
}

var (
	allIPv4 = flow.AddressesOf(netip.PrefixFrom(netip.IPv4Unspecified(), 0))
	allIPv6 = flow.AddressesOf(netip.PrefixFrom(netip.IPv6Unspecified(), 0))
)

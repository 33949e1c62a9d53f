package network

import (
	"net/netip"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// An outcome is what the selecting policies, taken together, make of an attempt,
// bounded from both sides where a fact is missing.
type outcome struct {
	selection
	sure, maybe []admission // of the policies in selection, in the same order
	// covered says that the surely admitted addresses of several rules together
	// hold an outside peer that no single rule holds.
	covered bool
	// node says that the peer shares its network with a node, which reaches the
	// pods it runs past every policy.
	node bool
}

func (q *query) outcome() outcome {
	o := outcome{selection: q.selection(), node: q.dir == netpol.Ingress && q.peer.isHost()}
	for _, p := range o.selection.sure {
		o.sure = append(o.sure, q.admission(p))
	}
	for _, p := range o.selection.maybe {
		o.maybe = append(o.maybe, q.admission(p))
	}
	if q.peer.isOutside() && len(o.sure) > 0 {
		o.covered = q.covers(o.admitted(q.peer))
	}
	return o
}

// verdict is Allow when whatever the missing facts are some selecting policy
// admits, or none selects; Deny when whatever they are one selects and none admits.
func (o outcome) verdict() verdict.Verdict {
	switch {
	case o.allows():
		return verdict.Allow
	case o.refuses() && !o.node:
		return verdict.Deny
	default:
		return verdict.Unknown
	}
}

// allows: one policy that surely selects and surely admits is enough. Where none
// surely selects, each that may select might be the only one, so each must admit.
func (o outcome) allows() bool {
	if len(o.sure) > 0 {
		return o.covered || some(o.sure, netpol.Yes)
	}
	for _, a := range o.maybe {
		if a.match != netpol.Yes {
			return false
		}
	}
	return true
}

// refuses: a policy surely selects, and neither it nor any other may admit.
func (o outcome) refuses() bool {
	return len(o.sure) > 0 &&
		!some(o.sure, netpol.Yes) && !some(o.sure, netpol.Unsure) &&
		!some(o.maybe, netpol.Yes) && !some(o.maybe, netpol.Unsure)
}

func some(as []admission, m netpol.Match) bool {
	for _, a := range as {
		if a.match == m {
			return true
		}
	}
	return false
}

// admitted is the part of an outside peer that the sure policies surely admit.
func (o outcome) admitted(peer Endpoint) flow.Addresses {
	var all flow.Addresses
	for _, a := range o.sure {
		all = all.Union(a.addresses)
	}
	if peer.addressUnknown() {
		return all
	}
	return all.Intersect(peer.Outside)
}

var (
	allIPv4 = flow.AddressesOf(netip.PrefixFrom(netip.IPv4Unspecified(), 0))
	allIPv6 = flow.AddressesOf(netip.PrefixFrom(netip.IPv6Unspecified(), 0))
)

// covers reports whether the addresses hold all of an outside peer. One that
// nobody wrote down has an IPv4 address, as the pods are assumed to have.
func (q *query) covers(a flow.Addresses) bool {
	if !q.peer.addressUnknown() {
		return q.peer.Outside.Minus(a).IsEmpty()
	}
	if !allIPv4.Minus(a).IsEmpty() {
		return false
	}
	return allIPv6.Minus(a).IsEmpty() || q.assume(snapshot.AssumePodIPv4, netpol.Yes) == netpol.Yes
}

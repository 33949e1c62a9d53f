package network

import (
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Family is the IP family of a packet. The zero value leaves it open: then an answer
// holds for each family that the two ends have in common, or it is Unknown.
type Family uint8

// The families.
const (
	AnyFamily Family = iota
	IPv4
	IPv6
)

// String returns "IPv4", "IPv6" or "any".
func (f Family) String() string {
	switch f {
	case IPv4:
		return "IPv4"
	case IPv6:
		return "IPv6"
	default:
		return "any"
	}
}

// families are the two that a packet can be of.
var families = []Family{IPv4, IPv6}

// other is the family that f is not.
func (f Family) other() Family {
	if f == IPv4 {
		return IPv6
	}
	return IPv4
}

func (f Family) has(a netip.Addr) bool {
	return f == AnyFamily || a.Is4() == (f == IPv4)
}

// all are the addresses of the family.
func (f Family) all() flow.Addresses {
	switch f {
	case IPv4:
		return allIPv4
	case IPv6:
		return allIPv6
	default:
		return flow.AllAddresses()
	}
}

// addresses are those of the family that a pod has; unknown says that nobody knows any
// of the pod's.
func (f Family) addresses(p *snapshot.Pod) (list []netip.Addr, unknown bool) {
	if f == AnyFamily {
		return p.Addresses, len(p.Addresses) == 0
	}
	for _, a := range p.Addresses {
		if f.has(a) {
			list = append(list, a)
		}
	}
	return list, len(p.Addresses) == 0
}

// canUse reports whether a pod may send and receive packets of the family: it has such an
// address, or nobody knows its addresses and pods can have such.
func (e *Engine) canUse(f Family, p *snapshot.Pod) bool {
	list, unknown := f.addresses(p)
	if unknown && !p.HostNetwork && !e.podRanges.IsEmpty() {
		return f == AnyFamily || !e.podRanges.Intersect(f.all()).IsEmpty()
	}
	return unknown || len(list) > 0
}

// Families returns the families that an attempt can be made in, where the answer may
// depend on it: each is a way of its own, and one open way is enough. It is AnyFamily
// alone where no policy can tell, and where the ends have none in common: policies are
// then asked about whatever addresses they have.
func (e *Engine) Families(a Attempt) []Family {
	if a.Family != AnyFamily {
		return []Family{a.Family}
	}
	if !e.twoFamilies() || a.From.isOutside() || a.To.isOutside() {
		return []Family{AnyFamily}
	}
	from, to := a.From.asPod(), a.To.asPod()
	var out []Family
	for _, f := range families {
		if e.canUse(f, from) && e.canUse(f, to) {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		return []Family{AnyFamily}
	}
	return out
}

// dualStack reports whether some answer may depend on the family: a block tells two
// addresses of one pod apart.
func dualStack(world *snapshot.Snapshot, seen *vision) bool {
	for _, w := range world.Workloads {
		for _, p := range w.Pods {
			four, _ := IPv4.addresses(p)
			six, _ := IPv6.addresses(p)
			if len(four) > 0 && len(six) > 0 && slices.ContainsFunc(seen.blocks, func(b flow.Addresses) bool {
				return slices.ContainsFunc(four, b.Has) != slices.ContainsFunc(six, b.Has)
			}) {
				return true
			}
		}
	}
	return false
}

// Pass says whether an attempt passes both ends, over each family that they have in
// common: one that is open is enough.
func (e *Engine) Pass(a Attempt) verdict.Verdict { return e.Outline(a).Verdict }

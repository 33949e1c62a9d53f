package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/flow"
)

// A span is a part of the world outside and the ports that pass to or from it.
type span struct {
	addresses flow.Addresses
	ports     portID
	cidr      []netip.Prefix // of the addresses, once the span is final
}

// outside is what a profile lets pass to or from the outside: spans are disjoint,
// no two have equal ports, and they are sorted by their lowest address. Key is
// equal exactly for equal answers.
type outside struct {
	sure, unknown []span
	key           string
}

// outsiders computes the outside part of each profile, equal ones once.
type outsiders struct {
	ports *portSets
	memo  map[string]*outside
}

func (o *outsiders) of(p *profile) *outside {
	key := spanKey(p.sure) + "/" + spanKey(p.extra)
	if out, ok := o.memo[key]; ok {
		return out
	}
	sure := o.spans(p.sure, nil)
	out := &outside{sure: sure}
	if len(p.extra) > 0 {
		out.unknown = o.difference(o.spans(p.extra, sure), sure)
	}
	for _, spans := range [][]span{out.sure, out.unknown} {
		for i := range spans {
			spans[i].cidr = spans[i].addresses.Prefixes()
		}
	}
	out.key = keyOf(out.sure) + "/" + keyOf(out.unknown)
	o.memo[key] = out
	return out
}

func spanKey(grants []grant) string {
	var b strings.Builder
	for _, g := range grants {
		if !g.outside.IsEmpty() {
			fmt.Fprintf(&b, "%d %s;", g.ports, prefixes(g.outside))
		}
	}
	return b.String()
}

func keyOf(spans []span) string {
	var b strings.Builder
	for _, s := range spans {
		fmt.Fprintf(&b, "%d %s;", s.ports, s.cidr)
	}
	return b.String()
}

// spans adds grants to disjoint spans.
func (o *outsiders) spans(grants []grant, start []span) []span {
	spans := start
	for _, g := range grants {
		if !g.outside.IsEmpty() && g.ports != noPorts {
			spans = o.add(spans, span{addresses: g.outside, ports: g.ports})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return a.addresses.First().Compare(b.addresses.First()) })
	return spans
}

// add cuts the address space at the borders of s and joins what has equal ports.
func (o *outsiders) add(spans []span, s span) []span {
	var out []span
	put := func(a flow.Addresses, ports portID) {
		if a.IsEmpty() {
			return
		}
		for i := range out {
			if out[i].ports == ports {
				out[i].addresses = out[i].addresses.Union(a)
				return
			}
		}
		out = append(out, span{addresses: a, ports: ports})
	}
	rest := s.addresses
	for _, old := range spans {
		both := old.addresses.Intersect(rest)
		put(old.addresses.Minus(both), old.ports)
		put(both, o.ports.or(old.ports, s.ports))
		rest = rest.Minus(both)
	}
	put(rest, s.ports)
	return out
}

// difference returns the ports of upper that lower lacks, address by address.
func (o *outsiders) difference(upper, lower []span) []span {
	var out []span
	for _, u := range upper {
		rest := u.addresses
		for _, l := range lower {
			both := rest.Intersect(l.addresses)
			if ports := o.ports.minus(u.ports, l.ports); ports != noPorts && !both.IsEmpty() {
				out = o.add(out, span{addresses: both, ports: ports})
			}
			rest = rest.Minus(both)
		}
		if !rest.IsEmpty() {
			out = o.add(out, span{addresses: rest, ports: u.ports})
		}
	}
	slices.SortFunc(out, func(a, b span) int { return a.addresses.First().Compare(b.addresses.First()) })
	return out
}

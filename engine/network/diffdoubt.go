package network

import (
	"slices"

	"github.com/pgmoat/pgmoat/model/netpol"
)

// undecided looks for a connection that is unknown on both sides though something
// was changed that may matter to it: whether it differs nobody can tell.
func (c *collector) undecided() *Undecided {
	if len(c.edits.list) == 0 {
		return nil
	}
	touched := c.touchedSpots()
	for from := range c.spots {
		if u := c.undecidedFrom(int32(from), touched); u != nil { //nolint:gosec // far below 2^31
			return u
		}
		for _, dir := range netpol.Directions {
			if u := c.undecidedBeyond(int32(from), dir); u != nil { //nolint:gosec // far below 2^31
				return u
			}
		}
	}
	return nil
}

// touchedSpots are those whose ingress an edit may matter to.
func (c *collector) touchedSpots() []int32 {
	var out []int32
	for i := range c.spots {
		if at := int32(i); !c.toAside[i] && c.explainer.touch(netpol.Ingress, at) != 0 { //nolint:gosec // far below 2^31
			out = append(out, at)
		}
	}
	return out
}

func (c *collector) undecidedFrom(from int32, touched []int32) *Undecided {
	class := c.spots[from].class
	pair := c.classes[class].classes
	if c.fromAside[from] || c.sides[before].certain(pair[before]) || c.sides[after].certain(pair[after]) {
		return nil
	}
	own := c.explainer.touch(netpol.Egress, from)
	look := touched
	if own != 0 {
		look = allSpots(len(c.spots))
	}
	for _, to := range look {
		if c.toAside[to] {
			continue
		}
		s := c.shapeAt(class, to)
		if c.ports.and(s[before].unknown, s[after].unknown) == noPorts {
			continue
		}
		if _, ok := c.meetingAt(from, to); ok {
			edits := c.edits.union(own, c.explainer.touch(netpol.Ingress, to))
			return &Undecided{Between{c.partyOf(from), c.partyOf(to)}, c.edits.edits(edits)}
		}
	}
	return nil
}

func allSpots(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i) //nolint:gosec // far below 2^31
	}
	return out
}

func (c *collector) partyOf(at int32) Party {
	w := c.spots[at].workload
	return c.party(w, []int{int(at - c.workloads[w].first)})
}

func (c *collector) undecidedBeyond(at int32, dir netpol.Direction) *Undecided {
	edits := c.edits.union(c.explainer.touch(dir, at), c.edits.set(c.edits.nodesEdited))
	if edits == 0 || c.isAside(dir, at) {
		return nil
	}
	pair := c.outside.outsides(dir, c.spots[at].class)
	for _, a := range pair[before].unknown {
		for _, b := range pair[after].unknown {
			ports := c.ports.and(c.joined(c.sides[before], a.ports), c.joined(c.sides[after], b.ports))
			both := a.addresses.Intersect(b.addresses)
			if ports == noPorts || both.IsEmpty() {
				continue
			}
			ends := []Party{c.partyOf(at), {CIDR: both.Prefixes()}}
			if dir == netpol.Ingress {
				slices.Reverse(ends)
			}
			return &Undecided{Between{ends[0], ends[1]}, c.edits.edits(edits)}
		}
	}
	return nil
}

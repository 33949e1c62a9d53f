package network

import (
	"github.com/pgmoat/pgmoat/model/flow"
)

// A grant is a part of the space of peers and ports: these classes, and these addresses
// outside, at these ports.
type grant struct {
	classes set
	outside flow.Addresses
	ports   portID
}

func (g grant) isEmpty() bool {
	return g.ports == noPorts || g.classes.isEmpty() && g.outside.IsEmpty()
}

// A region is the union of its grants, which may overlap.
type region []grant

// intersect returns what is in both regions.
func (ps *portSets) intersect(a, b region) region {
	var out region
	for _, x := range a {
		for _, y := range b {
			ports := ps.and(x.ports, y.ports)
			if ports == noPorts {
				continue
			}
			g := grant{x.classes.and(y.classes), x.outside.Intersect(y.outside), ports}
			if !g.isEmpty() {
				out = append(out, g)
			}
		}
	}
	return out
}

// without returns what is in a and not in b.
func (ps *portSets) without(a, b region) region {
	for _, y := range b {
		var rest region
		for _, x := range a {
			rest = ps.carve(rest, x, y)
		}
		a = rest
	}
	return a
}

// carve adds to out what is in x and not in y: the peers that y lacks at all ports of x,
// and the others at the ports that y lacks.
func (ps *portSets) carve(out region, x, y grant) region {
	if ps.and(x.ports, y.ports) == noPorts {
		return ps.put(out, x)
	}
	classes, outside := x.classes.and(y.classes), x.outside.Intersect(y.outside)
	if classes.isEmpty() && outside.IsEmpty() {
		return ps.put(out, x)
	}
	out = ps.put(out, grant{x.classes.minus(classes), x.outside.Minus(outside), x.ports})
	return ps.put(out, grant{classes, outside, ps.minus(x.ports, y.ports)})
}

// put adds a grant, joined to one of equal ports.
func (ps *portSets) put(out region, g grant) region {
	if g.isEmpty() {
		return out
	}
	for i := range out {
		if out[i].ports == g.ports {
			out[i].classes, out[i].outside = out[i].classes.or(g.classes), out[i].outside.Union(g.outside)
			return out
		}
	}
	return append(out, g)
}

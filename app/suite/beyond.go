package suite

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// compareBeyond compares every pod with the outside in one direction, and tells a
// workload as a whole where all its pods differ alike.
func (c *comparison) compareBeyond(said *grid, dir netpol.Direction) {
	for w, workload := range c.pods.workloads {
		groups := map[string][]int{}
		differences := map[string]Difference{}
		for _, i := range c.pods.members[w] {
			list := pieces(said.beyond[dir][i], c.got.beyond[dir][i], c.outside.addresses())
			for _, d := range c.differBeyond(list) {
				key := fmt.Sprint(d)
				groups[key] = append(groups[key], i)
				differences[key] = d
			}
			c.contradictionsBeyond(i, dir, list)
		}
		for key, pods := range groups {
			c.tellBeyond(differences[key], c.names(workload, pods), dir)
		}
	}
}

// tellBeyond adds a difference, whose subject is the addresses, for each of the names.
func (c *comparison) tellBeyond(d Difference, names []string, dir netpol.Direction) {
	beyond := d.Subject
	for _, name := range names {
		d.Subject = name + " -> " + beyond
		if dir == netpol.Ingress {
			d.Subject = beyond + " -> " + name
		}
		c.differences = append(c.differences, d)
	}
}

// names are the workload's, where the pods are all of it, or each of theirs.
func (c *comparison) names(w *snapshot.Workload, pods []int) (names []string) {
	if len(pods) == len(w.Pods) {
		return []string{c.pods.workload(w)}
	}
	for _, i := range pods {
		names = append(names, c.pods.pod(i))
	}
	return names
}

// A piece is a part of the outside with what is expected of it and what is so.
type piece struct {
	addresses flow.Addresses
	want, got answer
}

// pieces cuts what is expected of the scope along what is so.
func pieces(want, got spans, scope flow.Addresses) (out []piece) {
	put := func(a flow.Addresses, want, got answer) {
		if !a.IsEmpty() {
			out = append(out, piece{a, want, got})
		}
	}
	for _, w := range want {
		rest := w.addresses.Intersect(scope)
		for _, g := range got {
			put(g.addresses.Intersect(rest), w.answer, g.answer)
			rest = rest.Minus(g.addresses)
		}
		put(rest, w.answer, answer{})
	}
	return out
}

// differBeyond returns the differences of one pod, those that are alike together.
func (c *comparison) differBeyond(list []piece) (out []Difference) {
	var ranges []flow.Addresses
	for _, p := range list {
		d, differs := c.differ(p.want, p.got)
		if !differs {
			continue
		}
		if i := slices.Index(out, d); i >= 0 {
			ranges[i] = ranges[i].Union(p.addresses)
			continue
		}
		out, ranges = append(out, d), append(ranges, p.addresses)
	}
	for i := range out {
		out[i].Subject = "outside " + rangesText(ranges[i])
		if ranges[i].Equal(flow.AllAddresses()) {
			out[i].Subject = "outside"
		}
	}
	return out
}

// contradictionsBeyond asks about one address of each piece.
func (c *comparison) contradictionsBeyond(i int, dir netpol.Direction, list []piece) {
	for _, p := range list {
		first := p.addresses.First()
		from, to := end{pod: i}, end{address: flow.AddressesOf(netip.PrefixFrom(first, first.BitLen()))}
		if dir == netpol.Ingress {
			from, to = to, from
		}
		c.contradictions(from, to, p.want, p.got)
	}
}

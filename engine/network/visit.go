package network

import (
	"net/netip"
	"slices"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// A trip is one line of the result, with an example of its two ends.
type trip struct {
	from, to Party
	ports    portID
	example  [2]Endpoint
}

// visit calls yield for each line until it returns false.
func (e *estate) visit(r reach, yield func(trip) bool) {
	if r == possible && e.isCertain() {
		return
	}
	for w := range e.workloads {
		if !e.visitFrom(int32(w), r, yield) ||
			!e.visitOutside(int32(w), netpol.Egress, r, yield) {
			return
		}
	}
	for w := range e.workloads {
		if !e.visitOutside(int32(w), netpol.Ingress, r, yield) {
			return
		}
	}
}

// isCertain reports whether no profile has anything in doubt.
func (e *estate) isCertain() bool {
	for _, v := range e.all {
		for _, side := range v.sides {
			if slices.ContainsFunc(side.profiles, func(p *profile) bool { return len(p.extra) > 0 }) {
				return false
			}
		}
	}
	return true
}

// visitFrom visits the workloads that w reaches, in order.
func (e *estate) visitFrom(w int32, r reach, yield func(trip) bool) bool {
	rows := make([][]cell, e.first[w+1]-e.first[w])
	for i := range rows {
		c := e.units[e.first[w]+int32(i)].class
		if r == possible {
			rows[i] = e.unknown(c)
			continue
		}
		e.rows[c].each(func(to cell) { rows[i] = append(rows[i], to) })
	}
	for {
		to, found := e.nearestHead(rows)
		if !found {
			return true
		}
		if !e.visitPair(w, to, e.table(w, to, rows), yield) {
			return false
		}
	}
}

// nearestHead returns the first workload that the heads of the rows lead to.
func (e *estate) nearestHead(rows [][]cell) (w int32, found bool) {
	for _, row := range rows {
		if len(row) == 0 {
			continue
		}
		if v := e.units[row[0].unit].workload; !found || v < w {
			w, found = v, true
		}
	}
	return w, found
}

// cannotMeet stands in a table for two units that are never there at once.
const cannotMeet portID = -1

// table takes the cells towards one workload off the rows: by unit of the source,
// then by unit of the destination.
func (e *estate) table(from, to int32, rows [][]cell) [][]portID {
	out := make([][]portID, len(rows))
	for i := range rows {
		out[i] = make([]portID, e.first[to+1]-e.first[to])
		for len(rows[i]) > 0 && e.units[rows[i][0].unit].workload == to {
			out[i][rows[i][0].unit-e.first[to]] = rows[i][0].ports
			rows[i] = rows[i][1:]
		}
		if from != to {
			continue
		}
		for j := range out[i] {
			if _, ok := meeting(e.units[int(e.first[to])+i].pods, e.units[int(e.first[to])+j].pods); !ok {
				out[i][j] = cannotMeet
			}
		}
	}
	return out
}

// meeting returns two pods of the lists that are not the same pod.
func meeting(ps, qs []*snapshot.Pod) (pair [2]Endpoint, ok bool) {
	for _, p := range ps {
		for _, q := range qs {
			pair = [2]Endpoint{PodEndpoint(p), PodEndpoint(q)}
			if !samePod(pair[0], pair[1]) {
				return pair, true
			}
		}
	}
	return pair, false
}

// visitPair visits one ordered pair of workloads: as one line where all members
// that can meet answer alike, else a line for each two groups of members.
func (e *estate) visitPair(from, to int32, t [][]portID, yield func(trip) bool) bool {
	rows := alike(t)
	cols := alike(transposed(merged(t, rows)))
	small := transposed(merged(transposed(merged(t, rows)), cols))
	for i, row := range rows {
		for j, col := range cols {
			if small[i][j] <= noPorts {
				continue
			}
			line := trip{from: e.party(from, row), to: e.party(to, col), ports: small[i][j]}
			line.example = e.example(from, to, row, col, t)
			if !yield(line) {
				return false
			}
		}
	}
	return true
}

// example returns two pods of the groups that can meet.
func (e *estate) example(from, to int32, row, col []int, t [][]portID) (pair [2]Endpoint) {
	for _, i := range row {
		for _, j := range col {
			if t[i][j] != cannotMeet {
				pair, _ = meeting(e.units[int(e.first[from])+i].pods, e.units[int(e.first[to])+j].pods)
				return pair
			}
		}
	}
	return pair
}

// alike groups rows that are equal wherever both are defined, in order.
func alike(t [][]portID) [][]int {
	if len(t) == 1 {
		return [][]int{{0}}
	}
	var groups [][]int
	var heads [][]portID
rows:
	for i, row := range t {
		for g, head := range heads {
			if agree(head, row) {
				groups[g] = append(groups[g], i)
				heads[g] = overlay(head, row)
				continue rows
			}
		}
		groups, heads = append(groups, []int{i}), append(heads, row)
	}
	return groups
}

func agree(a, b []portID) bool {
	for i := range a {
		if a[i] != b[i] && a[i] != cannotMeet && b[i] != cannotMeet {
			return false
		}
	}
	return true
}

// overlay takes from b what a leaves undefined.
func overlay(a, b []portID) []portID {
	out := make([]portID, len(a))
	for i := range a {
		out[i] = a[i]
		if a[i] == cannotMeet {
			out[i] = b[i]
		}
	}
	return out
}

// merged returns one row for each group.
func merged(t [][]portID, groups [][]int) [][]portID {
	out := make([][]portID, len(groups))
	for g, rows := range groups {
		out[g] = t[rows[0]]
		for _, i := range rows[1:] {
			out[g] = overlay(out[g], t[i])
		}
	}
	return out
}

func transposed(t [][]portID) [][]portID {
	if len(t) == 1 && len(t[0]) == 1 {
		return t
	}
	out := make([][]portID, len(t[0]))
	for j := range out {
		out[j] = make([]portID, len(t))
		for i := range t {
			out[j][i] = t[i][j]
		}
	}
	return out
}

// visitOutside visits what passes between w and the outside in one direction,
// members with equal answers together.
func (e *estate) visitOutside(w int32, dir netpol.Direction, r reach, yield func(trip) bool) bool {
	for _, group := range e.alikeOutside(w, dir) {
		units := e.units[e.first[w]:e.first[w+1]]
		u := units[group[0]]
		out := e.outside[dir][e.base.sides[dir].of[u.class]]
		spans := out.sure
		if r == possible {
			spans = out.unknown
		}
		if len(spans) == 0 {
			continue
		}
		inside := e.party(w, group)
		for _, s := range spans {
			beyond := Party{CIDR: s.cidr}
			line := trip{from: inside, to: beyond, ports: s.ports}
			line.example = [2]Endpoint{PodEndpoint(u.pods[0]), outsideExample(s.addresses)}
			if dir == netpol.Ingress {
				line.from, line.to = line.to, line.from
				line.example[0], line.example[1] = line.example[1], line.example[0]
			}
			if !yield(line) {
				return false
			}
		}
	}
	return true
}

func outsideExample(a flow.Addresses) Endpoint {
	first := a.First()
	return OutsideEndpoint(flow.AddressesOf(netip.PrefixFrom(first, first.BitLen())))
}

// alikeOutside groups the units of w by their answers about the outside.
func (e *estate) alikeOutside(w int32, dir netpol.Direction) [][]int {
	var groups [][]int
	at := map[*outside]int{}
	keys := map[string]int{}
	for i, u := range e.units[e.first[w]:e.first[w+1]] {
		out := e.outside[dir][e.base.sides[dir].of[u.class]]
		g, ok := at[out]
		if !ok {
			if g, ok = keys[out.key]; !ok {
				g = len(groups)
				groups = append(groups, nil)
				keys[out.key] = g
			}
			at[out] = g
		}
		groups[g] = append(groups[g], i)
	}
	return groups
}

package network

import (
	"maps"
	"slices"

	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// residents returns what only one side has, with all that passes to and from it.
func residents(j *joint, v age) []Resident {
	s := j.sides[v]
	out := []Resident{}
	alone := map[int32]bool{}
	for w, pods := range j.only[v] {
		alone[w] = len(pods) == len(s.workloads[w].Pods)
	}
	for _, w := range slices.Sorted(maps.Keys(j.only[v])) {
		pods := j.only[v][w]
		wl := s.workloads[w]
		r := Resident{Party: Party{Ref: GroupRef(wl, pods), Pods: pods}, Origin: wl.Origin, Members: !alone[w]}
		r.Connections = s.around(w, pods, alone, sureOnly)
		r.Unknown = s.around(w, pods, alone, possible)
		out = append(out, r)
	}
	return out
}

// around lists what passes to and from some pods of a workload. What comes from a
// workload that is told of itself is left out.
func (s *side) around(w int32, pods []*snapshot.Pod, alone map[int32]bool, r reach) []Connection {
	out := []Connection{}
	if r == possible && s.isCertain() {
		return out
	}
	ours := s.unitsWith(w, pods)
	for v := range s.workloads {
		s.between(w, int32(v), ours, s.allUnits(int32(v)), r, &out)
	}
	s.outsideOf(w, ours, netpol.Egress, r, &out)
	for v := range s.workloads {
		if alone[int32(v)] {
			continue
		}
		others := s.allUnits(int32(v))
		if int32(v) == w {
			others = slices.DeleteFunc(others, func(i int) bool { return slices.Contains(ours, i) })
		}
		s.between(int32(v), w, others, ours, r, &out)
	}
	s.outsideOf(w, ours, netpol.Ingress, r, &out)
	return out
}

func (s *side) allUnits(w int32) []int {
	out := make([]int, s.first[w+1]-s.first[w])
	for i := range out {
		out[i] = i
	}
	return out
}

// unitsWith returns the units that hold any of the pods, counted in the workload.
func (s *side) unitsWith(w int32, pods []*snapshot.Pod) []int {
	var out []int
	for i, u := range s.units[s.first[w]:s.first[w+1]] {
		if slices.ContainsFunc(u.pods, func(p *snapshot.Pod) bool { return slices.Contains(pods, p) }) {
			out = append(out, i)
		}
	}
	return out
}

// between adds what passes between some units of two workloads.
func (s *side) between(from, to int32, rows, cols []int, r reach, out *[]Connection) {
	t := make([][]portID, len(rows))
	some := false
	for i, row := range rows {
		t[i] = make([]portID, len(cols))
		for k, col := range cols {
			t[i][k] = s.passing(s.first[from]+int32(row), s.first[to]+int32(col), r) //nolint:gosec // far below 2^31
			some = some || t[i][k] > noPorts
		}
	}
	if !some {
		return
	}
	groups := alike(t)
	sides := alike(transposed(merged(t, groups)))
	small := transposed(merged(transposed(merged(t, groups)), sides))
	for i, g := range groups {
		for k, h := range sides {
			if small[i][k] > noPorts {
				line := trip{from: s.party(from, picked(rows, g)), to: s.party(to, picked(cols, h)), ports: small[i][k]}
				*out = append(*out, s.connection(line))
			}
		}
	}
}

func picked(from, which []int) []int {
	out := make([]int, len(which))
	for i, n := range which {
		out[i] = from[n]
	}
	return out
}

// passing returns what passes from one unit to another.
func (s *side) passing(from, to int32, r reach) portID {
	if s.units[from].workload == s.units[to].workload {
		if _, ok := meeting(s.units[from].pods, s.units[to].pods); !ok {
			return cannotMeet
		}
	}
	c := s.units[from].class
	sure := lookup(s.rows[c], to)
	if r == sureOnly || s.certain(c) {
		if r == possible {
			return noPorts
		}
		return sure
	}
	return s.estate.ports.minus(lookup(s.possibly(c), to), sure)
}

func (s *side) outsideOf(w int32, units []int, dir netpol.Direction, r reach, out *[]Connection) {
	for _, group := range s.alikeOutside(w, dir) {
		group = slices.DeleteFunc(slices.Clone(group), func(i int) bool { return !slices.Contains(units, i) })
		if len(group) == 0 {
			continue
		}
		o := s.outside[dir][s.base.sides[dir].of[s.units[int(s.first[w])+group[0]].class]]
		spans := o.sure
		if r == possible {
			spans = o.unknown
		}
		for _, sp := range spans {
			line := trip{from: s.party(w, group), to: Party{CIDR: sp.cidr}, ports: sp.ports}
			if dir == netpol.Ingress {
				line.from, line.to = line.to, line.from
			}
			*out = append(*out, s.connection(line))
		}
	}
}

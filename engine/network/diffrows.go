package network

import (
	"math/bits"
	"slices"
)

// A bound is what surely passes between two ends, and what may besides.
type bound struct{ allow, unknown portID }

// A shape is what passes between two ends in both estates; ports are the joint's.
type shape [2]bound

func (s shape) isSame() bool { return s[before] == s[after] }

// A contrast is a spot that a class reaches differently.
type contrast struct {
	to int32
	shape
}

// contrasts returns where the rows of a class differ, ascending. Rows that are equal
// are never expanded: cells are merged, and two lists of wide entries that many
// classes share are compared once.
func (j *joint) contrasts(class int32) []contrast {
	c := j.classes[class].classes
	sure := [2]row{j.sides[before].rows[c[before]], j.sides[after].rows[c[after]]}
	spots := j.differing(sure)
	if !j.sides[before].certain(c[before]) || !j.sides[after].certain(c[after]) {
		spots = append(spots, j.differing([2]row{j.sides[before].possibly(c[before]), j.sides[after].possibly(c[after])})...)
		slices.Sort(spots)
		spots = slices.Compact(spots)
	}
	var out []contrast
	for _, to := range spots {
		if s := j.shapeAt(class, to); !s.isSame() {
			out = append(out, contrast{to, s})
		}
	}
	return out
}

// possibly returns the row of a class with all that is possible.
func (s *side) possibly(c int32) row {
	if s.certain(c) {
		return s.rows[c]
	}
	r, ok := s.possible[c]
	if !ok {
		r = s.row(c, possible)
		s.possible[c] = r
	}
	return r
}

func (j *joint) shapeAt(class, to int32) shape {
	var out shape
	for _, v := range ages {
		s, c, u := j.sides[v], j.classes[class].classes[v], j.spots[to].units[v]
		allow := lookup(s.rows[c], u)
		out[v].allow = j.joined(s, allow)
		if !s.certain(c) {
			out[v].unknown = j.ports.minus(j.joined(s, lookup(s.possibly(c), u)), out[v].allow)
		}
	}
	return out
}

// lookup returns the ports that a row has for a unit.
func lookup(r row, u int32) portID {
	i, ok := slices.BinarySearchFunc(r.cells, u, func(c cell, u int32) int { return int(c.unit) - int(u) })
	if ok {
		return r.cells[i].ports
	}
	return r.at(u)
}

// differing returns the spots at which two rows differ, ascending.
func (j *joint) differing(rows [2]row) []int32 {
	var cells [2][]cell
	for _, v := range ages {
		cells[v] = j.spread(j.sides[v], rows[v].cells)
	}
	may := j.unequalCells(cells[before], cells[after])
	may = append(may, j.wideDifference(rows[before].wide, rows[after].wide)...)
	if len(may) == 0 {
		return nil
	}
	slices.Sort(may)
	return slices.DeleteFunc(slices.Compact(may), func(to int32) bool {
		return j.reached(before, rows, to) == j.reached(after, rows, to)
	})
}

func (j *joint) reached(v age, rows [2]row, to int32) portID {
	return j.joined(j.sides[v], lookup(rows[v], j.spots[to].units[v]))
}

// spread turns cells of units into cells of spots, with the joint's ports, ascending.
func (j *joint) spread(s *side, cells []cell) []cell {
	out := make([]cell, 0, len(cells))
	sorted := true
	for _, c := range cells {
		ports := j.joined(s, c.ports)
		for _, to := range s.spotsOf(c.unit) {
			sorted = sorted && (len(out) == 0 || out[len(out)-1].unit < to)
			out = append(out, cell{to, ports})
		}
	}
	if !sorted {
		slices.SortFunc(out, func(a, b cell) int { return int(a.unit) - int(b.unit) })
	}
	return out
}

// unequalCells returns the spots that only one list has, or that both have with
// different ports.
func (j *joint) unequalCells(a, b []cell) []int32 {
	var out []int32
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] == b[0]:
			a, b = a[1:], b[1:]
		case a[0].unit <= b[0].unit:
			out = append(out, a[0].unit)
			a = a[1:]
		default:
			out = append(out, b[0].unit)
			b = b[1:]
		}
	}
	for _, c := range slices.Concat(a, b) {
		out = append(out, c.unit)
	}
	return out
}

// wideDifference returns the spots at which two lists of wide entries differ.
func (j *joint) wideDifference(a, b []entry) []int32 {
	key := [2]*entry{firstEntry(a), firstEntry(b)}
	out, ok := j.wide[key]
	if !ok {
		words := make([]uint64, (len(j.spots)+63)/64)
		old, next := j.wideWords(before, a), j.wideWords(after, b)
		lacking(words, old, next)
		lacking(words, next, old)
		out = ones(words)
		j.wide[key] = out
	}
	return out
}

func firstEntry(list []entry) *entry {
	if len(list) == 0 {
		return nil
	}
	return &list[0]
}

// lacking adds to words what a has and b has not, or with other ports.
func lacking(words []uint64, a, b map[portID][]uint64) {
	for ports, has := range a {
		other := b[ports]
		for i, w := range has {
			if other != nil {
				w &^= other[i]
			}
			words[i] |= w
		}
	}
}

func ones(words []uint64) []int32 {
	var out []int32
	for w, word := range words {
		for ; word != 0; word &= word - 1 {
			out = append(out, int32(w*64+bits.TrailingZeros64(word))) //nolint:gosec // far below 2^31
		}
	}
	return out
}

// wideWords returns disjoint wide entries as spots, by the joint's ports.
func (j *joint) wideWords(v age, entries []entry) map[portID][]uint64 {
	out := map[portID][]uint64{}
	for _, e := range entries {
		ports := j.joined(j.sides[v], e.ports)
		words := j.asSpots(j.sides[v], e.units)
		if had := out[ports]; had != nil {
			words = slices.Clone(words)
			for i, w := range had {
				words[i] |= w
			}
		}
		out[ports] = words
	}
	return out
}

// asSpots turns a set of units into words of spots; wide sets are few, so each is
// turned once.
func (j *joint) asSpots(s *side, units set) []uint64 {
	if s.straight && units.words != nil {
		return units.words
	}
	var name *uint64
	if units.words != nil {
		name = &units.words[0]
		if words, ok := s.words[name]; ok {
			return words
		}
	}
	words := make([]uint64, (len(j.spots)+63)/64)
	units.each(func(u int32) {
		for _, to := range s.spotsOf(u) {
			words[to/64] |= 1 << (to % 64)
		}
	})
	if name != nil {
		s.words[name] = words
	}
	return words
}

package network

// An entry says that units are reached at ports.
type entry struct {
	units set
	ports portID
}

// A cell is one unit and the ports it is reached at.
type cell struct {
	unit  int32
	ports portID
}

// A row is what one class reaches: wide entries, disjoint, for large sets, and
// cells, ascending, which stand in place of what wide says of their units.
type row struct {
	wide  []entry
	cells []cell
}

// each calls f for every unit reached, in ascending order.
func (r row) each(f func(cell)) {
	if len(r.wide) == 0 {
		for _, c := range r.cells {
			f(c)
		}
		return
	}
	next := 0
	for u := range r.union() {
		for next < len(r.cells) && r.cells[next].unit < u.unit {
			f(r.cells[next])
			next++
		}
		if next < len(r.cells) && r.cells[next].unit == u.unit {
			u = r.cells[next]
			next++
		}
		f(u)
	}
	for _, c := range r.cells[next:] {
		f(c)
	}
}

// union visits the units of all wide entries in ascending order.
func (r row) union() func(yield func(cell) bool) {
	return func(yield func(cell) bool) {
		for w := range r.wide[0].units.words {
			var word uint64
			for _, e := range r.wide {
				word |= e.units.words[w]
			}
			if word == 0 {
				continue
			}
			one := set{words: []uint64{word}}
			stop := false
			one.each(func(i int32) {
				u := int32(w)*64 + i //nolint:gosec // far below 2^31
				if !stop && !yield(cell{u, r.at(u)}) {
					stop = true
				}
			})
			if stop {
				return
			}
		}
	}
}

// at returns what the wide entries say of a unit.
func (r row) at(u int32) portID {
	for _, e := range r.wide {
		if e.units.has(u) {
			return e.ports
		}
	}
	return noPorts
}

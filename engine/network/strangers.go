package network

// findStrangers finds the units that can use one family only.
func (m *matrix) findStrangers(e *Engine) {
	for _, f := range families {
		var list []int32
		for _, class := range m.classes {
			if !e.canUse(f, class.pod) {
				list = append(list, class.units...)
			}
		}
		m.strangers[f] = listSet(list).packed(len(m.units))
	}
}

// apart returns the part of the row towards units with which the class has no family in
// common: policies alone are asked there.
func (m *matrix) apart(c int32, r reach) (cells []cell) {
	strangers := set{}
	for _, f := range families {
		if m.strangers[f].has(m.classes[c].units[0]) { // it can use the other only
			strangers = m.strangers[f.other()]
		}
	}
	if strangers.isEmpty() {
		return nil
	}
	all, entries := m.base.row(c, r)
	for _, cell := range all {
		if strangers.has(cell.unit) {
			cells = append(cells, cell)
		}
	}
	for _, e := range entries {
		units := e.units.and(strangers)
		units.each(func(u int32) { cells = append(cells, cell{u, e.ports}) })
	}
	return cells
}

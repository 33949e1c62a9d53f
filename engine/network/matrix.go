package network

import (
	"encoding/binary"
	"slices"
	"sync"

	"github.com/pgmoat/pgmoat/model/netpol"
)

// matrix holds what every class may reach, both directions agreed: the egress
// entries of its profile cut with the ingress entries that admit it. No step looks
// at a pair of workloads that neither a policy names nor a whole class shares.
type matrix struct {
	*census
	ports *portSets
	// base answers about the outside, and about pods where no policy can tell the
	// families of their addresses apart; else views has one for each family.
	base  *view
	views []*view
	// all are the base and the views, each once.
	all []*view
	// strangers are the units that cannot use a family, where there are several views.
	strangers [3]set
	rows      []row // by class, what is sure
	cache     struct {
		cuts  map[[2]*uint64]set
		names map[*uint64]uint64
	}
	// lock guards the caches once the matrix is made: what is in doubt is asked later.
	lock sync.Mutex
	// Work counts entries cut with each other, for tests of growth.
	work int
}

// A view is the estate as packets of one family see it.
type view struct {
	*matrix
	matcher *matcher
	sides   [2]*profiler
	egress  []bounds[[]entry] // by egress profile
	ingress []gate
	// gates admit a class: the numbers of ingress entries, ascending.
	gates []bounds[[]int32]
	cache struct {
		wide  map[string][]entry
		units map[classSetID]set
	}
}

// bounds holds what is sure, and what is possible beyond it.
type bounds[T any] struct{ sure, extra T }

// A gate is an ingress entry turned around: sources that it admits at ports, and
// the units that have it.
type gate struct {
	sources classSetID
	ports   portID
	extra   bool
	to      []int32
	units   set
}

func newMatrix(e *Engine) *matrix {
	m := &matrix{census: takeCensus(e.world, e.seen()), ports: newPortSets()}
	m.cache.cuts = map[[2]*uint64]set{}
	m.cache.names = map[*uint64]uint64{}
	m.base = m.view(e, AnyFamily)
	m.views = []*view{m.base}
	if e.twoFamilies() {
		m.views = []*view{m.view(e, IPv4), m.view(e, IPv6)}
		m.findStrangers(e)
	}
	m.all = slices.Compact(append([]*view{m.base}, m.views...))
	for _, v := range m.all {
		v.turnIngress()
		v.spreadEgress()
	}
	m.rows = make([]row, len(m.classes))
	for id := range m.classes {
		m.rows[id] = m.row(int32(id), sureOnly)
	}
	return m
}

func (m *matrix) view(e *Engine, f Family) *view {
	v := &view{matrix: m, matcher: newMatcher(e, m.census, f)}
	v.cache.wide = map[string][]entry{}
	v.cache.units = map[classSetID]set{}
	for dir := range v.sides {
		v.sides[dir] = newProfiler(v.matcher, m.ports, netpol.Directions[dir])
		v.sides[dir].run()
	}
	return v
}

// unitsOf returns the units of a set of classes.
func (m *view) unitsOf(id classSetID) set {
	if s, ok := m.cache.units[id]; ok {
		return s
	}
	var list []int32
	m.matcher.sets[id].each(func(c int32) { list = append(list, m.classes[c].units...) })
	s := listSet(list).packed(len(m.units))
	m.cache.units[id] = s
	return s
}

func (m *view) spreadEgress() {
	for _, p := range m.sides[netpol.Egress].profiles {
		m.egress = append(m.egress, bounds[[]entry]{m.entries(p.sure), m.entries(p.extra)})
	}
}

// entries joins grants to equal classes and gives them their units.
func (m *view) entries(grants []grant) []entry {
	var ids []classSetID
	ports := map[classSetID]portID{}
	for _, g := range grants {
		if g.classes.isEmpty() {
			continue
		}
		id := m.matcher.intern(g.classes)
		if _, ok := ports[id]; !ok {
			ids = append(ids, id)
		}
		ports[id] = m.ports.or(ports[id], g.ports)
	}
	var out []entry
	for _, id := range ids {
		out = append(out, entry{m.unitsOf(id), ports[id]})
	}
	return out
}

// turnIngress transposes the ingress profiles: not who may enter here, but where
// may this class enter.
func (m *view) turnIngress() {
	ids := map[gateKey]int32{}
	for _, p := range m.sides[netpol.Ingress].profiles {
		var units []int32
		for _, c := range p.classes {
			units = append(units, m.classes[c].units...)
		}
		m.turn(ids, p.sure, units, false)
		m.turn(ids, p.extra, units, true)
	}
	m.gates = make([]bounds[[]int32], len(m.classes))
	for i := range m.ingress {
		g := &m.ingress[i]
		g.units, g.to = listSet(g.to).packed(len(m.units)), nil
		m.matcher.sets[g.sources].each(func(c int32) {
			list := &m.gates[c].sure
			if g.extra {
				list = &m.gates[c].extra
			}
			*list = append(*list, int32(i)) //nolint:gosec // far below 2^31
		})
	}
}

type gateKey struct {
	sources classSetID
	ports   portID
	extra   bool
}

func (m *view) turn(ids map[gateKey]int32, grants []grant, units []int32, extra bool) {
	for _, g := range grants {
		if g.classes.isEmpty() {
			continue
		}
		key := gateKey{m.matcher.intern(g.classes), g.ports, extra}
		id, ok := ids[key]
		if !ok {
			id = int32(len(m.ingress)) //nolint:gosec // far below 2^31
			ids[key] = id
			m.ingress = append(m.ingress, gate{sources: key.sources, ports: key.ports, extra: extra})
		}
		m.ingress[id].to = append(m.ingress[id].to, units...)
	}
}

// A reach says which bounds a row is made of.
type reach bool

const (
	sureOnly reach = false // egress and ingress both surely admit
	possible reach = true  // neither surely refuses
)

// row cuts what the class may send to with what admits it, in each view: to be reached
// in one family is to be reached.
func (m *matrix) row(c int32, r reach) row {
	m.lock.Lock()
	defer m.lock.Unlock()
	var cells []cell
	var wide []entry
	for i, v := range m.views {
		more, entries := v.row(c, r)
		cells = append(cells, more...)
		if i == 0 {
			wide = entries
			continue
		}
		for _, e := range entries {
			wide = m.join(wide, e)
		}
	}
	if len(m.views) > 1 {
		cells = append(cells, m.apart(c, r)...)
	}
	return row{wide, m.settle(cells, row{wide: wide})}
}

// row returns the cells and the disjoint wide entries of a class, not settled.
func (m *view) row(c int32, r reach) ([]cell, []entry) {
	out, in := m.egress[m.sides[netpol.Egress].of[c]].sure, m.gates[c].sure
	if r == possible {
		out = slices.Concat(out, m.egress[m.sides[netpol.Egress].of[c]].extra)
		in = slices.Concat(in, m.gates[c].extra)
	}
	var cells []cell
	var wideOut []entry
	for _, e := range out {
		if e.units.words != nil {
			wideOut = append(wideOut, e)
		}
		for _, g := range in {
			cells = m.cut(cells, e, &m.ingress[g])
		}
	}
	return cells, m.wide(wideOut, in)
}

// cut adds the units that an egress and an ingress entry share, unless both are wide.
func (m *matrix) cut(cells []cell, e entry, g *gate) []cell {
	if e.units.words != nil && g.units.words != nil {
		return cells
	}
	ports := m.ports.and(e.ports, g.ports)
	if ports == noPorts {
		return cells
	}
	m.work += min(cost(e.units), cost(g.units))
	small, large := e.units, g.units
	if small.words != nil || large.words == nil && len(large.list) < len(small.list) {
		small, large = large, small
	}
	for _, u := range small.list {
		if large.has(u) {
			cells = append(cells, cell{u, ports})
		}
	}
	return cells
}

func cost(s set) int { return len(s.list) + len(s.words) }

// settle sorts cells, joins those of one unit, and drops what wide says already.
func (m *matrix) settle(cells []cell, wide row) []cell {
	slices.SortFunc(cells, func(a, b cell) int { return int(a.unit) - int(b.unit) })
	out := cells[:0]
	for i := 0; i < len(cells); {
		u, ports := cells[i].unit, wide.at(cells[i].unit)
		said := ports
		for ; i < len(cells) && cells[i].unit == u; i++ {
			ports = m.ports.or(ports, cells[i].ports)
		}
		if ports != said {
			out = append(out, cell{u, ports})
		}
	}
	return slices.Clip(slices.Clone(out))
}

// wide cuts the wide entries of both sides and makes them disjoint. Few
// combinations exist, so each is made once.
func (m *view) wide(out []entry, in []int32) []entry {
	var key []byte
	var gates []int32
	for _, g := range in {
		if m.ingress[g].units.words != nil {
			gates = append(gates, g)
			key = binary.AppendUvarint(key, uint64(g)) //nolint:gosec // never negative
		}
	}
	if len(out) == 0 || len(gates) == 0 {
		return nil
	}
	for _, e := range out {
		key = append(key, '|')
		key = binary.AppendUvarint(key, uint64(e.ports)) //nolint:gosec // never negative
		key = binary.AppendUvarint(key, m.wideID(e.units))
	}
	if w, ok := m.cache.wide[string(key)]; ok {
		return w
	}
	var entries []entry
	for _, e := range out {
		for _, g := range gates {
			ports := m.ports.and(e.ports, m.ingress[g].ports)
			units := m.intersect(e.units, m.ingress[g].units)
			if ports != noPorts && !units.isEmpty() {
				entries = m.join(entries, entry{units, ports})
			}
		}
	}
	m.cache.wide[string(key)] = entries
	return entries
}

// wideID numbers a wide set by where its words are: sets are interned.
func (m *matrix) wideID(s set) uint64 {
	id, ok := m.cache.names[&s.words[0]]
	if !ok {
		id = uint64(len(m.cache.names))
		m.cache.names[&s.words[0]] = id
	}
	return id
}

// join adds an entry to disjoint ones and keeps them disjoint.
func (m *matrix) join(entries []entry, add entry) []entry {
	var out []entry
	put := func(units set, ports portID) {
		if units.isEmpty() {
			return
		}
		for i := range out {
			if out[i].ports == ports {
				out[i].units = out[i].units.or(units)
				return
			}
		}
		out = append(out, entry{units, ports})
	}
	rest := add.units
	for _, e := range entries {
		both := e.units.andWords(rest)
		if both.isEmpty() {
			put(e.units, e.ports)
			continue
		}
		put(e.units.minus(both), e.ports)
		put(both, m.ports.or(e.ports, add.ports))
		rest = rest.minus(both)
	}
	put(rest, add.ports)
	return out
}

// intersect cuts two wide sets, each pair once.
func (m *matrix) intersect(a, b set) set {
	key := [2]*uint64{&a.words[0], &b.words[0]}
	s, ok := m.cache.cuts[key]
	if !ok {
		m.work += len(a.words)
		s = a.andWords(b)
		m.cache.cuts[key] = s
	}
	return s
}

// unknown is what the class may reach or not: possible without what is sure.
func (m *matrix) unknown(c int32) []cell {
	if m.certain(c) {
		return nil
	}
	sure := map[int32]portID{}
	m.rows[c].each(func(c cell) { sure[c.unit] = c.ports })
	var out []cell
	m.row(c, possible).each(func(c cell) {
		if ports := m.ports.minus(c.ports, sure[c.unit]); ports != noPorts {
			out = append(out, cell{c.unit, ports})
		}
	})
	return out
}

// certain reports whether nothing about the class's row is in doubt.
func (m *matrix) certain(c int32) bool {
	for _, v := range m.all {
		if len(v.egress[v.sides[netpol.Egress].of[c]].extra) > 0 || len(v.gates[c].extra) > 0 {
			return false
		}
	}
	return true
}

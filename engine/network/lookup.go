package network

import (
	"slices"
	"sync"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Lookup answers single questions about pods from the whole sets, without a reason and
// without looking at a policy again. It is safe for concurrent use.
type Lookup struct {
	estate *estate
	units  map[*snapshot.Pod]int32
	// ports hold the sets by number, copied: the estate's own grow while doubts are asked.
	ports []flow.Ports
	// cells in doubt, by class, once they were asked for.
	lock  sync.Mutex
	cells map[int32][]cell
	once  sync.Once
	// sure and doubtful are columns, once they were asked for.
	sure, doubtful [][]columnCell
}

// Lookup compiles the snapshot, where Connections has not yet done so.
func (e *Engine) Lookup() *Lookup {
	est := e.compiled()
	l := &Lookup{estate: est, units: map[*snapshot.Pod]int32{}, cells: map[int32][]cell{}, ports: est.ports.all()}
	for u, unit := range est.units {
		for _, p := range unit.pods {
			l.units[p] = int32(u) //nolint:gosec // far below 2^31
		}
	}
	return l
}

// Pass says what Engine.Pass says of two pods of the snapshot; Unknown of others.
func (l *Lookup) Pass(from, to *snapshot.Pod, proto flow.Protocol, port uint16) verdict.Verdict {
	u, ok := l.units[from]
	v, ok2 := l.units[to]
	switch {
	case !ok || !ok2:
		return verdict.Unknown
	case from == to && !from.Many || sameInstance(from, to):
		return verdict.Allow
	}
	class := l.estate.units[u].class
	if l.ports[l.estate.rows[class].ports(v)].Has(proto, port) {
		return verdict.Allow
	}
	if !l.estate.certain(class) && l.doubts(class, v).Has(proto, port) {
		return verdict.Unknown
	}
	return verdict.Deny
}

// doubts are the ports at which a class may reach a unit or not.
func (l *Lookup) doubts(class, unit int32) flow.Ports {
	cells := l.unknown(class)
	i, ok := slices.BinarySearchFunc(cells, unit, func(c cell, u int32) int { return int(c.unit) - int(u) })
	if !ok {
		return flow.Ports{}
	}
	return l.estate.ports.set(cells[i].ports)
}

// unknown are the cells of a class that are in doubt.
func (l *Lookup) unknown(class int32) []cell {
	l.lock.Lock()
	defer l.lock.Unlock()
	cells, ok := l.cells[class]
	if !ok {
		cells = l.estate.unknown(class)
		l.cells[class] = cells
	}
	return cells
}

// ports are those at which the row reaches a unit.
func (r row) ports(unit int32) portID {
	i, ok := slices.BinarySearchFunc(r.cells, unit, func(c cell, u int32) int { return int(c.unit) - int(u) })
	if ok {
		return r.cells[i].ports
	}
	return r.at(unit)
}

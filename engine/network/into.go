package network

import (
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Classes is how many classes of pods there are: those of one class pass alike.
func (l *Lookup) Classes() int { return len(l.estate.rows) }

// Class numbers the class of a pod of the snapshot from zero; -1 for others.
func (l *Lookup) Class(p *snapshot.Pod) int {
	u, ok := l.units[p]
	if !ok {
		return -1
	}
	return int(l.estate.units[u].class)
}

// Into says for each class what Pass says of its pods and a port of a pod that is none
// of them. It is nil for a pod that is not of the snapshot.
func (l *Lookup) Into(to *snapshot.Pod, proto flow.Protocol, port uint16) []verdict.Verdict {
	v, ok := l.units[to]
	if !ok {
		return nil
	}
	out := make([]verdict.Verdict, len(l.estate.rows))
	admits := make([]bool, len(l.ports))
	for id := range admits {
		admits[id] = l.ports[id].Has(proto, port)
	}
	sure, doubtful := l.columns()
	column := sure[v]
	for class, r := range l.estate.rows {
		var id portID
		if len(column) > 0 && int(column[0].class) == class {
			id, column = column[0].ports, column[1:]
		} else {
			id = r.at(v)
		}
		out[class] = verdict.Deny
		if admits[id] {
			out[class] = verdict.Allow
		}
	}
	for _, c := range doubtful[v] {
		if out[c.class] == verdict.Deny && l.estate.ports.set(c.ports).Has(proto, port) {
			out[c.class] = verdict.Unknown
		}
	}
	return out
}

// A columnCell is what a class reaches at a unit that its row has a cell for.
type columnCell struct {
	class int32
	ports portID
}

// columns are the cells of all rows by unit, in the order of classes, and those in doubt.
func (l *Lookup) columns() (sure, doubtful [][]columnCell) {
	l.once.Do(func() {
		l.sure, l.doubtful = make([][]columnCell, len(l.estate.units)), make([][]columnCell, len(l.estate.units))
		for i, r := range l.estate.rows {
			class := int32(i) //nolint:gosec // far below 2^31
			for _, c := range r.cells {
				l.sure[c.unit] = append(l.sure[c.unit], columnCell{class, c.ports})
			}
			if l.estate.certain(class) {
				continue
			}
			for _, c := range l.unknown(class) {
				l.doubtful[c.unit] = append(l.doubtful[c.unit], columnCell{class, c.ports})
			}
		}
	})
	return l.sure, l.doubtful
}

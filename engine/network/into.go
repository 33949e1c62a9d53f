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
	admits := map[portID]bool{}
	for class, r := range l.estate.rows {
		id := r.ports(v)
		has, known := admits[id]
		if !known {
			has = l.ports[id].Has(proto, port)
			admits[id] = has
		}
		out[class] = verdict.Deny
		switch {
		case has:
			out[class] = verdict.Allow
		case !l.estate.certain(int32(class)) && l.doubts(int32(class), v).Has(proto, port): //nolint:gosec // far below 2^31
			out[class] = verdict.Unknown
		}
	}
	return out
}

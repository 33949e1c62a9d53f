package network

import (
	"encoding/binary"
	"slices"
	"sync"

	"github.com/pgmoat/pgmoat/model/flow"
)

// A portID names a set of ports; equal sets have equal names, so rows compare them
// as numbers.
type portID int32

// The two sets that are always there.
const (
	noPorts  portID = 0
	allPorts portID = 1
)

// portSets interns sets of ports and remembers each intersection, union and
// difference: an estate has few sets and asks the same pairs again and again.
type portSets struct {
	lock  sync.Mutex
	sets  []flow.Ports
	ids   map[string]portID
	cache map[portOp]portID
}

type portOp struct {
	op   byte
	a, b portID
}

func newPortSets() *portSets {
	ps := &portSets{ids: map[string]portID{}, cache: map[portOp]portID{}}
	ps.id(flow.Ports{})
	ps.id(flow.AllPorts())
	return ps
}

func (ps *portSets) id(p flow.Ports) portID {
	ps.lock.Lock()
	defer ps.lock.Unlock()
	return ps.intern(p)
}

// set returns the ports behind a name.
func (ps *portSets) set(id portID) flow.Ports {
	ps.lock.Lock()
	defer ps.lock.Unlock()
	return ps.sets[id]
}

// all returns the ports behind every name so far.
func (ps *portSets) all() []flow.Ports {
	ps.lock.Lock()
	defer ps.lock.Unlock()
	return slices.Clone(ps.sets)
}

func (ps *portSets) intern(p flow.Ports) portID {
	key := make([]byte, 0, 5*len(p.Ranges()))
	for _, r := range p.Ranges() {
		key = append(key, byte(r.Protocol))
		key = binary.BigEndian.AppendUint16(key, r.From)
		key = binary.BigEndian.AppendUint16(key, r.To)
	}
	if id, ok := ps.ids[string(key)]; ok {
		return id
	}
	id := portID(len(ps.sets)) //nolint:gosec // far below 2^31 sets
	ps.sets, ps.ids[string(key)] = append(ps.sets, p), id
	return id
}

func (ps *portSets) and(a, b portID) portID {
	switch {
	case a == b || b == allPorts:
		return a
	case a == allPorts:
		return b
	case a == noPorts || b == noPorts:
		return noPorts
	}
	return ps.memo(portOp{'&', min(a, b), max(a, b)}, flow.Ports.Intersect)
}

func (ps *portSets) or(a, b portID) portID {
	switch {
	case a == b || b == noPorts:
		return a
	case a == noPorts:
		return b
	case a == allPorts || b == allPorts:
		return allPorts
	}
	return ps.memo(portOp{'|', min(a, b), max(a, b)}, flow.Ports.Union)
}

func (ps *portSets) minus(a, b portID) portID {
	switch {
	case a == b || b == allPorts:
		return noPorts
	case b == noPorts:
		return a
	}
	return ps.memo(portOp{'-', a, b}, flow.Ports.Minus)
}

func (ps *portSets) memo(op portOp, f func(a, b flow.Ports) flow.Ports) portID {
	ps.lock.Lock()
	defer ps.lock.Unlock()
	id, ok := ps.cache[op]
	if !ok {
		id = ps.intern(f(ps.sets[op.a], ps.sets[op.b]))
		ps.cache[op] = id
	}
	return id
}

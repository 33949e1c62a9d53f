package network

import (
	"net/netip"

	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
)

// A patch is a piece of the world outside and what passes between it and a class.
type patch struct {
	addresses flow.Addresses
	shape     shape
}

// A patchPart is what became of a piece of the world outside.
type patchPart struct {
	addresses flow.Addresses
	part      part
}

// outsideChanges explains what passes between spots and the outside, once for each
// class and direction.
type outsideChanges struct {
	*explainer
	patches map[[2]*outside][]patch
	known   [2]map[int32][]patchPart
}

func newOutsideChanges(x *explainer) *outsideChanges {
	return &outsideChanges{explainer: x, patches: map[[2]*outside][]patch{}, known: [2]map[int32][]patchPart{{}, {}}}
}

// outsides are what both estates say of a class.
func (o *outsideChanges) outsides(dir netpol.Direction, class int32) [2]*outside {
	var out [2]*outside
	for _, v := range ages {
		s := o.sides[v]
		out[v] = s.outside[dir][s.base.sides[dir].of[o.classes[class].classes[v]]]
	}
	return out
}

// of returns what became of all that passes between a spot and the outside.
func (o *outsideChanges) of(dir netpol.Direction, at int32) []patchPart {
	class := o.spots[at].class
	out, ok := o.known[dir][class]
	if !ok {
		out = o.explained(dir, at, o.contrasts(o.outsides(dir, class)))
		o.known[dir][class] = out
	}
	return out
}

// contrasts returns all pieces of the outside, also those where nothing differs, when
// some differ; else none.
func (o *outsideChanges) contrasts(pair [2]*outside) []patch {
	out, ok := o.patches[pair]
	if ok {
		return out
	}
	if !o.sameSpans(pair[before].sure, pair[after].sure) || !o.sameSpans(pair[before].unknown, pair[after].unknown) {
		out = o.laid(pair)
	}
	o.patches[pair] = out
	return out
}

func (o *outsideChanges) sameSpans(a, b []span) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if o.joined(o.sides[before], a[i].ports) != o.joined(o.sides[after], b[i].ports) || !a[i].addresses.Equal(b[i].addresses) {
			return false
		}
	}
	return true
}

// laid lays the spans of both sides over each other.
func (o *outsideChanges) laid(pair [2]*outside) []patch {
	list := []patch{{addresses: flow.AllAddresses()}}
	for _, v := range ages {
		for _, s := range pair[v].sure {
			list = cutPatches(list, s.addresses, func(p *patch) { p.shape[v].allow = o.joined(o.sides[v], s.ports) })
		}
		for _, s := range pair[v].unknown {
			list = cutPatches(list, s.addresses, func(p *patch) { p.shape[v].unknown = o.joined(o.sides[v], s.ports) })
		}
	}
	return list
}

func cutPatches(list []patch, by flow.Addresses, set func(*patch)) []patch {
	var out []patch
	for _, p := range list {
		in, rest := p, p
		in.addresses, rest.addresses = p.addresses.Intersect(by), p.addresses.Minus(by)
		if !in.addresses.IsEmpty() {
			set(&in)
			out = append(out, in)
		}
		if !rest.addresses.IsEmpty() {
			out = append(out, rest)
		}
	}
	return out
}

// explained finds the causes in each piece, and joins pieces that became the same.
func (o *outsideChanges) explained(dir netpol.Direction, at int32, patches []patch) []patchPart {
	var out []patchPart
	kinds := o.kindsOfAll(patches)
	edits := o.edits.union(o.touch(dir, at), o.edits.set(o.edits.nodesEdited))
	for _, p := range patches {
		if p.shape.isSame() {
			continue
		}
		key := pairing{none, none, p.shape, edits, kinds}
		t := o.trial(dir, at, p.addresses.First())
		pieces := []place{{p.addresses, p.addresses.First()}}
		if len(o.edits.sets[edits]) > 1 {
			pieces = o.places(p.addresses, t)
		}
		for _, piece := range pieces {
			for _, part := range o.parts(key, o.trial(dir, at, piece.example)) {
				out = addPatch(out, patchPart{piece.addresses, part})
			}
		}
	}
	return out
}

func addPatch(list []patchPart, add patchPart) []patchPart {
	for i := range list {
		if list[i].part == add.part {
			list[i].addresses = list[i].addresses.Union(add.addresses)
			return list
		}
	}
	return append(list, add)
}

// kindsOfAll looks at the outside as a whole: one more range is a wider connection.
func (o *outsideChanges) kindsOfAll(patches []patch) kinds {
	empty := [2]bool{true, true}
	gains, loses := false, false
	for _, p := range patches {
		for _, v := range ages {
			empty[v] = empty[v] && p.shape[v] == bound{}
		}
		gains = gains || o.moved(p.shape, moves[0][0], moves[0][1]) != noPorts
		loses = loses || o.moved(p.shape, moves[1][0], moves[1][1]) != noPorts
	}
	return kindsFrom(empty[before], empty[after], gains, loses)
}

func (o *outsideChanges) trial(dir netpol.Direction, at int32, a netip.Addr) trial {
	inside := o.spots[at].stand(0, 0)
	t := trial{ledger: o.edits, ends: [2]stand{inside, outsideStand(a)}}
	if dir == netpol.Ingress {
		t.ends = [2]stand{outsideStand(a), inside}
	}
	return t
}

// places cuts addresses where what policies say of addresses ends, and returns one
// address of each piece with the piece.
func (x *explainer) places(all flow.Addresses, t trial) []place {
	pieces := []flow.Addresses{all}
	x.eachRule(t, func(r netpol.Rule) {
		for _, peer := range r.Peers {
			for _, e := range x.edits.engines {
				for _, border := range e.borders(peer) {
					pieces = cut(pieces, border)
				}
			}
		}
	})
	for _, n := range x.edits.nodes {
		for _, node := range n.versions {
			if node != nil && n.edit != none {
				pieces = cut(pieces, single(node.Addresses))
			}
		}
	}
	for _, s := range t.ends {
		for _, v := range ages {
			if !s.isOutside() {
				pieces = cut(pieces, x.edits.engines[v].nodeAddresses(s.pods[v]).maybe)
			}
		}
	}
	out := make([]place, len(pieces))
	for i, p := range pieces {
		out[i] = place{p, p.First()}
	}
	return out
}

// A place is a piece of the world outside, and an address in it.
type place struct {
	addresses flow.Addresses
	example   netip.Addr
}

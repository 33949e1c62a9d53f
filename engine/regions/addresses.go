package regions

import (
	"net/netip"
	"slices"
)

// noAddress is that of a client on the socket.
var noAddress netip.Addr

// everywhere is all addresses.
var everywhere = cubes{v4: {{}}, v6: {{}}}

// maxRemembered bounds how many nodes are remembered by their records.
const maxRemembered = 1 << 16

// addresses divides a node by addresses, if the transport has any. What was found
// for the same records under another user or database is found again.
func (w *walker) addresses(n node) []piece {
	sig := signature(n, string(rune(w.at.transports)))
	found, known := w.remembered[sig]
	if !known {
		found = w.divideAddresses(n)
		if len(w.remembered) < maxRemembered {
			w.remembered[sig] = found
		}
		return found
	}
	out := slices.Clone(found)
	for i := range out {
		fresh := w.witness(out[i].world)
		fresh.Address, fresh.Certificate = out[i].witness.Address, out[i].witness.Certificate
		out[i].witness = fresh
	}
	return out
}

func (w *walker) divideAddresses(n node) []piece {
	w.at.witness.Address = noAddress
	if w.at.transports.Has(Socket) {
		return w.below(w.conditions(n, nil))
	}
	s := &splitter{w: w, at: map[string]int{}}
	for _, f := range []family{v4, v6} {
		s.split(n, f, w.start(n, f))
	}
	return s.pieces()
}

// start returns addresses of which all that are of interest are some: those of the
// focus, if they are one cube.
func (w *walker) start(n node, f family) cube {
	for _, i := range n.focus {
		if pred := w.addrOf(i); i.open && len(pred.nets[f]) == 1 && len(pred.atoms) == 0 {
			return pred.nets[f][0]
		}
	}
	return cube{}
}

func (w *walker) addrOf(i item) *addrPred { return w.places.list[w.recs[i.rec].address] }

// A splitter halves the addresses until no record of a chain is about some of a
// half's addresses only.
type splitter struct {
	w     *walker
	at    map[string]int // by signature of the chains
	found [][]piece
	cubes []cubes
}

func (s *splitter) split(n node, f family, c cube) {
	if s.w.question.done() {
		return
	}
	if !s.w.spend(n.size()) {
		s.add("", f, c, func() []piece { return s.w.abandon(nil) })
		return
	}
	n, ok := s.inside(n, f, c)
	if !ok {
		return
	}
	cut, shared := s.cut(n, f, c)
	switch {
	case cut == noCut:
		s.leaf(n, f, c)
	case shared != cube{}:
		s.around(n, f, c, shared)
		s.split(n, f, cube{c.base.or(shared.base), c.mask.or(shared.mask)})
	default:
		s.split(n, f, c.half(cut, false))
		s.split(n, f, c.half(cut, true))
	}
}

// leaf goes on to conditions for addresses that no record tells apart.
func (s *splitter) leaf(n node, f family, c cube) {
	s.w.at.witness.Address = c.some(f)
	s.add(signature(n, "."), f, c, func() []piece { return s.w.conditions(n, nil) })
}

// around is the part of c in which some shared bit differs, so that no open item is
// met: one cube for each bit.
func (s *splitter) around(n node, f family, c, shared cube) {
	outside := c
	outside.base = outside.base.or(bit(shared.mask.leading()).andNot(shared.base))
	outside.mask = outside.mask.or(bit(shared.mask.leading()))
	n, ok := s.inside(n, f, outside)
	if !ok {
		return
	}
	for rest := shared.mask; rest != (words{}); {
		b := bit(rest.leading())
		s.leaf(n, f, cube{c.base.or(b.andNot(shared.base)), c.mask.or(b)})
		c = cube{c.base.or(b.and(shared.base)), c.mask.or(b)}
		rest = rest.andNot(b)
	}
}

func (s *splitter) add(sig string, f family, c cube, walk func() []piece) {
	i, known := s.at[sig]
	if !known {
		i = len(s.found)
		s.at[sig] = i
		s.found, s.cubes = append(s.found, walk()), append(s.cubes, cubes{})
	}
	s.cubes[i][f] = append(s.cubes[i][f], c)
}

// inside returns the chains that attempts from c can meet; false where nothing of
// interest is among them.
func (s *splitter) inside(n node, f family, c cube) (node, bool) {
	var out node
	from, to := n.chains(), out.chains()
	for _, i := range []int{2, 0, 1} { // the focus first
		*to[i] = s.meeting(*from[i], f, c)
		if i == 2 && len(*to[i]) < len(*from[i]) {
			return out, false
		}
	}
	s.w.tidy(&out, byAddress)
	return out, !s.w.question.settled(out, byAddress)
}

// meeting returns the items that addresses of c can match.
func (s *splitter) meeting(chain []item, f family, c cube) []item {
	out := make([]item, 0, len(chain))
	for _, i := range chain {
		if i.open {
			pred := s.w.addrOf(i)
			some, all := pred.meets(f, c)
			switch {
			case all:
				i.open = false
			case some:
			case len(pred.atoms) == 0:
				continue
			default:
				i.open, i.cond = false, s.w.both(i.cond, pred.atoms)
			}
		}
		out = append(out, i)
	}
	return out
}

// noCut is a bit that no address has.
const noCut = 128

// cut returns the first bit that an open item asks for, and the bits that all of
// them ask for alike.
func (s *splitter) cut(n node, f family, c cube) (first int, shared cube) {
	first, shared.mask = noCut, words{^uint64(0), ^uint64(0)}.andNot(c.mask)
	for _, chain := range n.chains() {
		for _, i := range *chain {
			if !i.open {
				continue
			}
			for _, net := range s.w.addrOf(i).nets[f] {
				if some, _ := c.meets(net); some {
					first, shared = net.narrow(first, shared, c)
				}
			}
		}
	}
	shared.base = shared.base.and(shared.mask)
	return first, shared
}

// narrow takes account of a cube that around is not inside of.
func (c cube) narrow(first int, shared, around cube) (int, cube) {
	open := c.mask.andNot(around.mask)
	if first == noCut {
		shared.base = c.base
	}
	shared.mask = shared.mask.and(open).andNot(c.base.xor(shared.base))
	return min(first, open.leading()), shared
}

// pieces gives what was found its addresses and joins what differs in nothing else.
func (s *splitter) pieces() []piece {
	var out []piece
	var parts []cubes
	at := map[string]int{}
	for i, pieces := range s.found {
		for _, p := range s.w.below(pieces) {
			j, known := at[p.below]
			if !known {
				j = len(out)
				at[p.below] = j
				out, parts = append(out, p), append(parts, cubes{})
			}
			parts[j].join(s.cubes[i])
		}
	}
	for i := range out {
		out[i].addresses = parts[i].set()
		out[i].below = s.w.short(out[i].below + out[i].addresses.key())
	}
	return out
}

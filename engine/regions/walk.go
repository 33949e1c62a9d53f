package regions

import "slices"

// An item is a record of a chain as far as it is decided: cond is the formula of
// what cannot be known, open says that its address is still to be asked.
type item struct {
	rec, cond int32
	open      bool
}

// A node is a set of attempts with the records that they may still meet, in order.
// Only attempts that the focus matches are of interest, where there is one.
type node struct{ old, next, focus []item }

func (n node) size() int { return len(n.old) + len(n.next) + len(n.focus) }

// chains lets one step be written for all three.
func (n *node) chains() [3]*[]item { return [3]*[]item{&n.old, &n.next, &n.focus} }

func (n node) clone() node {
	return node{slices.Clone(n.old), slices.Clone(n.next), slices.Clone(n.focus)}
}

// A question is what is asked of all attempts.
type question interface {
	// settled reports whether nothing of interest is left among a node's attempts.
	settled(n node, l level) bool
	// touching returns items one of which must match where something of interest is.
	touching(n node, l level) []item
	// decided looks at attempts whose deciding records are known.
	decided(w *walker, n node) []piece
	// done reports whether everything asked for has been found.
	done() bool
}

// A walker divides all attempts until the question has its answer.
type walker struct {
	*program
	question question
	budget   int
	spent    bool // the budget was not enough
	at       place
	seen     [4]stamps
	scratch  [3]node
	// remembered is what was found behind nodes that are divided by addresses.
	remembered map[string][]piece
	keys       table[struct{}]
}

// place is where the walker is, with an example of each dimension.
type place struct {
	transports     Transports
	witness        Attempt
	user, database spot
	world          world
}

// A spot is a point of a dimension.
type spot struct {
	d  *dimension
	pt point
}

// stamps remember numbers since the last call of next.
type stamps struct {
	of  []int32
	now int32
}

func (s *stamps) next(size int) {
	for len(s.of) < size {
		s.of = append(s.of, 0)
	}
	s.now++
}

// add reports whether the number is new.
func (s *stamps) add(id int32) bool {
	fresh := s.of[id] != s.now
	s.of[id] = s.now
	return fresh
}

// A verdict is what is said of a piece.
type verdict struct {
	old, next        int32 // records; none where none matches
	oldKind, newKind Kind
	certificates     Certificates
	wording          bool
	leftOut          bool // the budget ended before anything could be said
}

// A piece is a region in the making, filled in from the last dimension to the first.
type piece struct {
	verdict
	conditions world
	addresses  AddressSet
	databases  NameSet
	users      NameSet
	transports Transports
	below      string // everything but the dimension that is being filled in
	witness    Attempt
	world      world // of the witness
}

func newWalker(p *program, q question) *walker {
	w := &walker{program: p, question: q, budget: p.Budget, remembered: map[string][]piece{}}
	if w.budget == 0 {
		w.budget = DefaultBudget
	}
	return w
}

// spend counts work; false says that the budget is used up.
func (w *walker) spend(n int) bool {
	w.charge(w.debt)
	w.debt = 0
	if w.budget < n {
		w.budget, w.spent = 0, true
		return false
	}
	w.budget -= n
	return true
}

// charge counts work that is done whatever is left of the budget.
func (w *walker) charge(n int) { w.budget = max(0, w.budget-n) }

// abandon says of everything below that nothing is known.
func (w *walker) abandon(at world) []piece {
	w.at.world = at
	return []piece{w.piece(verdict{old: none, next: none, leftOut: true, certificates: AnyCertificate})}
}

// abandonAll is abandon for a whole dimension; names fills in what is below it.
func (w *walker) abandonAll(names func(*piece)) []piece {
	w.spent = true
	out := w.below(w.abandon(nil))
	if !w.at.transports.Has(Socket) {
		out[0].addresses = everywhere.set()
	}
	names(&out[0])
	out[0].below = w.short(out[0].below + out[0].addresses.key() + "|" + out[0].databases.key())
	return out
}

// below gives pieces the key of what is known of them.
func (w *walker) below(pieces []piece) []piece {
	for i := range pieces {
		p := &pieces[i]
		b := append([]byte(nil), key(p.old, p.next, int32(p.certificates))...)
		b = append(b, p.oldKind...)
		b = append(append(b, 0), p.newKind...)
		b = append(b, bitOf(p.wording), bitOf(p.leftOut))
		for _, a := range p.conditions {
			b = append(append(b, key(a.atom)...), bitOf(a.holds))
		}
		p.below = w.short(string(b))
	}
	return pieces
}

// short returns a short key for a long one.
func (w *walker) short(long string) string {
	return key(w.keys.id(long, func() struct{} { return struct{}{} }))
}

func bitOf(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// piece returns a piece for where the walker is.
func (w *walker) piece(v verdict) piece {
	out := piece{verdict: v, conditions: w.at.world, world: w.at.world, witness: w.witness(w.at.world)}
	out.witness.Certificate = first(v.certificates)
	return out
}

func first(c Certificates) Certificates { return c & -c }

// walk asks the question of all attempts.
func (w *walker) walk(n node) []piece {
	var out []piece
	for _, g := range w.byTransport(n) {
		if w.question.done() {
			break
		}
		w.at = place{transports: g.transports}
		w.at.witness.Transport = g.transports.List()[0]
		for _, p := range w.users(g.node) {
			p.transports = g.transports
			out = append(out, p)
		}
	}
	return joinTransports(out)
}

// joinTransports joins pieces that differ in nothing else.
func joinTransports(pieces []piece) []piece {
	at := map[string]int{}
	var out []piece
	for _, p := range pieces {
		if i, known := at[p.below]; known {
			out[i].transports |= p.transports
			continue
		}
		at[p.below] = len(out)
		out = append(out, p)
	}
	return out
}

type group struct {
	transports Transports
	node       node
}

// byTransport joins transports that meet the same records; certificates are asked
// for by records that TLS alone meets.
func (w *walker) byTransport(n node) []group {
	var out []group
	for _, t := range allTransports {
		g := group{Of(t), node{w.of(n.old, t), w.of(n.next, t), w.of(n.focus, t)}}
		w.tidy(&g.node, byUser)
		if len(g.node.focus) < len(n.focus) || w.question.settled(g.node, byUser) {
			continue
		}
		i := slices.IndexFunc(out, func(o group) bool {
			return !o.transports.Has(Socket) && slices.Equal(o.node.old, g.node.old) &&
				slices.Equal(o.node.next, g.node.next)
		})
		if i >= 0 {
			out[i].transports |= g.transports
		} else {
			out = append(out, g)
		}
	}
	return out
}

func (w *walker) of(chain []item, t Transport) []item {
	var out []item
	for _, i := range chain {
		if w.recs[i.rec].types.Has(t) {
			out = append(out, i)
		}
	}
	return out
}

// tidy drops from the chains what is never reached: a repetition of what an earlier
// item asks, and everything behind an item that asks nothing more.
func (w *walker) tidy(n *node, l level) {
	n.old, n.next = w.tidyChain(n.old, l), w.tidyChain(n.next, l)
}

func (w *walker) tidyChain(chain []item, l level) []item {
	w.seen[l].next(len(w.pairs.list) + len(w.places.list))
	out := chain[:0]
	for _, i := range chain {
		r := &w.recs[i.rec]
		if l == byAddress && !i.open {
			out = append(out, i)
			if i.cond == 0 {
				break
			}
			continue
		}
		if i.cond != 0 {
			if w.seen[l].of[r.left[l]] != w.seen[l].now {
				out = append(out, i)
			}
			continue
		}
		if w.seen[l].add(r.left[l]) {
			out = append(out, i)
		}
		if r.exhausts[l] {
			break
		}
	}
	return out
}

// alike reports whether two items of chains do the same with the same attempts.
func (w *walker) alike(a, b item, l level) bool {
	if a.cond != b.cond || a.open != b.open {
		return false
	}
	ra, rb := &w.recs[a.rec], &w.recs[b.rec]
	if l == byAddress && !a.open {
		return ra.action == rb.action
	}
	return ra.same[l] == rb.same[l]
}
